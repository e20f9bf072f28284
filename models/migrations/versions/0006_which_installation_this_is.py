"""the database says which installation it is, and what was last found in its store"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    installation = op.create_table(
        "installation",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("identity", sa.Uuid(), nullable=True),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("blob_count", sa.BigInteger(), nullable=False),
        sa.Column("withheld_count", sa.BigInteger(), nullable=False),
        sa.Column("trash_count", sa.BigInteger(), nullable=False),
        sa.Column("trash_bytes", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("number = 1", name=op.f("ck_installation_there_is_one")),
        sa.CheckConstraint("generation >= 0", name=op.f("ck_installation_generation_not_negative")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_installation")),
    )
    # The identity is drawn by the first process that needs it: databases made from one template must differ.
    counts = {"generation": 0, "blob_count": 0, "withheld_count": 0, "trash_count": 0, "trash_bytes": 0}
    op.bulk_insert(installation, [{"number": 1} | counts])


def downgrade() -> None:
    op.drop_table("installation")
