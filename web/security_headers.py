"""What a browser may do with our answers: show this site's pictures, our own style sheet, our forms; nothing else."""

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
    """Put the headers on every answer, and `nonce()` into every template."""
    app.context_processor(lambda: {"nonce": nonce})
    app.after_request(_harden)


def nonce() -> str:
    """Return the number used once of this answer: only a style sheet whose tag carries it is applied.

    Source:
        W3C Content Security Policy Level 3, 7.1: at least 128 bits, anew for every answer.
    """
    if "nonce" not in g:
        g.nonce = token_urlsafe(NONCE_BYTES)
    return str(g.nonce)


def _harden(response: Response) -> Response:
    """No page has a script, so no script may run: there is no source for one, not even with a nonce."""
    policy = (
        f"default-src 'none'; img-src 'self'; style-src 'nonce-{nonce()}'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    response.headers.setdefault("Content-Security-Policy", policy)
    for name, value in ALWAYS.items():
        response.headers.setdefault(name, value)
    return response
