"""Which files of a folder, a bucket or a zip are looked at: all but clutter and what somebody excludes.

`fast_index` needs it, so it imports next to nothing.
"""

import os
from collections.abc import Sequence

from models.rules.clutter import is_clutter, lies_in_clutter

TYPE_CHECKING = False  # loading typing takes as long as a look at a thousand files
if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec


class Sieve:
    """Decides which files are looked at, and counts those that are passed over.

    Args:
        exclude: Patterns of paths below the folder, as in a .gitignore. A pattern that begins with `!` includes again
            what an earlier pattern, or our own table of clutter, excludes.
        follow_links: Whether to enter folders that are linked to, each folder once.

    Attributes:
        files: How many files were passed over.
        folders: How many folders were, whatever they hold.
        links: How many linked folders were, since links are not followed.

    Raises:
        InvalidOrder: something is not a pattern.
    """

    __slots__ = ("_gone_into", "_spec", "exclude", "files", "folders", "follow_links", "links")

    def __init__(self, exclude: Sequence[str] = (), *, follow_links: bool = False) -> None:
        self.exclude, self.follow_links = tuple(exclude), follow_links
        self.files = self.folders = self.links = 0
        self._gone_into: set[tuple[int, int]] = set()
        self._spec = _understood(self.exclude) if exclude else None

    @property
    def usual(self) -> bool:
        """Whether nothing is excluded beyond clutter, and no links are followed."""
        return not self.exclude and not self.follow_links

    @property
    def passed_over(self) -> tuple[int, int, int]:
        """How many files, folders and linked folders were passed over."""
        return self.files, self.folders, self.links

    def takes(self, path: str, name: str, *, folder: bool = False) -> bool:
        """Whether a file or a folder is looked at; if not, it is counted.

        Args:
            path: Its path below the top.
            name: Its name alone.
            folder: Whether it is a folder.
        """
        wanted = self._included(f"{path}/" if folder else path)
        if wanted or (wanted is None and not is_clutter(name, folder=folder)):
            return True
        self.count(folder=folder)
        return False

    def takes_path(self, path: str) -> bool:
        """Whether a file is looked at whose folders were not asked about, as in a bucket; if not, it is counted."""
        wanted = self._included(path)
        if wanted or (wanted is None and not lies_in_clutter(path)):
            return True
        self.count(folder=False)
        return False

    def count(self, *, folder: bool) -> None:
        """Count a file or a folder that is passed over."""
        if folder:
            self.folders += 1
        else:
            self.files += 1

    def enters(self, held: int) -> bool:
        """Whether to enter an open folder: if links are followed, only once, whatever path leads to it."""
        if not self.follow_links:
            return True
        status = os.fstat(held)
        before = len(self._gone_into)
        self._gone_into.add((status.st_dev, status.st_ino))
        return len(self._gone_into) > before

    def _included(self, path: str) -> bool | None:
        """Return whether the patterns include or exclude a path; None if no pattern matches."""
        if self._spec is None:
            return None
        left_out = self._spec.check_file(path).include
        return None if left_out is None else not left_out


def _understood(patterns: Sequence[str]) -> "GitIgnoreSpec":
    import warnings  # noqa: PLC0415 - the same

    from pathspec import GitIgnoreSpec  # noqa: PLC0415 - hardly ever needed, and the quickest answer never needs it

    from models.errors import InvalidOrder  # noqa: PLC0415 - the same

    for pattern in patterns:
        if not pattern.strip() or "\n" in pattern:
            raise InvalidOrder("exclude", "A pattern to exclude must not be empty, and has no line break.")
    try:
        # In a .gitignore, # begins a comment; here it is part of a pattern.
        lines = [f"\\{pattern}" if pattern.startswith("#") else pattern for pattern in patterns]
        with warnings.catch_warnings():
            # The warnings are about Python's regular expressions, which the user did not write.
            warnings.simplefilter("ignore", FutureWarning)
            return GitIgnoreSpec.from_lines(lines)
    except ValueError as error:
        raise InvalidOrder("exclude", f"{' '.join(patterns)[:200]!r} holds no pattern as in a .gitignore.") from error
