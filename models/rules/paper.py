"""Sizes on paper: lengths with a unit, and papers by name. All in millimetres, as exact rational numbers."""

from enum import StrEnum
from fractions import Fraction
from re import fullmatch

from models.errors import InvalidOrder

Size = tuple[Fraction, Fraction]

MM_PER_INCH = Fraction(254, 10)
UNITS = {"mm": Fraction(1), "cm": Fraction(10), "m": Fraction(1_000), "km": Fraction(1_000_000), "in": MM_PER_INCH}
MIN_SIDE, MAX_SIDE = 10, 10_000
"""Of a paper, in millimetres."""
ISO = {
    "a0": (841, 1189), "a1": (594, 841), "a2": (420, 594), "a3": (297, 420), "a4": (210, 297), "a5": (148, 210),
    "a6": (105, 148),
}  # fmt: skip
"""Width and height in millimetres. Source: ISO 216:2007, series A."""
INCHES = {
    "2r": ("2.5", "3.5"), "3r": ("3.5", "5"), "4r": ("4", "6"), "5r": ("5", "7"), "6r": ("6", "8"), "8r": ("8", "10"),
    "s8r": ("8", "12"), "10r": ("10", "12"), "s10r": ("10", "15"), "11r": ("11", "14"), "s11r": ("11", "17"),
    "letter": ("8.5", "11"), "legal": ("8.5", "14"), "tabloid": ("11", "17"),
}  # fmt: skip
"""Width and height in inches. The names with an R are those of photo prints: the short side in inches, and S for the
longer ones. Source: Wikipedia, "Photo print sizes"; ANSI/ASME Y14.1 for letter (A) and tabloid (B)."""
PAPERS: dict[str, Size] = {name: (Fraction(width), Fraction(height)) for name, (width, height) in ISO.items()} | {
    name: (Fraction(width) * MM_PER_INCH, Fraction(height) * MM_PER_INCH) for name, (width, height) in INCHES.items()
}


class Sheet(StrEnum):
    """The name of a paper of `PAPERS`."""

    A0 = "a0"
    A1 = "a1"
    A2 = "a2"
    A3 = "a3"
    A4 = "a4"
    A5 = "a5"
    A6 = "a6"
    LETTER = "letter"
    LEGAL = "legal"
    TABLOID = "tabloid"
    R2 = "2r"
    R3 = "3r"
    R4 = "4r"
    R5 = "5r"
    R6 = "6r"
    R8 = "8r"
    LONG_R8 = "s8r"
    R10 = "10r"
    LONG_R10 = "s10r"
    R11 = "11r"
    LONG_R11 = "s11r"


NUMBER = r"(-?[0-9]{1,9}(?:\.[0-9]{1,6})?)"
TIMES = "[x\u00d7]"
UNIT = f"({'|'.join(UNITS)})"


def size(text: str) -> Size:
    """Return the width and height that a size or the name of a paper says.

    Raises:
        InvalidOrder: it is neither, or a side is too short or too long.

    Example:
        >>> size("60x40cm") == (600, 400) == size("600mm x 400mm")
        True
        >>> size("A4") == (210, 297)
        True
    """
    written = text.strip().lower()
    if written in PAPERS:
        return PAPERS[written]
    found = fullmatch(rf"{NUMBER} ?{UNIT}? ?{TIMES} ?{NUMBER} ?{UNIT}", written)
    if found is None:
        raise InvalidOrder("print", _no_size(text, written))
    width = Fraction(found[1]) * UNITS[found[2] or found[4]]
    height = Fraction(found[3]) * UNITS[found[4]]
    for side in (width, height):
        if not MIN_SIDE <= side <= MAX_SIDE:
            raise InvalidOrder(
                "print",
                f"A side of the paper must be from {MIN_SIDE // 10} cm to {MAX_SIDE // 1_000} m, not {shown(side)}.",
            )
    return width, height


def length(text: str, field: str, what: str) -> Fraction:
    """Return the length that a text says.

    Args:
        text: Such as `12mm`.
        field: The field that it was given in.
        what: What it is the length of, such as `tile`.

    Raises:
        InvalidOrder: it is no length.

    Example:
        >>> length("0.5in", "tile", "tile")
        Fraction(127, 10)
    """
    found = fullmatch(rf"{NUMBER} ?{UNIT}", text.strip().lower())
    if found is None:
        raise InvalidOrder(
            field, f"{text[:40]!r} is no size of the {what}; write a length such as 12mm, 1.2cm or 0.5in."
        )
    return Fraction(found[1]) * UNITS[found[2]]


def millimetres(text: str, field: str, what: str) -> float:
    """Return the millimetres that a text says, as `length`, in so few digits that people can write them again.

    Example:
        >>> millimetres("0.333in", "bleed", "bleed")
        8.4582
    """
    return round(float(length(text, field, what)), 4)


def shown(length: Fraction) -> str:
    """Return a length as people write it.

    Example:
        >>> shown(Fraction("1234.50"))
        '1,234.5 mm'
    """
    return f"{float(length):,.6f}".rstrip("0").rstrip(".") + " mm"


def _no_size(text: str, written: str) -> str:
    """Return the sentence for a text that is no size; it names papers of nearly the same name."""
    quoted = repr(text[:40])
    if fullmatch(rf"{NUMBER} ?{TIMES} ?{NUMBER}", written):
        return f"{quoted} has no unit; write a size such as 60x40cm, 24x16in or 600x400mm."
    from difflib import get_close_matches  # noqa: PLC0415 - it is needed for this sentence alone

    near = [] if "x" in written else get_close_matches(written[:40], PAPERS, n=3, cutoff=0.5)
    names = ", ".join(sorted(each.upper() for each in near or PAPERS))
    return f"{quoted} is no size on paper; write such as 60x40cm, or the name of a paper, such as {names}."
