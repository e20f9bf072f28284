"""The database's history, forward and back, on each database."""

from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import inspect

from models import database, migrations
from models.tables import Job


def config(url: str) -> Config:
    made = Config()
    made.set_main_option("script_location", str(Path(migrations.__file__).parent))
    made.attributes["url"] = url
    return made


def tables(url: str) -> set[str]:
    engine = database.connect(url)
    found = set(inspect(engine).get_table_names())
    engine.dispose()
    return found


def test_every_migration_goes_back_and_forward_again(database_url: str) -> None:
    command.downgrade(config(database_url), "base")
    assert tables(database_url) == {"alembic_version"}
    command.upgrade(config(database_url), "head")
    assert tables(database_url) == {"alembic_version", *Job.metadata.tables}


def test_the_migrations_make_exactly_the_tables_of_the_models(database_url: str) -> None:
    engine = database.connect(database_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Job.metadata) == []
    engine.dispose()


def test_a_database_knows_which_version_it_is_at(database_url: str) -> None:
    at, newest = migrations.versions(database_url)
    assert at == newest
