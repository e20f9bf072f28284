"""shapes of cells"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("mosaics") as table:
        table.add_column(sa.Column("shape", sa.String(length=20), nullable=False, server_default="rectangle"))
        table.create_check_constraint(op.f("ck_mosaics_shape"), "shape IN ('rectangle', 'brick')")


def downgrade() -> None:
    with op.batch_alter_table("mosaics") as table:
        table.drop_constraint(op.f("ck_mosaics_shape"), type_="check")
        table.drop_column("shape")
