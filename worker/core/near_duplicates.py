"""Photos that are nearly the same: from one burst, saved again, resized, made a little brighter.

Two photos are nearly the same when their outlines are near each other and their grain correlates. The outline, area
averages of 8 x 8 fields, is cheap and selects the pairs worth a second look. The grain, a thumb minus its blurred
self, tells apart what has the same outline, such as two skies over two plains.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Numbers = NDArray[np.intp]

OUTLINE_SIDE = 8
"""Fields a side of an outline."""
FAINT = 10.0
"""Levels of contrast below which the structure of a photo counts for less, since much of it is noise."""
LIGHT = 40.0
"""Levels by which two average colours differ at an outline distance of 1, all else being equal."""
NEAR = 0.3
"""The largest distance between the outlines of two photos that are nearly the same."""
REACH = 1
"""Pixels of the thumb by which two photos that are nearly the same may be shifted, along and across."""
BLUR = 5
"""Width in pixels of the blur that is subtracted from a thumb to leave the grain."""
FAINT_GRAIN = 1.0
"""Levels below which a difference does not count as grain."""
SAME_GRAIN = 0.5
"""The smallest correlation of the grain of two photos that are nearly the same, at the best shift."""
FEW = 64
"""Up to so many photos, each is compared with each."""
RUN = 128
"""Photos that are compared with others in one product of matrices."""
PAIRS = 2_048
"""Pairs whose grain is compared at once."""
ROUNDING = 1e-3
"""More than single precision can add to the square of a distance."""


def alike(thumbs: NDArray[np.uint8], sizes: NDArray[np.uint32]) -> Numbers:
    """Return for every photo the number of the one that stands for it.

    Photos are taken in turn: the larger first, and among equals the lower number. A photo that is nearly the same as
    one taken before is left out, and the first such photo stands for it; any other photo stands for itself. So what
    is left out is always nearly the same as what stands for it, however long the burst.

    Args:
        thumbs: (M, S, S, 3) photos squeezed to a square, sRGB; S a multiple of 8. May be mapped from a file.
        sizes: (M, 2) their widths and heights.

    Returns:
        (M,) numbers; its own for a photo that stands for itself.

    Example:
        >>> pictures = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
        >>> alike(pictures[[0, 1, 0]], np.array([[9, 9], [9, 9], [10, 9]], np.uint32)).tolist()
        [2, 1, 2]
    """
    blocks = (thumbs[first : first + PAIRS] for first in range(0, len(thumbs), PAIRS))
    return stand_ins(blocks, sizes, thumbs.__getitem__)


def stand_ins(
    blocks: Iterable[NDArray[np.uint8]], sizes: NDArray[np.uint32], look: Callable[[Numbers], NDArray[np.uint8]]
) -> Numbers:
    """Like `alike`, but reads the thumbs block by block.

    Args:
        blocks: (m, S, S, 3) thumbs of the photos, in order; iterated over once.
        sizes: (M, 2) their widths and heights.
        look: Takes (n,) numbers of photos and returns their (n, S, S, 3) thumbs again; called where outlines are
            near.

    Returns:
        (M,) numbers, as `alike`.
    """
    outlines = np.empty((len(sizes), 3 + OUTLINE_SIDE * OUTLINE_SIDE * 3), np.float32)
    rough = np.empty((len(sizes), 3 + 2 * 2 * 3), np.float32)
    first = 0
    for block in blocks:
        here = slice(first, first + len(block))
        outlines[here] = outline(block)
        rough[here] = _rough(outlines[here])
        first = here.stop
    area = sizes[:, 0].astype(np.int64) * sizes[:, 1]
    stands_for = np.arange(len(sizes))
    _settle(np.lexsort((stands_for, -area)), stands_for, _Photos(outlines, rough, look))
    return stands_for


class _Photos(NamedTuple):
    """What is compared: (M, 195) outlines, (M, 15) rough outlines, and a way to look at thumbs again."""

    outlines: Floats
    rough: Floats
    look: Callable[[Numbers], NDArray[np.uint8]]


def _settle(ranked: Numbers, stands_for: Numbers, photos: _Photos) -> Numbers:
    """Write into `stands_for` what stands for each of some photos; return those that stand for themselves.

    `ranked` has the photos in the order in which they are taken. The first half is settled first, and then stands for
    what it can of the second half. So the photos of a long burst are compared with one photo, not each with each.
    """
    if len(ranked) <= FEW:
        for later, earlier in _pairs(ranked, ranked, photos):
            if stands_for[ranked[earlier]] == ranked[earlier] and stands_for[ranked[later]] == ranked[later]:
                stands_for[ranked[later]] = ranked[earlier]
        standing: Numbers = ranked[stands_for[ranked] == ranked]
        return standing
    first, second = np.array_split(ranked, 2)
    standing = _settle(first, stands_for, photos)
    pairs = _pairs(second, standing, photos)[::-1]
    # Of several assignments to one place the last one counts: here that of the first photo that stands for it.
    stands_for[second[pairs[:, 0]]] = standing[pairs[:, 1]]
    left = np.delete(second, pairs[:, 0])
    return np.concatenate([standing, _settle(left, stands_for, photos)])


def outline(thumbs: NDArray[np.uint8]) -> Floats:
    """Return (M, 3 + 8 * 8 * 3) numbers whose Euclidean distance says how unlike photos are.

    The first three are the mean colour, in units of `LIGHT`. The others are the area averages minus the mean colour,
    divided by the photo's contrast, so that a photo of strong contrast is at a distance of 1 from an even surface.

    Args:
        thumbs: (M, S, S, 3) sRGB, 0 to 255, S a multiple of 8.
    """
    count, side = len(thumbs), thumbs.shape[1] // OUTLINE_SIDE
    lines = thumbs.reshape(count, OUTLINE_SIDE, side, OUTLINE_SIDE * side * 3).sum(axis=2, dtype=np.uint32)
    sums = lines.reshape(count, OUTLINE_SIDE * OUTLINE_SIDE, side, 3).sum(axis=2)
    averages = sums / side**2
    colour = averages.mean(axis=1)
    structure = averages - colour[:, None]
    contrast = np.sqrt((structure**2).mean(axis=(1, 2)) + FAINT**2)
    structure /= contrast[:, None, None] * np.sqrt(OUTLINE_SIDE * OUTLINE_SIDE * 3)
    return np.concatenate(
        [colour / (LIGHT * np.sqrt(3)), structure.reshape(count, OUTLINE_SIDE**2 * 3)], axis=1, dtype=np.float32
    )


def same_grain(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return (N,) whether the grain of two photos correlates after a small shift.

    Args:
        one: (N, S, S, 3) thumbs of the first photo of each pair.
        other: (N, S, S, 3) thumbs of the second.
    """
    still, moved = _grain(one), _grain(other)
    inside = slice(REACH, still.shape[1] - REACH)
    still = still[:, inside, inside]
    best = np.full(len(still), -1.0)
    for down in range(2 * REACH + 1):
        for across in range(2 * REACH + 1):
            under = moved[:, down : down + still.shape[1], across : across + still.shape[2]]
            best = np.maximum(best, _correlation(still, under))
    return best >= SAME_GRAIN


