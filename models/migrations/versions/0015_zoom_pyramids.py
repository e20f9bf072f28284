"""zoom pyramids"""

from alembic import op

revision = "0015"
down_revision = "0012"
branch_labels = None
depends_on = None

FORMAT = "ck_mosaics_format"
BEFORE = "format IN ('png', 'jpeg', 'webp', 'avif', 'tiff'"


def upgrade() -> None:
    with op.batch_alter_table("mosaics") as table:
        table.drop_constraint(op.f(FORMAT), type_="check")
        table.create_check_constraint(op.f(FORMAT), f"{BEFORE}, 'pyramid')")


def downgrade() -> None:
    # The version before has no name for it; a download then says TIFF, which is not so.
    op.execute("UPDATE mosaics SET format = 'tiff' WHERE format = 'pyramid'")
    with op.batch_alter_table("mosaics") as table:
        table.drop_constraint(op.f(FORMAT), type_="check")
        table.create_check_constraint(op.f(FORMAT), f"{BEFORE})")
