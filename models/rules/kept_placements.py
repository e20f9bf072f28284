"""The placement of a mosaic as the service keeps it: arrays with checksums, read here without numpy.

A row of the database names the blob. Each photo is in it once, by its content hash, and cells hold its number; the
names of photos are in the rows of their tile set.
"""

import struct
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import compress, repeat
from pathlib import Path
from typing import NamedTuple

from models.errors import DamagedIndex, DamagedPlacement
from models.rules import array_file, spans
from models.rules.array_file import Mapped
from models.rules.placements import Placed, distance

KIND, VERSION = "tessera placement", 1
COLOURS = "colours"
"""(n, n, n, 3) F32: what the target's colours were moved to; only where the order moved them."""
FILLED = "filled"
"""(rows, columns) U8: 0 where a mask leaves a cell empty, and all other arrays are 0; only where one does."""
SPANS = "span"
"""(rows, columns) U8: the sizes of cells, as `Grid.spans`; only where some are larger than others. Where it is 0, the
other arrays are 0, too."""
HASH_BYTES = 32
CELL = (("<I", "photo"), ("<4H", "window"), ("B", "turn"), ("<d", "cost"))
"""The arrays that have something of each cell, and what."""
Kind = tuple[str, tuple[int, ...]]
"""The type and the shape of an array."""


class Lying(NamedTuple):
    """In how many cells a photo lies, and the column, row and span of the first of them, row by row."""

    uses: int
    places: list[tuple[int, int, int]]


@dataclass(frozen=True)
class Kept:
    """A kept placement, mapped into memory.

    Attributes:
        columns: Cells from left to right.
        rows: Cells from top to bottom.
        target_size: Width and height of the target in pixels.
        lower_bound: No placement by the same rules costs less.
        arrays: The arrays of the file, by name.
    """

    # A cell is named by any place that it covers; the columns and rows that are returned are those of its top left.

    columns: int
    rows: int
    target_size: tuple[int, int]
    lower_bound: float
    arrays: Mapping[str, Mapped]

    @property
    def contents(self) -> list[str]:
        """The content hash of each photo, in hexadecimal, by its number."""
        data = self.arrays["content"].data
        return [data[first : first + HASH_BYTES].hex() for first in range(0, len(data), HASH_BYTES)]

    @property
    def filled(self) -> bytes | None:
        """A byte for each place, row by row, which is 0 where no photo lies; None where one does everywhere."""
        if SPANS in self.arrays:
            return spans.covering(self.arrays[SPANS].data, self.columns)
        return bytes(self.arrays[FILLED].data) if FILLED in self.arrays else None

    @property
    def spans(self) -> bytes | None:
        """The sizes of the cells, as `Grid` has them."""
        return bytes(self.arrays[SPANS].data) if SPANS in self.arrays else None

    def _number(self, column: int, row: int) -> int:
        """Return the number of the place where what is known of a cell stands."""
        found = spans.seat_of(self.arrays[SPANS].data, self.columns, column, row) if SPANS in self.arrays else None
        column, row = found or (column, row)
        return row * self.columns + column

    def _span(self, number: int) -> int:
        return self.arrays[SPANS].data[number] if SPANS in self.arrays else 1

    def _corner(self, number: int) -> tuple[int, int]:
        """Return the column and row of the top left of the cell that has its seat at a place."""
        row, column = divmod(number, self.columns)
        span = self._span(number)
        return spans.corner(column, span), spans.corner(row, span)

    def cell(self, column: int, row: int, names: Mapping[str, str]) -> Placed | None:
        """Return the cell that covers a place, None if it is empty; `names` as for `cells`."""
        number = self._number(column, row)
        stands = self._stands()
        if stands is not None and not stands[number]:
            return None
        (photo,), window, (turn,), (cost,) = (
            struct.unpack_from(kind, self.arrays[name].data, number * struct.calcsize(kind)) for kind, name in CELL
        )
        content = bytes(self.arrays["content"].data[photo * HASH_BYTES : (photo + 1) * HASH_BYTES]).hex()
        return Placed(
            *self._corner(number), names.get(content, content), content, window, turn, distance(cost),
            self._span(number),
        )  # fmt: skip

    def lying(self, contents: Iterable[str], most: int) -> dict[str, Lying]:
        """Return where those of some photos lie that lie anywhere, each with at most so many places.

        Args:
            contents: Their content hashes.
            most: How many places are told of each.
        """
        wanted = {*contents}
        names = {number: content for number, content in enumerate(self.contents) if content in wanted}
        uses, places = Counter[int](), {number: list[tuple[int, int, int]]() for number in names}
        every = (photo for (photo,) in struct.iter_unpack("<I", self.arrays["photo"].data))
        for number, (photo, there) in enumerate(zip(every, self.everywhere(), strict=False)):
            if there and photo in names:
                uses[photo] += 1
                if len(places[photo]) < most:
                    places[photo].append((*self._corner(number), self._span(number)))
        return {names[photo]: Lying(count, places[photo]) for photo, count in uses.items()}

    def spread(self, values: bytearray) -> bytes:
        """Return a byte for each place, given one for each cell where that is kept; 0 in a cell that is empty."""
        if self._stands() is None:
            return bytes(values)
        spread = bytearray(len(values))
        for number, there in zip(range(len(values)), self.everywhere(), strict=False):
            if there and values[number]:
                for column, row in spans.covered(*self._corner(number), self._span(number)):
                    spread[row * self.columns + column] = values[number]
        return bytes(spread)

    def most_used(self, most: int) -> list[tuple[str, int]]:
        """Return the content hash of each of the photos that lie in most cells, and in how many; most often first."""
        every = (photo for (photo,) in struct.iter_unpack("<I", self.arrays["photo"].data))
        uses, contents = Counter(compress(every, self.everywhere())), self.contents
        return [(contents[photo], count) for photo, count in uses.most_common(most)]

    def cells(self, names: Mapping[str, str]) -> Iterator[Placed]:
        """Yield the cells that are not empty, row by row, one at a time.

        Args:
            names: The name of each photo by its content hash; the hash itself stands for one that has none.
        """
        contents = self.contents
        photos, windows, turns, costs = (struct.iter_unpack(kind, self.arrays[name].data) for kind, name in CELL)
        for number, ((photo,), window, (turn,), (cost,), there) in enumerate(
            zip(photos, windows, turns, costs, self.everywhere(), strict=False)
        ):
            if not there:
                continue
            content = contents[photo]
            yield Placed(
                *self._corner(number), names.get(content, content), content, window, turn, distance(cost),
                self._span(number),
            )  # fmt: skip

    def _stands(self) -> memoryview | None:
        """Return for each place whether a cell that is not empty stands there; None where one does everywhere."""
        found = self.arrays.get(SPANS) or self.arrays.get(FILLED)
        return None if found is None else found.data

    def everywhere(self) -> Iterable[int]:
        """Return the same, without end where a cell stands everywhere."""
        return self._stands() or repeat(1)


