"""A placement as JSON, which holds all that is known, and as CSV (RFC 4180), which holds its cells."""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from pathlib import PurePath

from models.errors import InvalidOrder
from models.rules.order_words import MAX_CELLS
from models.rules.placements import (
    STEPS,
    VERSION,
    Placed,
    Placement,
    checked_cells,
    checked_grid,
    checked_order,
)  # fmt: skip

KIND = "tessera-placement"
KEYS = {"kind", "version", "steps", "lower_bound", "grid", "order", "cells"}
SUFFIXES = (".json", ".csv")
MOST_BYTES = 512 << 20
"""Of a document that is read: a million cells have some 250 MB as JSON."""
COLUMNS = ("column", "row", "photo", "content", "left", "top", "width", "height", "turn", "distance")
SPAN = "span"
"""A further column, and a further key of a cell, where some cells are larger than others."""
WINDOW = COLUMNS[4:8]
NEEDED = COLUMNS[:3]
HEADER = ",".join(COLUMNS).encode()


def to_bytes(placement: Placement, suffix: str) -> bytes:
    """Return a placement as a file, by its ending.

    Raises:
        InvalidOrder: it would be larger than what is read again.
    """
    data = "".join(pieces(placement, placement.cells, suffix)).encode(errors="surrogateescape")
    if len(data) > MOST_BYTES:
        raise InvalidOrder(
            "placement_out", f"The placement would have more than {MOST_BYTES >> 20} MB; take fewer cells."
        )
    return data


def pieces(placement: Placement, cells: Iterable[Placed], suffix: str) -> Iterator[str]:
    """Yield a document cell by cell, by the ending of its file.

    Args:
        placement: What it says beside the cells; its own cells are not looked at.
        cells: The cells, of which only one need be in memory.
        suffix: Which document it is.
    """
    return _csv(cells, sized=placement.sized) if suffix == ".csv" else _json(placement, cells)


def from_bytes(data: bytes, suffix: str) -> Placement:
    """Return the placement in a file.

    Raises:
        InvalidOrder: it is none, of a newer version, or not whole.
    """
    if len(data) > MOST_BYTES:
        raise _wrong(f"it has more than {MOST_BYTES >> 20} MB")
    # A name may have bytes that are no text; a byte order mark comes from a spreadsheet.
    text = data.decode("utf-8", "surrogateescape").removeprefix("\ufeff")
    return _from_csv(text) if suffix == ".csv" else _from_json(text)


def suffix_of(name: str) -> str:
    """Return the ending that says how a document is written.

    Raises:
        InvalidOrder: it says neither.
    """
    suffix = PurePath(name).suffix.lower()
    if suffix not in SUFFIXES:
        raise InvalidOrder("placement", f"{name} must end in {' or '.join(SUFFIXES)}, so that its format is known.")
    return suffix


def _json(placement: Placement, cells: Iterable[Placed]) -> Iterator[str]:
    head = {
        "kind": KIND,
        "version": VERSION,
        "steps": STEPS,
        "lower_bound": placement.lower_bound,
        "grid": dict(placement.grid),
        "order": dict(placement.order),
    }
    yield json.dumps(head, indent=2).removesuffix("\n}") + ',\n  "cells": ['
    for number, cell in enumerate(cells):
        said = cell._asdict()
        if not placement.sized:
            del said[SPAN]
        yield f"{',' if number else ''}\n    {json.dumps(said)}"
    yield "\n  ]\n}\n"


def _csv(cells: Iterable[Placed], *, sized: bool) -> Iterator[str]:
    line = _Line()
    writer = csv.writer(line)
    writer.writerow((*COLUMNS, SPAN) if sized else COLUMNS)
    yield line.text
    for cell in cells:
        window = cell.window or ("",) * len(WINDOW)
        values = [cell.column, cell.row, cell.photo, cell.content, *window, cell.turn, cell.distance]
        writer.writerow([*values, cell.span] if sized else values)
        yield line.text


class _Line:
    """The line of a CSV that was written last."""

    text = ""

    def write(self, text: str) -> None:
        """Take the next line."""
        self.text = text


def _from_json(text: str) -> Placement:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise _wrong("it is not JSON, or is cut off") from None
    if not isinstance(found, dict) or found.get("kind") != KIND:
        raise _wrong(f"it does not say that it is a {KIND}")
    version = found.get("version")
    if type(version) is not int or version < 1:
        raise _wrong("it says no version")
    if version > VERSION:
        raise _wrong(f"it is of version {version:,}, and this version of Tessera knows only {VERSION}")
    strange = next((name for name in found if name not in KEYS), None)
    if strange is not None or found.get("steps", STEPS) != STEPS:
        raise _wrong("it has what version 1 does not have")
    cells, bound = found.get("cells"), found.get("lower_bound", 0.0)
    if not isinstance(cells, list) or len(cells) > MAX_CELLS:
        raise _wrong(f"its cells are no list of at most {MAX_CELLS:,}")
    return Placement(
        checked_cells(cells),
        checked_grid(found["grid"]) if "grid" in found else {},
        checked_order(found["order"]) if "order" in found else {},
        bound if isinstance(bound, float) and 0 <= bound < float("inf") else 0.0,
    )


def _from_csv(text: str) -> Placement:
    try:
        lines = csv.reader(io.StringIO(text, newline=""), strict=True)
        header = next(lines, [])
        if any(name not in header for name in NEEDED):
            raise _wrong(f"its first line does not name {', '.join(NEEDED)}")
        known = (*COLUMNS, SPAN)
        strange = next((name for name in header if name not in known or header.count(name) > 1), None)
        if strange is not None:
            raise _wrong(f"its column {strange[:40]!r} is one too many, or of a newer version")
        return Placement(checked_cells(_cells(header, lines)), {}, {})
    except csv.Error:
        raise _wrong("it is not CSV, or is cut off") from None


def _cells(header: list[str], lines: Iterator[list[str]]) -> Iterator[dict[str, object]]:
    for number, line in enumerate(lines, 2):
        if not line:
            continue
        if len(line) != len(header):
            raise _wrong(f"line {number:,} has {len(line):,} values, not {len(header):,}; the file may be cut off")
        if number > MAX_CELLS + 1:
            raise _wrong(f"it has more than {MAX_CELLS:,} cells")
        yield _cell(dict(zip(header, line, strict=True)))


def _cell(values: dict[str, str]) -> dict[str, object]:
    """Return a line as JSON would have it: an empty value is not given."""
    given = {name: value for name, value in values.items() if value}
    cell: dict[str, object] = {name: given[name] for name in ("photo", "content") if name in given}
    cell |= {name: _number(given[name]) for name in ("column", "row", "turn", SPAN) if name in given}
    if any(name in given for name in WINDOW):
        cell["window"] = [_number(given.get(name, "")) for name in WINDOW]
    return cell


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < len(f"{10**9}") else None


def _wrong(what: str) -> InvalidOrder:
    return InvalidOrder("placement", f"This is no placement that can be used: {what}.")
