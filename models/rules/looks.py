"""Looks: sets of an order's fields, by name. An order holds the fields and forgets the look."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from models.errors import InvalidOrder
from models.rules.order_words import MAX_FAR, Crops, LossName
from models.rules.orders import MosaicOrder


class Look(NamedTuple):
    """A set of fields of an order.

    Attributes:
        meaning: What it is, without a full stop.
        fields: The fields that differ from their defaults, by name.
    """

    meaning: str
    fields: Mapping[str, Any]


LOOKS: Mapping[str, Look] = MappingProxyType(
    {
        "natural": Look(
            "The defaults: near from afar and from near, equal photos apart where that costs little, a light tint", {}
        ),
        "true": Look("As natural, without any change of colour", {"tint": 0.0}),
        "once": Look("As natural, each photo once at most", {"no_repeats": True}),
        "poster": Look(
            "For a wall: the nearest from afar, out of smaller parts of photos, and equal photos may lie nearer",
            {"far": float(MAX_FAR), "keep": 0.2, "spread": 0.25},
        ),
        "article": Look(
            "As in many an article: the photo of nearest average colour, cell by cell, and no more",
            {"loss": LossName.MEAN_RGB, "crops": Crops.NONE, "far": 0.0, "spread": 0.0, "tint": 0.0},
        ),
    }
)
DEFAULT_LOOK = "natural"
SET_BY_LOOKS = frozenset(name for look in LOOKS.values() for name in look.fields)
"""The fields that some look sets."""


def look_of(values: Mapping[str, Any]) -> str | None:
    """Return the look whose fields an order has; None if it has those of no look.

    Args:
        values: The fields of an order by name.

    Example:
        >>> look_of({"tint": 0.0, "no_repeats": True}) is None
        True
    """
    plain = {name: getattr(MosaicOrder, name) for name in SET_BY_LOOKS}
    said = {name: values.get(name, usual) for name, usual in plain.items()}
    return next((name for name, look in LOOKS.items() if said == plain | dict(look.fields)), None)


def fields_of(look: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of an order that a look sets and a person gives; what is given counts, not the look.

    More than one use, as given, lifts the look's "no repeats".

    Args:
        look: The name of a look.
        given: Fields that a person gave, by name.

    Raises:
        InvalidOrder: there is no such look.

    Example:
        >>> fields_of("once", {"max_uses": 3})
        {'max_uses': 3}
        >>> fields_of("true", {"spread": 1.0})
        {'tint': 0.0, 'spread': 1.0}
    """
    if look not in LOOKS:
        raise InvalidOrder("look", f"The look must be one of {', '.join(LOOKS)}, not {look[:40]!r}.")
    fields = dict(LOOKS[look].fields)
    if any((given.get(name) or 0) > 1 for name in ("max_uses", "min_uses")):
        fields.pop("no_repeats", None)
    return fields | dict(given)
