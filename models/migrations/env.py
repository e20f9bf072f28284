"""Alembic's entry: on the address that `tessera migrate` hands over, or TESSERA_DATABASE_URL."""

import os
from typing import Any, Literal

from alembic import context

from models import database, tables

config = context.config
url = config.attributes.get("url") or os.environ["TESSERA_DATABASE_URL"]


def render_item(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """Write our time type as SQLAlchemy's own: a migration must not change when the models do."""
    if kind == "type" and isinstance(item, database.UtcDateTime):
        return "sa.DateTime(timezone=True)"
    return False


engine = database.connect(url)
with engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=tables.Job.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        render_item=render_item,
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
engine.dispose()
