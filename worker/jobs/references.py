"""What the database says about a blob: a row names it, it is no longer needed, or no row says anything about it."""

from collections.abc import Callable
from enum import Enum, auto
from uuid import UUID

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session, sessionmaker

from models import drafts, exclusions
from models.rules import blob_keys
from models.rules.blob_keys import Key, Kind
from models.rules.lifecycle import JobState
from models.tables import (
    Batch,
    Draft,
    Exclusion,
    Intake,
    Job,
    Mosaic,
    Part,
    Rendition,
    Sketch,
    Source,
    Tile,
    TileSet,
    Upload,
    Version,
)


class Standing(Enum):
    """What the database says about a blob."""

    NAMED = auto()
    """A row names it, or may do so soon."""
    SPENT = auto()
    """By what the rows say, its job is over, or what it belongs to was deleted for good."""
    UNKNOWN = auto()
    """No row says anything about it: it was never ordered, or this is another database, or an older one."""


Rule = Callable[[str, Key], Standing]
Owner = tuple[str, UUID]
KEPT = Mosaic.purged_at.is_(None) & ~exists().where(Batch.id == Mosaic.batch_id, Batch.purged_at.is_not(None))
"""Whether a mosaic was not purged, neither by itself nor with its batch."""


def nothing_known(_key: str, _said: Key) -> Standing:
    """Say that no row says anything about this owner's blobs."""
    return Standing.UNKNOWN


def all_named(_key: str, _said: Key) -> Standing:
    """Say that all of this owner's blobs are needed."""
    return Standing.NAMED


def all_spent(_key: str, _said: Key) -> Standing:
    """Say that none of this owner's blobs are needed any more."""
    return Standing.SPENT


class Named:
    """What the database says about blobs; each owner's rows are read once."""

    def __init__(self, reading: sessionmaker[Session]) -> None:
        self._reading = reading
        self._rules: dict[Owner, Rule] = {}

    def standing(self, key: str) -> Standing | None:
        """Return what the database says about the blob under a key; None if the key is not Tessera's."""
        said = Key.parsed(key)
        if said is None:
            return None
        owner = (said.thing, said.owner)
        if owner not in self._rules:
            with self._reading() as session:
                self._rules[owner] = _rule(session, *owner)
        return self._rules[owner](key, said)


def _rule(session: Session, thing: str, owner: UUID) -> Rule:
    makers = {blob_keys.TILE_SETS: _of_tile_set, blob_keys.MOSAICS: _of_mosaic, blob_keys.BATCHES: _of_batch}
    return makers[thing](session, owner) if thing in makers else nothing_known


def _of_tile_set(session: Session, identity: UUID) -> Rule:
    tile_set = session.get(TileSet, identity)
    if tile_set is None:
        return _of_coming_set(session, identity)
    if not tile_set.job.state.final:
        return all_named
    if tile_set.version is None and tile_set.job.state is JobState.SUCCEEDED and tile_set.purged_at is None:
        # Indexed before there were versions: its photos must still be indexed again.
        return all_named
    needed = _needed_versions(session, tile_set)
    if not needed and tile_set.purged_at is not None:
        return all_spent
    named = {key for version in needed for key in (version.index_key, version.plot_key, version.palette_key)}
    named |= set(session.scalars(select(Source.address).where(Source.tile_set_id == identity)))
    named |= _sent(session, identity)
    for part in session.scalars(select(Part).where(Part.tile_set_id == identity)):
        named |= {part.listing_key, part.index_key}
    contents = set(session.scalars(select(Tile.content).where(Tile.tile_set_id == identity)))
    contents |= exclusions.in_trash(session, identity)
    excluded = set(session.scalars(select(Exclusion.content).where(Exclusion.tile_set_id == identity)))
    if any(version.number != tile_set.version for version in needed):
        contents |= excluded
    purged, newest_job = tile_set.purged_at is not None, _newest_job(session)

    def rule(key: str, said: Key) -> Standing:
        if key in named or said.content in contents:
            return Standing.NAMED
        spent = purged or said.kind is Kind.PASSING or said.content in excluded or _is_of_known_job(said, newest_job)
        return Standing.SPENT if spent else Standing.UNKNOWN

    return rule


def _of_coming_set(session: Session, identity: UUID) -> Rule:
    """Return the rule for files that were sent for a set that is not ordered yet, or never was."""
    if session.scalar(select(Intake.id).where(Intake.tile_set_id == identity).limit(1)) is None:
        return nothing_known
    named = _sent(session, identity)

    def rule(key: str, said: Key) -> Standing:
        if key in named:
            return Standing.NAMED
        return Standing.SPENT if said.kind is Kind.PASSING else Standing.UNKNOWN

    return rule


def _sent(session: Session, identity: UUID) -> set[str]:
    """Return the keys of files, and of pieces of files, in the open intakes of a tile set."""
    mine = select(Upload.key, Upload.parts).join(Upload.intake)
    found = session.execute(mine.where(Intake.tile_set_id == identity, Intake.ended_at.is_(None)))
    return {each for key, parts in found for each in (key, *parts) if each}


