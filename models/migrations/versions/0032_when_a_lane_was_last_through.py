"""when each lane was last through with a job"""

from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(op.f("ix_jobs_lane_finished_at"), "jobs", ["lane", "finished_at"])


def downgrade() -> None:
    op.drop_index(op.f("ix_jobs_lane_finished_at"), "jobs")
