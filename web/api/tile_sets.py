"""/api/v1/tile-sets."""

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint

from models import database, finding, jobs
from web import intake
from web.api import present
from web.api.schemas import TileSetIn, TileSetOut, TileSetReportOut, TileSetsOut
from web.context import reading, sessions

Answer = tuple[dict[str, Any], int, dict[str, str]]

bp = APIBlueprint("tile_sets", __name__, url_prefix="/tile-sets", tag="Tile sets")


@bp.post("")
@bp.input(TileSetIn, location="form_and_files", arg_name="wish")
@bp.output(TileSetOut, status_code=202)
def create(wish: dict[str, Any]) -> Answer:
    """Make a tile set of photos, of a zip of photos, or of both.

    The answer comes at once; poll the address in Location until `job.final` is true.
    """
    identity = intake.receive_tile_set(wish["name"], wish["photos"], wish["archive"])
    with reading()() as session:
        shown = present.tile_set(finding.find_tile_set(session, identity))
    return shown, 202, {"Location": shown["url"], **present.retry_after(final=False)}


@bp.get("")
@bp.output(TileSetsOut)
def index() -> dict[str, Any]:
    """List the newest tile sets."""
    with reading()() as session:
        return {"items": [present.tile_set(row) for row in finding.tile_sets(session)]}


@bp.get("/<uuid:tile_set_id>")
@bp.output(TileSetReportOut)
def show(tile_set_id: UUID) -> Answer:
    """Show a tile set, how far its indexing is, and which files were skipped and why."""
    with reading()() as session:
        row = finding.find_tile_set(session, tile_set_id)
        report = [present.skipped(line) for line in finding.skipped_photos(session, tile_set_id)]
    return present.tile_set(row) | {"skipped": report}, 200, present.retry_after(final=row.job.state.final)


@bp.post("/<uuid:tile_set_id>/cancel")
@bp.output(TileSetOut)
def cancel(tile_set_id: UUID) -> dict[str, Any]:
    """Cancel the indexing; a tile set in a final state stays as it is."""
    with sessions().begin() as session:
        jobs.cancel(session, [finding.find_tile_set(session, tile_set_id).job_id], database.now(session))
    with reading()() as session:
        return present.tile_set(finding.find_tile_set(session, tile_set_id))
