"""Names that strangers gave, as people may see them."""

MOST_CHARACTERS = 200


def readable(name: str) -> str:
    """Keep what a person can read: no control characters, and not too much.

    Example:
        >>> readable("beach" + chr(7) + ".jpg")
        'beach.jpg'
    """
    kept = "".join(character for character in name if character.isprintable()).strip()
    return kept[:MOST_CHARACTERS] or "unnamed"
