"""How a long search says how far it is."""

from collections.abc import Callable

Progress = Callable[[int, int], None]
"""Told how much is done, and of how much; what it raises stops the work."""


def quiet(_done: int, _total: int) -> None:
    """Tell nobody how far the work is."""
