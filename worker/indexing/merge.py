"""The end of indexing: the indexes of all parts are merged into one, which becomes a version of the tile set."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models import database, exclusions, photo_measures, queries, tile_set_versions
from models.errors import DamagedIndex, NoUsableTiles, StorageUnreachable, StorageUnreadable
from models.photo_measures import Measures
from models.rules import blob_keys
from models.rules.tile_set_words import ExclusionReason
from models.tables import Part, TileSet
from models.tables import Tile as TileRow
from models.tile_set_versions import Indexed
from worker import context
from worker.indexing import colour_overview
from worker.jobs import scratch
from worker.jobs.attempt import Attempt, Outcome
from worker.tile_index import index
from worker.tile_index.index import Index
from worker.tile_sets import index_repair, stored_photos


@dataclass(frozen=True)
class _Have:
    """What to merge: keys of indexes, and content hashes of photos to treat specially.

    Attributes:
        index_keys: Of the parts, and of the newest version.
        replaced: Linked photos whose files have changed.
        removed: Photos that are not to be in the index.
        in_trash: Photos that stay in the index in case they are taken out of the trash.
        banned: Photos that are in no mosaic.
        unmeasured: Photos in whose rows the size and the colour are missing.
        new_count: How many photos are new.
    """

    index_keys: Sequence[str]
    replaced: frozenset[str]
    removed: frozenset[str]
    in_trash: frozenset[str]
    banned: frozenset[str]
    unmeasured: frozenset[str]
    new_count: int


def merged(attempt: Attempt, tile_set: TileSet) -> Outcome:
    """Make the next version of a tile set, from its newest version and the parts that are done.

    Raises:
        NoUsableTiles: not one photo is usable.
    """
    services = attempt.services
    _repair_last_index(attempt, tile_set)
    with services.reading() as session:
        have = _have(session, tile_set)
    if tile_set.version is not None and not have.new_count and not have.replaced:
        return Outcome(lambda session: tile_set_versions.settle(session, tile_set.id))
    with scratch.folder() as folder:
        made = folder / "index"
        _join(attempt, tile_set, have, made)
        near = index.near_duplicates(index.load(made), have.banned | have.in_trash) if tile_set.dedupe else {}
        indexed = _stored(attempt, tile_set, made, have, near)

    def write(session: Session) -> None:
        tile_set_versions.publish(session, tile_set.id, indexed, database.now(session))

    return Outcome(write)


def _repair_last_index(attempt: Attempt, tile_set: TileSet) -> None:
    """Make the index of the newest version again if it cannot be read."""
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
        frozenset(photo_measures.lacking(session, tile_set.id)),
        session.scalars(new).one(),
    )


def _join(attempt: Attempt, tile_set: TileSet, have: _Have, out: Path) -> None:
    """Merge the indexes of all parts and of the newest version; the rows of damaged or lost ones are made again."""
    services, removed = attempt.services, {bytes.fromhex(content) for content in have.removed}
    try:
        index.merged([services.store.path(key) for key in have.index_keys], out, removed)
    except StorageUnreachable:
        raise
    except (DamagedIndex, StorageUnreadable):
        files, held = list[Path](), set[bytes]()
        for key in have.index_keys:
            found = index_repair.whole(services.store, key)
            if found is not None:
                files.append(services.store.path(key))
                held.update(content.tobytes() for content in found.content)
        with services.reading() as session:
            new = select(TileRow.content).where(TileRow.tile_set_id == tile_set.id, TileRow.since.is_(None))
            lost = sorted({bytes.fromhex(content) for content in session.scalars(new)} - held)
        # If none of the lost photos can be read any more, the rest is merged without them.
        with context.decoders(services.settings) as decoder, suppress(NoUsableTiles):
            again = out.with_name("again")
            index_repair.write(
                services, tile_set.id, lost, stored_photos.reader(services, tile_set.id), decoder, again, _silently
            )
            files.append(again)
        index.merged(files, out, removed)


def _silently(_phase: str, _done: int, _total: int) -> None:
    """Report to nobody."""


def _stored(attempt: Attempt, tile_set: TileSet, made: Path, have: _Have, near: Mapping[str, str]) -> Indexed:
    """Store the index and the pictures of its colours under this attempt's own keys."""
    store, name = attempt.services.store, attempt.lease.name
    tiles: Index = index.load(made)
    index_key, plot_key, palette_key = (
        key(tile_set.id, name) for key in (blob_keys.index, blob_keys.plot, blob_keys.palette)
    )
    store.put(index_key, made)
    aside = near.keys() | have.in_trash
    used = [n for n in range(len(tiles)) if tiles.content[n].tobytes().hex() not in aside]
    colours = colour_overview.means(tiles)
    seen = colour_overview.overview(colours[used] if aside else colours)
    store.put(plot_key, seen.plot)
    store.put(palette_key, seen.palette)
    return Indexed(
        index_key,
        plot_key,
        palette_key,
        photo_count=len(tiles),
        left_out=have.removed,
        alike=near,
        change=f"{have.new_count:,} photo{'' if have.new_count == 1 else 's'} came in",
        lacks=seen.lacks,
        measures=_measures(tiles, colours, have.unmeasured),
    )


def _measures(tiles: Index, colours: NDArray[np.float64], wanted: frozenset[str]) -> dict[str, Measures]:
    """Return by content hash what rows say of some photos' pictures."""
    if not wanted:
        return {}
    contents = (content.tobytes().hex() for content in tiles.content)
    found = zip(contents, colour_overview.measures(tiles.size, colours), strict=True)
    return {content: measures for content, measures in found if content in wanted}
