"""Files that are being sent."""

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import JSON, BigInteger, CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.database import Base
from models.tables.columns import KEY_LENGTH, NAME_LENGTH


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
