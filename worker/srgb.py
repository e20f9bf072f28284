"""Any picture that Pillow has decoded as one of sRGB, eight bits, without alpha."""

from functools import lru_cache
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

BACKGROUND = (255, 255, 255)
BLOCK_PIXELS = 1 << 20
PHOTOMETRIC_TAG, WHITE_IS_ZERO = 262, 0
"""Source: TIFF 6.0, section 8."""


def converted(image: Image.Image) -> Image.Image:
    """Return a picture as RGB: its profile followed, its alpha laid on white."""
    image = _eight_bits(image)
    clear = image.info.get("transparency")
    if isinstance(clear, tuple) and max(clear) > 255:  # noqa: PLR2004 - of 16 bits, but Pillow keeps the upper 8 of pixels
        image.info["transparency"] = tuple(value >> 8 for value in clear)
    if image.has_transparency_data:
        profile = image.info.get("icc_profile")
        rgba = image if image.mode == "RGBA" else image.convert("RGBA")
        flat = Image.new("RGB", image.size, BACKGROUND)
        flat.paste(_through_profile(rgba.convert("RGB"), profile), mask=rgba.getchannel("A"))
        return flat
    return _through_profile(image, image.info.get("icc_profile"))


def _eight_bits(image: Image.Image) -> Image.Image:
    """Bring the 16-bit and 32-bit grey modes to eight bits; Pillow's own conversion cuts them off at 255."""
    if not image.mode.startswith(("I", "F")):
        return image
    values = np.asarray(image)
    top = 1.0 if image.mode == "F" and values.max(initial=0.0) <= 1.0 else 65_535.0
    # Pillow turns the negatives of 1 to 8 bits into positives, and leaves those of 16.
    negative = image.mode == "I;16" and getattr(image, "tag_v2", {}).get(PHOTOMETRIC_TAG) == WHITE_IS_ZERO
    clear = image.info.get("transparency")
    grey = np.empty(values.shape, np.uint8)
    rows = max(1, BLOCK_PIXELS // image.width)
    for first in range(0, image.height, rows):
        block = np.nan_to_num(values[first : first + rows].astype(np.float64))
        block = np.clip(block * (255.0 / top), 0, 255).round()
        grey[first : first + rows] = 255 - block if negative else block
    if isinstance(clear, int):
        grey[values == clear] = 255
    return Image.fromarray(grey)


def _through_profile(image: Image.Image, profile: bytes | None) -> Image.Image:
    if image.mode not in {"RGB", "L", "CMYK"}:
        image = image.convert("RGB")
    transform = _transform(profile, image.mode) if profile else None
    if transform is None:
        return image if image.mode == "RGB" else image.convert("RGB")
    converted = Image.new("RGB", image.size)
    transform.apply(image, converted)
    return converted


@lru_cache(maxsize=64)
def _transform(profile: bytes, mode: str) -> Any:
    """Return the transform from an embedded profile to sRGB; None where there is nothing to do or it is unusable."""
    from PIL import ImageCms  # noqa: PLC0415 - most photos carry no profile, and the command line starts faster

    try:
        source = ImageCms.getOpenProfile(BytesIO(profile))
        if mode == "RGB" and ImageCms.getProfileDescription(source).startswith("sRGB"):
            return None
        # Without the cache one transform serves several threads.
        return ImageCms.buildTransform(
            source, ImageCms.createProfile("sRGB"), mode, "RGB", flags=ImageCms.Flags.NOCACHE
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
