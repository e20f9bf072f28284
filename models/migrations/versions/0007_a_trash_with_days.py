"""what is deleted or removed is in the trash before it is gone"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

PURGED = "ck_tile_sets_purged_out_of_the_trash"


def upgrade() -> None:
    with op.batch_alter_table("tile_sets") as table:
        table.add_column(sa.Column("purged_at", sa.DateTime(timezone=True), nullable=True))
        table.create_check_constraint(op.f(PURGED), "purged_at IS NULL OR deleted_at IS NOT NULL")
    # What was deleted before has lost its blobs.
    op.execute("UPDATE tile_sets SET purged_at = deleted_at")
    op.create_table(
        "removed_tiles",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tile_set_id", sa.Uuid(), nullable=False),
        sa.Column("content", sa.String(64), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("since", sa.Integer(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=True),
        sa.Column("stamp", sa.String(80), nullable=True),
        sa.Column("linked", sa.Boolean(), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("NOT linked OR origin IS NOT NULL", name=op.f("ck_removed_tiles_a_link_leads_somewhere")),
        sa.ForeignKeyConstraint(
            ["tile_set_id"], ["tile_sets.id"], name=op.f("fk_removed_tiles_tile_set_id_tile_sets")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_removed_tiles")),
        sa.UniqueConstraint("tile_set_id", "content", name=op.f("uq_removed_tiles_tile_set_id_content")),
    )
    op.create_index(op.f("ix_removed_tiles_removed_at"), "removed_tiles", ["removed_at"])


def downgrade() -> None:
    # The program of before would delete the blobs of what is in the trash. So sets are taken back, and photos too,
    # banned: no mosaic is made of them, and no set changes.
    op.execute("UPDATE tile_sets SET deleted_at = NULL WHERE purged_at IS NULL")
    op.execute(
        "UPDATE exclusions SET reason = 'banned' WHERE reason = 'removed' AND until IS NULL AND EXISTS "
        "(SELECT 1 FROM removed_tiles WHERE removed_tiles.tile_set_id = exclusions.tile_set_id "
        "AND removed_tiles.content = exclusions.content)"
    )
    op.execute(
        "INSERT INTO tiles (tile_set_id, content, name, since, origin, stamp, linked) "
        "SELECT tile_set_id, content, name, since, origin, stamp, linked FROM removed_tiles WHERE NOT EXISTS "
        "(SELECT 1 FROM tiles WHERE tiles.tile_set_id = removed_tiles.tile_set_id "
        "AND tiles.content = removed_tiles.content)"
    )
    op.drop_index(op.f("ix_removed_tiles_removed_at"), "removed_tiles")
    op.drop_table("removed_tiles")
    with op.batch_alter_table("tile_sets") as table:
        table.drop_constraint(op.f(PURGED), type_="check")
        table.drop_column("purged_at")
