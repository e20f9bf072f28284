"""The files of an intake, by tus: below /api/v1 for programs, and without it for the scripts of pages."""

from datetime import datetime
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response, url_for

from web import sending, tus
from web.context import settings


def blueprint() -> APIBlueprint:
    """Return the addresses of uploads; they are described by tus itself, and not in the OpenAPI document."""
    made = APIBlueprint("uploads", __name__, url_prefix="/intakes/<uuid:intake_id>/uploads", enable_openapi=False)
    made.before_request(tus.check_version)
    made.after_request(tus.mark)
    one = "/<uuid:upload_id>"
    for rule, method, view in (
        ("", "OPTIONS", options), (one, "OPTIONS", options), ("", "POST", create), (one, "HEAD", show),
        (one, "PATCH", append), (one, "DELETE", remove),
    ):  # fmt: skip
        made.add_url_rule(rule, view_func=view, methods=[method], provide_automatic_options=False)
    return made


def options(**_place: UUID) -> Response:
    """Say what is understood."""
    headers = {
        "Tus-Extension": tus.EXTENSIONS,
        "Tus-Max-Size": str(max(settings().max_picture_bytes, settings().max_upload_bytes)),
        "Tus-Checksum-Algorithm": "sha256",
    }
    return Response(status=204, headers=headers)


def create(intake_id: UUID) -> Response:
    """Take a file, or its beginning, or only its name and length."""
    has_body = tus.has_body()
    if has_body:
        tus.check_type()
    said = tus.described()
    file = sending.NewFile(said.name, tus.number("Upload-Length"), said.claimed, said.is_archive)
    made = sending.create(intake_id, file, tus.checksum(), has_body=has_body)
    where = url_for(".show", intake_id=intake_id, upload_id=made.id)
    return _at(made.received_bytes, made.intake.expires_at, 201, Location=where)


def show(intake_id: UUID, upload_id: UUID) -> Response:
    """Say how much of a file has arrived."""
    found = sending.find(intake_id, upload_id)
    more = {"Upload-Length": str(found.length_bytes), "Upload-Metadata": tus.metadata(found.name, found.claimed)}
    return _at(found.received_bytes, found.intake.expires_at, 200, **more)


def append(intake_id: UUID, upload_id: UUID) -> Response:
    """Take the next piece of a file."""
    tus.check_type()
    offset, checksum = tus.number("Upload-Offset"), tus.checksum()
    return _at(*sending.append(sending.find(intake_id, upload_id), offset, checksum), 204)


def remove(intake_id: UUID, upload_id: UUID) -> Response:
    """Give a file up."""
    sending.remove(intake_id, upload_id)
    return Response(status=204)


def _at(offset: int, until: datetime, status: int, **more: str) -> Response:
    headers = {"Upload-Offset": str(offset), "Upload-Expires": tus.expires(until)} | more
    return Response(status=status, headers=headers)


bp, pages = blueprint(), blueprint()
