"""What the photos of a tile set lack, in sentences for people, before any mosaic is ordered.

Only the mean colour of each photo counts: that is what a cell takes on from afar.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from worker.core.colour import oklab
from worker.core.measures.advice import GREY_CHROMA, name_of

Array = NDArray[np.float64]

TOO_FEW, FEW_PHOTOS, USUAL_CELLS = 10, 100, 2_000
"""Below how many photos nothing is said but that, and below how many that is said, as of a usual mosaic."""
LEAST_SHARE = 0.01
"""Of the photos, those of one family: where a fifth of the target needs it, each of them lies 20 times as often as
the average photo."""
ALIKE, MOST_ALIKE = 0.06, 0.5
"""How near in Oklab photos are alike, and which share of all may be: of 2,220 different photos, 25 % are."""
SAMPLE = 600
MOST_SENTENCES = 3


class Family(NamedTuple):
    """Colours that usual targets need.

    Attributes:
        name: What people call them.
        needed_by: What is made of them.
        hue: From and to, in degrees of Oklab; the named colours of CSS Color 4 lie as `advice.HUES` says.
        lightness: From and to.
        chroma: The least.
    """

    name: str
    needed_by: tuple[str, ...]
    hue: tuple[float, float]
    lightness: tuple[float, float]
    chroma: float


COLOURS = (
    Family("blues", ("skies", "water"), (215, 285), (0.45, np.inf), GREY_CHROMA),
    Family("greens", ("leaves", "grass"), (105, 165), (-np.inf, np.inf), GREY_CHROMA),
    Family("skin colours", ("faces",), (30, 85), (0.5, 0.9), 0.03),
)
TONES = (
    Family("dark photos", ("shadows",), (0, 360), (-np.inf, 0.3), 0),
    Family("nearly white photos", ("snow", "bright light"), (0, 360), (0.85, np.inf), 0),
)


def of_photos(means: Array) -> list[str]:
    """Say what photos lack of that which usual targets need; nothing where nothing is lacking.

    Args:
        means: (N, 3) mean colours, sRGB, 0 to 255, N >= 1.

    Returns:
        At most three sentences: that they are few, that most are alike, colours, dark and light ones.

    Example:
        >>> of_photos(np.tile([[60.0, 120, 220]], (500, 1)))[0]
        'Most photos (100 %) have nearly the same colour, blues: a mosaic of them shows few others.'
    """
    if len(means) < TOO_FEW:
        return _on_number(len(means))
    places = oklab(means)
    found = [*_on_number(len(means)), *_on_likeness(means, places), *_on(COLOURS, places), *_on(TONES, places)]
    return found[:MOST_SENTENCES]


def _on_number(count: int) -> list[str]:
    if count >= FEW_PHOTOS:
        return []
    some = "One photo is" if count == 1 else f"{count} photos are"
    return [f"{some} few: in a mosaic of {USUAL_CELLS:,} cells each lies {USUAL_CELLS // count:,} times."]


def _on_likeness(means: Array, places: Array) -> list[str]:
    some = np.unique(np.linspace(0, len(places) - 1, SAMPLE).astype(np.intp))
    apart = np.linalg.norm(places[some][:, None] - places[some][None], axis=2)
    shares = (apart <= ALIKE).mean(axis=1)
    centre = int(shares.argmax())
    if shares[centre] <= MOST_ALIKE:
        return []
    colour = name_of(means[some[centre]])
    share = f"{100 * shares[centre]:.0f} %"
    return [f"Most photos ({share}) have nearly the same colour, {colour}: a mosaic of them shows few others."]


def _on(families: tuple[Family, ...], places: Array) -> list[str]:
    """Say of which families there are few or none, in one sentence."""
    counts = [(family, _count(family, places)) for family in families]
    few = [(family, count) for family, count in counts if count < LEAST_SHARE * len(places)]
    if not few:
        return []
    names = _in_a_row([family.name for family, _ in few])
    users = _in_a_row([user for family, _ in few for user in family.needed_by])
    if any(count for _, count in few):
        return [f"Few {names}: {users} will repeat the same photos, or lack their colour."]
    return [f"No {names}: {users} will lack their colour."]


def _count(family: Family, places: Array) -> int:
    lightness, a, b = places.T
    hue, chroma = np.degrees(np.arctan2(b, a)) % 360, np.hypot(a, b)
    inside = (lightness >= family.lightness[0]) & (lightness <= family.lightness[1]) & (chroma >= family.chroma)
    return int(np.count_nonzero(inside & (hue >= family.hue[0]) & (hue <= family.hue[1])))


def _in_a_row(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
