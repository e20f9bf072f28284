"""How long work reports how far it is: the types of the functions that are called with it."""

from collections.abc import Callable

Progress = Callable[[int, int], None]
"""Called with how much of one search is done, and of how much; what it raises stops the work."""
PhaseProgress = Callable[[str, int, int], None]
"""The same with the name of the phase first, where work has several."""


def quiet(_done: int, _total: int) -> None:
    """Report to nobody."""
