"""/api/v1/tile-sets."""

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response

from models import database, jobs, listing, parts, queries, tile_set_versions, undo
from models.errors import NotReady, NotRetryable
from models.listing import Wanted
from web import downloads, forms, intake
from web.api import polling, present
from web.api.document import fails, sends
from web.api.paging import ListIn, listed
from web.api.schemas import NameIn
from web.api.tile_set_schemas import PhotosIn, TileSetIn, TileSetOut, TileSetReportOut, TileSetsOut
from web.context import reading, sessions

TAG = {"name": "Tile sets", "description": "Photos that mosaics can be made of."}

bp = APIBlueprint("tile_sets", __name__, url_prefix="/tile-sets", tag=TAG)


@bp.post("")
@bp.input(TileSetIn, location="form_and_files", arg_name="body")
@bp.output(TileSetOut, status_code=202)
def create(body: dict[str, Any]) -> polling.Answer:
    """Make a tile set of photos, of a zip of photos, or of both.

    The answer comes at once; poll the address in Location until `job.final` is true.
    """
    identity = intake.receive_tile_set(
        body["name"],
        body["photos"],
        body["archive"],
        dedupe=forms.truth(body, "dedupe"),
        keep_originals=forms.truth(body, "keep_originals"),
    )
    return polling.accepted(_shown(identity))


@bp.get("")
@bp.input(ListIn, location="query", arg_name="page")
@bp.output(TileSetsOut)
def index(page: dict[str, Any]) -> dict[str, Any]:
    """List tile sets, the newest first."""
    with reading() as session:
        found = listing.tile_sets(session, Wanted(**page))
        return listed(found, [present.tile_set(row) for row in found.rows])


@bp.get("/<uuid:tile_set_id>")
@bp.output(TileSetReportOut)
def show(tile_set_id: UUID) -> polling.Answer:
    """Show a tile set, its versions, how far its indexing is, and which files were skipped and why."""
    with reading() as session:
        row = queries.find_tile_set(session, tile_set_id)
        more = {
            "progress": present.progress(parts.so_far(session, row)),
            "versions": [present.version(version) for version in queries.versions(session, tile_set_id)],
            "skipped": [present.skipped(line) for line in queries.skipped_photos(session, tile_set_id)],
        }
    return present.tile_set(row) | more, 200, polling.retry_after(final=row.job.state.final)


@bp.patch("/<uuid:tile_set_id>")
@bp.input(NameIn, location="json_or_form", arg_name="body")
@bp.output(TileSetOut)
def rename(tile_set_id: UUID, body: dict[str, Any]) -> dict[str, Any]:
    """Give a tile set another name."""
    with sessions().begin() as session:
        tile_set_versions.rename(session, tile_set_id, body["name"])
    return _shown(tile_set_id)


@bp.delete("/<uuid:tile_set_id>")
@bp.output({}, status_code=204)
def delete(tile_set_id: UUID) -> str:
    """Put a tile set into the trash; mosaics that were made of it keep their pictures."""
    with sessions().begin() as session:
        tile_set_versions.drop(session, tile_set_id, database.now(session))
    return ""


@bp.post("/<uuid:tile_set_id>/restore")
@bp.output(TileSetOut)
def restore(tile_set_id: UUID) -> dict[str, Any]:
    """Take a tile set out of the trash; one that is not in it stays as it is."""
    with sessions().begin() as session:
        undo.restore_set(session, tile_set_id)
    return _shown(tile_set_id)


@bp.post("/<uuid:tile_set_id>/photos", endpoint="add")
@bp.input(PhotosIn, location="form_and_files", arg_name="body")
@bp.output(TileSetOut, status_code=202)
@fails(NotReady)
def add_photos(tile_set_id: UUID, body: dict[str, Any]) -> polling.Answer:
    """Add photos; meanwhile mosaics are made of those that are there."""
    intake.receive_photos(tile_set_id, body["photos"], body["archive"])
    return polling.accepted(_shown(tile_set_id))


@bp.post("/<uuid:tile_set_id>/cancel")
@bp.output(TileSetOut)
def cancel(tile_set_id: UUID) -> dict[str, Any]:
    """Cancel the indexing; a tile set in a final state stays as it is."""
    with sessions().begin() as session:
        jobs.cancel(session, [queries.find_tile_set(session, tile_set_id).job_id], database.now(session))
    return _shown(tile_set_id)


@bp.post("/<uuid:tile_set_id>/resume")
@bp.output(TileSetOut, status_code=202)
@fails(NotRetryable)
def resume(tile_set_id: UUID) -> polling.Answer:
    """Go on where a cancelled or failed indexing stopped."""
    intake.resume_tile_set(tile_set_id)
    return polling.accepted(_shown(tile_set_id))


@bp.get("/<uuid:tile_set_id>/plot")
@fails(NotReady)
@sends("image/png")
def plot(tile_set_id: UUID) -> Response:
    """Show where the colours of a tile set lie: every photo's mean as a dot, in Oklab."""
    return downloads.plot(tile_set_id)


@bp.get("/<uuid:tile_set_id>/palette")
@fails(NotReady)
@sends("image/png")
def palette(tile_set_id: UUID) -> Response:
    """Show what colours a tile set has much of: a strip, each as wide as its share."""
    return downloads.palette(tile_set_id)


def _shown(tile_set_id: UUID) -> dict[str, Any]:
    with reading() as session:
        return present.tile_set(queries.find_tile_set(session, tile_set_id))
