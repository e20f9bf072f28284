"""How long work reports how far it is: the types of the functions that are called with it."""

from collections.abc import Callable

Progress = Callable[[int, int], None]
"""Called with how much of one search is done, and of how much; what it raises stops the work."""
PhaseProgress = Callable[[str, int, int], None]
"""The same with the name of the phase first, where work has several."""


def quiet(_done: int, _total: int) -> None:
    """Report to nobody."""


def part(progress: Progress, first: int, last: int, of: int) -> Progress:
    """Return a progress function for the part of the work from `first` to `last` of `of` equal parts.

    Example:
        >>> part(lambda done, total: print(done, total), 1, 2, 2)(1, 10)
        11 20
    """

    def within(done: int, total: int) -> None:
        progress(first * total + done * (last - first), of * total)

    return within
