"""near-duplicates are left out by rows, and the report knows where its files lie"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

REASONS = "ck_exclusions_reason"


def upgrade() -> None:
    with op.batch_alter_table("exclusions") as table:
        table.add_column(sa.Column("stand_in", sa.String(64), nullable=True))
        table.drop_constraint(op.f(REASONS), type_="check")
        table.create_check_constraint(op.f(REASONS), "reason IN ('banned', 'removed', 'replaced', 'near_duplicate')")
        table.drop_index(op.f("ix_exclusions_tile_set_id"))
        table.create_index(op.f("ix_exclusions_tile_set_id_content"), ["tile_set_id", "content"])
    # What was set aside until now is in no index any more, as if it had been removed: sent again, it comes back.
    op.execute(
        "INSERT INTO exclusions (tile_set_id, content, reason, link, since) "
        "SELECT tile_set_id, content, 'removed', CASE WHEN linked THEN origin END, until "
        "FROM tiles WHERE until IS NOT NULL"
    )
    op.execute("DELETE FROM tiles WHERE until IS NOT NULL")
    with op.batch_alter_table("tiles") as table:
        table.drop_column("until")
    with op.batch_alter_table("skipped_photos") as table:
        table.add_column(sa.Column("content", sa.String(64), nullable=True))
        table.add_column(sa.Column("origin", sa.Text(), nullable=True))
        table.add_column(sa.Column("stamp", sa.String(80), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("skipped_photos") as table:
        for name in ("stamp", "origin", "content"):
            table.drop_column(name)
    with op.batch_alter_table("tiles") as table:
        table.add_column(sa.Column("until", sa.Integer(), nullable=True))
    op.execute("DELETE FROM exclusions WHERE reason = 'near_duplicate'")
    op.execute("UPDATE exclusions SET reason = 'removed' WHERE reason = 'replaced'")
    with op.batch_alter_table("exclusions") as table:
        table.drop_index(op.f("ix_exclusions_tile_set_id_content"))
        table.create_index(op.f("ix_exclusions_tile_set_id"), ["tile_set_id"])
        table.drop_constraint(op.f(REASONS), type_="check")
        table.create_check_constraint(op.f(REASONS), "reason IN ('banned', 'removed')")
        table.drop_column("stand_in")
