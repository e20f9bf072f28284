"""A page that shows the pictures of all states side by side: a row for each state, a column for each look."""

from collections.abc import Iterable
from html import escape
from pathlib import Path
from urllib.parse import quote

HEAD = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Every page in every state</title>
<style>body { font: 1rem system-ui; } th { text-align: left; vertical-align: top; }
td { padding: .5rem; vertical-align: top; } img { width: 20rem; border: 1px solid gray; }</style>
"""


def write(folder: Path, states: Iterable[str], looks: Iterable[str]) -> None:
    """Write index.html into the folder of the pictures `STATE LOOK.webp`; those that there are not are left out."""
    columns = list(looks)
    lines = [HEAD, "<table><tr><th>State</th>", *(f"<th>{escape(look)}</th>" for look in columns), "</tr>"]
    lines += [
        f"<tr><th>{escape(state)}</th>{''.join(_cell(folder, state, look) for look in columns)}</tr>"
        for state in states
    ]
    (folder / "index.html").write_text("\n".join([*lines, "</table></html>\n"]))


def _cell(folder: Path, state: str, look: str) -> str:
    name = f"{state} {look}.webp"
    if not (folder / name).is_file():
        return "<td></td>"
    picture = f'<img loading="lazy" src="{quote(name)}" alt="{escape(name)}">'
    return f'<td><a href="{quote(name)}">{picture}</a></td>'
