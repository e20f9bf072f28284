"""Mosaics and batches are renamed, deleted and taken back, and tried again; on each database."""

import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select

from models import database, jobs, keeping, listing, queries, renditions, retrying, sharing, undo
from models.errors import (
    InvalidOrder,
    LeaseLost,
    NotFound,
    NotRetryable,
    StorageUnreadable,
    TesseraError,
    TooManyRenditions,
)
from models.listing import Wanted
from models.placing import StoredFile, place_batch, place_mosaic
from models.rules import blob_keys
from models.rules.formats import Format
from models.rules.lifecycle import JobState
from models.rules.orders import MosaicOrder
from models.services import Services
from models.tables import Batch, Job, Mosaic, Rendition, SharedLink, TileSet
from worker.jobs import garbage, sweep

MONTH = timedelta(days=30)
LATER = timedelta(hours=2)
LEASE = timedelta(minutes=1)


@pytest.fixture
def tile_set(services: Services, indexed: Callable[..., TileSet]) -> UUID:
    return indexed(services, [bytes([1]) * 32]).id


def ordered(services: Services, tile_set: UUID, name: str = "t.png") -> UUID:
    """Order a mosaic whose target is stored, and return its id."""
    identity = uuid4()
    target = StoredFile(name, blob_keys.target(identity))
    services.store.put(target.key, b"x")
    with services.sessions.begin() as session:
        place_mosaic(session, identity, tile_set, target, MosaicOrder(cells_across=2), services.ring_again)
    return identity


def batch_of(services: Services, tile_set: UUID, count: int = 3, *, zipped: bool = False) -> tuple[UUID, list[UUID]]:
    """Order a batch of stored targets, and return its id and those of its mosaics."""
    identity = uuid4()
    keys = [blob_keys.batch_target(identity, 0 if zipped else number) for number in range(count)]
    for key in keys:
        services.store.put(key, b"x")
    targets = [StoredFile(f"{n}.png", key, n if zipped else None) for n, key in enumerate(keys)]
    with services.sessions.begin() as session:
        order = MosaicOrder(cells_across=2)
        place_batch(session, identity, "guests", tile_set, targets, order, services.ring_again)
    with services.reading() as session:
        return identity, [row.id for row in queries.batch_mosaics(session, identity)]


def do(services: Services, what: Callable[..., Any], *arguments: Any, now: bool = False) -> Any:
    with services.sessions.begin() as session:
        return what(session, *arguments, *([database.now(session)] if now else []))


def drop(services: Services, table: type[Any], identity: UUID) -> None:
    do(services, keeping.drop, table, identity, now=True)


def purge(services: Services, table: type[Any], identity: UUID) -> None:
    do(services, keeping.purge, table, identity, now=True)


def claimed(services: Services, mosaic: UUID) -> jobs.Lease:
    with services.sessions.begin() as session:
        job_id = queries.find_mosaic(session, mosaic).job_id
        lease = jobs.claim(session, job_id, database.now(session), LEASE)
    assert lease is not None
    return lease


def finish(services: Services, lease: jobs.Lease, state: JobState = JobState.SUCCEEDED) -> None:
    """Close a job as a worker does, with the keys of what it made."""
    with services.sessions.begin() as session:
        now = database.now(session)
        if state is JobState.FAILED:
            jobs.fail(session, lease, now, StorageUnreadable("It cannot be read."))
            return
        jobs.succeed(session, lease, now)
        mosaic = session.scalars(select(Mosaic).where(Mosaic.job_id == lease.job_id)).one()
        mosaic.placement_key = blob_keys.placement(mosaic.id, lease.name)
        services.store.put(mosaic.placement_key, b"x")


def states(services: Services, mosaics: Sequence[UUID]) -> list[str]:
    """Return the states of the jobs of mosaics, in the trash or not."""
    with services.reading() as session:
        return [session.get_one(Mosaic, each).job.state.value for each in mosaics]


def left(services: Services) -> set[str]:
    """Clear garbage as if hours had passed; return the keys of mosaics and batches that are left."""
    with services.reading() as session:
        now = database.now(session)
    garbage.collect(services, now + LATER)
    return {blob.key for blob in services.store.list() if blob.key.startswith(("mosaics/", "batches/"))}


