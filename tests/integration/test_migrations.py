"""The database's history, forward and back, on each database, empty and filled."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Column, Connection, Enum, inspect, text

from models import database, migrations
from models.tables import Job
from tests.integration.history import STEPS, Rows, left_by, made_by

UNREFERENCED = {"sources", "uploads", "exclusions", "tiles"}
"""Tables whose ids nothing names: a migration may write their rows anew."""
WORDS = [
    column
    for table in Job.metadata.tables.values()
    for column in table.columns
    if isinstance(column.type, Enum) and column.type.enum_class is not None
]


def config(url: str) -> Config:
    made = Config()
    made.set_main_option("script_location", str(Path(migrations.__file__).parent))
    made.attributes["url"] = url
    return made


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    engine = database.connect(url)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def tables(url: str) -> set[str]:
    with connected(url) as connection:
        return set(inspect(connection).get_table_names())


def rows(url: str) -> Rows:
    """Return all that a database holds, in an order and in types that are the same on each."""
    with connected(url) as connection:
        inspector = inspect(connection)
        names = sorted(set(inspector.get_table_names()) - {"alembic_version"})
        found = {
            name: [dict(row) for row in connection.execute(text(f"SELECT * FROM {name}")).mappings()]  # noqa: S608
            for name in names
        }
        yes_no = {
            (name, column["name"])
            for name in names
            for column in inspector.get_columns(name)
            if str(column["type"]) == "BOOLEAN"
        }
    for name in names:
        for row in found[name]:
            if name in UNREFERENCED:
                del row["id"]
            for column, value in row.items():
                row[column] = bool(value) if (name, column) in yes_no else _plain(column, value)
    return found


def _plain(column: str, value: Any) -> Any:
    return json.loads(value) if column in {"quality", "changes"} and isinstance(value, str) else value


def in_order(held: Rows) -> dict[str, list[list[tuple[str, Any]]]]:
    return {name: sorted((sorted(row.items()) for row in held[name]), key=repr) for name in sorted(held)}


def fill(url: str, revision: str) -> None:
    with connected(url) as connection:
        for statement in STEPS[revision].fill:
            connection.exec_driver_sql(statement)


def test_every_migration_goes_back_and_forward_again(database_url: str) -> None:
    command.downgrade(config(database_url), "base")
    assert tables(database_url) == {"alembic_version"}
    command.upgrade(config(database_url), "head")
    assert tables(database_url) == {"alembic_version", *Job.metadata.tables}


def test_a_filled_database_keeps_every_row_through_every_migration_and_back(database_url: str) -> None:
    command.downgrade(config(database_url), "base")
    for revision, step in STEPS.items():
        before = rows(database_url)
        command.upgrade(config(database_url), revision)
        if revision != next(iter(STEPS)):
            after = rows(database_url)
            assert in_order(after) == in_order(made_by(step, before, after)), f"up to {revision}"
        fill(database_url, revision)
    down = list(STEPS)[::-1]
    for revision, previous in pairwise(down):
        before = rows(database_url)
        command.downgrade(config(database_url), previous)
        after = rows(database_url)
        assert in_order(after) == in_order(left_by(STEPS[revision], before, after)), f"down from {revision}"
    command.upgrade(config(database_url), "head")
    command.downgrade(config(database_url), "base")


def test_every_migration_has_rows_to_keep(database_url: str) -> None:
    """A new migration needs its step in `history`, and each table that there is a row in it."""
    assert migrations.versions(database_url)[1] == list(STEPS)[-1]
    command.downgrade(config(database_url), "base")
    for revision in STEPS:
        command.upgrade(config(database_url), revision)
        fill(database_url, revision)
    assert [name for name, held in rows(database_url).items() if not held] == []


def test_the_migrations_make_exactly_the_tables_of_the_models(database_url: str) -> None:
    with connected(database_url) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Job.metadata) == []


@pytest.mark.parametrize("column", WORDS, ids=str)
def test_every_word_of_a_column_is_in_its_check(database_url: str, column: Column[StrEnum]) -> None:
    """Alembic does not compare CHECK constraints, so nothing else sees a new word without a migration."""
    with connected(database_url) as connection:
        checks = inspect(connection).get_check_constraints(column.table.name)
    named = [check["sqltext"] for check in checks if check["name"] == f"ck_{column.table.name}_{column.type.name}"]
    assert [set(re.findall(r"'([^']*)'", sql)) for sql in named] == [{word.value for word in column.type.enum_class}]


def test_a_database_knows_which_version_it_is_at(database_url: str) -> None:
    at, newest = migrations.versions(database_url)
    assert at == newest
