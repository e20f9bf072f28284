"""more formats, their quality, and dots per inch"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

FORMAT = "ck_mosaics_format"


def upgrade() -> None:
    with op.batch_alter_table("mosaics") as table:
        table.drop_constraint(op.f(FORMAT), type_="check")
        table.create_check_constraint(op.f(FORMAT), "format IN ('png', 'jpeg', 'webp', 'avif', 'tiff')")
        table.add_column(sa.Column("file_quality", sa.Integer(), nullable=True))
        table.add_column(sa.Column("dpi", sa.Integer(), nullable=False, server_default="300"))


def downgrade() -> None:
    # The version before has no name for the others; of these a download then says PNG, which is not so.
    op.execute("UPDATE mosaics SET format = 'png' WHERE format NOT IN ('png', 'jpeg')")
    with op.batch_alter_table("mosaics") as table:
        table.drop_column("dpi")
        table.drop_column("file_quality")
        table.drop_constraint(op.f(FORMAT), type_="check")
        table.create_check_constraint(op.f(FORMAT), "format IN ('png', 'jpeg')")
