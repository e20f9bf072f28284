"""Downloads: pictures streamed from the store, with fixed media types and names that we chose."""

import io
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import PurePosixPath
from uuid import UUID

from flask import Response, request
from werkzeug.exceptions import RequestedRangeNotSatisfiable
from werkzeug.wsgi import FileWrapper
from zipstream import ZIP_STORED, ZipStream

from models import placement_documents, queries
from models.errors import NotFound, NotReady
from models.rules import blob_keys
from models.rules.lifecycle import JobState, not_made
from models.storage import Store
from models.tables import Job, Mosaic, RemovedTile, Rendition, Sketch, Tile, Version
from web.context import reading, store

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
DOCUMENTS = {".json": "application/json", ".csv": "text/csv"}
"""The media type of a placement, by the ending of its file."""
PIECES = 256
"""Cells of a placement that are sent at once."""
READ_BYTES = 128 << 10
"""How much is held in memory for each slow client."""


def rendition(row: Rendition) -> Response:
    """Return a file of a mosaic, to be saved.

    Raises:
        NotReady: its job has not succeeded.
    """
    if row.job.state is not JobState.SUCCEEDED or row.key is None:
        raise NotReady(f"The mosaic is {row.job.state} as {row.format.facts.title}; there is no file to fetch.")
    response = _blob(row.key, row.format.facts.media_type)
    _name(response, row.mosaic_id, row.format.facts.suffix)
    response.set_etag(row.sha256 or "")
    try:
        response.make_conditional(request, accept_ranges=True, complete_length=row.byte_count)
    except RequestedRangeNotSatisfiable:
        response.close()
        raise
    return response


def preview(mosaic: Mosaic) -> Response:
    """Return a mosaic's preview, to be shown on a page.

    Raises:
        NotReady: its job has not succeeded.
    """
    if mosaic.job.state is not JobState.SUCCEEDED or mosaic.preview_key is None:
        raise not_made(mosaic.job.state, "fetch its picture")
    return unchanging(mosaic.preview_key, "image/jpeg")


def thumbnail(mosaic: Mosaic, *, large: bool = False) -> Response:
    """Return a mosaic's thumbnail, or the large one; of one from before these were kept, the next that it has.

    Raises:
        NotReady: its job has not succeeded.
    """
    key = (mosaic.large_thumbnail_key if large else None) or mosaic.thumbnail_key
    if mosaic.job.state is not JobState.SUCCEEDED or key is None:
        return preview(mosaic)
    return unchanging(key, "image/webp")


def target_preview(mosaic: Mosaic) -> Response:
    """Return the target of a mosaic, upright, as much of it as the mosaic shows.

    Raises:
        NotReady: the mosaic's job has not succeeded.
        NotFound: the mosaic is from before these were kept.
    """
    if mosaic.job.state is not JobState.SUCCEEDED:
        raise not_made(mosaic.job.state, "fetch its picture")
    if mosaic.target_preview_key is None:
        raise NotFound("This mosaic is from before its picture was kept for its page.")
    return unchanging(mosaic.target_preview_key, "image/jpeg")


def partial(job: Job) -> Response:
    """Return a small picture of what a job has laid so far.

    Raises:
        NotReady: there is none.
    """
    if job.partial_key is None:
        raise NotReady("Nothing of this mosaic is laid yet that can be shown.")
    return unchanging(job.partial_key, "image/jpeg")


def sketch(row: Sketch) -> Response:
    """Return the picture of a sketch.

    Raises:
        NotReady: it is not made.
    """
    if row.key is None:
        raise NotReady("This preview is not made yet.")
    return unchanging(row.key, "image/webp")


def placement(mosaic_id: UUID, suffix: str) -> Response:
    """Return the placement of a mosaic as a document to save, which is written while it is sent.

    Raises:
        NotFound: there is no such mosaic.
        NotReady: its job has not succeeded.
        NoPlacement: its placement was not kept.
    """
    with reading() as session:
        mosaic = queries.find_mosaic(session, mosaic_id)
        pieces = placement_documents.of_mosaic(session, store(), mosaic, suffix)
    response = Response(_blocks(pieces), mimetype=DOCUMENTS[suffix])
    _name(response, mosaic_id, f"-placement{suffix}")
    return response


def photo(tile: Tile) -> Response:
    """Return a photo of a tile set as it is stored, to be shown on a page.

    Raises:
        NotFound: the set only links to its file.
    """
    if tile.linked:
        raise NotFound("This photo is not kept here; its set only links to its file.")
    return photo_under(blob_keys.tile(tile.tile_set_id, tile.content))


