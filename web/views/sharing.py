"""Links that share a mosaic with people who have no access: its viewer alone, until a day."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from models import queries, renditions, sharing
from models.errors import InvalidOrder, LinkExpired, NotFound, TesseraError
from models.rules.lifecycle import JobState
from models.tables import Mosaic
from web import downloads, forms, links, pyramids, shares
from web.context import reading, sessions, settings, store
from web.problems import status_of
from web.shares import Share
from web.views import mosaics, zoom
from web.views.redisplay import or_again

bp = Blueprint("sharing", __name__)
DAYS = (1, 7, 30)


@bp.post("/mosaics/<uuid:mosaic_id>/shares")
@or_again(mosaics.page)
def create(mosaic_id: UUID) -> ResponseReturnValue:
    """Show the mosaic again, with a link that shares it."""
    days = forms.whole_number(request.form, "days", "days")
    if days not in DAYS:
        raise InvalidOrder("days", "A link holds for 1 day, 7 days or 30 days.")
    made = links.create(mosaic_id, datetime.now(UTC) + timedelta(days=days))
    return mosaics.page(None, shared=(made.address, made.row.until))


@bp.post("/mosaics/<uuid:mosaic_id>/shares/end")
def end(mosaic_id: UUID) -> ResponseReturnValue:
    """Take back all links that share the mosaic."""
    with sessions().begin() as session:
        sharing.end(session, mosaic_id)
    return redirect(url_for("mosaics.show", mosaic_id=mosaic_id, _anchor="share"), code=303)


@bp.get("/shared/<token>")
def show(token: str) -> ResponseReturnValue:
    """Show the viewer of a shared mosaic."""
    try:
        mosaic, share = _shared(token)
    except TesseraError as error:
        status = status_of(error)
        return _unlisted(make_response(render_template("shared/gone.html", error=error, status=status), status))
    return _unlisted(
        make_response(
            render_template("shared/show.html", mosaic=mosaic, token=token, until=share.until, zooms=_pyramid(mosaic))
        )
    )


@bp.get("/shared/<token>/preview")
def preview(token: str) -> Response:
    """Send the picture."""
    return _unlisted(downloads.preview(_shared(token)[0]))


@bp.get("/shared/<token>/zoom.dzi")
def description(token: str) -> Response:
    """Say how large the picture and its tiles are."""
    opened = pyramids.opened(store(), _key(token))
    return _unlisted(zoom.kept_by_browsers(opened.description, "application/xml"))


@bp.get("/shared/<token>/zoom_files/<int:level>/<int:column>_<int:row>.jpg")
def tile(token: str, level: int, column: int, row: int) -> Response:
    """Send a tile."""
    return _unlisted(zoom.kept_by_browsers(pyramids.tile(store(), _key(token), (level, column, row)), "image/jpeg"))


def _shared(token: str) -> tuple[Mosaic, Share]:
    """Return the mosaic that a token opens; nothing is read of the database before the token is found to be ours.

    Raises:
        NotFound: it opens none, or the mosaic is deleted; to strangers, its name is not told.
        LinkExpired: its time is over, or it was taken back.
    """
    share = shares.read(token, settings(), datetime.now(UTC))
    try:
        with reading() as session:
            mosaic = queries.find_mosaic(session, share.mosaic_id)
            is_there = share.link_id is None or sharing.is_there(session, share.link_id)
    except NotFound as error:
        raise NotFound("The mosaic that this link led to is not there any more.") from error
    if not is_there or mosaic.share_series != share.series or mosaic.job.state is not JobState.SUCCEEDED:
        raise LinkExpired("This link was taken back; ask for another from whoever sent it.")
    return mosaic, share


def _pyramid(mosaic: Mosaic) -> str | None:
    """Return the key of a mosaic's zoom pyramid; None if there is none."""
    with reading() as session:
        found = zoom.pyramid_of(renditions.of_mosaic(session, mosaic.id))
    return found.key if found else None


def _key(token: str) -> str:
    key = _pyramid(_shared(token)[0])
    if key is None:
        raise LinkExpired("There is no zoom pyramid of this mosaic.")
    return key


def _unlisted(response: Response) -> Response:
    """Ask search engines to keep it out of their lists, and browsers to tell no other site where it is."""
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
