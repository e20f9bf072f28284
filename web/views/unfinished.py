"""What the page of a mosaic that is not made yet needs to know of it."""

from contextlib import suppress

from models.errors import TesseraError
from models.rules.printing import Plan
from models.tables import Mosaic
from web import precheck
from web.context import store

HEAD_BYTES = 64 << 10
"""How much of a target is read to find its shape: the header of most pictures."""
USUAL = 3, 2
"""The shape where it cannot be told."""


def shape(mosaic: Mosaic, plan: Plan | None) -> tuple[int, int]:
    """Return a width and a height in proportion to the mosaic's: of what it is ordered as, or else of its target."""
    if plan is not None:
        return plan.pixels
    found = None
    if mosaic.target_entry is None:
        with suppress(TesseraError):
            found = precheck.size_in_head(store().get_range(mosaic.target_key, 0, HEAD_BYTES))
    return found or USUAL
