"""attempts, and where jobs came from"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ENDS = ("succeeded", "failed", "cancelled", "expired", "given back")


def upgrade() -> None:
    with op.batch_alter_table("jobs") as table:
        table.add_column(sa.Column("given_back", sa.Integer(), nullable=False, server_default="0"))
        table.add_column(sa.Column("request_id", sa.String(64), nullable=True))
        table.add_column(sa.Column("failed_rings", sa.Integer(), nullable=False, server_default="0"))
        table.create_check_constraint(
            op.f("ck_jobs_given_back_is_of_attempts"), "given_back >= 0 AND given_back <= attempt"
        )
        table.create_check_constraint(
            op.f("ck_jobs_running_has_begun"), "state <> 'running' OR started_at IS NOT NULL"
        )
    op.create_table(
        "attempts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("waited_seconds", sa.Double(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "outcome",
            sa.Enum(*ENDS, name="outcome", native_enum=False, create_constraint=True, length=20),
            nullable=True,
        ),
        sa.CheckConstraint(
            "(outcome IS NULL) = (ended_at IS NULL)", name=op.f("ck_attempts_an_outcome_with_the_end")
        ),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_attempts_job_id_jobs")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempts")),
        sa.UniqueConstraint("job_id", "number", name=op.f("uq_attempts_job_id_number")),
    )
    op.create_table(
        "phases",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("attempt_id", sa.Integer(), nullable=False),
        sa.Column("phase", sa.String(40), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["attempt_id"], ["attempts.id"], name=op.f("fk_phases_attempt_id_attempts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_phases")),
        sa.UniqueConstraint("attempt_id", "phase", name=op.f("uq_phases_attempt_id_phase")),
    )


def downgrade() -> None:
    op.drop_table("phases")
    op.drop_table("attempts")
    with op.batch_alter_table("jobs") as table:
        table.drop_constraint(op.f("ck_jobs_running_has_begun"), type_="check")
        table.drop_constraint(op.f("ck_jobs_given_back_is_of_attempts"), type_="check")
        for column in ("failed_rings", "request_id", "given_back"):
            table.drop_column(column)
