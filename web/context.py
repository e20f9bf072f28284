"""The running app's services, for views."""

from typing import cast

from flask import current_app
from sqlalchemy.orm import Session, sessionmaker

from models.readiness import Readiness
from models.services import Services
from models.settings import Settings
from models.storage import Store
from web.roll_call import RollCall
from web.streams import Streams

KEY, READINESS, STREAMS, ROLL_CALL = "tessera", "tessera-readiness", "tessera-streams", "tessera-roll-call"


def services() -> Services:
    """Return the services of the app that handles this request."""
    return cast("Services", current_app.extensions[KEY])


def readiness() -> Readiness:
    """Return the checks of whether this app can take orders."""
    return cast("Readiness", current_app.extensions[READINESS])


def streams() -> Streams:
    """Return the open streams of server-sent events."""
    return cast("Streams", current_app.extensions[STREAMS])


def roll_call() -> RollCall:
    """Return what asks the workers of this installation."""
    return cast("RollCall", current_app.extensions[ROLL_CALL])


def settings() -> Settings:
    """Return the settings of the app that handles this request."""
    return services().settings


def sessions() -> sessionmaker[Session]:
    """Return the factory of database sessions."""
    return services().sessions


def reading() -> Session:
    """Return a database session that only reads, for a `with`, which closes it."""
    return services().reading()


def store() -> Store:
    """Return the blob store."""
    return services().store
