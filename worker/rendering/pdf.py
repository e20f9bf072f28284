"""Writes a PDF: a mosaic as one page, or as many for a printer at home; JPEGs lie in it as they are.

Memory does not grow with the mosaic: its JPEG, or, of a mosaic in pages, its pixels, wait in a scratch file without a
name. Each page then gets a JPEG of its own part, so that a viewer or a printer decodes no more than it shows.
"""

import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from models.errors import TesseraError
from models.rules.formats import Format
from models.rules.page_split import Part, Split
from worker.core.progress import PhaseProgress
from worker.decoding import images
from worker.rendering import libvips_writer
from worker.rendering.pdf_document import Document
from worker.rendering.tiff_header import header

LINES = 64
"""Of pixels, which are read from the scratch file at once."""
CHANNELS = 3
COPIED_BYTES = 1 << 20
HEAD_BYTES = 64 << 10
"""The first picture of a PDF begins within so many bytes."""
Bands = Iterator[NDArray[np.uint8]]
Save = Callable[..., None]
"""Saves bands as a JPEG, as `libvips_writer.write`."""
_FIRST = re.compile(rb"/DCTDecode/Length (\d+)>>\nstream\n")


def write(  # noqa: PLR0913 - as `writer.write`
    bands: Bands,
    size: tuple[int, int],
    path: Path,
    progress: PhaseProgress,
    *,
    dpi: int,
    quality: int | None,
    bleed: float,
    split: Split | None,
) -> None:
    """Write bands of pixels, as `writer.write`."""
    save = partial(libvips_writer.write, form=Format.JPEG, dpi=dpi, quality=quality or Format.PDF.facts.quality)
    with tempfile.TemporaryFile() as jpeg:
        if split is not None:
            _write_pages(bands, split, path, jpeg, save, progress, dpi)
            return
        save(bands, size, _path(jpeg), progress=progress)
        document = Document(jpeg, dpi)
        document.add_whole(size, bleed)
        document.write_to(path)


@contextmanager
def first_picture(path: Path) -> Iterator[Path]:
    """Lend the first picture of a PDF that Tessera wrote, a JPEG: the mosaic, or, of one in pages, its small copy."""
    with path.open("rb") as file, tempfile.TemporaryFile() as jpeg:
        found = _FIRST.search(file.read(HEAD_BYTES))
        if found is None:
            raise TesseraError(f"{path.name} is no PDF that Tessera wrote.")
        file.seek(found.end())
        left = int(found[1])
        while left and (some := file.read(min(left, COPIED_BYTES))):
            jpeg.write(some)
            left -= len(some)
        jpeg.flush()
        yield _path(jpeg)


def _write_pages(
    bands: Bands, split: Split, path: Path, small: IO[bytes], save: Save, progress: PhaseProgress, dpi: int
) -> None:
    """Write a plan of the pages, whose picture is made in the file `small`, and the pages."""
    with tempfile.TemporaryFile() as scratch:
        start = scratch.write(header(*split.size))
        for band in bands:
            scratch.write(np.ascontiguousarray(band).data)
        scratch.flush()
        libvips_writer.write_preview(_path(scratch), _path(small))
        document, parts = Document(small, dpi), _Parts(scratch, start, split, save, progress)
        document.add_plan(split, images.size(_path(small).read_bytes()))
        for place in product(range(split.rows), range(split.columns)):
            document.add_part(split, *place, partial(parts.jpeg, *place))
        document.write_to(path)


@dataclass(frozen=True)
class _Parts:
    """The parts of a poster, whose pixels begin at the byte `start` of a scratch file."""

    scratch: IO[bytes]
    start: int
    split: Split
    save: Save
    progress: PhaseProgress

    def jpeg(self, row: int, column: int) -> IO[bytes]:
        """Return the JPEG of the part of a page."""

        def on_the_way(*_: object) -> None:
            self.progress("encoding", row * self.split.columns + column, self.split.count)

        on_the_way()
        jpeg = tempfile.TemporaryFile()  # noqa: SIM115 - the document closes it
        left, top, right, bottom = part = self.split.part(row, column)
        self.save(self._lines(part), (right - left, bottom - top), _path(jpeg), progress=on_the_way)
        return jpeg

    def _lines(self, part: Part) -> Bands:
        """Yield the pixels of a part, from the top down."""
        left, top, right, bottom = part
        width = self.split.size[0]
        for first in range(top, bottom, LINES):
            count = min(LINES, bottom - first)
            self.scratch.seek(self.start + first * width * CHANNELS)
            pixels = np.frombuffer(self.scratch.read(count * width * CHANNELS), np.uint8)
            yield pixels.reshape(count, width, CHANNELS)[:, left:right]


def _path(file: IO[bytes]) -> Path:
    return Path(f"/dev/fd/{file.fileno()}")
