"""Means of rectangles of a picture by plain loops over fractions of pixels: what others are held to."""

from fractions import Fraction

import numpy as np


def noise(seed, *shape):
    return np.random.default_rng(seed).integers(0, 256, (*shape, 3), dtype=np.uint8)


def overlap(pixel, first, last):
    """How much of a pixel lies between two places on its line."""
    return max(Fraction(0), min(Fraction(pixel + 1), last) - max(Fraction(pixel), first))


def mean(picture, left, top, right, bottom):
    """The reference: the mean colour of a rectangle, from every pixel and the share of it that lies inside."""
    sums, area = [Fraction(0)] * 3, (right - left) * (bottom - top)
    for y, line in enumerate(picture.tolist()):
        high = overlap(y, top, bottom)
        for x, pixel in enumerate(line):
            share = high * overlap(x, left, right) if high else 0
            if share:
                sums = [total + share * value for total, value in zip(sums, pixel, strict=True)]
    return [float(total / area) for total in sums]


def means(picture, left, top, width, height, parts):
    """The reference: the means of a rectangle's parts x parts sub-rectangles."""
    across, down = Fraction(width) / parts, Fraction(height) / parts
    corners = [[(left + column * across, top + row * down) for column in range(parts)] for row in range(parts)]
    return [[mean(picture, x, y, x + across, y + down) for x, y in line] for line in corners]
