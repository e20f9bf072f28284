"""Hands a file over to libvips, when Pillow cannot be trusted with it or cannot read it.

libvips is loaded on first use, since the command line starts faster without it.
"""

from PIL import Image

from models.errors import DamagedPicture, KindNotRead, TruncatedPicture, UnusablePicture
from worker.decoding import headers, jpeg_scans, png_chunks, readers, tiff_tags

_END = b"\xff\xd9"
"""The marker that ends an image. Source: ITU-T T.81, B.1.1.3."""


class NotForPillow(Exception):
    """Pillow must not read this file; `profile` is what libvips applies in place of the file's own."""

    def __init__(self, profile: bytes | None = None) -> None:
        super().__init__("libvips reads it")
        self.profile = profile


def leave(image: Image.Image, data: bytes) -> None:
    """Leave a file that Pillow has opened to libvips, where Pillow would read it wrongly.

    Raises:
        NotForPillow: libvips reads it.
        KindNotRead: neither reads it.
    """
    if image.format == "TIFF" and readers.of_tiff(data) is readers.Reader.VIPS:
        raise NotForPillow
    if readers.loses_depth(image, data):
        raise NotForPillow(image.info["icc_profile"])


def size(data: bytes, max_pixels: int, error: UnusablePicture) -> tuple[int, int]:
    """Return the upright width and height of a file whose header Pillow cannot read.

    Raises:
        UnusablePicture: `error`, or a more precise one, if libvips cannot read it either.
    """
    kind = _judged(data, error)
    from worker.decoding import libvips_reader  # noqa: PLC0415 - the command line starts faster

    try:
        return libvips_reader.size(data, kind, max_pixels)
    except (DamagedPicture, TruncatedPicture):
        raise error from None


def decoded(data: bytes, max_pixels: int, error: UnusablePicture | NotForPillow) -> Image.Image:
    """Return a picture decoded by libvips, as `libvips_reader.decoded`.

    Args:
        data: The file.
        max_pixels: Largest width x height.
        error: Why Pillow does not read it.

    Raises:
        UnusablePicture: `error`, or a more precise one, if libvips cannot read it either.
    """
    kind = _judged(data, error)
    alpha = kind != "TIFF" or readers.has_alpha(tiff_tags.of(data))
    from worker.decoding import libvips_reader  # noqa: PLC0415 - the command line starts faster

    try:
        profile = error.profile if isinstance(error, NotForPillow) else None
        return libvips_reader.decoded(data, kind, max_pixels, profile, alpha=alpha)
    except (DamagedPicture, TruncatedPicture):
        if isinstance(error, NotForPillow):
            raise
        raise error from None


def mended(data: bytes, error: UnusablePicture | NotForPillow) -> bytes | None:
    """Return a repaired file of the same picture for Pillow to try again; None if there is nothing to repair.

    A PNG is stripped of everything but its picture. A JPEG gets its last marker back, if only that was missing.
    """
    kind = headers.kind_of(data)
    if kind == "PNG" and not isinstance(error, NotForPillow):
        bare = png_chunks.bare(data)
        return bare if bare != data else None
    return _with_its_end(data) if kind == "JPEG" and isinstance(error, TruncatedPicture) else None


def _with_its_end(data: bytes) -> bytes | None:
    if not jpeg_scans.complete(data):
        return None
    from worker.decoding import libvips_reader  # noqa: PLC0415 - the command line starts faster

    whole = data + _END
    return whole if libvips_reader.whole(whole) else None


def _judged(data: bytes, error: UnusablePicture | NotForPillow) -> str:
    """Return the format of a file that libvips may try."""
    kind = headers.kind_of(data)
    with headers.translated():
        if kind == "TIFF":
            readers.of_tiff(data)
        unread: KindNotRead | None = readers.unread(data, kind)
    if unread is not None:
        raise unread from error
    from worker.decoding import libvips_reader  # noqa: PLC0415 - the command line starts faster

    if isinstance(error, UnusablePicture) and kind not in libvips_reader.TRIES:
        raise error
    return kind
