"""Who may come in: on this machine everyone from this machine, on a server whoever has the access token."""

import hmac
from hashlib import sha256
from http import HTTPStatus
from ipaddress import ip_address
from uuid import UUID

from flask import Flask, Response, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import SecurityError

from models import database, logins
from models.errors import NotAllowed
from web.context import reading, sessions, settings
from web.problems import answer, for_programs

OPEN_ENDPOINTS = {"login.form", "login.enter", "static", "health.live", "health.ready"}
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
STAMP, LOGIN = "entered", "login"


def register(app: Flask) -> None:
    """Ask at the door of every request; before forms are read, so that strangers cannot make us take in uploads."""
    app.before_request(_ask)


def enter(token: str) -> None:
    """Remember in the session that the access token was right.

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
    """Forget it, and end the login for every copy of its cookie."""
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
        # The host is not ours: that is what will be answered, and there is no address of ours to lead to.
        return None
    if _is_in():
        return None
    return redirect(url_for("login.form", next=request.full_path if request.method == "GET" else None), code=303)


def _is_in() -> bool:
    """Whether the token that holds now was given, and the login has not ended."""
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
    """Whether the other end of the connection is here: an address of the loopback, or none, as of a Unix socket."""
    peer = request.environ.get("REMOTE_ADDR", "")
    if not peer:
        return True
    address = ip_address(peer)
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def _from_another_site() -> bool:
    """Whether a browser says that a page of another origin sends this; programs say nothing and are let through."""
    origin = request.headers.get("Origin")
    if origin is not None and origin.partition("://")[2] != request.host:
        return True
    return request.headers.get("Sec-Fetch-Site", "none") not in {"none", "same-origin"}


def _is_token(token: str) -> bool:
    return hmac.compare_digest(token.encode(), settings().access_token.get_secret_value().encode())


def _stamp() -> str:
    """Return what a session holds once the token was given: it changes with the token."""
    return hmac.new(
        settings().secret_key.get_secret_value().encode(),
        settings().access_token.get_secret_value().encode(),
        sha256,
    ).hexdigest()
