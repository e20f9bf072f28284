"""Pages of mosaics: order one, watch it, look at it, download it."""

from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from models import database, jobs, prints, queries
from web import downloads, forms, intake
from web.context import reading, sessions
from web.views.redisplay import or_again, order_form

bp = Blueprint("mosaics", __name__, url_prefix="/mosaics")


_page = order_form("mosaics/new.html")


@bp.get("/new")
def new() -> ResponseReturnValue:
    """Show the form."""
    return _page(None)


@bp.post("")
@or_again(_page)
def create() -> ResponseReturnValue:
    """Store the target, and order its mosaic."""
    order = forms.page_order(request.form.to_dict())
    tile_set_id = forms.identity(request.form.get("tile_set", ""), "tile set")
    identity = intake.receive_mosaic(tile_set_id, request.files.get("target"), order)
    return redirect(url_for("mosaics.show", mosaic_id=identity), code=303)


@bp.get("/<uuid:mosaic_id>")
def show(mosaic_id: UUID) -> ResponseReturnValue:
    """Show how far the mosaic is, or the finished mosaic."""
    with reading() as session:
        mosaic = queries.find_mosaic(session, mosaic_id)
    again, plan = forms.fields_of(queries.order_of(mosaic)), prints.plan_of(mosaic)
    notes = prints.notes_on(mosaic, plan) if plan else []
    return render_template("mosaics/show.html", mosaic=mosaic, again=again, plan=plan, notes=notes)


@bp.post("/<uuid:mosaic_id>/cancel")
def cancel(mosaic_id: UUID) -> ResponseReturnValue:
    """Cancel the mosaic."""
    with sessions().begin() as session:
        jobs.cancel(session, [queries.find_mosaic(session, mosaic_id).job_id], database.now(session))
    return redirect(url_for("mosaics.show", mosaic_id=mosaic_id), code=303)


@bp.get("/<uuid:mosaic_id>/picture")
def picture(mosaic_id: UUID) -> ResponseReturnValue:
    """Download the mosaic."""
    with reading() as session:
        mosaic = queries.find_mosaic(session, mosaic_id)
    return downloads.picture(mosaic)


@bp.get("/<uuid:mosaic_id>/preview")
def preview(mosaic_id: UUID) -> ResponseReturnValue:
    """Send the picture that the pages show."""
    with reading() as session:
        mosaic = queries.find_mosaic(session, mosaic_id)
    return downloads.preview(mosaic)
