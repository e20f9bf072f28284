"""Pictures that are written while their pixels are made: in any pieces, by any number of threads, or stopped."""

import gc
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.errors import StorageFull
from models.rules.formats import Format
from worker.libvips import pyvips
from worker.rendering import pixel_stream, writer
from worker.rendering.pixel_stream import PixelStream

STREAMED = [form for form in Format if form.facts.saver]


class Stopped(Exception):
    """Ends a test's bands."""


def quiet(phase, done, total):
    """Take no notice."""


def in_bands(pixels, lines):
    return (pixels[top : top + lines] for top in range(0, len(pixels), lines))


def endless_lines(width, count, each=int):
    """Yield a line of noise again and again."""
    line = np.random.default_rng(3).integers(0, 256, (1, width, 3), dtype=np.uint8)
    for number in range(count):
        each(number)
        yield line


@pytest.fixture
def nothing_left():
    """Check that a test leaves no thread and no open descriptor."""

    def there():
        gc.collect()  # the traceback of an error holds what its frames held
        return set(threading.enumerate()), len(list(Path("/dev/fd").iterdir()))

    before = there()
    yield
    assert there() == before


def test_a_stream_is_a_picture_file_as_pillow_reads_it(noise):
    pixels, stream = noise(60, 31), PixelStream(31, 60, 3)
    feeding = threading.Thread(target=lambda: [stream.put(band) for band in in_bands(pixels, 7)])
    feeding.start()
    data = b"".join(iter(lambda: bytes(stream.read(1_000)), b""))
    feeding.join()
    with Image.open(BytesIO(data)) as image:
        np.testing.assert_array_equal(np.asarray(image), pixels)


def test_a_stream_is_read_once_and_only_forwards(noise):
    stream = PixelStream(4, 2, 3)
    start = stream.seek(0, os.SEEK_END) - 4 * 2 * 3
    stream.put(noise(2, 4))
    stream.seek(start + 1, os.SEEK_SET)
    assert not stream.read(5)
    stream.seek(-1, os.SEEK_CUR)
    assert stream.read(5) == noise(2, 4).tobytes()[:5]
    stream.seek(start, os.SEEK_SET)
    assert not stream.read(5)


def test_a_stream_that_ends_early_is_cut_off(noise):
    stream = PixelStream(4, 2, 3)
    stream.put(noise(1, 4))
    stream.end()
    stream.seek(-4 * 2 * 3, os.SEEK_END)
    assert [len(stream.read(12)) for _ in range(3)] == [12, 0, 0]


def test_nobody_waits_for_a_reader_who_has_gone(noise):
    stream = PixelStream(4, 1_000, 3)
    stream.close()
    put = [stream.put(noise(1, 4)) for _ in range(pixel_stream.AHEAD + 1)]
    assert put == [*[True] * pixel_stream.AHEAD, False]


@pytest.mark.parametrize("form", Format)
def test_bands_of_any_height_give_the_same_bytes(tmp_path, noise, form):
    pixels = noise(300, 333)
    for lines in (1, 16, 97, 300):
        writer.write(in_bands(pixels, lines), (333, 300), tmp_path / f"{lines}", form, quiet)
    assert len({sha256(path.read_bytes()).digest() for path in tmp_path.iterdir()}) == 1


WRITE = """
import sys
from pathlib import Path
import numpy as np
from models.rules.formats import Format
from worker.libvips import pyvips
from worker.rendering import writer
for form in Format:
    rng = np.random.default_rng(1)
    bands = (rng.integers(0, 256, (50, 700, 3), dtype=np.uint8) for _ in range(14))
    writer.write(bands, (700, 700), Path(sys.argv[1]) / form, form, lambda *_: None)
"""


def test_any_number_of_threads_gives_the_same_bytes(tmp_path):
    digests = []
    for threads in ("1", "3"):
        (tmp_path / threads).mkdir()
        environment = {**os.environ, "VIPS_CONCURRENCY": threads}
        subprocess.run([sys.executable, "-c", WRITE, tmp_path / threads], env=environment, check=True)
        digests.append({form: sha256((tmp_path / threads / form).read_bytes()).digest() for form in Format})
    assert digests[0] == digests[1]


