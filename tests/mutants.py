"""`make mutants`: change one small thing in the code, run the tests that go through it, and list what nobody noticed.

How it works: the chosen tests run once under coverage, which notes for every line which tests reach it. Then a seeded
sample of mutants is tried, each in a copy of the tree: one comparison, sum, constant, call, argument or answer of one
line is changed, and the tests that reach this line run until one fails. A mutant that no test fails for survives:
either a test is missing there, or the change changes nothing that anyone could see.

    python tests/mutants.py [--most 40] [--seed 1] [MODULE ...]
"""

import argparse
import ast
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
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
from coverage import CoverageData

HERE = Path(__file__).parents[1]
STATE = [f"tests/integration/test_{name}.py" for name in ("jobs", "attempt", "parts", "watching")]
DOOR = ["tests/integration/test_web.py", "tests/integration/test_hostile.py"]
CORE = [
    f"tests/unit/test_{name}.py"
    for name in (
        "alike", "assign", "choose", "colour", "compare", "compose", "descriptors", "gamut", "losses", "match",
        "miniature", "quality", "tiff", "turns", "index", "render", "images",
    )
]  # fmt: skip
TARGETS: dict[str, list[str]] = {
    "models/jobs.py": STATE,
    "models/parts.py": STATE,
    "models/lifecycle.py": ["tests/unit/test_lifecycle.py", *STATE],
    "web/gate.py": DOOR,
    "worker/attempt.py": STATE,
    "worker/arrays.py": ["tests/unit/test_arrays.py", "tests/unit/test_index.py"],
    **{str(path.relative_to(HERE)): CORE for path in sorted((HERE / "worker/core").glob("[!_]*.py"))},
}
"""Each module, and the files of tests that should notice a change in it; its own examples are tests too."""
AT_ONCE = 2
LEAST_KILLED = 0.85
ENOUGH_SECONDS = 60.0
"""Of the tests that reach a line the quickest run, up to so many seconds."""
MOST_SECONDS = 240
"""A mutant that takes longer than this has made something endless, and is killed by that."""

COMPARISONS = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
SUMS = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Div,
    ast.Mod: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.LShift: ast.RShift, ast.Pow: ast.Mult,
}  # fmt: skip
CALLS = {"min": "max", "max": "min", "any": "all", "all": "any", "minimum": "maximum", "maximum": "minimum"}


@dataclass(frozen=True)
class Mutant:
    """One change: characters `start` to `end` of a module become `new`."""

    module: str
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
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
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
        if keyword.arg is not None:
            yield _with(node, keywords=node.keywords[:index] + node.keywords[index + 1 :])


def _with(node: ast.AST, **fields: object) -> ast.AST:
    changed = deepcopy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed


