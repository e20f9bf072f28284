"""`tessera render`: one picture from one folder of photos, with no service at all."""

import os
import re
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from cli import library
from cli.screen import Bar
from models.errors import InvalidOrder, UnreadableFile, UnusablePicture
from models.grid import cut
from models.orders import DEFAULT_CELLS_ACROSS, DEFAULT_TILE_SIZE, Fit, Format, MosaicOrder
from worker import images, parallel
from worker.render import Rendered
from worker.render import render as make

FORMATS = {".png": Format.PNG, ".jpg": Format.JPEG, ".jpeg": Format.JPEG}

EXAMPLES = """
\b
Examples:
  tessera render portrait.jpg --tiles ~/Pictures --out mosaic.png
  tessera render portrait.jpg --tiles ~/Pictures --cells 120 --tile-size 64 --out poster.jpg
  tessera render portrait.jpg --tiles ~/Pictures --cell-size 12x8 --fit resize --out mosaic.png
"""


class CellSize(click.ParamType[tuple[int, int]]):
    """A width and a height in pixels, such as 12x8."""

    name = "WxH"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        """Read `12x8`."""
        found = re.fullmatch(r"([0-9]{1,6})x([0-9]{1,6})", str(value).lower())
        if found is None:
            self.fail(
                f"{str(value)[:40]!r} is no cell size; write width x height in pixels, such as 12x8.", param, ctx
            )
        return int(found[1]), int(found[2])


@click.command(epilog=EXAMPLES)
@click.argument("target", type=click.Path(path_type=Path))
@click.option(
    "--tiles",
    required=True,
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder of photos; sub-folders too.",
)
@click.option(
    "--cells",
    type=int,
    metavar="N",
    help=f"Cells across; they are square.  [default: {DEFAULT_CELLS_ACROSS}]",
)
@click.option("--cell-size", type=CellSize(), help="Size of a cell in the target, in pixels, instead of --cells.")
@click.option(
    "--tile-size",
    type=int,
    default=DEFAULT_TILE_SIZE,
    show_default=True,
    metavar="PX",
    help="Width of a tile in the mosaic.",
)
@click.option(
    "--fit",
    type=click.Choice([fit.value for fit in Fit], case_sensitive=False),
    default=Fit.CROP.value,
    show_default=True,
    help="Crop the target to a whole number of cells, or resize it.",
)
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Where to write: .png, .jpg or .jpeg.",
)
def render(
    target: Path,
    tiles: Path,
    cells: int | None,
    cell_size: tuple[int, int] | None,
    tile_size: int,
    fit: str,
    out: Path,
) -> None:
    """Rebuild the picture TARGET out of the photos in a folder.

    The photos are indexed once and kept in your cache folder: the second mosaic of the same folder is quicker.
    """
    began = time.monotonic()
    order = _order(cells, cell_size, tile_size, fit, out)
    data = _target(target, order)
    with _part(out) as part, Bar() as bar:
        photos = library.open_folder(tiles, bar)
        rendered = _rendered(target, data, order, photos, part, bar)
    _report_skipped(photos)
    click.echo(
        f"{out}: {rendered.grid.columns} x {rendered.grid.rows} = {rendered.grid.cell_count:,} cells, "
        f"{rendered.distinct_tiles:,} distinct tiles of {len(photos.tiles):,}, "
        f"{time.monotonic() - began:.1f} seconds"
    )


def _order(cells: int | None, cell_size: tuple[int, int] | None, tile_size: int, fit: str, out: Path) -> MosaicOrder:
    form = FORMATS.get(out.suffix.lower())
    if form is None:
        raise InvalidOrder("out", f"{out} must end in .png, .jpg or .jpeg, so that its format is known.")
    if cells is None and cell_size is None:
        cells = DEFAULT_CELLS_ACROSS
    width, height = cell_size or (None, None)
    return MosaicOrder(cells, width, height, tile_size, Fit(fit), form)


def _target(path: Path, order: MosaicOrder) -> bytes:
    """Read the target, and refuse what its header already shows to be of no use for the order."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UnreadableFile(f"The target {path} cannot be read: {error.strerror}.") from error
    try:
        cut(*images.size(data), order)
    except UnusablePicture as error:
        raise type(error)(f"{path}: {error}") from error
    return data


@contextmanager
def _part(out: Path) -> Iterator[Path]:
    """Lend a file beside the place of the result, and move it there only when it is whole."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        descriptor, name = tempfile.mkstemp(dir=out.parent, prefix=".tessera-", suffix=out.suffix)
        os.close(descriptor)
    except OSError as error:
        raise UnreadableFile(f"{out} cannot be written: {error.strerror}.") from error
    part = Path(name)
    try:
        yield part
        part.chmod(0o666 & ~_umask())
        part.replace(out)
    except OSError as error:
        raise UnreadableFile(f"{out} cannot be written: {error.strerror}.") from error
    finally:
        part.unlink(missing_ok=True)


def _rendered(
    target: Path, data: bytes, order: MosaicOrder, photos: library.Library, part: Path, bar: Bar
) -> Rendered:
    try:
        return make(data, order, photos.tiles, photos.read, part, threads=parallel.core_count(), progress=bar)
    except UnusablePicture as error:
        raise type(error)(f"{target}: {error}") from error


def _umask() -> int:
    current = os.umask(0o077)
    os.umask(current)
    return current


def _report_skipped(photos: library.Library) -> None:
    if not photos.skipped:
        return
    click.echo(f"{len(photos.skipped):,} files became no tile:", err=True)
    for line in photos.skipped[:20]:
        click.echo(f"  {line.name}: {line.sentence}", err=True)
    if len(photos.skipped) > 20:  # noqa: PLR2004 - a screenful
        click.echo(f"  … and {len(photos.skipped) - 20:,} more", err=True)
