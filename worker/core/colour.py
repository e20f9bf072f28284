"""Colour spaces and the distance between two colours. Input is sRGB, 0 to 255, unless a function says otherwise."""

from math import cos, radians, sin
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Floats = NDArray[np.floating]
Precision = TypeVar("Precision", bound=np.floating)

LINEAR_TO_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
"""Linear sRGB to CIE XYZ under D65, white at Y = 1. Source: IEC 61966-2-1:1999, to seven digits."""
WHITE = LINEAR_TO_XYZ.sum(axis=1)
"""XYZ of sRGB's white (255, 255, 255), so that white is exactly L* = 100, a* = b* = 0."""
LUMA = np.array([0.2126, 0.7152, 0.0722])
"""Weights of the encoded R, G, B in luma. Source: ITU-R BT.709-6, item 3.2."""
LINEAR_TO_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
LMS_TO_OKLAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
"""Source of both: B. Ottosson, "A perceptual color space for image processing", 2020 (the revision of 2021-01-25)."""


def linear(srgb: Floats) -> Array:
    """Return the linear light of sRGB values, one by one.

    Args:
        srgb: Any shape, 0 to 255.

    Returns:
        The same shape, 0 to 1.

    Source:
        IEC 61966-2-1:1999, the inverse transfer function.

    Example:
        >>> linear(np.array([0.0, 255.0])).tolist()
        [0.0, 1.0]
    """
    encoded = np.asarray(srgb, np.float64) / 255.0
    light: Array = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    return light


MOST_LIGHT = 4_095
LIGHT_LEVELS = np.rint(MOST_LIGHT * linear(np.arange(256.0))).astype(np.float32)
"""The linear light of each of the 256 values of sRGB, in whole numbers of which white has `MOST_LIGHT`.

Sums of so small numbers are exact in single precision, and averages of them are good to a hundredth of a dE00."""


def lab(srgb: Floats) -> Array:
    """Return the (..., 3) CIE L*a*b* under D65 of (..., 3) sRGB values from 0 to 255.

    Source:
        ISO/CIE 11664-4:2019.

    Example:
        >>> lab(np.array([255.0, 255.0, 255.0])).round(9).tolist()
        [100.0, 0.0, 0.0]
    """
    return lab_of_light(linear(srgb))


def lab_of_light(light: Array) -> Array:
    """Return the (..., 3) CIE L*a*b* under D65 of (..., 3) linear light of sRGB's primaries, 0 to 1.

    Source:
        ISO/CIE 11664-4:2019.

    Example:
        >>> lab_of_light(np.array([1.0, 1.0, 1.0])).round(9).tolist()
        [100.0, 0.0, 0.0]
    """
    ratio = light @ LINEAR_TO_XYZ.T / WHITE
    bent = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    x, y, z = bent[..., 0], bent[..., 1], bent[..., 2]
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def slope_of_lab(light: Array) -> Array:
    """Return by how much L*a*b* changes with the light: (..., 3, 3), d of L*, a*, b* by d of R, G, B.

    Args:
        light: (..., 3) linear light of sRGB's primaries, 0 to 1.

    Source:
        The derivative of ISO/CIE 11664-4:2019.

    Example:
        >>> slope_of_lab(np.ones(3))[0].sum().round(6).item()  # 116 / 3, the slope of 116 Y^(1/3) at white
        38.666667
    """
    by_light = LINEAR_TO_XYZ / WHITE[:, None]
    ratio = light @ by_light.T
    slope = np.where(ratio > (6 / 29) ** 3, 1 / (3 * np.cbrt(np.maximum(ratio, 1e-9)) ** 2), 1 / (3 * (6 / 29) ** 2))
    x, y, z = (slope[..., axis, None] * by_light[axis] for axis in range(3))
    return np.stack([116 * y, 500 * (x - y), 200 * (y - z)], axis=-2)


def lab_of_even_chroma(srgb: Array) -> Array:
    """Return (..., 3) L*a*b* of (..., 3) sRGB values, chroma compressed so that strong colours lie less far apart.

    The chroma C becomes ln(1 + 0.045 C) / 0.045, and the hue stays.

    Source:
        The integral of dC / S_C with S_C = 1 + 0.045 C, which CIE94 (CIE 116-1995) and CIEDE2000 divide chroma by.

    Example:
        >>> lab_of_even_chroma(np.array([255.0, 255.0, 255.0])).round(9).tolist()
        [100.0, 0.0, 0.0]
    """
    return even_chroma(lab(srgb))


def even_chroma(colours: Array) -> Array:
    """Return (..., 3) L*a*b* colours with their chroma compressed, as `lab_of_even_chroma`."""
    strength = 0.045 * _length(colours[..., 1], colours[..., 2])
    squeezed = np.divide(np.log1p(strength), strength, out=np.ones_like(strength), where=strength > 0)
    return np.concatenate([colours[..., :1], colours[..., 1:] * squeezed[..., None]], axis=-1)


def oklab(srgb: Array) -> Array:
    """Return the (..., 3) Oklab (L from 0 to 1) of (..., 3) sRGB values from 0 to 255.

    Source:
        B. Ottosson, "A perceptual color space for image processing", 2020.
    """
    colours: Array = np.cbrt(linear(srgb) @ LINEAR_TO_LMS.T) @ LMS_TO_OKLAB.T
    return colours


