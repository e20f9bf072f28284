"""`tessera jobs`: looks after an installation's jobs through its database."""

from collections.abc import Callable, Sequence
from pathlib import Path

import click
from sqlalchemy.orm import Session

from cli.service import job_lines
from cli.service.installation import opened, print_json, reading, which
from models import database, job_listing, retrying
from models import jobs as transitions
from models.errors import NotFound, NotRetryable
from models.rules.lifecycle import JobState

MOST = 10_000
ID = click.IntRange(1, (1 << 31) - 1)
"""The ids that the database's column can hold."""
EXAMPLES = """
\b
Examples:
  tessera jobs list                              the newest fifty
  tessera jobs list --state failed --json        what failed, for programs
  tessera jobs show 17                           everything about one job
  tessera jobs cancel 17 18                      stop two jobs
  tessera jobs retry 17                          try again what failed or was cancelled
  tessera jobs --data ~/mosaics list             of the tessera up --data ~/mosaics
"""


@click.group(epilog=EXAMPLES)
@which
@click.pass_context
def jobs(ctx: click.Context, data: Path | None) -> None:
    """List, show, cancel and retry jobs.

    With TESSERA_DATABASE_URL set, those of the server in the environment; else those of a `tessera up`.
    """
    ctx.obj = data


@jobs.command("list", epilog=EXAMPLES)
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice([state.value for state in JobState], case_sensitive=False),
    help="Jobs in this state only; may be given more than once.",
)
@click.option("--limit", type=click.IntRange(1, MOST), default=50, show_default=True, help="At most so many.")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of a table.")
@click.pass_obj
def list_jobs(data: Path | None, states: tuple[str, ...], limit: int, *, as_json: bool) -> None:
    """List jobs, the newest first."""
    with reading(data) as session:
        entries = job_listing.newest(session, [JobState(state) for state in states], limit)
        now = database.now(session)
    if as_json:
        print_json([job_lines.as_json(entry) for entry in entries])
    else:
        click.echo(job_lines.table(entries, now) if entries else "There are no such jobs.")


@jobs.command(epilog=EXAMPLES)
@click.argument("job_id", metavar="ID", type=ID)
@click.option("--json", "as_json", is_flag=True, help="JSON instead of lines.")
@click.pass_obj
def show(data: Path | None, job_id: int, *, as_json: bool) -> None:
    """Show everything that is known of one job, with its attempts and how long their phases took."""
    with reading(data) as session:
        entry, attempts = job_listing.find_entry(session, job_id), job_listing.attempts(session, job_id)
    if as_json:
        made = [job_lines.attempt_as_json(attempt) for attempt in attempts]
        print_json(job_lines.as_json(entry) | {"attempts": made})
    else:
        click.echo(job_lines.sheet(entry, attempts))


@jobs.command(epilog=EXAMPLES)
@click.argument("job_ids", metavar="ID...", type=ID, nargs=-1, required=True)
@click.pass_context
def cancel(ctx: click.Context, job_ids: tuple[int, ...]) -> None:
    """Cancel jobs; one that is final already stays as it is."""
    _with_each(ctx, job_ids, _cancel)


@jobs.command(epilog=EXAMPLES)
@click.argument("job_ids", metavar="ID...", type=ID, nargs=-1, required=True)
@click.pass_context
def retry(ctx: click.Context, job_ids: tuple[int, ...]) -> None:
    """Try failed or cancelled jobs again.

    Each gets a new job, under the same address and at the same place in its batch. The next sweep rings for it.
    """
    _with_each(ctx, job_ids, _retry)


def _cancel(session: Session, job_id: int) -> str:
    if transitions.cancel(session, [job_id], database.now(session)):
        return f"Job {job_id} is cancelled."
    return f"Job {job_id} was {job_listing.find_job(session, job_id).state} already."


def _retry(session: Session, job_id: int) -> str:
    return f"Job {job_id} is tried again as job {retrying.place_again(session, job_id)}."


def _with_each(ctx: click.Context, job_ids: Sequence[int], do: Callable[[Session, int], str]) -> None:
    """Call `do` for each job, in a transaction of its own; if one is refused, the others are done all the same."""
    refused = False
    with opened(ctx.obj) as sessions:
        for job_id in job_ids:
            try:
                with sessions.begin() as session:
                    done = do(session, job_id)
                click.echo(done)
            except (NotFound, NotRetryable) as error:
                click.echo(f"tessera: {error}", err=True)
                refused = True
    ctx.exit(2 if refused else 0)
