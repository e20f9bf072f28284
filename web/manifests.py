"""The manifest of a batch: a line for each of its mosaics, read from the rows and written while it is sent."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from uuid import UUID

from flask import Response, url_for

from models import queries
from models.rules.lifecycle import JobState
from models.services import Services
from models.tables import Mosaic
from web.context import reading, services

AT_ONCE = 200
"""Mosaics that are in memory at once."""
COLUMNS = ("number", "name", "id", "state", "error_code", "error", "bytes", "sha256", "url", "page", "picture")
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that a spreadsheet may take for a formula. Source: OWASP, CSV Injection."""
ANY = UUID(int=0)
"""Stands for a mosaic's id in addresses that are made before anything is sent; by then the request is over."""


def as_json(batch_id: UUID) -> Response:
    """Return the manifest of a batch as JSON, a mosaic on each line.

    Raises:
        NotFound: there is no such batch.
    """
    with reading() as session:
        batch = queries.find_batch(session, batch_id)
    head = f'{{"batch": {json.dumps(str(batch.id))}, "name": {json.dumps(batch.name)}, "mosaics": ['
    return _sent(_json(head, _entries(services(), _addresses(), batch_id)), batch_id, "json", "application/json")


def as_csv(batch_id: UUID) -> Response:
    """Return the manifest of a batch as CSV; a name that a spreadsheet may take for a formula gets an apostrophe.

    Raises:
        NotFound: there is no such batch.
    """
    with reading() as session:
        queries.find_batch(session, batch_id)
    return _sent(_csv(_entries(services(), _addresses(), batch_id)), batch_id, "csv", "text/csv")


def _addresses() -> list[str]:
    """Return the addresses of a mosaic, its page and its picture."""
    endpoints = "api.mosaics.show", "mosaics.show", "api.mosaics.picture"
    return [url_for(endpoint, mosaic_id=ANY, _external=True) for endpoint in endpoints]


def _entries(held: Services, addresses: Sequence[str], batch_id: UUID) -> Iterator[dict[str, Any]]:
    """Yield what the manifest says of each mosaic, in the order of the targets."""
    first = 0
    while True:
        with held.reading() as session:
            rows = queries.batch_mosaics(session, batch_id, first, AT_ONCE)
        if not rows:
            return
        for row in rows:
            url, page, picture = (each.replace(str(ANY), str(row.id)) for each in addresses)
            made = row.job.state is JobState.SUCCEEDED
            yield dict(zip(COLUMNS, (*_values(row), url, page, picture if made else None), strict=True))
        first = rows[-1].number + 1


def _values(row: Mosaic) -> tuple[object, ...]:
    """Return what the manifest says of a mosaic, without its addresses."""
    job, file = row.job, row.first
    return (
        row.number + 1, row.target_name, str(row.id), job.state.value, job.error_code, job.error_sentence,
        file.byte_count, file.sha256,
    )  # fmt: skip


def _json(head: str, entries: Iterable[dict[str, Any]]) -> Iterator[str]:
    yield head
    for number, entry in enumerate(entries):
        yield f"{',' if number else ''}\n{json.dumps(entry)}"
    yield "\n]}\n"


def _csv(entries: Iterable[dict[str, Any]]) -> Iterator[str]:
    yield _line(COLUMNS)
    for entry in entries:
        yield _line("" if value is None else _harmless(value) for value in entry.values())


def _line(values: Iterable[object]) -> str:
    line = io.StringIO(newline="")
    csv.writer(line).writerow(values)
    return line.getvalue()


def _harmless(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def _sent(pieces: Iterator[str], batch_id: UUID, suffix: str, media_type: str) -> Response:
    response = Response(pieces, mimetype=media_type)
    response.headers["Content-Disposition"] = f'attachment; filename="batch-{batch_id.hex[:8]}.{suffix}"'
    return response
