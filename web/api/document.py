"""The OpenAPI document: what all endpoints have in common is added here; a view only says what is special about it.

The operation's id comes from the view's name and address, its tag from the blueprint, and its possible answers from
the decorators `fails` and `sends`. The status of every error is in `web.problems`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, TypeVar

from apiflask import APIBlueprint, APIFlask
from werkzeug.routing import Rule

from models.errors import TesseraError
from web.api import failures
from web.api.components import HEADERS, IDS, PARAMETERS, PROBLEM, Json, headers, ref

View = TypeVar("View", bound=Callable[..., Any])
TOKEN = "accessToken"  # noqa: S105 - the scheme's name
ABOUT = """\
Photo-mosaics: photos become a tile set, an order with a target becomes a mosaic, a batch is many orders at once.

Whatever takes time is a job: the answer to an order is 202 with its address in `Location`; poll that until `final` is
true, then download. Every error is a problem as RFC 9457 describes it, with a `code` that stays.
"""
BODIES = ("multipart/form-data", "application/json")
BINARY = {"type": "string", "format": "binary"}
JSON_FILE = {"type": "object"}
GOOD = {
    200: "What was asked for.",
    201: "Made.",
    202: "Accepted: poll the address in Location.",
    204: "Done; there is nothing to show.",
    206: "The part of the file that was asked for.",
    304: "Nothing has changed.",
}
"""The description of a good answer, by status."""


def fails(*kinds: type[TesseraError]) -> Callable[[View], View]:
    """Declare the errors that a view may answer with; a 404 for an id in its address is added anyway."""
    return _marked("fails", kinds)


def sends(*media_types: str, ranges: bool = False) -> Callable[[View], View]:
    """Declare that a view sends a file, of which media types, and whether ranges of it can be requested."""
    return _marked("sends", File(media_types, ranges))


@dataclass(frozen=True)
class File:
    """A file that a view sends."""

    media_types: tuple[str, ...]
    ranges: bool


def register(app: APIFlask, *, token_needed: bool) -> None:
    """Describe every view of the API; call this when all views are registered."""
    views: dict[str, Callable[..., Any]] = {}
    tags: dict[str, Json] = {}
    # An empty requirement means that none is needed.
    security: list[str | Json] = [{TOKEN: []}] if token_needed else [{}, {TOKEN: []}]
    for rule in app.url_map.iter_rules():
        group = app.blueprints.get(rule.endpoint.rpartition(".")[0])
        if not isinstance(group, APIBlueprint) or not isinstance(group.tag, dict):
            continue
        view = app.view_functions[rule.endpoint]
        name = _operation_id(rule, view.__name__)
        view = app.doc(operation_id=name, tags=[group.tag["name"]], security=security)(view)
        app.view_functions[rule.endpoint] = views[name] = view
        tags[group.tag["name"]] = group.tag
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
        components["responses"] = {
            failures.problem_name(status): failures.problem(status) for status in failures.CODES
        }
        for path, operations in spec["paths"].items():
            for method, operation in operations.items():
                _complete(operation, method, path, views[operation["operationId"]])
        return spec


def _operation_id(rule: Rule, name: str) -> str:
    """Return the operation id, which generated clients call a view by, such as `list_tiles` or `cancel_batch`."""
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
    """Complete an operation with what its view does not declare itself."""
    for parameter in operation["parameters"]:
        if parameter["in"] == "path":
            parameter.update(IDS[parameter["name"]])
    if "requestBody" in operation:
        body = operation["requestBody"]
        body["required"] = True
        # If JSON is accepted besides a form, only JSON is documented, since generated clients fail on a choice.
        body["content"] = {kind: each for kind, each in body["content"].items() if kind in BODIES}
    responses = operation["responses"]
    file: File | None = getattr(view, "sends", None)
    if file is not None:
        _complete_file(responses, file)
    for status, response in responses.items():
        response["description"] = GOOD[int(status)]
        names = ["X-Request-ID", *_headers_of(operation["operationId"], int(status), file)]
        response["headers"] = headers(*names)
    if method == "get" and (file is None or file.ranges):
        operation["parameters"].append(ref("parameters", "If-None-Match"))
        responses["304"] = {"description": GOOD[304], "headers": headers("X-Request-ID", "ETag")}
    if file is not None and file.ranges:
        operation["parameters"].append(ref("parameters", "Range"))
    found = failures.possible(operation, method, path, getattr(view, "fails", ()))
    if file is not None and file.ranges:
        found.add(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
    for status in found:
        responses[str(status.value)] = ref("responses", failures.problem_name(status))
    operation["responses"] = dict(sorted(responses.items()))


def _complete_file(responses: Json, file: File) -> None:
    content = {each: {"schema": JSON_FILE if each == "application/json" else BINARY} for each in file.media_types}
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
