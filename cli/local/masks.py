"""The mask of a mosaic on the command line: which cells stay empty."""

from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from cli.place import Place
from models.errors import UnreadableFile, UnusablePicture
from models.rules.grid import Grid, cut
from models.rules.masks import ALPHA
from models.rules.orders import MosaicOrder
from worker.decoding import images
from worker.rendering import masking

option = click.option(
    "--mask",
    type=Place(),
    metavar="FILE|alpha",
    help="Leave cells empty: where FILE, a picture of TARGET's shape, is black or transparent; with the word alpha, "
    "where TARGET itself is. They are transparent, or white in a format that cannot be.",
)


def files(mask: str | None) -> list[Path]:
    """Return the files that are read for a mask."""
    return [] if mask is None or mask == ALPHA else [Path(mask)]


def read(mask: str | None, target: bytes) -> NDArray[np.uint8] | None:
    """Return the mask over a target, (H, W), 0 to 255; None if there is none.

    Args:
        mask: The path of a picture, or `ALPHA` for the target's own.
        target: The target's file.

    Raises:
        UnreadableFile: the mask cannot be read.
        UnusablePicture: it is no usable picture.
        InvalidOrder: it is of another shape than the target, or the target has no transparent pixel.
    """
    if mask is None:
        return None
    if mask == ALPHA:
        return masking.of_target(target)
    try:
        return masking.over(images.mask(Path(mask).read_bytes()), images.size(target))
    except OSError as error:
        raise UnreadableFile(f"The mask {mask} cannot be read: {error.strerror}.") from error
    except UnusablePicture as error:
        raise type(error)(f"The mask {mask}: {error}") from error


def grid(target: bytes, order: MosaicOrder, mask: NDArray[np.uint8] | None) -> Grid:
    """Return how a target is cut, with the cells that its mask leaves empty."""
    return masking.masked(cut(*images.size(target), order), mask)
