"""The quality report of a mosaic as a sentence for people."""

from collections.abc import Mapping
from typing import Any

LITTLE = 5.0
"""Mean dE up to which a change of colours is called little: as `NEAR` in `worker.core.measures.quality`."""

CLEAR, MOSTLY_CLEAR = 0.95, 0.87
"""Of `fine` in `worker.core.measures`: from when on fine parts are called so. Chosen by faces, and tried on others:
docs/explanation/pictures.md."""


def sentence(quality: Mapping[str, Any]) -> str:
    """Return what was measured, and nothing else; a mosaic from before a figure was measured has no word of it.

    Example:
        >>> sentence({"near": 0.94, "fine": 0.97, "most_uses": 4, "change": 2.0})
        '94 of 100 cells are near; fine parts are clear; one photo lies 4 times at most; the colours of your photos were changed a little.'
        >>> sentence({"most_uses": 1, "change": 0.0})
        'Every photo lies once; your photos are as they were.'
    """  # noqa: E501 - a sentence
    said = []
    if quality.get("near") is not None:
        said.append(f"{_of_hundred(quality['near'])} of 100 cells are near")
    if quality.get("fine") is not None:
        said.append(f"fine parts are {_clear(quality['fine'])}")
    most = quality["most_uses"]
    said.append("every photo lies once" if most == 1 else f"one photo lies {most:,} times at most")
    change = quality["change"]
    how = "changed a little" if change < LITTLE else "changed clearly"
    said.append(f"the colours of your photos were {how}" if change else "your photos are as they were")
    text = "; ".join(said) + "."
    return text[0].upper() + text[1:]


def _clear(fine: float) -> str:
    return "clear" if fine >= CLEAR else "mostly clear" if fine >= MOSTLY_CLEAR else "blurred"


def _of_hundred(share: float) -> str:
    """Return a share in hundredths; what is nearly none or nearly all is not called so.

    Example:
        >>> _of_hundred(0.003), _of_hundred(0.997), _of_hundred(1.0)
        ('fewer than 1', 'more than 99', '100')
    """
    if 0 < share < 1 / 100:
        return "fewer than 1"
    return "more than 99" if 99 / 100 < share < 1 else f"{round(100 * share)}"
