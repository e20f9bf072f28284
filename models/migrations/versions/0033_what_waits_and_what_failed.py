"""what waits in a lane, and what failed of late"""

from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(op.f("ix_jobs_state_lane_queued_at"), "jobs", ["state", "lane", "queued_at"])
    op.create_index(op.f("ix_jobs_state_finished_at"), "jobs", ["state", "finished_at"])


def downgrade() -> None:
    op.drop_index(op.f("ix_jobs_state_finished_at"), "jobs")
    op.drop_index(op.f("ix_jobs_state_lane_queued_at"), "jobs")
