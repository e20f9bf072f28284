"""The draft behind the order page: it keeps what was uploaded, until the order is placed."""

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from io import BytesIO
from itertools import zip_longest
from typing import IO
from uuid import UUID, uuid4

from werkzeug.datastructures import FileStorage

from models import again, drafts, queries, sketches
from models.errors import InvalidOrder, NotFound, UnusablePicture
from models.notifying import ring_all
from models.placing import StoredFile
from models.rules import blob_keys
from models.rules.lattices import Effort
from models.rules.masks import ALPHA
from models.rules.names import readable
from models.rules.orders import MosaicOrder
from models.rules.repeats import QUICK
from models.tables import Draft
from web import forms, precheck
from web.context import reading, services, sessions, settings, store
from web.intake import name_of, tile_count_of
from web.precheck import HEADER_BYTES, Size

NO_TARGET = "Choose the picture to rebuild."
ENDED = "The picture that you chose was kept for a day, and that is over; choose it again."
MASK_AS_BEFORE = "the mask as before"
BLOCK_BYTES = 1 << 20
"""Of two files that are compared, what is read at once."""
UNKNOWN = Size(0, 0, known=False, sideways=False)


def found(form: Mapping[str, str]) -> Draft | None:
    """Return the draft that a form names; None if it has ended, or nothing is kept yet."""
    identity = _draft_id(form)
    if identity is None:
        return None
    with reading() as session:
        return drafts.find(session, identity)


def kept(draft_id: UUID) -> Draft:
    """Return a draft that is named by its id alone.

    Raises:
        NotFound: there is none, or it has ended.
    """
    return all_kept([draft_id])[0]


def all_kept(draft_ids: Sequence[UUID]) -> list[Draft]:
    """Return drafts that are named by their ids alone, in the same order.

    Raises:
        NotFound: there is one of them not, or it has ended.
    """
    with reading() as session:
        found = drafts.find_all(session, draft_ids)
    if missing := [draft_id for draft_id in draft_ids if draft_id not in found]:
        others = f", nor {len(missing) - 1:,} more of these" if missing[1:] else ""
        raise NotFound(f"There is no target {missing[0]}{others}, or no longer: one is kept for a day.")
    return [found[draft_id] for draft_id in draft_ids]


def of_mosaic(mosaic_id: UUID, identity: UUID | None = None) -> Draft:
    """Return a draft of what a mosaic was made of, its target and its mask; no row keeps it yet.

    Raises:
        NotFound: there is no such mosaic.
    """
    with reading() as session:
        mosaic = queries.find_mosaic(session, mosaic_id)
    target = StoredFile(mosaic.target_name, mosaic.target_key, mosaic.target_entry)
    draft = _draft(identity or uuid4(), target, None)
    if mosaic.mask not in (None, ALPHA):
        draft.mask, draft.mask_name = mosaic.mask, MASK_AS_BEFORE
    return _sized(draft, _size_of_stored(target))


def with_target(form: Mapping[str, str], target: FileStorage | None) -> Draft:
    """Return the draft of a form, after keeping the target that came with it.

    A draft's target stays as it is: another target is another draft. `again` names a mosaic whose target and mask
    are taken where the form brings none.

    Raises:
        InvalidOrder: no target came, none is kept, and no mosaic is named.
        UnusablePicture: the target's header shows that it cannot be used.
        NotFound: there is no mosaic that is to be ordered again.
    """
    draft = found(form)
    if target is not None and target.filename:
        return _of_target(target, draft, _draft_id(form))
    return draft or _again(form)


def with_mask(draft: Draft, mask: FileStorage | None) -> Draft:
    """Return a draft after keeping the mask that came with the form.

    Raises:
        InvalidOrder: the mask is of another shape than the target.
        UnusablePicture: its header shows that it cannot be used.
    """
    if mask is None or not mask.filename:
        return draft
    name = f"The mask {name_of(mask)}"
    precheck.judge_mask(mask.stream, name, settings().max_picture_bytes, size_of(draft))
    if _is_ordered(draft.id):  # the mask under that key is a mosaic's
        target = draft.target_name, draft.target_key, draft.target_entry
        draft = _added(_sized(_draft(uuid4(), StoredFile(*target), draft.byte_count), size_of(draft)))
    mask.stream.seek(0)
    stored = StoredFile(name_of(mask), blob_keys.mask(draft.id))
    store().put(stored.key, mask.stream)
    with sessions().begin() as session:
        return drafts.with_mask(session, draft.id, stored)


