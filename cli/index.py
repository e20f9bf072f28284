"""`tessera index`: a folder of photos is indexed now, so that the first mosaic of it is as quick as the second."""

from pathlib import Path

import click

from cli import dedupe as leaving_out
from cli import files, indexing, sieving, summary
from worker.sieve import Sieve

EXAMPLES = """
\b
Examples:
  tessera index ~/Pictures
  tessera index ~/Pictures --dedupe
  tessera index ~/Pictures --exclude "Screenshots/" --exclude "*.png"
  tessera index ~/Pictures --report indexed.json
"""


@click.command(epilog=EXAMPLES)
@click.argument("folder", metavar="DIR")
@leaving_out.option
@sieving.options
@click.option(
    "--report",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the summary there too, with every file that became no tile, as JSON.",
)
def index(folder: str, sieve: Sieve, dedupe: bool | None, report: Path | None) -> None:
    """Index the photos in DIR and its sub-folders, and say what is new.

    Only photos that are new or changed are opened, and a run that was interrupted goes on where it was.
    `tessera render` and `tessera compare` do the same before they begin.
    """
    with files.part_if(report) as told:
        photos, seconds = indexing.run(folder, sieve, dedupe=dedupe)
        if told is not None:
            told.write_text(summary.as_json(folder, photos, sieve, seconds))
