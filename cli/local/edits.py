"""What is given of a placement on the command line: files are read, names are looked up in the folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path

from cli.local.atomic_files import STANDARD, written
from cli.local.edit_options import EditOptions
from models.errors import InvalidOrder, UnreadableFile
from models.rules import placement_files
from models.rules.grid import Grid
from models.rules.names import readable
from models.rules.orders import MosaicOrder
from models.rules.placements import Placement
from worker.core.edits import Edit
from worker.local_index.folder_index import Library
from worker.rendering import editing, sizing
from worker.rendering.editing import Instructions, Names
from worker.rendering.pipeline import Rendered
from worker.tile_index.index import Index

MOST_LIST_BYTES = 16 << 20


class Given:
    """The files of the options, read once, whatever the number of targets.

    Raises:
        UnreadableFile: a file cannot be read.
        InvalidOrder: it is not what it should be.
    """

    def __init__(self, options: EditOptions) -> None:
        self._ban = options.ban
        self._placement = None if options.placement is None else _document(options.placement)
        self._locked = None if options.lock is None else _document(options.lock)
        self._must_use = [] if options.must_use is None else _lines(options.must_use)

    @property
    def order(self) -> dict[str, object] | None:
        """The fields of the order that a document holds; None if there is none."""
        documents = [one for one in (self._placement, self._locked) if one is not None and one.order]
        return dict(documents[0].order) if documents else None

    def sized(self, grid: Grid, target: bytes, order: MosaicOrder) -> Grid:
        """Return a grid with the sizes of cells that a target asks for; a whole placement says them itself."""
        return grid if self._placement else sizing.of_file(grid, target, order)

    def asked(self, photos: Library, index: Index, grid: Grid, order: MosaicOrder) -> tuple[Index, Edit | None]:
        """Return the photos that may be used, and what is given of the placement; None if nothing is.

        Args:
            photos: The folder.
            index: Its photos, without the target.
            grid: How the target is cut.
            order: The order.

        Raises:
            InvalidOrder: something cannot be met.
        """
        names = _names_of(photos)
        instructions = self._instructions(names)
        if not instructions.any:
            return index, None
        index = editing.without_banned(index, instructions.banned)
        return index, editing.edit_of(instructions, index, names, order, grid)

    def _instructions(self, names: Names) -> Instructions:
        banned = set[str]()
        for pattern in self._ban:
            some = {
                content for name, content in names.contents.items() if name == pattern or fnmatchcase(name, pattern)
            }
            if not some:
                raise InvalidOrder("ban", f"--ban {readable(pattern)}: no photo in the folder has such a name.")
            banned |= some
        return Instructions(self._placement, self._locked, frozenset(banned), self._must_use)


def document(photos: Library, index: Index, order: MosaicOrder, rendered: Rendered) -> Placement:
    """Return the placement of a mosaic as a document."""
    return editing.document(rendered.choice, index, _names_of(photos), order, rendered.grid)


def _names_of(photos: Library) -> Names:
    return Names.of({line.name: line.content for line in photos.snapshot.lines if line.content})


@contextmanager
def placement_to(out: Path) -> Iterator[list[Placement]]:
    """Write the placement that is in a list at the end of the `with` block.

    Raises:
        UnreadableFile: the file cannot be written, or is `-`.
        InvalidOrder: its ending says no format.
    """
    made: list[Placement] = []
    if str(out) == STANDARD:
        raise UnreadableFile("- is not the name of a file; standard output is for people.")
    suffix = placement_files.suffix_of(str(out))
    with written(out) as unfinished:
        yield made
        unfinished.write_bytes(placement_files.to_bytes(made[0], suffix))


def _document(path: Path) -> Placement:
    suffix = placement_files.suffix_of(str(path))
    try:
        found = placement_files.from_bytes(_read(path, placement_files.MOST_BYTES), suffix)
    except InvalidOrder as error:
        raise InvalidOrder(error.field, f"{path}: {error}") from error
    return replace(found, source=str(path))


def _lines(path: Path) -> list[str]:
    data = _read(path, MOST_LIST_BYTES)
    if len(data) > MOST_LIST_BYTES:
        raise InvalidOrder(
            "must_use", f"{path} has more than {MOST_LIST_BYTES >> 20} MB; it should be a list of names."
        )
    text = data.decode("utf-8", "surrogateescape").removeprefix("\ufeff")
    names = [line.strip("\r") for line in text.split("\n") if line.strip()]
    if not names:
        raise InvalidOrder("must_use", f"{path} names no photo.")
    return names


def _read(path: Path, most: int) -> bytes:
    """Return the bytes of a file, or one more than `most` of them."""
    try:
        with path.open("rb") as file:
            return file.read(most + 1)
    except OSError as error:
        raise UnreadableFile(f"{path} cannot be read: {error.strerror}.") from error
