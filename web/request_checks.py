"""Checks a request before any view reads it: its address, its JSON, and the names in a form of the pages."""

import json
from http import HTTPStatus

from flask import Flask, Response, request
from werkzeug.routing import BaseConverter

from models.errors import InvalidOrder
from web.problems import answer, for_programs

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
    app.before_request(_look_at_form)


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


def _look_at_form() -> None:
    """Refuse a form with a part that has no name, over which Flask-WTF falls when it looks for its token.

    Raises:
        InvalidOrder: there is one.
    """
    if request.mimetype == "multipart/form-data" and request.endpoint and not for_programs() and None in request.form:
        raise InvalidOrder("form", "A part of the form has no name.")
