"""Indexes a folder and says what is new: `tessera index`, with click and without."""

import time
from collections.abc import Sequence

from cli.local import summary
from cli.local.summary import Printer
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
    """Index a folder, say what is new, and store the answer for the next time, if nothing changes until then.

    Args:
        folder: Where the photos lie.
        sieve: Decides which files are looked at.
        files: Its files, if they are known already.
        dedupe: Whether near-duplicates are left out of mosaics; None to keep the last choice.
        quiet: Whether to print nothing.

    Returns:
        The indexed folder, and the seconds that it took.

    Raises:
        NoUsableTiles: there is no such folder, or not one usable photo in it.
        StorageFull: there is no room for the index.
    """
    began = time.monotonic()
    files = folder_index.files_of(folder, sieve) if files is None else files
    with Bar(quiet=quiet) as bar:
        photos = folder_index.open_folder(folder, bar, sieve=sieve, dedupe=dedupe, files=files)
    seconds = time.monotonic() - began
    said = summary.passed_over(sieve) + summary.skipped(photos)
    say = Printer(quiet=quiet)
    say.aside(summary.note(photos) + said)
    say(f"{readable(folder)}: {summary.in_a_line(photos, photos.changes)}; {seconds:.1f} seconds")
    if sieve.usual and not any(line.may_change for line in photos.snapshot.lines):
        again = summary.in_a_line(photos, summary.NOTHING)
        unchanged.put(cache_paths.entry_path(folder), photos.snapshot.name, files, sieve, (again, said))
    return photos, seconds
