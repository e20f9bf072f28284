"""The documentation says what the code says."""

import ast
import importlib
import re
import shlex
from collections.abc import Collection, Iterator, Mapping
from enum import StrEnum
from pathlib import Path

import click
import order_tables
import pytest
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from cli.main import COMMANDS, tessera
from cli.service import adopt, demo, importing, supervisor
from models import errors
from models.rules import order_words, orders
from models.rules.lifecycle import NEXT, NEXT_OF_PART
from models.settings import Settings

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [
    *(ROOT / f"{name}.md" for name in ("README", "CONTRIBUTING", "CHANGELOG", "SECURITY")),
    *sorted(DOCS.rglob("*.md")),
]
HOUSE = {"models", "worker", "web", "cli"}
CODES_WITHOUT_A_CLASS = {
    "duplicate",
    "near_duplicate",
    "removed",
    "token_needed",
}
DEFAULTS = {name: field.default for name, field in Settings.model_fields.items()}
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")


def page(name: str) -> str:
    return (DOCS / "reference" / name).read_text()


def diagram(table: Mapping[StrEnum, Collection[StrEnum]]) -> list[str]:
    """The lines of the diagram of states, as a table has them; its first state is where all begins."""
    moves = [f"    {state} --> {following}" for state in table for following in sorted(table[state])]
    ends = [f"    {state} --> [*]" for state in table if not table[state]]
    return ["stateDiagram-v2", f"    [*] --> {next(iter(table))}", *moves, *ends]


def kinds(root: type[errors.TesseraError]) -> Iterator[type[errors.TesseraError]]:
    yield root
    for kind in root.__subclasses__():
        yield from kinds(kind)


