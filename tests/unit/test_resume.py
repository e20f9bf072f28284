"""An index that was interrupted goes on where it was: kill -9 at random points, Ctrl-C, several runs at once."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
import pytest
from safetensors.numpy import load_file

import cli

ROOT = Path(cli.__file__).parents[1]
COUNT = 240
RUN = """
import sys
from worker.local_index import folder_index, process_pool
process_pool.SAVE_SECONDS = 0.02
photos = folder_index.open_folder(sys.argv[1], lambda *_: None, sys.argv[2])
print(photos.opened_count, len(photos.paths), len(photos.skipped))
"""
"""A run that saves far more often than people need, so that there is something to find after a short time."""
SLOWLY = """
import time
from worker.local_index import process_pool
add = process_pool.Segment.add
process_pool.Segment.add = lambda *each: (time.sleep(0.02), add(*each))
"""
"""Before a run, so that it is not through before a busy machine looks."""


@pytest.fixture(scope="module")
def many(tmp_path_factory, cuts):
    """A folder of 240 photos, ten of them twice, and of three files that are none."""
    place = tmp_path_factory.mktemp("many")
    for number, data in enumerate(cuts[: COUNT - 10] + cuts[:10]):
        (place / f"{number:03}.png").write_bytes(data)
    for name in ("a.txt", "b.txt", "z.jpg"):
        (place / name).write_bytes(name.encode())
    return place


def started(folder, cache):
    command = [sys.executable, "-c", RUN, str(folder), str(cache)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)


def signal_all(running, number):
    """Signal a run and its children, unless it is through by now."""
    with suppress(ProcessLookupError):
        os.killpg(running.pid, number)


def finished(running):
    """What a run opened, its photos, and its bad files and doubles."""
    out, err = running.communicate(timeout=120)
    assert (running.returncode, err) == (0, b"")
    return tuple(map(int, out.split()))


def index_of(cache):
    (found,) = cache.glob("folders/*/index-*")
    return found.read_bytes()


def saved(cache):
    """The names of the files that whole segments tell of, by another reader."""
    names = set()
    for segment in cache.glob("folders/*/run-*/*.segment"):
        names |= {line[0] for line in json.loads(load_file(segment)["files"].tobytes())}
    return names


@pytest.fixture(scope="module")
def uninterrupted(many, tmp_path_factory):
    """The index of a run that nobody disturbed, and the seconds it took."""
    cache = tmp_path_factory.mktemp("whole")
    began = time.monotonic()
    assert finished(started(many, cache)) == (COUNT + 3, COUNT - 10, 13)
    return index_of(cache), time.monotonic() - began


@pytest.mark.parametrize("seed", range(20))
def test_after_kill_9_the_next_run_opens_only_what_was_not_saved(many, tmp_path, uninterrupted, seed):
    whole, seconds = uninterrupted
    cache = tmp_path / "cache"
    running = started(many, cache)
    time.sleep(np.random.default_rng(seed).uniform(0.1, 1.0) * seconds)
    running.kill()
    running.communicate()
    gone(running)
    done, ended = saved(cache), bool(list(cache.glob("folders/*/files-*.json")))
    opened, photos, skipped = finished(started(many, cache))
    assert (photos, skipped) == (COUNT - 10, 13)
    assert opened == (0 if ended else COUNT + 3 - len(done))
    assert index_of(cache) == whole
    assert finished(started(many, cache))[0] == 0
    assert list(cache.glob("folders/*/run-*")) == []


def test_a_run_that_is_killed_while_it_clears_away_leaves_that_to_the_next(many, tmp_path, uninterrupted):
    script = RUN.replace(
        "process_pool.SAVE_SECONDS = 0.02", "import os; folder_index.cache_entry._clear = lambda *_: os._exit(9)"
    )
    dies = [sys.executable, "-c", script, str(many), str(tmp_path)]
    assert subprocess.run(dies, cwd=ROOT, check=False).returncode == 9
    assert list(tmp_path.glob("folders/*/run-*")) != []
    assert finished(started(many, tmp_path))[0] == 0
    assert list(tmp_path.glob("folders/*/run-*")) == []
    assert index_of(tmp_path) == uninterrupted[0]


def gone(running):
    """Wait until the processes of a killed run have saved what they had in hand, and ended."""
    while any(is_of(process, running.pid) for process in psutil.process_iter()):
        time.sleep(0.01)


def is_of(process, group):
    with suppress(psutil.NoSuchProcess, ProcessLookupError):
        return os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE
    return False


def test_a_pool_whose_command_is_killed_saves_what_it_has_in_hand_and_goes_no_further(many, tmp_path):
    # Never by the clock, so all that is found was saved because the command was gone.
    script = SLOWLY + RUN.replace("0.02", "1e9").replace("lambda *_: None", "lambda *_: print('began', flush=True)")
    command = [sys.executable, "-c", script, str(many), str(tmp_path)]
    running = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )
    assert running.stdout.readline() == b"began\n"
    running.kill()
    _, err = running.communicate()
    gone(running)
    assert (err, 0 < len(saved(tmp_path)) < COUNT - 10) == (b"", True)


def test_ctrl_c_keeps_what_was_measured(many, tmp_path, uninterrupted):
    cache = tmp_path / "cache"
    running = started(many, cache)
    while not list(cache.rglob("*.segment")) and running.poll() is None:
        time.sleep(0.001)
    signal_all(running, signal.SIGINT)
    running.communicate()
    gone(running)
    done = saved(cache)
    assert finished(started(many, cache))[0] == (COUNT + 3 - len(done) if running.returncode else 0)
    assert index_of(cache) == uninterrupted[0]


def test_a_process_that_is_killed_costs_no_photo(many, tmp_path, uninterrupted):
    cache = tmp_path / "cache"
    running = started(many, cache)
    children = Path(f"/proc/{running.pid}/task/{running.pid}/children")
    while running.poll() is None and not (processes := children.read_text().split()):
        time.sleep(0.001)
    os.kill(int(processes[0]), signal.SIGKILL)
    assert finished(running) == (COUNT + 3, COUNT - 10, 13)
    assert index_of(cache) == uninterrupted[0]


@pytest.mark.parametrize("damage", [b"", b"\0" * 300, b"cut"], ids=["empty", "zeros", "cut"])
def test_a_damaged_segment_costs_what_it_held(many, tmp_path, uninterrupted, damage):
    cache = tmp_path / "cache"
    running = started(many, cache)
    while len(list(cache.rglob("*.segment"))) < 2 and running.poll() is None:
        time.sleep(0.001)
    signal_all(running, signal.SIGKILL)
    running.communicate()
    segments = sorted(cache.glob("folders/*/run-*/*.segment"))
    if segments:
        segments[0].write_bytes(segments[0].read_bytes()[:-1] if damage == b"cut" else damage)
    assert finished(started(many, cache))[1] == COUNT - 10
    assert index_of(cache) == uninterrupted[0]


def test_runs_at_the_same_time_do_not_disturb_each_other(many, tmp_path, uninterrupted):
    cache = tmp_path / "cache"
    for _ in range(3):
        runs = [started(many, cache) for _ in range(3)]
        assert {finished(run)[1:] for run in runs} == {(COUNT - 10, 13)}
        assert index_of(cache) == uninterrupted[0]
        assert finished(started(many, cache))[0] == 0
        assert list(cache.glob("folders/*/run-*")) == []
        shutil.rmtree(cache)


def test_a_run_takes_nothing_from_one_that_is_under_way(many, tmp_path):
    cache = tmp_path / "cache"
    first = started(many, cache)
    while not list(cache.rglob("*.segment")) and first.poll() is None:
        time.sleep(0.001)
    first.send_signal(signal.SIGSTOP)  # nothing, if it is through by now
    try:
        assert finished(started(many, cache))[0] == (0 if first.poll() is not None else COUNT + 3)
    finally:
        first.send_signal(signal.SIGCONT)
    assert finished(first)[1:] == (COUNT - 10, 13)
