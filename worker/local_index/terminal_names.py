"""Names of files and folders, made safe to print on a terminal.

`fast_index` needs it, so it imports next to nothing.
"""

import os

UNKNOWN = "\ufffd"


def readable(name: str) -> str:
    """Return a name as text that can be printed, whatever bytes it has: no line breaks, no control characters.

    Example:
        >>> readable("beach" + chr(27) + "[31m.jpg") == f"beach{UNKNOWN}[31m.jpg"
        True
    """
    text = os.fsencode(name).decode(errors="replace")
    return "".join(character if character.isprintable() else UNKNOWN for character in text)
