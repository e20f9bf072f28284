"""Mosaics, their batches, the files that are made of them, and links. Their meaning is in `models.placing`."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import JSON, BigInteger, CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.database import Base
from models.rules.formats import Format
from models.rules.order_words import Crops, Fit, LossName, Shape
from models.rules.paper import Sheet
from models.tables.columns import KEY_LENGTH, NAME_LENGTH, words
from models.tables.jobs import Job
from models.tables.tile_sets import TileSet, Version


class Batch(Base):
    """One order for many targets. One that is in the trash takes its mosaics with it."""

    __tablename__ = "batches"
    __table_args__ = (CheckConstraint("purged_at IS NULL OR deleted_at IS NOT NULL", name="purged_out_of_the_trash"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    tile_set_id: Mapped[UUID] = mapped_column(ForeignKey("tile_sets.id"))
    tile_set_version: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(index=True)
    deleted_at: Mapped[datetime | None]
    purged_at: Mapped[datetime | None]

    tile_set: Mapped[TileSet] = relationship()


class Mosaic(Base):
    """A target, an order, and the placement once its job has succeeded.

    The order's format, quality and dots per inch are those of its first rendition, which the mosaic's own job makes.
    `placement_key`, `target_preview_key` and the thumbnails' are None for mosaics from before these were kept. An
    edit has a parent, and what it changes. `mask` is the key of a picture, or `masks.ALPHA`; that of an edit is its
    parent's. `again_id` is the mosaic whose order was repeated with other options, until that is purged.
    `share_series` counts how often the links that share the mosaic were taken back.
    """

    __tablename__ = "mosaics"
    __table_args__ = (
        UniqueConstraint("batch_id", "number"),
        CheckConstraint("(cells_across IS NULL) = (cell_width IS NOT NULL)", name="cut_one_way"),
        CheckConstraint("(cell_width IS NULL) = (cell_height IS NULL)", name="cells_have_two_sides"),
        CheckConstraint("(mosaic_width IS NULL) = (mosaic_height IS NULL)", name="size_has_two_sides"),
        CheckConstraint("(parent_id IS NULL) = (changes IS NULL)", name="an_edit_has_a_parent"),
        CheckConstraint("purged_at IS NULL OR deleted_at IS NOT NULL", name="purged_out_of_the_trash"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    job_id: Mapped[int] = mapped_column(ForeignKey("jobs.id"), unique=True)
    tile_set_id: Mapped[UUID] = mapped_column(ForeignKey("tile_sets.id"), index=True)
    tile_set_version: Mapped[int]
    batch_id: Mapped[UUID | None] = mapped_column(ForeignKey("batches.id"))
    number: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(index=True)
    deleted_at: Mapped[datetime | None]
    purged_at: Mapped[datetime | None]
    target_name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    target_key: Mapped[str] = mapped_column(String(KEY_LENGTH), index=True)
    target_entry: Mapped[int | None]
    mask: Mapped[str | None] = mapped_column(String(KEY_LENGTH), index=True)

    cells_across: Mapped[int | None]
    cell_width: Mapped[int | None]
    cell_height: Mapped[int | None]
    tile_size: Mapped[int]
    mosaic_width: Mapped[int | None]
    mosaic_height: Mapped[int | None]
    bleed: Mapped[float]
    pages: Mapped[Sheet | None] = mapped_column(words(Sheet, "pages"))
    overlap: Mapped[float | None]
    shape: Mapped[Shape] = mapped_column(words(Shape, "shape"))
    adaptive: Mapped[float]
    fit: Mapped[Fit] = mapped_column(words(Fit, "fit"))
    format: Mapped[Format] = mapped_column(words(Format, "format"))
    crop_left: Mapped[float]
    crop_top: Mapped[float]
    crop_width: Mapped[float | None]
    crop_height: Mapped[float | None]
    file_quality: Mapped[int | None]
    dpi: Mapped[int]
    loss: Mapped[LossName] = mapped_column(words(LossName, "loss", 30))
    subcells: Mapped[int | None]
    detail: Mapped[float | None]
    crops: Mapped[Crops] = mapped_column(words(Crops, "crops"))
    keep: Mapped[float]
    far: Mapped[float]
    flips: Mapped[bool]
    turns: Mapped[bool]
    max_uses: Mapped[int | None]
    no_repeats: Mapped[bool]
    min_distance: Mapped[float]
    min_uses: Mapped[int | None]
    spread: Mapped[float]
    adapt: Mapped[float]
    tint: Mapped[float]
    blend: Mapped[float]

    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("mosaics.id"), index=True)
    changes: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    again_id: Mapped[UUID | None] = mapped_column(ForeignKey("mosaics.id"), index=True)
    placement_key: Mapped[str | None] = mapped_column(String(KEY_LENGTH))
    preview_key: Mapped[str | None] = mapped_column(String(KEY_LENGTH))
    thumbnail_key: Mapped[str | None] = mapped_column(String(KEY_LENGTH))
    large_thumbnail_key: Mapped[str | None] = mapped_column(String(KEY_LENGTH))
    target_preview_key: Mapped[str | None] = mapped_column(String(KEY_LENGTH))
    share_series: Mapped[int] = mapped_column(default=0)
    width: Mapped[int | None]
    height: Mapped[int | None]
    columns: Mapped[int | None]
    rows: Mapped[int | None]
    distinct_tiles: Mapped[int | None]
    quality: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))

    batch: Mapped[Batch | None] = relationship()
    job: Mapped[Job] = relationship()
    first: Mapped["Rendition"] = relationship(
        primaryjoin="Mosaic.job_id == foreign(Rendition.job_id)", viewonly=True, uselist=False
    )
    tile_set: Mapped[TileSet] = relationship()
    made_from: Mapped[Version | None] = relationship(
        primaryjoin="and_(Mosaic.tile_set_id == foreign(Version.tile_set_id), "
        "Mosaic.tile_set_version == foreign(Version.number))",
        viewonly=True,
        uselist=False,
    )


class Rendition(Base):
    """One file of a mosaic: the first is made by the mosaic's own job, each other by a job of its own.

    `file_quality` is 0 in a format that loses nothing. `key` and what follows it come when the job has succeeded.
    """

    __tablename__ = "renditions"
    __table_args__ = (
        UniqueConstraint("mosaic_id", "format", "file_quality", "dpi"),
        CheckConstraint("file_quality >= 0 AND file_quality <= 100", name="file_quality_to_a_hundred"),
        CheckConstraint("(key IS NULL) = (byte_count IS NULL)", name="a_file_has_a_size"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    mosaic_id: Mapped[UUID] = mapped_column(ForeignKey("mosaics.id"))
    job_id: Mapped[int] = mapped_column(ForeignKey("jobs.id"), unique=True)
    format: Mapped[Format] = mapped_column(words(Format, "format"))
    file_quality: Mapped[int]
    dpi: Mapped[int]
    created_at: Mapped[datetime]
    key: Mapped[str | None] = mapped_column(String(KEY_LENGTH))
    sha256: Mapped[str | None] = mapped_column(String(64))
    byte_count: Mapped[int | None] = mapped_column(BigInteger)

    job: Mapped[Job] = relationship()
    mosaic: Mapped[Mosaic] = relationship()


class SharedLink(Base):
    """A link that shares a mosaic until a time. Only `models.sharing` writes it.

    Without its row the link is worth nothing; the sweep deletes those that open nothing any more. Links of earlier
    versions have none, and end by themselves.
    """

    __tablename__ = "shared_links"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    mosaic_id: Mapped[UUID] = mapped_column(ForeignKey("mosaics.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime]
    until: Mapped[datetime]
