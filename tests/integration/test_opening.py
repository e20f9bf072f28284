"""Databases and keys that cannot be used: one sentence each, whoever opens them; and what nobody else may open."""

import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError, ProgrammingError

from cli.service import up
from models import database, database_check, errors, migrations, readiness
from models.rules import private_files
from models.services import Services
from models.storage import FolderStore
from models.tables import TileSet

NOBODY = 65_534


@pytest.fixture
def path(tmp_path: Path, sqlite_template: Path) -> Path:
    """A migrated database, to be spoilt."""
    return Path(shutil.copyfile(sqlite_template, tmp_path / "tessera.db"))


def changed(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def into_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def into_another_programs(path: Path) -> None:
    path.unlink()
    changed(path, "CREATE TABLE moz_places (id INTEGER)")


def into_another_programs_by_alembic(path: Path) -> None:
    into_another_programs(path)
    changed(path, "CREATE TABLE alembic_version (version_num TEXT)", "INSERT INTO alembic_version VALUES ('0001')")


SPOILT: dict[str, tuple[Callable[[Path], object], type[errors.TesseraError]]] = {
    "garbage": (lambda path: path.write_bytes(b"no database at all " * 99), errors.NotADatabase),
    "short garbage": (lambda path: path.write_bytes(b"x"), errors.NotADatabase),
    "cut off": (lambda path: os.truncate(path, 6_000), errors.NotADatabase),
    "newer": (lambda path: changed(path, "UPDATE alembic_version SET version_num = '9999'"), errors.DatabaseNewer),
    "no number": (lambda path: changed(path, "UPDATE alembic_version SET version_num = 'abc'"), errors.DatabaseNewer),
    "two versions": (
        lambda path: changed(path, "INSERT INTO alembic_version VALUES ('0001')"), errors.DatabaseIncomplete,
    ),
    "no version": (lambda path: changed(path, "DELETE FROM alembic_version"), errors.DatabaseIncomplete),
    "not stamped": (lambda path: changed(path, "DROP TABLE alembic_version"), errors.DatabaseIncomplete),
    "a table is missing": (lambda path: changed(path, "DROP TABLE phases"), errors.DatabaseIncomplete),
    "a folder": (into_a_folder, errors.UnusableDatabase),
    "another program's": (into_another_programs, errors.ForeignDatabase),
    "another program's by alembic": (into_another_programs_by_alembic, errors.ForeignDatabase),
}  # fmt: skip


@pytest.mark.parametrize("kind", SPOILT)
def test_a_database_that_cannot_be_used_is_one_sentence_and_is_not_touched(path: Path, kind: str) -> None:
    spoil, error = SPOILT[kind]
    spoil(path)
    before = path.read_bytes() if path.is_file() else None
    for what in (database_check.check, migrations.upgrade):
        with pytest.raises(errors.UnusableDatabase) as refused:
            what(f"sqlite:///{path}")
        assert type(refused.value) is error
        assert str(refused.value).startswith("The database ")
        assert "\n" not in str(refused.value)
    assert (path.read_bytes() if path.is_file() else None) == before


@pytest.mark.parametrize("spoil", [lambda path: path.unlink(), lambda path: os.truncate(path, 0)])
def test_a_database_that_is_empty_or_not_there_is_to_be_migrated(path: Path, spoil: Callable[[Path], object]) -> None:
    spoil(path)
    was_there = path.exists()
    with pytest.raises(errors.DatabaseOlder, match="run: tessera migrate"):
        database_check.check(f"sqlite:///{path}")
    assert path.exists() == was_there
    migrations.upgrade(f"sqlite:///{path}")
    assert database_check.check(f"sqlite:///{path}") == database_check.REVISIONS[-1]


def test_a_database_whose_folder_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(errors.UnusableDatabase, match="there is no folder"):
        database_check.check(f"sqlite:///{tmp_path}/none/tessera.db")


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "sqlite:///file:x?mode=memory&uri=true"])
def test_a_database_in_memory_is_one_sentence(url: str) -> None:
    for what in (database_check.check, migrations.upgrade, database.connect):
        with pytest.raises(errors.BadConfiguration, match="TESSERA_DATABASE_URL must name a file"):
            what(url)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_database_that_does_not_fit_is_not_said_to_be_away(new_database: Callable[[str], str], kind: str) -> None:
    engine = database.connect(new_database(kind))
    with pytest.raises(ProgrammingError), engine.connect() as connection:
        connection.execute(text("SELECT later FROM jobs"))
    engine.dispose()


