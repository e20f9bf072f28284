"""The names of blobs: what lies where in the store. Every key begins with a kind of thing and its id."""

from uuid import UUID

TILE_SETS = "tile-sets"
MOSAICS = "mosaics"
BATCHES = "batches"


def upload(tile_set_id: UUID, number: int) -> str:
    """A file as it came with a tile set."""
    return f"{TILE_SETS}/{tile_set_id}/uploads/{number}"


def photos(tile_set_id: UUID) -> str:
    """What the keys of all photos of a tile set begin with."""
    return f"{TILE_SETS}/{tile_set_id}/photos/"


def photo(tile_set_id: UUID, content: bytes) -> str:
    """A photo, by the hash of its content: every attempt writes the same bytes under the same key."""
    return f"{photos(tile_set_id)}{content.hex()}"


def index(tile_set_id: UUID, attempt: str, version: int) -> str:
    """The arrays that one attempt at indexing made."""
    return f"{TILE_SETS}/{tile_set_id}/{attempt}/index-v{version}.npy"


def target(mosaic_id: UUID) -> str:
    """The target of a mosaic that was ordered singly."""
    return f"{MOSAICS}/{mosaic_id}/target"


def batch_target(batch_id: UUID, number: int) -> str:
    """A target, or a zip of targets, as it came with a batch."""
    return f"{BATCHES}/{batch_id}/targets/{number}"


def picture(mosaic_id: UUID, attempt: str, extension: str) -> str:
    """The mosaic that one attempt made."""
    return f"{MOSAICS}/{mosaic_id}/{attempt}/mosaic.{extension}"


def preview(mosaic_id: UUID, attempt: str) -> str:
    """A small JPEG of the mosaic that one attempt made."""
    return f"{MOSAICS}/{mosaic_id}/{attempt}/preview.jpg"
