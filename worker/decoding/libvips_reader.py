"""libvips as a second reader, for files that Pillow reads wrongly or not at all; see `readers`."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.errors import DamagedPicture, TruncatedPicture
from worker.decoding import headers, srgb
from worker.libvips import pyvips

_LOADERS = {
    "JPEG": "jpegload_buffer", "PNG": "pngload_buffer", "TIFF": "tiffload_buffer",
    "AVIF": "heifload_buffer", "WebP": "webpload_buffer",
}  # fmt: skip
"""The only loaders that are ever called: libvips is never asked to guess what a file is."""
_FAILS_ON = {"JPEG": "warning"}
"""Where pixels are missing, libjpeg makes them up and only warns."""
TRIES = {"JPEG", "TIFF", "AVIF", "WebP"}
"""Formats in which libvips may try what Pillow cannot read; not PNG, where Pillow refuses what inflates too much."""
_TOPS = {"uchar": 255.0, "ushort": 65_535.0, "uint": 4_294_967_295.0, "float": None}
_COLOURS = {"b-w": 1, "grey16": 1, "srgb": 3, "rgb": 3, "rgb16": 3, "cmyk": 4}
"""How many samples of a pixel are colour, by the name that libvips has for the colour space."""
_MODES = {(3, 3): "RGB", (3, 4): "RGBA", (4, 4): "CMYK"}
_MADE_SRGB = {"scrgb", "lab", "labs"}
PROFILE = "icc-profile-data"


def size(data: bytes, kind: str, max_pixels: int) -> tuple[int, int]:
    """Return the upright width and height, from the header alone.

    Raises:
        UnusablePicture: the header cannot be read, or says more than `max_pixels`.
    """
    upright = _opened(data, kind, max_pixels)
    return upright.width, upright.height


def decoded(
    data: bytes, kind: str, max_pixels: int, profile: bytes | None = None, *, alpha: bool = True
) -> Image.Image:
    """Return a picture, upright and in eight bits, as a Pillow image.

    Its `info` has the profile that must still be applied, if there is one.

    Args:
        data: A file that `readers` leaves to libvips.
        kind: Its format.
        max_pixels: Largest width x height.
        profile: An ICC profile to take in place of the file's own.
        alpha: Whether a sample beyond the colours is alpha.

    Raises:
        UnusablePicture: too large, or libvips cannot decode it either; any error that it notices is enough.
    """
    image = _opened(data, kind, max_pixels)
    if profile is not None:
        image = image.copy()
        image.set_type(pyvips.GValue.blob_type, PROFILE, profile)
    with _translated():
        return _as_pillow(image, alpha=alpha)


def whole(data: bytes) -> bool:
    """Whether every pixel of a JPEG is there: its decoder gives no warning."""
    try:
        pyvips.Image.jpegload_buffer(data, fail_on="warning", access="sequential").avg()
    except pyvips.Error:
        return False
    return True


@contextmanager
def _translated() -> Iterator[None]:
    """Turn every error of libvips into one of ours."""
    try:
        yield
    except pyvips.Error as error:
        if "premature end" in str(error):
            raise TruncatedPicture(headers.TRUNCATED) from error
        raise DamagedPicture(headers.DAMAGED) from error


def _opened(data: bytes, kind: str, max_pixels: int) -> Any:
    with _translated():
        image = getattr(pyvips.Image, _LOADERS[kind])(data, fail_on=_FAILS_ON.get(kind, "error"))
    headers.check_size((image.width, image.height), max_pixels)
    with _translated():
        return image.autorot()


def _as_pillow(image: Any, *, alpha: bool) -> Image.Image:
    profile = bytes(image.get(PROFILE)) if image.get_typeof(PROFILE) else None
    if image.interpretation in _MADE_SRGB:
        image, profile = image.colourspace("srgb").cast("uchar"), None
    elif profile is not None and image.interpretation == "rgb16":
        # While it still has sixteen bits: in a linear picture, eight are too few for dark colours.
        image, profile = _through_profile(image), None
    colours = _COLOURS.get(image.interpretation)
    if colours is None or image.format not in _TOPS:
        raise DamagedPicture(headers.DAMAGED)
    samples = image[: colours + 1 if alpha else colours].numpy()
    top = _TOPS[image.format] or srgb.white_of(samples)
    if colours == 1:
        pillow = _grey(samples.reshape(image.height, image.width, -1), top, profile)
    else:
        mode = _MODES[colours, samples.shape[2]]
        pillow = Image.frombytes(mode, (image.width, image.height), _eight_bits(samples, top).tobytes())
        pillow.info["icc_profile"] = profile
    return pillow


def _grey(samples: NDArray[Any], top: float, profile: bytes | None) -> Image.Image:
    """Return grey, or grey with alpha, as a picture to which its profile was applied."""
    image = srgb.grey(samples[:, :, 0], top, profile)
    if samples.shape[2] > 1:
        image.putalpha(Image.fromarray(_eight_bits(samples[:, :, 1], top)))
    return image


def _through_profile(image: Any) -> Any:
    """Return a picture in sRGB; unchanged if its profile is unusable."""
    try:
        return image.icc_transform("srgb", embedded=True, intent="perceptual").copy_memory()
    except pyvips.Error:
        return image


def _eight_bits(samples: NDArray[Any], top: float) -> NDArray[np.uint8]:
    if samples.dtype == np.uint8:
        return samples
    eight = np.empty(samples.shape, np.uint8)
    for row, line in enumerate(samples):
        eight[row] = np.rint(line * (255.0 / top))
    return eight
