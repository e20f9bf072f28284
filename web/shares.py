"""Tokens of the links that share a mosaic: signed, and worth nothing after a time.

A token says which mosaic it opens, until when, of which series of links it is, and which link. Who takes all links
of a mosaic back begins the next series; a single one is taken back by its row. It is signed by HMAC-SHA-256 with the
present secret key, and believed if an older one signed it, too.
"""

import struct
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

from itsdangerous import BadSignature, Signer
from itsdangerous.encoding import base64_decode, base64_encode
from itsdangerous.exc import BadData

from models.errors import LinkExpired, NotFound
from models.settings import Settings

SALT = "tessera shared mosaic"
CONTENT = struct.Struct(">16sIQ")
"""The mosaic's id, the number of the series, and the second in which the token ends. The link's id follows, but for
tokens of earlier versions."""
LONGEST = 200
"""Characters of a token, at most; a longer one is not looked at."""


class Share(NamedTuple):
    """What a token opens, and until when."""

    mosaic_id: UUID
    series: int
    until: datetime
    link_id: UUID | None = None


def token(share: Share, settings: Settings) -> str:
    """Return the token of a link."""
    content = CONTENT.pack(share.mosaic_id.bytes, share.series, int(share.until.timestamp()))
    content += share.link_id.bytes if share.link_id else b""
    signed: bytes = _signer(settings).sign(base64_encode(content))
    return signed.decode()


def read(given: str, settings: Settings, now: datetime) -> Share:
    """Return what a token opens.

    Raises:
        NotFound: nobody signed it, or with a key that counts no more.
        LinkExpired: its time is over.
    """
    try:
        content = base64_decode(_signer(settings).unsign(given[: LONGEST + 1]))
        identity, series, until = CONTENT.unpack_from(content)
    except (BadSignature, BadData, struct.error) as error:
        raise NotFound("This link leads to no mosaic; perhaps a part of it is missing.") from error
    link = content[CONTENT.size :]
    end = datetime.fromtimestamp(until, UTC)
    share = Share(UUID(bytes=identity), series, end, UUID(bytes=link) if link else None)
    if now >= share.until:
        raise LinkExpired("This link has expired; ask for another from whoever sent it.")
    return share


def _signer(settings: Settings) -> Signer:
    keys: Sequence[str] = [key.get_secret_value() for key in (*settings.old_secret_keys, settings.secret_key)]
    return Signer(keys, salt=SALT, key_derivation="hmac", digest_method=sha256)
