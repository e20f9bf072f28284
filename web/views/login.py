"""The door of a server: the access token once, then a session."""

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from models.errors import TesseraError
from web import access
from web.views.redisplay import or_again

bp = Blueprint("login", __name__)


def _page(error: TesseraError | None) -> ResponseReturnValue:
    return render_template("login.html", error=error, next=request.values.get("next", ""))


@bp.get("/login")
def form() -> ResponseReturnValue:
    """Ask for the access token."""
    return _page(None)


@bp.post("/login")
@or_again(_page)
def enter() -> ResponseReturnValue:
    """Open the door, and go where the person was going."""
    access.enter(request.form.get("token", "").strip())
    return redirect(_inside(request.form.get("next", "")), code=303)


@bp.post("/logout")
def leave() -> ResponseReturnValue:
    """Close it."""
    access.leave()
    return redirect(url_for("login.form"), code=303)


def _inside(path: str) -> str:
    """Return a path of this site; the first page when `path` leads anywhere else."""
    inside = path.startswith("/") and path.isprintable() and not path.replace("\\", "/").startswith("//")
    return path if inside else url_for("home.show")
