"""`tessera up`: everything on this machine, in one command."""

import fcntl
import os
import secrets
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from shlex import quote

import click
import platformdirs
import requests

from cli.place import Place
from cli.service import demo as demonstration
from cli.service import installation, redis_server
from cli.service.processes import gunicorn, lane_worker, sweeper
from cli.service.supervisor import Supervisor
from models import database, migrations
from models.errors import BadConfiguration, BadSecretKey, TesseraError
from models.rules import blob_keys, private_files
from models.rules.clutter import is_clutter
from models.rules.lifecycle import Lane
from models.settings import MIN_SECRET_LENGTH
from models.store_ownership import Bond

DEFAULT_PORT = 8642
THREADS = 16
REMEDY = "Remove it, and the next start makes a new one; pages that are open must then be loaded again."
OURS = ("tessera.db", "secret-key", f"store/{blob_keys.INSTALLATION}")
"""The files by which a data folder of ours is recognised."""
DEMO = "demo.zip"
BEFORE = {"lock", "secret-key.new"}
"""The files that a start leaves if it was killed before it made any of these."""
EXAMPLES = """
\b
Examples:
  tessera up                      everything on http://127.0.0.1:8642
  tessera up --port 9000          on another port
  tessera up --demo               with a tile set and a first mosaic to look at
  tessera up --data ~/mosaics     keep everything in this folder
"""


@click.command(epilog=EXAMPLES)
@click.option(
    "--port",
    type=click.IntRange(1, 65_535),
    default=DEFAULT_PORT,
    show_default=True,
    help="Port of the web server.",
)
@click.option(
    "--data",
    type=Place(path_type=Path),
    help="Folder for the database and the pictures.  [default: your data folder]",
)
@click.option(
    "--demo", is_flag=True, help="Make a tile set of crops of scikit-image's photographs, and a first mosaic."
)
def up(port: int, data: Path | None, *, demo: bool) -> None:
    """Start everything on this machine: web server, workers, private Redis, SQLite.

    Only this machine can reach it. Ctrl-C ends it all; what was made stays in the data folder.
    """
    folder = (data or platformdirs.user_data_path("tessera")).resolve()
    _check_port(port)
    program = redis_server.find()
    photographs = demonstration.photographs() if demo else []
    private_files.from_now_on()
    with _own(folder), tempfile.TemporaryDirectory(prefix="tessera-") as short:
        environment = _environment(folder, Path(short))
        migrations.upgrade(environment["TESSERA_DATABASE_URL"])
        _look_at_the_store(folder)
        with Supervisor(environment) as children:
            _start(children, folder / "logs", program, Path(short), port)
            threading.Thread(target=demonstration.keep, args=(folder / DEMO,), daemon=True).start()
            _serve(children, f"http://127.0.0.1:{port}", photographs)
    click.echo("Tessera has stopped.")


def _look_at_the_store(folder: Path) -> None:
    """Print what is wrong with the store, if anything is; all starts nevertheless, since no blob is deleted then."""
    with installation.services(folder) as opened:
        bond = opened.belonging.look()
    if bond is not Bond.OURS:
        click.echo(f"tessera: {folder / 'store'}: {bond.sentence}", err=True)


def _start(children: Supervisor, logs: Path, program: Path, short: Path, port: int) -> None:
    logs.mkdir(exist_ok=True)
    commands = {
        "redis": redis_server.command(program, short),
        "sweeper": sweeper(),
        **{f"{lane.value}-worker": lane_worker(lane) for lane in Lane},
        "web": gunicorn(f"127.0.0.1:{port}", 1, THREADS),
    }
    click.echo("Starting Tessera …")
    for name, command in commands.items():
        log = logs / f"{name}.log"
        log.unlink(missing_ok=True)
        children.start(name, command, log)


def _serve(children: Supervisor, address: str, photographs: list[Path]) -> None:
    children.watch(until=lambda: _answers(address))
    if children.stopping:
        return
    click.echo(f"Tessera is at {address}  (Ctrl-C ends it)")
    if photographs:
        threading.Thread(target=_demonstrate, args=(address, photographs), daemon=True).start()
    children.watch()


def _demonstrate(address: str, photographs: list[Path]) -> None:
    try:
        demonstration.run(address, photographs)
    except (TesseraError, requests.RequestException) as error:
        click.echo(f"The demo could not be made: {error}", err=True)


def _answers(address: str) -> bool:
    with suppress(requests.RequestException):
        return demonstration.session().get(f"{address}/livez", timeout=5).ok
    return False


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            other = port + 1 if port < 65_535 else DEFAULT_PORT  # noqa: PLR2004 - the last port there is
            raise BadConfiguration(
                f"Port {port} cannot be used ({error.strerror}); choose another, such as: tessera up --port {other}"
            ) from error


@contextmanager
def _own(folder: Path) -> Iterator[None]:
    """Lock the data folder."""
    try:
        private_files.make(folder)
        _refuse_somebodys(folder)
        lock = (folder / "lock").open("a")
    except OSError as error:
        raise BadConfiguration(f"The data folder {folder} cannot be used: {error.strerror}.") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise BadConfiguration(
                f"Another Tessera is running on {folder}; end it, or choose another folder with --data."
            ) from error
        yield


def _refuse_somebodys(folder: Path) -> None:
    """Refuse a folder with other files in it, since ours might replace some of them."""
    held = {path.name for path in folder.iterdir() if not is_clutter(path.name, folder=True)} - BEFORE
    if held and not any((folder / name).exists() for name in OURS):
        raise BadConfiguration(
            f"The folder {folder} holds files that are not Tessera's, such as {min(held)}; "
            f"name one that is empty or new, such as: tessera up --data {quote(str(folder / 'tessera'))}"
        )


def _environment(folder: Path, short: Path) -> dict[str, str]:
    """Return the environment with the settings of embedded mode, which override its own."""
    return os.environ | {
        "TESSERA_MODE": "embedded",
        "TESSERA_DATABASE_URL": database.sqlite_url(folder / "tessera.db"),
        "TESSERA_REDIS_URL": redis_server.url(short),
        "TESSERA_STORE": f"file://{folder / 'store'}",
        "TESSERA_SECRET_KEY": _secret(folder / "secret-key"),
        "TESSERA_TRUSTED_HOSTS": "",
        "TESSERA_LOG_FORMAT": "console",
        "TESSERA_DEMO_ARCHIVE": str(folder / DEMO),
    }


def _secret(path: Path) -> str:
    """Return this installation's secret key; on the first start, make it, readable for this user only.

    Raises:
        BadSecretKey: the file exists but has no key in it.
    """
    try:
        if not path.exists():
            # Written completely or not at all, even if this process is killed.
            new = path.with_name(f"{path.name}.new")
            new.write_text(secrets.token_hex(32))
            private_files.shut(new)
            new.replace(path)
        private_files.shut(path)
        secret = path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise BadSecretKey(f"The secret key {path} cannot be read: {reason}. {REMEDY}") from error
    if len(secret) < MIN_SECRET_LENGTH or not secret.isprintable():
        raise BadSecretKey(f"{path} holds no key of at least {MIN_SECRET_LENGTH} printable characters. {REMEDY}")
    return secret