def edit_of(services: Services, parent: UUID) -> UUID:
    """Order an edit, as `models.edits` does: with its parent's target."""
    identity = uuid4()
    with services.sessions.begin() as session:
        row = queries.find_mosaic(session, parent)
        target, order = StoredFile(row.target_name, row.target_key), queries.order_of(row)
        place_mosaic(session, identity, row.tile_set_id, target, order, services.ring_again)
        made = session.get_one(Mosaic, identity)
        made.parent_id, made.changes = parent, {"ban": []}
    return identity


def test_a_deleted_mosaic_is_cancelled_and_shown_nowhere_until_it_is_taken_back(
    services: Services, tile_set: UUID
) -> None:
    mosaic = ordered(services, tile_set)
    drop(services, Mosaic, mosaic)
    assert states(services, [mosaic]) == ["cancelled"]
    with services.reading() as session:
        assert list(listing.mosaics(session, Wanted()).rows) == []
        assert queries.mosaic_count(session, tile_set) == 0
        sentence = "The mosaic “t.png” is in the trash; take it back first."
        for find in (queries.find_mosaic, renditions.of_mosaic):
            with pytest.raises(NotFound, match=sentence):
                find(session, mosaic)
    do(services, keeping.restore, Mosaic, mosaic)
    with services.reading() as session:
        assert [row.id for row in listing.mosaics(session, Wanted()).rows] == [mosaic]


def test_a_batch_takes_its_mosaics_with_it_and_brings_back_those_that_it_took(
    services: Services, tile_set: UUID
) -> None:
    batch, mosaics = batch_of(services, tile_set)
    drop(services, Mosaic, mosaics[0])
    drop(services, Batch, batch)
    assert states(services, mosaics) == ["cancelled"] * 3
    with services.reading() as session:
        assert list(listing.batches(session, Wanted()).rows) == []
        assert [row.id for row in keeping.in_trash(session, Batch).rows] == [batch]
        assert list(keeping.in_trash(session, Mosaic).rows) == []
        with pytest.raises(NotFound, match="The batch “guests” is in the trash; take it back first"):
            queries.find_mosaic(session, mosaics[1])
    with pytest.raises(NotFound, match="The batch “guests” is in the trash"):
        do(services, keeping.restore, Mosaic, mosaics[0])
    do(services, keeping.restore, Batch, batch)
    with services.reading() as session:
        assert [row.id for row in queries.batch_mosaics(session, batch)] == mosaics[1:]
        assert queries.batch_progress(session, batch).total == 2
        assert [row.id for row in keeping.in_trash(session, Mosaic).rows] == [mosaics[0]]


def test_the_jobs_of_all_its_files_are_cancelled_with_a_mosaic(services: Services, tile_set: UUID) -> None:
    mosaic = ordered(services, tile_set)
    finish(services, claimed(services, mosaic))
    with services.sessions.begin() as session:
        row = queries.find_mosaic(session, mosaic)
        row.width = row.height = 2
        renditions.place(session, mosaic, {"format": Format.JPEG}, services.ring_again)
    drop(services, Mosaic, mosaic)
    with services.reading() as session:
        found = session.scalars(select(Job.state).join(Rendition, Rendition.job_id == Job.id).order_by(Job.id))
        assert [state.value for state in found] == ["succeeded", "cancelled"]


def test_a_job_that_finishes_while_its_mosaic_is_deleted_writes_nothing_or_all(
    services: Services, tile_set: UUID
) -> None:
    for _ in range(5):
        mosaic = ordered(services, tile_set)
        lease = claimed(services, mosaic)
        lost = at_once(
            lambda lease=lease: finish(services, lease), lambda mosaic=mosaic: drop(services, Mosaic, mosaic)
        )
        assert [type(each) for each in lost] in ([], [LeaseLost])
        with services.reading() as session:
            row = session.get_one(Mosaic, mosaic)
            assert row.deleted_at is not None
            assert (row.job.state.value, row.placement_key is None) == (
                ("cancelled", True) if lost else ("succeeded", False)
            )


