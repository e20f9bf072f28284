"""The login of a server: the access token is asked for once, then a session remembers it."""

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from models.errors import TesseraError
from web import access
from web.views.redisplay import or_again

bp = Blueprint("login", __name__)


def _page(error: TesseraError | None) -> ResponseReturnValue:
    return render_template(
        "login.html", error=error, next=request.values.get("next", ""), lost="lost" in request.args
    )


@bp.get("/login")
def form() -> ResponseReturnValue:
    """Ask for the access token."""
    return _page(None)


@bp.post("/login")
@or_again(_page)
def enter() -> ResponseReturnValue:
    """Log in, and go on to the page that was asked for."""
    access.enter(request.form.get("token", "").strip())
    return redirect(_inside(request.form.get("next", "")), code=303)


@bp.post("/logout")
def leave() -> ResponseReturnValue:
    """Log out."""
    access.leave()
    return redirect(url_for("login.form"), code=303)


def _inside(path: str) -> str:
    """Return `path` if it is on this site, and else the first page."""
    inside = path.startswith("/") and path.isprintable() and not path.replace("\\", "/").startswith("//")
    return path if inside else url_for("home.show")
