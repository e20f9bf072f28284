"""What is different in two orders, for people."""

from dataclasses import asdict
from typing import Any, NamedTuple

from models.rules import looks
from models.rules.orders import FIELDS, MosaicOrder


class Difference(NamedTuple):
    """What two orders do not have in common.

    Attributes:
        name: A field of an order; or `look`, in place of the fields that looks set.
        before: What the one says of it.
        after: What the other says of it.
    """

    name: str
    before: Any
    after: Any


def between(before: MosaicOrder, after: MosaicOrder) -> list[Difference]:
    """Return in what the second of two orders is different; the look by name, where both are some look.

    Example:
        >>> for each in between(MosaicOrder(cells_across=80), MosaicOrder(cells_across=120, tint=0.0)):
        ...     print(*each)
        look natural true
        cells_across 80 120
    """
    values = _values(before), _values(after)
    names, found = list(FIELDS), []
    one, other = (looks.look_of(each) for each in values)
    if one and other and one != other:
        found.append(Difference("look", one, other))
        names = [name for name in names if name not in looks.SET_BY_LOOKS]
    changed = (Difference(name, *(each[name] for each in values)) for name in names)
    return [*found, *(each for each in changed if each.before != each.after)]


def _values(order: MosaicOrder) -> dict[str, Any]:
    """Return the fields of an order; one use of a photo is no repeats, however it was said."""
    once = order.uses == 1
    return asdict(order) | {"no_repeats": once, "max_uses": None if once else order.uses}
