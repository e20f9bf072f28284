"""The tables of the reference that say what a field of an order is: made from where the fields are declared.

`make tables` writes them; `test_docs` holds the pages to them. Rows that say more than the declaration are written by
hand, and stand in the same tables.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from models.rules.formats import Format
from models.rules.looks import DEFAULT_LOOK, LOOKS
from models.rules.order_fields import Group, OrderField
from models.rules.orders import FIELDS

REFERENCE = Path(__file__).parents[2] / "docs/reference"
BY_HAND = {"cells_across", "cell_width", "cell_height", "fit"}
"""What the pages explain at length."""
LOOK = "a set of the {0} below, see [Looks]({1}): {2}; what is given beside it counts"
"""What is said of looks, above the fields that they set."""
COMPARED = (Group.NEARNESS, Group.REPEATS)


def flag(name: str) -> str:
    return f"`{FIELDS[name].flag or '--' + name.replace('_', '-')}`"


def row(first: str, about: OrderField, default: str, sentence: str) -> str:
    shown = f"`{default}`" if default in about.words or about.kind is bool else default
    return f"| {first} | {shown} | {sentence[0].lower()}{sentence[1:].removesuffix('.')} |"


def look_names() -> str:
    return ", ".join(f"`{name}`" for name in LOOKS)


def api_rows() -> Iterator[str]:
    for name, about in FIELDS.items():
        if name == "loss":
            yield f"| `look` | `{DEFAULT_LOOK}` | {LOOK.format('fields', 'command-line.md#looks', look_names())} |"
        if name not in BY_HAND:
            words = f": {', '.join(f'`{word}`' for word in about.words)}" if about.words else ""
            yield row(f"`{name}`", about, about.default, about.meaning + words)


def option_rows() -> Iterator[str]:
    for name, about in FIELDS.items():
        if name == "loss":
            yield f"| `--look` | `{DEFAULT_LOOK}` | {LOOK.format('options', '#looks', look_names())} |"
        if name not in BY_HAND | {"format"} and about.group not in {Group.PRINT, Group.CROP}:
            default = "off" if about.kind is bool else about.default
            alone = "" if about.alone is None else f"; {about.alone:g} without a number"
            yield row(flag(name), about, default, (about.option or about.meaning) + alone).replace("`off`", "off")


def look_rows() -> Iterator[str]:
    for name, look in LOOKS.items():
        options = (flag(each) if value is True else said(each, value) for each, value in look.fields.items())
        shown = ", ".join(options) or "none"
        yield f"| `{name}` | {shown} | {look.meaning[0].lower()}{look.meaning[1:]} |"


def said(name: str, value: object) -> str:
    number = f"{value:g}" if isinstance(value, float) else f"{value}"
    return f"{flag(name)[:-1]} {number}`"


def limit_rows() -> Iterator[str]:
    for about in FIELDS.values():
        if about.ranged:
            what = f"{about.title}, {about.unit}" if about.unit else about.title
            yield f"| {what} | {about.least:,} | {about.most:,} |"


def format_rows() -> Iterator[str]:
    for each in Format:
        endings = ", ".join(f"`{suffix}`" for suffix in each.facts.suffixes)
        pixels = f"{each.facts.max_pixels:,}" if each.facts.max_pixels else "any number"
        quality = each.facts.quality or "nothing is lost"
        yield f"| `{each}` | {endings} | {each.facts.media_type} | {each.facts.max_side:,} | {pixels} | {quality} |"


def replaced(text: str, after: str, rows: Iterable[str]) -> str:
    """Put rows in the place of those of the same names, in the first table after some words."""
    start = text.index("\n|", text.index(after)) + 1
    end = text.index("\n\n", start)
    made = {line.split("|")[1]: line for line in rows}
    lines = text[start:end].split("\n")
    place = next(number for number, line in enumerate(lines) if line.split("|")[1] in made)
    others = [line for line in lines if line.split("|")[1] not in made]
    return text[:start] + "\n".join([*others[:place], *made.values(), *others[place:]]) + text[end:]


def compared(text: str) -> str:
    """Say which options `tessera compare` shares with `tessera render`."""
    shared = [flag(name) for name, about in FIELDS.items() if about.group in COMPARED and name != "loss"]
    return re.sub(r"(?<=`--cell-size`, `--fit`, ).*(?= \| \| as for `render`)", ", ".join(shared), text)


def api(text: str) -> str:
    return replaced(text, "Fields of `POST`:\n\n| Field | Default |", api_rows())


def command_line(text: str) -> str:
    return replaced(compared(replaced(text, "## tessera render\n", option_rows())), "### Looks\n", look_rows())


def limits(text: str) -> str:
    return replaced(replaced(text, "## Of an order\n", limit_rows()), "## Of a mosaic's file\n", format_rows())


PAGES = {"api.md": api, "command-line.md": command_line, "limits.md": limits}

if __name__ == "__main__":
    for name, written in PAGES.items():
        page = REFERENCE / name
        page.write_text(written(page.read_text()))
