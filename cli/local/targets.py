"""The targets of a command, and the names of the files that are made from them."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from cli.local import atomic_files
from cli.local.outputs import Output
from models.errors import InvalidOrder, UnreadableFile, UnusablePicture
from models.rules import formats, placement_files
from models.rules.formats import BY_SUFFIX, DEFAULT_FORMAT, Format
from models.rules.grid import cut
from models.rules.orders import MosaicOrder
from worker.decoding import images
from worker.local_index.folder_index import Library
from worker.tile_index import index, rows
from worker.tile_index.index import Index

NAME, NUMBER = "{name}", "{number}"
PIPED = "standard-input"
"""Name of the mosaic of a target that comes through standard input."""


class Wanted(NamedTuple):
    """A target, and where its mosaic, its report and its placement go."""

    target: Path
    out: Path
    report: Path | None
    placement: Path | None = None

    @property
    def outputs(self) -> list[Output]:
        """The files to be written."""
        mosaic = Output(f"the mosaic of {self.target}", self.out)
        more = [("the report on", self.report), ("the placement of", self.placement)]
        return [mosaic, *(Output(f"{what} {self.target}", path) for what, path in more if path is not None)]


def named(
    targets: Sequence[Path], out: str, report: str | None, form: Format | None, placement: str | None = None
) -> list[Wanted]:
    """Return where the mosaic of each target goes.

    `out`, `report` and `placement` are a file, if there is one target; a folder; or a pattern with `{name}` or
    `{number}`.

    Raises:
        InvalidOrder: several targets would have the same output, or standard input is given twice.
    """
    if sum(str(target) == atomic_files.STANDARD for target in targets) > 1:
        raise InvalidOrder("target", "Standard input can be a target only once.")
    suffix = (form or DEFAULT_FORMAT).facts.suffix
    return [
        Wanted(
            target,
            _place("--out", out, target, number, len(targets), suffix),
            None if report is None else _place("--report", report, target, number, len(targets), ".json"),
            None
            if placement is None
            else _place("--placement-out", placement, target, number, len(targets), placement_files.SUFFIXES[0]),
        )
        for number, target in enumerate(targets, 1)
    ]


def format_of(out: Path, form: Format | None) -> Format:
    """Return the format in which a file is written, by `--format` or else by its name.

    Raises:
        InvalidOrder: its name tells none that can be written, or another.
    """
    by_name = BY_SUFFIX.get(out.suffix.lower())
    if str(out) == atomic_files.STANDARD:
        return form or DEFAULT_FORMAT
    if form is not None and by_name not in {None, form}:
        raise InvalidOrder(
            "format", f"{out} has the ending of a {by_name}, but --format says {form}; make them agree."
        )
    if by_name is None and form is None:
        raise InvalidOrder("out", f"{out} must end in {formats.suffixes()}, so that its format is known.")
    return form or by_name or DEFAULT_FORMAT


def read(path: Path, order: MosaicOrder) -> bytes:
    """Read a target, and check by its header that it fits the order.

    Raises:
        UnreadableFile: it cannot be read.
        UnusablePicture: it is no usable picture.
        InvalidOrder: the order does not fit it.
    """
    try:
        data = atomic_files.standard_input() if str(path) == atomic_files.STANDARD else path.read_bytes()
    except OSError as error:
        raise UnreadableFile(f"The target {path} cannot be read: {error.strerror}.") from error
    try:
        cut(*images.size(data), order)
    except UnusablePicture as error:
        raise type(error)(f"{path}: {error}") from error
    return data


def tiles_but(photos: Library, target: bytes) -> tuple[Index, str]:
    """Return the tiles without the target, if that is one of the photos, and a sentence that says so.

    Raises:
        InvalidOrder: nothing is left.
    """
    tiles = photos.tiles
    left = index.without(tiles, rows.content_of(target))
    if not len(left):
        raise InvalidOrder("target", "The target is the only photo in the folder.")
    return left, "" if left is tiles else "The target is one of the photos; it is left out of its own mosaic.\n"


def _place(option: str, pattern: str, target: Path, number: int, count: int, suffix: str) -> Path:
    name = PIPED if str(target) == atomic_files.STANDARD else target.stem
    if NAME in pattern or NUMBER in pattern:
        return Path(pattern.replace(NUMBER, str(number)).replace(NAME, name))
    is_folder = os.path.isdir(pattern)  # noqa: PTH112 - where it may not look, pathlib raises
    if pattern.endswith("/") or (is_folder and Path(pattern).suffix.lower() not in BY_SUFFIX):
        return Path(pattern) / f"{name}{suffix}"
    if count > 1:
        raise InvalidOrder(
            option, f"There are {count:,} targets; {option} must be a folder, or have {NAME} or {NUMBER} in it."
        )
    return Path(pattern)
