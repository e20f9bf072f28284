"""The JSON API, version 1."""

from apiflask import APIBlueprint

from web.api import batches, document, mosaics, paging, polling, renditions, tile_sets, tiles, trash

__all__ = ["BLUEPRINTS", "blueprint", "document"]

BLUEPRINTS = (tile_sets.bp, tiles.bp, mosaics.bp, renditions.bp, batches.bp, trash.bp)


def blueprint() -> APIBlueprint:
    """Return all of /api/v1 as one blueprint."""
    root = APIBlueprint("api", __name__, url_prefix="/api/v1")
    for each in BLUEPRINTS:
        root.register_blueprint(each)
    root.before_request(paging.refuse_unknown)
    root.after_request(polling.conditional)
    return root
