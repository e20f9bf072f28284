"""`tessera adopt`: joins a store to this database, on purpose."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import click
from sqlalchemy.engine import make_url

from cli.service.installation import services, which
from models import store_ownership
from models.errors import TesseraError
from models.rules import blob_keys
from models.services import Services
from models.storage import Blob
from models.store_ownership import Bond
from worker.jobs import garbage
from worker.jobs.garbage import Survey

EVER = datetime.max.replace(tzinfo=UTC)
"""With this as the limit, no blob is too young to be counted."""
EXAMPLES = """
\b
Examples:
  tessera adopt                      the server in the environment, or your tessera up
  tessera adopt --data ~/mosaics     the tessera up --data ~/mosaics
  tessera adopt --yes                in a script
"""


class NotAdoptable(TesseraError):
    """A store that has nothing to do with the database."""

    code = "not_adoptable"


@click.command(epilog=EXAMPLES)
@which
@click.option("--yes", is_flag=True, help="Do not ask.")
def adopt(data: Path | None, *, yes: bool) -> None:
    """Join the store to the database, so that what no row names is cleared away from it.

    Needed once after an upgrade from a version that did not join stores, after a dump was restored, and for a store
    that holds other files too. It says what the store holds, and how much of it the database names, and asks.
    """
    with services(data) as opened:
        bond = opened.belonging.look()
        if bond is Bond.OURS:
            click.echo(f"The store {opened.settings.store} belongs to this database; there is nothing to do.")
            return
        seen = garbage.survey(opened, EVER)
        _check(opened, seen)
        click.echo("\n".join(_shown(opened, bond, seen)))
        if not yes:
            click.confirm("Join it to this database?", abort=True)
        opened.belonging.adopt()
    click.echo("The store belongs to this database now.")


def _check(opened: Services, seen: Survey) -> None:
    """Refuse to adopt what can only be a mistake."""
    marked = store_ownership.mark(opened.store)
    if marked is not None and not _is_id(marked):
        raise NotAdoptable(f"{blob_keys.INSTALLATION} in the store is no installation's id; move it away first.")
    if seen.ours and not seen.named and not seen.spent:
        raise NotAdoptable(
            f"The database names none of the {len(seen.ours):,} blobs in the store {opened.settings.store}: it is "
            "another installation's. Bring back the database that belongs to it, or name an empty store."
        )


def _is_id(text: str) -> bool:
    try:
        return bool(UUID(text))
    except ValueError:
        return False


def _shown(opened: Services, bond: Bond, seen: Survey) -> list[str]:
    database = make_url(opened.settings.database_url).render_as_string(hide_password=True)
    return [
        f"Store     {opened.settings.store} ({bond.value})",
        f"Database  {database}",
        f"{_amount(seen.ours)} of Tessera's kinds are in the store:",
        f"  {_amount(seen.named)} that the database names, which stay",
        f"  {_amount(seen.spent)} that it is done with, which go to the trash",
        f"  {_amount(seen.unknown)} that it does not know{_fate(opened, seen)}",
        f"{len(seen.trash):>8,} blobs are in the trash",
        f"{seen.foreign_count:>8,} files are not Tessera's, and are never touched",
    ]


def _fate(opened: Services, seen: Survey) -> str:
    if seen.asks(opened.settings):
        return ": too many to be taken unasked, see tessera garbage"
    return ", which go to the trash"


def _amount(blobs: Sequence[Blob]) -> str:
    return f"{len(blobs):>8,} blobs, {sum(blob.size_bytes for blob in blobs) / (1 << 20):>10,.1f} MiB,"
