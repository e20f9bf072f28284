"""mosaics and batches that are deleted go to the trash"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

TABLES = ("mosaics", "batches")
LOOKED_FOR = ("target_key", "mask", "parent_id")
"""By what it is found which mosaics share a blob."""


def upgrade() -> None:
    for name in TABLES:
        with op.batch_alter_table(name) as table:
            table.add_column(sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True))
            table.add_column(sa.Column("purged_at", sa.DateTime(timezone=True), nullable=True))
            table.create_check_constraint(
                op.f(f"ck_{name}_purged_out_of_the_trash"), "purged_at IS NULL OR deleted_at IS NOT NULL"
            )
    for column in LOOKED_FOR:
        op.create_index(op.f(f"ix_mosaics_{column}"), "mosaics", [column])


def downgrade() -> None:
    # The program of before shows what is in the trash as if it had been taken back, and what was purged without its
    # pictures.
    for column in LOOKED_FOR:
        op.drop_index(op.f(f"ix_mosaics_{column}"), "mosaics")
    for name in TABLES:
        with op.batch_alter_table(name) as table:
            table.drop_constraint(op.f(f"ck_{name}_purged_out_of_the_trash"), type_="check")
            table.drop_column("purged_at")
            table.drop_column("deleted_at")
