"""Whether a JPEG's scans contain the whole picture.

Source: ITU-T T.81, annexes B (segments) and G (progressive coding).
"""

import re

_FRAMES = {0xC0, 0xC1, 0xC2}
_START_OF_SCAN, _COEFFICIENTS, _COUNT_AT = 0xDA, 64, 5
_MARKER = re.compile(rb"\xff+([^\x00\xd0-\xd7\xff])")
"""A marker that ends the coded pixels: neither a stuffed zero nor a restart."""
_ALONE = {0xD8, 0x01}


def complete(data: bytes) -> bool:
    """Whether the scans contain every bit of every coefficient, provided that the last scan is complete."""
    components: dict[int, set[int]] = {}
    at = 0
    while (found := _MARKER.search(data, at)) is not None:
        marker, at = found[1][0], found.end()
        if marker in _ALONE:
            continue
        body = data[at + 2 : at + int.from_bytes(data[at : at + 2], "big")]
        if marker in _FRAMES and len(body) > _COUNT_AT:
            components = {number: set() for number in body[6 : 6 + 3 * body[_COUNT_AT] : 3]}
        elif marker == _START_OF_SCAN and body and len(body) == 4 + 2 * body[0]:
            first, last, bits = body[-3:]
            for number in body[1:-3:2] if bits & 15 == 0 else b"":
                components.setdefault(number, set()).update(range(first, last + 1))
        at += 2 + len(body)
    return bool(components) and all(len(seen) == _COEFFICIENTS for seen in components.values())
