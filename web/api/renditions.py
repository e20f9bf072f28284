"""/api/v1/mosaics/ID/renditions."""

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response

from models import database, jobs, renditions
from models.errors import NoPlacement, NotReady, NotRetryable, TooManyRenditions
from models.rules.formats import Format
from web import downloads, intake, second_tries
from web.api import polling, present
from web.api.document import fails, sends
from web.api.mosaic_schemas import RenditionIn, RenditionOut, RenditionsOut
from web.context import reading, sessions

TAG = {"name": "Renditions", "description": "The files of a mosaic: the one that was ordered with it, and others."}

bp = APIBlueprint("renditions", __name__, url_prefix="/mosaics/<uuid:mosaic_id>/renditions", tag=TAG)


@bp.post("")
@bp.input(RenditionIn, location="json_or_form", arg_name="body")
@bp.output(RenditionOut, status_code=202)
@fails(NotReady, NoPlacement, TooManyRenditions)
def create(mosaic_id: UUID, body: dict[str, Any]) -> polling.Answer:
    """Order another file of a mosaic, which is laid without matching again.

    What was ordered before is there already: the answer is that rendition. Poll the address in Location until
    `job.final` is true.
    """
    identity = intake.receive_rendition(mosaic_id, body)
    shown = _shown(mosaic_id, identity)
    return polling.accepted(shown, final=shown["job"]["final"])


@bp.get("")
@bp.output(RenditionsOut)
def index(mosaic_id: UUID) -> dict[str, Any]:
    """List the renditions of a mosaic; the first is the file that was ordered with it."""
    with reading() as session:
        return {"items": [present.rendition(row) for row in renditions.of_mosaic(session, mosaic_id)]}


@bp.get("/<uuid:rendition_id>")
@bp.output(RenditionOut)
def show(mosaic_id: UUID, rendition_id: UUID) -> polling.Answer:
    """Show a rendition and how far its job is."""
    shown = _shown(mosaic_id, rendition_id)
    return shown, 200, polling.retry_after(final=shown["job"]["final"])


@bp.post("/<uuid:rendition_id>/cancel")
@bp.output(RenditionOut)
def cancel(mosaic_id: UUID, rendition_id: UUID) -> dict[str, Any]:
    """Cancel a rendition; one in a final state stays as it is. With the first one, its mosaic is cancelled."""
    with sessions().begin() as session:
        jobs.cancel(session, [renditions.find(session, mosaic_id, rendition_id).job_id], database.now(session))
    return _shown(mosaic_id, rendition_id)


@bp.post("/<uuid:rendition_id>/retry")
@bp.output(RenditionOut, status_code=202)
@fails(NotRetryable, TooManyRenditions)
def retry(mosaic_id: UUID, rendition_id: UUID) -> polling.Answer:
    """Try a rendition again that failed or was cancelled. With the first one, its mosaic is tried again."""
    second_tries.of_rendition(mosaic_id, rendition_id)
    return polling.accepted(_shown(mosaic_id, rendition_id))


@bp.get("/<uuid:rendition_id>/file")
@fails(NotReady)
@sends(*(each.facts.media_type for each in Format), ranges=True)
def file(mosaic_id: UUID, rendition_id: UUID) -> Response:
    """Download a rendition."""
    with reading() as session:
        row = renditions.find(session, mosaic_id, rendition_id)
    return downloads.rendition(row)


def _shown(mosaic_id: UUID, rendition_id: UUID) -> dict[str, Any]:
    with reading() as session:
        return present.rendition(renditions.find(session, mosaic_id, rendition_id))
