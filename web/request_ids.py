"""An id for every request: it is in the answer, in every log line meanwhile, and in the rows of its jobs."""

import re
import time
from uuid import uuid4

import structlog
from flask import Flask, Response, g, request

from models import logs
from models.tables import REQUEST_ID_LENGTH

HEADER = "X-Request-ID"
ACCEPTABLE = re.compile(rf"[A-Za-z0-9._-]{{1,{REQUEST_ID_LENGTH}}}")
"""The ids that are accepted from a client; they are written into logs and rows as they are."""
QUIET_ENDPOINTS = {"health.live", "health.ready", "metrics.show", "static"}
"""Endpoints that are not logged, since programs request them all day long."""
SHARED = "/shared/"
"""What follows opens a mosaic, so it is not logged."""

log = structlog.get_logger(__name__)


def register(app: Flask) -> None:
    """Give every request an id; register this first, so that everything else about a request is logged with it."""
    app.before_request(_begin)
    app.after_request(_answered)
    app.teardown_request(_forget)


def _begin() -> None:
    g.began = time.monotonic()
    given = request.headers.get(HEADER, "")
    identity = given if ACCEPTABLE.fullmatch(given) else uuid4().hex
    path = f"{SHARED}…" if request.path.startswith(SHARED) else request.path
    structlog.contextvars.bind_contextvars(request_id=identity, method=request.method, path=path)


def _answered(response: Response) -> Response:
    response.headers[HEADER] = logs.request_id() or ""
    if request.endpoint not in QUIET_ENDPOINTS:
        log.info("answered", status=response.status_code, duration_ms=round((time.monotonic() - g.began) * 1000, 1))
    return response


def _forget(_error: BaseException | None) -> None:
    """Unbind the id, since the thread goes on to other requests."""
    structlog.contextvars.unbind_contextvars("request_id", "method", "path")
