"""The database's history, by Alembic."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from models import database, database_check


def upgrade(url: str) -> None:
    """Bring a database to the newest version.

    Raises:
        UnusableDatabase: it cannot be migrated as it is.
        DatabaseUnavailable: it does not answer at the moment.
    """
    database_check.check_migratable(url)
    config = _config()
    config.attributes["url"] = url
    with database_check.in_a_sentence():
        command.upgrade(config, "head")


def versions(url: str) -> tuple[str | None, str | None]:
    """Return the version that a database is at, and the newest one."""
    engine = database.connect(url)
    with engine.connect() as connection:
        at = MigrationContext.configure(connection).get_current_revision()
    engine.dispose()
    return at, ScriptDirectory.from_config(_config()).get_current_head()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    return config
