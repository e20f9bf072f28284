"""`tessera render`: pictures from one folder of photos, with no service at all."""

import dataclasses
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.local import (
    atomic_files,
    edit_options,
    filter_options,
    masks,
    order_options,
    outputs,
    preview,
    print_options,
    quality,
    summary,
    targets,
)
from cli.local import dedupe as leaving_out
from cli.local.edit_options import EditOptions
from cli.local.summary import Printer
from cli.local.targets import Wanted
from cli.place import Place
from cli.progress_bar import Bar
from models.errors import NoUsableTiles, PartlyFailed, StorageFull, TesseraError, UnusablePicture
from models.rules import formats, printing
from models.rules.formats import DEFAULT_FORMAT, Format
from models.rules.orders import MosaicOrder
from worker import parallel
from worker.file_filter import Sieve
from worker.local_index import folder_index, kept_tiles
from worker.local_index.folder_index import Library
from worker.rendering.pipeline import Rendered
from worker.rendering.pipeline import render as make
from worker.tile_index.index import smaller_count

if TYPE_CHECKING:
    from cli.local.edits import Given

KEPT_MEGABYTES = 256
EXAMPLES = """
\b
Examples:
  tessera render portrait.jpg --tiles ~/Pictures --out mosaic.png
  tessera render portrait.jpg --tiles ~/Pictures --cells 120 --tile-size 64 --out poster.jpg
  tessera render portrait.jpg --tiles ~/Pictures --cell-size 12x8 --fit resize --out mosaic.png
  tessera render portrait.jpg --tiles ~/Pictures --min-distance 5 --max-uses 10 --flips --out mosaic.png
  tessera render portrait.jpg --tiles ~/Pictures --look once --report quality.json --out mosaic.png
  tessera render portrait.jpg --tiles ~/Pictures --cells 120 --adaptive 0.5 --out mosaic.png
  tessera render portrait.jpg --tiles ~/Pictures --cells 200 --dry-run --out mosaic.png
  tessera render portrait.jpg --tiles ~/Pictures --print 60x40cm --dpi 300 --tile 12mm --out poster.jpg
  tessera render portrait.jpg --tiles ~/Pictures --print 60x40cm --pages A4 --out poster.pdf
  tessera render one.jpg two.jpg three.jpg --tiles ~/Pictures --out mosaics/
  tessera render one.jpg two.jpg --tiles ~/Pictures --out "mosaics/{number}-{name}.jpg" --quiet
  tessera render portrait.jpg --tiles ~/Pictures --placement-out placement.csv --out mosaic.png
  tessera render portrait.jpg --tiles ~/Pictures --placement placement.csv --ban "party/*" --out mosaic.png
  tessera render - --tiles ~/Pictures --format jpeg --out - < portrait.jpg > mosaic.jpg
"""


@click.command(epilog=EXAMPLES)
@click.argument("pictures", metavar="TARGET...", nargs=-1, required=True, type=Place(path_type=Path, allow_dash=True))
@order_options.tiles
@leaving_out.option
@filter_options.options
@order_options.cutting
@order_options.adaptive
@order_options.sizing
@masks.option
@print_options.options
@order_options.look
@order_options.loss
@order_options.weighing
@order_options.ruling
@order_options.colouring
@click.option(
    "--out",
    required=True,
    type=Place(allow_dash=True),
    metavar="FILE",
    help=f"Where to write: a {formats.suffixes()}; - for standard output; for several targets a folder, or a pattern "
    "with {name} or {number}.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice([form.value for form in Format], case_sensitive=False),
    help=f"Format of what is written.  [default: by the ending; {DEFAULT_FORMAT} without one]",
)
@order_options.saving
@order_options.report
@edit_options.placement_out
@edit_options.options
@outputs.force
@click.option(
    "--tile-cache",
    "kept_megabytes",
    type=click.IntRange(min=0),
    default=KEPT_MEGABYTES,
    show_default=True,
    metavar="MB",
    help="Room in your cache folder for tiles, so that their photos need not be opened again; 0 keeps and uses none.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be made, and write nothing.")
