"""Three services with something of everything in them, so that a browser finds each page in each of its states."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock
from uuid import UUID, uuid4

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from cli.service import demo
from models import database, keeping, tile_set_versions, undo
from models.database import Base
from models.rules.formats import Format
from models.rules.lifecycle import JobKind, JobState, Lane
from models.tables import Batch, Job, Mosaic, Rendition, Tile, TileSet
from web import shares

PHOTOS = 360
MANY = 60
"""Mosaics, which are more than one page of a list."""
ODD_NAMES = ("שלום ירושלים.jpg", "🦝 😀 👨‍👩‍👧‍👦.jpg", f"{'a name that does not end ' * 7}.jpg", "<b>&amp;.jpg")
LATER = timedelta(hours=2)
UNMADE: dict[str, Any] = dict.fromkeys((
    "placement_key", "preview_key", "thumbnail_key", "target_preview_key", "width", "height", "columns", "rows",
    "distinct_tiles", "quality",
))  # fmt: skip


class World(NamedTuple):
    """The services, and the addresses and ids of what is in the full one.

    Attributes:
        full: A service with workers and something of everything.
        empty: One without workers in which nothing was made yet, that takes 200 kB at once.
        locked: A server that asks for a token.
        picture: A file to rebuild.
        photos: A folder of photos.
        ids: What there is, by a name.
        links: Tokens of links that share a mosaic.
    """

    full: Any
    empty: Any
    locked: Any
    picture: Path
    photos: Path
    ids: dict[str, UUID]
    links: dict[str, str]


@contextmanager
def built(new_installation: Callable[..., Any], folder: Path) -> Iterator[World]:
    """Start it all, and lend it."""
    paths = demo.photographs()
    photos = folder / "Holidays"
    photos.mkdir()
    for number, (name, data) in enumerate(demo.crops(paths)):
        if number % 4 == 0 and len(list(photos.iterdir())) < PHOTOS:
            (photos / name).write_bytes(data)
    picture = next(path for path in paths if path.name == demo.TARGET)
    with (
        mock.patch.dict(os.environ, {"FLASK_DEBUG": "1"}),
        new_installation("sqlite") as full,
        new_installation("sqlite", pages_alone=True, MAX_UPLOAD_BYTES="200000", MAX_INTAKES="1") as empty,
        new_installation("sqlite", pages_alone=True, MODE="server") as locked,
    ):
        world = World(full, empty, locked, picture, photos, {}, {})
        _fill(world)
        yield world


def _fill(world: World) -> None:
    full, ids = world.full, world.ids
    photos = {path.name: path.read_bytes() for path in sorted(world.photos.iterdir())}
    odd = dict(zip(ODD_NAMES, photos.values(), strict=False))
    large = full.tile_set({**photos, **odd, "notes.jpg": b"no picture", "empty.png": b""})
    small = full.tile_set(odd)
    ids["set"], ids["few"] = UUID(large["id"]), UUID(small["id"])
    target = world.picture.read_bytes()
    order = {"cells_across": "40", "tile_size": "40"}
    made = full.order(large, target, format="pyramid", **order)
    plain = full.order(small, target, format="pdf", print="30x30 cm", pages="a4", dpi="100", cells_across="30")
    for name, each in (("mosaic", made), ("plain", plain)):
        assert full.final(each["url"])["job"]["state"] == "succeeded", full.final(each["url"])
        ids[name] = UUID(each["id"])
    cell = full.get(f"{made['url']}/placement.json").json()["cells"][0]
    edit = full.post(f"{made['url']}/edits", json={"ban": [cell["photo"]]}).json()
    assert full.final(edit["url"])["job"]["state"] == "succeeded"
    ids["edit"] = UUID(edit["id"])
    # It would ring for what is to wait.
    full.processes["sweeper"].terminate()
    full.processes["sweeper"].wait()
    with full.services().sessions.begin() as session:
        _rows(session, ids)
    settings = full.services().settings
    now = datetime.now(UTC)
    for name, mosaic, series, until in (
        ("live", "mosaic", 0, LATER), ("expired", "mosaic", 0, -LATER), ("revoked", "mosaic", 7, LATER),
        ("deleted", "thrown", 0, LATER),
    ):  # fmt: skip
        world.links[name] = shares.token(shares.Share(ids[mosaic], series, now + until), settings)


def _rows(session: Session, ids: dict[str, UUID]) -> None:
    """Add what is copied of rows that there are, in every state that takes too long to come about."""
    now = database.now(session)
    mosaic, large = session.get_one(Mosaic, ids["mosaic"]), session.get_one(TileSet, ids["set"])
    states = _states(now)
    for name, values in states.items():
        unmade = UNMADE if name != "done" else {}
        ids[name] = mosaic_like(session, mosaic, values, target_name=f"{name}.jpg", **unmade)
        set_job = _copy(
            session, large.job, **{**values, "kind": JobKind.INDEX, "lane": Lane.INDEXING, "phase": "indexing"}
        )
        changed = {
            "job_id": set_job,
            "name": f"Summer, {name}",
            "version": None,
            "created_at": now,
            "skipped_count": 0,
        }
        ids[f"set {name}"] = _copy(session, large, id=uuid4(), **changed)
        file = session.scalars(select(Rendition).where(Rendition.mosaic_id == ids["mosaic"])).first()
        file_job = _copy(session, mosaic.job, **{**values, "kind": JobKind.RENDITION})
        unmade_file = {"key": None, "sha256": None, "byte_count": None} if name != "done" else {}
        _copy(
            session, file, id=uuid4(), mosaic_id=ids["plain"], job_id=file_job, format=Format.JPEG,
            file_quality=len(ids), created_at=now, **unmade_file,
        )  # fmt: skip
    for number in range(MANY):
        name = ODD_NAMES[number] if number < len(ODD_NAMES) else f"IMG_{4_000 + number}.jpg"
        mosaic_like(session, mosaic, {}, target_name=name, created_at=now - timedelta(days=1, minutes=number))
    _batches(session, ids, mosaic, states)
    _trash(session, ids, mosaic, now)


def _states(now: datetime) -> dict[str, dict[str, Any]]:
    """Return what a job's row has in each state; nobody takes up, or rings for, what waits or runs."""
    none = {"lease_token": None, "lease_until": None, "finished_at": None, "partial_key": None}
    waits = {
        "queued_at": now - timedelta(minutes=7),
        "created_at": now - timedelta(minutes=7),
        "ring_at": now + LATER,
    }
    runs = {"lease_token": "t" * 32, "lease_until": now + LATER, "started_at": now - timedelta(seconds=90),
            "phase_at": now - timedelta(seconds=40), "phase": "composing", "progress": 0.62, "done_count": 992,
            "total_count": 1_600}  # fmt: skip
    ends = {"finished_at": now}
    why = {"error_code": "unusable_picture", "error_sentence": "The target is not a picture, or a damaged one."}
    return {
        "waiting": {**none, **waits, "state": JobState.QUEUED, "attempt": 0, "progress": 0.0, "started_at": None},
        "running": {**none, **runs, "state": JobState.RUNNING},
        "failed": {**none, **ends, **why, "state": JobState.FAILED, "progress": 0.1},
        "cancelled": {**none, **ends, "state": JobState.CANCELLED, "progress": 0.3},
        "done": {**none, **ends},
    }


