"""masks of mosaics"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("mosaics", sa.Column("mask", sa.String(200), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("mosaics") as table:
        table.drop_column("mask")
