"""Whose a store is: both sides carry one id, and people join what does not."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from click import Context
from click.testing import CliRunner, Result

from cli.main import tessera as command
from models.errors import StoreEmptied, StoreOfAnother
from models.rules import blob_keys
from models.services import Services, open_services
from models.storage import Blob, Store, open_store
from models.store_ownership import Bond
from models.tables import Tile, TileSet
from web.app import assemble
from worker.jobs import garbage, trash

NOW = datetime.now(UTC)
DRAW = """
from models import settings
from models.services import open_services
opened = open_services(settings.load())
print(opened.belonging.look(), opened.belonging.identity())
"""
CONTENT = b"\x01" * 32


@pytest.fixture(params=["folder", "s3"])
def here(request: pytest.FixtureRequest, services: Services, tmp_path: Path) -> Services:
    """Services on each database, and on each kind of store."""
    if request.param == "folder":
        return services
    address = f"s3://{request.getfixturevalue('s3').new_bucket()}/here"
    return open_services(services.settings.model_copy(update={"store": address, "cache": str(tmp_path / "cache")}))


@pytest.fixture
def other(new_database: Callable[[str], str], here: Services) -> Services:
    """Another database on the same store."""
    return open_services(here.settings.model_copy(update={"database_url": new_database("sqlite")}))


def beside(services: Services, key: str, data: bytes = b"x") -> None:
    """Put something into the store as somebody else would."""
    open_store(services.settings.store, Path("/nowhere"), 0).put(key, data)


def test_an_empty_store_is_joined_by_the_first_look(here: Services) -> None:
    assert here.belonging.look() is Bond.OURS
    assert here.store.get(blob_keys.INSTALLATION).decode() == str(here.belonging.identity())


def test_an_empty_store_is_joined_before_the_first_blob_is_written(here: Services) -> None:
    here.store.put(blob_keys.target(uuid4()), b"x")
    assert here.belonging.look() is Bond.OURS


def test_a_store_that_holds_anything_is_not_joined_and_all_works(here: Services) -> None:
    beside(here, "holiday.jpg")
    here.store.put(blob_keys.target(uuid4()), b"x")
    assert here.belonging.look() is Bond.UNMARKED
    assert not here.store.holds(blob_keys.INSTALLATION)


def test_anothers_store_is_read_and_never_written(here: Services, other: Services) -> None:
    key = blob_keys.target(uuid4())
    other.store.put(key, b"theirs")
    assert here.belonging.look() is Bond.ANOTHERS
    with pytest.raises(StoreOfAnother):
        here.store.put(key, b"ours")
    assert here.store.get(key) == b"theirs"


def test_an_id_that_is_damaged_is_anothers(here: Services) -> None:
    beside(here, blob_keys.INSTALLATION, b"\xff not an id")
    assert here.belonging.look() is Bond.ANOTHERS


def test_a_database_that_counts_fewer_looks_than_its_store_is_older(here: Services) -> None:
    here.belonging.look()
    here.belonging.begin_look(NOW)
    assert here.belonging.look() is Bond.OURS
    beside(here, blob_keys.generation(here.belonging.identity()), b"2")
    assert here.belonging.look() is Bond.OLDER
    here.belonging.adopt()
    assert here.belonging.look() is Bond.OURS
    here.belonging.begin_look(NOW)
    assert here.belonging.look() is Bond.OURS


def test_threads_that_look_while_others_count_never_find_the_store_newer(here: Services) -> None:
    here.belonging.look()
    with ThreadPoolExecutor(4) as pool:
        counting = [pool.submit(here.belonging.begin_look, NOW) for _ in range(20)]
        looks = [pool.submit(here.belonging.look) for _ in range(40)]
        assert {look.result() for look in looks} == {Bond.OURS}
        for each in counting:
            each.result()


def test_processes_that_start_at_once_draw_one_id(services: Services) -> None:
    environment = os.environ | {
        "TESSERA_MODE": "embedded", "TESSERA_REDIS_URL": "redis://127.0.0.1", "TESSERA_SECRET_KEY": "x" * 32,
        "TESSERA_DATABASE_URL": services.settings.database_url, "TESSERA_STORE": services.settings.store,
    }  # fmt: skip
    started = [
        subprocess.Popen([sys.executable, "-c", DRAW], env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    assert {process.communicate()[0] for process in started} == {f"ok {services.belonging.identity()}\n"}


def test_two_databases_that_meet_in_an_empty_store_do_not_both_get_it(here: Services, other: Services) -> None:
    with ThreadPoolExecutor(2) as pool:
        bonds = list(pool.map(lambda each: each.belonging.look(), [here, other]))
    assert sorted(bonds) == sorted([Bond.OURS, Bond.ANOTHERS])


def test_who_adopts_a_store_takes_it_from_the_other(here: Services, other: Services) -> None:
    other.belonging.look()
    here.belonging.adopt()
    assert (here.belonging.look(), other.belonging.look()) == (Bond.OURS, Bond.ANOTHERS)


def emptied(services: Services) -> Services:
    """Return the services of a process that starts when the store's disk is no longer mounted."""
    services.store.put(blob_keys.target(uuid4()), b"x")
    garbage.collect(services, NOW)
    services.store.delete([blob.key for blob in services.store.list()])
    return open_services(services.settings)


