"""Drafts: targets that are kept for orders that are not placed yet, so that no error on the way loses them.

A draft ends after a day, or when there are too many and it is the oldest. Its row stays for as long as its files may
be in the store or its trash, so that the sweep knows whose they were.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID, uuid5

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models import database, placing, queries
from models.placing import StoredFile
from models.rules.lifecycle import Doorbell
from models.rules.names import readable
from models.rules.orders import MosaicOrder
from models.tables import Draft, Mosaic, Sketch

SPAN = timedelta(days=1)
AT_ONCE = 1_000
"""Drafts that are asked for in one query."""


def add(session: Session, draft: Draft, most: int) -> Draft:
    """Add a draft, and end the oldest ones beyond `most`; one that another request added meanwhile is returned."""
    now = database.now(session)
    draft.created_at, draft.expires_at, draft.target_name = now, now + SPAN, readable(draft.target_name)
    kept = select(Draft.id).where(Draft.expires_at > now).order_by(Draft.created_at.desc())
    session.execute(update(Draft).where(Draft.id.in_(kept.offset(most - 1))).values(expires_at=now))
    try:
        with session.begin_nested():
            session.add(draft)
    except IntegrityError:
        return session.get_one(Draft, draft.id)
    return draft


def find(session: Session, draft_id: UUID) -> Draft | None:
    """Return a draft; None if it has ended, or there was none."""
    return find_all(session, [draft_id]).get(draft_id)


def find_all(session: Session, draft_ids: Sequence[UUID]) -> dict[UUID, Draft]:
    """Return those of some drafts that have not ended, by id."""
    living, found = select(Draft).where(Draft.expires_at > database.now(session)), list[Draft]()
    for first in range(0, len(draft_ids), AT_ONCE):
        found += session.scalars(living.where(Draft.id.in_(draft_ids[first : first + AT_ONCE])))
    return {draft.id: draft for draft in found}


def with_mask(session: Session, draft_id: UUID, mask: StoredFile) -> Draft:
    """Give a draft a mask, and return it."""
    named = {"mask": mask.key, "mask_name": readable(mask.name)}
    session.execute(update(Draft).where(Draft.id == draft_id).values(named))
    return session.get_one(Draft, draft_id)


def with_small_target(session: Session, draft_id: UUID, key: str, size: tuple[int, int]) -> Draft:
    """Note where a draft's target lies in small, and how large the whole is, upright; return the draft."""
    known = {"small_key": key, "width": size[0], "height": size[1], "sideways": False}
    session.execute(update(Draft).where(Draft.id == draft_id).values(known))
    return session.get_one(Draft, draft_id)


def is_ordered(session: Session, draft_id: UUID) -> bool:
    """Whether a mosaic was ordered of a draft, so that its files are that mosaic's."""
    return session.get(Mosaic, draft_id) is not None


def place(
    session: Session, draft: Draft, tile_set_id: UUID, order: MosaicOrder, mask: str | None, ring_again: timedelta
) -> tuple[UUID, Doorbell | None]:
    """Order the mosaic of a draft; the same order once more is the same mosaic, and there is nothing to ring for.

    A draft's first mosaic has its id; that of another follows from what is asked, so that of two equal requests at
    once the second finds it, too. A mosaic in the trash counts as none: who orders it again wants it. So does one of
    an older version of the tile set.

    Returns:
        The mosaic's id, and the doorbell.

    Raises:
        NotFound: there is no such tile set.
        NotReady: it is not indexed.
    """
    # Of two requests at once the second waits here, and then finds the mosaic of the first.
    session.execute(select(Draft.id).where(Draft.id == draft.id).with_for_update())
    version = queries.find_indexed(session, tile_set_id).version
    asked, mosaic_id = (tile_set_id, version, mask, order), draft.id
    while (mosaic := session.get(Mosaic, mosaic_id)) is not None:
        made = mosaic.tile_set_id, mosaic.tile_set_version, mosaic.mask, queries.order_of(mosaic)
        if mosaic.deleted_at is None and made == asked:
            return mosaic_id, None
        mosaic_id = uuid5(mosaic_id, repr(asked))
    target = StoredFile(draft.target_name, draft.target_key, draft.target_entry)
    return mosaic_id, placing.place_mosaic(session, mosaic_id, tile_set_id, target, order, ring_again, mask)


def forget(session: Session, ended_before: datetime) -> None:
    """Delete the rows of drafts that ended before a time and have no sketches any more."""
    sketched = select(Sketch.draft_id)
    session.execute(delete(Draft).where(Draft.expires_at < ended_before, Draft.id.not_in(sketched)))
