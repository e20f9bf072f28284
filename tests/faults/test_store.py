"""A store and a database that do not belong together: not one file of anybody's is lost, and it is reported."""

import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from click.testing import CliRunner
from sqlalchemy.engine import make_url

from cli.main import tessera as tessera_command
from cli.service import processes
from models import database, migrations
from models.errors import StoreOfAnother
from models.rules import blob_keys
from models.services import Services
from models.storage import open_store
from worker.jobs import garbage

ON_SQLITE = pytest.mark.parametrize("service", ["sqlite"], indirect=True)
ANOTHERS = "The store belongs to another database"
NOT_JOINED = "The store holds files and no installation's id"
OLDER = "The database is older than the store"
CONTENTS = [bytes([number]) * 32 for number in range(1, 21)]
FOREIGN = {
    "holiday.jpg", "Photos/2026/beach.jpg", "mosaics/floor.png", "tile-sets/list.txt", "trash/old.doc", "notes#1.txt",
    f"mosaics/{uuid4()}/target.txt", "batches/1/targets/2", "doctor/letter",
}  # fmt: skip
IN_A_FOLDER = {"half#1", f"{blob_keys.target(uuid4())}#x", "Photos/take#2"}
"""Names that a bucket could not have been given by obstore, and that look like files half-written."""


