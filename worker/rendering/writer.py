"""Writes mosaics to files, a band at a time. Memory does not grow with the mosaic."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from models.errors import StorageFull, is_full
from models.rules.formats import DEFAULT_DPI, Format
from models.rules.page_split import Split
from worker.core.progress import PhaseProgress
from worker.rendering import png

FULL = "There is no room left to write the mosaic; free some space and try again."


def write(  # noqa: PLR0913 - a picture, and how its file is to be
    bands: Iterator[NDArray[np.uint8]],
    size: tuple[int, int],
    path: Path,
    form: Format,
    progress: PhaseProgress,
    *,
    dpi: int = DEFAULT_DPI,
    quality: int | None = None,
    bleed: float = 0,
    split: Split | None = None,
    channels: int = 3,
) -> None:
    """Write bands of pixels, from the top down, as one picture.

    Args:
        bands: (h, W, channels) sRGB each; their heights add up to the height.
        size: Width and height.
        path: The file to write.
        form: The format to write in.
        progress: Called with how far the encoding is, from when all bands are made; what it raises stops it.
        dpi: Pixels on an inch of paper, which the file says.
        quality: 1 to 100, for a format that loses something; None for the format's own.
        bleed: By how much the page of a PDF is larger than its paper on every side, in millimetres.
        split: How a PDF is split into pages; None for one page of the mosaic's size.
        channels: 3; 4 where the last is alpha, not multiplied into the others.

    Raises:
        StorageFull: the disk is full.
        ValueError: the bands are not the whole picture.
    """
    whole = _whole(bands, size, channels)
    with _room():
        if form is Format.PDF:
            _pdf().write(whole, size, path, progress, dpi=dpi, quality=quality, bleed=bleed, split=split)
        elif form.facts.saver:
            _libvips().write(whole, size, path, form, progress, dpi=dpi, quality=quality, channels=channels)
        else:
            with path.open("wb") as file:
                png.write(whole, size, file, dpi, channels)
        progress("encoding", 100, 100)  # neither says that it is the end


def check_room(path: Path, size: tuple[int, int], form: Format) -> None:
    """Refuse a mosaic that the disk is most likely too small for, before it is made.

    Raises:
        StorageFull: there is less room on the disk of `path` than such a file is at least likely to need.
    """
    needed, free = form.facts.least_bytes(size), shutil.disk_usage(path if path.exists() else path.parent).free
    if free < needed:
        raise StorageFull(
            f"A {form.facts.title} of {size[0]:,} x {size[1]:,} pixels needs at least some {_megabytes(needed)}, "
            f"but where it is written only {_megabytes(free)} are free; "
            "free some space, or take smaller tiles or another format."
        )


def write_preview(picture: Path, path: Path) -> None:
    """Write a copy of a picture as a JPEG of at most 1,600 pixels a side.

    Raises:
        StorageFull: the disk is full.
    """
    with _room():
        if picture.suffix in Format.PDF.facts.suffixes:
            with _pdf().first_picture(picture) as first:
                _libvips().write_preview(first, path)
        else:
            _libvips().write_preview(picture, path)


def thumbnail(preview: Path, *, large: bool = False) -> bytes:
    """Return a WebP of at most 320 pixels a side and 20,000 bytes, given a JPEG from `write_preview`.

    A large one has at most 640 pixels a side and 40,000 bytes.
    """
    made: bytes = _libvips().thumbnail(preview, large=large)
    return made


def version() -> str:
    """Return the version of libvips."""
    known: str = _libvips().version()
    return known


def _whole(bands: Iterator[NDArray[np.uint8]], size: tuple[int, int], channels: int) -> Iterator[NDArray[np.uint8]]:
    """Yield the bands that have lines, and raise ValueError where together they are not the whole picture."""
    width, height = size
    done = 0
    for band in bands:
        done += len(band)
        if band.shape[1:] != (width, channels) or done > height:
            raise ValueError(f"a band of {band.shape} makes {done} lines of a picture of {width} x {height}")
        if len(band):
            yield band
    if done != height:
        raise ValueError(f"the bands have {done} lines of {height}")


def _megabytes(count: int) -> str:
    return f"{count / 1e6:,.0f} MB"


def _libvips() -> ModuleType:
    """Load libvips, which takes a thirtieth of a quick render that writes a PNG."""
    from worker.rendering import libvips_writer  # noqa: PLC0415 - see above

    return libvips_writer


def _pdf() -> ModuleType:
    """Load what writes PDFs, and libvips with it."""
    from worker.rendering import pdf  # noqa: PLC0415 - see above

    return pdf


@contextmanager
def _room() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if is_full(error):
            raise StorageFull(FULL) from error
        raise
