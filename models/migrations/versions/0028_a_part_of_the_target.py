"""which part of a target a mosaic is made of"""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

STARTS, SHARES = ("crop_left", "crop_top"), ("crop_width", "crop_height")


def upgrade() -> None:
    with op.batch_alter_table("mosaics") as table:
        for column in STARTS:
            table.add_column(sa.Column(column, sa.Double(), nullable=False, server_default="0"))
        for column in SHARES:
            table.add_column(sa.Column(column, sa.Double(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("mosaics") as table:
        for column in (*STARTS, *SHARES):
            table.drop_column(column)
