"""Writes pictures by libvips: mosaics in all formats but PNG, a band at a time, and previews."""

import errno
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.errors import TesseraError
from models.rules import file_types
from models.rules.formats import DEFAULT_DPI, Format
from models.rules.paper import MM_PER_INCH
from worker.core.progress import PhaseProgress
from worker.libvips import pyvips
from worker.rendering.tiff_header import header

PREVIEW_SIDE = 1_600
ABOVE = 1 + 1e-9
"""libvips cuts dots per inch off after three digits, and so would make 8 dots, by a rounding error, 7.999."""
EXIF_SRGB = "1"
"""Source: CIPA DC-008 (Exif 2.32), 4.6.5, tag ColorSpace."""


def write(
    bands: Iterator[NDArray[np.uint8]],
    size: tuple[int, int],
    path: Path,
    form: Format,
    progress: PhaseProgress,
    *,
    dpi: int,
    quality: int | None,
) -> None:
    """Write bands of pixels, as `writer.write`.

    Raises:
        OSError: the file or the scratch file cannot be written.
    """
    # The build of libvips in the wheel has no loader for a stream of plain pixels, so they pass through a scratch
    # file. It is a TIFF, since a file of plain pixels would be mapped into memory whole. It has no name, so that
    # nothing of it outlives this process.
    watch = _Watch(progress)
    try:
        with tempfile.TemporaryFile() as scratch:
            scratch.write(header(*size))
            for band in bands:
                scratch.write(np.ascontiguousarray(band).data)
            scratch.flush()
            plain = pyvips.Image.tiffload(f"/dev/fd/{scratch.fileno()}", access="sequential")
            _save_beside(watch.over(_said(plain, dpi)), path, form, quality)
    except pyvips.Error as error:
        if watch.error is not None:
            raise watch.error from None
        raise _translated(error) from error


def write_preview(picture: Path, path: Path) -> None:
    """Write a copy of a picture, as `writer.write_preview`."""
    try:
        preview = pyvips.Image.thumbnail(str(picture), PREVIEW_SIDE, height=PREVIEW_SIDE, size="down")
        _save(_said(preview, DEFAULT_DPI), path, Format.JPEG, None)
    except pyvips.Error as error:
        raise _translated(error) from error


def version() -> str:
    """Return the version of libvips."""
    return ".".join(str(pyvips.version(number)) for number in range(3))


def _said(picture: Any, dpi: int) -> Any:
    """Return a picture with what its file says: the dots per inch, sRGB, and the mark of `file_types.made_here`."""
    per_mm = float(dpi / MM_PER_INCH) * ABOVE
    saying = picture.copy(xres=per_mm, yres=per_mm)
    saying.set_type(pyvips.GValue.gstr_type, "exif-ifd2-ColorSpace", EXIF_SRGB)
    saying.set_type(pyvips.GValue.blob_type, "xmp-data", file_types.XMP)
    return saying


def _save_beside(picture: Any, path: Path, form: Format, quality: int | None) -> None:
    """Save in another thread; what is raised in this one meanwhile stops the saving, and is raised after that.

    Python runs signal handlers in its main thread. If that were inside a callback from libvips, what a handler raises
    would be lost, such as a job's time limit.
    """
    with ThreadPoolExecutor(1, "encoder") as beside:
        try:
            beside.submit(_save, picture, path, form, quality).result()
        except BaseException:
            picture.set_kill(True)
            raise


def _save(picture: Any, path: Path, form: Format, quality: int | None) -> None:
    with path.open("wb") as file:
        # By its descriptor, so that a file that is removed meanwhile is not created again.
        target = pyvips.Target.new_to_descriptor(file.fileno())
        options = form.facts.options((picture.width, picture.height), quality)
        getattr(picture, form.facts.saver)(target, **options)


def _translated(error: Exception) -> Exception:
    if "No space left" in str(error) or "write error" in str(error):
        return OSError(errno.ENOSPC, "No space left on device")
    return TesseraError(f"libvips could not write the picture: {str(error).strip().splitlines()[-1]}")


class _Watch:
    """Follows an encoding, and stops it when `progress` raises."""

    def __init__(self, progress: PhaseProgress) -> None:
        self._progress = progress
        self.error: BaseException | None = None

    def over(self, picture: Any) -> Any:
        """Return the picture, watched."""
        picture.set_progress(True)
        picture.signal_connect("eval", self._look)
        return picture

    def _look(self, picture: Any, seen: Any) -> None:
        if self.error is not None:
            return
        try:
            self._progress("encoding", int(seen.percent), 100)
        except BaseException as error:  # noqa: BLE001 - this is called from C: kept here, raised again by write()
            self.error = error
            picture.set_kill(True)
