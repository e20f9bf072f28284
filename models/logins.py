"""Who gave the access token and has not left since: a browser's cookie without its row opens nothing."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import delete, exists, select
from sqlalchemy.orm import Session

from models.tables import Login

LIFE = timedelta(days=30)
"""After this the token is asked for again."""


def enter(session: Session, now: datetime) -> UUID:
    """Return the name of a new login; forget those that are too old."""
    session.execute(delete(Login).where(Login.entered_at <= now - LIFE))
    identity = uuid4()
    session.add(Login(id=identity, entered_at=now))
    return identity


def leave(session: Session, identity: UUID) -> None:
    """End a login, wherever its cookie was copied to."""
    session.execute(delete(Login).where(Login.id == identity))


def stands(session: Session, identity: UUID, now: datetime) -> bool:
    """Whether a login has not ended."""
    return bool(session.scalar(select(exists().where(Login.id == identity, Login.entered_at > now - LIFE))))
