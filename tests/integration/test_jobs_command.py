"""`tessera jobs`, as an operator calls it, on SQLite and on PostgreSQL."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select

from cli.service import job_lines
from models import attempts, database, jobs, retrying
from models.errors import DamagedPicture, NotRetryable
from models.jobs import Lease
from models.placing import NewSource, StoredFile, place_batch, place_mosaic, place_tile_set
from models.queries import skipped_photos
from models.rules import blob_keys
from models.rules.lifecycle import JobState
from models.rules.orders import MosaicOrder
from models.rules.tile_set_words import SourceKind
from models.services import Services
from models.tables import Job, Mosaic, TileSet
from worker.jobs import garbage, sweep

Run = Callable[..., subprocess.CompletedProcess[str]]
HOUR = timedelta(hours=1)
ATTEMPT = """
import sys
from worker.jobs import attempt
from worker import context
from worker.indexing import job as indexing
attempt.run(context.services(), int(sys.argv[1]), indexing.index_tile_set)
"""
ORDER = MosaicOrder(cells_across=10)


@pytest.fixture
def settings(services: Services) -> dict[str, str]:
    """The installation's environment, but for its Redis, which the command never asks."""
    chosen = services.settings
    return {
        "TESSERA_MODE": "embedded", "TESSERA_DATABASE_URL": chosen.database_url,
        "TESSERA_REDIS_URL": "redis://127.0.0.1:1/0", "TESSERA_STORE": chosen.store,
        "TESSERA_SECRET_KEY": chosen.secret_key.get_secret_value(),
    }  # fmt: skip


@pytest.fixture
def run(tessera: str, settings: dict[str, str]) -> Run:
    """Run `tessera jobs` on the installation."""
    return lambda *words, **more: called(tessera, settings | more, *words)


def called(tessera: str, settings: dict[str, str], *words: object) -> subprocess.CompletedProcess[str]:
    return process([tessera, "jobs", *map(str, words)], settings)


def process(command: list[str], settings: dict[str, str]) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TESSERA_")}
    return subprocess.run(command, env=kept | settings, capture_output=True, text=True, timeout=120)


def refusal(ended: subprocess.CompletedProcess[str]) -> str:
    """The one sentence of a command that was refused."""
    assert (ended.returncode, ended.stdout) == (2, ""), ended
    (line,) = ended.stderr.splitlines()
    return line


def claim(services: Services, job_id: int) -> Lease:
    with services.sessions.begin() as session:
        lease = jobs.claim(session, job_id, database.now(session), HOUR)
    assert lease is not None
    return lease


def fail(services: Services, job_id: int) -> None:
    lease = claim(services, job_id)
    with services.sessions.begin() as session:
        jobs.fail(session, lease, database.now(session), DamagedPicture("Its pixels do not read."))
        attempts.note_phases(session, job_id, lease.attempt, {"reading": 0.25, "matching": 1.5})


def succeed(services: Services, job_id: int) -> None:
    lease = claim(services, job_id)
    with services.sessions.begin() as session:
        jobs.succeed(session, lease, database.now(session))


def cancel(services: Services, job_id: int) -> None:
    with services.sessions.begin() as session:
        jobs.cancel(session, [job_id], database.now(session))


def index(settings: dict[str, str], job_id: int) -> None:
    """Make an attempt at indexing, in a process of its own as a worker does."""
    ended = process([sys.executable, "-c", ATTEMPT, str(job_id)], settings)
    assert ended.returncode == 0, ended.stderr


def clear_garbage(services: Services) -> None:
    with services.sessions() as session:
        later = database.now(session) + 2 * HOUR
    garbage.collect(services, later)


def look(services: Services, job_id: int) -> Job:
    with services.sessions() as session:
        return session.get_one(Job, job_id)


def job_count(services: Services) -> int:
    with services.sessions() as session:
        return session.scalars(select(func.count(Job.id))).one()


@pytest.fixture
def tile_set(services: Services, indexed: Callable[..., TileSet]) -> UUID:
    """A tile set that the database believes to be indexed: job 1."""
    return indexed(services, name="holidays").id


@pytest.fixture
def order(services: Services, tile_set: UUID) -> Callable[[str], tuple[UUID, int]]:
    """Order a mosaic; return its id and its job's."""

    def place(name: str) -> tuple[UUID, int]:
        identity = uuid4()
        target = StoredFile(name, blob_keys.target(identity))
        with services.sessions.begin() as session:
            bell = place_mosaic(session, identity, tile_set, target, ORDER, services.ring_again)
        return identity, bell.job_id

    return place


