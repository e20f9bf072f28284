"""Makes names that strangers gave safe to show to people."""

DEMO = "Demo photographs"
"""The name of the tile set to play with."""
MOST_CHARACTERS = 200


def readable(name: str) -> str:
    """Return a name without control characters and of limited length.

    Example:
        >>> readable("beach" + chr(7) + ".jpg")
        'beach.jpg'
    """
    text = "".join(character for character in name if character.isprintable()).strip()
    return text[:MOST_CHARACTERS] or "unnamed"