def _pairs(of: Numbers, among: Numbers, photos: _Photos) -> Numbers:
    """Return (N, 2) positions in two lists of photos that are nearly the same, in rising order.

    Within one list each pair is found once, the later photo first.
    """
    found = [np.empty((0, 2), np.intp)]
    for near in _near(of, among, photos.rough):
        if of is among:
            near = near[near[:, 1] < near[:, 0]]  # noqa: PLW2901 - fewer of the same
        for first in range(0, len(near), PAIRS):
            pairs = near[first : first + PAIRS]
            one, other = of[pairs[:, 0]], among[pairs[:, 1]]
            apart = ((photos.outlines[one].astype(np.float64) - photos.outlines[other]) ** 2).sum(axis=1)
            pairs, one, other = (array[apart <= NEAR**2] for array in (pairs, one, other))
            if len(pairs):
                found.append(pairs[same_grain(photos.look(one), photos.look(other))])
    pairs = np.concatenate(found)
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]


def _near(of: Numbers, among: Numbers, rough: Floats) -> Iterator[Numbers]:
    """Yield (n, 2) pairs of positions: all that may be near each other, and few others.

    The rough outlines, of 2 x 2 fields, are never farther apart than the outlines, so none is missed. The lists are
    sorted by lightness, which is never farther apart either, so that most pairs are never looked at.
    """
    rough_of, rough_among = rough[of], rough[among]
    light_of, light_among = (colours[:, :3].sum(axis=1) / np.sqrt(3) for colours in (rough_of, rough_among))
    by_light, order = np.argsort(light_of, kind="stable"), np.argsort(light_among, kind="stable")
    light, reach = light_of[by_light], NEAR + ROUNDING
    columns = np.column_stack([rough_of, (rough_of**2).sum(axis=1), np.ones(len(of), np.float32)])[by_light].T
    for first in range(0, len(order), RUN):
        run = order[first : first + RUN]
        low = np.searchsorted(light, light_among[run[0]] - reach)
        high = np.searchsorted(light, light_among[run[-1]] + reach, side="right")
        rows = np.column_stack(
            [-2 * rough_among[run], np.ones(len(run), np.float32), (rough_among[run] ** 2).sum(axis=1)]
        )
        near = np.flatnonzero(rows @ columns[:, low:high] <= NEAR**2 + ROUNDING)
        row, column = np.divmod(near, max(1, high - low))
        yield np.column_stack([by_light[low + column], run[row]])


def _rough(outlines: Floats) -> Floats:
    """Return (M, 15) numbers: orthogonal projections, so no two are farther apart than the outlines."""
    half = OUTLINE_SIDE // 2
    structure = outlines[:, 3:].reshape(len(outlines), 2, half, 2, half, 3).sum(axis=(2, 4)) / half
    return np.concatenate([outlines[:, :3], structure.reshape(len(outlines), 12)], axis=1)


def _grain(thumbs: NDArray[np.uint8]) -> Floats:
    """Return (N, S, S) lightness without its averages over squares of `BLUR` pixels."""
    light = thumbs.mean(axis=3, dtype=np.float32)
    broad = light
    for axis in (1, 2):
        edges = [(BLUR // 2 + 1, BLUR // 2) if number == axis else (0, 0) for number in range(3)]
        sums = np.pad(broad, edges, mode="edge").cumsum(axis=axis, dtype=np.float64)
        length = broad.shape[axis]
        broad = (np.take(sums, range(BLUR, BLUR + length), axis) - np.take(sums, range(length), axis)) / BLUR
    grain: Floats = (light - broad).astype(np.float32)
    return grain


def _correlation(one: Floats, other: Floats) -> NDArray[np.float64]:
    """Return the correlation of pairs (N, h, w); of two that have no grain it is 1."""
    faint = FAINT_GRAIN**2 * one.shape[1] * one.shape[2]

    def product(left: Floats, right: Floats) -> NDArray[np.float64]:
        return np.asarray(np.einsum("nij,nij->n", left, right, dtype=np.float64) + faint)

    correlation: NDArray[np.float64] = product(one, other) / np.sqrt(product(one, one) * product(other, other))
    return correlation
