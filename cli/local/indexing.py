"""A folder is indexed, and what is new is said; for `tessera index`, with click and without."""

import time
from collections.abc import Sequence

from cli.local import summary
from cli.local.summary import Tell
from cli.progress_bar import Bar
from worker.file_filter import Sieve
from worker.folder_scan import File
from worker.local_index import cache_paths, folder_index, unchanged
from worker.local_index.folder_index import Library
from worker.local_index.terminal_names import readable


def run(
    folder: str,
    sieve: Sieve,
    files: Sequence[File] | None = None,
    *,
    dedupe: bool | None = None,
    quiet: bool = False,
) -> tuple[Library, float]:
    """Index a folder, say what is new, and keep the answer for when nothing is.

    Args:
        folder: Where the photos lie.
        sieve: What of it is looked at.
        files: Its files, where they are known already.
        dedupe: Whether near-duplicates are left out of mosaics; None for what was last said.
        quiet: Whether nothing is said.

    Returns:
        What is known of it, and the seconds it took.

    Raises:
        NoUsableTiles: there is no such folder, or not one usable photo in it.
        StorageFull: there is no room for the index.
    """
    began = time.monotonic()
    files = folder_index.files_of(folder, sieve) if files is None else files
    with Bar(quiet=quiet) as bar:
        photos = folder_index.open_folder(folder, bar, sieve=sieve, dedupe=dedupe, files=files)
    seconds = time.monotonic() - began
    told = summary.passed_over(sieve) + summary.skipped(photos)
    say = Tell(quiet=quiet)
    say.aside(summary.note(photos) + told)
    say(f"{readable(folder)}: {summary.in_a_line(photos, photos.changes)}; {seconds:.1f} seconds")
    if sieve.usual and not any(line.may_change for line in photos.kept.lines):
        again = summary.in_a_line(photos, summary.NOTHING)
        unchanged.put(cache_paths.cabinet_of(folder), photos.kept.name, files, sieve, (again, told))
    return photos, seconds