def photo_under(key: str) -> Response:
    """Return a photo that we stored, which is a PNG or a JPEG, to be shown on a page."""
    is_png = store().get_range(key, 0, len(PNG_SIGNATURE)) == PNG_SIGNATURE
    return unchanging(key, "image/png" if is_png else "image/jpeg")


def photo_in_small(tile: Tile | RemovedTile) -> Response:
    """Return the preview of a photo of a tile set."""
    return unchanging(blob_keys.preview_of_tile(tile.tile_set_id, tile.content), "image/jpeg")


def original(tile: Tile, *, kept: bool) -> Response:
    """Return a photo's original file, to be saved: a browser must not show a stranger's file as if it were ours.

    Raises:
        NotFound: originals are not kept.
    """
    if not kept or tile.linked:
        raise NotFound("The file as it came is not kept.")
    response = unchanging(blob_keys.original(tile.tile_set_id, tile.content), "application/octet-stream")
    response.headers["Content-Disposition"] = f'attachment; filename="photo-{tile.content[:8]}"'
    return response


def plot(tile_set_id: UUID) -> Response:
    """Return the plot of a tile set's colours.

    Raises:
        NotFound: there is no such tile set.
        NotReady: it is not indexed.
    """
    return _colours(tile_set_id, lambda version: version.plot_key)


def palette(tile_set_id: UUID) -> Response:
    """Return the strip of a tile set's commonest colours.

    Raises:
        NotFound: there is no such tile set.
        NotReady: it is not indexed.
    """
    return _colours(tile_set_id, lambda version: version.palette_key)


def _colours(tile_set_id: UUID, key_of: Callable[[Version], str | None]) -> Response:
    with reading() as session:
        current = queries.find_indexed(session, tile_set_id).current
    key = key_of(current) if current else None
    if key is None:
        raise NotReady("The tile set is not indexed yet; there are no colours to show.")
    response = _blob(key, "image/png")
    response.headers["Cache-Control"] = "private, max-age=60"
    return response


def archive(name: str, mosaics: Sequence[Mosaic]) -> Response:
    """Return the mosaics that succeeded as one zip, which is made while it is sent.

    Raises:
        NotReady: not one has succeeded.
    """
    ready = [mosaic for mosaic in mosaics if mosaic.job.state is JobState.SUCCEEDED and mosaic.first.key]
    if not ready:
        raise NotReady("No mosaic of this batch is ready yet.")
    # The pictures are compressed already; and without compression the length is known in advance.
    stream = ZipStream(compress_type=ZIP_STORED, sized=True)
    blobs = store()
    for mosaic in ready:
        file = mosaic.first
        stream.add(_chunks(blobs, file.key or ""), _entry_name(mosaic), size=file.byte_count)
    response = Response(iter(stream), mimetype="application/zip")
    response.headers["Content-Length"] = str(len(stream))
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _name(response: Response, mosaic_id: UUID, end: str) -> None:
    """Have a browser save an answer under a name of ours."""
    response.headers["Content-Disposition"] = f'attachment; filename="mosaic-{mosaic_id.hex[:8]}{end}"'


def _blocks(pieces: Iterator[str]) -> Iterator[bytes]:
    """Yield short pieces of a text many at once."""
    while block := "".join(islice(pieces, PIECES)):
        yield block.encode()


def unchanging(key: str, content_type: str) -> Response:
    """Return a blob that never changes under its address, so that browsers keep it."""
    response = _blob(key, content_type)
    response.headers["Cache-Control"] = "private, max-age=86400, immutable"
    return response


def _blob(key: str, content_type: str) -> Response:
    """Return a blob as a seekable file, so that a range of it is read without what comes before."""
    file = store().open(key)
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    response = Response(FileWrapper(file, READ_BYTES), mimetype=content_type)
    response.headers["Content-Length"] = str(size)
    return response


def _chunks(blobs: Store, key: str) -> Iterator[bytes]:
    """Open the blob only when it is sent; by then the request's context is gone."""
    _, chunks = blobs.stream(key)
    yield from chunks


def _entry_name(mosaic: Mosaic) -> str:
    """Return a file name made of the target's number and the harmless characters of its name."""
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", PurePosixPath(mosaic.target_name).stem).strip("-")[:60]
    return f"{mosaic.number + 1:04}-{stem or 'mosaic'}{mosaic.format.facts.suffix}"
