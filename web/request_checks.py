"""What a request says, before any view reads it: addresses of the right form, JSON that can be read."""

import json
from http import HTTPStatus

from flask import Flask, Response, request
from werkzeug.routing import BaseConverter

from web.problems import answer


class Sha256Converter(BaseConverter):
    """The id of a photo in an address; anything else is at no address of ours."""

    regex = "[0-9a-f]{64}"


def register(app: Flask) -> None:
    """Teach the app such addresses, and have JSON looked at; after the door, so that strangers are not read."""
    app.url_map.converters["sha256"] = Sha256Converter
    app.before_request(_look_at_json)


def _look_at_json() -> Response | None:
    """Refuse JSON that Python cannot read: it is nested too deep, a number is too long, or it is no JSON at all."""
    if not request.is_json:
        return None
    try:
        json.loads(request.get_data(cache=True))
    except (ValueError, RecursionError):
        sentence = "The body is no JSON that can be read: it is damaged, nested too deep, or has a number too long."
        return answer(HTTPStatus.BAD_REQUEST, "bad_request", sentence)
    return None
