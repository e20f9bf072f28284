"""Whether this process answers, and whether what it stands on does."""

from http import HTTPStatus

import structlog
from flask import Blueprint, Response, jsonify

from models import database, queue
from models.errors import QueueUnavailable
from web.context import reading
from web.problems import RETRY_SECONDS

bp = Blueprint("health", __name__)
log = structlog.get_logger(__name__)


@bp.get("/livez")
def live() -> tuple[str, int, dict[str, str]]:
    """Say that the process answers."""
    return "ok\n", 200, {"Content-Type": "text/plain"}


@bp.get("/readyz")
def ready() -> Response:
    """Say whether orders can be taken: that needs the database; without Redis they only wait for the sweep."""
    kept, rung = _database(), _redis()
    response = jsonify(database="ok" if kept else "unavailable", redis="ok" if rung else "degraded")
    if not kept:
        response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
        response.headers["Retry-After"] = str(RETRY_SECONDS)
    return response


def _database() -> bool:
    try:
        with reading()() as session:
            database.now(session)
    except database.Unreachable as error:
        log.warning("not ready: the database cannot be reached", reason=str(error))
        return False
    return True


def _redis() -> bool:
    try:
        queue.ping()
    except QueueUnavailable as error:
        log.warning("Redis does not answer", reason=str(error.__cause__))
        return False
    return True
