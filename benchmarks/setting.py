"""What every section is given."""

from dataclasses import dataclass
from pathlib import Path

from photographs import Photos
from rich.console import Console


@dataclass(frozen=True)
class Setting:
    """What is measured on, how often, and where to write meanwhile.

    Attributes:
        photos: The tiles and the target.
        index_side: The side in pixels that the index decodes photos at, at least.
        runs: How many rounds to measure.
        scratch: A folder that is removed at the end.
        console: Standard error, for saying how far the work is.
    """

    photos: Photos
    index_side: int
    runs: int
    scratch: Path
    console: Console
