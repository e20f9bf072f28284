"""The end of indexing: the arrays of all parts become one index, and that a version of the tile set."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models import database, exclusions, queries, tile_set_versions
from models.errors import DamagedIndex, NoUsableTiles, StorageUnreachable, StorageUnreadable
from models.rules import blob_keys
from models.rules.orders import ExclusionReason
from models.tables import Part, TileSet
from models.tables import Tile as TileRow
from models.tile_set_versions import Indexed
from worker import context
from worker.indexing import colour_overview
from worker.jobs import garbage
from worker.jobs.attempt import Attempt, Outcome
from worker.tile_index import index
from worker.tile_index.index import Index
from worker.tile_sets import index_repair, stored_photos


@dataclass(frozen=True)
class _Have:
    """What there is to be put together, what is not to be in it, and what only stays in it in case it comes back."""

    index_keys: Sequence[str]
    replaced: frozenset[str]
    removed: frozenset[str]
    in_trash: frozenset[str]
    banned: frozenset[str]
    new_count: int


def merged(attempt: Attempt, tile_set: TileSet) -> Outcome:
    """Return the newest version of a tile set, of its last one and of the parts that are done.

    Raises:
        NoUsableTiles: not one photo is of use.
    """
    services = attempt.services
    _see_to_the_last_index(attempt, tile_set)
    with services.reading() as session:
        have = _have(session, tile_set)
    if tile_set.version is not None and not have.new_count and not have.replaced:
        return Outcome(lambda session: tile_set_versions.settle(session, tile_set.id))
    with garbage.scratch() as folder:
        made = folder / "index"
        _join(attempt, tile_set, have, made)
        near = index.near_duplicates(index.load(made), have.banned | have.in_trash) if tile_set.dedupe else {}
        indexed = _stored(attempt, tile_set, made, have, near)

    def write(session: Session) -> None:
        tile_set_versions.publish(session, tile_set.id, indexed, database.now(session))

    return Outcome(write)


def _see_to_the_last_index(attempt: Attempt, tile_set: TileSet) -> None:
    """Have the index of the newest version made again if it cannot be read."""
    if tile_set.version is None:
        return
    services = attempt.services
    with services.reading() as session:
        last = queries.find_version(session, tile_set.id, tile_set.version)
    with context.decoders(services.settings) as decoder:
        read = stored_photos.reader(services, tile_set.id)
        index_repair.loaded(services, last, read, decoder, f"{attempt.lease.name}-rebuilt", _silently)


def _have(session: Session, tile_set: TileSet) -> _Have:
    done = select(Part.index_key).where(Part.tile_set_id == tile_set.id, Part.index_key.is_not(None))
    index_keys = [key for key in session.scalars(done.order_by(Part.number)) if key is not None]
    if tile_set.version is not None:
        index_keys.append(queries.find_version(session, tile_set.id, tile_set.version).index_key)
    new = select(func.count()).where(TileRow.tile_set_id == tile_set.id, TileRow.since.is_(None))
    replaced = frozenset(tile_set_versions.replaced(session, tile_set.id))
    return _Have(
        index_keys,
        replaced,
        replaced | exclusions.removed(session, tile_set.id),
        frozenset(exclusions.in_trash(session, tile_set.id)),
        frozenset(exclusions.in_force_for(session, tile_set.id, ExclusionReason.BANNED)),
        session.scalars(new).one(),
    )


def _join(attempt: Attempt, tile_set: TileSet, have: _Have, out: Path) -> None:
    """Write the rows of all parts and of the last index; those of damaged or lost parts are made again."""
    services, removed = attempt.services, {bytes.fromhex(content) for content in have.removed}
    try:
        index.merged([services.store.path(key) for key in have.index_keys], out, removed)
    except StorageUnreachable:
        raise
    except (DamagedIndex, StorageUnreadable):
        files, held = list[Path](), set[bytes]()
        for key in have.index_keys:
            part = index_repair.whole(services.store, key)
            if part is not None:
                files.append(services.store.path(key))
                held.update(content.tobytes() for content in part.content)
        with services.reading() as session:
            new = select(TileRow.content).where(TileRow.tile_set_id == tile_set.id, TileRow.since.is_(None))
            lost = sorted({bytes.fromhex(content) for content in session.scalars(new)} - held)
        # Where not one of them can be read any more, there is the rest.
        with context.decoders(services.settings) as decoder, suppress(NoUsableTiles):
            again = out.with_name("again")
            index_repair.write(
                services, tile_set.id, lost, stored_photos.reader(services, tile_set.id), decoder, again, _silently
            )
            files.append(again)
        index.merged(files, out, removed)


def _silently(_phase: str, _done: int, _total: int) -> None:
    """Say nothing."""


def _stored(attempt: Attempt, tile_set: TileSet, made: Path, have: _Have, near: Mapping[str, str]) -> Indexed:
    """Store the arrays and the pictures of their colours under this attempt's own keys."""
    store, name = attempt.services.store, attempt.lease.name
    tiles: Index = index.load(made)
    index_key, plot_key, palette_key = (
        key(tile_set.id, name) for key in (blob_keys.index, blob_keys.plot, blob_keys.palette)
    )
    store.put(index_key, made)
    aside = near.keys() | have.in_trash
    used = [n for n in range(len(tiles)) if tiles.content[n].tobytes().hex() not in aside]
    plot, palette = colour_overview.pictures(tiles.selected(np.array(used, np.intp)) if aside else tiles)
    store.put(plot_key, plot)
    store.put(palette_key, palette)
    return Indexed(
        index_key,
        plot_key,
        palette_key,
        photo_count=len(tiles),
        left_out=have.removed,
        alike=near,
        change=f"{have.new_count:,} photo{'' if have.new_count == 1 else 's'} came in",
    )
