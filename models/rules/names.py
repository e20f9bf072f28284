"""Makes names that strangers gave safe to show to people."""

DEMO = "Demo photographs"
"""The name of the tile set to play with."""
MOST_CHARACTERS = 200
JOINERS = "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}"
"""Persian is spelled with them, and families among the emoji are made by them."""


def readable(name: str) -> str:
    """Return a name of limited length, without control characters and those that turn the direction of writing.

    Example:
        >>> readable("beach" + chr(7) + ".jpg")
        'beach.jpg'
    """
    text = "".join(each for each in name if each.isprintable() or each in JOINERS).strip(" " + JOINERS)
    return text[:MOST_CHARACTERS] or "unnamed"
