"""`tessera doctor`: reports what is there, what is missing, and what to do about it."""

import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
import platformdirs
from sqlalchemy import select
from sqlalchemy.exc import DatabaseError

from cli.service import demo, installation, redis_server
from models import database, database_check, readiness, settings
from models.errors import BadConfiguration, TesseraError
from models.rules import file_types
from models.services import open_services
from models.settings import Settings
from models.storage import FolderStore
from models.store_ownership import Bond
from models.tables import Installation
from worker import parallel

LEAST_FREE_BYTES = 1 << 30
DECODE_SECONDS, DECODE_BYTES = 10.0, 256 << 20


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's report: what was checked, whether it is well, and what was found."""

    subject: str
    well: bool
    seen: str


@click.command()
@installation.which
@click.pass_context
def doctor(ctx: click.Context, data: Path | None) -> None:
    """Say what is there and what is missing.

    Without settings in the environment it looks at what `tessera render` and `tessera up` need, and at the database
    and the store of your `tessera up`; with TESSERA_DATABASE_URL set, at the server's database, Redis and store.
    The exit code is 1 if anything is missing.
    """
    findings = list(_local())
    if data is None and os.environ.get("TESSERA_DATABASE_URL"):
        findings += _server()
    else:
        findings += _embedded((data or platformdirs.user_data_path("tessera")).resolve())
    for finding in findings:
        click.echo(f"{'ok     ' if finding.well else 'MISSING'}  {finding.subject:<18} {finding.seen}")
    ctx.exit(0 if all(finding.well for finding in findings) else 1)


def _local() -> Iterator[Finding]:
    yield Finding("Python", True, f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    yield Finding("cores", True, str(parallel.core_count()))
    yield _tried("Pillow", _pillow)
    yield _tried("decoders", _decoders)
    yield _tried("libvips", _vips)
    yield _tried("scratch space", lambda: _room(Path(tempfile.gettempdir())))
    yield _tried("index cache", lambda: _writable(platformdirs.user_cache_path("tessera")))


def _embedded(folder: Path) -> Iterator[Finding]:
    yield _tried("Redis server", lambda: _version(redis_server.find()))
    yield _tried("data folder", lambda: _writable(folder))
    yield _tried("demo photographs", lambda: f"{len(demo.photographs())} of scikit-image's")
    path = folder / "tessera.db"
    if os.path.exists(path):  # noqa: PTH110 - where it may not look, pathlib raises
        yield _tried(
            "database", lambda: f"version {database_check.check_migratable(database.sqlite_url(path)) or 'none yet'}"
        )
        loaded = installation.chosen(folder)
        yield from _store_and_garbage(loaded)
    elif os.path.exists(folder / "store"):  # noqa: PTH110 - the same
        yield _tried("store", lambda: _orphaned(folder))


def _server() -> Iterator[Finding]:
    try:
        loaded = settings.load()
    except BadConfiguration as error:
        yield Finding("settings", False, str(error))
        return
    yield Finding("settings", True, f"{loaded.mode} mode")
    yield _tried("database", lambda: _database(loaded))
    yield _tried("Redis", lambda: _redis(loaded))
    yield from _store_and_garbage(loaded)
    if loaded.store.startswith("s3://"):
        yield _tried("cache", lambda: _writable(loaded.cache_folder))


def _store_and_garbage(loaded: Settings) -> Iterator[Finding]:
    store = _tried("store", lambda: _store(loaded))
    yield store
    if store.well:
        yield _tried("garbage", lambda: _garbage(loaded))


def _tried(subject: str, look: Callable[[], str]) -> Finding:
    """Return what a check finds; any error at all is a finding too."""
    try:
        return Finding(subject, True, look())
    except Exception as error:  # noqa: BLE001 - any failure at all is the finding
        return Finding(subject, False, str(error).strip().splitlines()[0] if str(error) else type(error).__name__)


def _pillow() -> str:
    from worker.decoding import headers, images  # noqa: PLC0415 - a broken installation is a finding, not a crash

    headers.load_plugins()
    images.decode(images.encode_jpeg(np.zeros((8, 8, 3), np.uint8)))
    return f"reads {', '.join(file_types.READ)}"


def _decoders() -> str:
    from worker.decoding import images  # noqa: PLC0415 - the same
    from worker.decoding.sandbox import Sandbox  # noqa: PLC0415 - the same

    sandbox = Sandbox(DECODE_SECONDS, DECODE_BYTES)
    try:
        sandbox.decode(images.encode_jpeg(np.zeros((8, 8, 3), np.uint8)))
    finally:
        sandbox.close()
    return "decode in processes of their own"


def _vips() -> str:
    from worker.rendering import writer  # noqa: PLC0415 - the same

    return writer.version()


def _room(folder: Path) -> str:
    free = shutil.disk_usage(folder).free
    if free < LEAST_FREE_BYTES:
        raise BadConfiguration(f"{folder} has only {free >> 20:,} MiB left; free some space.")
    return f"{folder}, {free >> 30:,} GiB free"


def _writable(folder: Path) -> str:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder):
            return _room(folder)
    except OSError as error:
        raise BadConfiguration(f"{folder} cannot be written: {error.strerror}") from error


def _version(program: Path) -> str:
    shown = subprocess.run([str(program), "--version"], capture_output=True, text=True, check=True, timeout=10)
    return f"{program.name}: {shown.stdout.strip()[:60]}"


def _database(loaded: Settings) -> str:
    at = readiness.check_database_alone(loaded.database_url, database.sessions(database.connect(loaded.database_url)))
    return f"{database.address(loaded.database_url).get_backend_name()}, version {at}"


def _redis(loaded: Settings) -> str:
    from models import queue  # noqa: PLC0415 - Celery is slow to load

    queue.connect(loaded, "publisher")
    return queue.ping()


def _store(loaded: Settings) -> str:
    services = open_services(loaded)
    # Errors of the database are a finding of their own.
    with suppress(DatabaseError):
        bond = services.belonging.look()
        if bond is not Bond.OURS:
            raise BadConfiguration(bond.sentence)
    readiness.check_store(services)
    free = services.store.free_bytes()
    return loaded.store if free is None else f"{loaded.store}, {free >> 30:,} GiB free"


def _garbage(loaded: Settings) -> str:
    try:
        with open_services(loaded).reading() as session:
            seen = session.scalars(select(Installation)).one()
    except DatabaseError:
        return "the database cannot say"
    if seen.withheld_count:
        raise TesseraError(
            f"{seen.withheld_count:,} of {seen.blob_count:,} blobs are unknown to the database, so none is cleared "
            "away; look with: tessera garbage"
        )
    return f"{seen.trash_count:,} blobs in the trash, {seen.trash_bytes >> 20:,} MiB"


def _orphaned(folder: Path) -> str:
    if next(FolderStore(folder / "store").list(), None) is None:
        return f"{folder / 'store'} is empty"
    raise BadConfiguration(
        f"{folder / 'store'} holds blobs, and their database {folder / 'tessera.db'} is gone; bring it back from a "
        "backup, or choose another folder with --data"
    )
