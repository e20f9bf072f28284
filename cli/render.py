"""`tessera render`: one picture from one folder of photos, with no service at all."""

import dataclasses
import json
import time
from pathlib import Path
from typing import Any

import click

from cli import dedupe as leaving_out
from cli import files, library, quality, sieving, summary, wishes
from cli.screen import Bar
from models.errors import UnusablePicture
from models.orders import MosaicOrder
from worker import parallel
from worker.fetch import ReadPhoto
from worker.index import Index
from worker.render import Rendered
from worker.render import render as make
from worker.sieve import Sieve

EXAMPLES = """
\b
Examples:
  tessera render portrait.jpg --tiles ~/Pictures --out mosaic.png
  tessera render portrait.jpg --tiles ~/Pictures --cells 120 --tile-size 64 --out poster.jpg
  tessera render portrait.jpg --tiles ~/Pictures --cell-size 12x8 --fit resize --out mosaic.png
  tessera render portrait.jpg --tiles ~/Pictures --min-distance 5 --max-uses 10 --flips --out mosaic.png
  tessera render portrait.jpg --tiles ~/Pictures --no-repeats --report quality.json --out mosaic.png
"""


@click.command(epilog=EXAMPLES)
@click.argument("target", type=click.Path(path_type=Path))
@wishes.tiles
@leaving_out.option
@sieving.options
@wishes.cutting
@wishes.tile_size
@wishes.loss
@wishes.weighing
@wishes.ruling
@wishes.colouring
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Where to write: .png, .jpg or .jpeg.",
)
@wishes.report
def render(
    target: Path, tiles: Path, out: Path, report: Path | None, sieve: Sieve, dedupe: bool | None, **options: Any
) -> None:
    """Rebuild the picture TARGET out of the photos in a folder.

    The photos are indexed once and kept in your cache folder: the second mosaic of the same folder is quicker.
    """
    began = time.monotonic()
    order = wishes.order(format=wishes.format_of(out), **options)
    data = wishes.target(target, order)
    with files.part(out) as part, files.part_if(report) as told, Bar() as bar:
        photos = library.open_folder(str(tiles), bar, sieve=sieve, dedupe=dedupe)
        index = photos.tiles
        rendered = _rendered(target, data, order, index, photos.read, part, bar)
        if told is not None:
            told.write_text(_report(target, order, rendered, len(index)))
    summary.report_skipped(photos, sieve)
    click.echo(
        f"{out}: {rendered.grid.columns} x {rendered.grid.rows} = {rendered.grid.cell_count:,} cells, "
        f"{rendered.quality.distinct_tiles:,} distinct tiles of {len(index):,}, "
        f"{time.monotonic() - began:.1f} seconds"
    )
    click.echo(quality.table(rendered.quality))


def _report(target: Path, order: MosaicOrder, rendered: Rendered, tile_count: int) -> str:
    """Return all that is known of a mosaic, for programs."""
    known = {
        "target": str(target),
        "order": dataclasses.asdict(order),
        "grid": dataclasses.asdict(rendered.grid),
        "tile_count": tile_count,
        "quality": dataclasses.asdict(rendered.quality),
    }
    return json.dumps(known, indent=2, default=float) + "\n"


def _rendered(
    target: Path, data: bytes, order: MosaicOrder, index: Index, read: ReadPhoto, part: Path, bar: Bar
) -> Rendered:
    try:
        return make(data, order, index, read, part, threads=parallel.core_count(), progress=bar)
    except UnusablePicture as error:
        raise type(error)(f"{target}: {error}") from error
