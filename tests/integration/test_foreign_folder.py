"""Every command and child process, started in a folder full of modules that are named as ours and Python's are."""

import io
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import requests

from cli.service import processes
from models import database
from models.rules.lifecycle import Lane

OURS = {"models", "worker", "web", "cli"}
READ_BY_OTHERS = {"gunicorn.conf", "celeryconfig", "sitecustomize", "usercustomize", "conftest", "env", "settings"}
MARK = """
import os, sys
with open({marks!r}, "a") as file:
    file.write(f"{{__name__}} in {{sys.orig_argv}}\\n")
raise ImportError("a stranger's module was imported: " + __name__)
"""


def installed() -> set[str]:
    """The names of all that is installed, as it is imported."""
    files = (file for each in metadata.distributions() for file in each.files or [])
    return {
        file.parts[0].removesuffix(".py") for file in files if file.name.endswith(".py") and ".." not in file.parts
    }


class Foreign:
    """A folder full of modules, and who imported one."""

    def __init__(self, folder: Path) -> None:
        self.here, self._marks = folder / "here", folder / "marks"
        self.here.mkdir()
        for name in OURS | READ_BY_OTHERS | installed() | sys.stdlib_module_names:
            (self.here / f"{name}.py").write_text(MARK.format(marks=str(self._marks)))

    def run(self, *command: object, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command in it to its end."""
        return subprocess.run(
            [*map(str, command)],
            cwd=self.here,
            env=os.environ | environment,
            capture_output=True,
            text=True,
            timeout=120,
        )

    @property
    def marks(self) -> list[str]:
        return self._marks.read_text().splitlines() if self._marks.exists() else []


@pytest.fixture
def foreign(tmp_path: Path) -> Foreign:
    return Foreign(tmp_path)


@pytest.fixture
def written(tmp_path: Path, photos: dict[str, bytes], target: bytes) -> Path:
    """Some photos, and `target.png` beside their folder."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for number, data in enumerate(list(photos.values())[:20]):
        (folder / f"{number}.png").write_bytes(data)
    (tmp_path / "target.png").write_bytes(target)
    return folder


def test_these_modules_are_imported_where_nothing_keeps_them_out(foreign: Foreign) -> None:
    assert foreign.run(sys.executable, "-c", "import models").returncode == 1
    assert len(foreign.marks) >= 1


@pytest.mark.parametrize("words", [("doctor",), ("--help",), ("--version",), ("jobs", "list")], ids=" ".join)
def test_a_command_takes_no_module_from_the_folder_it_is_run_in(foreign: Foreign, tessera: str, words: Any) -> None:
    ended = foreign.run(tessera, *words, XDG_DATA_HOME=str(foreign.here.parent))
    assert "stranger" not in ended.stdout + ended.stderr
    assert "MISSING  decoders" not in ended.stdout
    assert foreign.marks == []


def test_indexing_and_rendering_take_no_module_from_the_folder_they_are_run_in(
    foreign: Foreign, tessera: str, written: Path
) -> None:
    own = {"XDG_CACHE_HOME": str(written.parent / "cache")}
    assert foreign.run(tessera, "index", written, **own).returncode == 0
    options = "--tiles", written, "--cells", "8", "--tile-size", "8"
    target = written.parent / "target.png"
    assert foreign.run(tessera, "render", target, *options, "--out", "o.png", **own).returncode == 0
    assert foreign.run(tessera, "compare", target, *options[:4], "--out", "c.png", **own).returncode == 0
    assert foreign.marks == []


def test_a_migration_takes_no_module_from_the_folder_it_is_run_in(foreign: Foreign, tessera: str) -> None:
    address = database.sqlite_url(foreign.here.parent / "tessera.db")
    own = {"DATABASE_URL": address, "REDIS_URL": "redis://127.0.0.1:1/0", "STORE": f"file://{foreign.here.parent}"}
    own |= {"SECRET_KEY": "only for the tests, and long enough", "MODE": "embedded"}
    ended = foreign.run(tessera, "migrate", **{f"TESSERA_{name}": value for name, value in own.items()})
    assert (ended.returncode, foreign.marks) == (0, []), ended.stderr


@pytest.fixture(scope="module")
def served(
    new_installation: Callable[..., AbstractContextManager[Any]],
    tmp_path_factory: pytest.TempPathFactory,
    photos: dict[str, bytes],
    target: bytes,
) -> Iterator[Foreign]:
    """A folder in which a whole service was started, and did one job of each kind."""
    foreign = Foreign(tmp_path_factory.mktemp("foreign"))
    before = Path.cwd()
    os.chdir(foreign.here)
    try:
        starting = new_installation("sqlite")
        with starting as installed:
            tile_set = installed.tile_set(photos)
            assert tile_set["job"]["state"] == "succeeded"
            mosaic = installed.order(tile_set, target, cells_across="12", tile_size="8")
            assert installed.final(mosaic["url"])["job"]["state"] == "succeeded"
            batch = installed.post(
                "/api/v1/batches",
                data={"tile_set": tile_set["id"], "cells_across": "12", "tile_size": "8"},
                files={"targets": ("t.png", io.BytesIO(target))},
            )
            assert batch.status_code == requests.codes.accepted, batch.text
            os.chdir(before)
            yield foreign
    finally:
        os.chdir(before)


KINDS = (
    "web.server",
    "worker.jobs.sweep",
    "worker.decoding.sandbox_process",
    *(f"--lane={lane.value}" for lane in Lane),
)


@pytest.mark.parametrize("kind", KINDS)
def test_a_process_of_the_service_takes_no_module_from_the_folder_it_is_started_in(
    served: Foreign, kind: str
) -> None:
    assert [mark for mark in served.marks if kind in mark] == []


def test_no_other_process_of_the_service_does_either(served: Foreign) -> None:
    assert served.marks == []


def test_what_the_user_put_on_the_path_stays_there(foreign: Foreign, tmp_path: Path) -> None:
    (tmp_path / "added").mkdir()
    (tmp_path / "added" / "of_the_user.py").write_text("print('here')")
    command = [*processes.PYTHON, "of_the_user"]
    assert foreign.run(*command, PYTHONPATH=str(tmp_path / "added")).stdout == "here\n"
    assert foreign.run(*command, PYTHONPATH=str(tmp_path / "added"), PYTHONSAFEPATH="1").stdout == "here\n"


@pytest.mark.parametrize("module", ["worker.app", "worker.jobs.sweep", "web.server"])
def test_ctrl_c_while_a_process_loads_what_it_needs_leaves_no_trace(tmp_path: Path, module: str) -> None:
    (tmp_path / "structlog.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    ended = subprocess.run([*processes.PYTHON, module], env=environment, capture_output=True, text=True, timeout=120)
    assert (ended.returncode, ended.stderr) == (-signal.SIGINT, "")
