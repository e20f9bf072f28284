"""targets in small, links that share, and the nearest photos of cells"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

KIND = "ck_jobs_kind"
BEFORE = "'tessera.index', 'tessera.render', 'tessera.rendition', 'tessera.sketch'"


def upgrade() -> None:
    _change_kinds(f"{BEFORE}, 'tessera.candidates'")
    op.create_table(
        "candidates",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("mosaic_id", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("cell_column", sa.Integer(), nullable=False),
        sa.Column("cell_row", sa.Integer(), nullable=False),
        sa.Column("photos", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_candidates_job_id_jobs")),
        sa.ForeignKeyConstraint(
            ["mosaic_id"], ["mosaics.id"], name=op.f("fk_candidates_mosaic_id_mosaics"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_candidates")),
        sa.UniqueConstraint("job_id", name=op.f("uq_candidates_job_id")),
        sa.UniqueConstraint(
            "mosaic_id", "cell_column", "cell_row", name=op.f("uq_candidates_mosaic_id_cell_column_cell_row")
        ),
    )
    with op.batch_alter_table("mosaics") as table:
        table.add_column(sa.Column("target_preview_key", sa.String(200), nullable=True))
        table.add_column(sa.Column("share_series", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    with op.batch_alter_table("mosaics") as table:
        table.drop_column("share_series")
        table.drop_column("target_preview_key")
    op.drop_table("candidates")
    # The version before cannot do these jobs.
    mine = "job_id IN (SELECT id FROM jobs WHERE kind = 'tessera.candidates')"
    op.execute(f"DELETE FROM phases WHERE attempt_id IN (SELECT id FROM attempts WHERE {mine})")  # noqa: S608 - ours
    op.execute(f"DELETE FROM attempts WHERE {mine}")  # noqa: S608 - ours
    op.execute("DELETE FROM jobs WHERE kind = 'tessera.candidates'")
    _change_kinds(BEFORE)


def _change_kinds(kinds: str) -> None:
    with op.batch_alter_table("jobs") as table:
        table.drop_constraint(op.f(KIND), type_="check")
        table.create_check_constraint(op.f(KIND), f"kind IN ({kinds})")
