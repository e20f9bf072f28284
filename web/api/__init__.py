"""The JSON API, version 1."""

from apiflask import APIBlueprint

from web.api import (
    batches,
    cells,
    document,
    intakes,
    mosaics,
    paging,
    polling,
    renditions,
    shares,
    sketches,
    targets,
    tile_sets,
    tiles,
    trash,
    uploads,
)

__all__ = ["BLUEPRINTS", "SENDING", "blueprint", "document"]

BLUEPRINTS = (
    tile_sets.bp, tiles.bp, targets.bp, sketches.bp, mosaics.bp, cells.bp, renditions.bp, batches.bp, trash.bp,
    shares.bp, intakes.bp, uploads.bp,
)  # fmt: skip
SENDING = (intakes.pages, uploads.pages)
"""What is there for the scripts of pages, too, with the session's cookie and the token of their forms."""


def blueprint() -> APIBlueprint:
    """Return all of /api/v1 as one blueprint."""
    root = APIBlueprint("api", __name__, url_prefix="/api/v1")
    for each in BLUEPRINTS:
        root.register_blueprint(each)
    root.before_request(paging.refuse_unknown)
    root.after_request(polling.conditional)
    return root
