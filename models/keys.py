"""The names of blobs: what lies where in the store. Every key begins with a kind of thing and its id."""

from uuid import UUID

TILE_SETS = "tile-sets"
MOSAICS = "mosaics"
BATCHES = "batches"


def upload(tile_set_id: UUID, name: str) -> str:
    """A file as it came with a tile set, under a name of ours that no other has."""
    return f"{TILE_SETS}/{tile_set_id}/uploads/{name}"


def tile(tile_set_id: UUID, content: str) -> str:
    """A photo as it is kept, by the hash of the file that it came as: every attempt writes the same bytes."""
    return f"{TILE_SETS}/{tile_set_id}/tiles/{content}"


def preview_of_tile(tile_set_id: UUID, content: str) -> str:
    """A photo in small, for pages."""
    return f"{TILE_SETS}/{tile_set_id}/previews/{content}"


def original(tile_set_id: UUID, content: str) -> str:
    """A photo's file as it came, where that was asked for."""
    return f"{TILE_SETS}/{tile_set_id}/originals/{content}"


def is_of_photo(key: str) -> bool:
    """Whether a key is that of one photo, and so ends in the hash of its content."""
    parts = key.split("/")
    return len(parts) == 4 and parts[2] in ("tiles", "previews", "originals")  # noqa: PLR2004 - see above


def listing(tile_set_id: UUID, attempt: str, number: int) -> str:
    """The list of photos that one attempt made of a part."""
    return f"{TILE_SETS}/{tile_set_id}/listings/{attempt}/{number}.json"


def part(tile_set_id: UUID, name: str) -> str:
    """The arrays that one attempt at a part made."""
    return f"{TILE_SETS}/{tile_set_id}/parts/{name}.safetensors"


def index(tile_set_id: UUID, attempt: str) -> str:
    """The arrays that one attempt at indexing made."""
    return f"{TILE_SETS}/{tile_set_id}/{attempt}/index.safetensors"


def plot(tile_set_id: UUID, attempt: str) -> str:
    """The picture of where a tile set's colours lie."""
    return f"{TILE_SETS}/{tile_set_id}/{attempt}/plot.png"


def palette(tile_set_id: UUID, attempt: str) -> str:
    """The strip of a tile set's colours."""
    return f"{TILE_SETS}/{tile_set_id}/{attempt}/palette.png"


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