def _is_none(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def mutants(module: str, reached: set[int]) -> list[Mutant]:
    """Return every mutant of a module's lines that tests reach; logs, sentences and annotations stay as they are."""
    text = (HERE / module).read_text()
    starts = [0]
    for line in text.encode().splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    found = []
    for node in _code(ast.parse(text)):
        if getattr(node, "lineno", None) not in reached:
            continue
        start, end = starts[node.lineno - 1] + node.col_offset, starts[node.end_lineno - 1] + node.end_col_offset
        for new in variants(node):
            written = ast.unparse(ast.fix_missing_locations(new))
            if isinstance(new, ast.expr) and not isinstance(new, (ast.Constant, ast.Call, ast.Name, ast.Attribute)):
                written = f"({written})"
            found.append(Mutant(module, node.lineno, start, end, text.encode()[start:end].decode(), written))
    return found


def _code(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes that do something."""
    for name, value in ast.iter_fields(node):
        if name in {"annotation", "returns", "decorator_list"} or isinstance(node, ast.Raise):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not _is_log(child):
                yield child
                yield from _code(child)


def _is_log(node: ast.AST) -> bool:
    call = node.value if isinstance(node, ast.Expr) else None
    return isinstance(call, ast.Call) and ast.unparse(call.func).startswith("log.")


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
            sys.exit("The tests must pass before anything is changed.")
        self._seconds: dict[str, float] = json.loads(noted.read_text())
        self._tests: dict[tuple[str, int], set[str]] = defaultdict(set)
        data = CoverageData(str(copy / ".coverage"))
        data.read()
        for name in data.measured_files():
            module = os.path.relpath(name, copy)
            for line, contexts in data.contexts_by_lineno(name).items():
                self._tests[module, line] |= {context.partition("|")[0] for context in contexts if context}

    def lines(self, module: str) -> set[int]:
        """Return the lines of a module that some test reaches."""
        return {line for (name, line), tests in self._tests.items() if name == module and tests}

    def tests(self, mutant: Mutant) -> list[str]:
        """Return the tests to run for a mutant, the quickest first."""
        chosen: list[str] = []
        spent = 0.0
        for test in sorted(self._tests[mutant.module, mutant.line], key=lambda test: self._seconds.get(test, 1.0)):
            spent += self._seconds.get(test, 1.0)
            if chosen and spent > ENOUGH_SECONDS:
                break
            chosen.append(test)
        return chosen


class Durations:
    """A plugin of pytest that writes how long each test took, with all that it needs."""

    def __init__(self, noted: Path) -> None:
        self._noted = noted
        self._seconds: Counter[str] = Counter()

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
    os.setsid()
    os.chdir(copy)
    sys.path.insert(0, str(copy))
    os.environ["PYTHONPATH"] = str(copy)  # for the processes that the tests start
    os.environ["COVERAGE_FILE"] = str(copy / ".coverage")
    sys.stdout.flush()
    with Path(os.devnull if noted is None else copy / "said").open("w") as said:
        os.dup2(said.fileno(), 1)
        os.dup2(said.fileno(), 2)
        code = pytest.main(
            ["-q", "-x", "-p", "no:cacheprovider", *arguments], plugins=[Durations(noted)] if noted else []
        )
    os._exit(int(code))


@dataclass
class Trial:
    """A mutant whose tests run."""

    mutant: Mutant
    copy: Path
    process: BaseProcess
    began: float

    @property
    def ended(self) -> bool:
        """Whether the answer is known; what takes too long is ended."""
        if self.process.is_alive() and time.monotonic() - self.began > MOST_SECONDS:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.join()
        return not self.process.is_alive()

    @property
    def survived(self) -> bool:
        """Whether every test passed."""
        return self.process.exitcode == 0


def try_all(chosen: list[Mutant], reach: Reach, copies: list[Path]) -> Iterator[Trial]:
    """Try mutants, as many at once as there are copies; yield each when its answer is known."""
    waiting, free, running = list(chosen), list(copies), list[Trial]()
    while waiting or running:
        while waiting and free:
            mutant, copy = waiting.pop(0), free.pop()
            file = copy / mutant.module
            whole = file.read_bytes()
            file.write_bytes(whole[: mutant.start] + mutant.new.encode() + whole[mutant.end :])
            running.append(Trial(mutant, copy, started(copy, reach.tests(mutant)), time.monotonic()))
        for trial in [trial for trial in running if trial.ended]:
            running.remove(trial)
            shutil.copyfile(HERE / trial.mutant.module, trial.copy / trial.mutant.module)
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
    wish = asked.parse_args()
    modules = wish.modules or list(TARGETS)
    tried, killed = Counter[str](), Counter[str]()
    with tempfile.TemporaryDirectory(prefix="tessera-mutants-") as name:
        copies = [copied(Path(name) / str(number)) for number in range(AT_ONCE)]
        print("Running the tests once, to see which of them reach what …", flush=True)
        reach = Reach(modules, copies[0])
        dice = random.Random(wish.seed)  # noqa: S311 - a sample, no secret
        possible = {module: mutants(module, reach.lines(module)) for module in modules}
        chosen = [each for found in possible.values() for each in dice.sample(found, min(wish.most, len(found)))]
        print(f"{len(chosen)} of {sum(map(len, possible.values()))} mutants; the survivors:", flush=True)
        for trial in try_all(chosen, reach, copies):
            tried[trial.mutant.module] += 1
            killed[trial.mutant.module] += not trial.survived
            if trial.survived:
                print(trial.mutant.shown, flush=True)
    for module in modules:
        print(f"{module:40} {killed[module]:4} of {tried[module]:4} killed")
    share = killed.total() / max(tried.total(), 1)
    print(f"{killed.total()} of {tried.total()} mutants killed: {share:.1%}; at least {LEAST_KILLED:.0%} are to be")
    return share < LEAST_KILLED


if __name__ == "__main__":
    for package in (
        "numpy",
        "scipy.optimize",
        "scipy.sparse",
        "sqlalchemy.orm",
        "celery",
        "apiflask",
        "PIL.Image",
        "pyvips",
    ):
        __import__(package)
    sys.exit(main())
