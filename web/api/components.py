"""The components that many operations of the OpenAPI document share: a problem, headers, parameters."""

from typing import Any

from web.api.fields import COUNT, SHA256
from web.problems import RETRY_SECONDS

Json = dict[str, Any]

PROBLEM: Json = {
    "type": "object",
    "description": "What went wrong (RFC 9457).",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri", "description": "urn:tessera:problem: and the code."},
        "title": {"type": "string", "description": "The status in words."},
        "status": {"type": "integer", "minimum": 400, "maximum": 599, "description": "The HTTP status."},
        "code": {"type": "string", "description": "Stable, for programs.", "examples": ["not_found"]},
        "detail": {"type": "string", "description": "One sentence, for people."},
        "field": {"type": "string", "description": "The field that is to be changed; with invalid_order alone."},
    },
}
HEADERS: dict[str, Json] = {
    "X-Request-ID": {
        "description": "Of this request, as in the logs; the one that the request brought, if it brought a good one.",
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"},
    },
    "Location": {"description": "What to poll.", "schema": {"type": "string", "format": "uri-reference"}},
    "Retry-After": {
        "description": "In how many seconds to ask again; missing once nothing will change.",
        "schema": {"type": "integer", "minimum": 0, "examples": [RETRY_SECONDS]},
    },
    "ETag": {"description": "Send it back as If-None-Match.", "schema": {"type": "string"}},
    "WWW-Authenticate": {"description": "Bearer.", "schema": {"type": "string"}},
    "Content-Disposition": {"description": "A name for the file.", "schema": {"type": "string"}},
    "Content-Range": {"description": "Which part this is.", "schema": {"type": "string"}},
    "Accept-Ranges": {"description": "bytes.", "schema": {"type": "string"}},
}
PARAMETERS: dict[str, Json] = {
    "If-None-Match": {"description": "The ETag of the last answer: 304 if nothing changed.", "example": '"etag"'},
    "Range": {"description": "A part of the file.", "example": "bytes=0-1023"},
}
IDS: dict[str, Json] = {
    "tile_set_id": {"description": "Id of the tile set.", "schema": {"type": "string", "format": "uuid"}},
    "mosaic_id": {"description": "Id of the mosaic.", "schema": {"type": "string", "format": "uuid"}},
    "rendition_id": {"description": "Id of the rendition.", "schema": {"type": "string", "format": "uuid"}},
    "batch_id": {"description": "Id of the batch.", "schema": {"type": "string", "format": "uuid"}},
    "intake_id": {"description": "Id of the intake.", "schema": {"type": "string", "format": "uuid"}},
    "target_id": {"description": "Id of the kept target.", "schema": {"type": "string", "format": "uuid"}},
    "sketch_id": {"description": "Id of the sketch.", "schema": {"type": "string", "format": "uuid"}},
    "share_id": {"description": "Id of the link.", "schema": {"type": "string", "format": "uuid"}},
    "column": {"description": "Of the cell, from 0, from the left.", "schema": {"type": "integer", **COUNT}},
    "row": {"description": "Of the cell, from 0, from the top.", "schema": {"type": "integer", **COUNT}},
    "content": {"description": "SHA-256 of the photo's file.", "schema": {"type": "string", **SHA256}},
}
"""The parameters in paths."""


def headers(*names: str) -> Json:
    """Return references to headers, by their names."""
    return {name: ref("headers", name) for name in names}


def ref(kind: str, name: str) -> Json:
    """Return a reference to a component."""
    return {"$ref": f"#/components/{kind}/{name}"}
