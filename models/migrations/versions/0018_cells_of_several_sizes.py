"""cells of several sizes"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("mosaics") as table:
        table.add_column(sa.Column("adaptive", sa.Double(), nullable=False, server_default="0"))


def downgrade() -> None:
    with op.batch_alter_table("mosaics") as table:
        table.drop_column("adaptive")
