"""The Flask app of a web process."""

from http import HTTPStatus
from typing import Any

from apiflask import APIFlask
from apiflask.exceptions import HTTPError
from apispec import APISpec
from flask import Response
from flask_wtf.csrf import CSRFProtect
from gunicorn.http.errors import NoMoreData, ParseException
from marshmallow.exceptions import SCHEMA

from models import logs, queue, settings
from models.errors import InvalidOrder
from models.readiness import Readiness
from models.rules import file_types, private_files
from models.services import Services, open_services
from models.settings import Settings
from web import (
    access,
    api,
    context,
    problems,
    request_checks,
    request_ids,
    security_headers,
    uploads,
    vendored,
    views,
    waiting,
)
from web.roll_call import RollCall
from web.streams import Streams
from web.uploads import SpoolingRequest

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


class Tessera(APIFlask):
    """APIFlask whose uploads share one temporary file."""

    request_class = SpoolingRequest

    def _register_schema_and_get_ref(self, spec: APISpec, registered: dict[int, str], schema: Any) -> dict[str, str]:
        """Describe each schema only once: APIFlask 3.1 gives a schema that is nested in another a second name."""
        name = self.schema_name_resolver(schema)
        if name in spec.components.schemas:
            return {"$ref": f"#/components/schemas/{name}"}
        return super()._register_schema_and_get_ref(spec, registered, schema)


def create_app(loaded: Settings | None = None) -> Tessera:
    """Make the app of one web process; call it after any fork.

    Raises:
        BadConfiguration: a setting is missing or wrong.
    """
    loaded = loaded or settings.load()
    private_files.from_now_on()
    logs.configure(loaded)
    queue.connect(loaded, "publisher")
    return assemble(open_services(loaded))


def assemble(services: Services) -> Tessera:
    """Make the app from services that are open."""
    app = Tessera(
        "web",
        title="Tessera",
        version="1",
        spec_path="/api/v1/openapi.json",
        docs_path=None,
        json_errors=False,
    )
    _configure(app, services.settings)
    app.extensions[context.KEY] = services
    app.extensions[context.READINESS] = Readiness(services)
    request_ids.register(app)
    uploads.register(app)
    security_headers.register(app)
    access.register(app)
    request_checks.register(app)
    csrf = CSRFProtect(app)
    for blueprint in api.BLUEPRINTS:
        # The API never reads a cookie, and `access` refuses requests from another site's page.
        csrf.exempt(blueprint)
    # It checks its form itself, and shows it again if the session has ended.
    csrf.exempt(views.mosaics.create)
    app.register_blueprint(api.blueprint())
    api.document.register(app, token_needed=services.settings.mode == "server")
    for pages in views.blueprints():
        app.register_blueprint(pages)
    for sending in api.SENDING:
        app.register_blueprint(sending)
    vendored.register(app)
    waiting.register(app)
    app.add_template_filter(views.span)
    app.extensions[context.ROLL_CALL] = RollCall()
    app.extensions[context.STREAMS] = Streams(waiting.looking(app, services.reading))
    limits = services.settings
    app.jinja_env.globals |= {
        "picture_files": file_types.FILES,
        "max_targets": limits.max_targets,
        "max_photos": limits.max_photos,
        "max_picture_bytes": limits.max_picture_bytes,
        "max_zip_bytes": limits.max_upload_bytes,
    }
    for kind in (ParseException, NoMoreData):
        app.register_error_handler(kind, _garbled)
    app.error_processor(_bad_input)
    # APIFlask's processor also handles HTTP's own errors, and loses their headers, so ours are registered after it.
    problems.register(app)
    return app


def _configure(app: Tessera, chosen: Settings) -> None:
    app.config.update(
        SECRET_KEY=chosen.secret_key.get_secret_value(),
        MAX_CONTENT_LENGTH=chosen.max_upload_bytes,
        MAX_FORM_PARTS=chosen.max_form_parts,
        MAX_FORM_MEMORY_SIZE=uploads.TEXT_BYTES,
        TRUSTED_HOSTS=[*LOOPBACK, *chosen.trusted_hosts],
        SESSION_COOKIE_NAME="tessera",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=chosen.mode == "server" and chosen.secure_cookies,
        WTF_CSRF_TIME_LIMIT=None,
        SPEC_FORMAT="json",
        AUTO_TAGS=False,
        AUTO_404_RESPONSE=False,
        AUTO_AUTH_ERROR_RESPONSE=False,
        AUTO_VALIDATION_ERROR_RESPONSE=False,
        SERVERS=[{"url": "/"}],
    )


def _garbled(_error: Exception) -> Response:
    """Answer a body that is cut off or not framed as HTTP demands, which the server finds only when it reads it."""
    return problems.answer(HTTPStatus.BAD_REQUEST, "bad_request", "The body of the request is damaged or cut off.")


def _bad_input(error: HTTPError) -> Response:
    """Answer an error of APIFlask's schemas like any other problem."""
    fields = _first_messages(error.detail)
    if not fields:
        return problems.plain(HTTPStatus(error.status_code), error.message)
    field, (path, message) = next(iter(fields.items()))
    if field == SCHEMA:
        return problems.answer(HTTPStatus.UNPROCESSABLE_ENTITY, InvalidOrder.code, "The body must be a JSON object.")
    sentence = f"{field}{path}: {message}"
    return problems.answer(HTTPStatus.UNPROCESSABLE_ENTITY, InvalidOrder.code, sentence, field=field)


def _first_messages(detail: object) -> dict[str, tuple[str, str]]:
    """Return of each field where in it something is wrong, and what, from {location: {field: [messages]}}."""
    found: dict[str, tuple[str, str]] = {}
    for fields in detail.values() if isinstance(detail, dict) else ():
        for field, messages in fields.items() if isinstance(fields, dict) else ():
            found[str(field)] = _first_message(messages)
    return found


def _first_message(messages: object) -> tuple[str, str]:
    """Return where the first fault is that is inside a field, such as `[0].column`, and what it is."""
    path = ""
    while isinstance(messages, list | dict) and messages:
        if isinstance(messages, dict):
            inner, messages = next(iter(messages.items()))
            path += f"[{inner}]" if isinstance(inner, int) else f".{inner}"
        else:
            messages = messages[0]
    return path, str(messages)
