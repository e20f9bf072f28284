"""What is made before and beside an order: kept targets, previews, and candidates for a cell."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, BigInteger, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.database import Base
from models.tables.columns import KEY_LENGTH, NAME_LENGTH
from models.tables.jobs import Job


class Draft(Base):
    """A target that is kept for an order that is not placed yet. Only `models.drafts` writes it.

    The first mosaic that is ordered of it gets its id. The target lies where that mosaic's will; that of an order
    which is to be changed and placed again stays where it is. `byte_count`, `width` and `height` are None where they
    are not known; `sideways` says that the last two may have to be exchanged.
    """

    __tablename__ = "drafts"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    target_name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    target_key: Mapped[str] = mapped_column(String(KEY_LENGTH))
    target_entry: Mapped[int | None]
    byte_count: Mapped[int | None] = mapped_column(BigInteger)
    width: Mapped[int | None]
    height: Mapped[int | None]
    sideways: Mapped[bool]
    mask: Mapped[str | None] = mapped_column(String(KEY_LENGTH))
    mask_name: Mapped[str | None] = mapped_column(String(NAME_LENGTH))
    small_key: Mapped[str | None] = mapped_column(String(KEY_LENGTH))


class Sketch(Base):
    """A small mosaic that the order page shows of a draft while options change. Only `models.sketches` writes it.

    `order` has the fields of the order by name. What follows it comes when the job has succeeded.
    """

    __tablename__ = "sketches"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    draft_id: Mapped[UUID] = mapped_column(ForeignKey("drafts.id"), index=True)
    job_id: Mapped[int] = mapped_column(ForeignKey("jobs.id"), unique=True)
    created_at: Mapped[datetime]
    tile_set_id: Mapped[UUID] = mapped_column(ForeignKey("tile_sets.id"))
    tile_set_version: Mapped[int]
    look: Mapped[str] = mapped_column(String(20))
    order: Mapped[dict[str, Any]] = mapped_column(JSON)
    key: Mapped[str | None] = mapped_column(String(KEY_LENGTH))
    columns: Mapped[int | None]
    rows: Mapped[int | None]

    job: Mapped[Job] = relationship()
    draft: Mapped[Draft] = relationship()


class Candidates(Base):
    """The photos that come nearest to a cell of a mosaic, as a job finds them: content hashes, the nearest first.

    The cell is named by its top left.
    """

    __tablename__ = "candidates"
    __table_args__ = (UniqueConstraint("mosaic_id", "cell_column", "cell_row"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    mosaic_id: Mapped[UUID] = mapped_column(ForeignKey("mosaics.id", ondelete="CASCADE"))
    job_id: Mapped[int] = mapped_column(ForeignKey("jobs.id"), unique=True)
    cell_column: Mapped[int]
    cell_row: Mapped[int]
    photos: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))

    job: Mapped[Job] = relationship()
