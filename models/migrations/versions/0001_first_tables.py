"""first tables"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:

    op.create_table(
        "jobs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "tessera.index", "tessera.render", name="kind", native_enum=False, create_constraint=True, length=20
            ),
            nullable=False,
        ),
        sa.Column(
            "lane",
            sa.Enum(
                "interactive", "indexing", "bulk", name="lane", native_enum=False, create_constraint=True, length=20
            ),
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum(
                "queued",
                "running",
                "succeeded",
                "failed",
                "cancelled",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("lease_token", sa.String(length=32), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("phase", sa.String(length=40), nullable=False),
        sa.Column("progress", sa.Double(), nullable=False),
        sa.Column("error_code", sa.String(length=40), nullable=True),
        sa.Column("error_sentence", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ring_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state = 'failed') = (error_code IS NOT NULL)", name=op.f("ck_jobs_a_failure_has_a_code")
        ),
        sa.CheckConstraint(
            "(state = 'running') = (lease_token IS NOT NULL)", name=op.f("ck_jobs_a_lease_while_running")
        ),
        sa.CheckConstraint("(state = 'running') = (lease_until IS NOT NULL)", name=op.f("ck_jobs_a_lease_ends")),
        sa.CheckConstraint(
            "(state IN ('queued', 'running')) = (finished_at IS NULL)", name=op.f("ck_jobs_final_states_have_an_end")
        ),
        sa.CheckConstraint("attempt >= 0", name=op.f("ck_jobs_attempt_not_negative")),
        sa.CheckConstraint("progress >= 0 AND progress <= 1", name=op.f("ck_jobs_progress_is_a_share")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
    )
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_jobs_state_lease_until"), ["state", "lease_until"], unique=False)
        batch_op.create_index(batch_op.f("ix_jobs_state_ring_at"), ["state", "ring_at"], unique=False)

    op.create_table(
        "tile_sets",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("index_key", sa.String(length=200), nullable=True),
        sa.Column("tile_count", sa.Integer(), nullable=True),
        sa.Column("skipped_count", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_tile_sets_job_id_jobs")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tile_sets")),
        sa.UniqueConstraint("job_id", name=op.f("uq_tile_sets_job_id")),
    )
    with op.batch_alter_table("tile_sets", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_tile_sets_created_at"), ["created_at"], unique=False)

    op.create_table(
        "batches",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("tile_set_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["tile_set_id"], ["tile_sets.id"], name=op.f("fk_batches_tile_set_id_tile_sets")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batches")),
    )
    with op.batch_alter_table("batches", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_batches_created_at"), ["created_at"], unique=False)

    op.create_table(
        "skipped_photos",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tile_set_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tile_set_id"], ["tile_sets.id"], name=op.f("fk_skipped_photos_tile_set_id_tile_sets")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_skipped_photos")),
    )
    with op.batch_alter_table("skipped_photos", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_skipped_photos_tile_set_id"), ["tile_set_id"], unique=False)

    op.create_table(
        "uploads",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tile_set_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("is_archive", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["tile_set_id"], ["tile_sets.id"], name=op.f("fk_uploads_tile_set_id_tile_sets")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_uploads")),
        sa.UniqueConstraint("tile_set_id", "number", name=op.f("uq_uploads_tile_set_id_number")),
    )
    op.create_table(
        "mosaics",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("tile_set_id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=True),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("target_name", sa.String(length=200), nullable=False),
        sa.Column("target_key", sa.String(length=200), nullable=False),
        sa.Column("target_entry", sa.Integer(), nullable=True),
        sa.Column("cells_across", sa.Integer(), nullable=True),
        sa.Column("cell_width", sa.Integer(), nullable=True),
        sa.Column("cell_height", sa.Integer(), nullable=True),
        sa.Column("tile_size", sa.Integer(), nullable=False),
        sa.Column(
            "fit",
            sa.Enum("crop", "resize", name="fit", native_enum=False, create_constraint=True, length=20),
            nullable=False,
        ),
        sa.Column(
            "format",
            sa.Enum("png", "jpeg", name="format", native_enum=False, create_constraint=True, length=20),
            nullable=False,
        ),
        sa.Column("picture_key", sa.String(length=200), nullable=True),
        sa.Column("preview_key", sa.String(length=200), nullable=True),
        sa.Column("picture_sha256", sa.String(length=64), nullable=True),
        sa.Column("picture_bytes", sa.BigInteger(), nullable=True),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.Column("columns", sa.Integer(), nullable=True),
        sa.Column("rows", sa.Integer(), nullable=True),
        sa.Column("distinct_tiles", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "(cell_width IS NULL) = (cell_height IS NULL)", name=op.f("ck_mosaics_cells_have_two_sides")
        ),
        sa.CheckConstraint("(cells_across IS NULL) = (cell_width IS NOT NULL)", name=op.f("ck_mosaics_cut_one_way")),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.id"], name=op.f("fk_mosaics_batch_id_batches")),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_mosaics_job_id_jobs")),
        sa.ForeignKeyConstraint(["tile_set_id"], ["tile_sets.id"], name=op.f("fk_mosaics_tile_set_id_tile_sets")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mosaics")),
        sa.UniqueConstraint("batch_id", "number", name=op.f("uq_mosaics_batch_id_number")),
        sa.UniqueConstraint("job_id", name=op.f("uq_mosaics_job_id")),
    )
    with op.batch_alter_table("mosaics", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_mosaics_created_at"), ["created_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_mosaics_tile_set_id"), ["tile_set_id"], unique=False)


def downgrade() -> None:

    with op.batch_alter_table("mosaics", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_mosaics_tile_set_id"))
        batch_op.drop_index(batch_op.f("ix_mosaics_created_at"))

    op.drop_table("mosaics")
    op.drop_table("uploads")
    with op.batch_alter_table("skipped_photos", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_skipped_photos_tile_set_id"))

    op.drop_table("skipped_photos")
    with op.batch_alter_table("batches", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_batches_created_at"))

    op.drop_table("batches")
    with op.batch_alter_table("tile_sets", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_tile_sets_created_at"))

    op.drop_table("tile_sets")
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_jobs_state_ring_at"))
        batch_op.drop_index(batch_op.f("ix_jobs_state_lease_until"))

    op.drop_table("jobs")