@pytest.mark.parametrize("form", Format)
@pytest.mark.parametrize(
    ("heights", "said"), [([4, 2], "6 lines of 8"), ([4, 5], "makes 9 lines"), ([], "0 lines of 8")]
)
def test_bands_that_are_not_the_whole_picture_give_none(tmp_path, noise, nothing_left, form, heights, said):
    with pytest.raises(ValueError, match=said):
        writer.write((noise(height, 8) for height in heights), (8, 8), tmp_path / "out", form, quiet)


@pytest.mark.parametrize("form", Format)
def test_a_band_of_another_width_is_no_part_of_the_picture(tmp_path, noise, nothing_left, form):
    with pytest.raises(ValueError, match=r"\(8, 7, 3\)"):
        writer.write(iter([noise(8, 7)]), (8, 8), tmp_path / "out", form, quiet)


@pytest.mark.parametrize("form", [form for form in Format if form is not Format.PDF])
def test_writing_needs_no_temporary_room(tmp_path, monkeypatch, noise, form):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "missing"))
    writer.write(iter([noise(300, 300)]), (300, 300), tmp_path / "out", form, quiet)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("form", Format)
@pytest.mark.parametrize("lines", [0, 1, 5_000])
def test_what_the_bands_raise_stops_the_writing_at_once(tmp_path, nothing_left, form, lines):
    def stop(number):
        if number == lines:
            raise Stopped

    began = time.monotonic()
    with pytest.raises(Stopped):
        writer.write(endless_lines(2_000, 10_000, stop), (2_000, 10_000), tmp_path / "out", form, quiet)
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("form", Format)
def test_what_a_signal_raises_stops_the_writing_within_two_seconds(tmp_path, nothing_left, form):
    def stop(number, frame):
        raise Stopped

    before = signal.signal(signal.SIGALRM, stop)
    try:
        began = time.monotonic()
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        slowly = endless_lines(3_000, 10_000, lambda _: time.sleep(0.001))
        with pytest.raises(Stopped):
            writer.write(slowly, (3_000, 10_000), tmp_path / "out", form, quiet)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert time.monotonic() - began < 2.3


def test_what_progress_raises_while_a_webp_is_encoded_comes_out_as_it_is(tmp_path, nothing_left):
    def stop(phase, done, total):
        raise Stopped(phase)

    with pytest.raises(Stopped, match="encoding"):
        writer.write(endless_lines(3_000, 3_000), (3_000, 3_000), tmp_path / "out", Format.WEBP, stop)


@pytest.mark.parametrize("form", STREAMED)
def test_a_full_disk_ends_bands_that_would_go_on(tmp_path, nothing_left, form):
    (tmp_path / "full").symlink_to("/dev/full")
    with pytest.raises(StorageFull):
        writer.write(endless_lines(2_000, 3_000), (2_000, 3_000), tmp_path / "full", form, quiet)


def test_a_file_that_cannot_be_made_ends_the_bands(tmp_path, nothing_left):
    with pytest.raises(FileNotFoundError):
        writer.write(endless_lines(2_000, 3_000), (2_000, 3_000), tmp_path / "no" / "out", Format.JPEG, quiet)


@pytest.mark.parametrize(("width", "channels"), [(1_200_000, 3), (900_000, 4)])
def test_a_picture_of_which_few_lines_have_many_bytes_is_written(tmp_path, width, channels):
    # 16 lines would have more than 50 MiB, beyond which libtiff refuses to read a strip.
    bands = (np.full((1, width, channels), row, np.uint8) for row in range(17))
    writer.write(bands, (width, 17), tmp_path / "out", Format.TIFF, quiet, channels=channels)
    picture = pyvips.Image.new_from_file(str(tmp_path / "out"), access="sequential")
    assert (picture.width, picture.height, picture.bands) == (width, 17, channels)
    assert picture.crop(width - 9, 16, 9, 1).avg() == 16
