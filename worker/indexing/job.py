"""Indexing a tile set: one worker leads the job, plans its parts and merges them; any number of workers do the parts.

Every part is a row with a lease of its own. A worker that begins a part rings for another worker, unless a message
already waits in the lane. So idle workers join one after the other, lost messages do no harm, and other jobs are not
kept waiting.
"""

import time
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from itertools import islice

import structlog
from sqlalchemy import Select, func, select, update
from sqlalchemy.orm import Session

from models import database, jobs, parts, queue
from models.errors import Crashed, LeaseLost, TesseraError, UnreadableFile
from models.notifying import ring_all
from models.parts import Listing
from models.rules import blob_keys
from models.rules.lifecycle import Doorbell, JobKind, JobState, Lane
from models.rules.skip_reasons import DUPLICATE
from models.services import Services
from models.tables import Job, SkippedPhoto, Source, TileSet
from models.tables import Tile as TileRow
from worker import context
from worker.file_filter import Sieve
from worker.indexing import merge
from worker.indexing.part import PartWork, Report
from worker.jobs.attempt import Attempt, Outcome
from worker.tile_sets import sources
from worker.tile_sets.sources import Photo

log = structlog.get_logger(__name__)

STAY_SECONDS = 10.0
"""How long the leading worker stays with a large tile set while other jobs of its lane wait."""
WAIT_SECONDS = 0.1
LISTED, INDEXED = 0.02, 0.95
"""How much of the whole job is done at the end of a phase."""


def index_tile_set(attempt: Attempt) -> Outcome:
    """List the photos of a tile set, make sure that its parts are done, and merge them."""
    with attempt.services.reading() as session:
        mine = select(TileSet).where(TileSet.job_id == attempt.lease.job_id)
        tile_set = attempt.whose(session.scalars(mine).one_or_none())
    _plan(attempt, tile_set)
    _see_parts_done(attempt, tile_set)
    attempt.report("merging", INDEXED)
    return merge.merged(attempt, tile_set)


def help_out(services: Services, job_id: int) -> None:
    """Do one part of a job that another worker leads, if one is free."""
    with structlog.contextvars.bound_contextvars(job_id=job_id):
        try:
            with services.reading() as session:
                led = TileSet.job_id == job_id, Job.state == JobState.RUNNING
                tile_set = session.scalars(select(TileSet).join(TileSet.job).where(*led)).one_or_none()
            if tile_set is not None:
                _do_part(services, tile_set, lambda _: None)
        except LeaseLost as error:
            log.info("stopped", reason=str(error))
        except database.Unreachable:
            log.exception("the database cannot be reached; another will do this part")
        except TesseraError as error:
            # The worker that leads the job will try this part too, and fail the job with this code.
            log.warning("a part came to nothing", error_code=error.code, reason=str(error))


def _plan(attempt: Attempt, tile_set: TileSet) -> None:
    """Divide the photos of new sources into parts."""
    services = attempt.services
    with services.reading() as session:
        new = session.scalars(
            select(Source).where(Source.tile_set_id == tile_set.id, Source.planned.is_(False)).order_by(Source.number)
        ).all()
        known, doubles = _known(session, tile_set) if new else ({}, {})
    if not new:
        return
    sieves = {each.id: Sieve(each.exclude.splitlines(), follow_links=each.follow_links) for each in new}
    photos = sources.listed(new, context.zips(services.store), known, doubles, sieves)
    listings = []
    for number, dealt in enumerate(_dealt(photos, services.settings.part_photos)):
        attempt.report("listing", 0.0)
        key = blob_keys.listing(tile_set.id, attempt.lease.name, number)
        services.store.put(key, sources.written(dealt))
        listings.append(Listing(key, len(dealt)))
    with services.sessions.begin() as session:
        now = database.now(session)
        jobs.beat(session, attempt.lease, now, services.settings.lease_span, "indexing", LISTED)
        parts.lay_out(session, tile_set.id, list(sieves), listings)
        counts = [sieve.passed_over for sieve in sieves.values()]
        passed = {
            "passed_over": sum(sum(count[:2]) for count in counts),
            "passed_links": sum(each[2] for each in counts),
        }
        session.execute(update(TileSet).where(TileSet.id == tile_set.id).values(passed))


