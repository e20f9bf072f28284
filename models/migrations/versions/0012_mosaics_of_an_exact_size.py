"""mosaics of an exact size"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("mosaics") as table:
        table.add_column(sa.Column("mosaic_width", sa.Integer(), nullable=True))
        table.add_column(sa.Column("mosaic_height", sa.Integer(), nullable=True))
        table.create_check_constraint(
            op.f("ck_mosaics_size_has_two_sides"), "(mosaic_width IS NULL) = (mosaic_height IS NULL)"
        )


def downgrade() -> None:
    with op.batch_alter_table("mosaics") as table:
        table.drop_constraint(op.f("ck_mosaics_size_has_two_sides"), type_="check")
        table.drop_column("mosaic_height")
        table.drop_column("mosaic_width")