def order(
    draft: Draft, tile_set_id: UUID, asked: MosaicOrder, *, alpha: bool, last_id: UUID | None = None
) -> UUID:  # fmt: skip
    """Order the mosaic of a draft, and return its id; the same order once more is the same mosaic.

    Args:
        draft: What it is made of.
        tile_set_id: What of.
        asked: How.
        alpha: Whether the target is its own mask.
        last_id: The mosaic that is ordered again, if it is one.

    Raises:
        InvalidOrder: the order does not fit the target, or a mask and the target's own transparency contradict.
        NotFound: there is no such tile set.
        NotReady: it is not indexed.
    """
    if draft.mask and alpha:
        raise InvalidOrder("mask", "A mask and the target's own transparency contradict each other; give one.")
    check(draft, tile_set_id, asked)
    mask = draft.mask or (ALPHA if alpha else None)
    with sessions().begin() as session:
        identity, bell = drafts.place(session, draft, tile_set_id, asked, mask, services().ring_again)
        if bell and last_id:
            again.note(session, identity, last_id)
    ring_all(sessions(), [bell] if bell else [])
    return identity


def sketch(draft: Draft, tile_set_id: UUID, asked: MosaicOrder, look: str) -> UUID:
    """Order a sketch of a draft, and return its id; see `models.sketches.place`.

    Raises:
        InvalidOrder: the order does not fit the target.
        NotFound: there is no such tile set.
        NotReady: it is not indexed.
    """
    check(draft, tile_set_id, asked)
    with sessions().begin() as session:
        identity, bell = sketches.place(session, draft.id, tile_set_id, asked, look, services().ring_again)
    ring_all(sessions(), [bell])
    return identity


def check(draft: Draft, tile_set_id: UUID, asked: MosaicOrder) -> None:
    """Refuse an order that does not fit a draft's target, as far as its header tells; the worker checks the rest."""
    precheck.check(size_of(draft), asked, tile_count_of(tile_set_id), Effort(QUICK), settings().limits)


def size_of(draft: Draft) -> Size:
    """Return what is known of the size of a draft's target."""
    width, height = draft.width or 0, draft.height or 0
    return Size(width, height, known=bool(width and height), sideways=draft.sideways)


def _of_target(target: FileStorage, draft: Draft | None, identity: UUID | None) -> Draft:
    """Keep a target, unless the draft has it already: a form that was sent twice is one draft."""
    name = name_of(target)
    size = precheck.measured(target.stream, name, settings().max_picture_bytes)
    byte_count = target.stream.seek(0, os.SEEK_END)
    target.stream.seek(0)
    known = draft is not None and (draft.target_name, draft.byte_count) == (readable(name), byte_count)
    if draft is not None and known and _is_kept(draft, target.stream):
        return draft
    if identity is None or draft is not None or _is_ordered(identity):
        identity = uuid4()
    stored = StoredFile(name, blob_keys.target(identity))
    store().put(stored.key, target.stream)
    return _added(_sized(_draft(identity, stored, byte_count), size))


def _is_kept(draft: Draft, file: IO[bytes]) -> bool:
    """Whether a file has the bytes of a draft's target: a picture that was edited may have the same name and size."""
    with store().open(draft.target_key) as kept:
        blocks = (iter(partial(each.read, BLOCK_BYTES), b"") for each in (kept, file))
        same = all(one == other for one, other in zip_longest(*blocks))
    file.seek(0)
    return same


def _again(form: Mapping[str, str]) -> Draft:
    """Keep what a mosaic was made of that is to be ordered again."""
    identity, text = _draft_id(form), form.get("again", "").strip()
    if not text and identity is not None and _is_ordered(identity):
        text, identity = str(identity), None
    if not text:
        raise InvalidOrder("target", ENDED if form.get("target_name") else NO_TARGET)
    return _added(of_mosaic(forms.identity(text, "mosaic"), identity))


def _size_of_stored(target: StoredFile) -> Size:
    """Return the size of a target that was taken before; what is wrong with it, if anything, the worker says."""
    with suppress(UnusablePicture):
        if target.entry is None:
            head = BytesIO(store().get_range(target.key, 0, HEADER_BYTES))
            return precheck.measured(head, target.name, settings().max_picture_bytes)
    return UNKNOWN


def _draft(identity: UUID, target: StoredFile, byte_count: int | None) -> Draft:
    return Draft(
        id=identity, target_name=target.name, target_key=target.key, target_entry=target.entry, byte_count=byte_count
    )  # fmt: skip


def _sized(draft: Draft, size: Size) -> Draft:
    if size.known:
        draft.width, draft.height = size.width, size.height
    draft.sideways = size.sideways
    return draft


def _added(draft: Draft) -> Draft:
    with sessions().begin() as session:
        return drafts.add(session, draft, settings().max_drafts)


def _is_ordered(identity: UUID) -> bool:
    with reading() as session:
        return drafts.is_ordered(session, identity)


def _draft_id(form: Mapping[str, str]) -> UUID | None:
    with suppress(NotFound):
        return forms.identity(form.get("draft", ""), "draft")
    return None
