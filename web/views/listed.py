"""Pages of lists: which rows an address asks for, and the addresses of the pages after it."""

from collections.abc import Callable
from typing import Any

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from models import queries
from models.errors import InvalidOrder
from models.listing import Cursor, Page, Wanted
from models.rules.lifecycle import JobState
from web import forms
from web.context import reading

PAGE_LENGTH = 48
A_FEW = 10
"""Rows of each kind on the first page."""
FILTERS = ("name", "state", "tile_set")


def page(template: str, find: Callable[[Session, Wanted], Page[Any]]) -> ResponseReturnValue:
    """Answer with the rows that the address asks for.

    Raises:
        InvalidOrder: a state that there is not, or the end of no page.
        NotFound: a tile set whose id is none.
    """
    given: dict[str, Any] = {
        name: request.args[name].strip() for name in FILTERS if request.args.get(name, "").strip()
    }
    with reading() as session:
        found = find(session, _wanted(given))
        sets = queries.indexed_tile_sets(session)
    after = None if found.following is None else url_for(f"{request.endpoint}", **given, after=str(found.following))
    return render_template(
        template, rows=found.rows, given=given, tile_sets=sets, states=[*JobState], following=after,
        first=url_for(f"{request.endpoint}", **given) if request.args.get("after") else None,
    )  # fmt: skip


def _wanted(given: dict[str, Any]) -> Wanted:
    after, state, tile_set = request.args.get("after"), given.get("state"), given.get("tile_set")
    if state and state not in [*JobState]:
        raise InvalidOrder("state", f"The state must be one of {', '.join(JobState)}, not {state[:40]!r}.")
    return Wanted(
        Cursor.read(after) if after else None,
        PAGE_LENGTH,
        JobState(state) if state else None,
        forms.identity(tile_set, "tile set") if tile_set else None,
        given.get("name"),
    )