def test_a_store_that_held_something_and_is_empty_is_not_begun_anew(here: Services) -> None:
    here = emptied(here)
    assert here.belonging.look() is Bond.EMPTIED
    with pytest.raises(StoreEmptied, match="its disk may not be mounted"):
        here.store.put(blob_keys.target(uuid4()), b"x")
    garbage.collect(here, NOW)
    assert list(here.store.list()) == []
    assert ready(here) == (503, "store_emptied")
    assert run(here, "adopt", "--yes").exit_code == 0
    assert here.belonging.look() is Bond.OURS


def test_a_store_that_was_never_counted_and_is_gone_is_not_begun_anew(
    here: Services, indexed: Callable[..., TileSet]
) -> None:
    here.store.put(blob_keys.target(uuid4()), b"x")
    indexed(here)
    here.store.delete([blob.key for blob in here.store.list()])
    # Not within the minute either for which a process trusts what it saw: one of its threads looked again.
    for ask in (here.belonging.check_safe, lambda: here.store.put(blob_keys.target(uuid4()), b"x")):
        with pytest.raises(StoreEmptied):
            ask()


class Meeting:
    """A store, and somebody who joins it as soon as another has read that nobody did."""

    def __init__(self, store: Store, join: Callable[[], object]) -> None:
        self._store, self._join = store, join

    def list(self) -> Iterator[Blob]:
        self._join()
        return self._store.list()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def test_a_store_that_somebody_joins_while_it_is_looked_at_is_seen_as_theirs(here: Services, other: Services) -> None:
    assert replace(here, store=Meeting(here.store, other.belonging.look)).belonging.look() is Bond.ANOTHERS


def ready(services: Services) -> tuple[int, str]:
    answer = assemble(services).test_client().get("/readyz")
    said = answer.get_json()
    return answer.status_code, said["troubles"][0]["code"] if said["troubles"] else said["store"]


def test_a_service_is_ready_as_long_as_what_it_stores_is_safe(here: Services, other: Services) -> None:
    beside(here, "holiday.jpg")
    assert ready(here) == (200, "not joined")
    here.belonging.adopt()
    assert ready(here) == (200, "ok")
    beside(here, blob_keys.generation(here.belonging.identity()), b"5")
    assert ready(here) == (200, "newer than the database")
    assert ready(other) == (503, "store_of_another")


def run(services: Services, *words: str, say: str = "") -> Result:
    chosen = services.settings
    environment = {
        "TESSERA_MODE": "embedded", "TESSERA_REDIS_URL": "redis://127.0.0.1", "TESSERA_SECRET_KEY": "x" * 32,
        "TESSERA_DATABASE_URL": chosen.database_url, "TESSERA_STORE": chosen.store, "TESSERA_CACHE": chosen.cache,
        "TESSERA_LITTER_GRACE_SECONDS": "0",
    }  # fmt: skip
    return CliRunner().invoke(command, words, input=say, env=environment)


@pytest.fixture
def upgraded(here: Services, indexed: Callable[..., TileSet]) -> Services:
    """An installation from before there were ids: eleven blobs that rows name, one that none does, a foreign file."""
    made = indexed(here, [bytes([number]) * 32 for number in range(10)])
    for number in range(10):
        beside(here, blob_keys.tile(made.id, f"{number:02x}" * 32))
    assert made.current is not None
    beside(here, made.current.index_key)
    beside(here, blob_keys.target(uuid4()))
    beside(here, "holiday.jpg")
    return here


def test_adopt_shows_what_the_store_holds_and_asks(upgraded: Services) -> None:
    said = run(upgraded, "adopt", say="n\n")
    assert said.exit_code == 1
    words = " ".join(said.output.split())
    assert "(not joined)" in words
    assert "11 blobs, 0.0 MiB, that the database names, which stay" in words
    assert "1 blobs, 0.0 MiB, that it does not know, which go to the trash" in words
    assert "1 files are not Tessera's" in words
    assert upgraded.belonging.look() is Bond.UNMARKED
    assert run(upgraded, "adopt", say="y\n").exit_code == 0
    assert upgraded.belonging.look() is Bond.OURS
    assert "there is nothing to do" in run(upgraded, "adopt").output


def test_adopt_refuses_a_store_of_which_the_database_names_nothing(upgraded: Services, other: Services) -> None:
    said = run(other, "adopt", "--yes")
    assert (said.exit_code, "names none of the 12 blobs" in said.output) == (2, True)
    assert other.belonging.look() is Bond.UNMARKED


def test_adopt_refuses_to_write_over_somebodys_file(upgraded: Services) -> None:
    beside(upgraded, blob_keys.INSTALLATION, b"my own notes")
    said = run(upgraded, "adopt", "--yes")
    assert (said.exit_code, "is no installation's id" in said.output) == (2, True)
    assert upgraded.store.get(blob_keys.INSTALLATION) == b"my own notes"