def opened(path: Path) -> Kept:
    """Verify every byte of a kept placement, and map it into memory.

    Raises:
        DamagedPlacement: it is none, of another version, or any byte of it has changed.
    """
    try:
        arrays = array_file.opened(path, KIND, VERSION)
    except DamagedIndex as error:
        raise damaged(str(error.__cause__)) from error
    given = {name: (array.dtype, array.shape) for name, array in arrays.items() if name != COLOURS}
    cells = given.get("photo", ("", ()))[1]
    either = (given.pop(name, ("U8", cells)) for name in (FILLED, SPANS))
    if any(each != ("U8", cells) for each in [*either]) or given != _expected(given):
        raise damaged("its arrays do not go together")
    rows, columns = arrays["photo"].shape
    (bound,), size = (
        struct.unpack(kind, arrays[name].data) for kind, name in (("<d", "lower_bound"), ("<2I", "target_size"))
    )
    return Kept(columns, rows, size, bound, arrays)


def damaged(why: str) -> DamagedPlacement:
    """Return the error for a placement that cannot be read."""
    return DamagedPlacement(f"The kept placement of this mosaic cannot be read ({why}); order the mosaic again.")


def _expected(given: Mapping[str, Kind]) -> dict[str, Kind]:
    """Return the types and shapes of all arrays, for as many cells and photos as there are."""
    cells, photos = (given.get(name, ("", ()))[1] for name in ("photo", "content"))
    return {
        "photo": ("U32", cells),
        "window": ("U16", (*cells, 4)),
        "turn": ("U8", cells),
        "cost": ("F64", cells),
        "content": ("U8", (*photos[:1], HASH_BYTES)),
        "lower_bound": ("F64", (1,)),
        "target_size": ("U32", (2,)),
    }