def _needed_versions(session: Session, tile_set: TileSet) -> list[Version]:
    """Return the newest version, unless the set was purged, and those that unfinished renditions need."""
    unfinished = Job.state.in_([JobState.QUEUED, JobState.RUNNING])
    renditions = select(Mosaic.tile_set_version).join(Rendition, Rendition.mosaic_id == Mosaic.id)
    query = renditions.join(Rendition.job).where(Mosaic.tile_set_id == tile_set.id, unfinished)
    numbers = set(session.scalars(query.distinct()))
    if tile_set.purged_at is None and tile_set.version is not None:
        numbers.add(tile_set.version)
    found = select(Version).where(Version.tile_set_id == tile_set.id, Version.number.in_(numbers))
    return list(session.scalars(found))


def _of_mosaic(session: Session, identity: UUID) -> Rule:
    mosaic = session.get(Mosaic, identity)
    if mosaic is None:
        return _of_draft(session, identity)
    mine = select(Rendition.key, Job.state).join(Rendition.job).where(Rendition.mosaic_id == identity)
    renditions = session.execute(mine).all()
    if not mosaic.job.state.final or not all(state.final for _, state in renditions):
        return all_named
    purged = mosaic.purged_at is not None or (mosaic.batch is not None and mosaic.batch.purged_at is not None)
    if purged:
        named = _shared_by_others(session, mosaic)
    else:
        thumbnails = mosaic.thumbnail_key, mosaic.large_thumbnail_key
        small = mosaic.preview_key, *thumbnails, mosaic.target_preview_key
        named = {mosaic.target_key, mosaic.mask, mosaic.placement_key, *small, *(key for key, _ in renditions)}
    newest_job = _newest_job(session)

    def rule(key: str, said: Key) -> Standing:
        if key in named:
            return Standing.NAMED
        return Standing.SPENT if purged or _is_of_known_job(said, newest_job) else Standing.UNKNOWN

    return rule


def _shared_by_others(session: Session, purged: Mosaic) -> set[str | None]:
    """Return the keys of a purged mosaic's blobs that drafts need, or mosaics which were not purged.

    These are its target and its mask; and its placement, as long as an edit of it is not made, and can be.
    """
    target, mask = blob_keys.target(purged.id), blob_keys.mask(purged.id)
    same = (Mosaic.target_key == target) | (Mosaic.mask == mask)
    again = (Draft.target_key == target) | (Draft.mask == mask)
    placed = session.execute(select(Mosaic.target_key, Mosaic.mask).where(same, KEPT)).all()
    wanted = session.execute(select(Draft.target_key, Draft.mask).where(again)).all()
    named = {key for keys in (*placed, *wanted) for key in keys}
    edit = select(Mosaic.id).join(Mosaic.job).where(Mosaic.parent_id == purged.id, Job.state != JobState.SUCCEEDED)
    if session.scalars(edit.where(KEPT).limit(1)).first() is not None:
        named.add(purged.placement_key)
    return named


def _of_draft(session: Session, identity: UUID) -> Rule:
    """Return the rule of a mosaic that may still be ordered; until then its files are those of a draft."""
    draft = session.get(Draft, identity)
    if draft is None:
        return nothing_known
    if drafts.find(session, identity) is None:
        return all_spent
    sketches = select(Sketch.key, Job.state).join(Sketch.job).where(Sketch.draft_id == identity)
    found = session.execute(sketches.order_by(Sketch.created_at.desc())).all()
    if not all(state.final for _, state in found):
        return all_named
    named, newest_job = (
        {draft.target_key, draft.mask, draft.small_key, *(key for key, _ in found)},
        _newest_job(session),
    )

    def rule(key: str, said: Key) -> Standing:
        if key in named:
            return Standing.NAMED
        return Standing.SPENT if _is_of_known_job(said, newest_job) else Standing.UNKNOWN

    return rule


def _of_batch(session: Session, identity: UUID) -> Rule:
    """Keep the targets of a batch that drafts name, or mosaics which were not purged; edits name them too."""
    batch = session.get(Batch, identity)
    if batch is None:
        return nothing_known
    mine = select(Mosaic.target_key).where(Mosaic.batch_id == identity)
    named = set(session.scalars(select(Mosaic.target_key).where(Mosaic.target_key.in_(mine), KEPT).distinct()))
    named |= set(session.scalars(select(Draft.target_key).where(Draft.target_key.in_(mine))))
    spent = set(session.scalars(mine.distinct())) - named

    def rule(key: str, _said: Key) -> Standing:
        return Standing.SPENT if key in spent else Standing.NAMED

    return rule


def _newest_job(session: Session) -> int:
    return session.scalar(select(func.max(Job.id))) or 0


def _is_of_known_job(said: Key, newest_job: int) -> bool:
    """Whether this database knows the job that made it; one that was restored from a dump lacks the later jobs."""
    return said.job is not None and said.job <= newest_job
