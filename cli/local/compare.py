"""`tessera compare`: one picture by several presets, side by side, with scores."""

import dataclasses
from pathlib import Path
from typing import Any

import click

from cli.local import atomic_files, filter_options, order_options, outputs, presets, summary, targets
from cli.local import dedupe as leaving_out
from cli.local.presets import Preset
from cli.local.summary import Printer
from cli.local.targets import Wanted
from cli.place import Place
from cli.progress_bar import Bar
from models.errors import InvalidOrder, UnusablePicture
from models.rules.formats import Format
from models.rules.grid import Grid
from models.rules.order_words import LossName
from models.rules.orders import FIELDS, MosaicOrder, goes_with
from worker import parallel
from worker.core.fitted import Fitted
from worker.file_filter import Sieve
from worker.local_index import folder_index
from worker.rendering import writer
from worker.rendering.comparison import Compared, sheet, target_of
from worker.rendering.comparison import compare as make

EXAMPLES = """
\b
Examples:
  tessera compare portrait.jpg --tiles ~/Pictures --out losses.png
  tessera compare portrait.jpg --tiles ~/Pictures --loss balanced --loss mean-rgb --loss pixels --out three.png
  tessera compare portrait.jpg --tiles ~/Pictures --losses balanced,balanced:detail=0.7,far=0 --out two.png
  tessera compare portrait.jpg --tiles ~/Pictures --min-distance 5 --report scores.json --out apart.png
"""


@click.command(epilog=EXAMPLES)
@click.argument("target", type=Place(path_type=Path, allow_dash=True))
@order_options.tiles
@leaving_out.option
@filter_options.options
@order_options.cutting
@click.option(
    "--loss",
    "--losses",
    "given",
    multiple=True,
    type=presets.Presets(),
    help="A loss to compare, with options of its own if need be: balanced:detail=0.7,far=0. Give it again for more, "
    "or several with commas between them.  [default: all losses]",
)
@order_options.weighing
@order_options.ruling
@click.option(
    "--out",
    required=True,
    type=Place(path_type=Path),
    metavar="FILE",
    help="Where to write the sheet: .png, or -.",
)
@order_options.report
@outputs.force
@order_options.quiet
def compare(  # noqa: PLR0913 - one for each thing that is not part of the order
    target: Path,
    tiles: Path,
    given: tuple[list[Preset], ...],
    out: Path,
    report: str | None,
    sieve: Sieve,
    dedupe: bool | None,
    *,
    force: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Rebuild the picture TARGET by several losses, on one sheet with the scores under each.

    The tiles are drawn from the index's thumbs, so no photo is opened, and a score may differ a little from that of
    `tessera render`.
    """
    if out.suffix.lower() != ".png" and str(out) != atomic_files.STANDARD:
        raise InvalidOrder("out", f"{out} must end in .png: the sheet has small letters on it.")
    compared = {one.text: one for some in given for one in some} or {
        loss.value: Preset(loss, loss, {}) for loss in LossName
    }
    orders = [_order(one, **options) for one in compared.values()]
    wanted = Wanted(target, out, Path(report) if report else None)
    outputs.check(wanted.outputs, [target], str(tiles), force=force)
    data = targets.read(target, orders[0])
    known: dict[str, object] = {}
    reporting = atomic_files.report_if(wanted.report, known)
    with atomic_files.written(out) as unfinished, reporting, Bar(quiet=quiet) as bar:
        photos = folder_index.open_folder(str(tiles), bar, sieve=sieve, dedupe=dedupe)
        index, note = targets.tiles_but(photos, data)
        fitted, size, cells = _fitted(target, data, orders[0])
        done = list(make(fitted, size, cells, orders, index, threads=parallel.core_count(), progress=bar))
        picture = sheet(fitted, cells, done, list(compared))
        writer.write(iter([picture]), (picture.shape[1], picture.shape[0]), unfinished, Format.PNG, bar)
        known |= {name: dataclasses.asdict(one.quality) for name, one in zip(compared, done, strict=True)}
    say = Printer(quiet=quiet, piped=str(out) == atomic_files.STANDARD)
    say.aside(summary.notes(photos, sieve) + note)
    say(_table(list(compared), done))
    made = summary.counted(len(done), "mosaic")
    say(f"{out}: {made} of {cells.columns} x {cells.rows} = {cells.cell_count:,} cells")


def _order(preset: Preset, **options: Any) -> MosaicOrder:
    """Return the order by one preset, without options for all that do not belong to its loss."""
    loss = preset.loss
    belonging = {name: value for name, value in options.items() if name not in FIELDS or goes_with(name, loss)}
    return order_options.order(loss=loss, **(belonging | preset.fields))


def _fitted(path: Path, data: bytes, order: MosaicOrder) -> tuple[Fitted, tuple[int, int], Grid]:
    try:
        return target_of(data, order)
    except UnusablePicture as error:
        raise type(error)(f"{path}: {error}") from error


def _table(names: list[str], compared: list[Compared]) -> str:
    """Return the scores, a line for each preset."""
    width = max(22, *(len(name) for name in names))
    lines = [
        f"{'loss':<{width}}{'PSNR':>8}{'dE00':>7}{'SSIM':>8}{'far':>7}{'blurred':>9}{'tiles':>8}{'most uses':>11}"
    ]
    for name, one in zip(names, compared, strict=True):
        quality = one.quality
        psnr, blurred = (
            "equal" if figure is None else f"{figure:.2f}" for figure in (quality.psnr1, quality.psnr_blur)
        )
        lines.append(
            f"{name:<{width}}{psnr:>8}{quality.de00:>7.2f}{quality.ssim4:>8.3f}{quality.far:>7.2f}{blurred:>9}"
            f"{quality.distinct_tiles:>8,}{quality.most_uses:>11,}"
        )
    return "\n".join(lines)
