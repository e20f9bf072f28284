"""Long lists: which part of one a request asks for, and where the next part is."""

from typing import Any

from apiflask import Schema
from apiflask.fields import UUID, AwareDateTime, Enum, Field, String
from apiflask.validators import Range
from flask import current_app, request, url_for

from models import database, queries
from models.errors import InvalidOrder
from models.listing import Cursor, Page
from models.rules.lifecycle import JobState
from web.api.fields import Whole, said

MOST_OF_A_PAGE = 200


def limit() -> Whole:
    """Return the field that says how many items to show."""
    return Whole(load_default=queries.PAGE_LENGTH, validate=Range(min=1, max=MOST_OF_A_PAGE))


class PageIn(Schema):
    """Which page of a list whose items are numbered."""

    after = Whole(
        load_default=0, validate=Range(min=0, max=database.LAST_ID), metadata=said("From the address in next.")
    )
    limit = limit()


class After(Field[Cursor]):
    """Where a page begins."""

    def _deserialize(self, value: Any, *_: object, **__: object) -> Cursor:
        return Cursor.read(str(value))


class ListIn(Schema):
    """Which items of a list to show, the newest first."""

    after = After(metadata=said("From the address in next.", type="string"))
    limit = limit()
    state = Enum(JobState, by_value=True, metadata=said("Of the job."))
    name = String(metadata=said("A part of the name."))
    since = AwareDateTime(format="iso", metadata=said("Ordered then or later, such as 2026-11-01T00:00:00Z."))
    until = AwareDateTime(format="iso", metadata=said("Ordered before then."))


class OrdersIn(ListIn):
    """Which orders to list, the newest first."""

    tile_set = UUID(metadata=said("Id of the tile set that they are made of."))


def listed(page: Page[Any], items: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a page of a list as the API shows it."""
    return {"items": items, "next": None if page.following is None else following(page.following)}


def following(after: object, name: str = "after") -> str:
    """Return the address of the same list from elsewhere on."""
    place = dict(request.view_args or {})
    return url_for(f"{request.endpoint}", **place | request.args.to_dict() | {name: str(after)})


def refuse_unknown() -> None:
    """Refuse a parameter in an address that no view reads, so that a misspelt one is never silently ignored.

    Raises:
        InvalidOrder: there is one.
    """
    if not request.args:
        return
    view = current_app.view_functions[f"{request.endpoint}"]
    schemas = [schema for schema, where in getattr(view, "_spec", {}).get("args") or [] if where == "query"]
    known = [name for schema in schemas for name in schema.fields]
    for name in request.args:
        if name not in known:
            there = f"there are {', '.join(known)}" if known else "it takes none"
            raise InvalidOrder(name[:40], f"{name[:40]}: this address takes no such parameter; {there}.")
        if len(request.args.getlist(name)) > 1:
            raise InvalidOrder(name, f"{name}: give it once.")
