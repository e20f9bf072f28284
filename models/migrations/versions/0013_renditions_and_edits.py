"""renditions of mosaics, kept placements, and edits"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

KIND = "ck_jobs_kind"
FORMATS = ("png", "jpeg", "webp", "avif", "tiff")


def upgrade() -> None:
    _change_kinds("'tessera.index', 'tessera.render', 'tessera.rendition'")
    op.create_table(
        "renditions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("mosaic_id", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column(
            "format",
            sa.Enum(*FORMATS, name="format", native_enum=False, create_constraint=True, length=20),
            nullable=False,
        ),
        sa.Column("file_quality", sa.Integer(), nullable=False),
        sa.Column("dpi", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("key", sa.String(200), nullable=True),
        sa.Column("sha256", sa.String(64), nullable=True),
        sa.Column("byte_count", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "file_quality >= 0 AND file_quality <= 100", name=op.f("ck_renditions_file_quality_to_a_hundred")
        ),
        sa.CheckConstraint("(key IS NULL) = (byte_count IS NULL)", name=op.f("ck_renditions_a_file_has_a_size")),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_renditions_job_id_jobs")),
        sa.ForeignKeyConstraint(["mosaic_id"], ["mosaics.id"], name=op.f("fk_renditions_mosaic_id_mosaics")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_renditions")),
        sa.UniqueConstraint("job_id", name=op.f("uq_renditions_job_id")),
        sa.UniqueConstraint(
            "mosaic_id", "format", "file_quality", "dpi", name=op.f("uq_renditions_mosaic_id_format_file_quality_dpi")
        ),
    )
    # The picture that there is, or is to be, is the first rendition. Both ids are of tables of their own.
    op.execute(
        "INSERT INTO renditions "
        "(id, mosaic_id, job_id, format, file_quality, dpi, created_at, key, sha256, byte_count) "
        "SELECT id, id, job_id, format, "
        "COALESCE(file_quality, CASE format WHEN 'jpeg' THEN 90 WHEN 'webp' THEN 90 WHEN 'avif' THEN 80 ELSE 0 END), "
        "dpi, created_at, picture_key, picture_sha256, picture_bytes FROM mosaics"
    )
    with op.batch_alter_table("mosaics") as table:
        table.add_column(sa.Column("placement_key", sa.String(200), nullable=True))
        table.add_column(sa.Column("parent_id", sa.Uuid(), nullable=True))
        table.add_column(sa.Column("changes", sa.JSON(), nullable=True))
        table.create_foreign_key(op.f("fk_mosaics_parent_id_mosaics"), "mosaics", ["parent_id"], ["id"])
        table.create_check_constraint(
            op.f("ck_mosaics_an_edit_has_a_parent"), "(parent_id IS NULL) = (changes IS NULL)"
        )
        for column in ("picture_key", "picture_sha256", "picture_bytes"):
            table.drop_column(column)


def downgrade() -> None:
    with op.batch_alter_table("mosaics") as table:
        table.drop_constraint(op.f("ck_mosaics_an_edit_has_a_parent"), type_="check")
        table.drop_constraint(op.f("fk_mosaics_parent_id_mosaics"), type_="foreignkey")
        for column in ("changes", "parent_id", "placement_key"):
            table.drop_column(column)
        table.add_column(sa.Column("picture_key", sa.String(200), nullable=True))
        table.add_column(sa.Column("picture_sha256", sa.String(64), nullable=True))
        table.add_column(sa.Column("picture_bytes", sa.BigInteger(), nullable=True))
    first = "FROM renditions WHERE renditions.job_id = mosaics.job_id"
    op.execute(
        f"UPDATE mosaics SET picture_key = (SELECT key {first}), picture_sha256 = (SELECT sha256 {first}), "  # noqa: S608 - ours
        f"picture_bytes = (SELECT byte_count {first})"
    )
    op.drop_table("renditions")
    # The version before cannot do these jobs, nor show what came of them.
    mine = "job_id IN (SELECT id FROM jobs WHERE kind = 'tessera.rendition')"
    op.execute(f"DELETE FROM phases WHERE attempt_id IN (SELECT id FROM attempts WHERE {mine})")  # noqa: S608 - ours
    op.execute(f"DELETE FROM attempts WHERE {mine}")  # noqa: S608 - ours
    op.execute("DELETE FROM jobs WHERE kind = 'tessera.rendition'")
    _change_kinds("'tessera.index', 'tessera.render'")


def _change_kinds(kinds: str) -> None:
    with op.batch_alter_table("jobs") as table:
        table.drop_constraint(op.f(KIND), type_="check")
        table.create_check_constraint(op.f(KIND), f"kind IN ({kinds})")
