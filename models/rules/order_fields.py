"""What is known of a field of an order, declared with the field itself.

From it come the check of its range, the field of the page and of the API, the option of the command line, and the
lines about it in the reference.
"""

from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any

KEY = "about"


class Group(StrEnum):
    """Fields that are shown together."""

    SIZE = "size"
    CELL = "cell"
    CROP = "crop"
    PRINT = "print"
    FILE = "file"
    SAVING = "saving"
    NEARNESS = "nearness"
    REPEATS = "repeats"
    COLOUR = "colour"


@dataclass(frozen=True)
class OrderField:
    """What is known of a field of an order.

    Attributes:
        kind: bool, int, float, or the words to choose from.
        group: What it is shown with.
        title: Its name in a sentence, and above its entry on the page.
        meaning: What it does, without a full stop.
        usual: The default, for people; None where it depends on other fields.
        least: The least value of a number.
        most: The largest value of a number.
        unit: What the limits count.
        losses: The losses that it belongs to; empty for all of them.
        belongs: How the sentence begins that refuses the field for any other loss.
        option: The help of the command line, where that is not the meaning.
        flag: The option of the command line, where it is not named as the field.
        letter: The placeholder for the value in that help.
        hint: The text below the entry on the page.
        alone: What the option stands for without a value; None if it needs one.
        length: Whether it is a length on paper, which people write with its unit; the order has millimetres.
    """

    kind: type
    group: Group
    title: str
    meaning: str
    usual: object = None
    least: float = 0
    most: int = 1
    unit: str = ""
    losses: tuple[str, ...] = ()
    belongs: str = "This belongs to the losses"
    option: str = ""
    flag: str = ""
    letter: str = "N"
    hint: str = ""
    alone: float | None = None
    length: bool = False

    @property
    def words(self) -> list[str]:
        """The words to choose from; none for other kinds."""
        return [word.value for word in self.kind] if issubclass(self.kind, StrEnum) else []

    @property
    def ranged(self) -> bool:
        """Whether it is a number."""
        return self.kind in {int, float}

    @property
    def whole(self) -> bool:
        """Whether it is a whole number."""
        return self.kind is int

    @property
    def default(self) -> str:
        """The default, as people write it; empty where it depends on other fields."""
        if isinstance(self.usual, bool):
            return "yes" if self.usual else "no"
        return f"{self.usual:g}" if isinstance(self.usual, float) else "" if self.usual is None else str(self.usual)

    def admits(self, value: float) -> bool:
        """Whether a number is within the range; "not a number" is not."""
        return self.least <= value <= self.most

    def refusal(self, value: float | None) -> str:
        """Return what is said of a value that is not within the range."""
        shown = "nothing" if value is None else f"{value:g}" if self.kind is float else f"{value:,}"
        unit = " mm" if self.length else ""
        return f"The {self.title} must be from {self.least:,} to {self.most:,}{unit}, not {shown}{unit}."


def declared(default: object, kind: type, group: Group, title: str, meaning: str, **more: Any) -> Any:
    """Declare a field of an order, with its default; what else is known of it is an `OrderField`."""
    more.setdefault("usual", default)
    about = OrderField(kind, group, title, meaning, **more)
    return field(default=default, metadata={KEY: about})


def of(order: type) -> dict[str, OrderField]:
    """Return what was declared of the fields of an order, by their names."""
    return {each.name: each.metadata[KEY] for each in fields(order)}
