"""Blobs that no row names: left by attempts that lost their lease, by uploads that were never ordered."""

import shutil
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import keys
from models.lifecycle import JobState
from models.services import Services
from models.tables import Batch, Mosaic, TileSet, Upload

Named = Callable[[str], bool]
Owner = tuple[str, str]
"""What kind of thing a key belongs to, and its id."""
SCRATCH = "tessera-work-"
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
    deleted = 0
    for owner, blobs in suspects.items():
        # Asked again at the last moment: a job that is tried again meanwhile needs what it had.
        named = _rule_now(services, owner)
        litter = [key for key in blobs if not named(key)]
        services.store.delete(litter)
        deleted += len(litter)
    return deleted + services.store.drop_parts(oldest)


def clear_scratch(older_than: timedelta) -> int:
    """Remove what killed workers left in this machine's temporary folder; return how many folders that were."""
    oldest = time.time() - older_than.total_seconds()
    left = [folder for folder in Path(tempfile.gettempdir()).glob(f"{SCRATCH}*") if folder.lstat().st_mtime < oldest]
    for folder in left:
        shutil.rmtree(folder, ignore_errors=True)
    return len(left)


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
    named = {tile_set.index_key, *session.scalars(select(Upload.key).where(Upload.tile_set_id == identity))}
    photos = keys.photos(identity) if tile_set.job.state is JobState.SUCCEEDED else None
    return lambda key: key in named or (photos is not None and key.startswith(photos))


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