Order = Callable[[str], tuple[UUID, int]]


# list


def test_the_list_has_a_line_for_each_job_the_newest_first(services: Services, order: Order, run: Run) -> None:
    _, failed = order("anna.jpg")
    _, queued = order("bert.jpg")
    fail(services, failed)
    head, *lines = [re.split(r" {2,}", line) for line in run("list").stdout.splitlines()]
    assert head == ["ID", "KIND", "LANE", "STATE", "ATTEMPT", "PROGRESS", "AGE", "FOR", "ERROR"]
    assert [[*line[:6], *line[7:]] for line in lines] == [
        [str(queued), "render", "interactive", "queued", "0", "0%", "bert.jpg"],
        [str(failed), "render", "interactive", "failed", "1", "0%", "anna.jpg", "damaged_picture"],
        ["1", "index", "indexing", "succeeded", "1", "100%", "holidays"],
    ]
    assert all(re.fullmatch(r"\d+ (s|min)", line[6]) for line in lines)


def test_the_phase_and_the_share_of_a_running_job_are_in_the_list(services: Services, order: Order, run: Run) -> None:
    lease = claim(services, order("anna.jpg")[1])
    with services.sessions.begin() as session:
        jobs.beat(session, lease, database.now(session), HOUR, "composing", 0.55)
    assert "  composing 55%  " in run("list", "--state", "running").stdout


def test_the_list_keeps_to_the_states_and_the_number_asked_for(services: Services, order: Order, run: Run) -> None:
    ids = [order(f"{number}.jpg")[1] for number in range(4)]
    fail(services, ids[0])
    cancel(services, ids[1])

    def listed(*words: str) -> list[int]:
        return [job["id"] for job in json.loads(run("list", "--json", *words).stdout)]

    assert listed("--state", "failed", "--state", "cancelled") == [ids[1], ids[0]]
    assert listed("--limit", "2") == [ids[3], ids[2]]
    assert run("list", "--state", "running").stdout == "There are no such jobs.\n"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(-1, "0 s"), (59.9, "59 s"), (60, "1 min"), (7_199, "1 h"), (86_399, "23 h"), (86_400, "1 d"), (345_600, "4 d")],
)
def test_an_age_is_told_in_its_largest_unit(seconds: float, shown: str) -> None:
    assert job_lines.age(timedelta(seconds=seconds)) == shown


# show


def test_one_job_is_shown_with_its_mosaic_its_error_and_its_attempts(
    services: Services, order: Order, run: Run
) -> None:
    mosaic_id, job_id = order("anna.jpg")
    fail(services, job_id)
    shown = json.loads(run("show", job_id, "--json").stdout)
    row = look(services, job_id)
    assert shown["for"] == {"what": "mosaic", "id": str(mosaic_id), "name": "anna.jpg"}
    assert shown["error"] == {"code": "damaged_picture", "detail": "Its pixels do not read."}
    assert (shown["state"], shown["failed_rings"], shown["request_id"]) == ("failed", 0, None)
    assert abs(datetime.fromisoformat(shown["finished_at"]) - row.finished_at) < timedelta(milliseconds=2)
    assert shown["created_at"].endswith("+00:00")
    (made,) = shown["attempts"]
    assert (made["number"], made["outcome"]) == (1, "failed")
    assert made["phases"] == {"reading": 0.25, "matching": 1.5}


def test_one_job_is_shown_to_people_line_by_line(services: Services, order: Order, run: Run) -> None:
    mosaic_id, job_id = order("anna.jpg")
    fail(services, job_id)
    shown = run("show", job_id).stdout
    assert re.search(rf"^for +mosaic {mosaic_id}, anna.jpg$", shown, re.MULTILINE)
    assert re.search(r"^error +damaged_picture: Its pixels do not read.$", shown, re.MULTILINE)
    assert re.search(r"^request id +-$", shown, re.MULTILINE)
    assert re.search(r"^attempt 1: waited [\d.]+ s, began \S+\+00:00, failed \S+\+00:00$", shown, re.MULTILINE)
    assert re.search(r"^  matching +1.50 s$", shown, re.MULTILINE)


def test_the_token_of_a_lease_is_not_shown(services: Services, order: Order, run: Run) -> None:
    lease = claim(services, order("anna.jpg")[1])
    for words in (("list", "--json"), ("show", lease.job_id), ("show", lease.job_id, "--json")):
        assert lease.token not in run(*words).stdout