def _batches(session: Session, ids: dict[str, UUID], mosaic: Mosaic, states: dict[str, dict[str, Any]]) -> None:
    """Add a batch that waits, one that is half done, one of which some failed, and one that is done."""
    kinds = {
        "waiting": ["waiting"] * 5, "half": ["done", "done", "running", "waiting", "failed"],
        "failed": ["failed", "done", "cancelled"], "done": ["done"] * 5,
    }  # fmt: skip
    for name, each in kinds.items():
        ids[f"batch {name}"] = batch = uuid4()
        values = {"tile_set_id": mosaic.tile_set_id, "tile_set_version": 1, "created_at": database.now(session)}
        session.execute(insert(Batch).values(id=batch, name=f"Wedding guests, {name}", **values))
        for number, state in enumerate(each):
            made: dict[str, Any] = {} if state == "done" else UNMADE
            target = ODD_NAMES[number] if number < 2 else f"guest {number}.jpg"
            values = {**states[state], "lane": Lane.BULK}
            mosaic_like(session, mosaic, values, batch_id=batch, number=number, target_name=target, **made)


def _trash(session: Session, ids: dict[str, UUID], mosaic: Mosaic, now: datetime) -> None:
    """Delete a mosaic, a batch, a set and photos: the first three a while ago, so that no bar offers to undo it."""
    ago = now - timedelta(days=3)
    ids["thrown"] = mosaic_like(session, mosaic, {}, target_name=ODD_NAMES[1])
    keeping.drop(session, Mosaic, ids["thrown"], ago)
    ids["thrown batch"] = uuid4()
    values = {"tile_set_id": mosaic.tile_set_id, "tile_set_version": 1, "created_at": ago}
    session.execute(insert(Batch).values(id=ids["thrown batch"], name=ODD_NAMES[0], **values))
    mosaic_like(session, mosaic, {}, batch_id=ids["thrown batch"])
    keeping.drop(session, Batch, ids["thrown batch"], ago)
    tile_set_versions.drop(session, ids["set cancelled"], ago)
    tiles = session.scalars(select(Tile).where(Tile.tile_set_id == ids["set"]).order_by(Tile.name)).all()
    tile_set_versions.ban(session, ids["set"], tiles[3].content, now)
    for tile in tiles[10:14]:
        tile_set_versions.remove(session, ids["set"], tile.content, now)


def thrown_now(world: World) -> None:
    """Delete a mosaic at this moment, so that its list offers to take it back."""
    with world.full.services().sessions.begin() as session:
        now = database.now(session)
        session.execute(update(Mosaic).where(Mosaic.id == world.ids["thrown"]).values(deleted_at=now))


def thrown_before(world: World) -> None:
    """Let it be longer ago."""
    with world.full.services().sessions.begin() as session:
        ago = database.now(session) - undo.LATELY * 3
        session.execute(update(Mosaic).where(Mosaic.id == world.ids["thrown"]).values(deleted_at=ago))


def mosaic_like(session: Session, mosaic: Mosaic, job: dict[str, Any], **changed: Any) -> UUID:
    """Add a copy of a mosaic with a job of its own; return its id."""
    identity, job_id = uuid4(), _copy(session, mosaic.job, **job)
    _copy(session, mosaic, **{"id": identity, "job_id": job_id, **changed})
    file = session.scalars(select(Rendition).where(Rendition.job_id == mosaic.job_id)).one()
    unmade = {"key": None, "sha256": None, "byte_count": None} if "preview_key" in changed else {}
    _copy(session, file, id=uuid4(), mosaic_id=identity, job_id=job_id, **unmade)
    return identity


def _copy(session: Session, row: Base | None, **changed: Any) -> Any:
    assert row is not None
    values = {column.name: getattr(row, column.name) for column in row.__table__.columns}
    table = type(row)
    if table is Job:
        values.pop("id")
    return session.execute(insert(table).values(values | changed).returning(table.__table__.c.id)).scalar_one()