@dataclass
class Place:
    """Where a store is, and how a test sees what is really in it."""

    address: str
    folder: Path | None
    cache: Path

    def put(self, key: str) -> None:
        if self.folder is None:
            open_store(self.address, self.cache, 0).put(key, b"somebody's")
        else:
            (self.folder / key).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / key).write_bytes(b"somebody's")
            os.utime(self.folder / key, (0, 0))

    def held(self) -> set[str]:
        """Return every key but those that the store keeps about itself."""
        if self.folder is None:
            found = {blob.key for blob in open_store(self.address, self.cache, 0).list()}
        else:
            found = {path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*") if path.is_file()}
        return {key for key in found if not key.startswith(blob_keys.OWN)}


@pytest.fixture(params=["folder", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "folder":
        folder = tmp_path / "store"
        folder.mkdir()
        return Place(f"file://{folder}", folder, tmp_path / "cache")
    return Place(f"s3://{request.getfixturevalue('s3').new_bucket()}/here", None, tmp_path / "cache")


class Situation:
    """A store, and databases of the kind at hand that are pointed at it."""

    def __init__(self, service: Any, place: Place, kind: str, new_database: Callable[[str], str]) -> None:
        self.service, self.place, self.kind, self._new_database = service, place, kind, new_database
        self._started: list[str] = []

    def new_database(self) -> Services:
        """Return the services of an empty database on the store."""
        return self.on(self._new_database(self.kind))

    def on(self, url: str) -> Services:
        services: Services = self.service.services(
            database_url=url, store=self.place.address, cache=str(self.place.cache), litter_grace_seconds=0
        )
        return services

    def filled(self, indexed: Callable[..., Any]) -> Services:
        """Return the services of a database that names sixty blobs of the store."""
        services = self.new_database()
        tile_set = indexed(services, CONTENTS)
        for content in CONTENTS:
            for make in (blob_keys.tile, blob_keys.preview_of_tile, blob_keys.original):
                services.store.put(make(tile_set.id, content.hex()), content)
        return services

    def sweep(self, services: Services, wait_for: Callable[..., Any], words: str) -> None:
        """Let a real sweeper run until it says something; then look through the store some more times."""
        name = f"sweeper-{uuid4()}"
        environment = {"DATABASE_URL": services.settings.database_url, "STORE": self.place.address}
        environment |= {"CACHE": str(self.place.cache), "LITTER_GRACE_SECONDS": "0", "LITTER_SECONDS": "0.2"}
        self.service.installed.start_one(name, processes.sweeper(), **environment)
        self._started.append(name)
        log = self.service.installed.folder / f"{name}.log"
        wait_for(lambda: words in " ".join(log.read_text().split()))
        for _ in range(3):
            self.look(services)

    def look(self, services: Services) -> None:
        with services.reading() as session:
            now = database.now(session)
        garbage.collect(services, now)

    def end(self) -> None:
        while self._started:
            process = self.service.installed.processes.pop(self._started.pop())
            process.terminate()
            process.wait()

    def doctor(self, services: Services, monkeypatch: pytest.MonkeyPatch) -> str:
        """Return what the doctor says of the database and the store."""
        with monkeypatch.context() as patch:
            self._set(services, patch)
            return CliRunner().invoke(tessera_command, ["doctor"]).output

    def adopt(self, services: Services, monkeypatch: pytest.MonkeyPatch) -> str:
        with monkeypatch.context() as patch:
            self._set(services, patch)
            return CliRunner().invoke(tessera_command, ["adopt", "--yes"]).output

    def _set(self, services: Services, patch: pytest.MonkeyPatch) -> None:
        chosen = self.service.installed.settings | {
            "DATABASE_URL": services.settings.database_url, "STORE": self.place.address,
            "CACHE": str(self.place.cache), "LITTER_GRACE_SECONDS": "0",
        }  # fmt: skip
        for name, value in chosen.items():
            patch.setenv(f"TESSERA_{name}", value)


@pytest.fixture
def situation(
    request: pytest.FixtureRequest, service: Any, place: Place, new_database: Callable[[str], str]
) -> Iterator[Situation]:
    made = Situation(service, place, request.node.callspec.params["service"], new_database)
    try:
        yield made
    finally:
        made.end()


def copied(services: Services, kind: str, tmp_path: Path, new_database: Callable[[str], str]) -> str:
    """Return the address of a copy of a database as it is now: a dump, brought back beside it."""
    services.sessions.kw["bind"].dispose()
    url = services.settings.database_url
    if kind == "sqlite":
        copy = tmp_path / "copy.db"
        shutil.copyfile(make_url(url).database or "", copy)
        return f"sqlite:///{copy}"
    name = f"copy_{uuid4().hex}"
    plain = make_url(url)
    admin = plain.set(drivername="postgresql", database="postgres").render_as_string(hide_password=False)
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{plain.database}"')
    return plain.set(database=name).render_as_string(hide_password=False)


@pytest.mark.fault("13.1 an empty, migrated database beside a real store", "nothing is deleted; doctor says why")
def test_an_empty_database_beside_a_real_store_deletes_nothing(
    situation: Situation, indexed: Any, wait_for: Any, seen: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    situation.look(situation.filled(indexed))
    before = situation.place.held()
    empty = situation.new_database()
    situation.sweep(empty, wait_for, ANOTHERS)
    assert situation.place.held() == before
    assert f"MISSING  store              {ANOTHERS}" in situation.doctor(empty, monkeypatch)
    with pytest.raises(StoreOfAnother, match="nothing is written to it"):
        empty.store.put(blob_keys.target(uuid4()), b"x")
    assert "names none of the 60 blobs" in situation.adopt(empty, monkeypatch)
    assert situation.place.held() == before
    seen.noted(f"{len(before)} of {len(before)} blobs are there")


@ON_SQLITE
@pytest.mark.fault("13.2 tessera up, whose tessera.db is missing", "it starts and deletes nothing; doctor says why")
def test_a_tessera_up_whose_database_is_lost_deletes_nothing(
    service: Any, tmp_path: Path, indexed: Any, tessera: str, wait_for: Any, seen: Any
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    migrations.upgrade(f"sqlite:///{data / 'tessera.db'}")
    place = Place(f"file://{data / 'store'}", data / "store", tmp_path / "cache")
    situation = Situation(service, place, "sqlite", lambda _: f"sqlite:///{data / 'tessera.db'}")
    services = situation.filled(indexed)
    situation.look(services)
    services.sessions.kw["bind"].dispose()
    (data / "tessera.db").rename(tmp_path / "lost.db")
    before = place.held()
    assert (
        f"their database {data / 'tessera.db'} is gone"
        in CliRunner().invoke(tessera_command, ["doctor", "--data", str(data)]).output
    )
    with running_up(tessera, data, tmp_path / "said") as up:
        wait_for(lambda: "Tessera is at" in (tmp_path / "said").read_text())
        wait_for(lambda: ANOTHERS in (data / "logs" / "sweeper.log").read_text())
        assert ANOTHERS in (tmp_path / "said").read_text()
        assert place.held() == before
        ready = service.installed.session.get(f"{up}/readyz", timeout=30)
        assert (ready.status_code, ready.json()["troubles"][0]["code"]) == (503, "store_of_another")
    assert (
        f"MISSING  store              {ANOTHERS}"
        in CliRunner().invoke(tessera_command, ["doctor", "--data", str(data)]).output
    )
    for path in data.glob("tessera.db*"):
        path.unlink()
    (tmp_path / "lost.db").rename(data / "tessera.db")
    assert "MISSING  store" not in CliRunner().invoke(tessera_command, ["doctor", "--data", str(data)]).output
    seen.noted(f"{len(before)} of {len(before)} blobs are there, and found again with the database")


@contextmanager
def running_up(tessera: str, data: Path, said: Path) -> Iterator[str]:
    """Run a `tessera up`; yield its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {"TESSERA_LITTER_GRACE_SECONDS": "0", "TESSERA_LITTER_SECONDS": "0.2"}
    with said.open("wb") as file:
        command = [tessera, "up", "--data", str(data), "--port", str(port)]
        process = subprocess.Popen(command, stdout=file, stderr=file, env=environment)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(60)


@pytest.mark.fault("13.3 TESSERA_STORE on somebody's own files", "nothing is touched, joined or not; doctor says why")
def test_files_of_somebodys_own_are_never_touched(
    situation: Situation, wait_for: Any, seen: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = situation.place
    foreign = FOREIGN | (IN_A_FOLDER if place.folder else set())
    for key in foreign:
        place.put(key)
    services = situation.new_database()
    situation.sweep(services, wait_for, NOT_JOINED)
    assert place.held() == foreign
    assert f"MISSING  store              {NOT_JOINED}" in situation.doctor(services, monkeypatch)
    assert "belongs to this database now" in situation.adopt(services, monkeypatch)
    services.store.put(blob_keys.target(uuid4()), b"never ordered")
    wait_for(lambda: any(key.startswith("trash/2") for key in place.held()))
    situation.look(services)
    assert {key for key in place.held() if not key.startswith("trash/2")} == foreign
    seen.noted(f"{len(foreign)} of {len(foreign)} files are there, and only a blob of ours went to the trash")


@pytest.mark.fault(
    "13.4 a second installation on one store", "neither's sweep takes what is the other's; doctor says so"
)
def test_two_installations_on_one_store_take_nothing_of_each_other(
    situation: Situation, indexed: Any, wait_for: Any, seen: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = situation.new_database()
    second.store.before_writing = lambda: None
    tile_set = indexed(second, CONTENTS)
    of_second = {blob_keys.tile(tile_set.id, content.hex()) for content in CONTENTS}
    for key in of_second:
        second.store.put(key, b"from before there were ids")
    first = situation.new_database()
    of_first = indexed(first, CONTENTS)
    first.store.put(blob_keys.tile(of_first.id, CONTENTS[0].hex()), b"from before there were ids, too")
    before = situation.place.held()
    assert "belongs to this database now" in situation.adopt(first, monkeypatch)
    situation.sweep(first, wait_for, "so many blobs are unknown")
    situation.sweep(second, wait_for, ANOTHERS)
    assert situation.place.held() == before
    situation.end()  # a sweep would count what the doctor writes to try the store
    said = situation.doctor(first, monkeypatch)
    assert "MISSING  garbage            20 of 21 blobs are unknown to the database" in said
    assert f"MISSING  store              {ANOTHERS}" in situation.doctor(second, monkeypatch)
    seen.noted(f"{len(before)} of {len(before)} blobs are there")


@pytest.mark.fault("13.5 an older dump beside a newer store", "nothing is deleted, adopted or not; doctor says why")
def test_a_dump_beside_a_newer_store_deletes_nothing(
    situation: Situation, indexed: Any, wait_for: Any, seen: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
    new_database: Callable[[str], str],
) -> None:  # fmt: skip
    newer = situation.filled(indexed)
    situation.look(newer)
    dump = situation.on(copied(newer, situation.kind, tmp_path, new_database))
    tile_set = indexed(newer, CONTENTS)
    for content in CONTENTS:
        newer.store.put(blob_keys.tile(tile_set.id, content.hex()), content)
    situation.look(newer)
    before = situation.place.held()
    situation.sweep(dump, wait_for, OLDER)
    assert situation.place.held() == before
    assert f"MISSING  store              {OLDER}" in situation.doctor(dump, monkeypatch)
    assert "too many to be taken unasked" in situation.adopt(dump, monkeypatch)
    situation.sweep(dump, wait_for, "so many blobs are unknown")
    assert situation.place.held() == before
    seen.noted(f"{len(before)} of {len(before)} blobs are there, before and after it was adopted")
