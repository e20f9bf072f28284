"""hexagons"""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _may_be("'rectangle', 'brick', 'hexagon'")


def downgrade() -> None:
    op.execute("UPDATE mosaics SET shape = 'brick' WHERE shape = 'hexagon'")
    _may_be("'rectangle', 'brick'")


def _may_be(shapes: str) -> None:
    with op.batch_alter_table("mosaics") as table:
        table.drop_constraint(op.f("ck_mosaics_shape"), type_="check")
        table.create_check_constraint(op.f("ck_mosaics_shape"), f"shape IN ({shapes})")
