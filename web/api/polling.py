"""What makes polling cheap: an ETag on every JSON answer, 304 if nothing has changed, and when to ask again."""

from typing import Any

from flask import Response, request

Answer = tuple[dict[str, Any], int, dict[str, str]]
"""What is shown, the status, and headers."""


def conditional(response: Response) -> Response:
    """Add an ETag to a JSON answer; make it a 304 if that is the ETag that the request already knows."""
    is_answer = response.mimetype == "application/json" and not response.is_streamed
    if request.method == "GET" and response.status_code == 200 and is_answer:  # noqa: PLR2004
        response.add_etag()
        response.make_conditional(request)
    return response


def retry_after(*, final: bool) -> dict[str, str]:
    """Return the header that says when to ask again; none once nothing will change."""
    return {} if final else {"Retry-After": "1"}


def accepted(shown: dict[str, Any], *, final: bool = False) -> Answer:
    """Return the answer to an order: what was ordered, where to poll it, and when to ask again."""
    return shown, 202, {"Location": shown["url"], **retry_after(final=final)}
