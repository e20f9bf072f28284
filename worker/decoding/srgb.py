"""Converts any picture that Pillow has decoded to sRGB, eight bits, without alpha; and tells its alpha."""

from functools import lru_cache
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

BACKGROUND = (255, 255, 255)
BLOCK_PIXELS = 1 << 20
PHOTOMETRIC_TAG, BITS_TAG, WHITE_IS_ZERO = 262, 258, 0
"""Source: TIFF 6.0, section 8."""
WHITES = {1.0: 10.0, 255.0: 510.0}
"""Values that may be white in floating-point pictures, each with the brightest value that such a picture may have."""
UNSEEN = 1
"""A profile that changes no colour by more than so many levels counts as sRGB's, whatever its name."""
_GREY = {"1", "L", "LA"}


def converted(image: Image.Image) -> Image.Image:
    """Return a picture as RGB, its profile applied and its alpha flattened onto white."""
    if image.mode == "La":  # Pillow undoes the multiplication by alpha for colours, but for grey only on request
        image = image.convert("LA")
    clear = image.info.get("transparency")
    profile = image.info.get("icc_profile")
    if image.mode.startswith(("I", "F")):
        return _flat(deep_grey(image, profile), _opaque(np.asarray(image), clear))
    if isinstance(clear, tuple) and max(clear) > 255:  # noqa: PLR2004 - of 16 bits, but Pillow keeps the upper 8 of pixels
        image.info["transparency"] = tuple(value >> 8 for value in clear)
    if not image.has_transparency_data:
        return _through_profile(image, profile)
    alpha = image.convert("RGBA").getchannel("A")
    return _flat(_through_profile(image.convert("L" if image.mode in _GREY else "RGB"), profile), alpha)


def opacity(image: Image.Image) -> Image.Image:
    """Return the alpha of a picture as grey: 255 where it is opaque."""
    if image.mode.startswith(("I", "F")):
        found = _opaque(np.asarray(image), image.info.get("transparency"))
    elif image.mode == "La":
        found = image.convert("LA").getchannel("A")
    else:
        found = image.convert("RGBA").getchannel("A") if image.has_transparency_data else None
    return found or Image.new("L", image.size, 255)


def grey(values: NDArray[Any], top: float, profile: bytes | None, *, negative: bool = False) -> Image.Image:
    """Return grey of more than eight bits as RGB.

    Args:
        values: (H, W), 0 to `top`; values beyond are clipped.
        top: The value of white.
        profile: An ICC profile to apply.
        negative: Whether 0 is white instead.
    """
    ramp = _transform(profile, "L") if profile else None
    levels = (
        None if ramp is None else np.asarray(_applied(ramp, Image.fromarray(np.arange(256, dtype=np.uint8)[None])))[0]
    )
    out = np.empty((*values.shape, 3), np.uint8)
    rows = max(1, BLOCK_PIXELS // values.shape[1])
    for first in range(0, len(values), rows):
        block = np.nan_to_num(values[first : first + rows].astype(np.float64)) * (255.0 / top)
        block = np.clip(255.0 - block if negative else block, 0, 255)
        for channel in range(3):
            out[first : first + rows, :, channel] = np.rint(
                block if levels is None else np.interp(block, np.arange(256), levels[:, channel])
            )
    return Image.fromarray(out)


def framed(image: Image.Image, box: tuple[int, int, int, int]) -> Image.Image:
    """Return a picture, or its alpha, of which only the given box is kept; the rest is blank."""
    blank = Image.new(image.mode, image.size, BACKGROUND if image.mode == "RGB" else 0)
    blank.paste(image.crop(box), box[:2])
    return blank


def white_of(values: NDArray[Any]) -> float:
    """Return which value is white in a floating-point picture, judged by its brightest one: 1, 255 or 65,535.

    Values somewhat above white are common, for instance where sharpening brightened edges, and do not mean another
    scale. `values` may have any shape.
    """
    brightest = values.max(where=np.isfinite(values), initial=0.0)
    return next((white for white, most in WHITES.items() if brightest <= most), 65_535.0)


def deep_grey(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Return grey of 12, 16 or 32 bits, or floating-point, as RGB; Pillow's own conversion would clip it."""
    values, tags = np.asarray(image), getattr(image, "tag_v2", {})
    top = white_of(values) if image.mode == "F" else 65_535.0
    if tags.get(BITS_TAG) == (12,):
        top = 4_095.0
    # Pillow inverts negatives of 1 to 8 bits, but not those of 16 bits.
    return grey(values, top, profile, negative=image.mode == "I;16" and tags.get(PHOTOMETRIC_TAG) == WHITE_IS_ZERO)


def _opaque(values: NDArray[Any], clear: object) -> Image.Image | None:
    """Return the alpha of deep grey in which one value is transparent."""
    return Image.fromarray(np.where(values == clear, 0, 255).astype(np.uint8)) if isinstance(clear, int) else None


def _flat(image: Image.Image, alpha: Image.Image | None) -> Image.Image:
    """Return a picture flattened onto white."""
    if alpha is None:
        return image
    flat = Image.new("RGB", image.size, BACKGROUND)
    flat.paste(image, mask=alpha)
    return flat


def _through_profile(image: Image.Image, profile: bytes | None) -> Image.Image:
    if image.mode == "LAB":
        profile = _lab()
    elif image.mode not in {"RGB", "L", "CMYK"}:
        image = image.convert("L" if image.mode in _GREY else "RGB")
    transform = _transform(profile, image.mode) if profile else None
    if transform is None:
        return image if image.mode == "RGB" else image.convert("RGB")
    return _applied(transform, image)


def _applied(transform: Any, image: Image.Image) -> Image.Image:
    converted = Image.new("RGB", image.size)
    transform.apply(image, converted)
    return converted


@lru_cache(maxsize=1)
def _lab() -> bytes:
    from PIL import ImageCms  # noqa: PLC0415 - see below

    return ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()


@lru_cache(maxsize=64)
def _transform(profile: bytes, mode: str) -> Any:
    """Return the transform from an embedded profile to sRGB; None if it would change nothing or is unusable."""
    from PIL import ImageCms  # noqa: PLC0415 - most photos carry no profile, and the command line starts faster

    try:
        transform = ImageCms.buildTransform(
            ImageCms.getOpenProfile(BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
            mode,
            "RGB",
            # Without its cache, a transform can be used by several threads.
            flags=ImageCms.Flags.NOCACHE,
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
    return None if mode == "RGB" and _changes_nothing(transform) else transform


def _changes_nothing(transform: Any) -> bool:
    """Whether a transform changes none of the colours of a lattice, and no grey."""
    steps = np.arange(0, 256, 15, dtype=np.uint8)
    lattice = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(1, -1, 3)
    greys = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    probe = np.ascontiguousarray(np.concatenate([lattice, greys], axis=1))
    seen = np.asarray(_applied(transform, Image.fromarray(probe)))
    return int(np.abs(seen.astype(int) - probe).max()) <= UNSEEN