def _known(session: Session, tile_set: TileSet) -> tuple[dict[str, str], dict[str, str]]:
    """Return the stamps of files of places by address: those of tiles and unusable files, and those of duplicates."""
    tiles = select(TileRow.origin, TileRow.stamp).where(TileRow.tile_set_id == tile_set.id)
    lines = select(SkippedPhoto.origin, SkippedPhoto.stamp).where(SkippedPhoto.tile_set_id == tile_set.id)
    # What could not be read then may be readable now.
    bad = lines.where(SkippedPhoto.code.not_in([UnreadableFile.code, DUPLICATE]))
    again = lines.where(SkippedPhoto.code == DUPLICATE)
    return _stamps(session, bad) | _stamps(session, tiles), _stamps(session, again)


def _stamps(session: Session, query: Select[str | None, str | None]) -> dict[str, str]:
    return {origin: stamp for origin, stamp in session.execute(query) if origin and stamp}


def _dealt(photos: Iterator[Photo], count: int) -> Iterator[list[Photo]]:
    while dealt := list(islice(photos, count)):
        yield dealt


def _see_parts_done(attempt: Attempt, tile_set: TileSet) -> None:
    """Do parts until none is left, and wait for those that other workers do.

    Raises:
        Crashed: a part failed too often.
        LeaseLost: the job is no longer this attempt's, or it was put back into the queue so that others get a turn.
    """
    services = attempt.services
    began, worked = time.monotonic(), False
    while True:
        with services.reading() as session:
            now = database.now(session)
            far = parts.progress(session, tile_set.id, None, now)
            left = parts.open_count(session, tile_set.id)
            hopeless = parts.hopeless(session, tile_set.id, now, services.settings.max_attempts)
            others = _waiting_count(session)
        if far is None or not left:
            return
        if hopeless:
            raise Crashed(
                f"Workers stopped in the middle of the same {services.settings.part_photos} photos "
                f"{services.settings.max_attempts} times; perhaps one of them is more than a worker can bear."
            )
        if worked and _long_enough(services, time.monotonic() - began, others):
            _leave(attempt)
        report = partial(_report, attempt, far.done, far.total)
        report(0)
        # If only the part was lost, to another worker, this job's own lease still holds, and the loop goes on.
        with suppress(LeaseLost):
            if _do_part(services, tile_set, report):
                worked = True
                continue
        time.sleep(WAIT_SECONDS)


def _report(attempt: Attempt, before: int, total: int, done: int) -> None:
    share = LISTED + (INDEXED - LISTED) * (before + done) / max(1, total)
    attempt.report("indexing", share, before + done, total)


def _waiting_count(session: Session) -> int:
    waiting = Job.lane == Lane.INDEXING, Job.state == JobState.QUEUED
    return session.scalars(select(func.count()).where(*waiting)).one()


def _long_enough(services: Services, seconds: float, others: int) -> bool:
    """Whether to go back into the queue: long before the time limit, or to let other jobs have a turn."""
    return seconds >= services.settings.job_seconds / 2 or (others > 0 and seconds >= STAY_SECONDS)


def _leave(attempt: Attempt) -> None:
    """Give the job back, to the end of the queue."""
    attempt.give_back()
    ring_all(attempt.services.sessions, [Doorbell(JobKind.INDEX, attempt.lease.job_id, Lane.INDEXING)])
    raise LeaseLost(f"Attempt {attempt.lease.attempt} left job {attempt.lease.job_id} to the next one.")


def _do_part(services: Services, tile_set: TileSet, report: Report) -> bool:
    """Do a part that nobody is working on; return whether there was one."""
    chosen = services.settings
    with services.sessions.begin() as session:
        now = database.now(session)
        lease = parts.claim(session, tile_set.id, now, chosen.lease_span, chosen.max_attempts)
    if lease is None:
        return False
    _ring_for_help(services, tile_set)
    PartWork(services, tile_set, lease).do(report)
    _ring_for_help(services, tile_set)
    return True


def _ring_for_help(services: Services, tile_set: TileSet) -> None:
    """Ring for another worker, if there is a free part and no message waits in the lane."""
    with services.reading() as session:
        free = parts.free_count(session, tile_set.id, database.now(session))
    if free and Lane.INDEXING in queue.empty_lanes():
        ring_all(services.sessions, [Doorbell(JobKind.INDEX, tile_set.job_id, Lane.INDEXING)])
