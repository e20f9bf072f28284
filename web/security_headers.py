"""The headers that allow a browser to use this site's pictures, style sheet, scripts and forms, and nothing else."""

from secrets import token_urlsafe

from flask import Flask, Response, g

NONCE_BYTES = 16
ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


def register(app: Flask) -> None:
    """Add the headers to every answer, and `nonce()` to every template."""
    app.context_processor(lambda: {"nonce": nonce})
    app.after_request(_harden)


def nonce() -> str:
    """Return the nonce of this answer: a browser applies only style sheets and scripts whose tag has it.

    Source:
        W3C Content Security Policy Level 3, 7.1: at least 128 bits, new for every answer.
    """
    if "nonce" not in g:
        g.nonce = token_urlsafe(NONCE_BYTES)
    return str(g.nonce)


def _harden(response: Response) -> Response:
    """Add the headers."""
    policy = (
        f"default-src 'none'; img-src 'self'; style-src 'nonce-{nonce()}'; script-src 'nonce-{nonce()}'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    response.headers.setdefault("Content-Security-Policy", policy)
    for name, value in ALWAYS.items():
        response.headers.setdefault(name, value)
    return response
