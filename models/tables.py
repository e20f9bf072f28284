"""The tables: columns and CHECK constraints only. Their meaning is in `jobs` and `placing`."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import JSON, BigInteger, CheckConstraint, Enum, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.database import Base
from models.rules.formats import Format
from models.rules.lifecycle import AttemptEnd, JobKind, JobState, Lane, PartState
from models.rules.orders import Crops, ExclusionReason, Fit, LossName, Shape, SourceKind
from models.rules.paper import Sheet

NAME_LENGTH = 200
KEY_LENGTH = 200
CHANGE_LENGTH = 300
STAMP_LENGTH = 80
REQUEST_ID_LENGTH = 64


def _words(kind: type[StrEnum], name: str, length: int = 20) -> Enum:
    """Return the column type of a StrEnum: its values as text, with a CHECK."""
    return Enum(
        kind,
        native_enum=False,
        create_constraint=True,
        name=name,
        length=length,
        values_callable=lambda k: [m.value for m in k],
    )


class Installation(Base):
    """The only row: which installation this database is, and what its last survey of the store found.

    Only `models.store_ownership` writes it.
    """

    __tablename__ = "installation"
    __table_args__ = (
        CheckConstraint("number = 1", name="there_is_one"),
        CheckConstraint("generation >= 0", name="generation_not_negative"),
    )

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    identity: Mapped[UUID | None]
    generation: Mapped[int] = mapped_column(BigInteger)
    looked_at: Mapped[datetime | None]
    blob_count: Mapped[int] = mapped_column(BigInteger)
    withheld_count: Mapped[int] = mapped_column(BigInteger)
    trash_count: Mapped[int] = mapped_column(BigInteger)
    trash_bytes: Mapped[int] = mapped_column(BigInteger)


class Login(Base):
    """A browser that has given the access token. Only `models.logins` writes it."""

    __tablename__ = "logins"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    entered_at: Mapped[datetime]


class Job(Base):
    """Work with a state. Only `models.jobs` writes it.

    While it runs, its phase began at `phase_at`, `done_count` of `total_count` things of this phase are done, and
    `partial_key` is the blob of what can be seen of the result.
    """

    __tablename__ = "jobs"
    __table_args__ = (
        CheckConstraint("attempt >= 0", name="attempt_not_negative"),
        CheckConstraint("given_back >= 0 AND given_back <= attempt", name="given_back_is_of_attempts"),
        CheckConstraint("progress >= 0 AND progress <= 1", name="progress_is_a_share"),
        CheckConstraint("(state = 'running') = (lease_token IS NOT NULL)", name="a_lease_while_running"),
        CheckConstraint("(state = 'running') = (lease_until IS NOT NULL)", name="a_lease_ends"),
        CheckConstraint("state <> 'running' OR started_at IS NOT NULL", name="running_has_begun"),
        CheckConstraint("(state = 'failed') = (error_code IS NOT NULL)", name="a_failure_has_a_code"),
        CheckConstraint("(state IN ('queued', 'running')) = (finished_at IS NULL)", name="final_states_have_an_end"),
        Index(None, "state", "ring_at"),
        Index(None, "state", "lease_until"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[JobKind] = mapped_column(_words(JobKind, "kind"))
    lane: Mapped[Lane] = mapped_column(_words(Lane, "lane"))
    state: Mapped[JobState] = mapped_column(_words(JobState, "state"))
    attempt: Mapped[int] = mapped_column(default=0)
    given_back: Mapped[int] = mapped_column(default=0)
    lease_token: Mapped[str | None] = mapped_column(String(32))
    lease_until: Mapped[datetime | None]
    phase: Mapped[str] = mapped_column(String(40), default="")
    progress: Mapped[float] = mapped_column(default=0.0)
    phase_at: Mapped[datetime | None]
    done_count: Mapped[int | None]
    total_count: Mapped[int | None]
    partial_key: Mapped[str | None] = mapped_column(String(KEY_LENGTH))
    error_code: Mapped[str | None] = mapped_column(String(40))
    error_sentence: Mapped[str | None] = mapped_column(Text)
    request_id: Mapped[str | None] = mapped_column(String(REQUEST_ID_LENGTH))
    failed_rings: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    queued_at: Mapped[datetime]
    ring_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class AttemptRecord(Base):
    """How one attempt at a job went; it has no outcome while it goes on."""

    __tablename__ = "attempts"
    __table_args__ = (
        UniqueConstraint("job_id", "number"),
        CheckConstraint("(outcome IS NULL) = (ended_at IS NULL)", name="an_outcome_with_the_end"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[int] = mapped_column(ForeignKey("jobs.id"))
    number: Mapped[int]
    waited_seconds: Mapped[float]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    outcome: Mapped[AttemptEnd | None] = mapped_column(_words(AttemptEnd, "outcome"))


class PhaseRecord(Base):
    """How long one phase of an attempt took."""

    __tablename__ = "phases"
    __table_args__ = (UniqueConstraint("attempt_id", "phase"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    attempt_id: Mapped[int] = mapped_column(ForeignKey("attempts.id"))
    phase: Mapped[str] = mapped_column(String(40))
    seconds: Mapped[float]


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
    reason: Mapped[ExclusionReason] = mapped_column(_words(ExclusionReason, "reason"))
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
    kind: Mapped[SourceKind] = mapped_column(_words(SourceKind, "kind"))
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
    state: Mapped[PartState] = mapped_column(_words(PartState, "state"), default=PartState.OPEN)
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


class Intake(Base):
    """Files that are being sent, for a tile set. Only `models.intakes` and `models.rounds` write it.

    `adds` says whether that set is there; until then, `tile_set_id` is the id that it will get. `file_count` and
    `byte_count` are of all files as they will be once they have arrived, those that are the set's already too; after
    its end, of those alone. `left_out` is how many did not become the set's; None if it was not finished.
    """

    __tablename__ = "intakes"
    __table_args__ = (
        CheckConstraint("file_count >= 0", name="file_count_not_negative"),
        CheckConstraint("byte_count >= 0", name="byte_count_not_negative"),
        CheckConstraint("left_out IS NULL OR ended_at IS NOT NULL", name="what_is_finished_has_an_end"),
        Index(None, "ended_at", "expires_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    tile_set_id: Mapped[UUID] = mapped_column(index=True)
    adds: Mapped[bool]
    file_count: Mapped[int] = mapped_column(default=0)
    byte_count: Mapped[int] = mapped_column(BigInteger, default=0)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    left_out: Mapped[int | None]


class Upload(Base):
    """A file that is being sent, until it is its set's. Only `models.intakes` and `models.rounds` write it.

    `parts` are the keys of the pieces that have arrived. A finished upload has no parts: its bytes are under `key`,
    and `content` is their SHA-256. `claimed` is what its sender says that it will be.
    """

    __tablename__ = "uploads"
    __table_args__ = (
        CheckConstraint("received_bytes >= 0 AND received_bytes <= length_bytes", name="received_is_of_the_length"),
        CheckConstraint("(key IS NULL) = (content IS NULL)", name="a_finished_upload_has_a_hash"),
        CheckConstraint("key IS NULL OR received_bytes = length_bytes", name="a_finished_upload_is_whole"),
        Index(None, "intake_id", "content"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    intake_id: Mapped[UUID] = mapped_column(ForeignKey("intakes.id"))
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    length_bytes: Mapped[int] = mapped_column(BigInteger)
    received_bytes: Mapped[int] = mapped_column(BigInteger)
    claimed: Mapped[str | None] = mapped_column(String(64))
    is_archive: Mapped[bool] = mapped_column(default=False)
    parts: Mapped[list[str]] = mapped_column(JSON)
    key: Mapped[str | None] = mapped_column(String(KEY_LENGTH))
    content: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime]

    intake: Mapped[Intake] = relationship()


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
    pages: Mapped[Sheet | None] = mapped_column(_words(Sheet, "pages"))
    overlap: Mapped[float | None]
    shape: Mapped[Shape] = mapped_column(_words(Shape, "shape"))
    adaptive: Mapped[float]
    fit: Mapped[Fit] = mapped_column(_words(Fit, "fit"))
    format: Mapped[Format] = mapped_column(_words(Format, "format"))
    crop_left: Mapped[float]
    crop_top: Mapped[float]
    crop_width: Mapped[float | None]
    crop_height: Mapped[float | None]
    file_quality: Mapped[int | None]
    dpi: Mapped[int]
    loss: Mapped[LossName] = mapped_column(_words(LossName, "loss", 30))
    subcells: Mapped[int | None]
    detail: Mapped[float | None]
    crops: Mapped[Crops] = mapped_column(_words(Crops, "crops"))
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
    format: Mapped[Format] = mapped_column(_words(Format, "format"))
    file_quality: Mapped[int]
    dpi: Mapped[int]
    created_at: Mapped[datetime]
    key: Mapped[str | None] = mapped_column(String(KEY_LENGTH))
    sha256: Mapped[str | None] = mapped_column(String(64))
    byte_count: Mapped[int | None] = mapped_column(BigInteger)

    job: Mapped[Job] = relationship()
    mosaic: Mapped[Mosaic] = relationship()


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


class SharedLink(Base):
    """A link that shares a mosaic until a time. Only `models.sharing` writes it.

    Without its row the link is worth nothing. Links of earlier versions have none, and end by themselves.
    """

    __tablename__ = "shared_links"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    mosaic_id: Mapped[UUID] = mapped_column(ForeignKey("mosaics.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime]
    until: Mapped[datetime]


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
