"""The failures that an operation of the API may answer with, as the OpenAPI document describes them."""

import re
from collections.abc import Callable, Iterable
from http import HTTPStatus

from models import errors
from models.errors import TesseraError
from web.api.components import Json, headers
from web.problems import STATUS, Status

PROBLEM_TYPE = "application/problem+json"


def possible(operation: Json, method: str, path: str, own: Iterable[type[TesseraError]]) -> set[Status]:
    """Return every status of a problem that an operation may answer with."""
    found = {status for status, where in ANYWHERE.items() if where(operation, method, path)}
    return found | {STATUS[kind] for kind in own}


def _always(*_: object) -> bool:
    return True


def _has_body(operation: Json, *_: object) -> bool:
    return "requestBody" in operation


def _codes() -> dict[Status, dict[str, str]]:
    """Return every code with its example sentence, by status."""
    found: dict[Status, dict[str, str]] = {status: {} for status in [*STATUS.values(), *ANYWHERE, *OF_HTTP]}
    for kind, status in STATUS.items():
        for each in (kind, *kind.__subclasses__()):
            found[STATUS.get(each, status)][each.code] = str(each.__doc__).splitlines()[0]
    for status, codes in OF_HTTP.items():
        found[status] = codes | found[status]
    return found


OF_HTTP: dict[Status, dict[str, str]] = {
    HTTPStatus.BAD_REQUEST: {"bad_request": "The request is not framed or encoded as HTTP, a form or JSON says."},
    HTTPStatus.UNAUTHORIZED: {"token_needed": "Send the access token in the header “Authorization: Bearer TOKEN”."},
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: {"unsupported_media_type": "Send the body as multipart/form-data."},
    HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE: {
        HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE.name.lower(): "The file ends before that part.",
    },
    HTTPStatus.INTERNAL_SERVER_ERROR: {
        TesseraError.code: "Something went wrong on our side; the server's log says what.",
        errors.StorageUnreadable.code: str(errors.StorageUnreadable.__doc__),
    },
    HTTPStatus.SERVICE_UNAVAILABLE: {
        "database_unavailable": "The database cannot be reached, or written to, just now."
    },
}
"""The codes that no error class of ours has."""
ANYWHERE: dict[Status, Callable[[Json, str, str], bool]] = {
    HTTPStatus.BAD_REQUEST: _always,
    HTTPStatus.UNAUTHORIZED: _always,
    HTTPStatus.FORBIDDEN: lambda _, method, __: method != "get",
    HTTPStatus.NOT_FOUND: lambda _, __, path: "{" in path,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: _has_body,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: _has_body,
    HTTPStatus.UNPROCESSABLE_ENTITY: lambda operation, *_: (
        _has_body(operation) or any(parameter.get("in") == "query" for parameter in operation["parameters"])
    ),
    HTTPStatus.INTERNAL_SERVER_ERROR: _always,
    HTTPStatus.SERVICE_UNAVAILABLE: _always,
    HTTPStatus.INSUFFICIENT_STORAGE: lambda operation, *_: (
        "multipart/form-data" in operation.get("requestBody", {}).get("content", {})
    ),
}
"""Statuses that no view needs to declare, each with the condition under which an operation may answer with it."""
CODES = _codes()


def problem_name(status: Status) -> str:
    """Return the name of the component for answers with a status."""
    return re.sub(r"\W", "", status.phrase.title())


def problem(status: Status) -> Json:
    """Return the component for answers with a status, with an example for each code."""
    examples = {
        code: {
            "value": {
                "type": f"urn:tessera:problem:{code}",
                "title": status.phrase,
                "status": status.value,
                "code": code,
                "detail": sentence,
            }
        }
        for code, sentence in CODES[status].items()
    }
    schema = {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": examples}
    more: dict[Status, list[str]] = {
        HTTPStatus.UNAUTHORIZED: ["WWW-Authenticate"],
        HTTPStatus.SERVICE_UNAVAILABLE: ["Retry-After"],
        HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE: ["Content-Range"],
    }
    content: Json = {PROBLEM_TYPE: schema}
    if status is HTTPStatus.BAD_REQUEST:
        content["text/plain"] = {"schema": {"type": "string"}}
    return {
        "description": f"{status.phrase}: {', '.join(CODES[status])}.",
        "content": content,
        "headers": headers("X-Request-ID", *more.get(status, [])),
    }