def test_a_database_that_another_holds_does_not_answer_just_now(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.1)
    with closing(sqlite3.connect(path, isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        with pytest.raises(errors.DatabaseUnavailable, match="locked"):
            migrations.upgrade(f"sqlite:///{path}")


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_a_postgresql_that_cannot_hold_every_name_is_refused(postgresql: str, encoding: str) -> None:
    name = f"in_{encoding.lower()}"
    with psycopg.connect(postgresql, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0")
    url = make_url(postgresql).set(database=name).render_as_string(hide_password=False)
    for what in (database_check.check, migrations.upgrade):
        with pytest.raises(errors.DatabaseEncoding, match=f"is in {encoding}, .* UTF8"):
            what(url)


def test_a_postgresql_that_is_newer_or_foreign_or_absent_is_one_sentence(
    new_database: Callable[[str], str], postgresql: str
) -> None:
    url = new_database("postgresql")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        with pytest.raises(errors.DatabaseNewer, match="at version 9999"):
            migrations.upgrade(url)
        connection.execute("DROP TABLE jobs CASCADE")
        with pytest.raises(errors.ForeignDatabase, match="another program's"):
            migrations.upgrade(url)
    nowhere = make_url(postgresql).set(database="nowhere").render_as_string(hide_password=False)
    with pytest.raises(errors.DatabaseUnavailable, match='"nowhere" does not exist'):
        database_check.check(nowhere)


def called(tessera: str, path: Path, running: Any, *arguments: str) -> subprocess.CompletedProcess[str]:
    settings = {
        "DATABASE_URL": f"sqlite:///{path}", "REDIS_URL": running.url, "STORE": f"file://{path.parent}/store",
        "MODE": "embedded", "SECRET_KEY": "only for the tests, and long enough",
    }  # fmt: skip
    environment = os.environ | {f"TESSERA_{name}": value for name, value in settings.items()}
    return subprocess.run([tessera, *arguments], env=environment, capture_output=True, text=True, timeout=180)


@pytest.mark.parametrize("command", ["up", "web", "worker", "sweep", "migrate", "jobs list", "tiles list", "doctor"])
def test_every_command_that_opens_a_database_says_that_it_is_newer(
    tessera: str, path: Path, redis_running: Any, free_port: Callable[[], int], command: str
) -> None:
    changed(path, "UPDATE alembic_version SET version_num = '9999'")
    arguments = ["up", f"--data={path.parent}", f"--port={free_port()}"] if command == "up" else command.split()
    refused = called(tessera, path, redis_running, *arguments)
    said = refused.stdout if command == "doctor" else refused.stderr
    assert refused.returncode == (1 if command == "doctor" else 2)
    assert "The database is at version 9999, and this program knows none after" in said
    assert "Traceback" not in refused.stderr


# The secret key


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"fifteen-letters", b"\x00\xff" * 40, b"\x01" * 40, "ä".encode() * 20]
)
def test_a_secret_key_that_is_none_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "secret-key"
    path.write_bytes(content)
    with pytest.raises(errors.BadSecretKey, match=f"{path}.*[Rr]emove it"):
        up._secret(path)
    assert path.read_bytes() == content


def test_a_secret_key_that_is_a_folder_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(errors.BadSecretKey, match="directory"):
        up._secret(tmp_path)


def test_a_secret_key_that_was_open_to_all_is_shut(tmp_path: Path) -> None:
    path = tmp_path / "secret-key"
    made = up._secret(path)
    path.chmod(0o644)
    assert (up._secret(path), mode(path)) == (made, 0o600)


def test_a_secret_key_is_made_once_and_whole(tmp_path: Path) -> None:
    path = tmp_path / "secret-key"
    made = up._secret(path)
    assert (len(made), up._secret(path), mode(path)) == (64, made, 0o600)
    assert [each.name for each in tmp_path.iterdir()] == ["secret-key"]


# A database that was read-only for a while


@pytest.fixture
def anybodys(sqlite_template: Path) -> Iterator[Path]:
    """A database in a folder that everybody may use, to be opened by a user with fewer rights than the tests'."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o777)
        path = Path(shutil.copyfile(sqlite_template, Path(folder) / "tessera.db"))
        if os.geteuid() == 0:
            os.chown(path, NOBODY, NOBODY)
        yield path


def test_a_database_that_was_read_only_for_a_while_is_written_again(anybodys: Path) -> None:
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(NOBODY)
    try:
        anybodys.chmod(0o400)
        engine = database.connect(f"sqlite:///{anybodys}")
        sessions = database.sessions(engine)
        write = text("UPDATE jobs SET attempt = attempt")
        with pytest.raises(OperationalError), sessions.begin() as session:
            session.execute(write)
        anybodys.chmod(0o600)
        with sessions.begin() as session:
            session.execute(write)
        engine.dispose()
    finally:
        if is_root:
            os.seteuid(0)


def test_a_postgresql_that_was_read_only_for_a_while_is_written_again(new_database: Callable[[str], str]) -> None:
    url = new_database("postgresql")
    name, write = make_url(url).database, text("UPDATE jobs SET attempt = attempt")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        engine = database.connect(url)
        sessions = database.sessions(engine)
        with pytest.raises(OperationalError, match="read-only"), sessions.begin() as session:
            session.execute(write)
        connection.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
        with sessions.begin() as session:
            session.execute(write)
        engine.dispose()


# Other programs beside us


def ask(file: str, question: str) -> str:
    """Return what another program finds in a database, which it opens and closes."""
    program = "import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute(sys.argv[2]).fetchone()[0])"
    return subprocess.run(
        [sys.executable, "-c", program, file, question], capture_output=True, text=True, check=True
    ).stdout.strip()


def connect_twice(services: Services) -> None:
    engine = services.sessions.kw["bind"]
    with engine.connect(), engine.connect():
        pass


@pytest.mark.parametrize("meanwhile", [connect_twice, readiness.check_database])
def test_what_we_write_after_another_program_ended_is_seen_by_the_next(
    sqlite_services: Services, indexed: Callable[..., TileSet], meanwhile: Callable[[Services], object]
) -> None:
    """SQLite's last user deletes the log; who closes the database's file beside SQLite is no user any more."""
    file = make_url(sqlite_services.settings.database_url).database
    assert file is not None
    with sqlite_services.sessions() as session:
        session.execute(text("SELECT 1"))
    meanwhile(sqlite_services)
    assert ask(file, "SELECT count(*) FROM tile_sets") == "0"
    indexed(sqlite_services)
    assert ask(file, "SELECT count(*) FROM tile_sets") == "1"


# Nobody else's


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def open_to_all() -> Iterator[None]:
    """Write files as most people's shells let them be written."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.usefixtures("open_to_all")
def test_a_database_is_its_users_alone_new_or_old_with_what_lies_beside_it(tmp_path: Path, path: Path) -> None:
    path.chmod(0o644)
    for file in (path, tmp_path / "new.db"):
        engine = database.connect(f"sqlite:///{file}")
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE some (id INTEGER)"))
            beside = [each for each in tmp_path.iterdir() if each.name.startswith(file.name)]
            assert {mode(each) for each in beside} == {0o600}
            assert len(beside) == 3
        engine.dispose()


@pytest.mark.usefixtures("open_to_all")
def test_a_log_that_a_killed_process_left_open_to_all_is_shut(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        (path.parent / f"tessera.db{suffix}").touch()
        (path.parent / f"tessera.db{suffix}").chmod(0o666)
    engine = database.connect(f"sqlite:///{path}")
    with engine.connect():
        assert {mode(each) for each in path.parent.iterdir()} == {0o600}
    engine.dispose()


@pytest.mark.usefixtures("open_to_all")
def test_a_store_that_was_open_to_all_is_shut_with_all_of_ours_that_is_in_it(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    (folder / "a").mkdir(parents=True)
    (folder / "a/b").write_bytes(b"x")
    (folder / "holiday.jpg").write_bytes(b"somebody's")
    outside = tmp_path / "outside"
    outside.write_bytes(b"x")
    (folder / "link").symlink_to(outside)
    FolderStore(folder).keep_private(lambda key: key == "a/b")
    assert (mode(folder / "a"), mode(folder / "a/b"), mode(outside)) == (0o700, 0o600, 0o644)
    assert (mode(folder), mode(folder / "holiday.jpg")) == (0o755, 0o644)


@pytest.mark.usefixtures("open_to_all")
def test_a_folder_that_is_made_for_a_store_is_its_users_alone(tmp_path: Path) -> None:
    FolderStore(tmp_path / "new")
    assert mode(tmp_path / "new") == 0o700


def test_a_folder_that_is_everybodys_stays_so(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    private_files.shut(tmp_path)
    assert mode(tmp_path) == 0o1777


@pytest.mark.usefixtures("open_to_all")
def test_what_a_service_stores_is_its_users_alone(installation: Any, photos: dict[str, bytes]) -> None:
    services: Services = installation.services()
    assert installation.tile_set(dict(list(photos.items())[:3]))["job"]["state"] == "succeeded"
    folder = services.store.folder  # type: ignore[attr-defined]
    held = [folder, *folder.rglob("*")]
    assert {mode(each) for each in held if each.is_dir()} == {0o700}
    assert {mode(each) for each in held if each.is_file()} == {0o600}