@order_options.quiet
def render(  # noqa: PLR0913 - one for each thing that is not part of the order
    pictures: tuple[Path, ...],
    tiles: Path,
    out: str,
    report: str | None,
    form: str | None,
    sieve: Sieve,
    dedupe: bool | None,
    *,
    mask: str | None,
    placement_out: str | None,
    edit_files: EditOptions,
    kept_megabytes: int,
    force: bool,
    dry_run: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Rebuild each picture TARGET out of the photos in a folder; - is standard input.

    The photos are indexed once and kept in your cache folder: the second mosaic of the same folder is quicker.
    """
    wanted = targets.named(pictures, out, report, Format(form) if form else None, placement_out)
    given, asked = _given(edit_files), print_options.taken(options)
    orders = [
        (
            one,
            print_options.order(
                asked,
                targets.format_of(one.out, Format(form) if form else None),
                options,
                given.order if given else None,
            ),
        )
        for one in wanted
    ]
    read = [*edit_files.files, *masks.files(mask)]
    outputs.check([output for one in wanted for output in one.outputs], pictures, str(tiles), force=force, read=read)
    say = Printer(quiet=quiet, piped=out == atomic_files.STANDARD)
    if dry_run:
        say(preview.described(orders, str(tiles), sieve, mask))
        return
    folder = _Folder(str(tiles), sieve, dedupe, kept_megabytes << 20, given, mask)
    failed = 0
    for one, order in orders:
        try:
            _make(one, order, folder, say, quiet=quiet)
        except (NoUsableTiles, StorageFull):
            raise
        except TesseraError as error:
            if len(wanted) == 1:
                raise
            failed += 1
            click.echo(f"tessera: {error}", err=True)
    if failed:
        others = "none is there" if failed == len(wanted) else "the others are there"
        raise PartlyFailed(f"{failed:,} of {len(wanted):,} mosaics could not be made; {others}.")


def _given(options: EditOptions) -> "Given | None":
    """Return what is given of a placement; None if nothing is, so that what it needs is not loaded."""
    if not options.any:
        return None
    from cli.local.edits import Given  # noqa: PLC0415 - see above

    return Given(options)


class _Folder:
    """The folder of photos, and what is the same for all mosaics; it is indexed when the first of them needs it."""

    def __init__(
        self, path: str, sieve: Sieve, dedupe: bool | None, kept_bytes: int, given: "Given | None", mask: str | None
    ) -> None:
        self.kept_bytes, self.given, self.mask = kept_bytes, given, mask
        self._path, self._sieve, self._dedupe = path, sieve, dedupe
        self._photos: Library | None = None
        self._noted = False

    def opened(self, bar: Bar) -> Library:
        """Return the indexed folder."""
        if self._photos is None:
            self._photos = folder_index.open_folder(self._path, bar, sieve=self._sieve, dedupe=self._dedupe)
        return self._photos

    def notes(self) -> str:
        """Return notes about the folder, for the first mosaic only."""
        if self._photos is None or self._noted:
            return ""
        self._noted = True
        return summary.notes(self._photos, self._sieve)


def _make(one: Wanted, order: MosaicOrder, folder: _Folder, say: Printer, *, quiet: bool) -> None:
    """Make one mosaic, and print a summary."""
    began = time.monotonic()
    data = targets.read(one.target, order)
    mask = masks.read(folder.mask, data)
    cells = masks.grid(data, order, mask)
    known: dict[str, object] = {}
    reporting, placing = atomic_files.report_if(one.report, known), _placing(one.placement)
    with atomic_files.written(one.out) as unfinished, reporting, placing as place, Bar(quiet=quiet) as bar:
        photos = folder.opened(bar)
        index, note = targets.tiles_but(photos, data)
        edit = None
        if folder.given is not None:
            index, edit = folder.given.asked(photos, index, folder.given.sized(cells, data, order), order)
        with _naming(one.target), kept_tiles.opened(folder.kept_bytes) as kept:
            cores = parallel.core_count()
            rendered = make(
                data, order, index, photos.read, unfinished, threads=cores, progress=bar, kept=kept, edit=edit,
                mask=mask,
            )  # fmt: skip
        known |= _report(one.target, order, rendered, len(index))
        place(photos, index, order, rendered)
    say.aside(folder.notes() + note)
    say(
        f"{one.out}: {summary.cells(rendered.grid)}, {rendered.quality.distinct_tiles:,} distinct tiles of "
        f"{len(index):,}, {time.monotonic() - began:.1f} seconds"
    )
    if plan := printing.of_grid(rendered.grid, order):
        say(f"on paper: {plan.on_paper}")
        if split := order.split(plan.pixels):
            say(f"pages: {split.described}, and a plan of them")
        say.aside("".join(f"{line}\n" for line in plan.notes(len(index), smaller_count(index, plan.tile_pixels))))
    say(quality.table(rendered.quality))


@contextmanager
def _placing(out: Path | None) -> Iterator[Callable[..., None]]:
    """Lend what writes the placement of a mosaic, if a file for it is given; that is loaded only then."""
    if out is None:
        yield lambda *_: None
        return
    from cli.local import edits  # noqa: PLC0415 - see above

    with edits.placement_to(out) as made:
        yield lambda *about: made.append(edits.document(*about))


def _report(target: Path, order: MosaicOrder, rendered: Rendered, tile_count: int) -> dict[str, object]:
    """Return the report on a mosaic, for programs."""
    return {
        "target": str(target),
        "order": dataclasses.asdict(order),
        "grid": {
            name: value
            for name, value in dataclasses.asdict(rendered.grid).items()
            if name not in {"filled", "shape", "spans"}
        },
        "tile_count": tile_count,
        "quality": dataclasses.asdict(rendered.quality),
    }


@contextmanager
def _naming(target: Path) -> Iterator[None]:
    """Put the name of a target before the sentence that says why it cannot be used."""
    try:
        yield
    except UnusablePicture as error:
        raise type(error)(f"{target}: {error}") from error
