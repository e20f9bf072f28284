"""thumbnails of mosaics"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("mosaics", sa.Column("thumbnail_key", sa.String(length=200), nullable=True))


def downgrade() -> None:
    op.drop_column("mosaics", "thumbnail_key")
