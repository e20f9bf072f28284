"""Checks a request before any view reads it: its address has the right form, and its JSON can be read."""

import json
from http import HTTPStatus

from flask import Flask, Response, request
from werkzeug.routing import BaseConverter

from web.problems import answer

UNREADABLE = (
    "The body is no JSON that can be read: it is damaged, nested too deep, or has a number too long, or text that is "
    "not Unicode."
)


class Sha256Converter(BaseConverter):
    """The id of a photo in an address; with anything else the address does not exist."""

    regex = "[0-9a-f]{64}"


def register(app: Flask) -> None:
    """Register these checks; do so after `access`, so that the bodies of strangers are not read."""
    app.url_map.converters["sha256"] = Sha256Converter
    app.before_request(_look_at_json)


def _look_at_json() -> Response | None:
    """Refuse JSON that cannot be read: nested too deep, a number too long, text that is not Unicode, or no JSON."""
    if not request.is_json:
        return None
    try:
        # Half of a surrogate pair is legal in JSON, but no database and no page can hold it.
        json.dumps(json.loads(request.get_data(cache=True)), ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return answer(HTTPStatus.BAD_REQUEST, "bad_request", UNREADABLE)
    return None
