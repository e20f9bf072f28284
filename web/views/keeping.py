"""Forms of mosaics and batches that were ordered: rename, delete, try again. Taking back is in `trash`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from uuid import UUID

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from models import database, keeping, queries, renditions
from models.errors import NotFound, NotRetryable
from models.keeping import Kept
from models.rules.lifecycle import RETRYABLE
from models.tables import Batch, Mosaic
from web import second_tries
from web.context import reading, sessions
from web.views import batches, mosaics
from web.views.redisplay import or_again

bp = Blueprint("keeping", __name__)


@bp.post("/mosaics/<uuid:mosaic_id>/rename")
@or_again(mosaics.page)
def rename_mosaic(mosaic_id: UUID) -> ResponseReturnValue:
    """Give a mosaic another name."""
    with sessions().begin() as session:
        keeping.rename(session, Mosaic, mosaic_id, request.form.get("name", ""))
    return _to_mosaic(mosaic_id)


@bp.post("/batches/<uuid:batch_id>/rename")
@or_again(batches.page)
def rename_batch(batch_id: UUID) -> ResponseReturnValue:
    """Give a batch another name."""
    with sessions().begin() as session:
        keeping.rename(session, Batch, batch_id, request.form.get("name", ""))
    return _to_batch(batch_id)


@bp.post("/mosaics/<uuid:mosaic_id>/delete")
def delete_mosaic(mosaic_id: UUID) -> ResponseReturnValue:
    """Move a mosaic to the trash, and go to the list that it was in."""
    batch_id = _drop(Mosaic, mosaic_id).batch_id
    return _to_batch(batch_id) if batch_id else redirect(url_for("mosaics.index"), code=303)


@bp.post("/batches/<uuid:batch_id>/delete")
def delete_batch(batch_id: UUID) -> ResponseReturnValue:
    """Move a batch to the trash, and go to the list of batches."""
    _drop(Batch, batch_id)
    return redirect(url_for("batches.index"), code=303)


@bp.post("/mosaics/<uuid:mosaic_id>/retry")
def retry_mosaic(mosaic_id: UUID) -> ResponseReturnValue:
    """Try a mosaic again; with `batch` in the form, go back to its batch."""
    with _unless_done(lambda session: queries.find_mosaic(session, mosaic_id).job.state in RETRYABLE):
        second_tries.of_mosaic(mosaic_id)
    with reading() as session:
        batch_id = queries.find_mosaic(session, mosaic_id).batch_id
    return _to_batch(batch_id) if batch_id and "batch" in request.form else _to_mosaic(mosaic_id)


@bp.post("/mosaics/<uuid:mosaic_id>/renditions/<uuid:rendition_id>/retry")
def retry_rendition(mosaic_id: UUID, rendition_id: UUID) -> ResponseReturnValue:
    """Try a file again."""
    with _unless_done(lambda session: renditions.find(session, mosaic_id, rendition_id).job.state in RETRYABLE):
        second_tries.of_rendition(mosaic_id, rendition_id)
    return redirect(url_for("mosaics.show", mosaic_id=mosaic_id, _anchor="files"), code=303)


@bp.post("/batches/<uuid:batch_id>/retry")
def retry_batch(batch_id: UUID) -> ResponseReturnValue:
    """Try all again that failed or was cancelled of a batch."""
    with _unless_done(lambda session: not RETRYABLE.isdisjoint(queries.batch_progress(session, batch_id).counts)):
        second_tries.of_batch(batch_id)
    return _to_batch(batch_id)


@contextmanager
def _unless_done(left: Callable[[Session], bool]) -> Iterator[None]:
    """Let a refusal pass where nothing is left to try again: after a double click, it is being tried already."""
    try:
        yield
    except NotRetryable:
        with reading() as session:
            if left(session):
                raise


def _drop(table: type[Kept], identity: UUID) -> Kept:
    """Move something to the trash and return it; after a double click, it is there already."""
    with suppress(NotFound), sessions().begin() as session:
        keeping.drop(session, table, identity, database.now(session))
    with reading() as session:
        return keeping.find_in_trash(session, table, identity)


def _to_mosaic(mosaic_id: UUID) -> ResponseReturnValue:
    return redirect(url_for("mosaics.show", mosaic_id=mosaic_id), code=303)


def _to_batch(batch_id: UUID) -> ResponseReturnValue:
    return redirect(url_for("batches.show", batch_id=batch_id), code=303)
