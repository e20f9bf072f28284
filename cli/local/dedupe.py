"""The option that leaves near-duplicates out, for every command that uses a folder of photos."""

import click

option = click.option(
    "--dedupe/--no-dedupe",
    default=None,
    help="Leave near-duplicates, such as those of a burst, out of all mosaics of the folder, or take them in again."
    "  [default: as it was; at first they stay]",
)
