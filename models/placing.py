"""Places orders: adds tile sets, mosaics and batches with their jobs. The caller commits, and only then rings."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from models import database, jobs, parts
from models.queries import find_idle, find_indexed
from models.rules import renditions
from models.rules.lifecycle import Doorbell, JobKind, Lane
from models.rules.names import readable
from models.rules.orders import MosaicOrder
from models.rules.tile_set_words import SourceKind
from models.tables import Batch, Job, Mosaic, Rendition, Source, TileSet


@dataclass(frozen=True)
class StoredFile:
    """An uploaded file in the store: its name for people, its key, and its number in the zip that it came in."""

    name: str
    key: str
    entry: int | None = None


@dataclass(frozen=True)
class NewSource:
    """Where photos come from: a key in the store, or the address of a place that the workers can read.

    For a place, `exclude` has the patterns of files to leave out, one a line. `content` is a file's SHA-256, if it is
    known.
    """

    kind: SourceKind
    name: str
    address: str
    content: str | None = None
    linked: bool = False
    exclude: str = ""
    follow_links: bool = False


def place_tile_set(
    session: Session,
    tile_set_id: UUID,
    name: str,
    sources: Sequence[NewSource],
    ring_again: timedelta,
    *,
    dedupe: bool = False,
    keep_originals: bool = False,
) -> Doorbell:
    """Add a tile set, its sources, and the job that will index it."""
    now = database.now(session)
    job = jobs.add(session, JobKind.INDEX, Lane.INDEXING, now, ring_again)
    session.add(
        TileSet(
            id=tile_set_id,
            name=readable(name),
            job_id=job.id,
            created_at=now,
            dedupe=dedupe,
            keep_originals=keep_originals,
        )
    )
    session.flush()
    _add_sources(session, tile_set_id, sources, 0)
    return _doorbell(job)


def place_photos(
    session: Session, tile_set_id: UUID, sources: Sequence[NewSource], ring_again: timedelta
) -> Doorbell:
    """Add sources to a tile set, and the job that will index them; meanwhile the set stays in use.

    Raises:
        NotFound: there is no such tile set.
        NotReady: it is being indexed.
    """
    # Parts are locked before their set, see `parts.finish`. What was read about the set before may be out of date.
    parts.forgive(session, tile_set_id)
    session.execute(select(TileSet.id).where(TileSet.id == tile_set_id).with_for_update())
    session.expire_all()
    found = find_idle(session, tile_set_id)
    job = jobs.add(session, JobKind.INDEX, Lane.INDEXING, database.now(session), ring_again)
    found.job_id = job.id
    last = session.scalar(select(func.max(Source.number)).where(Source.tile_set_id == tile_set_id))
    _add_sources(session, tile_set_id, sources, 0 if last is None else last + 1)
    return _doorbell(job)


def _add_sources(session: Session, tile_set_id: UUID, sources: Sequence[NewSource], first: int) -> None:
    rows = [
        {"tile_set_id": tile_set_id, "number": number} | asdict(source) | {"name": readable(source.name)}
        for number, source in enumerate(sources, first)
    ]
    if rows:
        session.execute(insert(Source), rows)


def place_mosaic(
    session: Session,
    mosaic_id: UUID,
    tile_set_id: UUID,
    target: StoredFile,
    order: MosaicOrder,
    ring_again: timedelta,
    mask: str | None = None,
) -> Doorbell:
    """Add a mosaic, and the job that will render it, in the lane for people who wait.

    `mask` is the key of a picture, or `masks.ALPHA`.

    Raises:
        NotFound: there is no such tile set.
        NotReady: the tile set is not indexed.
    """
    version = find_indexed(session, tile_set_id).version
    place = {"tile_set_id": tile_set_id, "tile_set_version": version, "id": mosaic_id, "mask": mask}
    job = _add_mosaic(session, Lane.INTERACTIVE, ring_again, target, order, **place)
    return _doorbell(job)


def place_batch(
    session: Session,
    batch_id: UUID,
    name: str,
    tile_set_id: UUID,
    targets: Sequence[StoredFile],
    order: MosaicOrder,
    ring_again: timedelta,
) -> list[Doorbell]:
    """Add a batch with a mosaic and a job for each target, in the lane that never delays a person.

    Raises:
        NotFound: there is no such tile set.
        NotReady: the tile set is not indexed.
    """
    place = {"tile_set_id": tile_set_id, "tile_set_version": find_indexed(session, tile_set_id).version}
    session.add(Batch(id=batch_id, name=readable(name), created_at=database.now(session), **place))
    session.flush()
    return [
        _doorbell(
            _add_mosaic(session, Lane.BULK, ring_again, target, order, batch_id=batch_id, number=number, **place)
        )
        for number, target in enumerate(targets)
    ]


def _add_mosaic(
    session: Session,
    lane: Lane,
    ring_again: timedelta,
    target: StoredFile,
    order: MosaicOrder,
    **place: object,
) -> Job:
    now = database.now(session)
    job = jobs.add(session, JobKind.RENDER, lane, now, ring_again)
    mosaic = Mosaic(
        job_id=job.id,
        created_at=now,
        target_name=readable(target.name),
        target_key=target.key,
        target_entry=target.entry,
        **{field.name: getattr(order, field.name) for field in fields(order)},
        **place,
    )
    session.add(mosaic)
    session.flush()
    session.add(Rendition(mosaic_id=mosaic.id, job_id=job.id, created_at=now, **renditions.file_of(order)._asdict()))
    return job


def _doorbell(job: Job) -> Doorbell:
    return Doorbell(job.kind, job.id, job.lane)
