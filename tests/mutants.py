"""`make mutants`: change one small thing in the code, run the tests that go through it, and list what nobody noticed.

How it works: the chosen tests run once under coverage, which notes for every line which tests reach it. Then a seeded
sample of mutants is tried, each in a copy of the tree: one comparison, sum, constant, call, argument, answer or
refusal of one line is changed, and the tests that reach this line run until one fails. Where none is known to, since
the line runs as its module loads or in another process, the tests of the whole module run. A mutant that no test
fails for survives: either a test is missing there, or the change changes nothing that anyone could see.

    python tests/mutants.py [--most 24] [--seed 1] [MODULE ...]
"""

import argparse
import ast
import contextlib
import json
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from multiprocessing.process import BaseProcess
from pathlib import Path

import psutil
import pytest
from coverage import CoverageData

HERE = Path(__file__).parents[1]
STATE = [f"tests/integration/test_{name}.py" for name in ("jobs", "attempt", "parts", "watching")]
DOOR = ["tests/integration/test_web.py", "tests/integration/test_hostile.py"]
CORE = [
    f"tests/unit/test_{name}.py"
    for name in (
        "near_duplicates", "assign", "matcher", "colour", "compare", "compose", "descriptors", "gamut", "losses",
        "nearest", "miniature", "pruned", "quality", "tiff_header", "orientations", "index", "render", "images",
        "cells", "readers", "formats",
    )
]  # fmt: skip
TARGETS: dict[str, list[str]] = {
    "models/jobs.py": STATE,
    "models/parts.py": STATE,
    "models/rules/lifecycle.py": ["tests/unit/test_lifecycle.py", *STATE],
    "web/access.py": DOOR,
    "worker/jobs/attempt.py": STATE,
    "models/rules/array_file.py": ["tests/unit/test_array_file.py", "tests/unit/test_index.py"],
    **{str(path.relative_to(HERE)): CORE for path in sorted((HERE / "worker/core").rglob("[!_]*.py"))},
}
"""Each module, and the files of tests that should notice a change in it; its own examples are tests too."""
AT_ONCE = 2
LEAST_KILLED = 0.85
ENOUGH_SECONDS = 60.0
"""Of the tests that reach a line the quickest run, up to so many seconds."""
TIMES_SLOWER = 5
SLACK_SECONDS = 30.0
"""Tests that take so many times as long as they did, and this, wait for something that never comes: a kill too."""

COMPARISONS = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
SUMS = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Div,
    ast.Mod: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.LShift: ast.RShift, ast.Pow: ast.Mult,
}  # fmt: skip
CALLS = {"min": "max", "max": "min", "any": "all", "all": "any", "minimum": "maximum", "maximum": "minimum"}

SAID = {"strict", "copy"}
"""Arguments that say what holds anyway, or what is quicker: another value changes no answer."""


@dataclass(frozen=True)
class Mutant:
    """One change: characters `start` to `end` of a module become `new`."""

    module: str
    statement: int
    line: int
    start: int
    end: int
    old: str
    new: str

    @property
    def shown(self) -> str:
        """The change on one line."""
        return f"{self.module}:{self.line}  {' '.join(self.old.split())}  ->  {' '.join(self.new.split())}"


