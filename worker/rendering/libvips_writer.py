"""Writes pictures by libvips: mosaics in all formats but PNG, a band at a time, and previews."""

import errno
import os
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
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
from worker.rendering import pyramid
from worker.rendering.pixel_stream import PixelStream

PREVIEW_SIDE = 1_600
WHITE = 255
"""What shows where a mosaic is transparent, in files that cannot be."""
THUMBNAIL_BYTES, LARGE_THUMBNAIL_BYTES = 20_000, 40_000
THUMBNAILS = ((320, 70), (320, 50), (320, 30), (80, 70))
"""Sides and qualities: the first with which a thumbnail is small enough. Of the last, noise has 4,000 bytes."""
LARGE_THUMBNAILS = ((640, 60), (640, 40), (640, 20), (480, 20), (160, 70))
"""The same for screens of fine pixels, on which a loss is seen less. Of the last, noise has 16,000 bytes."""
ABOVE = 1 + 1e-9
"""libvips cuts dots per inch off after three digits, and so would make 8 dots, by a rounding error, 7.999."""
EXIF_SRGB = "1"
"""Source: CIPA DC-008 (Exif 2.32), 4.6.5, tag ColorSpace."""


def write(  # noqa: PLR0913 - as `writer.write`
    bands: Iterator[NDArray[np.uint8]],
    size: tuple[int, int],
    path: Path,
    form: Format,
    progress: PhaseProgress,
    *,
    dpi: int,
    quality: int | None,
    channels: int = 3,
) -> None:
    """Write bands of pixels, as `writer.write`.

    Raises:
        OSError: the file cannot be written.
    """
    stream, source = PixelStream(*size, channels), pyvips.SourceCustom()
    source.on_read(stream.read)
    source.on_seek(stream.seek)
    watch = _Watch(progress)
    try:
        plain = pyvips.Image.tiffload_source(source, access="sequential", fail_on="warning", unlimited=True)
        picture = watch.over(_said(plain, dpi))
        with _saving(stream, picture, lambda: _save(picture, path, form, quality)) as saved:
            all(stream.put(band) for band in bands)
            stream.end()
            watch.begin()
            saved.result()
    except pyvips.Error as error:
        error.with_traceback(None)  # whose frames hold an open descriptor
        if watch.error is not None:
            raise watch.error from None
        raise _translated(error) from error


def write_preview(picture: Path, path: Path) -> None:
    """Write a copy of a picture, as `writer.write_preview`."""
    try:
        if zipfile.is_zipfile(picture):
            whole = pyvips.Image.new_from_array(pyramid.joined(picture, PREVIEW_SIDE), interpretation="srgb")
            preview = whole.thumbnail_image(PREVIEW_SIDE, height=PREVIEW_SIDE, size="down")
        else:
            preview = pyvips.Image.thumbnail(str(picture), PREVIEW_SIDE, height=PREVIEW_SIDE, size="down")
        if preview.hasalpha():
            preview = preview.flatten(background=WHITE)
        _save(_said(preview, DEFAULT_DPI), path, Format.JPEG, None)
    except pyvips.Error as error:
        raise _translated(error) from error


def thumbnail(preview: Path, *, large: bool) -> bytes:
    """Return a small copy of a picture, as `writer.thumbnail`."""
    most = LARGE_THUMBNAIL_BYTES if large else THUMBNAIL_BYTES
    for side, quality in LARGE_THUMBNAILS if large else THUMBNAILS:
        small = pyvips.Image.thumbnail(str(preview), side, height=side, size="down")
        made: bytes = small.webpsave_buffer(Q=quality, keep="none")
        if len(made) <= most:
            break
    return made


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


@contextmanager
def _saving(stream: PixelStream, picture: Any, save: Callable[[], None]) -> Iterator[Future[None]]:
    """Save a picture from a stream in another thread; what is raised in the `with` block stops it.

    Python runs signal handlers in its main thread. If that were inside a callback from libvips, what a handler raises
    would be lost, such as a job's time limit.
    """

    def all_of_it() -> None:
        try:
            save()
        finally:
            stream.close()

    with ThreadPoolExecutor(1, "encoder") as beside:
        saved = beside.submit(all_of_it)
        try:
            yield saved
        except BaseException:
            picture.set_kill(True)
            stream.end()
            raise


def _save(picture: Any, path: Path, form: Format, quality: int | None) -> None:
    with path.open("w+b") as file:
        options = form.facts.options((picture.width, picture.height), quality, picture.bands)
        # By its descriptor, so that a file that is removed meanwhile is not created again.
        target = pyvips.Target.new_to_descriptor(file.fileno())
        if "pyramid" in options:
            # libvips keeps large levels in temporary files only beside a target with a name; and it ends the process
            # where it cannot make one, so it gets a folder in which Python could.
            os.environ["TMPDIR"] = tempfile.gettempdir()
            target = pyvips.Target.new_to_file(f"/dev/fd/{file.fileno()}")
        with _threads(form.facts.threads):
            getattr(picture, form.facts.saver)(target, **options)
        if form is Format.PYRAMID:
            pyramid.finish(file)


@contextmanager
def _threads(count: int | None) -> Iterator[None]:
    """Let libvips use so many threads; None for as many as it likes."""
    usual = pyvips.vips_lib.vips_concurrency_get()
    if count is not None:
        pyvips.vips_lib.vips_concurrency_set(count)
    try:
        yield
    finally:
        pyvips.vips_lib.vips_concurrency_set(usual)


def _translated(error: Exception) -> Exception:
    if "No space left" in str(error) or "write error" in str(error):
        return OSError(errno.ENOSPC, "No space left on device")
    return TesseraError(f"libvips could not write the picture: {str(error).strip().splitlines()[-1]}")


class _Watch:
    """Follows an encoding once all bands are made, and stops it when `progress` raises."""

    def __init__(self, progress: PhaseProgress) -> None:
        self._progress, self._begun = progress, False
        self.error: BaseException | None = None

    def over(self, picture: Any) -> Any:
        """Return the picture, watched."""
        picture.set_progress(True)
        picture.signal_connect("eval", self._look)
        return picture

    def begin(self) -> None:
        """Say that from now on nobody else reports progress."""
        self._begun = True

    def _look(self, picture: Any, seen: Any) -> None:
        if self.error is not None or not self._begun:
            return
        try:
            self._progress("encoding", int(seen.percent), 100)
        except BaseException as error:  # noqa: BLE001 - this is called from C: kept here, raised again by write()
            self.error = error
            picture.set_kill(True)
