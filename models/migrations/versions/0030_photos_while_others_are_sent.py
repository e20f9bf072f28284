"""the hash of a file that waits to be indexed, and zips among what is sent"""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("sources") as table:
        table.add_column(sa.Column("content", sa.String(64), nullable=True))
    with op.batch_alter_table("uploads") as table:
        table.add_column(sa.Column("is_archive", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    # The version before would take them for photos.
    op.execute("DELETE FROM uploads WHERE is_archive")
    with op.batch_alter_table("uploads") as table:
        table.drop_column("is_archive")
    with op.batch_alter_table("sources") as table:
        table.drop_column("content")