def anchors(path: Path) -> set[str]:
    """What headings of a page can be linked to by, as GitHub makes it."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(text: str) -> list[str]:
    return [target for target in LINK.findall(text) if not target.startswith(("http://", "https://"))]


def test_the_diagrams_of_states_are_those_in_the_code():
    shown = re.findall(r"```mermaid\n(.*?)```", page("lifecycle.md"), re.DOTALL)
    assert [each.splitlines() for each in shown] == [diagram(NEXT), diagram(NEXT_OF_PART)]


@pytest.mark.parametrize("field", Settings.model_fields)
def test_every_setting_has_its_line(field: str):
    assert f"| `TESSERA_{field.upper()}` |" in page("settings.md")


def cells_of(text: str, first: str) -> list[str]:
    """The other cells of the row of a table that begins with a cell."""
    (row,) = re.findall(rf"^\| {re.escape(first)} \|(.*)\|$", text, re.MULTILINE)
    return [cell.strip() for cell in row.split("|")]


def shown_default(field: FieldInfo) -> str:
    """A default as the table of settings writes it."""
    value = field.default.get_secret_value() if isinstance(field.default, SecretStr) else field.default
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"{value:g}" if isinstance(value, float) else str(value) if isinstance(value, int) else f"`{value}`"


def shown_range(field: FieldInfo) -> str:
    """A range as the table of settings writes it."""
    bounds = {name: getattr(end, name) for end in field.metadata for name in ("gt", "ge", "le") if hasattr(end, name)}
    if "gt" in bounds:
        return f"above {bounds['gt']}"
    return f"{bounds['ge']} to {bounds['le']}" if "le" in bounds else f"{bounds['ge']} or more"


WITH_DEFAULTS = [
    name for name, field in Settings.model_fields.items() if field.default not in ("", (), SecretStr(""))
]
WITH_RANGES = [name for name in WITH_DEFAULTS if Settings.model_fields[name].metadata and name != "cache_bytes"]


@pytest.mark.parametrize("name", WITH_DEFAULTS)
def test_the_default_of_every_setting_is_the_one_in_the_code(name: str):
    default, *_ = cells_of(page("settings.md"), f"`TESSERA_{name.upper()}`")
    assert default.partition(" (")[0] == shown_default(Settings.model_fields[name])


@pytest.mark.parametrize("name", WITH_RANGES)
def test_the_range_of_every_setting_is_the_one_in_the_code(name: str):
    _, described, *_ = cells_of(page("settings.md"), f"`TESSERA_{name.upper()}`")
    assert re.sub(r" \(.*?\)", "", described) == shown_range(Settings.model_fields[name])


LIMITS = {
    "bytes of a request, and bytes that its zip inflates to": f"{DEFAULTS['max_upload_bytes'] >> 30} GiB",
    "photos of a request, sent singly; and files in each of its zips": f"{DEFAULTS['max_photos']:,} each",
    "files of an intake": f"{DEFAULTS['max_photos']:,}",
    "intakes that are open, bytes of all their files": f"{DEFAULTS['max_intakes']}, "
    f"{DEFAULTS['max_intake_bytes'] >> 30} GiB",
    "an intake to which nothing comes": f"{DEFAULTS['intake_hours']} hours",
    "targets of a batch": f"{DEFAULTS['max_targets']:,}",
    "parts of a form": f"{DEFAULTS['max_form_parts']:,}",
    "copies on a machine": f"{DEFAULTS['cache_bytes'] >> 30} GiB; `TESSERA_CACHE_BYTES`",
    "bytes": f"{DEFAULTS['max_picture_bytes'] >> 20} MiB for photos, and for targets and masks in a service; "
    "`TESSERA_MAX_PICTURE_BYTES`",
}


@pytest.mark.parametrize("what", LIMITS)
def test_the_page_of_limits_has_the_values_of_the_code(what: str):
    assert cells_of(page("limits.md"), what) == [LIMITS[what]]


def test_no_setting_is_described_that_does_not_exist():
    described = set(re.findall(r"^\| `TESSERA_(\w+)` \|", page("settings.md"), re.MULTILINE))
    assert described == {field.upper() for field in Settings.model_fields}


def test_every_error_code_has_its_line():
    ours_alone = {adopt.NotAdoptable, demo.DemoFailed, importing.ImportFailed, supervisor.ChildrenFailed}
    assert ours_alone <= set(kinds(errors.TesseraError))
    ours = {kind for kind in kinds(errors.TesseraError) if kind.__module__.partition(".")[0] in HOUSE}
    codes = {kind.code for kind in ours} | CODES_WITHOUT_A_CLASS
    described = set(re.findall(r"^\| `(\w+)` \|", page("error-codes.md"), re.MULTILINE))
    assert described == codes


@pytest.mark.parametrize("name", [name for name in dir(orders) if name.startswith("MAX_")])
def test_every_limit_of_an_order_is_written_down(name: str):
    assert f"{getattr(orders, name):,}" in page("limits.md")


@pytest.mark.parametrize("name", order_tables.PAGES)
def test_the_tables_of_orders_and_formats_are_those_of_the_code(name: str):
    assert page(name) == order_tables.PAGES[name](page(name)), "make tables writes it"


@pytest.mark.parametrize("name", ["cells_across", "fit"])
def test_the_defaults_that_are_written_by_hand_are_those_of_the_code(name: str):
    flag = {"cells_across": "`--cells`"}.get(name, f"`--{name}`")
    shown = orders.FIELDS[name].default
    found = [cells_of(page("api.md"), f"`{name}`")[0], cells_of(page("command-line.md"), flag)[0]]
    assert [each.strip("`") for each in found] == [shown, shown]


def test_every_loss_has_its_row_and_no_other():
    assert re.findall(r"^\| `([\w-]+)` \|", page("losses.md").partition("## By name")[2].partition("\n## ")[0],
                      re.MULTILINE) == [loss.value for loss in order_words.LossName]  # fmt: skip


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_is_described(name: str):
    context = click.Context(tessera, **tessera.context_settings)
    command = tessera.get_command(context, name)
    assert command is not None
    described = page("command-line.md").partition(f"## tessera {name}\n")[2].partition("\n## ")[0]
    options = [name for option in command.params for name in [*option.opts, *option.secondary_opts]]
    assert [name for name in options if name.startswith("-") and name not in described] == []
    assert described


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_relative_link_leads_to_a_file(path: Path):
    assert [target for target in links(path.read_text()) if not (path.parent / target).exists()] == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_anchor_of_a_link_is_a_heading(path: Path):
    found = re.findall(r"\]\(([^)#\s:]*)#([^)\s]+)\)", path.read_text())
    assert [f"{to}#{anchor}" for to, anchor in found if anchor not in anchors(path.parent / to if to else path)] == []


def lines_of_commands() -> Iterator[tuple[str, list[str]]]:
    """Every call of `tessera` in an example of a shell, and where it stands."""
    for path in PAGES:
        for block in re.findall(r"```sh\n(.*?)```", path.read_text(), re.DOTALL):
            for line in block.replace("\\\n", " ").splitlines():
                for call in re.findall(r"(?:^\s*|\| |xargs |exec worker )tessera( [^|;>]*)", line.partition(" #")[0]):
                    yield str(path.relative_to(ROOT)), shlex.split(re.sub(r"\$\([^)]*\)|\$\w+", "X", call))


CALLS = list(lines_of_commands())


def parsed(command: click.Command, words: list[str], parent: click.Context | None = None) -> None:
    """Parse the words of a call as click does, but for files that need not be there.

    Raises:
        click.UsageError: click would refuse them.
    """
    context = click.Context(command, parent=parent, info_name=command.name, **command.context_settings)
    given, left, _ = command.make_parser(context).parse_args(list(words))
    for option in command.params:
        value = given.get(option.name or "")
        for each in value if isinstance(value, (list, tuple)) else [value]:
            if isinstance(each, str) and not isinstance(option.type, (click.Path, click.File)):
                option.type.convert(each, option, context)
    if isinstance(command, click.Group):
        following = command.get_command(context, left[0]) if left else None
        if following is None:
            raise click.UsageError(f"no such command: {left}")
        parsed(following, left[1:], context)


def test_the_documentation_calls_many_commands():
    assert len(CALLS) >= 30


@pytest.mark.parametrize(("path", "words"), CALLS, ids=[f"{path}: {' '.join(words)}" for path, words in CALLS])
def test_every_call_in_the_documentation_is_one_that_the_command_understands(path: str, words: list[str]):
    parsed(tessera, words)


def test_the_page_on_reliability_names_every_test_of_the_fault_suite_and_no_other():
    named = re.findall(r"`(test_\w+)`", (DOCS / "explanation/reliability.md").read_text())
    written = [
        name
        for path in (DOCS.parent / "tests/faults").glob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE)
    ]
    assert sorted(named) == sorted(written)


def modules(top: str) -> list[Path]:
    """Our own modules in a folder: npm's packages bring some of theirs."""
    return sorted(path for path in (ROOT / top).rglob("*.py") if "node_modules" not in path.parts)