def unfinished(services: Services) -> int:
    with services.reading() as session:
        waiting = [JobState.QUEUED, JobState.RUNNING]
        return session.scalars(select(func.count()).select_from(Job).where(Job.state.in_(waiting))).one()


def test_what_is_ordered_of_a_mosaic_while_it_is_deleted_is_cancelled_too(services: Services, tile_set: UUID) -> None:
    for _ in range(5):
        mosaic = ordered(services, tile_set)
        finish(services, claimed(services, mosaic))
        with services.sessions.begin() as session:
            row = session.get_one(Mosaic, mosaic)
            row.width = row.height = 2
        file = {"format": Format.JPEG}
        raised = at_once(
            lambda mosaic=mosaic, file=file: do(services, renditions.place, mosaic, file, services.ring_again),
            lambda mosaic=mosaic: drop(services, Mosaic, mosaic),
        )
        assert [type(each) for each in raised] in ([], [NotFound])
        assert unfinished(services) == 0


def test_a_batch_that_is_tried_again_while_it_is_deleted_is_cancelled(services: Services, tile_set: UUID) -> None:
    for number in range(6):
        batch, mosaics = batch_of(services, tile_set)
        do(services, jobs.cancel, [job_of(services, each) for each in mosaics], now=True)
        again = (
            (lambda batch=batch: do(services, retrying.batch, batch))
            if number % 2
            else (lambda mosaic=mosaics[0]: do(services, retrying.mosaic, mosaic))
        )
        raised = at_once(again, lambda batch=batch: drop(services, Batch, batch))
        assert [type(each) for each in raised] in ([], [NotFound])
        assert unfinished(services) == 0


def job_of(services: Services, mosaic: UUID) -> int:
    with services.reading() as session:
        return session.get_one(Mosaic, mosaic).job_id


