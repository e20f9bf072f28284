"""The JSON API, version 1."""

from apiflask import APIBlueprint
from flask import Response, request

from web.api import batches, document, mosaics, tile_sets, tiles, trash

__all__ = ["BLUEPRINTS", "blueprint", "document"]

BLUEPRINTS = (tile_sets.bp, tiles.bp, mosaics.bp, batches.bp, trash.bp)


def blueprint() -> APIBlueprint:
    """Return all of /api/v1 as one blueprint."""
    root = APIBlueprint("api", __name__, url_prefix="/api/v1")
    for each in BLUEPRINTS:
        root.register_blueprint(each)
    root.after_request(_conditional)
    return root


def _conditional(response: Response) -> Response:
    """Make polling cheap: add an ETag to every JSON answer, and answer 304 if nothing has changed."""
    if request.method == "GET" and response.status_code == 200 and response.mimetype == "application/json":  # noqa: PLR2004
        response.add_etag()
        response.make_conditional(request)
    return response
