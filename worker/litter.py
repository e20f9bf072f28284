"""Blobs that no row names: left by attempts that lost their lease, by uploads that were never ordered."""

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import exclusions, keys, storage, undo
from models.lifecycle import JobState
from models.services import Services
from models.tables import Batch, Exclusion, Job, Mosaic, Part, Source, Tile, TileSet, Version

Named = Callable[[str], bool]
Owner = tuple[str, str]
"""What kind of thing a key belongs to, and its id."""
AT_ONCE = 500
"""Blobs that are deleted before the rows are asked again."""
SCRATCH = storage.SCRATCH
"""What the names of workers' temporary folders begin with."""


def collect(services: Services, now: datetime) -> int:
    """Delete every blob that no row names and that is older than the grace time; return how many."""
    oldest = now - timedelta(seconds=services.settings.litter_grace_seconds)
    rules: dict[Owner, Named] = {}
    suspects: dict[Owner, list[str]] = {}
    for blob in services.store.list():
        if blob.written_at > oldest:
            continue
        kind, _, rest = blob.key.partition("/")
        owner = (kind, rest.partition("/")[0])
        if owner not in rules:
            rules[owner] = _rule_now(services, owner)
        if not rules[owner](blob.key):
            suspects.setdefault(owner, []).append(blob.key)
    with services.sessions.begin() as session:
        undo.clear_purged(session)
    deleted = 0
    for owner, blobs in suspects.items():
        for first in range(0, len(blobs), AT_ONCE):
            # Asked again at the last moment: a job that is tried again needs what it had, and a photo may come back.
            named = _rule_now(services, owner)
            litter = [key for key in blobs[first : first + AT_ONCE] if not named(key)]
            services.store.delete(litter)
            deleted += len(litter)
    return deleted + services.store.drop_parts(oldest)


@contextmanager
def scratch() -> Iterator[Path]:
    """Lend a temporary folder that no sweep of this machine removes as long as this process lives."""
    with tempfile.TemporaryDirectory(prefix=SCRATCH) as name:
        held = os.open(name, os.O_RDONLY)
        try:
            fcntl.flock(held, fcntl.LOCK_SH)
            yield Path(name)
        finally:
            os.close(held)


def clear_scratch(older_than: timedelta) -> int:
    """Remove what killed workers left in this machine's temporary folder; return how many folders that were."""
    oldest = time.time() - older_than.total_seconds()
    old = [folder for folder in Path(tempfile.gettempdir()).glob(f"{SCRATCH}*") if folder.lstat().st_mtime < oldest]
    return sum(_removed(folder) for folder in old)


def _removed(folder: Path) -> bool:
    """Remove a folder that no living process holds; return whether it was one."""
    try:
        held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    else:
        shutil.rmtree(folder, ignore_errors=True)
        return True
    finally:
        os.close(held)


def _rule_now(services: Services, owner: Owner) -> Named:
    with services.reading() as session:
        return _rule(session, *owner)


def _rule(session: Session, kind: str, owner: str) -> Named:
    """Return what tells whether a key of one owner is still named by a row, or may soon be."""
    try:
        identity = UUID(owner)
        return {keys.TILE_SETS: _of_tile_set, keys.MOSAICS: _of_mosaic, keys.BATCHES: _of_batch}[kind](
            session, identity
        )
    except (ValueError, KeyError):
        return lambda _: False


def _of_tile_set(session: Session, identity: UUID) -> Named:
    tile_set = session.get(TileSet, identity)
    if tile_set is None:
        return lambda _: False
    if not tile_set.job.state.final:
        return lambda _: True
    if tile_set.version is None and tile_set.job.state is JobState.SUCCEEDED and tile_set.purged_at is None:
        # Indexed before there were versions: its photos are still to be indexed anew.
        return lambda _: True
    needed = _needed_versions(session, tile_set)
    if not needed and tile_set.purged_at is not None:
        return lambda _: False
    named = {key for version in needed for key in (version.index_key, version.plot_key, version.palette_key)}
    named |= set(session.scalars(select(Source.address).where(Source.tile_set_id == identity)))
    for part in session.scalars(select(Part).where(Part.tile_set_id == identity)):
        named |= {part.listing_key, part.index_key}
    contents = set(session.scalars(select(Tile.content).where(Tile.tile_set_id == identity)))
    contents |= exclusions.in_trash(session, identity)
    if any(version.number != tile_set.version for version in needed):
        contents |= set(session.scalars(select(Exclusion.content).where(Exclusion.tile_set_id == identity)))
    return lambda key: key in named or (keys.is_of_photo(key) and key.rpartition("/")[2] in contents)


def _needed_versions(session: Session, tile_set: TileSet) -> list[Version]:
    """Return the newest version, unless the set was purged, and those that mosaics are still to be made from."""
    unfinished = Job.state.in_([JobState.QUEUED, JobState.RUNNING])
    query = select(Mosaic.tile_set_version).join(Mosaic.job).where(Mosaic.tile_set_id == tile_set.id, unfinished)
    numbers = set(session.scalars(query.distinct()))
    if tile_set.purged_at is None and tile_set.version is not None:
        numbers.add(tile_set.version)
    found = select(Version).where(Version.tile_set_id == tile_set.id, Version.number.in_(numbers))
    return list(session.scalars(found))


def _of_mosaic(session: Session, identity: UUID) -> Named:
    mosaic = session.get(Mosaic, identity)
    if mosaic is None:
        return lambda _: False
    if not mosaic.job.state.final:
        return lambda _: True
    named = {mosaic.target_key, mosaic.picture_key, mosaic.preview_key}
    return lambda key: key in named


def _of_batch(session: Session, identity: UUID) -> Named:
    exists = session.get(Batch, identity) is not None
    return lambda _: exists
