"""pyramidal TIFF"""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

BEFORE = "format IN ('png', 'jpeg', 'webp', 'avif', 'tiff', 'pyramid', 'pdf'"


def upgrade() -> None:
    _check_formats(f"{BEFORE}, 'pyramid-tiff')")


def downgrade() -> None:
    # The version before calls a mosaic's own file of this kind a TIFF, which it is; of other files one is enough.
    op.execute(
        "DELETE FROM renditions WHERE job_id NOT IN (SELECT job_id FROM mosaics) AND (format = 'pyramid-tiff' OR "
        "format = 'tiff' AND EXISTS (SELECT 1 FROM mosaics WHERE mosaics.id = renditions.mosaic_id "
        "AND mosaics.format = 'pyramid-tiff' AND mosaics.dpi = renditions.dpi))"
    )
    op.execute("UPDATE mosaics SET format = 'tiff' WHERE format = 'pyramid-tiff'")
    op.execute("UPDATE renditions SET format = 'tiff' WHERE format = 'pyramid-tiff'")
    _check_formats(f"{BEFORE})")


def _check_formats(check: str) -> None:
    for name in ("mosaics", "renditions"):
        with op.batch_alter_table(name) as table:
            table.drop_constraint(op.f(f"ck_{name}_format"), type_="check")
            table.create_check_constraint(op.f(f"ck_{name}_format"), check)
