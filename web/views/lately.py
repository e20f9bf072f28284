"""What was deleted just now, and how to take it back: a bar on the pages to which one returns from there."""

from typing import NamedTuple

from flask import url_for
from sqlalchemy.orm import Session

from models import database, keeping, undo
from models.tables import Batch, Mosaic

MOST = 3
"""Bars of each kind; what else was deleted is in the trash."""


class Undo(NamedTuple):
    """What the macro `undo` shows: a sentence, where the button leads, and the name of what comes back."""

    text: str
    url: str
    name: str


def deleted(session: Session) -> list[Undo]:
    """Return what was deleted in the last minutes."""
    since = database.now(session) - undo.LATELY
    tile_sets = undo.tile_sets(session, since)[:MOST]
    mosaics = keeping.in_trash(session, Mosaic, since=since, limit=MOST).rows
    batches = keeping.in_trash(session, Batch, since=since, limit=MOST).rows
    return [
        *(_bar(row.name, url_for("trash.restore_set", tile_set_id=row.id)) for row in tile_sets),
        *(_bar(row.target_name, url_for("trash.restore", kind="mosaics", identity=row.id)) for row in mosaics),
        *(_bar(row.name, url_for("trash.restore", kind="batches", identity=row.id)) for row in batches),
    ]


def _bar(name: str, url: str) -> Undo:
    return Undo(f"“{name}” was deleted.", url, name)
