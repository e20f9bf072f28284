"""size, colour and use of each photo, and what a tile set lacks"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

TABLES = ("tiles", "removed_tiles")
COLUMNS = {"width": sa.Integer, "height": sa.Integer, "lightness": sa.Double, "colour": sa.Double}


def upgrade() -> None:
    for name in TABLES:
        with op.batch_alter_table(name) as table:
            for column, kind in COLUMNS.items():
                table.add_column(sa.Column(column, kind(), nullable=True))
            table.add_column(sa.Column("uses", sa.BigInteger(), nullable=False, server_default="0"))
    with op.batch_alter_table("versions") as table:
        table.add_column(sa.Column("lacks", sa.JSON(none_as_null=True), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("versions") as table:
        table.drop_column("lacks")
    for name in TABLES:
        with op.batch_alter_table(name) as table:
            for column in (*COLUMNS, "uses"):
                table.drop_column(column)
