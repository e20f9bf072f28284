"""What lies in the cells of a mosaic, and what comes nearest to one, for the viewer and the API."""

from typing import Any, NamedTuple
from uuid import UUID

from flask import url_for
from sqlalchemy.orm import Session

from models import candidates, placement_documents, queries
from models.errors import NotFound
from models.notifying import ring_all
from models.rules.kept_placements import Kept, Lying
from models.rules.placements import Placed
from models.tables import Job, Mosaic
from web.context import reading, services, sessions, store

PAGES, API = "photos", "api.tiles"
"""Blueprints that show the photos of a tile set: to people and their browsers, or to programs."""
MOST_PLACES = 500
"""Of one photo, that are told at once."""


class Photo(NamedTuple):
    """A photo of a mosaic and where it lies; the name is None once the photo is deleted."""

    content: str
    name: str | None
    lying: Lying


class Nearest(NamedTuple):
    """The photos that come nearest to a cell, by content hash with their names; None until the job has found them."""

    mosaic: Mosaic
    cell: Placed
    job: Job
    names: dict[str, str] | None


def cell_as_json(cell: Placed) -> dict[str, Any]:
    """Return where a cell is, and which part of its photo is shown there."""
    return {
        "column": cell.column,
        "row": cell.row,
        "span": cell.span,
        "window": cell.window,
        "turn": cell.turn,
    }


def photo_as_json(mosaic: Mosaic, content: str, name: str | None, blueprint: str) -> dict[str, Any]:
    """Return a photo of a mosaic; without an address of its preview if its name is None, as it is deleted.

    Args:
        mosaic: The mosaic.
        content: The photo's content hash.
        name: Its name.
        blueprint: `PAGES` or `API`.
    """
    return {"content": content, "name": name, "preview": address(mosaic, content, name, f"{blueprint}.preview")}


def address(mosaic: Mosaic, content: str, name: str | None, endpoint: str) -> str | None:
    """Return the address of something of a photo; None if the photo is deleted."""
    return None if name is None else url_for(endpoint, tile_set_id=mosaic.tile_set_id, content=content)


def kept_of(mosaic_id: UUID) -> tuple[Mosaic, Kept]:
    """Return a mosaic, and its placement; no transaction is open while a slow store sends that."""
    with reading() as session:
        mosaic = queries.find_mosaic(session, mosaic_id)
    return mosaic, placement_documents.kept_of(store(), mosaic)


def cell_at(kept: Kept, column: int, row: int) -> Placed | None:
    """Return the cell that covers a place; None if it stays empty.

    Raises:
        NotFound: there is no such cell.
    """
    if column >= kept.columns or row >= kept.rows:
        raise NotFound(
            f"There is no such cell; the mosaic has {kept.columns:,} x {kept.rows:,} cells, counted from 0."
        )
    return kept.cell(column, row, {})


def photo(session: Session, mosaic: Mosaic, kept: Kept, content: str) -> Photo:
    """Return a photo and where it lies.

    Raises:
        NotFound: it does not lie in the mosaic.
    """
    lying = kept.lying([content], MOST_PLACES).get(content)
    if lying is None:
        raise NotFound("This photo lies in no cell of this mosaic.")
    return Photo(content, placement_documents.names_of(session, mosaic.tile_set_id, [content]).get(content), lying)


def look_for_nearest(mosaic_id: UUID, column: int, row: int, *, again: bool) -> Nearest:
    """Have the photos looked for that come nearest to a cell, unless they are known; see `models.candidates.ask`."""
    mosaic, cell = _filled(mosaic_id, column, row)
    place = cell.column, cell.row
    with sessions().begin() as session:
        mosaic = queries.find_mosaic(session, mosaic_id)
        asked = candidates.ask(session, mosaic, place, services().ring_again, again=again)
        found = Nearest(mosaic, cell, asked.row.job, candidates.usable(session, mosaic, asked.row))
    ring_all(sessions(), [asked.bell] if asked.bell else [])
    return found


def nearest(mosaic_id: UUID, column: int, row: int) -> Nearest:
    """Return how far the search for the photos is that come nearest to a cell.

    Raises:
        NotFound: nobody had them looked for.
    """
    mosaic, cell = _filled(mosaic_id, column, row)
    with reading() as session:
        found = candidates.find(session, mosaic, (cell.column, cell.row))
        return Nearest(mosaic, cell, found.job, candidates.usable(session, mosaic, found))


def _filled(mosaic_id: UUID, column: int, row: int) -> tuple[Mosaic, Placed]:
    mosaic, kept = kept_of(mosaic_id)
    cell = cell_at(kept, column, row)
    if cell is None:
        raise NotFound(
            f"Column {column:,}, row {row:,} stays empty, so no photo comes near to it; ask for another cell."
        )
    return mosaic, cell
