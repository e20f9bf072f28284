"""Why a file of a tile set is no tile: what the command line and the service both say, in the same words."""

DUPLICATE = "duplicate"
"""The code of a file whose content is that of another one."""
NEAR_DUPLICATE = "near_duplicate"
"""The code of a photo that is left out of mosaics, since another one stands for it."""
EMPTY = "The file is empty."


def same_as(name: str) -> str:
    """Return the sentence for a duplicate of a file."""
    return f"The same file as {name}."


def nearly_same_as(name: str) -> str:
    """Return the sentence for a near-duplicate of a photo."""
    return f"Nearly the same as {name}."


def unreadable(reason: str | None) -> str:
    """Return the sentence for a file that the system or the store does not let us read."""
    return f"The file cannot be read: {reason}."


def too_large(size_bytes: int, limit: int) -> str:
    """Return the sentence for a file with more bytes than a photo may have."""
    return f"The file has {size_bytes:,} bytes; the limit is {limit:,}."
