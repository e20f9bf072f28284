"""versions, parts and tiles of tile sets"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def _words(name: str, *words: str) -> sa.Enum:
    return sa.Enum(*words, name=name, native_enum=False, create_constraint=True, length=20)


def _of_a_tile_set(table: str) -> tuple[sa.Column, sa.Column, sa.ForeignKeyConstraint, sa.PrimaryKeyConstraint]:
    return (
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tile_set_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["tile_set_id"], ["tile_sets.id"], name=op.f(f"fk_{table}_tile_set_id_tile_sets")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )


def upgrade() -> None:
    # Sets that were indexed before have no version: the old indexes cannot be read, and the photos are sent again.
    with op.batch_alter_table("tile_sets") as table:
        table.add_column(sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True))
        table.add_column(sa.Column("dedupe", sa.Boolean(), nullable=False, server_default=sa.false()))
        table.add_column(sa.Column("keep_originals", sa.Boolean(), nullable=False, server_default=sa.false()))
        table.add_column(sa.Column("version", sa.Integer(), nullable=True))
        table.drop_column("index_key")
        table.drop_column("tile_count")
    op.execute("UPDATE tile_sets SET skipped_count = 0 WHERE skipped_count IS NULL")
    with op.batch_alter_table("tile_sets") as table:
        table.alter_column("skipped_count", existing_type=sa.Integer(), nullable=False)
    for name in ("mosaics", "batches"):
        with op.batch_alter_table(name) as table:
            table.add_column(sa.Column("tile_set_version", sa.Integer(), nullable=False, server_default="1"))
    op.create_table(
        "versions",
        *_of_a_tile_set("versions"),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("change", sa.String(300), nullable=False),
        sa.Column("index_key", sa.String(200), nullable=False),
        sa.Column("plot_key", sa.String(200), nullable=True),
        sa.Column("palette_key", sa.String(200), nullable=True),
        sa.Column("tile_count", sa.Integer(), nullable=False),
        sa.UniqueConstraint("tile_set_id", "number", name=op.f("uq_versions_tile_set_id_number")),
    )
    op.create_table(
        "tiles",
        *_of_a_tile_set("tiles"),
        sa.Column("content", sa.String(64), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("since", sa.Integer(), nullable=True),
        sa.Column("until", sa.Integer(), nullable=True),
        sa.Column("origin", sa.Text(), nullable=True),
        sa.Column("stamp", sa.String(80), nullable=True),
        sa.Column("linked", sa.Boolean(), nullable=False),
        sa.CheckConstraint("NOT linked OR origin IS NOT NULL", name=op.f("ck_tiles_a_link_leads_somewhere")),
        sa.UniqueConstraint("tile_set_id", "content", name=op.f("uq_tiles_tile_set_id_content")),
    )
    op.create_table(
        "exclusions",
        *_of_a_tile_set("exclusions"),
        sa.Column("content", sa.String(64), nullable=False),
        sa.Column("reason", _words("reason", "banned", "removed"), nullable=False),
        sa.Column("link", sa.Text(), nullable=True),
        sa.Column("since", sa.Integer(), nullable=False),
        sa.Column("until", sa.Integer(), nullable=True),
    )
    op.create_index(op.f("ix_exclusions_tile_set_id"), "exclusions", ["tile_set_id"])
    op.create_table(
        "sources",
        *_of_a_tile_set("sources"),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", _words("kind", "photo", "archive", "place"), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("linked", sa.Boolean(), nullable=False),
        sa.Column("planned", sa.Boolean(), nullable=False),
        sa.UniqueConstraint("tile_set_id", "number", name=op.f("uq_sources_tile_set_id_number")),
    )
    op.execute(
        "INSERT INTO sources (tile_set_id, number, kind, name, address, linked, planned) "
        "SELECT tile_set_id, number, CASE WHEN is_archive THEN 'archive' ELSE 'photo' END, name, key, "
        "false, false FROM uploads"
    )
    op.drop_table("uploads")
    op.create_table(
        "parts",
        *_of_a_tile_set("parts"),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", _words("state", "open", "taken", "done"), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("lease_token", sa.String(32), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("photo_count", sa.Integer(), nullable=False),
        sa.Column("done_count", sa.Integer(), nullable=False),
        sa.Column("listing_key", sa.String(200), nullable=False),
        sa.Column("index_key", sa.String(200), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("attempt >= 0", name=op.f("ck_parts_attempt_not_negative")),
        sa.CheckConstraint("done_count >= 0 AND done_count <= photo_count", name=op.f("ck_parts_done_is_of_photos")),
        sa.CheckConstraint(
            "(state = 'taken') = (lease_token IS NOT NULL)", name=op.f("ck_parts_a_lease_while_taken")
        ),
        sa.CheckConstraint("(state = 'taken') = (lease_until IS NOT NULL)", name=op.f("ck_parts_a_lease_ends")),
        sa.CheckConstraint(
            "(state = 'done') = (ended_at IS NOT NULL)", name=op.f("ck_parts_what_is_done_has_an_end")
        ),
        sa.UniqueConstraint("tile_set_id", "number", name=op.f("uq_parts_tile_set_id_number")),
    )


def downgrade() -> None:
    op.create_table(
        "uploads",
        *_of_a_tile_set("uploads"),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("is_archive", sa.Boolean(), nullable=False),
        sa.UniqueConstraint("tile_set_id", "number", name=op.f("uq_uploads_tile_set_id_number")),
    )
    op.execute(
        "INSERT INTO uploads (tile_set_id, number, name, key, is_archive) "
        "SELECT tile_set_id, number, name, address, kind = 'archive' FROM sources WHERE kind <> 'place'"
    )
    for name in ("parts", "sources", "exclusions", "tiles", "versions"):
        op.drop_table(name)
    for name in ("mosaics", "batches"):
        with op.batch_alter_table(name) as table:
            table.drop_column("tile_set_version")
    with op.batch_alter_table("tile_sets") as table:
        for name in ("version", "keep_originals", "dedupe", "deleted_at"):
            table.drop_column(name)
        table.add_column(sa.Column("index_key", sa.String(200), nullable=True))
        table.add_column(sa.Column("tile_count", sa.Integer(), nullable=True))
        table.alter_column("skipped_count", existing_type=sa.Integer(), nullable=True)
