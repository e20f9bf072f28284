"""A measured value, the bar it has to clear, and the table of them all."""

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Self

from rich.table import Table

COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    ">=": operator.ge,
    ">": operator.gt,
}


@dataclass(frozen=True)
class Measurement:
    """One line of the table, and one entry of bench.json.

    Attributes:
        key: Dotted name, such as `render.first.seconds`.
        value: What counts.
        unit: Of the value, in a word; empty for a plain number.
        bar: What the value has to be, such as `<= 2.5`; empty when it is for information.
        samples: What the value was made of, in the order of the rounds.
    """

    key: str
    value: float
    unit: str
    bar: str = ""
    samples: tuple[float, ...] = ()

    @classmethod
    def median(cls, key: str, samples: Sequence[float], unit: str, bar: str = "") -> Self:
        """Return the median of samples as a measurement."""
        return cls(key, median(samples), unit, bar, tuple(samples))

    @classmethod
    def worst(cls, key: str, samples: Sequence[float], unit: str, bar: str = "") -> Self:
        """Return the largest of samples as a measurement: for a limit that holds every time."""
        return cls(key, max(samples), unit, bar, tuple(samples))

    @property
    def met(self) -> bool | None:
        """Whether the value clears the bar; None when there is none.

        Example:
            >>> Measurement("a.b", 2.5, "x", "<= 2.5").met
            True
        """
        if not self.bar:
            return None
        comparison, limit = self.bar.split()
        return COMPARISONS[comparison](self.value, float(limit))


def table(measured: Sequence[Measurement], title: str) -> Table:
    """Return measurements as a table for people."""
    shown = Table(title=title)
    shown.add_column("measurement", no_wrap=True)
    shown.add_column("value", justify="right", no_wrap=True)
    shown.add_column("from", justify="right", no_wrap=True)
    shown.add_column("to", justify="right", no_wrap=True)
    shown.add_column("unit")
    shown.add_column("bar", no_wrap=True)
    shown.add_column("")
    verdicts = {None: "", True: "[green]met[/]", False: "[bold red]MISSED[/]"}
    for one in measured:
        low, high = (_figure(min(one.samples)), _figure(max(one.samples))) if one.samples else ("", "")
        shown.add_row(one.key, _figure(one.value), low, high, one.unit, one.bar, verdicts[one.met])
    return shown


def _figure(value: float) -> str:
    """Return whole numbers as they are, and others with three or four digits that tell something."""
    if value == int(value):
        return f"{int(value):,}"
    return f"{value:,.1f}" if value >= 100 else f"{value:.3f}" if value < 10 else f"{value:.2f}"
