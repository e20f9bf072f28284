"""The contact sheet of a tile set: which photos its page and the pages after it show, and in which order."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from flask import url_for
from sqlalchemy.orm import Session

from models import database, photo_changes, photo_listing, undo
from models.errors import InvalidOrder
from models.photo_changes import MOST_AT_ONCE, PhotoChange
from models.photo_listing import Cursor, Page, PhotoFilter, PhotoSort, Wanted
from models.tables import TileSet, Version

PAGE_LENGTH = 120
"""Photos of a page: they fill whole rows of 3, 4, 6, 8 or 10."""
SORTS = {
    PhotoSort.ADDED: "first added first",
    PhotoSort.NEWEST: "last added first",
    PhotoSort.NAME: "name",
    PhotoSort.COLOUR: "colour",
    PhotoSort.LIGHTEST: "light to dark",
    PhotoSort.DARKEST: "dark to light",
    PhotoSort.LARGEST: "largest first",
    PhotoSort.SMALLEST: "smallest first",
    PhotoSort.MOST_USED: "most used first",
    PhotoSort.LEAST_USED: "least used first",
}
FILTERS = {
    PhotoFilter.ALL: "all",
    PhotoFilter.USED: "in a mosaic already",
    PhotoFilter.UNUSED: "in no mosaic yet",
    PhotoFilter.BANNED: "banned",
    PhotoFilter.REMOVED: "removed",
}
BUTTONS = {
    PhotoFilter.BANNED: {PhotoChange.ALLOW: "Use again", PhotoChange.REMOVE: "Remove"},
    PhotoFilter.REMOVED: {PhotoChange.RESTORE: "Take back"},
}
USUAL_BUTTONS = {PhotoChange.BAN: "Ban", PhotoChange.ALLOW: "Use again", PhotoChange.REMOVE: "Remove"}


@dataclass(frozen=True)
class Sheet:
    """A page of photos.

    Attributes:
        tile_set: The set.
        wanted: Which photos, in which order.
        given: The same as an address says it, without what is usual and without the place in the list.
        page: The photos.
        last: The newest version and what it did, if it changed photos lately and can be undone.
    """

    tile_set: TileSet
    wanted: Wanted
    given: dict[str, str]
    page: Page
    last: tuple[Version, PhotoChange] | None

    sorts, filters, most = SORTS, FILTERS, MOST_AT_ONCE

    @property
    def buttons(self) -> Mapping[PhotoChange, str]:
        """What can be done with the photos; nothing before there is a version."""
        return BUTTONS.get(self.wanted.show, USUAL_BUTTONS) if self.tile_set.current else {}

    @property
    def following(self) -> str | None:
        """The address of the page after it."""
        after = self.page.following
        return None if after is None else self.address(after=str(after))

    @property
    def first(self) -> str | None:
        """The address of the first page, on one after it."""
        return self.address() if self.wanted.after else None

    def address(self, **more: Any) -> str:
        """Return the address of a page of the same photos in the same order."""
        place: dict[str, Any] = {"tile_set_id": self.tile_set.id} | self.given | more
        return url_for("photos.index", **place)

    def photo(self, content: str) -> str:
        """Return the address of a photo's own page, from which the next one in this order is reached."""
        place: dict[str, Any] = {"tile_set_id": self.tile_set.id, "content": content} | self.given
        return url_for("photos.show", **place)


def read(session: Session, tile_set: TileSet, given: Mapping[str, str]) -> Sheet:
    """Return the page of photos that an address or a form asks for.

    Raises:
        InvalidOrder: it asks for an order that there is not, or for the end of no page.
    """
    said = {name: text for name in ("sort", "show", "name") if (text := given.get(name, "").strip())}
    after = given.get("after", "")
    arriving = tile_set.current is None
    wanted = Wanted(
        _word(PhotoSort, said.get("sort", PhotoSort.NEWEST if arriving else PhotoSort.ADDED), "order"),
        _word(PhotoFilter, said.get("show", PhotoFilter.ALL), "choice"),
        said.get("name"),
        Cursor.read(after) if after else None,
        limit=PAGE_LENGTH,
        arriving=arriving,
    )
    page = photo_listing.page(session, tile_set.id, wanted)
    return Sheet(tile_set, wanted, said, page, _undoable(session, tile_set.current))


def _undoable(session: Session, version: Version | None) -> tuple[Version, PhotoChange] | None:
    if version is None or version.created_at < database.now(session) - undo.LATELY:
        return None
    found = photo_changes.of_version(session, version)
    return found and (version, found[0])


def _word(kind: type[StrEnum], text: str, what: str) -> Any:
    words = [each.value for each in kind]
    if text not in words:
        raise InvalidOrder(what, f"The {what} of photos must be one of {', '.join(words)}, not {text[:40]!r}.")
    return kind(text)