@pytest.mark.parametrize("command", ["show", "cancel", "retry"])
def test_a_job_that_does_not_exist_is_one_sentence(run: Run, command: str) -> None:
    assert refusal(run(command, 17)) == "tessera: There is no job 17."


# cancel


def test_cancel_says_of_each_job_what_became_of_it(services: Services, order: Order, run: Run) -> None:
    queued, failed = order("anna.jpg")[1], order("bert.jpg")[1]
    fail(services, failed)
    ended = run("cancel", queued, failed, 1)
    assert ended.stdout.splitlines() == [
        f"Job {queued} is cancelled.", f"Job {failed} was failed already.", "Job 1 was succeeded already.",
    ]  # fmt: skip
    assert ended.returncode == 0
    assert look(services, queued).state is JobState.CANCELLED
    assert look(services, failed).state is JobState.FAILED


def test_one_unknown_id_does_not_keep_the_other_jobs_from_being_cancelled(
    services: Services, order: Order, run: Run
) -> None:
    _, job_id = order("anna.jpg")
    ended = run("cancel", 404, job_id)
    assert (ended.returncode, ended.stdout) == (2, f"Job {job_id} is cancelled.\n")
    assert ended.stderr == "tessera: There is no job 404.\n"
    assert look(services, job_id).state is JobState.CANCELLED


# retry


@pytest.mark.parametrize("end", [fail, cancel])
def test_a_retried_mosaic_keeps_its_address_and_is_rung_for_by_the_next_sweep(
    services: Services, order: Order, run: Run, redis_running: Any, end: Callable[[Services, int], None]
) -> None:
    mosaic_id, job_id = order("anna.jpg")
    end(services, job_id)
    assert run("retry", job_id).stdout == f"Job {job_id} is tried again as job {job_id + 1}.\n"
    with services.sessions() as session:
        job = session.get_one(Mosaic, mosaic_id).job
    assert (job.id, job.kind.value, job.lane, job.state) == (job_id + 1, "tessera.render", "interactive", "queued")
    assert look(services, job_id).state.final
    assert sweep.sweep(services) == 1
    assert redis_running.client.llen("interactive") == 1
    assert claim(services, job_id + 1).attempt == 1


def test_a_retried_mosaic_of_a_batch_keeps_its_place_and_its_lane(
    services: Services, tile_set: UUID, run: Run
) -> None:
    batch_id = uuid4()
    targets = [StoredFile(f"{number}.jpg", blob_keys.batch_target(batch_id, number)) for number in range(3)]
    with services.sessions.begin() as session:
        bells = place_batch(session, batch_id, "guests", tile_set, targets, ORDER, services.ring_again)
    fail(services, bells[1].job_id)
    assert run("retry", bells[1].job_id).returncode == 0
    with services.sessions() as session:
        mosaics = session.scalars(select(Mosaic).where(Mosaic.batch_id == batch_id).order_by(Mosaic.number)).all()
        assert [(mosaic.number, mosaic.target_name) for mosaic in mosaics] == [
            (0, "0.jpg"), (1, "1.jpg"), (2, "2.jpg"),
        ]  # fmt: skip
        assert [mosaic.job_id for mosaic in mosaics] == [bells[0].job_id, bells[2].job_id + 1, bells[2].job_id]
        assert mosaics[1].job.lane == "bulk"


def test_a_retried_tile_set_goes_on_where_it_stopped_and_has_one_report(
    services: Services, settings: dict[str, str], run: Run
) -> None:
    identity = uuid4()
    upload = NewSource(SourceKind.PHOTO, "notes.txt", blob_keys.upload(identity, "0"))
    services.store.put(upload.address, b"no picture at all")
    with services.sessions.begin() as session:
        bell = place_tile_set(session, identity, "holidays", [upload], services.ring_again)
    index(settings, bell.job_id)
    clear_garbage(services)

    def report() -> tuple[int, list[str]]:
        with services.sessions() as session:
            lines = skipped_photos(session, identity)
            return session.get_one(TileSet, identity).skipped_count, [line.name for line in lines]

    assert report() == (1, ["notes.txt"])
    assert run("retry", bell.job_id).returncode == 0
    assert report() == (1, ["notes.txt"])
    index(settings, bell.job_id + 1)
    assert look(services, bell.job_id + 1).error_code == "no_usable_tiles"
    assert report() == (1, ["notes.txt"])