WRITTEN = [path for top in ("models", "worker", "web", "cli", "tests", "benchmarks") for path in modules(top)]
PATH_NAME = re.compile(
    r"(?<![\w/.-])(?:(?:docs|models|worker|web|cli|tests|benchmarks)/[\w/-]+\.(?:md|py|ini|html|css|js))\b"
)
ROOM_NAME = re.compile(r"`((?:models|worker|web|cli)(?:\.(?!py\b)[a-zA-Z_]\w*)+)(?:\(\))?`")


@pytest.mark.parametrize("path", [*PAGES, *WRITTEN], ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_and_module_that_is_named_exists(path: Path) -> None:
    text = path.read_text()
    assert [name for name in PATH_NAME.findall(text) if not (ROOT / name).exists()] == []
    assert [name for name in ROOM_NAME.findall(text) if not is_there(name)] == []


@pytest.mark.parametrize("path", [*PAGES, *WRITTEN], ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_that_is_named_exists(path: Path) -> None:
    assert set(re.findall(r"(?<!kind )`tessera ([a-z]+)", path.read_text())) <= {*COMMANDS}


def is_there(name: str) -> bool:
    """Whether a dotted name is a module, a package, or what one of them defines."""
    *parents, last = name.split(".")
    place = ROOT.joinpath(*parents)
    if (place / last).is_dir() or (place / f"{last}.py").exists():
        return True
    holder = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
    return holder.exists() and re.search(rf"\b{last}\b", holder.read_text()) is not None


ROOMS = sorted(
    {str(path.parent.relative_to(ROOT)) for top in ("models", "worker", "web", "cli") for path in modules(top)}
    - {"models/migrations/versions"}
)


@pytest.mark.parametrize("room", ROOMS)
def test_the_architecture_names_every_module_and_no_other(room: str) -> None:
    """Every package has a table."""
    after = (DOCS / "explanation" / "architecture.md").read_text().partition(f"**{room}/** ")[2]
    table = re.split(r"^(?:\*\*|`|Contracts|## )", after, flags=re.MULTILINE)[0]
    named = [
        name
        for line in re.findall(r"^\| `.*$", table, re.MULTILINE)
        for name in re.findall(r"`(\w+)`", line.split("|")[1])
    ]
    assert sorted(named) == sorted({path.stem for path in (ROOT / room).glob("*.py")} - {"__init__"})


def test_the_changelog_says_each_thing_once():
    lines = re.findall(r"^- .+$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert [line for line in set(lines) if lines.count(line) > 1] == []


DROPPED = re.compile("crews?|cabinets?|shel(f|ves)|seal(s|ed|ing)?|litter|hearts?|wish(es|ed)?|told")
"""Words that the code called its own things by, until each thing had one name: docs/reference/glossary.md."""


def words_of(name: str) -> set[str]:
    """The words of a name, such as of `stop_reading` and of `TileSet`."""
    return {word.lower() for word in re.findall("[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)}


def names_in(path: Path) -> set[str]:
    """What a module calls its things: itself, its classes, functions and variables, and their arguments."""
    names = {path.stem}
    for node in ast.walk(ast.parse(path.read_text())):
        for field in ("name", "id", "attr", "arg", "asname"):
            names.add(getattr(node, field, None) or "")
    return names


@pytest.mark.parametrize("top", sorted(HOUSE | {"benchmarks"}))
def test_the_dropped_words_are_no_names_any_more(top: str):
    # What is public keeps its name: settings.
    public = {*Settings.model_fields}
    names = {f"{path.relative_to(ROOT)}: {name}" for path in modules(top) for name in names_in(path) - public}
    assert sorted(each for each in names if any(map(DROPPED.fullmatch, words_of(each.partition(": ")[2])))) == []


SAID = re.compile(r"(?<![a-z])(crews?|cabinets?|shel(?:f|ves)|hearts?|wish(?:es|ed)?)(?![a-z])", re.IGNORECASE)
"""Those of them that are no words of everyday use: they are not in any sentence either."""


@pytest.mark.parametrize(
    "path",
    [path for path in [*PAGES, *WRITTEN] if path != Path(__file__)],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_the_dropped_words_are_in_no_sentence(path: Path) -> None:
    assert SAID.findall(path.read_text()) == []


TERMS = re.findall(r"^\| ([a-z][a-z, -]*) \| .+ \| `(.+)` \|$", page("glossary.md"), re.MULTILINE)


def test_the_glossary_gives_every_word_once():
    words = [word for terms, _ in TERMS for word in terms.split(", ")]
    assert len(words) >= 50
    assert sorted(words) == sorted(set(words))


@pytest.mark.parametrize("place", sorted({place for _, places in TERMS for place in places.split("`, `")}))
def test_every_word_of_the_glossary_lives_where_it_says(place: str):
    try:
        importlib.import_module(place)
    except ModuleNotFoundError:
        module, _, name = place.rpartition(".")
        assert hasattr(importlib.import_module(module), name)
