"""The commands of a server: `web`, `worker`, `sweep` and `migrate`, whose settings come from the environment."""

import ipaddress
import os
import sys

import click

from cli.service.processes import gunicorn, lane_worker, sweeper
from cli.service.supervisor import Supervisor
from models import database_check, settings
from models.errors import BadConfiguration, DatabaseUnavailable
from models.rules import private_files
from models.rules.lifecycle import Lane

SETTINGS_HELP = """
\b
Settings (environment):
  TESSERA_DATABASE_URL   postgresql://user:password@host/tessera
  TESSERA_REDIS_URL      redis://host:6379/0
  TESSERA_STORE          file:///srv/tessera
  TESSERA_ACCESS_TOKEN   asked for by the pages and the API
  TESSERA_SECRET_KEY     signs cookies; the same on every machine
  TESSERA_TRUSTED_HOSTS  names under which people reach this site
All of them: docs/reference/settings.md
"""


@click.command(epilog=SETTINGS_HELP)
@click.option("--bind", default="127.0.0.1:8000", show_default=True, help="Address and port to listen on.")
@click.option("--workers", type=click.IntRange(1, 256), default=2, show_default=True, help="Processes.")
@click.option(
    "--threads", type=click.IntRange(1, 1_024), default=8, show_default=True, help="Requests at once in each process."
)
def web(bind: str, workers: int, threads: int) -> None:
    """Serve the pages and the API."""
    _prepare()
    if settings.load().mode == "embedded" and not all(map(_within, bind.split(","))):
        raise BadConfiguration(
            f"In embedded mode nobody is asked for a token, so --bind must be on 127.0.0.1, [::1] or a Unix socket, "
            f"not {bind}; set TESSERA_MODE=server and TESSERA_ACCESS_TOKEN to serve a network."
        )
    os.execv(sys.executable, gunicorn(bind, workers, threads))  # noqa: S606 - the same program, another module


@click.command(epilog=SETTINGS_HELP)
@click.option(
    "--lane",
    "lanes",
    multiple=True,
    type=click.Choice([lane.value for lane in Lane], case_sensitive=False),
    default=[lane.value for lane in Lane],
    show_default="every lane",
    help="Serve this lane only; may be given more than once.",
)
@click.option("--concurrency", type=click.IntRange(1, 256), help="Jobs at once in each lane.  [default: cores]")
@click.option("--sweep/--no-sweep", default=True, show_default=True, help="Sweep beside the work.")
def worker(lanes: tuple[str, ...], concurrency: int | None, *, sweep: bool) -> None:
    """Work through the queue: a process group for each lane, and a sweeper."""
    _prepare()
    with Supervisor() as children:
        for lane in lanes:
            children.start(f"{lane} worker", lane_worker(Lane(lane), concurrency))
        if sweep:
            children.start("sweeper", sweeper())
        children.watch()


@click.command(epilog=SETTINGS_HELP)
def sweep() -> None:
    """Sweep alone: free stale jobs, ring again, clear garbage. Any number may run."""
    _prepare()
    os.execv(sys.executable, sweeper())  # noqa: S606 - the same program, another module


@click.command(epilog=SETTINGS_HELP)
def migrate() -> None:
    """Bring the database to the newest version."""
    from models import migrations  # noqa: PLC0415 - Alembic is slow to load and only this command needs it

    migrations.upgrade(settings.load().database_url)
    click.echo("The database is at the newest version.")


def _within(bind: str) -> bool:
    """Whether only this machine can reach an address to listen on, parsed as gunicorn does."""
    place = bind.strip().removeprefix("tcp://")
    if place.startswith("unix:"):
        return True
    host = place[1:].partition("]")[0] if place.startswith("[") else place.partition(":")[0]
    try:
        return host.lower() == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _prepare() -> None:
    """Refuse to start with what cannot work; a database that does not answer yet is only warned about."""
    address = settings.load().database_url
    private_files.from_now_on()
    try:
        database_check.check(address)
    except DatabaseUnavailable as error:
        click.echo(f"tessera: {error} Starting all the same.", err=True)
