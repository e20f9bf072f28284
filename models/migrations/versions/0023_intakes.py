"""files that are being sent"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "intakes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tile_set_id", sa.Uuid(), nullable=False),
        sa.Column("adds", sa.Boolean(), nullable=False),
        sa.Column("file_count", sa.Integer(), nullable=False),
        sa.Column("byte_count", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("left_out", sa.Integer(), nullable=True),
        sa.CheckConstraint("file_count >= 0", name=op.f("ck_intakes_file_count_not_negative")),
        sa.CheckConstraint("byte_count >= 0", name=op.f("ck_intakes_byte_count_not_negative")),
        sa.CheckConstraint(
            "left_out IS NULL OR ended_at IS NOT NULL", name=op.f("ck_intakes_what_is_finished_has_an_end")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_intakes")),
    )
    op.create_index(op.f("ix_intakes_ended_at_expires_at"), "intakes", ["ended_at", "expires_at"])
    op.create_index(op.f("ix_intakes_tile_set_id"), "intakes", ["tile_set_id"])
    op.create_table(
        "uploads",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("intake_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("length_bytes", sa.BigInteger(), nullable=False),
        sa.Column("received_bytes", sa.BigInteger(), nullable=False),
        sa.Column("claimed", sa.String(length=64), nullable=True),
        sa.Column("parts", sa.JSON(), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=True),
        sa.Column("content", sa.String(length=64), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "received_bytes >= 0 AND received_bytes <= length_bytes",
            name=op.f("ck_uploads_received_is_of_the_length"),
        ),
        sa.CheckConstraint("(key IS NULL) = (content IS NULL)", name=op.f("ck_uploads_a_finished_upload_has_a_hash")),
        sa.CheckConstraint(
            "key IS NULL OR received_bytes = length_bytes", name=op.f("ck_uploads_a_finished_upload_is_whole")
        ),
        sa.ForeignKeyConstraint(["intake_id"], ["intakes.id"], name=op.f("fk_uploads_intake_id_intakes")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_uploads")),
    )
    op.create_index(op.f("ix_uploads_intake_id_content"), "uploads", ["intake_id", "content"])


def downgrade() -> None:
    op.drop_table("uploads")
    op.drop_table("intakes")