def test_the_targets_of_a_failed_mosaic_outlive_the_garbage(services: Services, order: Order, run: Run) -> None:
    mosaic_id, job_id = order("anna.jpg")
    services.store.put(blob_keys.target(mosaic_id), b"a picture")
    fail(services, job_id)
    clear_garbage(services)
    assert run("retry", job_id).returncode == 0
    assert services.store.get(blob_keys.target(mosaic_id)) == b"a picture"


@pytest.mark.parametrize(
    ("begin", "state"),
    [(lambda *_: None, "queued"), (claim, "running"), (succeed, "succeeded")],
    ids=["queued", "running", "succeeded"],
)
def test_only_what_failed_or_was_cancelled_is_tried_again(
    services: Services, order: Order, run: Run, begin: Callable[[Services, int], object], state: str
) -> None:
    mosaic_id, job_id = order("anna.jpg")
    begin(services, job_id)
    said = f"tessera: Job {job_id} is {state}; only a failed or cancelled job can be tried again."
    assert refusal(run("retry", job_id)) == said
    with services.sessions() as session:
        assert session.get_one(Mosaic, mosaic_id).job_id == job_id


def test_a_job_is_tried_again_once(services: Services, order: Order, run: Run) -> None:
    _, job_id = order("anna.jpg")
    fail(services, job_id)
    run("retry", job_id)
    count = job_count(services)
    said = f"tessera: Job {job_id} was tried again already; what it was for has a newer job."
    assert refusal(run("retry", job_id)) == said
    assert job_count(services) == count
    assert json.loads(run("show", job_id, "--json").stdout)["for"] is None


def test_of_eight_that_try_again_at_once_one_wins(services: Services, order: Order) -> None:
    def retry(job_id: int) -> int:
        try:
            with services.sessions.begin() as session:
                retrying.place_again(session, job_id)
        except NotRetryable:
            return 0
        return 1

    with ThreadPoolExecutor(8) as pool:
        for number in range(5):
            _, job_id = order(f"{number}.jpg")
            cancel(services, job_id)
            count = job_count(services)
            assert sum(pool.map(retry, [job_id] * 8)) == 1
            assert job_count(services) == count + 1


# Which database


def test_the_folder_of_a_tessera_up_can_be_named(
    tessera: str, sqlite_services: Services, tmp_path: Path, new_database: Callable[[str], str]
) -> None:
    path = Path(new_database("sqlite").removeprefix("sqlite:///"))
    named = called(tessera, {}, "--data", path.parent, "list")
    assert (named.returncode, named.stdout) == (0, "There are no such jobs.\n")
    default = tmp_path / "tessera"
    default.symlink_to(path.parent)
    assert called(tessera, {"XDG_DATA_HOME": str(tmp_path)}, "list").returncode == 0


def test_a_folder_without_a_database_is_one_sentence(tessera: str, tmp_path: Path) -> None:
    said = refusal(called(tessera, {}, "--data", tmp_path, "list"))
    assert said.startswith(f"tessera: There is no database {tmp_path}/tessera.db; name the folder")
    assert not (tmp_path / "tessera.db").exists()


@pytest.mark.parametrize("content", [b"", b"no database at all, but longer than a header of SQLite " * 20])
def test_a_file_that_is_no_database_of_ours_is_one_sentence(tessera: str, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "tessera.db").write_bytes(content)
    assert refusal(called(tessera, {}, "--data", tmp_path, "list")).startswith("tessera: The database ")


def test_a_database_that_is_not_migrated_names_the_command(tessera: str, run: Run, postgresql: str) -> None:
    said = refusal(run("list", TESSERA_DATABASE_URL=postgresql))
    assert said.startswith("tessera: The database is not at the newest version (")
    assert said.endswith("run: tessera migrate")


def test_a_database_that_does_not_answer_is_one_sentence(run: Run) -> None:
    said = refusal(run("retry", 1, TESSERA_DATABASE_URL="postgresql://nobody:secret@127.0.0.1:1/none"))
    assert said.startswith("tessera: The database cannot be used: ")
    assert "secret" not in said


def test_a_server_without_its_settings_is_one_sentence(run: Run) -> None:
    assert "TESSERA_STORE" in refusal(run("list", TESSERA_STORE=""))


def test_help_needs_no_database(tessera: str, tmp_path: Path) -> None:
    assert called(tessera, {}, "--data", tmp_path, "list", "--help").returncode == 0
