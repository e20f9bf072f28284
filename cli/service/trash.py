"""`tessera garbage` and `tessera trash`: blobs that no row names, before and after they are moved to the trash."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import click

from cli.progress_bar import aligned
from cli.service.installation import print_json, services, which
from models import database
from models.errors import BadConfiguration, NotFound
from models.services import Services
from models.storage import Blob
from models.store_ownership import Bond
from worker.jobs import garbage as clearing
from worker.jobs import trash as bin_
from worker.jobs.trash import Entry

MIB = 1 << 20
GARBAGE_EXAMPLES = """
\b
Examples:
  tessera garbage              what the next sweep would take, and whether it asks first
  tessera garbage --clear      take it once, after a question
  tessera garbage --json       every blob, for programs
"""
TRASH_EXAMPLES = """
\b
Examples:
  tessera trash list                                 what is there
  tessera trash restore --all                        put everything back
  tessera trash restore mosaics/0b9f…                put back what belongs to one mosaic
  tessera trash empty --older-than 1                 delete for good what came more than a day ago
  tessera trash --data ~/mosaics list                of the tessera up --data ~/mosaics
"""


@click.command(epilog=GARBAGE_EXAMPLES)
@which
@click.option("--clear", is_flag=True, help="Put it into the trash now, however much it is.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of a summary; every blob is in it.")
def garbage(data: Path | None, *, clear: bool, yes: bool, as_json: bool) -> None:
    """Show what no row names and the next sweep would put into the trash.

    A sweep that would take more than TESSERA_LITTER_SHARE of the store takes nothing. When you have seen that it is
    right all the same, --clear does it once.
    """
    with services(data) as opened:
        now = _now(opened)
        seen = clearing.survey(opened, now - timedelta(seconds=opened.settings.litter_grace_seconds))
        if as_json:
            print_json(
                {"asks": seen.asks(opened.settings), "spent": _keys(seen.spent), "unknown": _keys(seen.unknown)}
            )
        else:
            click.echo("\n".join(_summary(opened, seen)))
        if not clear:
            return
        _check(opened)
        if not yes:
            click.confirm(f"Put {len(seen.spent) + len(seen.unknown):,} blobs into the trash?", abort=True)
        taken = clearing.take(opened, [*seen.spent, *seen.unknown], now, by_hand=True)
    click.echo(f"{len(taken):,} blobs are in the trash.", err=as_json)


@click.group(epilog=TRASH_EXAMPLES)
@which
@click.pass_context
def trash(ctx: click.Context, data: Path | None) -> None:
    """List, restore and empty the trash, where blobs that no row names wait for TESSERA_STORE_TRASH_DAYS."""
    ctx.obj = data


@trash.command("list", epilog=TRASH_EXAMPLES)
@click.option("--json", "as_json", is_flag=True, help="JSON instead of a table.")
@click.pass_obj
def list_trash(data: Path | None, *, as_json: bool) -> None:
    """List what is in the trash, the latest last."""
    with services(data) as opened:
        found = sorted(bin_.entries(opened.store), key=lambda each: (each.when, each.former))
    if as_json:
        print_json([{"key": e.former, "since": e.when.isoformat(), "bytes": e.size_bytes} for e in found])
    elif found:
        rows = [(f"{e.when:%Y-%m-%d %H:%M:%S}", f"{e.size_bytes:,}", e.former) for e in found]
        click.echo(aligned([("SINCE (UTC)", "BYTES", "KEY"), *rows]))
        click.echo(f"{len(found):,} blobs, {sum(e.size_bytes for e in found) / MIB:,.1f} MiB")
    else:
        click.echo("The trash is empty.")


@trash.command(epilog=TRASH_EXAMPLES)
@click.argument("some", metavar="KEY...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Everything that is in the trash.")
@click.pass_obj
def restore(data: Path | None, some: tuple[str, ...], *, everything: bool) -> None:
    """Put blobs back under the keys that they had; a blob that lies there already stays as it is.

    KEY is a key, or the beginning of many up to a slash. What no row names goes into the trash again, no sooner than
    TESSERA_LITTER_GRACE_SECONDS from now; what rows name the sweep brings back by itself.
    """
    if everything == bool(some):
        raise BadConfiguration("Name keys, or say --all.")
    with services(data) as opened:
        _check(opened)
        chosen = [each for each in bin_.entries(opened.store) if everything or _is_one_of(each.former, some)]
        if not chosen and not everything:
            raise NotFound("There is nothing of that name in the trash; see: tessera trash list")
        back = bin_.put_back(opened.store, chosen)
    left = len({each.former for each in chosen}) - len(back)
    click.echo(f"{len(back):,} blobs are back{f'; {left:,} are there anyway' if left else ''}.")


@trash.command(epilog=TRASH_EXAMPLES)
@click.option(
    "--older-than",
    "days",
    type=click.FloatRange(0),
    default=0,
    show_default=True,
    help="Days in the trash, at least.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def empty(data: Path | None, *, days: float, yes: bool) -> None:
    """Delete what is in the trash for good, and give its room back; what a row names again stays, and comes back."""
    with services(data) as opened:
        _check(opened)
        oldest = _now(opened) - timedelta(days=days)
        chosen = [each for each in bin_.entries(opened.store) if each.when <= oldest]
        if chosen and not yes:
            click.confirm(f"Delete {_amount(chosen)} for good?", abort=True)
        gone = clearing.delete(opened, chosen)
    stayed = len(chosen) - len(gone)
    click.echo(
        f"{_amount(gone)} are deleted{f'; {stayed:,} that rows name come back at the next sweep' if stayed else ''}."
    )


def _check(opened: Services) -> None:
    """Refuse to change a store that does not belong to this database."""
    bond = opened.belonging.look()
    if bond is not Bond.OURS:
        raise BadConfiguration(bond.sentence)


def _now(opened: Services) -> datetime:
    with opened.reading() as session:
        return database.now(session)


def _summary(opened: Services, seen: clearing.Survey) -> Iterator[str]:
    bond = opened.belonging.look()
    yield f"Of {len(seen.ours):,} blobs in the store {opened.settings.store}"
    yield f"  {len(seen.named):,} are named by the database"
    yield f"  {len(seen.young):,} are too young to tell"
    yield f"  {len(seen.spent):,} are done with: their set was deleted, their photo removed, their job is over"
    yield f"  {len(seen.unknown):,} are unknown to the database"
    for thing, count in Counter("/".join(blob.key.split("/")[:2]) for blob in seen.unknown).most_common(10):
        yield f"      {count:,} of {thing}"
    if bond is not Bond.OURS:
        yield bond.sentence
    elif seen.asks(opened.settings):
        yield "So many are unknown that no sweep takes any. If this is the right database: tessera garbage --clear"
    else:
        yield "The next sweep puts those that are done with or unknown into the trash."


def _keys(blobs: Sequence[Blob]) -> list[str]:
    return [blob.key for blob in blobs]


def _is_one_of(key: str, some: Sequence[str]) -> bool:
    return any(key == each or key.startswith(f"{each.rstrip('/')}/") for each in some)


def _amount(some: Sequence[Entry]) -> str:
    return f"{len(some):,} blobs, {sum(each.size_bytes for each in some) / MIB:,.1f} MiB,"
