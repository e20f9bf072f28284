"""The service at a glance: what waits, who works on what, what failed, how full the disk is."""

from datetime import timedelta

from flask import Blueprint, Response, render_template
from flask.typing import ResponseReturnValue

from models import database, service_state
from web.context import reading, settings, store

bp = Blueprint("service", __name__)


@bp.get("/service")
def show() -> ResponseReturnValue:
    """Show the page."""
    return _rendered("service/show.html")


@bp.get("/service/now")
def now() -> ResponseReturnValue:
    """Show the part of the page that changes."""
    return _rendered("service/now.html")


def _rendered(template: str) -> Response:
    chosen = settings()
    with reading() as session:
        moment = database.now(session)
        state = service_state.look(session, moment, chosen.lease_span, timedelta(seconds=chosen.beat_seconds))
    response = Response(render_template(template, state=state, now=moment, free_bytes=store().free_bytes()))
    response.headers["Cache-Control"] = "no-store"
    return response
