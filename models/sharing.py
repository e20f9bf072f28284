"""Takes back the links that share a mosaic."""

from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from models.errors import NotFound
from models.tables import Mosaic


def end(session: Session, mosaic_id: UUID) -> None:
    """Begin the next series of links of a mosaic, so that all earlier ones are worth nothing.

    Raises:
        NotFound: there is no such mosaic.
    """
    next_series = update(Mosaic).where(Mosaic.id == mosaic_id).values(share_series=Mosaic.share_series + 1)
    if session.scalar(next_series.returning(Mosaic.id)) is None:
        raise NotFound("There is no such mosaic.")
