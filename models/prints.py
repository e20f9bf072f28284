"""What a mosaic is on paper, and what a person should know before it is printed."""

from models import queries
from models.rules import printing
from models.rules.printing import Plan
from models.tables import Mosaic


def plan_of(mosaic: Mosaic) -> Plan | None:
    """Return the plan of the print that a mosaic is ordered as, lying as it does once it is made; None if as none."""
    plan = printing.of_order(queries.order_of(mosaic))
    if plan is None or mosaic.width in {None, plan.pixels[0]}:
        return plan
    return plan.turned


def notes_on(mosaic: Mosaic, plan: Plan) -> list[str]:
    """Return the notes on a print, a sentence each; how many pixels its photos have is not looked at."""
    return plan.notes(mosaic.made_from.tile_count if mosaic.made_from else None)
