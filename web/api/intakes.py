"""/api/v1/intakes, and /intakes for the scripts of pages: files that are sent one by one, each of which may go on."""

import uuid
from collections.abc import Callable
from typing import Any, TypeVar

from apiflask import APIBlueprint
from apiflask.fields import UUID, Boolean, DateTime, Integer, List, String
from apiflask.validators import Length, Regexp
from flask import url_for

from models import intake_queries, queries
from models.errors import IntakeClosed, NotReady, TooManyIntakes
from models.rounds import NewSet, Taken
from web import sending
from web.api import polling, present
from web.api.document import fails
from web.api.fields import COUNT, SHA256, Address, Shown, Strict, a_name, said
from web.api.tile_set_schemas import TileSetOut
from web.context import reading, settings

View = TypeVar("View", bound=Callable[..., Any])
MOST_HASHES = 5_000
TAG = {"name": "Intakes", "description": "Files that are sent one by one, by tus, and then become a tile set."}

bp = APIBlueprint("intakes", __name__, url_prefix="/intakes", tag=TAG)
pages = APIBlueprint("intakes", __name__, url_prefix="/intakes", enable_openapi=False)


class JsonIn(Strict):
    """Input as JSON."""

    media_types = ("application/json",)


class IntakeIn(JsonIn):
    """What files are sent for."""

    tile_set = UUID(load_default=None, allow_none=True, metadata=said("Id of a tile set; null for a new one."))


class HashesIn(JsonIn):
    """Which files somebody has."""

    contents = List(
        String(validate=Regexp("[0-9a-f]{64}\\Z")),
        required=True,
        validate=Length(max=MOST_HASHES),
        metadata=said("SHA-256 of each file, in hexadecimal."),
    )


class FinishIn(JsonIn):
    """What a new tile set is called, and how it is made; without effect for one that there is."""

    name = a_name(load_default="Untitled")
    dedupe = Boolean(
        load_default=False, metadata=said("Of photos that are nearly the same, only the largest is used.")
    )
    keep_originals = Boolean(load_default=False, metadata=said("The files are kept as they came, too."))


class IntakeBegunOut(Shown):
    """An intake that was opened, and what it takes."""

    id = UUID()
    url = Address("GET: how far it is.")
    expires_at = DateTime(format="iso", metadata=said("Put off by each file, or piece of one, that arrives."))
    max_files = Integer(metadata=COUNT)
    max_file_bytes = Integer(metadata=COUNT)
    max_bytes = Integer(metadata=said("Of all its files; other intakes take from it, too.", **COUNT))


class IntakeOut(Shown):
    """How far an intake is."""

    id = UUID()
    files = Integer(metadata=said("That have arrived.", **COUNT))
    bytes = Integer(metadata=said("That these files have.", **COUNT))
    open = Integer(metadata=said("Files of which something is missing.", **COUNT))
    waiting = Integer(metadata=said("Files that have arrived, and that the tile set does not have yet.", **COUNT))
    expires_at = DateTime(format="iso")
    tile_set = UUID(allow_none=True, metadata=said("That the files are for; null for a new one that is not begun."))
    tile_count = Integer(
        allow_none=True, metadata=said("Photos that mosaics can be made of; null before there is a version.", **COUNT)
    )
    indexing = Boolean(metadata=said("Whether the tile set is being indexed."))
    finished = Boolean(metadata=said("Whether its files are the tile set's, and it takes no more."))


class KnownOut(Shown):
    """Which files need not be sent."""

    known = List(String(metadata=SHA256), metadata=said("In the tile set, or in this intake."))


class IntakeTakenOut(TileSetOut):
    """The tile set that the files are in."""

    page = Address("Its page.")
    left_out = Integer(metadata=said("Files that had not arrived whole.", **COUNT))


def both(rule: str, method: str) -> Callable[[View], View]:
    """Register a view for programs and for the scripts of pages."""

    def register(view: View) -> View:
        for each in (bp, pages):
            each.add_url_rule(rule, endpoint=view.__name__, view_func=view, methods=[method])
        return view

    return register


@both("", "POST")
@bp.input(IntakeIn, location="json", arg_name="body")
@bp.output(IntakeBegunOut, status_code=201)
@fails(TooManyIntakes)
def create(body: dict[str, Any]) -> dict[str, Any]:
    """Open an intake: a collection of files that are sent one by one."""
    made, room = sending.begin(body["tile_set"])
    return {
        "id": made.id,
        "url": url_for(".show", intake_id=made.id),
        "expires_at": made.expires_at,
        "max_files": settings().max_photos,
        "max_file_bytes": settings().max_picture_bytes,
        "max_bytes": room,
    }


@both("/<uuid:intake_id>", "GET")
@bp.output(IntakeOut)
@fails(IntakeClosed)
def show(intake_id: uuid.UUID) -> dict[str, Any]:
    """Show how far an intake is."""
    with reading() as session:
        found = intake_queries.state(session, intake_id)
    row, tile_set = found.intake, found.tile_set
    return {
        "id": row.id,
        "files": found.files,
        "bytes": found.bytes,
        "open": found.open,
        "waiting": found.waiting,
        "expires_at": row.expires_at,
        "tile_set": row.tile_set_id if row.adds else None,
        "tile_count": tile_set.current.tile_count if tile_set and tile_set.current else None,
        "indexing": tile_set is not None and not tile_set.job.state.final,
        "finished": row.ended_at is not None,
    }


@both("/<uuid:intake_id>", "DELETE")
@bp.output({}, status_code=204)
@fails(IntakeClosed)
def delete(intake_id: uuid.UUID) -> str:
    """Give an intake up, with all that was sent."""
    sending.give_up(intake_id)
    return ""


@both("/<uuid:intake_id>/known", "POST")
@bp.input(HashesIn, location="json", arg_name="body")
@bp.output(KnownOut)
@fails(IntakeClosed)
def find_known(intake_id: uuid.UUID, body: dict[str, Any]) -> dict[str, Any]:
    """Say which files need not be sent, because they are there."""
    with reading() as session:
        return {"known": intake_queries.known(session, intake_id, body["contents"])}


@both("/<uuid:intake_id>/index", "POST")
@bp.input(FinishIn, location="json", arg_name="body")
@bp.output(IntakeTakenOut, status_code=202)
@fails(NotReady, IntakeClosed)
def index_arrived(intake_id: uuid.UUID, body: dict[str, Any]) -> polling.Answer:
    """Have the files that have arrived indexed, for a new tile set or for one that there is; more may be sent."""
    return _taken(sending.index(intake_id, NewSet(**body)))


@both("/<uuid:intake_id>/finish", "POST")
@bp.input(FinishIn, location="json", arg_name="body")
@bp.output(IntakeTakenOut, status_code=202)
@fails(NotReady, IntakeClosed)
def finish(intake_id: uuid.UUID, body: dict[str, Any]) -> polling.Answer:
    """Make a tile set of the files that have arrived, or add them to one; a second time changes nothing."""
    return _taken(sending.finish(intake_id, NewSet(**body)))


def _taken(taken: Taken) -> polling.Answer:
    with reading() as session:
        shown = present.tile_set(queries.find_tile_set(session, taken.tile_set_id))
    shown |= {"page": url_for("tile_sets.show", tile_set_id=taken.tile_set_id), "left_out": taken.left_out}
    return polling.accepted(shown)
