"""losses, rules and quality"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

LOSSES = (
    "balanced", "mean-rgb", "mean-rgb-manhattan", "mean-rgb-luma", "mean-rgb-luma-squared", "mean-lab", "mean-oklab",
    "ciede2000", "grid-rgb", "grid-oklab", "pixels",
)  # fmt: skip


def upgrade() -> None:
    loss = sa.Enum(*LOSSES, name="loss", native_enum=False, create_constraint=True, length=30)
    no = sa.false()
    with op.batch_alter_table("mosaics") as table:
        # What was made before was made by the mean colour, without rules.
        table.add_column(sa.Column("loss", loss, nullable=False, server_default="mean-rgb"))
        table.add_column(sa.Column("subcells", sa.Integer(), nullable=True))
        table.add_column(sa.Column("detail", sa.Double(), nullable=True))
        table.add_column(sa.Column("flips", sa.Boolean(), nullable=False, server_default=no))
        table.add_column(sa.Column("turns", sa.Boolean(), nullable=False, server_default=no))
        table.add_column(sa.Column("max_uses", sa.Integer(), nullable=True))
        table.add_column(sa.Column("no_repeats", sa.Boolean(), nullable=False, server_default=no))
        table.add_column(sa.Column("min_distance", sa.Double(), nullable=False, server_default="0"))
        table.add_column(sa.Column("tint", sa.Double(), nullable=False, server_default="0"))
        table.add_column(sa.Column("blend", sa.Double(), nullable=False, server_default="0"))
        table.add_column(sa.Column("quality", sa.JSON(none_as_null=True), nullable=True))


def downgrade() -> None:
    columns = (
        "quality", "blend", "tint", "min_distance", "no_repeats", "max_uses", "turns", "flips", "detail", "subcells",
        "loss",
    )  # fmt: skip
    with op.batch_alter_table("mosaics") as table:
        table.drop_constraint(op.f("ck_mosaics_loss"), type_="check")
        for column in columns:
            table.drop_column(column)
