"""Estimates for the order page: how large a file will be, and how long a mosaic will take, by those made lately."""

from statistics import median

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.rules.formats import Format
from models.rules.lifecycle import JobState
from models.tables import Job, Mosaic, Rendition

LATELY = 20
"""Mosaics that count."""
CELL_PIXELS, ALWAYS_PIXELS = 2_500, 2_000_000
"""The pixels whose laying takes about as long as the matching of a cell, and as what every mosaic takes."""
BYTES = {
    Format.PNG: 1.55, Format.TIFF: 1.8, Format.PYRAMID_TIFF: 2.5, Format.JPEG: 0.4, Format.PDF: 0.4,
    Format.PYRAMID: 0.6, Format.WEBP: 0.25, Format.AVIF: 0.2,
}  # fmt: skip
"""Of a pixel of a mosaic in the usual quality: measured on one of 60 x 45 cells of 50 pixels, out of 400 photos."""


def byte_count(session: Session, form: Format, pixels: int) -> int:
    """Return about how many bytes a mosaic of so many pixels has in a format."""
    made = select(Rendition.byte_count, Mosaic.width * Mosaic.height).join(Rendition.mosaic)
    made = made.where(Rendition.format == form, Rendition.byte_count.is_not(None), Mosaic.width > 0)
    found = session.execute(made.order_by(Rendition.created_at.desc()).limit(LATELY)).all()
    shares = [count / size for count, size in found if count and size]
    return round(pixels * (median(shares) if shares else BYTES[form]))


def seconds(session: Session, cells: int, pixels: int) -> float | None:
    """Return about how long a mosaic of so many cells and pixels takes; None if none was made yet."""
    size = Mosaic.columns * Mosaic.rows, Mosaic.width * Mosaic.height
    made = select(*size, Job.started_at, Job.finished_at).join(Mosaic.job)
    made = made.where(Job.state == JobState.SUCCEEDED, Mosaic.width > 0, Mosaic.parent_id.is_(None))
    found = session.execute(made.order_by(Job.id.desc()).limit(LATELY)).all()
    speeds = [
        (ended - began).total_seconds() / _work(some_cells or 0, some_pixels or 0)
        for some_cells, some_pixels, began, ended in found
        if began and ended
    ]
    return median(speeds) * _work(cells, pixels) if speeds else None


def _work(cells: int, pixels: int) -> int:
    return ALWAYS_PIXELS + CELL_PIXELS * cells + pixels