def variants(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what one node may be changed to."""
    if isinstance(node, ast.Compare) and type(node.ops[0]) in COMPARISONS:
        yield _with(node, ops=[COMPARISONS[type(node.ops[0])](), *node.ops[1:]])
    if isinstance(node, ast.BoolOp):
        yield _with(node, op=ast.And() if isinstance(node.op, ast.Or) else ast.Or())
    if isinstance(node, ast.BinOp) and type(node.op) in SUMS:
        yield _with(node, op=SUMS[type(node.op)]())
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.Not, ast.USub, ast.Invert)):
        yield node.operand
    if isinstance(node, ast.IfExp):
        yield _with(node, body=node.orelse, orelse=node.body)
    if isinstance(node, ast.Constant) and isinstance(node.value, (bool, int, float)):
        yield _with(node, value=not node.value if isinstance(node.value, bool) else node.value + 1)
    if isinstance(node, ast.Raise) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)):
        yield ast.Pass()
    if isinstance(node, ast.Return) and node.value is not None and not _is_none(node.value):
        yield _with(node, value=ast.Constant(None))
    if isinstance(node, ast.Call):
        yield from _changed_calls(node)


def _changed_calls(node: ast.Call) -> Iterator[ast.AST]:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if name in CALLS:
        changed = deepcopy(node)
        setattr(changed.func, "attr" if isinstance(node.func, ast.Attribute) else "id", CALLS[name])
        yield changed
    for index, keyword in enumerate(node.keywords):
        if keyword.arg not in {None, *SAID}:
            yield _with(node, keywords=node.keywords[:index] + node.keywords[index + 1 :])


def _with(node: ast.AST, **fields: object) -> ast.AST:
    changed = deepcopy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed


def _is_none(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def mutants(module: str) -> list[Mutant]:
    """Return every mutant of a module; logs, sentences, annotations and what changes no answer stay."""
    text = (HERE / module).read_text()
    starts = [0]
    for line in text.encode().splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    found = []
    for node, statement in _code(ast.parse(text)):
        for new in variants(node):
            start, end = starts[node.lineno - 1] + node.col_offset, starts[node.end_lineno - 1] + node.end_col_offset
            written = ast.unparse(ast.fix_missing_locations(new))
            if isinstance(new, ast.expr) and not isinstance(new, (ast.Constant, ast.Call, ast.Name, ast.Attribute)):
                written = f"({written})"
            found.append(
                Mutant(module, statement, node.lineno, start, end, text.encode()[start:end].decode(), written)
            )
    return found


def _code(node: ast.AST, statement: int = 0) -> Iterator[tuple[ast.AST, int]]:
    """Yield the nodes that do something, each with the line on which its statement begins."""
    for name, value in ast.iter_fields(node):
        if name in {"annotation", "returns", "decorator_list"} or isinstance(node, ast.Raise):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not _is_said(child):
                first = child.lineno if isinstance(child, ast.stmt) else statement
                yield child, first
                yield from _code(child, first)


def _is_said(node: ast.AST) -> bool:
    if isinstance(node, ast.keyword):
        return node.arg in SAID
    call = node.value if isinstance(node, ast.Expr) else None
    logged = isinstance(call, ast.Call) and ast.unparse(call.func).startswith("log.")
    return logged or isinstance(node, ast.JoinedStr)


class Reach:
    """Which tests reach which lines, and how long each takes."""

    def __init__(self, modules: Iterable[str], copy: Path) -> None:
        tests = {test for module in modules for test in TARGETS[module]}
        sources = {f"--cov={module.partition('/')[0]}" for module in modules}
        noted = copy / "seconds.json"
        arguments = [*sorted(sources), "--cov-context=test", "--cov-report=", *modules, *sorted(tests)]
        measuring = started(copy, arguments, noted)
        measuring.join()
        if measuring.exitcode:
            print((copy / "said").read_text()[-4000:])
            sys.exit("The tests must pass before anything is changed.")
        self._seconds: dict[str, float] = json.loads(noted.read_text())
        self._tests: dict[tuple[str, int], set[str]] = defaultdict(set)
        data = CoverageData(str(copy / ".coverage"))
        data.read()
        for name in data.measured_files():
            module = os.path.relpath(name, copy)
            for line, contexts in data.contexts_by_lineno(name).items():
                self._tests[module, line] |= {context.partition("|")[0] for context in contexts if context}

    def tests(self, mutant: Mutant) -> list[str]:
        """Return the tests to run for a mutant, the quickest first."""
        module = mutant.module
        reaching = self._tests[module, mutant.line] or self._tests[module, mutant.statement]
        reaching = reaching or {test for (name, _), tests in self._tests.items() if name == module for test in tests}
        chosen = self.quickest_first(reaching)
        spent = [*accumulate(self._seconds.get(test, 1.0) for test in chosen)]
        return chosen[: max(1, bisect_right(spent, ENOUGH_SECONDS))]

    def quickest_first(self, tests: Iterable[str]) -> list[str]:
        """Return tests in the order in which they run."""
        return sorted(tests, key=lambda test: (self._seconds.get(test, 1.0), test))

    def seconds(self, tests: Iterable[str]) -> float:
        """Return how long tests took, one after the other."""
        return sum(self._seconds.get(test, 1.0) for test in tests)


class Measuring:
    """A plugin of pytest: how long each test takes; none finds what an earlier one has had computed."""

    def __init__(self, noted: Path) -> None:
        self._noted = noted
        self._seconds: Counter[str] = Counter()

    def pytest_runtest_setup(self) -> None:
        for target in TARGETS:
            loaded = sys.modules.get(target.removesuffix(".py").replace("/", "."))
            for value in list(vars(loaded).values()) if loaded else []:
                if isinstance(value, type(cache(len))):
                    value.cache_clear()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._seconds[report.nodeid] += report.duration

    def pytest_sessionfinish(self) -> None:
        self._noted.write_text(json.dumps(self._seconds))


def started(copy: Path, arguments: list[str], noted: Path | None = None) -> BaseProcess:
    """Start pytest in a copy of the tree, as a fork that has other people's packages loaded already."""
    process = multiprocessing.get_context("fork").Process(target=_test, args=(copy, arguments, noted))
    process.start()
    return process


def _test(copy: Path, arguments: list[str], noted: Path | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.setsid()
    os.chdir(copy)
    sys.path.insert(0, str(copy))
    os.environ["PYTHONPATH"] = str(copy)  # for the processes that the tests start
    os.environ["COVERAGE_FILE"] = str(copy / ".coverage")
    os.environ["TMPDIR"] = tempfile.tempdir = str(copy.parent / "tmp")
    Path(tempfile.tempdir).mkdir()
    sys.stdout.flush()
    with (copy / "said").open("w") as said:
        os.dup2(said.fileno(), 1)
        os.dup2(said.fileno(), 2)
        code = pytest.main(
            ["-q", "-x", "-p", "no:cacheprovider", *arguments], plugins=[Measuring(noted)] if noted else []
        )
    os._exit(int(code))


def cleared(room: Path) -> None:
    """End what a trial has left running, known by the folder that it works in, and remove what it has left there."""
    for process in psutil.process_iter(["cwd"]):
        if room in Path(process.info["cwd"] or "/").parents:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
    shutil.rmtree(room / "tmp", ignore_errors=True)


@dataclass
class Trial:
    """Tests that run in a copy with one mutant, or with none."""

    module: str
    mutant: Mutant | None
    tests: list[str]
    patience: float
    late: bool = False

    def start(self, copy: Path) -> None:
        """Change the copy, and start the tests."""
        self.copy, self.began = copy, time.monotonic()
        self._whole = (copy / self.module).read_bytes()
        if made := self.mutant:
            (copy / self.module).write_bytes(self._whole[: made.start] + made.new.encode() + self._whole[made.end :])
        self.process = started(copy, self.tests)

    def ended(self) -> bool:
        """Whether the answer is known, and the copy is as it was; what takes too long is ended."""
        self.late = self.process.is_alive() and time.monotonic() - self.began > self.patience
        if self.process.is_alive() and not self.late:
            return False
        cleared(self.copy.parent)
        self.process.join()
        (self.copy / self.module).write_bytes(self._whole)
        return True

    @property
    def survived(self) -> bool:
        """Whether every test passed."""
        return self.process.exitcode == 0


def trials(chosen: list[Mutant], reach: Reach) -> Iterator[Trial]:
    """Yield a trial of the unchanged module, whose tests must pass in this order too, and one of each mutant."""
    used = {test for mutant in chosen for test in reach.tests(mutant)}
    for mutant in [None, *chosen] if chosen else []:
        tests = reach.tests(mutant) if mutant else reach.quickest_first(used)
        patience = SLACK_SECONDS + TIMES_SLOWER * reach.seconds(tests)
        yield Trial(chosen[0].module, mutant, tests, patience)


def try_all(waiting: list[Trial], copies: list[Path]) -> Iterator[Trial]:
    """Make trials, as many at once as there are copies; yield each when its answer is known."""
    free, running = list(copies), list[Trial]()
    while waiting or running:
        while waiting and free:
            running.append(waiting.pop(0))
            running[-1].start(free.pop())
        for trial in [trial for trial in running if trial.ended()]:
            running.remove(trial)
            free.append(trial.copy)
            yield trial
        time.sleep(0.02)


def copied(folder: Path) -> Path:
    """Copy what git tracks; no compiled code is kept there, since two mutants may be of one size and one second."""
    sys.dont_write_bytecode = True
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=HERE, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(HERE / name, folder / name)
    return folder


def main() -> int:
    """Try mutants, print those that survive and a line for each module; 1 when too many did."""
    asked = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    asked.add_argument("modules", nargs="*", metavar="MODULE", help=f"among {', '.join(TARGETS)}")
    asked.add_argument("--most", type=int, default=24, help="mutants of each module (default 24)")
    asked.add_argument("--seed", type=int, default=1, help="which ones (default 1)")
    chosen = asked.parse_args()
    if unknown := set(chosen.modules) - set(TARGETS):
        asked.error(f"no target: {', '.join(sorted(unknown))}")
    modules = chosen.modules or list(TARGETS)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("Ended."))
    with tempfile.TemporaryDirectory(prefix="tessera-mutants-") as name:
        copies = [copied(Path(name) / str(number) / "code") for number in range(AT_ONCE)]
        try:
            return report(modules, sampled(modules, chosen.most, chosen.seed), copies)
        finally:
            for copy in copies:
                cleared(copy.parent)


def sampled(modules: list[str], most: int, seed: int) -> list[list[Mutant]]:
    """Return some mutants of each module, the same ones whichever other modules are asked for."""
    possible = [mutants(module) for module in modules]
    print(f"At most {most} of each module's mutants; in all there are {sum(map(len, possible))}", flush=True)
    for module, found in zip(modules, possible, strict=True):
        random.Random(f"{seed} {module}").shuffle(found)  # noqa: S311 - a sample, no secret
    return [found[:most] for found in possible]


def report(modules: list[str], chosen: list[list[Mutant]], copies: list[Path]) -> int:
    """Try the chosen mutants, and print what became of them; 1 when too many survived."""
    print("Running the tests once, to see which of them reach what …", flush=True)
    reach = Reach(modules, copies[0])
    cleared(copies[0].parent)
    tried, killed, late = Counter[str](), Counter[str](), Counter[str]()
    print("The survivors:", flush=True)
    for trial in try_all([trial for each in chosen for trial in trials(each, reach)], copies):
        if trial.mutant is None:
            if not trial.survived:
                sys.exit(f"The tests of {trial.module} fail, or take too long, with nothing changed.")
            continue
        tried[trial.module] += 1
        killed[trial.module] += not trial.survived
        late[trial.module] += trial.late
        if trial.survived:
            print(trial.mutant.shown, flush=True)
    for module in modules:
        print(
            f"{module:40} {killed[module]:4} of {tried[module]:4} killed, {late[module]:2} of them by taking too long"
        )
    share = killed.total() / max(tried.total(), 1)
    print(f"{killed.total()} of {tried.total()} mutants killed: {share:.1%}; at least {LEAST_KILLED:.0%} are to be")
    return share < LEAST_KILLED


if __name__ == "__main__":
    for package in (
        "numpy", "scipy.optimize", "scipy.sparse", "sqlalchemy.orm", "celery", "apiflask", "PIL.Image", "pyvips",
        "hypothesis", "schemathesis", "psycopg", "redis", "requests", "alembic", "pydantic_settings", "structlog",
    ):  # fmt: skip
        __import__(package)
    sys.exit(main())
