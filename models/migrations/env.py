"""What Alembic runs, on the database that `tessera migrate` gives it, or else on TESSERA_DATABASE_URL."""

import os
from typing import Any, Literal

from alembic import context
from sqlalchemy import event

from models import database, tables
from models.errors import BadConfiguration

config = context.config
url = config.attributes.get("url") or os.environ["TESSERA_DATABASE_URL"]


def render_item(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """Render our time type as SQLAlchemy's own, since a migration must not change when the models do."""
    if kind == "type" and isinstance(item, database.UtcDateTime):
        return "sa.DateTime(timezone=True)"
    return False


def without_foreign_keys(connection: Any, _record: object) -> None:
    """Turn foreign keys off: SQLite alters a table by making it again, while other tables refer to its rows."""
    connection.execute("PRAGMA foreign_keys=OFF")


engine = database.connect(url)
is_sqlite = engine.dialect.name == "sqlite"
if is_sqlite:
    event.listen(engine, "connect", without_foreign_keys)
with engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=tables.Job.metadata,
        render_as_batch=is_sqlite,
        render_item=render_item,
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()
    if is_sqlite and connection.exec_driver_sql("PRAGMA foreign_key_check").first():
        raise BadConfiguration("The database has rows that name rows which are not there; nothing was migrated.")
    connection.commit()
engine.dispose()
