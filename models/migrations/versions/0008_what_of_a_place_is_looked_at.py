"""what of a place is looked at, and how much was passed over"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

NEW = {
    "sources": [("exclude", sa.Text(), ""), ("follow_links", sa.Boolean(), sa.false())],
    "tile_sets": [("passed_over", sa.Integer(), "0"), ("passed_links", sa.Integer(), "0")],
}


def upgrade() -> None:
    for name, columns in NEW.items():
        with op.batch_alter_table(name) as table:
            for column, kind, value in columns:
                table.add_column(sa.Column(column, kind, nullable=False, server_default=value))
        with op.batch_alter_table(name) as table:
            for column, _, _ in columns:
                table.alter_column(column, server_default=None)


def downgrade() -> None:
    for name, columns in NEW.items():
        with op.batch_alter_table(name) as table:
            for column, _, _ in columns:
                table.drop_column(column)
