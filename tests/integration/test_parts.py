"""The parts of a tile set that is being indexed: their life in the rows, on SQLite and on PostgreSQL."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, text, update

from models import jobs, parts, queries, tile_set_versions
from models.errors import LeaseLost, NotReady
from models.parts import Listing, PartLease
from models.placing import NewSource, place_photos, place_tile_set
from models.rules.lifecycle import NEXT_OF_PART, PartState
from models.rules.tile_set_words import SourceKind
from models.services import Services
from models.tables import Part, Source, Tile, TileSet

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SPAN = timedelta(seconds=30)
ATTEMPTS = 3
ANNA, BEN = (bytes([number]) * 32 for number in (1, 2))


@pytest.fixture
def tile_set(services: Services) -> UUID:
    """A tile set whose job runs, in four parts of ten photos."""
    identity = uuid4()
    with services.sessions.begin() as session:
        bell = place_tile_set(session, identity, "p", [NewSource(SourceKind.PHOTO, "p", "k")], services.ring_again)
        assert jobs.claim(session, bell.job_id, NOON, SPAN) is not None
    lay_out(services, identity, 4)
    return identity


def lay_out(services: Services, tile_set: UUID, count: int) -> None:
    with services.sessions.begin() as session:
        source = session.scalars(select(Source.id).where(Source.tile_set_id == tile_set)).all()
        parts.lay_out(session, tile_set, source, [Listing(f"list-{number}", 10) for number in range(count)])


def claim(services: Services, tile_set: UUID, now: datetime = NOON) -> PartLease | None:
    with services.sessions.begin() as session:
        return parts.claim(session, tile_set, now, SPAN, ATTEMPTS)


def held(services: Services, tile_set: UUID, now: datetime = NOON) -> PartLease:
    lease = claim(services, tile_set, now)
    assert lease is not None
    return lease


def look(services: Services, lease: PartLease) -> Part:
    with services.reading() as session:
        return session.get_one(Part, lease.part_id)


def finish(services: Services, lease: PartLease, key: str = "arrays") -> None:
    with services.sessions.begin() as session:
        parts.finish(session, lease, NOON, key)


def cancel(services: Services, tile_set: UUID) -> None:
    with services.sessions.begin() as session:
        jobs.cancel(session, [session.get_one(TileSet, tile_set).job_id], NOON)


def test_parts_are_taken_in_their_order_each_once(services: Services, tile_set: UUID) -> None:
    taken = [held(services, tile_set) for _ in range(4)]
    assert [(lease.number, lease.attempt, lease.listing_key) for lease in taken] == [
        (number, 1, f"list-{number}") for number in range(4)
    ]
    assert claim(services, tile_set) is None


def test_of_sixteen_who_ask_at_once_no_two_get_the_same_part(services: Services, tile_set: UUID) -> None:
    with ThreadPoolExecutor(16) as pool:
        taken = list(pool.map(lambda _: claim(services, tile_set), range(16)))
    assert sorted(lease.number for lease in taken if lease is not None) == [0, 1, 2, 3]


def test_a_part_that_somebody_holds_locked_does_not_keep_others_from_the_next(postgresql_services: Services) -> None:
    services, identity = postgresql_services, uuid4()
    with services.sessions.begin() as session:
        bell = place_tile_set(session, identity, "p", [NewSource(SourceKind.PHOTO, "p", "k")], services.ring_again)
        assert jobs.claim(session, bell.job_id, NOON, SPAN) is not None
    lay_out(services, identity, 2)
    with services.sessions() as frozen:
        frozen.execute(update(Part).where(Part.tile_set_id == identity, Part.number == 0).values(photo_count=11))
        with services.sessions.begin() as session:
            session.execute(text("SET LOCAL lock_timeout = '5s'"))
            lease = parts.claim(session, identity, NOON, SPAN, ATTEMPTS)
    assert lease is not None
    assert lease.number == 1


def test_a_part_whose_lease_ran_out_is_taken_by_the_next_who_asks(services: Services, tile_set: UUID) -> None:
    for _ in range(4):
        old = held(services, tile_set)
    assert claim(services, tile_set, NOON + SPAN) is None
    new = held(services, tile_set, NOON + SPAN + timedelta(seconds=1))
    assert (new.number, new.attempt) == (0, 2)
    assert old.number == 3


def test_an_old_attempt_can_neither_beat_nor_close_a_new_one(services: Services, tile_set: UUID) -> None:
    old = held(services, tile_set)
    new = held(services, tile_set, NOON + 2 * SPAN)
    assert new.part_id == old.part_id
    for write in (
        lambda session: parts.beat(session, old, NOON, SPAN, 5),
        lambda session: parts.finish(session, old, NOON, "old"),
        lambda session: parts.give_back(session, old),
    ):
        with pytest.raises(LeaseLost), services.sessions.begin() as session:
            write(session)
    finish(services, new, "new")
    part = look(services, new)
    assert (part.state, part.index_key, part.attempt, part.done_count) == (PartState.DONE, "new", 2, 10)


def test_a_beat_holds_a_part_and_says_how_far_it_is(services: Services, tile_set: UUID) -> None:
    lease = held(services, tile_set)
    with services.sessions.begin() as session:
        parts.beat(session, lease, NOON + SPAN, SPAN, 7)
    assert held(services, tile_set, NOON + SPAN + timedelta(seconds=1)).number == 1
    assert look(services, lease).done_count == 7


def test_who_takes_a_part_again_begins_it_anew(services: Services, tile_set: UUID) -> None:
    lease = held(services, tile_set)
    with services.sessions.begin() as session:
        parts.beat(session, lease, NOON, SPAN, 7)
    again = held(services, tile_set, NOON + 2 * SPAN)
    assert (again.number, look(services, again).done_count) == (0, 0)


def test_what_is_given_back_is_free_and_not_charged(services: Services, tile_set: UUID) -> None:
    lease = held(services, tile_set)
    with services.sessions.begin() as session:
        parts.give_back(session, lease)
    part = look(services, lease)
    assert (part.state, part.attempt, part.lease_token) == (PartState.OPEN, 0, None)
    again = held(services, tile_set)
    assert (again.number, again.attempt) == (0, 1)
    assert again.name != lease.name


def test_what_was_forgiven_meanwhile_is_given_back_all_the_same(services: Services, tile_set: UUID) -> None:
    lease = held(services, tile_set)
    with services.sessions.begin() as session:
        parts.forgive(session, tile_set)
    with services.sessions.begin() as session:
        parts.give_back(session, lease)
    part = look(services, lease)
    assert (part.state, part.attempt) == (PartState.OPEN, 0)


def test_who_closes_a_part_keeps_others_from_its_set_until_all_is_written(
    postgresql_services: Services, indexed: Callable[..., TileSet]
) -> None:
    services = postgresql_services
    identity = indexed(services, [ANNA, BEN]).id
    with services.sessions.begin() as session:
        bell = place_photos(session, identity, [NewSource(SourceKind.PHOTO, "p", "k")], services.ring_again)
        assert jobs.claim(session, bell.job_id, NOON, SPAN) is not None
    lay_out(services, identity, 1)
    lease = held(services, identity)

    def remove() -> None:
        with services.sessions.begin() as session:
            tile_set_versions.remove(session, identity, ANNA.hex(), NOON)

    with ThreadPoolExecutor(1) as other:
        with services.sessions.begin() as session:
            parts.finish(session, lease, NOON, "arrays")
            waiting = other.submit(remove)
            with pytest.raises(TimeoutError):
                waiting.result(0.5)
            session.execute(update(Tile).where(Tile.content == ANNA.hex()).values(stamp="1:1"))
            session.execute(update(TileSet).where(TileSet.id == identity).values(skipped_count=1))
        waiting.result(10)
    assert look(services, lease).state == PartState.DONE


def test_two_who_add_photos_at_once_do_not_both_begin(
    postgresql_services: Services, indexed: Callable[..., TileSet]
) -> None:
    services = postgresql_services
    identity = indexed(services, [ANNA]).id
    source = [NewSource(SourceKind.PHOTO, "p", "k")]
    with services.sessions.begin() as early:
        seen = queries.find_tile_set(early, identity)
        with services.sessions.begin() as session:
            place_photos(session, identity, source, services.ring_again)
        with pytest.raises(NotReady):
            place_photos(early, seen.id, source, services.ring_again)


def test_a_part_that_was_lost_three_times_is_given_up_until_somebody_asks_again(
    services: Services, tile_set: UUID
) -> None:
    later = NOON
    for attempt in (1, 2, 3):
        assert held(services, tile_set, later).attempt == attempt
        later += 2 * SPAN
    with services.reading() as session:
        assert parts.hopeless(session, tile_set, later, ATTEMPTS) == 1
        assert parts.hopeless(session, tile_set, later - 2 * SPAN, ATTEMPTS) == 0
    assert held(services, tile_set, later).number == 1
    with services.sessions.begin() as session:
        parts.forgive(session, tile_set)
    assert held(services, tile_set, later).number == 0


def test_nobody_works_on_what_was_cancelled(services: Services, tile_set: UUID) -> None:
    lease = held(services, tile_set)
    cancel(services, tile_set)
    assert claim(services, tile_set) is None
    for write in (
        lambda session: parts.beat(session, lease, NOON, SPAN, 5),
        lambda session: parts.finish(session, lease, NOON, "k"),
    ):
        with pytest.raises(LeaseLost), services.sessions.begin() as session:
            write(session)
    assert look(services, lease).state is PartState.TAKEN


def test_photos_are_dealt_out_once_whoever_lists_them(services: Services, tile_set: UUID) -> None:
    with pytest.raises(LeaseLost):
        lay_out(services, tile_set, 4)
    with services.reading() as session:
        assert len(session.scalars(select(Part)).all()) == 4


def test_the_parts_of_photos_added_later_follow_those_that_are_there(services: Services, tile_set: UUID) -> None:
    with services.sessions.begin() as session:
        more = Source(tile_set_id=tile_set, number=1, kind=SourceKind.PHOTO, name="q", address="l")
        session.add(more)
        session.flush()
        parts.lay_out(session, tile_set, [more.id], [Listing("more-0", 3), Listing("more-1", 3)])
    taken = [held(services, tile_set) for _ in range(6)]
    assert [(lease.number, lease.listing_key) for lease in taken[3:]] == [(3, "list-3"), (4, "more-0"), (5, "more-1")]


def test_what_is_done_stays_so_and_unwanted_when_the_rest_is_forgiven(services: Services, tile_set: UUID) -> None:
    lease = held(services, tile_set)
    finish(services, lease)
    with services.sessions.begin() as session:
        parts.forgive(session, tile_set)
    part = look(services, lease)
    assert (part.state, part.attempt, part.ended_at) == (PartState.DONE, 1, NOON)
    assert (part.lease_token, part.lease_until) == (None, None)


def test_progress_counts_photos_and_the_rate_those_of_this_attempt(services: Services, tile_set: UUID) -> None:
    with services.reading() as session:
        assert parts.progress(session, uuid4(), NOON, NOON) is None
    finish(services, held(services, tile_set))
    later = NOON + timedelta(minutes=1)
    second = held(services, tile_set, later)
    with services.sessions.begin() as session:
        parts.beat(session, second, later, SPAN, 5)
    with services.reading() as session:
        far = parts.progress(session, tile_set, later, later + timedelta(seconds=2))
        assert far is not None
        # Five photos in the two seconds since this attempt began; the ten before were another's.
        assert (far.done, far.total, far.rate, far.seconds_left) == (15, 40, 2.5, 10.0)
        idle = parts.progress(session, tile_set, later + SPAN, later + 2 * SPAN)
        assert idle is not None
        assert (idle.done, idle.rate) == (15, 0.0)
        nothing_yet = parts.progress(session, tile_set, later, later)
        assert nothing_yet is not None
        assert (nothing_yet.rate, nothing_yet.seconds_left) == (0.0, None)
        assert parts.open_count(session, tile_set) == 3
        assert parts.free_count(session, tile_set, later) == 2


def test_a_set_tells_how_far_it_is_until_its_job_has_ended(services: Services, tile_set: UUID) -> None:
    finish(services, held(services, tile_set))
    with services.reading() as session:
        far = parts.so_far(session, session.get_one(TileSet, tile_set))
    assert far is not None
    assert (far.done, far.total) == (10, 40)
    cancel(services, tile_set)
    with services.reading() as session:
        assert parts.so_far(session, session.get_one(TileSet, tile_set)) is None


def test_what_is_done_is_neither_taken_again_nor_closed_nor_given_back(services: Services, tile_set: UUID) -> None:
    lease = held(services, tile_set)
    finish(services, lease)
    for write in (
        lambda session: parts.finish(session, lease, NOON, "again"),
        lambda session: parts.give_back(session, lease),
    ):
        with pytest.raises(LeaseLost), services.sessions.begin() as session:
            write(session)
    assert held(services, tile_set, NOON + 3 * SPAN).number == 1
    assert look(services, lease).index_key == "arrays"


def test_the_life_of_a_part_is_what_the_design_says() -> None:
    assert {state.value: {later.value for later in after} for state, after in NEXT_OF_PART.items()} == {
        "open": {"taken"},
        "taken": {"done", "open", "taken"},
        "done": set(),
    }
