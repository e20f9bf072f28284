"""crops, the view from afar, spread and least uses"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    crops = sa.Enum("none", "slide", "zoom", name="crops", native_enum=False, create_constraint=True, length=20)
    with op.batch_alter_table("mosaics") as table:
        # What was made before was made of the middle of each photo, cell by cell, wherever equal photos lay.
        table.add_column(sa.Column("crops", crops, nullable=False, server_default="none"))
        table.add_column(sa.Column("keep", sa.Double(), nullable=False, server_default="0.64"))
        table.add_column(sa.Column("far", sa.Double(), nullable=False, server_default="0"))
        table.add_column(sa.Column("min_uses", sa.Integer(), nullable=True))
        table.add_column(sa.Column("spread", sa.Double(), nullable=False, server_default="0"))
        table.add_column(sa.Column("adapt", sa.Double(), nullable=False, server_default="0"))


def downgrade() -> None:
    with op.batch_alter_table("mosaics") as table:
        table.drop_constraint(op.f("ck_mosaics_crops"), type_="check")
        for column in ("adapt", "spread", "min_uses", "far", "keep", "crops"):
            table.drop_column(column)
