"""A few thousand files with a few bytes wrong: each is pixels or refused, nothing else; `make fuzz` tries more."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

FUZZER = Path(__file__).with_name("fuzzer.py")
ROUNDS = int(os.environ.get("TESSERA_FUZZ_ROUNDS", "300"))
SEED = int(os.environ.get("TESSERA_FUZZ_SEED", "1"))


def fuzz(kind):
    """Run the rounds in a process of its own: what a decoder can break is then that, and the round is known."""
    command = [sys.executable, str(FUZZER), kind, str(SEED), "0", str(ROUNDS)]
    environment = os.environ | {"PYTHONPATH": str(FUZZER.parents[2])}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, errors="replace", check=False)
    rounds = done.stdout.splitlines()
    said = done.stderr.strip().splitlines()[-1:]
    assert done.returncode == 0, f"kind, seed and round {rounds[-1:]} ended with {done.returncode}: {said}"
    assert len(rounds) >= ROUNDS
    assert len(rounds) % ROUNDS == 0


@pytest.mark.parametrize("form", ["jpeg", "png", "webp", "gif", "tiff", "bmp", "avif", "heif", "jp2"])
def test_a_picture_with_a_few_bytes_wrong_is_pixels_or_refused(form):
    fuzz(form)


def test_a_zip_with_a_few_bytes_wrong_is_read_or_refused():
    fuzz("zip")
