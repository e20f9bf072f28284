"""Comparisons of the scores of mosaics, pair by pair: a pair is a target and a tile set."""

from collections.abc import Mapping, Sequence
from statistics import mean

Scores = Mapping[str, float]


def beats(ours: Scores, theirs: Scores) -> bool:
    """Return whether ours is nearer by PSNR, dE00 and SSIM at once.

    Example:
        >>> theirs = {"psnr1": 24.0, "de00": 7.0, "ssim4": 0.4}
        >>> beats(theirs | {"psnr1": 25.0, "de00": 6.0, "ssim4": 0.5}, theirs)
        True
        >>> beats(theirs | {"psnr1": 25.0, "de00": 6.0}, theirs)
        False
    """
    nearer = ours["psnr1"] > theirs["psnr1"] and ours["de00"] < theirs["de00"]
    return nearer and ours["ssim4"] > theirs["ssim4"]


def gains(ours: Sequence[Scores], others: Sequence[Scores], what: str) -> list[float]:
    """Return by how much ours is more, pair by pair."""
    return [one[what] - other[what] for one, other in zip(ours, others, strict=True)]


def share(ours: Sequence[Scores], others: Sequence[Scores], what: str) -> float:
    """Return the mean of ours over the mean of others.

    Example:
        >>> share([{"far": 1.0}, {"far": 2.0}], [{"far": 2.0}, {"far": 4.0}], "far")
        0.5
    """
    return mean(one[what] for one in ours) / mean(other[what] for other in others)