def test_adopt_without_an_answer_changes_nothing(upgraded: Services) -> None:
    assert run(upgraded, "adopt").exit_code == 1
    assert upgraded.belonging.look() is Bond.UNMARKED


def test_garbage_is_shown_and_cleared_once_on_request(here: Services) -> None:
    strange = [blob_keys.target(uuid4()) for _ in range(20)]
    for key in strange:
        here.store.put(key, b"x")
    shown = run(here, "garbage")
    assert "20 are unknown to the database" in shown.output
    assert "So many are unknown that no sweep takes any" in shown.output
    assert sorted(json.loads(run(here, "garbage", "--json").output)["unknown"]) == sorted(strange)
    assert run(here, "garbage", "--clear", say="n\n").exit_code == 1
    assert list(trash.entries(here.store)) == []
    assert "20 blobs are in the trash." in run(here, "garbage", "--clear", "--yes").output
    here.store.put(blob_keys.target(uuid4()), b"one more")
    garbage.collect(
        replace(here, settings=here.settings.model_copy(update={"litter_grace_seconds": 0})),
        datetime.now(UTC) + timedelta(seconds=5),
    )
    assert len(list(trash.entries(here.store))) == 21


def test_garbage_answers_to_its_former_name_which_no_list_shows(here: Services) -> None:
    here.store.put(blob_keys.target(uuid4()), b"x")
    answers = [run(here, name, "--json") for name in ("garbage", "litter")]
    assert [answer.exit_code for answer in answers] == [0, 0]
    assert answers[0].output == answers[1].output
    assert "litter" not in run(here, "--help").output
    assert "litter" not in command.list_commands(Context(command))


def test_garbage_is_not_cleared_from_a_store_that_is_not_joined(here: Services) -> None:
    beside(here, blob_keys.target(uuid4()))
    said = run(here, "garbage", "--clear", "--yes")
    assert (said.exit_code, "no installation's id" in said.output) == (2, True)
    assert list(trash.entries(here.store)) == []


def test_the_trash_is_listed_restored_and_emptied(here: Services) -> None:
    first, second, third = (blob_keys.target(uuid4()) for _ in range(3))
    for key in (first, second, third):
        here.store.put(key, key.encode())
    run(here, "garbage", "--clear", "--yes")
    listed = run(here, "trash", "list").output
    assert [key in listed for key in (first, second, third)] == [True] * 3
    assert {each["key"] for each in json.loads(run(here, "trash", "list", "--json").output)} == {first, second, third}
    assert "1 blobs are back." in run(here, "trash", "restore", first.removesuffix("/target")).output
    assert here.store.get(first) == first.encode()
    here.store.put(second, b"newer")
    assert "1 blobs are back; 1 are there anyway." in run(here, "trash", "restore", "--all").output
    assert (here.store.get(second), here.store.get(third)) == (b"newer", third.encode())
    assert run(here, "trash", "empty", say="n\n").exit_code == 1
    assert "0 blobs" in run(here, "trash", "empty", "--older-than", "1", "--yes").output
    assert "1 blobs" in run(here, "trash", "empty", "--yes").output
    assert "The trash is empty." in run(here, "trash", "list").output


def test_what_a_row_names_again_is_not_deleted_with_the_trash(
    here: Services, indexed: Callable[..., TileSet]
) -> None:
    made = indexed(here, [CONTENT])
    named, older, strange = (
        blob_keys.tile(made.id, CONTENT.hex()),
        blob_keys.tile(made.id, "ff" * 32),
        blob_keys.target(uuid4()),
    )
    for key in (named, older, strange):
        here.store.put(key, key.encode())
    assert len(trash.throw(here.store, [named, older, strange], NOW, by_hand=False)) == 3
    with here.sessions.begin() as session:
        session.add(Tile(tile_set_id=made.id, content="ff" * 32, name="again.jpg"))
    here.store.put(older, b"sent again")
    said = run(here, "trash", "empty", "--yes").output
    assert "2 blobs, 0.0 MiB, are deleted; 1 that rows name come back at the next sweep." in said
    garbage.collect(here, NOW + timedelta(seconds=5))
    assert (here.store.get(named), here.store.get(older)) == (named.encode(), b"sent again")


@pytest.mark.parametrize("words", [["restore"], ["restore", "--all", "x"], ["restore", "nowhere"]])
def test_what_cannot_be_restored_is_said_in_a_sentence(sqlite_services: Services, words: list[str]) -> None:
    said = run(sqlite_services, "trash", *words)
    assert (said.exit_code, said.output.startswith("tessera: ")) == (2, True)


def test_a_store_that_is_not_joined_has_no_trash_to_empty(here: Services) -> None:
    key = blob_keys.thrown(blob_keys.target(uuid4()), NOW)
    beside(here, key)
    assert run(here, "trash", "empty", "--yes").exit_code == 2
    assert here.store.holds(key)


def test_an_id_is_a_uuid(sqlite_services: Services) -> None:
    assert UUID(str(sqlite_services.belonging.identity())).version == 4
