"""Colour profiles for the code points with which AVIF, HEIC and PNG name their colours, and for Adobe RGB.

Source: ITU-T H.273 for the numbers (CICP), ICC.1:2001-04 for the format of a profile.
"""

import struct
from functools import cache

import numpy as np
from numpy.typing import NDArray

Curve = NDArray[np.float64]

PRIMARIES = {
    4: ((0.67, 0.33), (0.21, 0.71), (0.14, 0.08), (0.310, 0.316)),
    5: ((0.64, 0.33), (0.29, 0.60), (0.15, 0.06), (0.3127, 0.3290)),
    6: ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070), (0.3127, 0.3290)),
    7: ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070), (0.3127, 0.3290)),
    8: ((0.681, 0.319), (0.243, 0.692), (0.145, 0.049), (0.310, 0.316)),
    9: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046), (0.3127, 0.3290)),
    11: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), (0.314, 0.351)),
    12: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), (0.3127, 0.3290)),
    22: ((0.630, 0.340), (0.295, 0.605), (0.155, 0.077), (0.3127, 0.3290)),
}
"""Chromaticities of red, green, blue and white. Source: H.273, table 2."""
BT709 = ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060), (0.3127, 0.3290))
"""Those of sRGB, used where the number is 1, unknown or unspecified."""
ADOBE_RGB = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06), (0.3127, 0.3290))
ADOBE_GAMMA = 563 / 256
D50 = (0.9642, 1.0, 0.8249)
"""Source: ICC.1:2001-04, 6.1."""
BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
"""Source: ICC.1:2010, annex E.3."""
GAMMAS = {4: 2.2, 5: 2.8, 8: 1.0, 17: 2.6}
"""Transfer functions that are a power. Source: H.273, table 3."""
PQ, HLG = 16, 18
WHITE_NITS, PQ_NITS, HLG_NITS, HLG_GAMMA = 203.0, 10_000.0, 1_000.0, 1.2
"""Source: ITU-R BT.2408 for reference white, BT.2100 for the rest."""
POINTS = 4 * 255 + 1
"""Entries of a curve: every 8-bit value has one."""


@cache
def icc_profile(primaries: int, transfer: int, *, grey: bool = False) -> bytes | None:
    """Return an ICC profile for code points of H.273; None where they mean sRGB, or nothing.

    In PQ and HLG, light brighter than reference white (203 cd/m2) is clipped. The transfer functions of television
    cameras (1, 6, 14, 15) are treated as sRGB's, as viewers do.

    Args:
        primaries: Code point of the primaries.
        transfer: Code point of the transfer function.
        grey: Whether the picture has no colours; such a picture needs a grey profile.
    """
    light = _light(transfer)
    if light is None and (grey or primaries not in PRIMARIES):
        return None
    return _profile(PRIMARIES.get(primaries, BT709), _srgb_light() if light is None else light, grey=grey)


@cache
def adobe_rgb() -> bytes:
    """Return an ICC profile of Adobe RGB. Source: Adobe RGB (1998) Color Image Encoding, 4.3.1 and 4.3.4."""
    return _profile(ADOBE_RGB, np.linspace(0.0, 1.0, POINTS) ** ADOBE_GAMMA, grey=False)


def _profile(chromaticities: tuple[tuple[float, float], ...], curve: Curve, *, grey: bool) -> bytes:
    table = struct.pack(f">4sII{POINTS}H", b"curv", 0, POINTS, *np.rint(curve * 65_535).astype(int).tolist())
    text = b"Made of numbers\0"
    tags = {b"desc": struct.pack(">4sII", b"desc", 0, len(text)) + text + bytes(78), b"wtpt": _xyz(D50)}
    if grey:
        return _laid_out(tags | {b"kTRC": table}, b"GRAY")
    colours = zip((b"rXYZ", b"gXYZ", b"bXYZ"), _adapted(chromaticities).T.tolist(), strict=True)
    tags |= {name: _xyz(colour) for name, colour in colours}
    return _laid_out(tags | dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), table), b"RGB ")


def _light(transfer: int) -> Curve | None:
    """Return the light, 0 to 1, of each of the `POINTS` signals; None for sRGB's own function."""
    signal = np.linspace(0.0, 1.0, POINTS)
    if transfer in GAMMAS:
        return signal ** GAMMAS[transfer]
    if transfer == PQ:
        return np.minimum(1.0, _pq(signal) * PQ_NITS / WHITE_NITS)
    if transfer == HLG:
        return np.minimum(1.0, _hlg(signal) ** HLG_GAMMA * HLG_NITS / WHITE_NITS)
    return None


def _pq(signal: Curve) -> Curve:
    """Source: ITU-R BT.2100, table 4."""
    m1, m2 = 2610 / 16384, 2523 / 4096 * 128
    c1, c2, c3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
    root = signal ** (1 / m2)
    light: Curve = (np.maximum(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1)
    return light


def _hlg(signal: Curve) -> Curve:
    """Source: ITU-R BT.2100, table 5."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)  # noqa: PLR2004


def _srgb_light() -> Curve:
    """Source: IEC 61966-2-1."""
    signal = np.linspace(0.0, 1.0, POINTS)
    return np.where(signal <= 0.04045, signal / 12.92, ((signal + 0.055) / 1.055) ** 2.4)  # noqa: PLR2004


def _adapted(chromaticities: tuple[tuple[float, float], ...]) -> NDArray[np.float64]:
    """Return (3, 3): red, green and blue as columns of XYZ under D50."""
    corners = np.array([(x / y, 1.0, (1 - x - y) / y) for x, y in chromaticities]).T
    colours, white = corners[:, :3], corners[:, 3]
    colours = colours * np.linalg.solve(colours, white)
    gain = np.diag(BRADFORD @ np.array(D50) / (BRADFORD @ white))
    adapted: NDArray[np.float64] = np.linalg.inv(BRADFORD) @ gain @ BRADFORD @ colours
    return adapted


def _xyz(values: tuple[float, ...] | list[float]) -> bytes:
    return struct.pack(">4sI3i", b"XYZ ", 0, *(round(value * 65_536) for value in values))


def _laid_out(tags: dict[bytes, bytes], space: bytes) -> bytes:
    """Return a display profile with some tags. Source: ICC.1:2001-04, 6.1 and 6.2."""
    start, table, body = 132 + 12 * len(tags), b"", b""
    for name, value in tags.items():
        table += name + struct.pack(">II", start + len(body), len(value))
        body += value + bytes(-len(value) % 4)
    head = struct.pack(">III4s4s4s", start + len(body), 0, 0x02100000, b"mntr", space, b"XYZ ")
    head += struct.pack(">6H", 2001, 4, 1, 0, 0, 0) + b"acsp" + bytes(28)
    head += struct.pack(">3i", *(round(value * 65_536) for value in D50))
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body
