"""Jobs as lines for people and as JSON for programs."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from cli.progress_bar import aligned
from models.job_listing import AttemptEntry, Entry
from models.rules.lifecycle import JobKind
from models.tables import Mosaic, TileSet

HEAD = ("ID", "KIND", "LANE", "STATE", "ATTEMPT", "PROGRESS", "AGE", "FOR", "ERROR")
NAME_LENGTH = 40
NOTHING = "-"
UNITS = (("d", timedelta(days=1)), ("h", timedelta(hours=1)), ("min", timedelta(minutes=1)))


def table(entries: Sequence[Entry], now: datetime) -> str:
    """Return a table with one line for each job."""
    return aligned([HEAD, *(_row(entry, now) for entry in entries)])


def sheet(entry: Entry, attempts: Sequence[AttemptEntry]) -> str:
    """Return everything about one job, a line for each field."""
    known = as_json(entry)
    known["progress"] = _progress(known.pop("phase"), known["progress"])
    error, purpose = known["error"], known["for"]
    known["error"] = error and f"{error['code']}: {error['detail']}"
    known["for"] = purpose and f"{purpose['what']} {purpose['id']}, {purpose['name']}"
    lines = [f"{name.replace('_', ' '):<14}{_shown(value)}" for name, value in known.items()]
    return "\n".join([*lines, *(line for attempt in attempts for line in _attempt_lines(attempt))])


def as_json(entry: Entry) -> dict[str, Any]:
    """Return everything about a job except its attempts; times are UTC, ISO 8601."""
    job = entry.job
    return {
        "id": job.id,
        "kind": _kind(job.kind),
        "lane": job.lane.value,
        "state": job.state.value,
        "attempt": job.attempt,
        "given_back": job.given_back,
        "phase": job.phase,
        "progress": job.progress,
        "error": {"code": job.error_code, "detail": job.error_sentence} if job.error_code else None,
        "for": _purpose(entry.purpose),
        "request_id": job.request_id,
        "failed_rings": job.failed_rings,
        "created_at": _moment(job.created_at),
        "queued_at": _moment(job.queued_at),
        "ring_at": _moment(job.ring_at),
        "started_at": _moment(job.started_at),
        "lease_until": _moment(job.lease_until),
        "finished_at": _moment(job.finished_at),
    }


def attempt_as_json(attempt: AttemptEntry) -> dict[str, Any]:
    """Return everything about one attempt; `phases` are in seconds."""
    record = attempt.record
    return {
        "number": record.number,
        "waited_seconds": record.waited_seconds,
        "started_at": _moment(record.started_at),
        "ended_at": _moment(record.ended_at),
        "outcome": record.outcome and record.outcome.value,
        "phases": dict(attempt.phases),
    }


def age(span: timedelta) -> str:
    """Return a time span as a whole number of the largest unit that fits into it."""
    for unit, length in UNITS:
        if span >= length:
            return f"{span // length} {unit}"
    return f"{max(0, span // timedelta(seconds=1))} s"


def _row(entry: Entry, now: datetime) -> tuple[str, ...]:
    job, purpose = entry.job, _purpose(entry.purpose)
    return (
        str(job.id),
        _kind(job.kind),
        job.lane,
        job.state,
        str(job.attempt),
        _progress(job.phase, job.progress),
        age(now - job.created_at),
        _short(purpose["name"]) if purpose else NOTHING,
        job.error_code or "",
    )


def _attempt_lines(attempt: AttemptEntry) -> list[str]:
    known = attempt_as_json(attempt)
    end = f"{known['outcome']} {known['ended_at']}" if known["outcome"] else "still going on"
    return [
        f"\nattempt {known['number']}: waited {known['waited_seconds']:,.1f} s, began {known['started_at']}, {end}",
        *(f"  {phase:<16}{seconds:>10,.2f} s" for phase, seconds in known["phases"].items()),
    ]


def _purpose(row: Mosaic | TileSet | None) -> dict[str, str] | None:
    if row is None:
        return None
    if isinstance(row, Mosaic):
        return {"what": "mosaic", "id": str(row.id), "name": row.target_name}
    return {"what": "tile set", "id": str(row.id), "name": row.name}


def _kind(kind: JobKind) -> str:
    return kind.value.removeprefix("tessera.")


def _progress(phase: str, share: float) -> str:
    return f"{phase} {share:.0%}".strip()


def _short(name: str) -> str:
    return name if len(name) <= NAME_LENGTH else f"{name[: NAME_LENGTH - 1]}…"


def _shown(value: object) -> str:
    return NOTHING if value is None or value == "" else str(value)


def _moment(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="milliseconds") if moment else None
