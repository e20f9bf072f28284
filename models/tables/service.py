"""The installation itself, and who has logged in to it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.database import Base


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
