"""what a page of unfinished work shows"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("jobs") as table:
        table.add_column(sa.Column("phase_at", sa.DateTime(timezone=True), nullable=True))
        table.add_column(sa.Column("done_count", sa.Integer(), nullable=True))
        table.add_column(sa.Column("total_count", sa.Integer(), nullable=True))
        table.add_column(sa.Column("partial_key", sa.String(length=200), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("jobs") as table:
        for column in ("partial_key", "total_count", "done_count", "phase_at"):
            table.drop_column(column)
