"""What makes polling cheap: an ETag on every JSON answer, 304 if nothing has changed, and when to ask again."""

from flask import Response, request


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
