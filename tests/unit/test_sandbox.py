"""Pictures decoded in a sandbox: the same pixels, the same refusals, and nothing that a picture can break."""

import io
import os
import signal
import socket
import struct
import subprocess
import sys
import textwrap
import threading
import time
import zlib
from collections.abc import Iterator

import numpy as np
import psutil
import pytest
from handmade import DEFLATE, Tiff, tiff
from PIL import Image

from models.errors import DamagedPicture, EmptyFile, NotAPicture, TooCostly, TooManyPixels, UnusablePicture
from worker.core.windows import WHOLE, Window
from worker.decoding import headers, images
from worker.decoding.sandbox import Sandbox
from worker.decoding.sandbox_process import REPLY

MEBIBYTE = 1 << 20


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    made = Sandbox(30, 512 * MEBIBYTE)
    yield made
    made.close()


def photo(side: int = 64, form: str = "PNG") -> bytes:
    pixels = np.random.default_rng(1).integers(0, 256, (side, 2 * side, 3), dtype=np.uint8)
    headers.load_plugins()
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, form)
    return file.getvalue()


def flat_png(width: int, height: int) -> bytes:
    """A black PNG of any size in a few bytes, made by hand."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack("!I", len(body)) + kind + body + struct.pack("!I", zlib.crc32(kind + body))

    header = struct.pack("!IIBBBBB", width, height, 8, 2, 0, 0, 0)
    squeezed = zlib.compressobj(9)
    line = bytes(1 + 3 * width)
    body = b"".join(squeezed.compress(line) for _ in range(height)) + squeezed.flush()
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


others: set[int] = set()


@pytest.fixture(scope="module", autouse=True)
def others_are_known() -> None:
    """Remember what runs below this process already: boxes of other tests keep their makers of decoders."""
    others.clear()
    others.update(child.pid for child in psutil.Process().children())


def decoders() -> list[psutil.Process]:
    """The decoders of this test's boxes: children of the processes that make them."""
    ours = [child for child in psutil.Process().children() if child.pid not in others]
    makers = [child for child in ours if "worker.decoding.sandbox_process" in " ".join(child.cmdline())]
    return [decoder for maker in makers for decoder in maker.children()]


@pytest.mark.parametrize("form", ["PNG", "JPEG", "AVIF", "HEIF", "JPEG2000"])
def test_what_comes_out_of_the_sandbox_is_what_pillow_makes(sandbox: Sandbox, form: str) -> None:
    data = photo(form=form)
    np.testing.assert_array_equal(sandbox.decode(data), images.decode(data))
    windows = [WHOLE, Window(0, 0, 1024, 2048)]
    np.testing.assert_array_equal(sandbox.tiles(data, 20, 30, windows), images.tiles(data, 20, 30, windows))
    (boxed, size), (plain, expected) = sandbox.thumb(data, 32), images.thumb(data, 32)
    np.testing.assert_array_equal(boxed, plain)
    assert size == expected


@pytest.mark.parametrize(
    ("data", "kind"),
    [(b"", EmptyFile), (b"not a picture", NotAPicture), (photo()[:-400], UnusablePicture)],
)
def test_a_refusal_comes_out_of_the_sandbox_as_itself(
    sandbox: Sandbox, data: bytes, kind: type[UnusablePicture]
) -> None:
    with pytest.raises(kind) as boxed:
        sandbox.decode(data)
    with pytest.raises(kind) as plain:
        images.decode(data)
    assert (boxed.value.code, str(boxed.value)) == (plain.value.code, str(plain.value))


def test_a_picture_that_needs_more_memory_than_the_limit_is_refused_and_the_next_one_is_decoded() -> None:
    sandbox = Sandbox(30, 64 * MEBIBYTE)
    try:
        with pytest.raises(UnusablePicture) as refused:
            sandbox.decode(flat_png(8_000, 8_000))
        assert refused.value.code in {TooManyPixels.code, DamagedPicture.code}
        assert sandbox.decode(photo()).shape == (64, 128, 3)
    finally:
        sandbox.close()


