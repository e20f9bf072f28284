"""Names of files and folders as a terminal may show them.

The quickest answer needs it, so it imports next to nothing.
"""

import os

UNKNOWN = "\ufffd"


def readable(name: str) -> str:
    """Return a name as it can be shown, whatever bytes it has: no line breaks, and nothing that steers a terminal.

    Example:
        >>> readable("beach" + chr(27) + "[31m.jpg") == f"beach{UNKNOWN}[31m.jpg"
        True
    """
    text = os.fsencode(name).decode(errors="replace")
    return "".join(character if character.isprintable() else UNKNOWN for character in text)