def at_once(*actions: Callable[[], object]) -> list[TesseraError]:
    """Do things at the same time; return what they raised."""
    gate, raised = threading.Barrier(len(actions)), list[TesseraError]()

    def act(action: Callable[[], object]) -> None:
        gate.wait()
        try:
            action()
        except TesseraError as error:
            raised.append(error)

    threads = [threading.Thread(target=act, args=(action,)) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


@pytest.mark.parametrize("table", [Mosaic, Batch])
def test_of_a_restore_and_a_purge_at_once_one_wins(services: Services, tile_set: UUID, table: type[Any]) -> None:
    for _ in range(5):
        identity = ordered(services, tile_set) if table is Mosaic else batch_of(services, tile_set)[0]
        drop(services, table, identity)
        raised = at_once(
            lambda identity=identity: do(services, keeping.restore, table, identity),
            lambda identity=identity: purge(services, table, identity),
        )
        with services.reading() as session:
            row = session.get_one(table, identity)
            assert (len(raised), isinstance(raised[0], NotFound)) == (1, True)
            assert (row.deleted_at is None) == (row.purged_at is None)


def test_the_trash_is_purged_after_its_days_and_not_before(services: Services, tile_set: UUID) -> None:
    mosaic, (batch, _) = ordered(services, tile_set), batch_of(services, tile_set)
    drop(services, Mosaic, mosaic)
    drop(services, Batch, batch)
    with services.sessions.begin() as session:
        now = database.now(session)
        assert undo.purge(session, now + MONTH - LATER, MONTH) == 0
        assert undo.purge(session, now + MONTH + LATER, MONTH) == 2
    for table, identity, word in ((Mosaic, mosaic, "mosaic"), (Batch, batch, "batch")):
        with pytest.raises(NotFound, match=f"There is no such {word}"):
            do(services, keeping.restore, table, identity)


def shared(services: Services, mosaic: UUID, span: timedelta) -> UUID:
    """Share a mosaic for a time, and return the id of the link."""
    with services.sessions.begin() as session:
        return sharing.add(session, mosaic, database.now(session) + span).row.id


def test_links_go_with_the_mosaic_or_the_batch_that_is_purged_and_with_their_time(
    services: Services, tile_set: UUID
) -> None:
    stays, trashed, gone = (ordered(services, tile_set) for _ in range(3))
    batch, (of_batch,) = batch_of(services, tile_set, 1)
    for mosaic in (stays, trashed, gone, of_batch):
        finish(services, claimed(services, mosaic))
    kept = {shared(services, mosaic, MONTH) for mosaic in (stays, trashed)}
    ends = shared(services, stays, LATER)
    for mosaic in (gone, of_batch):
        shared(services, mosaic, MONTH)
    for table, identity in ((Mosaic, trashed), (Mosaic, gone), (Batch, batch)):
        drop(services, table, identity)
    purge(services, Mosaic, gone)
    purge(services, Batch, batch)
    sweep.collect(services)
    with services.sessions.begin() as session:
        assert set(session.scalars(select(SharedLink.id))) == kept | {ends}
        sharing.forget(session, database.now(session) + LATER)
        assert set(session.scalars(select(SharedLink.id))) == kept


def test_the_blobs_of_a_mosaic_are_kept_until_it_is_purged(services: Services, tile_set: UUID) -> None:
    mosaic = ordered(services, tile_set)
    finish(services, claimed(services, mosaic))
    drop(services, Mosaic, mosaic)
    held = left(services)
    assert held == {blob_keys.target(mosaic), *(key for key in held if key.endswith("placement.safetensors"))}
    purge(services, Mosaic, mosaic)
    assert left(services) == set()


def test_the_target_of_a_purged_mosaic_stays_for_its_edit_and_its_placement_until_that_is_made(
    services: Services, tile_set: UUID
) -> None:
    parent = ordered(services, tile_set)
    finish(services, claimed(services, parent))
    edit = edit_of(services, parent)
    drop(services, Mosaic, parent)
    purge(services, Mosaic, parent)
    with services.reading() as session:
        placement = session.get_one(Mosaic, parent).placement_key
    assert left(services) == {blob_keys.target(parent), placement}
    finish(services, claimed(services, edit), JobState.FAILED)
    assert placement in left(services), "the edit can be tried again"
    do(services, retrying.mosaic, edit)
    finish(services, claimed(services, edit))
    with services.reading() as session:
        assert left(services) == {blob_keys.target(parent), session.get_one(Mosaic, edit).placement_key}
    drop(services, Mosaic, edit)
    purge(services, Mosaic, edit)
    assert left(services) == set()


@pytest.mark.parametrize("zipped", [False, True])
def test_a_target_of_a_batch_goes_with_the_last_mosaic_that_names_it(
    services: Services, tile_set: UUID, zipped: bool
) -> None:
    batch, mosaics = batch_of(services, tile_set, 2, zipped=zipped)
    drop(services, Mosaic, mosaics[0])
    purge(services, Mosaic, mosaics[0])
    assert left(services) == {blob_keys.batch_target(batch, 0 if zipped else 1)}
    edit = edit_of(services, mosaics[1])
    drop(services, Batch, batch)
    purge(services, Batch, batch)
    assert left(services) == {blob_keys.batch_target(batch, 0 if zipped else 1)}
    drop(services, Mosaic, edit)
    purge(services, Mosaic, edit)
    assert left(services) == set()


def test_the_trash_is_read_a_page_at_a_time(services: Services, tile_set: UUID) -> None:
    mosaics = [ordered(services, tile_set) for _ in range(5)]
    with services.sessions.begin() as session:
        now = database.now(session)
        for number, each in enumerate(mosaics):
            # Two of them at the same moment.
            keeping.drop(session, Mosaic, each, now + timedelta(seconds=number // 2))
    with services.reading() as session:
        found, after = list[UUID](), None
        for _ in range(3):
            page = keeping.in_trash(session, Mosaic, after=after, limit=2)
            found += [row.id for row in page.rows]
            after = page.following
    assert after is None
    assert sorted(found) == sorted(mosaics)
    assert found[0] == mosaics[4]


def test_names_are_cleaned_and_never_empty(services: Services, tile_set: UUID) -> None:
    mosaic, (batch, _) = ordered(services, tile_set), batch_of(services, tile_set)
    for table, identity in ((Mosaic, mosaic), (Batch, batch)):
        do(services, keeping.rename, table, identity, " A\x07 new name" + "x" * 300)
        with services.reading() as session:
            name = keeping.name(session.get_one(table, identity))
        assert (name[:12], len(name)) == ("A new namexx", 200)
        with pytest.raises(InvalidOrder, match="needs a name"):
            do(services, keeping.rename, table, identity, " ")


def test_of_two_who_try_again_at_once_one_makes_a_job(services: Services, tile_set: UUID) -> None:
    mosaic = ordered(services, tile_set)
    finish(services, claimed(services, mosaic), JobState.FAILED)
    again = [lambda: do(services, retrying.mosaic, mosaic)] * 2
    assert [type(each) for each in at_once(*again)] == [NotRetryable]
    with services.reading() as session:
        assert session.scalars(select(func.count()).select_from(Job)).one() == 3, "the set's, the failed, the new one"
        row = queries.find_mosaic(session, mosaic)
        assert (row.job.state.value, row.first.job_id) == ("queued", row.job_id)


def test_a_batch_tries_again_what_failed_and_what_was_cancelled_alone(services: Services, tile_set: UUID) -> None:
    batch, mosaics = batch_of(services, tile_set)
    with pytest.raises(NotRetryable, match="No mosaic of this batch failed"):
        do(services, retrying.batch, batch)
    finish(services, claimed(services, mosaics[0]), JobState.FAILED)
    finish(services, claimed(services, mosaics[1]))
    with services.sessions.begin() as session:
        jobs.cancel(session, [queries.find_mosaic(session, mosaics[2]).job_id], database.now(session))
    raised = at_once(*[lambda: do(services, retrying.batch, batch)] * 2)
    assert [type(each) for each in raised] == [NotRetryable]
    assert states(services, mosaics) == ["queued", "succeeded", "queued"]
    with services.reading() as session:
        assert {row.job.lane.value for row in queries.batch_mosaics(session, batch)} == {"bulk"}


def test_what_is_in_the_trash_is_not_tried_again(services: Services, tile_set: UUID) -> None:
    batch, mosaics = batch_of(services, tile_set)
    mosaic = ordered(services, tile_set)
    drop(services, Mosaic, mosaic)
    drop(services, Batch, batch)
    for each in (mosaic, mosaics[0]):
        with pytest.raises(NotFound, match="is in the trash"):
            do(services, retrying.mosaic, each)
    with services.reading() as session:
        job_id = session.get_one(Mosaic, mosaic).job_id
    with pytest.raises(NotFound, match="is in the trash"):
        do(services, retrying.place_again, job_id)


def test_nothing_is_tried_again_whose_tile_set_is_gone_for_good(services: Services, tile_set: UUID) -> None:
    mosaic = ordered(services, tile_set)
    finish(services, claimed(services, mosaic), JobState.FAILED)
    with services.sessions.begin() as session:
        session.get_one(TileSet, tile_set).deleted_at = database.now(session)
    do(services, undo.purge_set, tile_set, now=True)
    with pytest.raises(NotRetryable, match="The tile set “photos” was deleted for good"):
        do(services, retrying.mosaic, mosaic)


def test_no_more_files_are_tried_again_than_may_be_ordered(services: Services, tile_set: UUID) -> None:
    mosaic = ordered(services, tile_set)
    finish(services, claimed(services, mosaic))
    with services.sessions.begin() as session:
        row = session.get_one(Mosaic, mosaic)
        row.width = row.height = 2

    def order(dpi: int) -> UUID:
        return do(
            services, renditions.place, mosaic, {"format": Format.JPEG, "dpi": dpi}, services.ring_again
        ).rendition_id

    cancelled = order(100)
    with services.sessions.begin() as session:
        jobs.cancel(session, [renditions.find(session, mosaic, cancelled).job_id], database.now(session))
    for dpi in range(101, 120):
        order(dpi)
    with pytest.raises(TooManyRenditions, match="at most 20"):
        do(services, retrying.rendition, mosaic, cancelled)
