"""How far unfinished work is: fragments of pages, to be asked for again and again or sent as events."""

from http import HTTPStatus
from uuid import UUID

from flask import Blueprint, Response, render_template_string, request, url_for
from flask.typing import ResponseReturnValue

from models import queries, renditions, waiting
from models.tables import Job
from web import downloads
from web.connections import Paced
from web.context import reading, streams
from web.streams import Subject

bp = Blueprint("events", __name__)

FAR = "{% from 'parts/progress.html' import far %}{{ far(job, address, seen) }}"


@bp.get("/mosaics/<uuid:mosaic_id>/progress")
def progress_of_mosaic(mosaic_id: UUID) -> ResponseReturnValue:
    """Show how far a mosaic is."""
    return _fragment(*_mosaic(mosaic_id))


@bp.get("/mosaics/<uuid:mosaic_id>/renditions/<uuid:rendition_id>/progress")
def progress_of_rendition(mosaic_id: UUID, rendition_id: UUID) -> ResponseReturnValue:
    """Show how far another file of a mosaic is."""
    with reading() as session:
        job = renditions.find(session, mosaic_id, rendition_id).job
    return _fragment(job, request.path.removesuffix("/progress"))


@bp.get("/tile-sets/<uuid:tile_set_id>/progress")
def progress_of_tile_set(tile_set_id: UUID) -> ResponseReturnValue:
    """Show how far the indexing of a tile set is."""
    return _fragment(*_tile_set(tile_set_id))


@bp.get("/mosaics/<uuid:mosaic_id>/partial")
def partial(mosaic_id: UUID) -> ResponseReturnValue:
    """Send a small picture of what is laid of a mosaic so far."""
    return downloads.partial(_mosaic(mosaic_id)[0])


@bp.get("/mosaics/<uuid:mosaic_id>/events")
def of_mosaic(mosaic_id: UUID) -> ResponseReturnValue:
    """Tell how far a mosaic is, for as long as it goes on."""
    return _events(*_mosaic(mosaic_id))


@bp.get("/tile-sets/<uuid:tile_set_id>/events")
def of_tile_set(tile_set_id: UUID) -> ResponseReturnValue:
    """Tell how far the indexing of a tile set is, for as long as it goes on."""
    return _events(*_tile_set(tile_set_id))


def _mosaic(mosaic_id: UUID) -> tuple[Job, str]:
    """Return the job of a mosaic, and the address of its page."""
    with reading() as session:
        return queries.find_mosaic(session, mosaic_id).job, url_for("mosaics.show", mosaic_id=mosaic_id)


def _tile_set(tile_set_id: UUID) -> tuple[Job, str]:
    """Return the job of a tile set, and the address of its page."""
    with reading() as session:
        return queries.find_tile_set(session, tile_set_id).job, url_for("tile_sets.show", tile_set_id=tile_set_id)


def _fragment(job: Job, address: str) -> Response:
    with reading() as session:
        seen = waiting.look(session, [job.id])[job.id]
    return _fresh(Response(render_template_string(FAR, job=seen.job, address=address, seen=seen)))


def _events(job: Job, address: str) -> Response:
    """Open a stream; answer 204 where none is needed or none can be, on which a page asks again and again instead."""
    connection = request.environ.get("gunicorn.socket")
    speaks_chunks = request.environ.get("SERVER_PROTOCOL") == "HTTP/1.1"
    if job.state.final or not isinstance(connection, Paced) or not speaks_chunks or streams().full:
        return Response(status=HTTPStatus.NO_CONTENT)
    answer = streams().answer(connection, Subject(job.id, address))
    response = _fresh(Response(answer, mimetype="text/event-stream"))
    response.headers["X-Accel-Buffering"] = "no"  # nginx would keep events until it has a page of them
    return response


def _fresh(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response
