"""`tessera index`: a folder of photos is indexed now, so that the first mosaic of it is as quick as the second."""

from pathlib import Path

import click

from cli.local import atomic_files, filter_options, indexing, order_options, outputs, summary
from cli.local import dedupe as leaving_out
from cli.local.outputs import Output
from cli.place import Place
from worker.file_filter import Sieve

EXAMPLES = """
\b
Examples:
  tessera index ~/Pictures
  tessera index ~/Pictures --dedupe
  tessera index ~/Pictures --exclude "Screenshots/" --exclude "*.png"
  tessera index ~/Pictures --report indexed.json
"""


@click.command(epilog=EXAMPLES)
@click.argument("folder", metavar="DIR", type=Place())
@leaving_out.option
@filter_options.options
@click.option(
    "--report",
    type=Place(path_type=Path),
    metavar="FILE",
    help="Write the summary there too, with every file that became no tile, as JSON.",
)
@outputs.force
@order_options.quiet
def index(folder: str, sieve: Sieve, dedupe: bool | None, report: Path | None, *, force: bool, quiet: bool) -> None:
    """Index the photos in DIR and its sub-folders, and say what is new.

    Only photos that are new or changed are opened, and a run that was interrupted goes on where it was.
    `tessera render` and `tessera compare` do the same before they begin.
    """
    if report is not None:
        outputs.check([Output("the report", report)], [], folder, force=force)
    known: dict[str, object] = {}
    with atomic_files.report_if(report, known):
        photos, seconds = indexing.run(folder, sieve, dedupe=dedupe, quiet=quiet)
        known |= summary.known(folder, photos, sieve, seconds)
