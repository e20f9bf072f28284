"""Logins: rows of browsers that have given the access token. A cookie is worth nothing without its row."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import delete, exists, select
from sqlalchemy.orm import Session

from models.tables import Login

LIFE = timedelta(days=30)
"""How long a login lasts."""


def enter(session: Session, now: datetime) -> UUID:
    """Add a login and return its id; delete those that have expired."""
    session.execute(delete(Login).where(Login.entered_at <= now - LIFE))
    identity = uuid4()
    session.add(Login(id=identity, entered_at=now))
    return identity


def leave(session: Session, identity: UUID) -> None:
    """End a login; any copy of its cookie is worthless from then on."""
    session.execute(delete(Login).where(Login.id == identity))


def stands(session: Session, identity: UUID, now: datetime) -> bool:
    """Whether a login is still valid."""
    return bool(session.scalar(select(exists().where(Login.id == identity, Login.entered_at > now - LIFE))))
