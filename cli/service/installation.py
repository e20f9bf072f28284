"""Finds the installation that a command is about, with its database and store."""

import json
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import platformdirs
from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from cli.place import Place
from models import database, database_check, settings
from models.errors import BadConfiguration
from models.services import Services, open_services
from models.settings import Settings

Sessions = sessionmaker[Session]

which = click.option(
    "--data",
    type=Place(path_type=Path),
    help="Folder of a tessera up.  [default: the server in the environment, else your data folder]",
)


@contextmanager
def opened(data: Path | None, factory: Callable[[Engine], Sessions] = database.sessions) -> Iterator[Sessions]:
    """Yield what opens sessions on the installation's database; whatever keeps it from being used is one sentence."""
    address = _address(data)
    database_check.check(address)
    engine = database.connect(address)
    try:
        with database_check.in_a_sentence():
            yield factory(engine)
    finally:
        engine.dispose()


@contextmanager
def reading(data: Path | None) -> Iterator[Session]:
    """Yield a session that only reads the installation's database."""
    with opened(data, database.reading) as sessions, sessions() as session:
        yield session


@contextmanager
def services(data: Path | None) -> Iterator[Services]:
    """Yield the installation's database and store; whatever keeps them from being used is one sentence."""
    found = chosen(data)
    database_check.check(found.database_url)
    with database_check.in_a_sentence():
        yield open_services(found)


def chosen(data: Path | None) -> Settings:
    """Return the settings of the server in the environment, or what a `tessera up` would set."""
    if _is_server(data):
        return settings.load()
    return settings.load(
        mode="embedded",
        database_url=_address(data),
        redis_url="redis://127.0.0.1",
        store=store_address(data),
        secret_key=secrets.token_hex(),
    )


def store_address(data: Path | None) -> str:
    """Return where the installation's store is, as TESSERA_STORE has it."""
    return settings.load().store if _is_server(data) else f"file://{_folder(data) / 'store'}"


def print_json(what: object) -> None:
    """Print something for programs."""
    click.echo(json.dumps(what, indent=2, ensure_ascii=False))


def _is_server(data: Path | None) -> bool:
    return data is None and bool(os.environ.get("TESSERA_DATABASE_URL"))


def _folder(data: Path | None) -> Path:
    return (data or platformdirs.user_data_path("tessera")).resolve()


def _address(data: Path | None) -> str:
    if _is_server(data):
        return settings.load().database_url
    path = _folder(data) / "tessera.db"
    if not os.path.exists(path):  # noqa: PTH110 - where it may not look, pathlib raises
        raise BadConfiguration(
            f"There is no database {path}; name the folder of your tessera up with --data, "
            "or a server's database with TESSERA_DATABASE_URL."
        )
    return database.sqlite_url(path)
