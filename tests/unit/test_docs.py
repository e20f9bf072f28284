"""The documentation says what the code says."""

import re
from collections.abc import Collection, Iterator, Mapping
from enum import StrEnum
from pathlib import Path

import click
import pytest

from cli import demo, importing, supervisor
from cli.main import COMMANDS, tessera
from models import errors, orders
from models.lifecycle import NEXT, NEXT_OF_PART
from models.settings import Settings

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted(DOCS.rglob("*.md"))]
HOUSE = {"models", "worker", "web", "cli"}
CODES_WITHOUT_A_CLASS = {
    "database_unavailable",
    "duplicate",
    "form_expired",
    "near_duplicate",
    "removed",
    "token_needed",
}
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


def links(text: str) -> list[str]:
    return [target for target in LINK.findall(text) if not target.startswith(("http://", "https://"))]


def test_the_diagrams_of_states_are_those_in_the_code():
    shown = re.findall(r"```mermaid\n(.*?)```", page("lifecycle.md"), re.DOTALL)
    assert [each.splitlines() for each in shown] == [diagram(NEXT), diagram(NEXT_OF_PART)]


@pytest.mark.parametrize("field", Settings.model_fields)
def test_every_setting_has_its_line(field: str):
    assert f"| `TESSERA_{field.upper()}` |" in page("settings.md")


def test_no_setting_is_described_that_does_not_exist():
    described = set(re.findall(r"^\| `TESSERA_(\w+)` \|", page("settings.md"), re.MULTILINE))
    assert described == {field.upper() for field in Settings.model_fields}


def test_every_error_code_has_its_line():
    assert {demo.DemoFailed, importing.ImportFailed, supervisor.ChildrenFailed} <= set(kinds(errors.TesseraError))
    ours = {kind for kind in kinds(errors.TesseraError) if kind.__module__.partition(".")[0] in HOUSE}
    codes = {kind.code for kind in ours} | CODES_WITHOUT_A_CLASS
    described = set(re.findall(r"^\| `(\w+)` \|", page("error-codes.md"), re.MULTILINE))
    assert described == codes


@pytest.mark.parametrize("name", [name for name in dir(orders) if name.startswith("MAX_")])
def test_every_limit_of_an_order_is_written_down(name: str):
    assert f"{getattr(orders, name):,}" in page("limits.md")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_is_described(name: str):
    context = click.Context(tessera)
    command = tessera.get_command(context, name)
    assert command is not None
    described = page("command-line.md").partition(f"## tessera {name}\n")[2].partition("\n## ")[0]
    options = [name for option in command.params for name in [*option.opts, *option.secondary_opts]]
    assert [name for name in options if name.startswith("-") and name not in described] == []
    assert described


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_relative_link_leads_to_a_file(path: Path):
    assert [target for target in links(path.read_text()) if not (path.parent / target).exists()] == []


def test_the_page_on_reliability_names_every_test_of_the_fault_suite_and_no_other():
    named = re.findall(r"`(test_\w+)`", (DOCS / "explanation/reliability.md").read_text())
    written = [
        name
        for path in (DOCS.parent / "tests/faults").glob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE)
    ]
    assert sorted(named) == sorted(written)
