"""Access control: in embedded mode anybody on this machine, on a server anybody with the access token."""

import hmac
from hashlib import sha256
from http import HTTPStatus
from ipaddress import ip_address
from urllib.parse import urlencode
from uuid import UUID

from flask import Flask, Response, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import SecurityError

from models import database, logins
from models.errors import NotAllowed
from web.context import reading, sessions, settings
from web.problems import answer, came_from, for_programs, for_scripts
from web.uploads import PLAIN_BYTES

OPEN_ENDPOINTS = {
    "login.form", "login.enter", "static", "health.live", "health.ready",
    "sharing.show", "sharing.preview", "sharing.description", "sharing.tile",
}  # fmt: skip
"""Those of `sharing` ask for the token of a link themselves, before anything else."""
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
STAMP, LOGIN = "entered", "login"
LONGEST_ADDRESS = 1_500
"""Characters; an address within another takes more, and the server takes 4,094."""


def register(app: Flask) -> None:
    """Check every request before its form is read, so that a stranger cannot make us store an upload."""
    app.before_request(_ask)


def enter(token: str) -> None:
    """Log the browser in, if the access token is right.

    Raises:
        NotAllowed: it is not the access token.
    """
    if not _is_token(token):
        raise NotAllowed("That is not the access token of this installation.")
    leave()
    with sessions().begin() as rows:
        identity = logins.enter(rows, database.now(rows))
    session[STAMP], session[LOGIN] = _stamp(), identity.hex


def leave() -> None:
    """Log the browser out; all copies of its cookie become worthless."""
    if LOGIN in session:
        with sessions().begin() as rows:
            logins.leave(rows, UUID(session[LOGIN]))
    session.clear()


def _ask() -> ResponseReturnValue | None:
    if request.method not in SAFE_METHODS and _from_another_site():
        raise NotAllowed("The request comes from a page of another site.")
    if settings().mode == "embedded" and not _from_this_machine():
        raise NotAllowed("In embedded mode Tessera answers this machine alone; a network needs TESSERA_MODE=server.")
    if settings().mode == "embedded" or request.endpoint in OPEN_ENDPOINTS:
        return None
    if for_programs():
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer" and _is_token(token.strip()):
            return None
        return _challenge()
    if isinstance(request.routing_exception, SecurityError):
        # The host name is not ours. The error will say so, and there is no host to redirect to.
        return None
    return None if _is_in() else _to_login()


def _to_login() -> ResponseReturnValue:
    if for_scripts():
        sentence = "Log in with the access token, then send the files again."
        return answer(HTTPStatus.UNAUTHORIZED, "token_needed", sentence)
    ended = "" if request.method in SAFE_METHODS else "yes"
    return redirect(url_for("login.form", next=_before(), ended=ended or None), code=303)


def _before() -> str | None:
    """Return where to go on after the login: a page; or that of a form, and of an order what was typed."""
    if request.method in SAFE_METHODS:
        return request.full_path
    if request.endpoint == "mosaics.create" and 0 < (request.content_length or 0) <= PLAIN_BYTES:
        typed = {name: text for name, text in request.form.items() if name and text and name != "csrf_token"}
        address = f"{url_for('mosaics.new')}?{urlencode(typed)}"
        return address if len(address) <= LONGEST_ADDRESS else url_for("mosaics.new", draft=typed.get("draft"))
    page = came_from()
    return f"{page.path}?{page.query}" if page else None


def _is_in() -> bool:
    """Whether the browser has given the present token, and its login is still valid."""
    if LOGIN not in session or not hmac.compare_digest(str(session.get(STAMP, "")), _stamp()):
        return False
    with reading() as rows:
        return logins.stands(rows, UUID(session[LOGIN]), database.now(rows))


def _challenge() -> Response:
    sentence = "Send the access token in the header “Authorization: Bearer TOKEN”."
    response = answer(HTTPStatus.UNAUTHORIZED, "token_needed", sentence)
    response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _from_this_machine() -> bool:
    """Whether the client is on this machine: it has a loopback address, or none because it uses a Unix socket."""
    peer = request.environ.get("REMOTE_ADDR", "")
    if not peer:
        return True
    address = ip_address(peer)
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def _from_another_site() -> bool:
    """Whether a browser says that a page of another origin sent this; programs say nothing, and are let through."""
    origin = request.headers.get("Origin")
    if origin is not None and origin.partition("://")[2] != request.host:
        return True
    return request.headers.get("Sec-Fetch-Site", "none") not in {"none", "same-origin"}


def _is_token(token: str) -> bool:
    return hmac.compare_digest(token.encode(), settings().access_token.get_secret_value().encode())


def _stamp() -> str:
    """Return what a session contains after the token was given; it changes when the token does."""
    return hmac.new(
        settings().secret_key.get_secret_value().encode(),
        settings().access_token.get_secret_value().encode(),
        sha256,
    ).hexdigest()
