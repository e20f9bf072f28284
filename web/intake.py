"""What pages and API both do with an order: check it, store its files, write the rows, ring."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any
from uuid import UUID, uuid4

from werkzeug.datastructures import FileStorage

from models import edits, queries, renditions, retrying
from models.errors import InvalidOrder, NotFound, TooLarge
from models.notifying import ring_all
from models.placing import NewSource, StoredFile, place_batch, place_mosaic, place_photos, place_tile_set
from models.rules import blob_keys, zip_files
from models.rules.lattices import Effort
from models.rules.lifecycle import Doorbell, JobKind, Lane
from models.rules.masks import ALPHA
from models.rules.orders import MosaicOrder
from models.rules.repeats import QUICK
from models.rules.tile_set_words import SourceKind
from web.context import reading, services, sessions, settings, store
from web.precheck import Size, judge, judge_mask


def receive_tile_set(
    name: str,
    photos: Sequence[FileStorage],
    zipped: Sequence[FileStorage],
    *,
    dedupe: bool = False,
    keep_originals: bool = False,
) -> UUID:
    """Store photos, or zips of photos, and order them to be indexed.

    Raises:
        InvalidOrder: no files came.
        BadArchive: a file is not a zip, or the zip reaches outside itself.
        TooLarge: too many photos, or too many bytes.
    """
    photos, zips = _judged(photos, zipped)
    identity = uuid4()
    sources = _sources(identity, photos, zips)
    with sessions().begin() as session:
        bell = place_tile_set(
            session, identity, name or "Untitled", sources, services().ring_again, dedupe=dedupe,
            keep_originals=keep_originals,
        )  # fmt: skip
    ring_all(sessions(), [bell])
    return identity


def receive_demo(name: str) -> UUID:
    """Order the photos that come with this installation to be indexed, or return the set that they are already.

    Raises:
        NotFound: none come with it.
    """
    with reading() as session, suppress(NotFound):
        return queries.find_named(session, name).id
    try:
        with Path(settings().demo_archive).open("rb") as file:
            return receive_tile_set(name, [], [FileStorage(file, "demo.zip")])
    except OSError as error:
        raise NotFound("There are no demo photographs on this machine.") from error


def receive_photos(tile_set_id: UUID, photos: Sequence[FileStorage], zipped: Sequence[FileStorage]) -> None:
    """Store more photos for a tile set, and order them to be indexed.

    Raises:
        InvalidOrder: no files came.
        BadArchive: a file is not a zip, or the zip reaches outside itself.
        TooLarge: too many photos, or too many bytes.
        NotFound: there is no such tile set.
        NotReady: it is being indexed.
    """
    photos, zips = _judged(photos, zipped)
    with reading() as session:
        queries.find_idle(session, tile_set_id)
    sources = _sources(tile_set_id, photos, zips)
    with sessions().begin() as session:
        bell = place_photos(session, tile_set_id, sources, services().ring_again)
    ring_all(sessions(), [bell])


def resume_tile_set(tile_set_id: UUID) -> None:
    """Go on with the indexing of a tile set where a cancelled or failed job stopped.

    Raises:
        NotFound: there is no such tile set.
        NotRetryable: its job did not fail and was not cancelled.
    """
    with sessions().begin() as session:
        job_id = retrying.place_again(session, queries.find_tile_set(session, tile_set_id).job_id)
    ring_all(sessions(), [Doorbell(JobKind.INDEX, job_id, Lane.INDEXING)])


def _judged(
    photos: Sequence[FileStorage], zipped: Sequence[FileStorage]
) -> tuple[list[FileStorage], list[FileStorage]]:
    """Return the files that were really uploaded, or refuse them before anything is stored."""
    some = [photo for photo in photos if photo.filename]
    zips = [archive for archive in zipped if archive.filename]
    if not some and not zips:
        raise InvalidOrder("photos", "Choose photos, or a zip of photos.")
    if len(some) > settings().max_photos:
        raise TooLarge(f"{len(some):,} photos are more than the limit of {settings().max_photos:,}.")
    for archive in zips:
        _names(archive, settings().max_photos)
    return some, zips


def _sources(tile_set_id: UUID, photos: Sequence[FileStorage], zips: Sequence[FileStorage]) -> list[NewSource]:
    files = [(SourceKind.PHOTO, photo) for photo in photos] + [(SourceKind.ARCHIVE, archive) for archive in zips]
    return [
        NewSource(kind, stored.name, stored.key)
        for kind, file in files
        for stored in [_stored(file, blob_keys.upload(tile_set_id, uuid4().hex))]
    ]


def receive_mosaic(
    tile_set_id: UUID, target: FileStorage | None, order: MosaicOrder, mask: FileStorage | None = None, *,
    alpha: bool = False,
) -> UUID:  # fmt: skip
    """Store a target, and its mask if there is one, and order its mosaic; with `alpha`, the target is its own mask.

    Raises:
        InvalidOrder: no target came, or the order or the mask does not fit it.
        UnusablePicture: the header of the target or of the mask shows that it cannot be used.
        NotFound: there is no such tile set.
        NotReady: the tile set is not indexed.
    """
    if target is None or not target.filename:
        raise InvalidOrder("target", "Choose the picture to rebuild.")
    tile_count = tile_count_of(tile_set_id)
    size = _judge(target, order, tile_count, Effort(QUICK))
    has_mask = mask is not None and bool(mask.filename)
    if has_mask and alpha:
        raise InvalidOrder("mask", "A mask and the target's own transparency contradict each other; give one.")
    if mask is not None and has_mask:
        judge_mask(_file(mask), f"The mask {name_of(mask)}", settings().max_picture_bytes, size)
    identity = uuid4()
    stored = _stored(target, blob_keys.target(identity))
    kept = _stored(mask, blob_keys.mask(identity)).key if mask is not None and has_mask else ALPHA if alpha else None
    with sessions().begin() as session:
        bell = place_mosaic(session, identity, tile_set_id, stored, order, services().ring_again, kept)
    ring_all(sessions(), [bell])
    return identity


def receive_rendition(mosaic_id: UUID, given: Mapping[str, Any]) -> UUID:
    """Order a rendition of a mosaic; one that was ordered before is found again. See `models.renditions.place`.

    Args:
        mosaic_id: The mosaic.
        given: Its format, and quality and dots per inch if they were said.

    """
    with sessions().begin() as session:
        placed = renditions.place(session, mosaic_id, given, services().ring_again)
    ring_all(sessions(), [placed.bell] if placed.bell else [])
    return placed.rendition_id


def receive_edit(mosaic_id: UUID, given: Mapping[str, list[Any]]) -> UUID:
    """Order an edit of a mosaic; see `models.edits.place`."""
    identity = uuid4()
    with sessions().begin() as session:
        bell = edits.place(session, identity, mosaic_id, given, services().ring_again)
    ring_all(sessions(), [bell])
    return identity


def receive_batch(
    name: str,
    tile_set_id: UUID,
    targets: Sequence[FileStorage],
    zipped: Sequence[FileStorage],
    order: MosaicOrder,
    kept: Sequence[StoredFile] = (),
) -> UUID:
    """Store many targets, or a zip of them, and order a mosaic of each, in the lane that delays nobody.

    Args:
        name: Of the batch.
        tile_set_id: What its mosaics are made of.
        targets: Pictures to rebuild.
        zipped: Zips of such pictures.
        order: One for all.
        kept: Targets that are in the store already, and were checked for the order.

    Raises:
        InvalidOrder: nothing came, or the order does not fit a target.
        UnusablePicture: a target's header shows that it cannot be used; targets in a zip are left to the worker.
        BadArchive: a file is not a zip, or the zip reaches outside itself.
        TooLarge: too many targets.
        NotFound: there is no such tile set.
        NotReady: the tile set is not indexed.
    """
    targets = [target for target in targets if target.filename]
    zips = [archive for archive in zipped if archive.filename]
    if not targets and not zips and not kept:
        raise InvalidOrder("targets", "Choose the pictures to rebuild, or a zip of them.")
    tile_count, effort = tile_count_of(tile_set_id), Effort(QUICK)
    for target in targets:
        _judge(target, order, tile_count, effort)
    named = [_names(archive, settings().max_targets) for archive in zips]
    count = len(targets) + sum(map(len, named)) + len(kept)
    if count > settings().max_targets:
        raise TooLarge(f"{count:,} targets are more than the limit of {settings().max_targets:,}.")
    identity = uuid4()
    stored = [_stored(file, blob_keys.batch_target(identity, number)) for number, file in enumerate(targets)]
    for number, (archive, names) in enumerate(zip(zips, named, strict=True), len(targets)):
        key = _stored(archive, blob_keys.batch_target(identity, number)).key
        stored += [StoredFile(entry_name, key, entry) for entry, entry_name in enumerate(names)]
    stored += kept
    bells: list[Doorbell]
    with sessions().begin() as session:
        bells = place_batch(session, identity, name or "Untitled", tile_set_id, stored, order, services().ring_again)
    ring_all(sessions(), bells)
    return identity


def _judge(target: FileStorage, order: MosaicOrder, tile_count: int, effort: Effort) -> Size:
    most, limits = settings().max_picture_bytes, settings().limits
    return judge(_file(target), name_of(target), most, order, tile_count, effort, limits)


def tile_count_of(tile_set_id: UUID) -> int:
    """Return how many tiles there are, or refuse the order before anything is stored.

    Placing the order looks up the tile set again, in the transaction in which it writes.
    """
    with reading() as session:
        current = queries.find_indexed(session, tile_set_id).current
        return current.tile_count if current else 0


def _names(archive: FileStorage, max_entries: int) -> list[str]:
    file = _file(archive)
    with zip_files.opened(file) as opened:
        opened.check(max_entries, settings().max_upload_bytes)
        names = opened.names
    file.seek(0)
    return names


def _stored(file: FileStorage, key: str) -> StoredFile:
    store().put(key, _file(file))
    return StoredFile(name_of(file), key)


def _file(upload: FileStorage) -> IO[bytes]:
    stream: IO[bytes] = upload.stream
    return stream


def name_of(upload: FileStorage) -> str:
    """Return the name of an uploaded file, without the folders that it was in."""
    return (upload.filename or "").replace("\\", "/").rpartition("/")[2] or "the file"
