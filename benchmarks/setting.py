"""What every section is given."""

from collections.abc import Iterator
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

    def rounds(self, section: str) -> Iterator[int]:
        """Count rounds from 0, after one numbered -1 that only warms up, and say which it is."""
        with self.console.status(f"{section}: a round to warm up") as status:
            yield -1
            for number in range(self.runs):
                status.update(f"{section}: round {number + 1} of {self.runs}")
                yield number
