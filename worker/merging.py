"""The end of indexing: the arrays of all parts become one index, and that a version of the tile set."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from models import database, finding, keys, tile_sets
from models.errors import DamagedIndex, StorageUnreadable
from models.services import Services
from models.tables import Part, TileSet
from models.tables import Tile as TileRow
from models.tile_sets import Indexed
from worker import colours, context, index, kept, litter, rebuild
from worker.attempt import Attempt, Outcome
from worker.core.alike import alike
from worker.index import Index, Skipped
from worker.parts import report

ROWS_AT_ONCE = 1_000


@dataclass(frozen=True)
class _Have:
    """What there is to be put together, and what is not to be in it, by content hash."""

    index_keys: Sequence[str]
    removed: frozenset[str]
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
    if tile_set.version is not None and not have.new_count:
        return Outcome(lambda session: tile_sets.settle(session, tile_set.id))
    with litter.scratch() as folder:
        made = folder / "index"
        _join(attempt, tile_set, have, made)
        near = _near_duplicates(services, tile_set, made, have) if tile_set.dedupe else {}
        if near:
            unlike = made.with_name("unlike")
            index.merged([made], unlike, {bytes.fromhex(content) for content in near})
            made = unlike
        indexed = _stored(attempt, tile_set, made, have, near)

    def write(session: Session) -> None:
        report(session, tile_set, list(near.values()))
        number = tile_sets.publish(session, tile_set.id, indexed, database.now(session))
        _set_aside(session, tile_set, near, number)

    return Outcome(write)


def _see_to_the_last_index(attempt: Attempt, tile_set: TileSet) -> None:
    """Have the index of the newest version made again if it cannot be read."""
    if tile_set.version is None:
        return
    services = attempt.services
    with services.reading() as session:
        last = finding.find_version(session, tile_set.id, tile_set.version)
    with context.decoders(services.settings) as decoder:
        read = kept.reader(services, tile_set.id)
        rebuild.loaded(services, last, read, decoder, f"{attempt.lease.name}-rebuilt", lambda *_: None)


def _have(session: Session, tile_set: TileSet) -> _Have:
    done = select(Part.index_key).where(Part.tile_set_id == tile_set.id, Part.index_key.is_not(None))
    index_keys = [key for key in session.scalars(done.order_by(Part.number)) if key is not None]
    if tile_set.version is not None:
        index_keys.append(finding.find_version(session, tile_set.id, tile_set.version).index_key)
    new = select(func.count()).where(TileRow.tile_set_id == tile_set.id, TileRow.since.is_(None))
    return _Have(
        index_keys,
        frozenset(tile_sets.removed(session, tile_set.id)),
        frozenset(tile_sets.excluded(session, tile_set.id)),
        session.scalars(new).one(),
    )


def _join(attempt: Attempt, tile_set: TileSet, have: _Have, out: Path) -> None:
    """Write the rows of all parts and of the last index; those of damaged or lost parts are made again."""
    services, removed = attempt.services, {bytes.fromhex(content) for content in have.removed}
    try:
        index.merged([services.store.path(key) for key in have.index_keys], out, removed)
    except (DamagedIndex, StorageUnreadable):
        files, held = [out.with_name("again")], set[bytes]()
        for key in have.index_keys:
            part = rebuild.whole(services.store, key)
            if part is not None:
                files.append(services.store.path(key))
                held.update(content.tobytes() for content in part.content)
        with services.reading() as session:
            new = select(TileRow.content).where(TileRow.tile_set_id == tile_set.id, TileRow.since.is_(None))
            lost = sorted({bytes.fromhex(content) for content in session.scalars(new)} - held)
        with context.decoders(services.settings) as decoder:
            read = kept.reader(services, tile_set.id)
            rebuild.write(services, tile_set.id, lost, read, decoder, files[0], lambda *_: None)
        index.merged(files, out, removed)


def _near_duplicates(services: Services, tile_set: TileSet, made: Path, have: _Have) -> dict[str, Skipped]:
    """Return a line for every photo that is nearly the same as another; a banned one stands for none."""
    tiles = index.load(made)
    used = [n for n in range(len(tiles)) if tiles.content[n].tobytes().hex() not in have.banned]
    some = tiles if len(used) == len(tiles) else tiles.selected(np.array(used, np.intp))
    pairs = {used[n]: used[one] for n, one in enumerate(alike(some.thumb, some.size)) if n != one}
    contents = {n: tiles.content[n].tobytes().hex() for pair in pairs.items() for n in pair}
    with services.reading() as session:
        names = _names(session, tile_set, sorted(set(contents.values())))
    return {
        contents[n]: Skipped(names[contents[n]], "near_duplicate", f"Nearly the same as {names[contents[one]]}.")
        for n, one in pairs.items()
    }


def _names(session: Session, tile_set: TileSet, contents: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for some in _chunks(contents):
        held = select(TileRow.content, TileRow.name).where(TileRow.tile_set_id == tile_set.id)
        found |= dict(session.execute(held.where(TileRow.content.in_(some))).all())
    return found


def _set_aside(session: Session, tile_set: TileSet, contents: Iterable[str], number: int) -> None:
    """Leave photos out from a version on; they stay known, so that who sends them again costs a hash."""
    for some in _chunks(sorted(contents)):
        session.execute(
            update(TileRow)
            .where(TileRow.tile_set_id == tile_set.id, TileRow.content.in_(some))
            .values(until=number)
            .execution_options(synchronize_session=False)
        )


def _chunks(contents: Sequence[str]) -> Iterable[Sequence[str]]:
    return (contents[first : first + ROWS_AT_ONCE] for first in range(0, len(contents), ROWS_AT_ONCE))


def _stored(attempt: Attempt, tile_set: TileSet, made: Path, have: _Have, near: Iterable[str]) -> Indexed:
    """Store the arrays and the pictures of their colours under this attempt's own keys."""
    store, name = attempt.services.store, attempt.lease.name
    tiles: Index = index.load(made)
    index_key, plot_key, palette_key = (key(tile_set.id, name) for key in (keys.index, keys.plot, keys.palette))
    store.put(index_key, made)
    plot, palette = colours.pictures(tiles)
    store.put(plot_key, plot)
    store.put(palette_key, palette)
    return Indexed(
        index_key,
        plot_key,
        palette_key,
        photo_count=len(tiles),
        left_out=have.removed.union(near),
        change=f"{have.new_count:,} photo{'' if have.new_count == 1 else 's'} came in",
    )
