"""Whether this process answers, and whether what it depends on does."""

from http import HTTPStatus

import structlog
from flask import Blueprint, Response, jsonify

from models import queue
from models.errors import QueueUnavailable
from models.readiness import CHECKS
from web.context import readiness, services
from web.problems import RETRY_SECONDS

bp = Blueprint("health", __name__)
UNAVAILABLE = "unavailable"
log = structlog.get_logger(__name__)


@bp.get("/livez")
def live() -> tuple[str, int, dict[str, str]]:
    """Answer that the process is alive."""
    return "ok\n", 200, {"Content-Type": "text/plain"}


@bp.get("/readyz")
def ready() -> Response:
    """Answer whether orders can be taken: this needs the database and the store, but not Redis, thanks to the sweep.

    A store that is not joined is not swept, so nothing in it can be lost, and orders are taken. Anybody may ask, so
    the sentence of an error, which may reveal something about this machine, is only logged.
    """
    troubles = readiness().troubles()
    for subject, error in troubles.items():
        log.warning("not ready", subject=subject, error_code=error.code, reason=str(error))
    answers = {subject: "unavailable" if subject in troubles else "ok" for subject in CHECKS}
    if "store" not in troubles:
        answers["store"] = services().belonging.newest
    reported = [
        {"code": error.code, "detail": f"The {subject} cannot be used; the log and `tessera doctor` say why."}
        for subject, error in troubles.items()
    ]
    response = jsonify(answers | {"redis": "ok" if _redis() else "degraded"} | {"troubles": reported})
    if troubles:
        response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
        response.headers["Retry-After"] = str(RETRY_SECONDS)
    return response


def _redis() -> bool:
    try:
        queue.ping()
    except QueueUnavailable as error:
        log.warning("Redis does not answer", reason=str(error.__cause__))
        return False
    return True
