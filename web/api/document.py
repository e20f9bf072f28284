"""The OpenAPI document: what is true of every endpoint is added here, once; a view says only what is its own.

A view's name and address give its operation's id, its blueprint its tag, its `fails` and `sends` what it may answer.
`web.problems` has the status of every error.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, TypeVar

from apiflask import APIBlueprint, APIFlask
from werkzeug.routing import Rule

from models import errors
from models.errors import TesseraError
from web.api.schemas import SHA256
from web.problems import RETRY_SECONDS, STATUS

View = TypeVar("View", bound=Callable[..., Any])
Json = dict[str, Any]

TOKEN = "accessToken"  # noqa: S105 - the scheme's name
PROBLEM_TYPE = "application/problem+json"
ABOUT = """\
Photo-mosaics: photos become a tile set, an order with a target becomes a mosaic, a batch is many orders at once.

Whatever takes time is a job: the answer to an order is 202 with its address in `Location`; poll that until `final` is
true, then download. Every error is a problem as RFC 9457 describes it, with a `code` that stays.
"""
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
BODIES = ("multipart/form-data", "application/json")
GOOD = {
    200: "What was asked for.",
    202: "Accepted: poll the address in Location.",
    204: "Done; there is nothing to show.",
    206: "The part of the file that was asked for.",
    304: "Nothing has changed.",
}
"""What an answer with each status holds."""
IDS: dict[str, Json] = {
    "tile_set_id": {"description": "Id of the tile set.", "schema": {"type": "string", "format": "uuid"}},
    "mosaic_id": {"description": "Id of the mosaic.", "schema": {"type": "string", "format": "uuid"}},
    "batch_id": {"description": "Id of the batch.", "schema": {"type": "string", "format": "uuid"}},
    "content": {"description": "SHA-256 of the photo's file.", "schema": {"type": "string", **SHA256}},
}
"""What stands in addresses."""


def fails(*kinds: type[TesseraError]) -> Callable[[View], View]:
    """Say of a view which errors of its own it may answer with; a 404 of its address is known without."""
    return _marked("fails", kinds)


def sends(*media_types: str, ranges: bool = False) -> Callable[[View], View]:
    """Say of a view that it sends a file: of which types, and whether parts of it can be asked for."""
    return _marked("sends", File(media_types, ranges))


@dataclass(frozen=True)
class File:
    """A file that a view sends."""

    media_types: tuple[str, ...]
    ranges: bool


def register(app: APIFlask, *, token_needed: bool) -> None:
    """Describe every view of the API; call it when all of them are there."""
    views: dict[str, Callable[..., Any]] = {}
    tags: dict[str, Json] = {}
    # An empty requirement means that none is needed.
    security: list[str | Json] = [{TOKEN: []}] if token_needed else [{}, {TOKEN: []}]
    for rule in app.url_map.iter_rules():
        part = app.blueprints.get(rule.endpoint.rpartition(".")[0])
        if not isinstance(part, APIBlueprint) or not isinstance(part.tag, dict):
            continue
        view = app.view_functions[rule.endpoint]
        name = _operation_id(rule, view.__name__)
        view = app.doc(operation_id=name, tags=[part.tag["name"]], security=security)(view)
        app.view_functions[rule.endpoint] = views[name] = view
        tags[part.tag["name"]] = part.tag
    app.description, app.tags = ABOUT, list(tags.values())
    app.schema_name_resolver = _schema_name
    app.config["SECURITY_SCHEMES"] = {
        TOKEN: {"type": "http", "scheme": "bearer", "description": "The access token; on a server alone."}
    }

    @app.spec_processor
    def complete(spec: Any) -> Any:
        components = spec["components"]
        components["schemas"]["Problem"] = PROBLEM
        components["headers"] = HEADERS
        components["parameters"] = {
            name: {"name": name, "in": "header", "required": False, "schema": {"type": "string"}, **said}
            for name, said in PARAMETERS.items()
        }
        components["responses"] = {_problem_name(status): _problem(status) for status in CODES}
        for path, operations in spec["paths"].items():
            for method, operation in operations.items():
                _complete(operation, method, path, views[operation["operationId"]])
        return spec


def _operation_id(rule: Rule, name: str) -> str:
    """Return what generated clients call a view: a verb and a noun, such as `list_tiles` or `cancel_batch`."""
    plural = rule.endpoint.split(".")[-2]
    singular = plural.removesuffix("es") if plural.endswith("ches") else plural.removesuffix("s")
    if name == "index":
        return f"list_{plural}"
    if name == "show":
        return f"get_{singular}"
    if "_" in name:
        return name
    return f"get_{singular}_{name}" if "GET" in (rule.methods or ()) else f"{name}_{singular}"


def _marked(name: str, value: object) -> Callable[[View], View]:
    def mark(view: View) -> View:
        setattr(view, name, value)
        return view

    return mark


def _schema_name(schema: Any) -> str:
    kind = schema if isinstance(schema, type) else type(schema)
    return kind.__name__.removesuffix("Out")


def _complete(operation: Json, method: str, path: str, view: Callable[..., Any]) -> None:
    """Add to an operation what its view does not say itself."""
    for parameter in operation["parameters"]:
        if parameter["in"] == "path":
            parameter.update(IDS[parameter["name"]])
    if "requestBody" in operation:
        body = operation["requestBody"]
        body["required"] = True
        # Of a form that may come as JSON too, JSON alone is told: generated clients stumble over a choice.
        body["content"] = {kind: each for kind, each in body["content"].items() if kind in BODIES}
    responses = operation["responses"]
    file: File | None = getattr(view, "sends", None)
    if file is not None:
        _complete_file(responses, file)
    for status, response in responses.items():
        response["description"] = GOOD[int(status)]
        names = ["X-Request-ID", *_headers_of(operation["operationId"], int(status), file)]
        response["headers"] = _headers(*names)
    if method == "get" and (file is None or file.ranges):
        operation["parameters"].append(_ref("parameters", "If-None-Match"))
        responses["304"] = {"description": GOOD[304], "headers": _headers("X-Request-ID", "ETag")}
    if file is not None and file.ranges:
        operation["parameters"].append(_ref("parameters", "Range"))
    for status in _failures(operation, method, path, view):
        responses[str(status.value)] = _ref("responses", _problem_name(status))
    operation["responses"] = dict(sorted(responses.items()))


def _complete_file(responses: Json, file: File) -> None:
    content = {each: {"schema": {"type": "string", "format": "binary"}} for each in file.media_types}
    responses["200"] = {"content": content}
    if file.ranges:
        responses["206"] = {"content": content}


def _headers_of(name: str, status: int, file: File | None) -> list[str]:
    """Return the headers of a good answer."""
    if file is not None:
        ranged = ["ETag", "Accept-Ranges"] if file.ranges else []
        return ["Content-Disposition", *ranged, *(["Content-Range"] if status == HTTPStatus.PARTIAL_CONTENT else [])]
    if status == HTTPStatus.ACCEPTED:
        return ["Location", "Retry-After"]
    return {"list": ["ETag"], "get": ["ETag", "Retry-After"]}.get(name.partition("_")[0], [])


def _failures(operation: Json, method: str, path: str, view: Callable[..., Any]) -> list[HTTPStatus]:
    """Return every status of a problem that an operation may answer with."""
    found = {status for status, where in ANYWHERE.items() if where(operation, method, path)}
    found |= {STATUS[kind] for kind in getattr(view, "fails", ())}
    file: File | None = getattr(view, "sends", None)
    if file is not None and file.ranges:
        found.add(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
    return sorted(found)


def _always(*_: object) -> bool:
    return True


def _has_body(operation: Json, *_: object) -> bool:
    return "requestBody" in operation


def _codes() -> dict[HTTPStatus, dict[str, str]]:
    """Return every code with the sentence that stands for it, by status."""
    found: dict[HTTPStatus, dict[str, str]] = {status: {} for status in [*STATUS.values(), *ANYWHERE, *OF_HTTP]}
    for kind, status in STATUS.items():
        for each in (kind, *kind.__subclasses__()):
            found[STATUS.get(each, status)][each.code] = str(each.__doc__).splitlines()[0]
    for status, codes in OF_HTTP.items():
        found[status] = codes | found[status]
    return found


OF_HTTP: dict[HTTPStatus, dict[str, str]] = {
    HTTPStatus.BAD_REQUEST: {"bad_request": "The request is not framed or encoded as HTTP, a form or JSON says."},
    HTTPStatus.UNAUTHORIZED: {"token_needed": "Send the access token in the header “Authorization: Bearer TOKEN”."},
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: {"unsupported_media_type": "Send the body as multipart/form-data."},
    HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE: {
        HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE.name.lower(): "The file ends before that part.",
    },
    HTTPStatus.INTERNAL_SERVER_ERROR: {
        TesseraError.code: "Something went wrong on our side; the server's log says what.",
        errors.StorageUnreadable.code: str(errors.StorageUnreadable.__doc__),
    },
    HTTPStatus.SERVICE_UNAVAILABLE: {"database_unavailable": "The database cannot be reached just now."},
}
"""The codes that have no error of ours."""
ANYWHERE: dict[HTTPStatus, Callable[[Json, str, str], bool]] = {
    HTTPStatus.BAD_REQUEST: _always,
    HTTPStatus.UNAUTHORIZED: _always,
    HTTPStatus.FORBIDDEN: lambda _, method, __: method != "get",
    HTTPStatus.NOT_FOUND: lambda _, __, path: "{" in path,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: _has_body,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: _has_body,
    HTTPStatus.UNPROCESSABLE_ENTITY: lambda operation, *_: (
        _has_body(operation) or any(parameter.get("in") == "query" for parameter in operation["parameters"])
    ),
    HTTPStatus.INTERNAL_SERVER_ERROR: _always,
    HTTPStatus.SERVICE_UNAVAILABLE: _always,
    HTTPStatus.INSUFFICIENT_STORAGE: lambda operation, *_: (
        "multipart/form-data" in operation.get("requestBody", {}).get("content", {})
    ),
}
"""Where a status can happen that no view needs to speak of."""
CODES = _codes()


def _problem_name(status: HTTPStatus) -> str:
    return re.sub(r"\W", "", status.phrase.title())


def _problem(status: HTTPStatus) -> Json:
    examples = {
        code: {
            "value": {
                "type": f"urn:tessera:problem:{code}",
                "title": status.phrase,
                "status": status.value,
                "code": code,
                "detail": sentence,
            }
        }
        for code, sentence in CODES[status].items()
    }
    schema = {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": examples}
    more = {
        HTTPStatus.UNAUTHORIZED: ["WWW-Authenticate"],
        HTTPStatus.SERVICE_UNAVAILABLE: ["Retry-After"],
        HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE: ["Content-Range"],
    }
    content: Json = {PROBLEM_TYPE: schema}
    if status is HTTPStatus.BAD_REQUEST:
        content["text/plain"] = {"schema": {"type": "string"}}
    return {
        "description": f"{status.phrase}: {', '.join(CODES[status])}.",
        "content": content,
        "headers": _headers("X-Request-ID", *more.get(status, [])),
    }


def _headers(*names: str) -> Json:
    return {name: _ref("headers", name) for name in names}


def _ref(kind: str, name: str) -> Json:
    return {"$ref": f"#/components/{kind}/{name}"}
