"""Tile sets, their versions, and their photos."""

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import JSON, BigInteger, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.database import Base
from models.rules.lifecycle import PartState
from models.rules.tile_set_words import ExclusionReason, SourceKind
from models.tables.columns import CHANGE_LENGTH, KEY_LENGTH, NAME_LENGTH, STAMP_LENGTH, words
from models.tables.jobs import Job


class TileSet(Base):
    """Photos to make mosaics from. `version` is the newest version; None until the first job has succeeded.

    A deleted set is in the trash until it is purged. `passed_over` is how many files and folders were passed over
    when photos were last added, and `passed_links` how many linked folders.
    """

    __tablename__ = "tile_sets"
    __table_args__ = (CheckConstraint("purged_at IS NULL OR deleted_at IS NOT NULL", name="purged_out_of_the_trash"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    job_id: Mapped[int] = mapped_column(ForeignKey("jobs.id"), unique=True)
    created_at: Mapped[datetime] = mapped_column(index=True)
    deleted_at: Mapped[datetime | None]
    purged_at: Mapped[datetime | None]
    dedupe: Mapped[bool] = mapped_column(default=False)
    keep_originals: Mapped[bool] = mapped_column(default=False)
    skipped_count: Mapped[int] = mapped_column(default=0)
    passed_over: Mapped[int] = mapped_column(default=0)
    passed_links: Mapped[int] = mapped_column(default=0)
    version: Mapped[int | None]

    job: Mapped[Job] = relationship()
    current: Mapped["Version | None"] = relationship(
        primaryjoin="and_(TileSet.id == foreign(Version.tile_set_id), TileSet.version == foreign(Version.number))",
        viewonly=True,
        uselist=False,
        lazy="joined",
    )


class Version(Base):
    """A tile set as it was from one change to the next; a mosaic is made from one version.

    `lacks` says in sentences what its photos lack, as they were when its index was made; None before that was looked
    for.
    """

    __tablename__ = "versions"
    __table_args__ = (UniqueConstraint("tile_set_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    tile_set_id: Mapped[UUID] = mapped_column(ForeignKey("tile_sets.id"))
    number: Mapped[int]
    created_at: Mapped[datetime]
    change: Mapped[str] = mapped_column(String(CHANGE_LENGTH))
    index_key: Mapped[str] = mapped_column(String(KEY_LENGTH))
    plot_key: Mapped[str | None] = mapped_column(String(KEY_LENGTH))
    palette_key: Mapped[str | None] = mapped_column(String(KEY_LENGTH))
    tile_count: Mapped[int]
    lacks: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))


class Measured:
    """What is known of a photo's picture; None in rows from before it was kept, until photos are next added.

    `colour` puts photos in order: greys by lightness from -1 to 0, then by hue in degrees. `uses` counts the cells
    in which the photo lies, in all mosaics that were made of the set.
    """

    width: Mapped[int | None]
    height: Mapped[int | None]
    lightness: Mapped[float | None]
    colour: Mapped[float | None]
    uses: Mapped[int] = mapped_column(BigInteger, default=0)


class Tile(Measured, Base):
    """A photo of a tile set, from version `since` on.

    `origin` is the address of its file in a place. `stamp` is the file's size and time; for a linked photo it is None
    once the file was seen to have changed.
    """

    __tablename__ = "tiles"
    __table_args__ = (
        UniqueConstraint("tile_set_id", "content"),
        CheckConstraint("NOT linked OR origin IS NOT NULL", name="a_link_leads_somewhere"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    tile_set_id: Mapped[UUID] = mapped_column(ForeignKey("tile_sets.id"))
    content: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    since: Mapped[int | None]
    origin: Mapped[str | None] = mapped_column(Text)
    stamp: Mapped[str | None] = mapped_column(String(STAMP_LENGTH))
    linked: Mapped[bool] = mapped_column(default=False)


class RemovedTile(Measured, Base):
    """A photo in the trash, with all that is needed to make it a tile again."""

    __tablename__ = "removed_tiles"
    __table_args__ = (
        UniqueConstraint("tile_set_id", "content"),
        CheckConstraint("NOT linked OR origin IS NOT NULL", name="a_link_leads_somewhere"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    tile_set_id: Mapped[UUID] = mapped_column(ForeignKey("tile_sets.id"))
    content: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    since: Mapped[int]
    origin: Mapped[str | None] = mapped_column(Text)
    stamp: Mapped[str | None] = mapped_column(String(STAMP_LENGTH))
    linked: Mapped[bool]
    removed_at: Mapped[datetime] = mapped_column(index=True)

    tile_set: Mapped[TileSet] = relationship()


class Exclusion(Base):
    """A photo that is in the index but not used, from version `since` on and before version `until`.

    A near-duplicate is excluded as long as the photo that stands for it, `stand_in`, is used.
    """

    __tablename__ = "exclusions"
    __table_args__ = (Index(None, "tile_set_id", "content"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    tile_set_id: Mapped[UUID] = mapped_column(ForeignKey("tile_sets.id"))
    content: Mapped[str] = mapped_column(String(64))
    stand_in: Mapped[str | None] = mapped_column(String(64))
    reason: Mapped[ExclusionReason] = mapped_column(words(ExclusionReason, "reason"))
    link: Mapped[str | None] = mapped_column(Text)
    since: Mapped[int]
    until: Mapped[int | None]


class Source(Base):
    """Where photos of a tile set come from: an uploaded file, or a place that the workers can read.

    For a place, `exclude` has the patterns of files to leave out, one a line. `content` is the SHA-256 of a file that
    came by an intake.
    """

    __tablename__ = "sources"
    __table_args__ = (UniqueConstraint("tile_set_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    tile_set_id: Mapped[UUID] = mapped_column(ForeignKey("tile_sets.id"))
    number: Mapped[int]
    kind: Mapped[SourceKind] = mapped_column(words(SourceKind, "kind"))
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    address: Mapped[str] = mapped_column(Text)
    content: Mapped[str | None] = mapped_column(String(64))
    linked: Mapped[bool] = mapped_column(default=False)
    exclude: Mapped[str] = mapped_column(Text, default="")
    follow_links: Mapped[bool] = mapped_column(default=False)
    planned: Mapped[bool] = mapped_column(default=False)


class Part(Base):
    """Some photos of a tile set that is being indexed, for one worker. Only `models.parts` writes it."""

    __tablename__ = "parts"
    __table_args__ = (
        UniqueConstraint("tile_set_id", "number"),
        CheckConstraint("attempt >= 0", name="attempt_not_negative"),
        CheckConstraint("done_count >= 0 AND done_count <= photo_count", name="done_is_of_photos"),
        CheckConstraint("(state = 'taken') = (lease_token IS NOT NULL)", name="a_lease_while_taken"),
        CheckConstraint("(state = 'taken') = (lease_until IS NOT NULL)", name="a_lease_ends"),
        CheckConstraint("(state = 'done') = (ended_at IS NOT NULL)", name="what_is_done_has_an_end"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    tile_set_id: Mapped[UUID] = mapped_column(ForeignKey("tile_sets.id"))
    number: Mapped[int]
    state: Mapped[PartState] = mapped_column(words(PartState, "state"), default=PartState.OPEN)
    attempt: Mapped[int] = mapped_column(default=0)
    lease_token: Mapped[str | None] = mapped_column(String(32))
    lease_until: Mapped[datetime | None]
    photo_count: Mapped[int]
    done_count: Mapped[int] = mapped_column(default=0)
    listing_key: Mapped[str] = mapped_column(String(KEY_LENGTH))
    index_key: Mapped[str | None] = mapped_column(String(KEY_LENGTH))
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class SkippedPhoto(Base):
    """One line of a tile set's report: a file that is no tile, and why.

    A near-duplicate has its `content`; a file of a place has its `origin` and `stamp`.
    """

    __tablename__ = "skipped_photos"

    id: Mapped[int] = mapped_column(primary_key=True)
    tile_set_id: Mapped[UUID] = mapped_column(ForeignKey("tile_sets.id"), index=True)
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    code: Mapped[str] = mapped_column(String(40))
    sentence: Mapped[str] = mapped_column(Text)
    content: Mapped[str | None] = mapped_column(String(64))
    origin: Mapped[str | None] = mapped_column(Text)
    stamp: Mapped[str | None] = mapped_column(String(STAMP_LENGTH))
