"""The options that decide which files of a folder are looked at, for every command that reads one."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from worker.file_filter import Sieve


def options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--exclude` and `--follow-links`; the command gets one `sieve`."""

    @click.option(
        "--exclude",
        multiple=True,
        metavar="PATTERN",
        help="Leave out files and folders, by a pattern as in a .gitignore; give it again for more. "
        "With ! before it, what is left out as no photo of one's own comes in again.",
    )
    @click.option("--follow-links", is_flag=True, help="Go into linked folders too.  [default: they are counted]")
    @wraps(command)
    def sieved(*words: Any, exclude: tuple[str, ...], follow_links: bool, **more: Any) -> Any:
        return command(*words, sieve=Sieve(exclude, follow_links=follow_links), **more)

    return sieved
