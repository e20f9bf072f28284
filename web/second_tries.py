"""Has what failed or was cancelled tried again, for pages and API: as new jobs, for which it rings at once."""

from uuid import UUID

from models import retrying
from models.notifying import ring_all
from web.context import sessions


def of_mosaic(mosaic_id: UUID) -> None:
    """Try a mosaic again; see `models.retrying`."""
    with sessions().begin() as session:
        bell = retrying.mosaic(session, mosaic_id)
    ring_all(sessions(), [bell])


def of_rendition(mosaic_id: UUID, rendition_id: UUID) -> None:
    """Try a rendition again; see `models.retrying`."""
    with sessions().begin() as session:
        bell = retrying.rendition(session, mosaic_id, rendition_id)
    ring_all(sessions(), [bell])


def of_batch(batch_id: UUID) -> None:
    """Try all again that failed or was cancelled of a batch; see `models.retrying`."""
    with sessions().begin() as session:
        bells = retrying.batch(session, batch_id)
    ring_all(sessions(), bells)
