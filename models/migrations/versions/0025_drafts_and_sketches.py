"""drafts of orders, and their sketches"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

KIND = "ck_jobs_kind"
KINDS = "'tessera.index', 'tessera.render', 'tessera.rendition'"


def upgrade() -> None:
    _change_kinds(f"{KINDS}, 'tessera.sketch'")
    op.create_table(
        "drafts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("target_name", sa.String(200), nullable=False),
        sa.Column("target_key", sa.String(200), nullable=False),
        sa.Column("target_entry", sa.Integer(), nullable=True),
        sa.Column("byte_count", sa.BigInteger(), nullable=True),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.Column("sideways", sa.Boolean(), nullable=False),
        sa.Column("mask", sa.String(200), nullable=True),
        sa.Column("mask_name", sa.String(200), nullable=True),
        sa.Column("small_key", sa.String(200), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_drafts")),
    )
    op.create_index(op.f("ix_drafts_expires_at"), "drafts", ["expires_at"])
    op.create_table(
        "sketches",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("draft_id", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tile_set_id", sa.Uuid(), nullable=False),
        sa.Column("tile_set_version", sa.Integer(), nullable=False),
        sa.Column("look", sa.String(20), nullable=False),
        sa.Column("order", sa.JSON(), nullable=False),
        sa.Column("key", sa.String(200), nullable=True),
        sa.Column("columns", sa.Integer(), nullable=True),
        sa.Column("rows", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["draft_id"], ["drafts.id"], name=op.f("fk_sketches_draft_id_drafts")),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_sketches_job_id_jobs")),
        sa.ForeignKeyConstraint(["tile_set_id"], ["tile_sets.id"], name=op.f("fk_sketches_tile_set_id_tile_sets")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sketches")),
        sa.UniqueConstraint("job_id", name=op.f("uq_sketches_job_id")),
    )
    op.create_index(op.f("ix_sketches_draft_id"), "sketches", ["draft_id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_sketches_draft_id"), "sketches")
    op.drop_table("sketches")
    op.drop_index(op.f("ix_drafts_expires_at"), "drafts")
    op.drop_table("drafts")
    # The version before cannot do these jobs.
    mine = "job_id IN (SELECT id FROM jobs WHERE kind = 'tessera.sketch')"
    op.execute(f"DELETE FROM phases WHERE attempt_id IN (SELECT id FROM attempts WHERE {mine})")  # noqa: S608 - ours
    op.execute(f"DELETE FROM attempts WHERE {mine}")  # noqa: S608 - ours
    op.execute("DELETE FROM jobs WHERE kind = 'tessera.sketch'")
    _change_kinds(KINDS)


def _change_kinds(kinds: str) -> None:
    with op.batch_alter_table("jobs") as table:
        table.drop_constraint(op.f(KIND), type_="check")
        table.create_check_constraint(op.f(KIND), f"kind IN ({kinds})")
