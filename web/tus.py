"""What tus 1.0.0 says in headers: where a file goes on, how long it is, what it is called.

Source:
    tus resumable upload protocol 1.0.0, with the extensions creation, creation-with-upload, expiration, termination
    and checksum.
"""

import re
from base64 import b64decode, b64encode
from binascii import Error
from datetime import datetime
from typing import NamedTuple

from flask import Response, request
from werkzeug.exceptions import BadRequest, PreconditionFailed, UnsupportedMediaType
from werkzeug.http import http_date

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,expiration,termination,checksum"
MEDIA_TYPE = "application/offset+octet-stream"
NUMBER = re.compile(r"[0-9]{1,18}", re.ASCII)
HASH = re.compile("[0-9a-f]{64}", re.ASCII)
HASH_BYTES = 32
ZIP_TYPES = ("application/zip", "application/x-zip-compressed")


def check_version() -> None:
    """Refuse a request that is not of this version.

    Raises:
        PreconditionFailed: it is not.
    """
    if request.method != "OPTIONS" and request.headers.get("Tus-Resumable") != VERSION:
        raise PreconditionFailed(f"Send the header “Tus-Resumable: {VERSION}”.")


def mark(response: Response) -> Response:
    """Say in each answer which version is spoken."""
    response.headers["Tus-Resumable"] = VERSION
    response.headers["Tus-Version"] = VERSION
    response.headers["Cache-Control"] = "no-store"
    return response


def number(header: str) -> int:
    """Return the number in a header.

    Raises:
        BadRequest: there is none.
    """
    text = request.headers.get(header, "")
    if not NUMBER.fullmatch(text):
        raise BadRequest(f"The header {header} must be a number of bytes.")
    return int(text)


def check_type() -> None:
    """Refuse a body that is no piece of a file.

    Raises:
        UnsupportedMediaType: it is none.
    """
    if request.mimetype != MEDIA_TYPE:
        raise UnsupportedMediaType(f"Send the body as {MEDIA_TYPE}.")


def has_body() -> bool:
    """Whether the request that creates an upload has the file, or its beginning, with it."""
    return bool(request.mimetype or request.content_length or request.headers.get("Transfer-Encoding"))


class Described(NamedTuple):
    """What the metadata of a file say: its name, its SHA-256 in hexadecimal if that is given, whether it is a zip."""

    name: str
    claimed: str | None
    is_archive: bool


def described() -> Described:
    """Return what the sender says about a file.

    Raises:
        BadRequest: the metadata cannot be read.
    """
    given = _metadata(request.headers.get("Upload-Metadata", ""))
    claimed = given.get("sha256", "").lower()
    if claimed and not HASH.fullmatch(claimed):
        raise BadRequest("In the header Upload-Metadata, sha256 must be 64 hexadecimal digits.")
    name = given.get("filename", "").replace("\\", "/").rpartition("/")[2] or "the file"
    is_archive = name.lower().endswith(".zip") or given.get("filetype") in ZIP_TYPES
    return Described(name, claimed or None, is_archive)


def metadata(name: str, claimed: str | None) -> str:
    """Return the header that says again what an upload is called.

    Example:
        >>> metadata("a.jpg", None)
        'filename YS5qcGc='
    """
    given = {"filename": name} | ({"sha256": claimed} if claimed else {})
    return ",".join(f"{key} {b64encode(value.encode()).decode()}" for key, value in given.items())


def checksum() -> bytes | None:
    """Return the SHA-256 that the body of this request is said to have; None if nothing is said.

    Raises:
        BadRequest: the header cannot be read, or is of another algorithm.
    """
    text = request.headers.get("Upload-Checksum")
    if text is None:
        return None
    algorithm, _, encoded = text.partition(" ")
    if algorithm.lower() != "sha256":
        raise BadRequest("The header Upload-Checksum must be “sha256”, a space, and the hash in Base64.")
    digest = _decoded(encoded)
    if digest is None or len(digest) != HASH_BYTES:
        raise BadRequest("The header Upload-Checksum must have a SHA-256 in Base64.")
    return digest


def expires(moment: datetime) -> str:
    """Return a time as the header Upload-Expires has it."""
    return http_date(moment)


def _metadata(header: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in filter(None, (each.strip(" ") for each in header.split(","))):
        key, _, encoded = pair.partition(" ")
        value = _decoded(encoded)
        try:
            text = None if value is None else value.decode()
        except UnicodeDecodeError:
            text = None
        if text is None or key in found:
            raise BadRequest("The header Upload-Metadata must have each name once, and its value in Base64 of UTF-8.")
        found[key] = text
    return found


def _decoded(encoded: str) -> bytes | None:
    try:
        return b64decode(encoded.encode(), validate=True)
    except (Error, ValueError):
        return None
