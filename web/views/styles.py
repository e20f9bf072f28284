"""The parts that pages are made of, each in each of its states, for who changes them: in debug mode alone."""

from types import SimpleNamespace

from flask import Blueprint, current_app, render_template
from flask.typing import ResponseReturnValue

from models.errors import InvalidOrder, NotFound
from models.rules.lifecycle import JobState

bp = Blueprint("styles", __name__)
COLOURS = ("paper", "card", "mat", "ink", "soft", "line", "accent", "on-accent", "bad", "good")
SIZES = ("s", "m", "l", "xl")


@bp.get("/styles")
def show() -> ResponseReturnValue:
    """Show every part.

    Raises:
        NotFound: Flask does not run in debug mode.
    """
    if not current_app.debug:
        raise NotFound("There is nothing here.")
    jobs = [SimpleNamespace(state=state, progress=0.4, attempt=1, phase="matching", error_sentence="Why it failed.",
                            error_code="its_code") for state in JobState]  # fmt: skip
    return render_template(
        "styles.html", colours=COLOURS, sizes=SIZES, jobs=jobs,
        error=InvalidOrder("cells_across", "What was wrong, where, and what to do."),
    )  # fmt: skip
