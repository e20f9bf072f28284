"""Turns every failure into an answer: problem+json (RFC 9457) for programs, a page for people."""

from contextlib import suppress
from enum import IntEnum
from http import HTTPStatus
from typing import Any
from urllib.parse import SplitResult, urlsplit

import structlog
from flask import Flask, Response, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DataError
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge, SecurityError

from models import database, errors
from models.errors import FormExpired, InvalidOrder, TesseraError

API_PREFIX, SENDING = "/api/", "/intakes"
METRICS_PATH = "/metrics"
RETRY_SECONDS = 5


class OfTus(IntEnum):
    """Statuses that tus adds to those of HTTP.

    Source:
        tus 1.0.0, Checksum.
    """

    CHECKSUM_MISMATCH = 460

    @property
    def phrase(self) -> str:
        """The status in words."""
        return self.name.replace("_", " ").title()


Status = HTTPStatus | OfTus
STATUS: dict[type[TesseraError], Status] = {
    errors.InvalidOrder: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.UnusablePicture: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.BadArchive: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.NotFound: HTTPStatus.NOT_FOUND,
    errors.LinkExpired: HTTPStatus.GONE,
    errors.NotReady: HTTPStatus.CONFLICT,
    errors.NoPlacement: HTTPStatus.CONFLICT,
    errors.TooManyRenditions: HTTPStatus.CONFLICT,
    errors.TooManyLinks: HTTPStatus.CONFLICT,
    errors.NotRetryable: HTTPStatus.CONFLICT,
    errors.LastTile: HTTPStatus.CONFLICT,
    errors.WrongOffset: HTTPStatus.CONFLICT,
    errors.IntakeClosed: HTTPStatus.GONE,
    errors.TooManyIntakes: HTTPStatus.TOO_MANY_REQUESTS,
    errors.ChecksumMismatch: OfTus.CHECKSUM_MISMATCH,
    errors.NotAllowed: HTTPStatus.FORBIDDEN,
    errors.FormExpired: HTTPStatus.BAD_REQUEST,
    errors.TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.StorageFull: HTTPStatus.INSUFFICIENT_STORAGE,
    errors.StoreEmptied: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.StoreOfAnother: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.StorageUnreachable: HTTPStatus.SERVICE_UNAVAILABLE,
}

log = structlog.get_logger(__name__)


def status_of(error: TesseraError) -> Status:
    """Return the HTTP status of a failure, by the nearest class in `STATUS`, or else 500; from 500 on, log it."""
    found = (STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
    status = next(found, HTTPStatus.INTERNAL_SERVER_ERROR)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("request failed", error_code=error.code, exc_info=error)
    return status


def register(app: Flask) -> None:
    """Register the handlers that answer every failure of the app."""
    app.register_error_handler(TesseraError, _foreseen)
    app.register_error_handler(CSRFError, _forged)
    app.register_error_handler(RequestEntityTooLarge, _too_large)
    app.register_error_handler(SecurityError, _untrusted)
    app.register_error_handler(HTTPException, _http)
    for kind in database.Unreachable:
        app.register_error_handler(kind, _unreachable)
    app.register_error_handler(DataError, _unkeepable)
    app.register_error_handler(OSError, _system)
    app.register_error_handler(Exception, _unforeseen)


def for_programs() -> bool:
    """Whether the address is for programs, which read JSON and send their token in a header; all others are pages."""
    return request.path.startswith(API_PREFIX) or request.path == METRICS_PATH


def for_scripts() -> bool:
    """Whether the address is for the scripts of pages, which read JSON and have the session's cookie."""
    return request.path.startswith(SENDING)


def answer(status: Status, code: str, sentence: str, **more: Any) -> Response:
    """Return a problem as JSON or as a page, depending on the path."""
    if for_programs() or for_scripts():
        problem = {"type": f"urn:tessera:problem:{code}", "title": status.phrase, "status": status.value}
        response: Response = jsonify(problem | {"code": code, "detail": sentence} | more)
        response.content_type = "application/problem+json"
    else:
        page = came_from()
        before = page.geturl() if page and page.geturl() != request.url else None
        html = render_template("problem.html", status=status, code=code, sentence=sentence, before=before)
        response = Response(html)
    response.status_code = status.value
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers["Retry-After"] = str(RETRY_SECONDS)
    return response


def came_from() -> SplitResult | None:
    """Return the address of the page of ours from which a person came here, if the browser says it."""
    with suppress(ValueError):  # of what is no address
        page = urlsplit(request.referrer or "")
        if page.scheme in ("http", "https") and page.netloc == request.host:
            return page
    return None


def plain(status: HTTPStatus, sentence: str | None) -> Response:
    """Return an error that HTTP itself has a name for."""
    nowhere = "There is nothing at this address." if status is HTTPStatus.NOT_FOUND else None
    return answer(status, status.name.lower(), nowhere or sentence or status.phrase)


def _foreseen(error: TesseraError) -> ResponseReturnValue:
    status = status_of(error)
    more = {"field": error.field} if isinstance(error, InvalidOrder) else {}
    return answer(status, error.code, str(error), **more)


def _forged(_error: CSRFError) -> ResponseReturnValue:
    sentence = (
        "The form has expired or did not come from this site, or your browser keeps no cookies of it; "
        "open it again and send it once more."
    )
    return answer(HTTPStatus.BAD_REQUEST, FormExpired.code, sentence)


def _too_large(error: RequestEntityTooLarge) -> ResponseReturnValue:
    sentence = "The upload is larger, or has more files, than this site takes; send less at once, or a zip."
    return answer(HTTPStatus(error.code), errors.TooLarge.code, sentence)


def _untrusted(error: SecurityError) -> Response:
    """Answer in plain text: a page would need links, and there is no host to build them with."""
    return Response(f"{error.description}\n", HTTPStatus.BAD_REQUEST, mimetype="text/plain")


def _http(error: HTTPException) -> ResponseReturnValue:
    status = HTTPStatus(error.code or HTTPStatus.INTERNAL_SERVER_ERROR)
    if status < HTTPStatus.BAD_REQUEST:
        return error
    response = plain(status, error.description)
    # The headers that HTTP demands with some errors: Content-Range with a 416, Allow with a 405.
    response.headers.extend((name, value) for name, value in error.get_headers() if name != "Content-Type")
    return response


def _unreachable(error: Exception) -> ResponseReturnValue:
    log.error("the database cannot be reached", exc_info=error)
    sentence = "The database cannot be reached, or written to, just now; try again in a few seconds."
    return answer(HTTPStatus.SERVICE_UNAVAILABLE, "database_unavailable", sentence)


def _unkeepable(error: DataError) -> ResponseReturnValue:
    """Answer a value that no row can hold, and that a view should have refused."""
    log.warning("a value reached the database that it cannot hold", exc_info=error)
    return answer(HTTPStatus.BAD_REQUEST, "bad_request", "The request holds a number or a text beyond all limits.")


def _system(error: OSError) -> ResponseReturnValue:
    """Answer a full disk, found while an upload was spooled, with its own sentence."""
    if errors.is_full(error):
        sentence = "There is no room left to take the upload; free some space and try again."
        return answer(HTTPStatus.INSUFFICIENT_STORAGE, errors.StorageFull.code, sentence)
    return _unforeseen(error)


def _unforeseen(error: Exception) -> ResponseReturnValue:
    log.error("an error that nobody foresaw", exc_info=error)
    sentence = "Something went wrong on our side; the server's log says what."
    return answer(HTTPStatus.INTERNAL_SERVER_ERROR, TesseraError.code, sentence)
