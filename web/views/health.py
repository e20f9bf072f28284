"""Whether this process answers."""

from flask import Blueprint

bp = Blueprint("health", __name__)


@bp.get("/livez")
def live() -> tuple[str, int, dict[str, str]]:
    """Say that the process answers."""
    return "ok\n", 200, {"Content-Type": "text/plain"}
