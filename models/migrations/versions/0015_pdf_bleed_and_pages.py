"""PDF, bleed and pages"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

BEFORE = "format IN ('png', 'jpeg', 'webp', 'avif', 'tiff', 'pyramid'"
PAGES = "ck_mosaics_pages"
SHEETS = (
    "'a0', 'a1', 'a2', 'a3', 'a4', 'a5', 'a6', 'letter', 'legal', 'tabloid', "
    "'2r', '3r', '4r', '5r', '6r', '8r', 's8r', '10r', 's10r', '11r', 's11r'"
)


def upgrade() -> None:
    _check_formats(f"{BEFORE}, 'pdf')")
    with op.batch_alter_table("mosaics") as table:
        table.add_column(sa.Column("bleed", sa.Double(), nullable=False, server_default="0"))
        table.add_column(sa.Column("pages", sa.String(20), nullable=True))
        table.create_check_constraint(op.f(PAGES), f"pages IN ({SHEETS})")
        table.add_column(sa.Column("overlap", sa.Double(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("mosaics") as table:
        table.drop_column("overlap")
        table.drop_constraint(op.f(PAGES), type_="check")
        table.drop_column("pages")
        table.drop_column("bleed")
    # The version before has no name for them: a mosaic's own file is then called a PNG, which is not so.
    mine = "SELECT job_id FROM mosaics"
    op.execute(f"DELETE FROM renditions WHERE format = 'pdf' AND job_id NOT IN ({mine})")  # noqa: S608 - ours
    op.execute("UPDATE mosaics SET format = 'png', file_quality = NULL WHERE format = 'pdf'")
    op.execute("UPDATE renditions SET format = 'png' WHERE format = 'pdf'")
    _check_formats(f"{BEFORE})")


def _check_formats(check: str) -> None:
    for name in ("mosaics", "renditions"):
        with op.batch_alter_table(name) as table:
            table.drop_constraint(op.f(f"ck_{name}_format"), type_="check")
            table.create_check_constraint(op.f(f"ck_{name}_format"), check)
