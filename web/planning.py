"""Plans an order without touching a picture: cells, pixels and paper; and what would do where it cannot be met."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from models import estimates
from models.errors import InvalidOrder
from models.rules import grid, repeats
from models.rules.formats import Format
from models.rules.lattices import Effort, Tired
from models.rules.order_fields import Group
from models.rules.order_words import Fit
from models.rules.orders import FIELDS, MosaicOrder
from models.rules.printing import density, mm
from web import forms
from web.context import reading, settings
from web.precheck import Size

ASSUMED = (3_000, 2_000)
"""Width and height of a target that is not known yet."""
EFFORT = repeats.QUICK / 3
"""For each order that is tried."""
STEP = 0.12
"""How much of what is left to a limit the search for a value goes at once."""
SENTENCES = {
    "cells_across": "Take {:,} cells across",
    "max_uses": "Allow {:,} uses of a photo",
    "min_distance": "Keep equal photos {:,} cells apart",
    "min_uses": "Ask for {:,} uses of each photo",
    "tile_size": "Take tiles of {:,} pixels",
    "dpi": "Print at {:,} dots per inch",
}
CELLS = ("cells_across", "cell_width", "cell_height")
CROP = [name for name, about in FIELDS.items() if about.group is Group.CROP]
WHOLE = dict.fromkeys(CROP, "")
"""What the form says of the crop where there is none."""


class Way(NamedTuple):
    """What a person may do instead: in words, and the fields of the form that become so."""

    label: str
    fields: dict[str, str]


class Ask(NamedTuple):
    """What is planned: a form, the width and height of its target, how many photos there are, and how it is read."""

    form: Mapping[str, str]
    size: tuple[int, int]
    tile_count: int | None
    read: Callable[[Mapping[str, str]], MosaicOrder] = forms.page_order

    def order(self) -> MosaicOrder:
        """Return the order of the form.

        Raises:
            InvalidOrder: it cannot be met, as far as can be told without the target.
        """
        order = self.read(self.form)
        cells = grid.cut(*self.size, order, settings().limits)
        if self.tile_count is not None and not order.adaptive:
            with suppress(Tired):
                repeats.of_order(order, self.size, cells, self.tile_count, Effort(EFFORT))
        return order

    def fits(self, **fields: str) -> bool:
        """Whether it can be met with some fields changed."""
        with suppress(InvalidOrder):
            self._replace(form={**self.form, **fields}).order()
            return True
        return False


def shape_of(size: Size) -> tuple[int, int]:
    """Return the width and height to plan with for a target."""
    return (size.width, size.height) if size.known else ASSUMED


def answer(ask: Ask) -> dict[str, Any]:
    """Return what would be made, or why the order cannot be met and what could be ordered instead."""
    try:
        return {"photos": ask.tile_count, "plan": plan(ask), "refusal": None}
    except InvalidOrder as error:
        refusal = {"sentence": str(error), "field": error.field, "ways": [way._asdict() for way in ways(ask, error)]}
        return {"photos": ask.tile_count, "plan": None, "refusal": refusal}


def plan(ask: Ask) -> dict[str, Any]:
    """Return what would be made: cells, pixels, size on paper, and about how many bytes and seconds.

    Raises:
        InvalidOrder: the order cannot be met.
    """
    order = ask.order()
    cells = grid.cut(*ask.size, order, settings().limits)
    width, height = cells.mosaic_size
    part = order.part(*ask.size)
    per_mm = density(order.dpi, order.format)
    with reading() as session:
        byte_count = estimates.byte_count(session, order.format, width * height)
        seconds = estimates.seconds(session, cells.filled_count, width * height)
    return {
        "columns": cells.columns, "rows": cells.rows, "cells": cells.filled_count, "width": width, "height": height,
        "paper": mm((width / per_mm, height / per_mm)), "dpi": order.dpi, "format": order.format.facts.title,
        "bytes": byte_count, "seconds": seconds, "shown": float(cells.target_size[1] / part.height),
    }  # fmt: skip


def ways(ask: Ask, refusal: InvalidOrder) -> list[Way]:
    """Return the nearest orders that can be met, by the field that is wrong."""
    return list(_ways(ask, refusal.field))


def _ways(ask: Ask, field: str) -> Iterator[Way]:
    if field in CROP:
        if ask.fits(**WHOLE):
            yield Way("Take the whole picture", WHOLE)
        return
    fields = {"max_uses": ("max_uses", "cells_across"), "tile_size": ("tile_size", "dpi"), "tile": ("cells_across",)}
    for each in fields.get(field, (field,)):
        if each in FIELDS and FIELDS[each].ranged and not FIELDS[each].length:
            found = _nearest(ask, each)
            if found is not None:
                yield Way(_label(each, found), {each: str(found)})
    if field in CELLS and ask.fits(fit=Fit.RESIZE.value):
        yield Way("Stretch the picture slightly", {"fit": Fit.RESIZE.value})
    if field == "tile_size":
        for form in (Format.JPEG, Format.TIFF):
            if ask.fits(format=form.value):
                yield Way(f"Save it as {form.facts.title}", {"format": form.value})
                return


def _label(field: str, value: float) -> str:
    sentence = SENTENCES.get(field, f"{FIELDS[field].title}: {{}}").format(value)
    return re.sub(r"\b1 (\w+)s\b", r"1 \1", sentence)


def _nearest(ask: Ask, field: str) -> int | None:
    """Return the whole number nearest to what the form says of a field with which the order can be met."""
    about, usual = FIELDS[field], FIELDS[field].default
    least, most = int(about.least), about.most
    text = ask.form.get(field, "").strip() or (usual if usual.isdigit() else "1")
    with suppress(ValueError, OverflowError):  # what is no number is near to none
        asked = int(min(max(least, float(text)), most))

        def fits(value: int) -> bool:
            return ask.fits(**{field: str(value)})

        if str(asked) != text and fits(asked):
            return asked
        ends = {"max_uses": (most,), "min_distance": (least,)}.get(field, (least, most))
        found = [_towards(asked, end, fits) for end in ends]
        return min((each for each in found if each is not None), key=lambda value: abs(value - asked), default=None)
    return None


def _towards(asked: int, end: int, fits: Callable[[int], bool]) -> int | None:
    """Return the value nearest to `asked` that fits, on the way to an end, if that one fits."""
    good = next((each for each in _steps(asked, end) if fits(each)), None)
    if good is None:
        return None
    bad = asked
    while abs(good - bad) > 1:
        middle = (good + bad) // 2
        good, bad = (middle, bad) if fits(middle) else (good, middle)
    return good


def _steps(asked: int, end: int) -> Iterator[int]:
    """Yield values farther and farther away, up to the end: what fits may be an island, as a single cell is none."""
    value = asked
    while value != end:
        step = int((end - value) * STEP) or (1 if end > value else -1)
        value += step
        yield value
