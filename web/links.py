"""Links that share mosaics, for pages and the API."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from flask import url_for

from models import sharing
from models.sharing import Link
from models.tables import SharedLink
from web import shares
from web.context import reading, sessions, settings
from web.shares import Share


class Shown(NamedTuple):
    """A link, and its whole address."""

    row: SharedLink
    address: str


def create(mosaic_id: UUID, until: datetime) -> Shown:
    """Make a link that shares a mosaic until a time; see `models.sharing.add`."""
    with sessions().begin() as session:
        made = sharing.add(session, mosaic_id, until)
    return _shown(made)


def of_mosaic(mosaic_id: UUID) -> list[Shown]:
    """Return the links of a mosaic that have not ended, the newest first; not those from before they were noted.

    Raises:
        NotFound: there is no such mosaic.
    """
    with reading() as session:
        return [_shown(each) for each in sharing.of_mosaic(session, mosaic_id)]


def _shown(link: Link) -> Shown:
    row = link.row
    token = shares.token(Share(row.mosaic_id, link.series, row.until, row.id), settings())
    return Shown(row, url_for("sharing.show", token=token, _external=True))
