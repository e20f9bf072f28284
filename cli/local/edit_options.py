"""The options that lay, write or change a placement."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, NamedTuple

import click

from cli.place import Place

_FILE = Place(path_type=Path)


class EditOptions(NamedTuple):
    """What was given of a placement: files, and names of photos."""

    placement: Path | None
    lock: Path | None
    ban: tuple[str, ...]
    must_use: Path | None

    @property
    def any(self) -> bool:
        """Whether anything was given."""
        return bool(self.files or self.ban)

    @property
    def files(self) -> list[Path]:
        """The files that are read."""
        return [path for path in (self.placement, self.lock, self.must_use) if path is not None]


def options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options; the command gets one `edit_files`."""

    @click.option(
        "--placement",
        type=_FILE,
        metavar="FILE",
        help="Lay the photos as a file of --placement-out says, without matching; with the options below, change it "
        "only where they ask for it.",
    )
    @click.option(
        "--lock",
        type=_FILE,
        metavar="FILE",
        help="Keep the cells that such a file names, and solve the others again.",
    )
    @click.option(
        "--ban",
        multiple=True,
        metavar="NAME",
        help="Do not use a photo, by its path below the folder, or photos by a pattern such as 'party/*'; give it "
        "again for more.",
    )
    @click.option(
        "--must-use", type=_FILE, metavar="FILE", help="Photos that have to appear: a file with a name on each line."
    )
    @wraps(command)
    def edited(
        *words: Any,
        placement: Path | None,
        lock: Path | None,
        ban: tuple[str, ...],
        must_use: Path | None,
        **more: Any,
    ) -> Any:
        return command(*words, edit_files=EditOptions(placement, lock, ban, must_use), **more)

    return edited


placement_out = click.option(
    "--placement-out",
    type=Place(),
    metavar="FILE",
    help="Write the placement there too, a line for each cell: .json or .csv.",
)
