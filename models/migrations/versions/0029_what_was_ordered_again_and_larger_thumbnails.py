"""from which mosaic another was ordered again, and larger thumbnails"""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("mosaics") as table:
        table.add_column(sa.Column("again_id", sa.Uuid(), nullable=True))
        table.add_column(sa.Column("large_thumbnail_key", sa.String(200), nullable=True))
        table.create_foreign_key(op.f("fk_mosaics_again_id_mosaics"), "mosaics", ["again_id"], ["id"])
    op.create_index(op.f("ix_mosaics_again_id"), "mosaics", ["again_id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_mosaics_again_id"), "mosaics")
    with op.batch_alter_table("mosaics") as table:
        table.drop_constraint(op.f("fk_mosaics_again_id_mosaics"), type_="foreignkey")
        table.drop_column("large_thumbnail_key")
        table.drop_column("again_id")
