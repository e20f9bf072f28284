"""A signal ends a command at once: its exit code, the old file as it was, nothing left behind, no traceback."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from models.rules.formats import Format
from worker.rendering import writer

SEED = 20_261_128
ENDING = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT]


@pytest.fixture
def start(tmp_path, folder, photographs, tessera, monkeypatch):
    """Start a command of which the encoding takes half a second, in a process group of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mosaic.png").write_bytes(b"older")
    words = ["--cells", "150", "--tile-size", "70", "--report", tmp_path / "out" / "r.json", "--force"]
    command = [tessera, "render", photographs / "coffee.png", "--tiles", folder, "--out", tmp_path / "out/mosaic.png"]
    subprocess.run([tessera, "index", folder], check=True, capture_output=True)

    def start(*before):
        return subprocess.Popen(
            [*before, *command, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            start_new_session=True,
        )  # fmt: skip

    return start


def unharmed(out: Path) -> bool:
    return [path.name for path in out.iterdir()] == ["mosaic.png"] and (out / "mosaic.png").read_bytes() == b"older"


def is_encoding(out: Path) -> bool:
    return any(path.stat().st_size for path in out.glob(".tessera-*.png"))


@pytest.mark.parametrize("number", ENDING)
def test_a_signal_while_the_picture_is_encoded_ends_it(start, tmp_path, number, wait_for):
    running = start()
    wait_for(lambda: is_encoding(tmp_path / "out"))
    os.killpg(running.pid, number)
    _, said = running.communicate(timeout=60)
    assert (running.returncode, said) == (128 + number, f"tessera: Stopped by {number.name}.\n")
    assert unharmed(tmp_path / "out")


@pytest.mark.parametrize("turn", range(4))
def test_a_signal_at_any_moment_leaves_all_as_it_was(start, tmp_path, turn, wait_for):
    chance = random.Random(SEED + turn)  # noqa: S311 - moments, no secrets
    number, twice = chance.choice(ENDING), turn % 2
    running = start()
    wait_for(lambda: is_encoding(tmp_path / "out") if turn % 4 > 1 else list((tmp_path / "out").glob(".tessera-*")))
    time.sleep(chance.uniform(0, 0.3))
    for _ in range(1 + twice):
        os.killpg(running.pid, number)
    _, said = running.communicate(timeout=60)
    assert (running.returncode, "Traceback" in said, len(said.splitlines()) <= 1) == (128 + number, False, True)
    assert unharmed(tmp_path / "out")


def test_a_signal_that_is_ignored_by_whoever_started_it_stays_ignored(start, tmp_path, wait_for):
    running = start("nohup")
    wait_for(lambda: is_encoding(tmp_path / "out"))
    os.killpg(running.pid, signal.SIGHUP)
    running.communicate(timeout=60)
    assert (running.returncode, (tmp_path / "out" / "mosaic.png").read_bytes()[:4]) == (0, b"\x89PNG")


@pytest.mark.parametrize("form", list(Format))
def test_what_a_signal_raises_while_a_picture_is_encoded_is_raised_by_the_writer(tmp_path, form):
    # As a job's soft time limit does: an exception by a signal's handler, in the middle of the encoding.
    program = """
import itertools, signal, sys, threading, os
import numpy as np
from pathlib import Path
from models.rules.formats import Format
from worker.rendering import writer as pictures
class Soft(Exception): pass
def raising(*_): raise Soft
signal.signal(signal.SIGUSR1, raising)
begun = threading.Event()
def progress(phase, done, total):
    begun.set()
def bands():
    for number in range(count):
        yield np.random.default_rng(number).integers(0, 255, (200, 4000, 3), np.uint8)
        if number and form not in {Format.WEBP, Format.AVIF}:  # their encoding has begun
            begun.set()
form = Format(sys.argv[2])
count = 3 if form in {Format.WEBP, Format.AVIF} else 30  # these take seconds as it is
threading.Thread(target=lambda: (begun.wait(), os.kill(os.getpid(), signal.SIGUSR1)), daemon=True).start()
try:
    pictures.write(bands(), (4000, 200 * count), Path(sys.argv[1]), form, progress)
except Soft:
    print("heard")
"""
    for number in range(5):
        done = subprocess.run(
            [sys.executable, "-c", program, tmp_path / str(number), form], capture_output=True, text=True, check=False
        )
        assert (done.stdout, done.stderr) == ("heard\n", "")


@pytest.mark.parametrize("form", list(Format))
def test_progress_that_raises_stops_the_encoding(tmp_path, form):
    class Stop(Exception):
        pass

    def progress(_phase, _done, _total):
        raise Stop

    bands = iter([np.zeros((2_000, 2_000, 3), np.uint8)])
    with pytest.raises(Stop):
        writer.write(bands, (2_000, 2_000), tmp_path / "a", form, progress)