def srgb_of_oklab(colours: Array) -> Array:
    """Return the (..., 3) sRGB values of (..., 3) Oklab colours; what sRGB cannot show is clipped to 0 and 255.

    Source:
        The inverse of `oklab` and of `linear`.

    Example:
        >>> srgb_of_oklab(oklab(np.array([12.0, 200.0, 99.0]))).round(3).tolist()
        [12.0, 200.0, 99.0]
    """
    light = np.clip((colours @ np.linalg.inv(LMS_TO_OKLAB).T) ** 3 @ np.linalg.inv(LINEAR_TO_LMS).T, 0.0, 1.0)
    encoded: Array = np.where(light <= 0.04045 / 12.92, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return 255 * encoded


def ciede2000(one: NDArray[Precision], other: NDArray[Precision]) -> NDArray[Precision]:
    """Return the (...) colour differences dE00 of (..., 3) L*a*b* colours; the arguments broadcast.

    In single precision it takes a third of the time, and is good to 1e-4, but where hues are opposite: there the
    formula itself jumps.

    Source:
        G. Sharma, W. Wu, E. N. Dalal, "The CIEDE2000 color-difference formula: implementation notes, supplementary
        test data, and mathematical observations", Color Research and Application 30(1), 2005; k_L = k_C = k_H = 1.
    """
    lightness_1, a_1, b_1 = (one[..., axis] for axis in range(3))
    lightness_2, a_2, b_2 = (other[..., axis] for axis in range(3))
    chroma_7 = ((_length(a_1, b_1) + _length(a_2, b_2)) / 2) ** 7
    stretch = 1 + 0.5 * (1 - np.sqrt(chroma_7 / (chroma_7 + 25.0**7)))
    chroma_1, hue_1 = _polar(stretch * a_1, b_1)
    chroma_2, hue_2 = _polar(stretch * a_2, b_2)
    grey = chroma_1 * chroma_2 == 0
    d_hue = hue_2 - hue_1
    d_hue = np.where(grey, 0.0, np.where(d_hue > 180, d_hue - 360, np.where(d_hue < -180, d_hue + 360, d_hue)))
    hue_term = 2 * np.sqrt(chroma_1 * chroma_2) * np.sin(np.radians(d_hue / 2))
    hue = _middle(hue_1, hue_2, grey)
    lightness, chroma = (lightness_1 + lightness_2) / 2, (chroma_1 + chroma_2) / 2
    from_50 = (lightness - 50) ** 2
    l_term = (lightness_2 - lightness_1) / (1 + 0.015 * from_50 / np.sqrt(20 + from_50))
    c_term = (chroma_2 - chroma_1) / (1 + 0.045 * chroma)
    h_term = hue_term / (1 + 0.015 * chroma * _weight(np.radians(hue)))
    rotation = (
        -2 * np.sqrt(chroma**7 / (chroma**7 + 25.0**7)) * np.sin(np.radians(60 * np.exp(-(((hue - 275) / 25) ** 2))))
    )
    square = l_term**2 + c_term**2 + h_term**2 + rotation * c_term * h_term
    difference: NDArray[Precision] = np.sqrt(np.maximum(square, 0.0))
    return difference


def _length(a: Floats, b: Floats) -> Floats:
    """Return sqrt(a^2 + b^2) ten times as quickly as np.hypot, which guards against squares beyond 1e308."""
    return np.sqrt(a * a + b * b)


def _polar(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """Return chroma, and hue in degrees from 0 to 360 (0 for greys)."""
    hue = np.degrees(np.arctan2(b, a))
    return _length(a, b), np.where(hue < 0, hue + 360.0, hue)


def _weight(hue: Floats) -> Floats:
    """Return T of CIEDE2000, 1 - 0.17 cos(h - 30) + 0.24 cos(2h) + 0.32 cos(3h + 6) - 0.20 cos(4h - 63), in degrees.

    Cosines take most of the time, so those of multiples are computed from those of the angle.

    Args:
        hue: Mean hue in radians.
    """
    cos_1, sin_1 = np.cos(hue), np.sin(hue)
    cos_2, sin_2 = 2 * cos_1 * cos_1 - 1, 2 * sin_1 * cos_1
    cos_3, sin_3 = cos_1 * cos_2 - sin_1 * sin_2, sin_1 * cos_2 + cos_1 * sin_2
    cos_4, sin_4 = 2 * cos_2 * cos_2 - 1, 2 * sin_2 * cos_2
    by_30, by_6, by_63 = (radians(degrees) for degrees in (30, 6, 63))
    weight: Floats = (
        1
        - 0.17 * (cos(by_30) * cos_1 + sin(by_30) * sin_1)
        + 0.24 * cos_2
        + 0.32 * (cos(by_6) * cos_3 - sin(by_6) * sin_3)
        - 0.20 * (cos(by_63) * cos_4 + sin(by_63) * sin_4)
    )
    return weight


def _middle(hue_1: Floats, hue_2: Floats, grey: NDArray[np.bool_]) -> Floats:
    """Return the mean hue on the shorter way round; for a grey, whose own hue is 0, the sum."""
    total = hue_1 + hue_2
    apart = np.abs(hue_1 - hue_2) > 180
    around = np.where(total < 360, total + 360, total - 360)
    middle: Floats = np.where(grey, total, np.where(apart, around, total) / 2)
    return middle