@pytest.mark.parametrize("form", ["AVIF", "HEIF", "JPEG2000"])
def test_a_decoder_of_another_library_keeps_to_the_limit_too(form: str) -> None:
    file, options = io.BytesIO(), {"HEIF": {"enc_params": {"preset": "ultrafast"}}, "AVIF": {"speed": 10}}
    headers.load_plugins()
    Image.new("RGB", (4_000, 4_000), "navy").save(file, form, **options.get(form, {}))
    sandbox = Sandbox(30, 64 * MEBIBYTE)
    try:
        with pytest.raises(UnusablePicture) as refused:
            sandbox.decode(file.getvalue())
        assert refused.value.code in {TooManyPixels.code, DamagedPicture.code}
        assert sandbox.decode(photo(form=form)).shape == (64, 128, 3)
    finally:
        sandbox.close()


def test_a_picture_that_takes_too_long_is_given_up_and_the_next_one_is_decoded() -> None:
    sandbox = Sandbox(0.3, 2_048 * MEBIBYTE)
    try:
        sandbox.decode(photo())
        with pytest.raises(TooCostly, match=r"0\.3 seconds"):
            sandbox.decode(flat_png(11_000, 11_000))
        assert sandbox.decode(photo()).shape == (64, 128, 3)
    finally:
        sandbox.close()


def test_a_picture_whose_decoder_dies_every_time_is_damaged_and_the_next_one_is_decoded(sandbox: Sandbox) -> None:
    sandbox.rest()
    sandbox.decode(photo())
    victims = set()

    def kill_what_works() -> None:
        while len(victims) < 2:
            for decoder in decoders():
                if decoder.pid not in victims:
                    victims.add(decoder.pid)
                    os.kill(decoder.pid, signal.SIGKILL)
            time.sleep(0.01)

    killer = threading.Thread(target=kill_what_works)
    slow = flat_png(9_000, 9_000)
    killer.start()
    with pytest.raises(DamagedPicture, match="broke its decoder"):
        sandbox.decode(slow)
    killer.join()
    assert sandbox.decode(photo()).shape == (64, 128, 3)


def test_a_decoder_that_died_while_it_had_nothing_to_do_costs_no_picture(sandbox: Sandbox) -> None:
    sandbox.decode(photo())
    idle = decoders()
    assert idle
    for decoder in idle:
        decoder.kill()
    assert sandbox.decode(photo()).shape == (64, 128, 3)


def test_a_sandbox_whose_maker_of_decoders_died_makes_another(sandbox: Sandbox) -> None:
    sandbox.decode(photo())
    sandbox.rest()
    for child in psutil.Process().children():
        if "worker.decoding.sandbox_process" in " ".join(child.cmdline()):
            child.kill()
    assert sandbox.decode(photo()).shape == (64, 128, 3)


def test_a_decoder_can_write_no_file_and_leaves_no_core() -> None:
    sandbox = Sandbox(30, 512 * MEBIBYTE)
    try:
        sandbox.decode(photo())
        found = decoders()
        assert found
        for decoder in found:
            assert decoder.rlimit(psutil.RLIMIT_FSIZE) == (0, 0)
            assert decoder.rlimit(psutil.RLIMIT_CORE) == (0, 0)
    finally:
        sandbox.close()


def test_a_decoder_inherits_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = ["TESSERA_SECRET_KEY", "TESSERA_DATABASE_URL", "AWS_SECRET_ACCESS_KEY", "SOMEBODYS_TOKEN"]
    for name in secrets:
        monkeypatch.setenv(name, "swordfish")
    sandbox = Sandbox(30, 512 * MEBIBYTE)
    try:
        sandbox.decode(photo())
        inside = [child for child in psutil.Process().children(recursive=True) if child.pid not in others]
        environments = [child.environ() for child in inside]
    finally:
        sandbox.close()
    assert len(environments) >= 2
    for environment in environments:
        assert environment.keys().isdisjoint(secrets)
        assert "swordfish" not in environment.values()
        assert "PATH" in environment


