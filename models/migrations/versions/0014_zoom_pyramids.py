"""zoom pyramids"""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

BEFORE = "format IN ('png', 'jpeg', 'webp', 'avif', 'tiff'"


def upgrade() -> None:
    _check_formats(f"{BEFORE}, 'pyramid')")


def downgrade() -> None:
    # The version before has no name for them: a mosaic's own file is then called a TIFF, which is not so.
    mine = "SELECT job_id FROM mosaics"
    op.execute(f"DELETE FROM renditions WHERE format = 'pyramid' AND job_id NOT IN ({mine})")  # noqa: S608 - ours
    op.execute("UPDATE mosaics SET format = 'tiff', file_quality = NULL WHERE format = 'pyramid'")
    op.execute("UPDATE renditions SET format = 'tiff' WHERE format = 'pyramid'")
    _check_formats(f"{BEFORE})")


def _check_formats(check: str) -> None:
    for name in ("mosaics", "renditions"):
        with op.batch_alter_table(name) as table:
            table.drop_constraint(op.f(f"ck_{name}_format"), type_="check")
            table.create_check_constraint(op.f(f"ck_{name}_format"), check)
