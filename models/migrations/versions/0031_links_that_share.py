"""links that share mosaics"""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "shared_links",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("mosaic_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["mosaic_id"], ["mosaics.id"], name=op.f("fk_shared_links_mosaic_id_mosaics"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shared_links")),
    )
    op.create_index(op.f("ix_shared_links_mosaic_id"), "shared_links", ["mosaic_id"])


def downgrade() -> None:
    op.drop_table("shared_links")