def test_what_libvips_reads_comes_out_of_the_sandbox_and_keeps_to_its_limits() -> None:
    samples = np.random.default_rng(1).integers(0, 1 << 16, (30, 40, 3), dtype=np.uint16)
    planes = tiff(samples, Tiff(2, 16, planar=True))
    huge = tiff(np.zeros((4_000, 4_000, 3), np.uint16), Tiff(2, 16, planar=True, compression=DEFLATE))
    sandbox = Sandbox(30, 96 * MEBIBYTE)
    try:
        np.testing.assert_array_equal(sandbox.decode(planes), np.rint(samples / 257))
        with pytest.raises(UnusablePicture) as refused:
            sandbox.decode(huge)
        assert refused.value.code in {TooManyPixels.code, DamagedPicture.code}
        np.testing.assert_array_equal(sandbox.decode(planes), np.rint(samples / 257))
    finally:
        sandbox.close()


def test_decoders_end_when_their_process_is_killed() -> None:
    program = textwrap.dedent(
        """
        import io, sys, time
        from PIL import Image
        from worker.decoding.sandbox import Sandbox
        file = io.BytesIO()
        Image.new("RGB", (8, 8)).save(file, "PNG")
        sandbox = Sandbox(30, 512 << 20)
        sandbox.decode(file.getvalue())
        print("ready", flush=True)
        time.sleep(600)
        """
    )
    owner = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    assert owner.stdout.readline() == "ready\n"
    below = psutil.Process(owner.pid).children(recursive=True)
    assert len(below) == 2
    owner.kill()
    owner.wait()
    assert psutil.wait_procs(below, timeout=20)[1] == []


LIES = {
    "no-words": (b"{", 0),
    "no-shape": (b'{"size": [1, 1], "files": [1, 1]}', 194),
    "no-file": (b'{"shape": [8, 8, 3], "size": [1, 1], "files": []}', 192),
    "a-file-too-many": (b'{"shape": [8, 8, 3], "size": [1, 1], "files": [1, 1, 1]}', 195),
    "less-than-no-pixels": (b'{"shape": [-1, 1, 3], "size": [1, 1], "files": [1, 1]}', 2),
    "a-word-for-a-size": (b'{"shape": [8, 8, 3], "size": ["a", 1], "files": [1, 1]}', 194),
    "less-than-no-bytes": (b'{"shape": [8, 8, 3], "size": [1, 1], "files": [-1, 1]}', 193),
    "another-thumb-than-was-asked": (b'{"shape": [4, 4, 3], "size": [1, 1], "files": [1, 1]}', 50),
    "a-size-below-nothing": (b'{"shape": [8, 8, 3], "size": [-1, 1], "files": [1, 1]}', 194),
    "a-size-beyond-the-limit": (b'{"shape": [8, 8, 3], "size": [99999, 99999], "files": [1, 1]}', 194),
    "more-bytes-than-a-file-may-have": (b'{"shape": [8, 8, 3], "size": [1, 1], "files": [66000, 1]}', 66_193),
    "an-unknown-refusal": (b'{"code": "root", "sentence": "You are mine."}', 0),
    "a-list": (b"[]", 0),
}
"""What a decoder says of its answer, and how many bytes it sends then."""


@pytest.mark.parametrize("lie", LIES)
def test_a_decoder_that_lies_is_not_believed_and_another_is_asked(sandbox: Sandbox, lie: str) -> None:
    ours, theirs = socket.socketpair()
    words, count = LIES[lie]
    theirs.sendall(REPLY.pack(len(words)) + words + bytes(count))
    theirs.shutdown(socket.SHUT_WR)
    sandbox.rest()
    sandbox._idle.append(ours)
    with theirs:
        np.testing.assert_array_equal(sandbox.prepared(photo(), 8, 8).thumb, images.prepared(photo(), 8, 8).thumb)


def test_a_sandbox_at_rest_keeps_no_decoder(sandbox: Sandbox) -> None:
    sandbox.decode(photo())
    idle = decoders()
    sandbox.rest()
    assert idle
    assert psutil.wait_procs(idle, timeout=20)[1] == []
