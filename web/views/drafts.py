"""What the order page's script asks for: a target to be kept, and sketches of the mosaic as options change."""

from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import Any, ParamSpec
from uuid import UUID

from flask import Blueprint, Response, jsonify, render_template, request, url_for
from flask.typing import ResponseReturnValue

from models import sketches
from models.errors import InvalidOrder, NotFound, NotReady, TesseraError
from models.rules.lifecycle import JobState
from models.rules.looks import LOOKS
from models.rules.orders import FIELDS
from models.tables import Draft, Sketch
from web import downloads, drafting, forms, intake, planning
from web.context import reading
from web.problems import status_of
from web.views import differing

bp = Blueprint("drafts", __name__, url_prefix="/mosaics/drafts")

Arguments = ParamSpec("Arguments")
View = Callable[Arguments, ResponseReturnValue]


def in_a_sentence(view: View[Arguments]) -> View[Arguments]:
    """Make a view answer a foreseen failure with its sentence, and the field to change, as JSON."""

    @wraps(view)
    def answered(*args: Arguments.args, **kwargs: Arguments.kwargs) -> ResponseReturnValue:
        try:
            return view(*args, **kwargs)
        except TesseraError as error:
            field = error.field if isinstance(error, InvalidOrder) else None
            return jsonify(sentence=str(error), code=error.code, field=field), status_of(error)

    return answered


@bp.post("")
@in_a_sentence
def keep() -> ResponseReturnValue:
    """Keep a target that was chosen, or that of a mosaic that is to be ordered again."""
    draft = drafting.with_target(request.form, request.files.get("target"))
    return _shown(draft), 201


@bp.post("/sketches")
@in_a_sentence
def sketch() -> ResponseReturnValue:
    """Order a sketch of the form as it stands; it takes the place of those before it."""
    form = request.form.to_dict()
    look = form.get("sketched", "")
    if look and look not in LOOKS:
        raise NotFound("There is no such look.")
    draft = drafting.with_target(form, None)
    order = forms.page_order(form)
    identity = drafting.sketch(draft, forms.identity(form.get("tile_set", ""), "tile set"), order, look)
    return _shown(draft) | {"sketch": url_for("drafts.sketched", draft_id=draft.id, sketch_id=identity)}, 202


@bp.get("/<uuid:draft_id>/sketches/<uuid:sketch_id>")
@in_a_sentence
def sketched(draft_id: UUID, sketch_id: UUID) -> ResponseReturnValue:
    """Say how far a sketch is, and where its picture is once it is made."""
    with reading() as session:
        found = sketches.find(session, draft_id, sketch_id)
    return {
        "state": found.job.state,
        "final": found.job.state.final,
        "sentence": found.job.error_sentence,
        "picture": _picture(found),
        "columns": found.columns,
        "rows": found.rows,
    }


@bp.get("/<uuid:draft_id>/sketches/<uuid:sketch_id>/picture")
def picture(draft_id: UUID, sketch_id: UUID) -> ResponseReturnValue:
    """Send the picture of a sketch."""
    with reading() as session:
        return downloads.sketch(sketches.find(session, draft_id, sketch_id))


@bp.get("/plan")
@in_a_sentence
def plan() -> ResponseReturnValue:
    """Say what the form as it stands would make, or why it cannot be met and what could be instead."""
    form = request.args.to_dict()
    draft = drafting.found(form)
    size = drafting.size_of(draft) if draft else drafting.UNKNOWN
    tile_count = _tile_count(form)
    ask = planning.Ask(form, planning.shape_of(size), tile_count)
    return planning.answer(ask) | {"assumed": not size.known, "changes": _changes(form)}


def _changes(form: dict[str, str]) -> str | None:
    """Return what is different from the mosaic that is ordered again, for the page; None if nothing is said."""
    with suppress(TesseraError), reading() as session:
        different = differing.of_form(session, form, forms.page_order(form))
        if different is not None:
            return render_template("mosaics/changes.html", differences=different, fields=FIELDS)
    return None


def _tile_count(form: dict[str, str]) -> int | None:
    with suppress(TesseraError):
        return intake.tile_count_of(forms.identity(form.get("tile_set", ""), "tile set"))
    return None


@bp.get("/<uuid:draft_id>/target")
def target(draft_id: UUID) -> Response:
    """Send the target in small; the first sketch makes it."""
    draft = drafting.kept(draft_id)
    if draft.small_key is None:
        raise NotReady("The picture is not there in small yet.")
    return downloads.photo_under(draft.small_key)


def _shown(draft: Draft) -> dict[str, Any]:
    size = drafting.size_of(draft)
    return {
        "draft": str(draft.id),
        "name": draft.target_name,
        "width": size.width or None,
        "height": size.height or None,
        "target": url_for("drafts.target", draft_id=draft.id),
    }


def _picture(found: Sketch) -> str | None:
    if found.job.state is not JobState.SUCCEEDED or found.key is None:
        return None
    return url_for("drafts.picture", draft_id=found.draft_id, sketch_id=found.id)
