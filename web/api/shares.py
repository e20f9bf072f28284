"""/api/v1/mosaics/ID/shares: links that share a mosaic with people who have no access."""

import uuid
from typing import Any

from apiflask import APIBlueprint
from apiflask.fields import UUID, AwareDateTime, DateTime, List, Nested, String

from models import sharing
from models.errors import NotReady, TooManyLinks
from web import links
from web.api.document import fails
from web.api.fields import FORMS, Address, Shown, Strict, said
from web.api.present import share
from web.context import sessions

TAG = {"name": "Shares", "description": "Links that open the viewer of a mosaic without an account, until a time."}

bp = APIBlueprint("shares", __name__, url_prefix="/mosaics/<uuid:mosaic_id>/shares", tag=TAG)


class ShareIn(Strict):
    """Until when a mosaic is shared."""

    media_types = ("application/json", *FORMS)

    until = AwareDateTime(
        format="iso", required=True, metadata=said("Within 366 days; with its zone, such as 2026-12-24T18:00:00Z.")
    )


class ShareOut(Shown):
    """A link that shares a mosaic."""

    id = UUID()
    url = Address("Of the link here; DELETE takes it back.")
    link = String(metadata=said("What to send to people; who has it sees the mosaic.", format="uri"))
    created_at = DateTime(format="iso", metadata=said("UTC."))
    until = DateTime(format="iso", metadata=said("When it ends, UTC."))


class SharesOut(Shown):
    """The links of a mosaic that have not ended, the newest first."""

    items = List(Nested(ShareOut))


@bp.post("")
@bp.input(ShareIn, location="json_or_form", arg_name="body")
@bp.output(ShareOut, status_code=201)
@fails(NotReady, TooManyLinks)
def create(mosaic_id: uuid.UUID, body: dict[str, Any]) -> dict[str, Any]:
    """Make a link that opens the viewer of a mosaic without the access token, until a time."""
    return share(links.create(mosaic_id, body["until"]))


@bp.get("")
@bp.output(SharesOut)
def index(mosaic_id: uuid.UUID) -> dict[str, Any]:
    """List the links of a mosaic that have not ended."""
    return {"items": [share(each) for each in links.of_mosaic(mosaic_id)]}


@bp.delete("/<uuid:share_id>")
@bp.output({}, status_code=204)
def delete(mosaic_id: uuid.UUID, share_id: uuid.UUID) -> str:
    """Take a link back; the others go on."""
    with sessions().begin() as session:
        sharing.remove(session, mosaic_id, share_id)
    return ""


@bp.delete("")
@bp.output({}, status_code=204)
def end_shares(mosaic_id: uuid.UUID) -> str:
    """Take all links of a mosaic back, also those from before they were listed."""
    with sessions().begin() as session:
        sharing.end(session, mosaic_id)
    return ""
