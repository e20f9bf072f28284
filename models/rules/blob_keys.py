"""The names of blobs: what lies where in the store.

What a row may name begins with a kind of thing and its id. `Key.parsed` knows all such keys, those of former versions
too, and nothing else: what it does not know is not ours, and is never touched.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Self
from uuid import UUID

TILE_SETS = "tile-sets"
MOSAICS = "mosaics"
BATCHES = "batches"
PROBES = "doctor"
TRASH = "trash"
OWN = "tessera/"
"""What a store says of itself is below it."""
INSTALLATION = f"{OWN}installation"
"""Whose store this is: the id of an installation, as text."""
_STAMP, _BY_HAND = "%Y%m%dT%H%M%SZ", "-by-hand"
_ID = r"(?P<owner>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
_HASH = r"(?P<content>[0-9a-f]{64})"
_ATTEMPT = r"(?P<job>[0-9]+)(?:-[0-9]+)?"


class Kind(StrEnum):
    """What a blob is, for as far as it matters who may still need it."""

    PASSING = "passing"
    """Of use to the job alone that goes on: uploads, lists, parts."""
    PHOTO = "photo"
    """A photo of a tile set, known by its content."""
    RESULT = "result"
    """What an attempt at a job made."""
    TARGET = "target"
    PROBE = "probe"


_KINDS = {
    re.compile(pattern, re.ASCII): kind
    for kind, patterns in {
        Kind.PASSING: (
            rf"{TILE_SETS}/{_ID}/uploads/[0-9a-f]+",
            rf"{TILE_SETS}/{_ID}/listings/{_ATTEMPT}/[0-9]+\.json",
            rf"{TILE_SETS}/{_ID}/parts/[0-9]+-[0-9a-f]+\.safetensors",
        ),
        Kind.PHOTO: (rf"{TILE_SETS}/{_ID}/(?:tiles|previews|originals|photos)/{_HASH}",),
        Kind.RESULT: (
            rf"{TILE_SETS}/{_ID}/{_ATTEMPT}/(?:index\.safetensors|index-v[0-9]+\.npy|plot\.png|palette\.png)",
            rf"{MOSAICS}/{_ID}/{_ATTEMPT}/(?:mosaic\.[a-z0-9]+|preview\.jpg)",
        ),
        Kind.TARGET: (rf"{MOSAICS}/{_ID}/target", rf"{BATCHES}/{_ID}/targets/[0-9]+"),
        Kind.PROBE: (rf"{PROBES}/{_ID}",),
    }.items()
    for pattern in patterns
}


@dataclass(frozen=True)
class Key:
    """What the key of a blob says.

    Attributes:
        thing: The kind of thing that it belongs to: `TILE_SETS`, `MOSAICS`, `BATCHES` or `PROBES`.
        owner: Which of these.
        kind: What it is.
        content: Of a photo, the hash of the file that it came as.
        job: Of what an attempt made, the number of its job.
    """

    thing: str
    owner: UUID
    kind: Kind
    content: str | None = None
    job: int | None = None

    @classmethod
    def parsed(cls, key: str) -> Self | None:
        """Read a key; None if it is none of ours, or in the trash.

        Example:
            >>> Key.parsed("mosaics/holiday/target") is None
            True
        """
        for pattern, kind in _KINDS.items():
            if found := pattern.fullmatch(key):
                said = found.groupdict()
                job = said.get("job")
                thing = key.partition("/")[0]
                return cls(thing, UUID(said["owner"]), kind, said.get("content"), int(job) if job else None)
        return None


@dataclass(frozen=True)
class Thrown:
    """A blob in the trash: when it came there, to the second, the key that it had, and whether a person said so."""

    when: datetime
    key: str
    by_hand: bool = False

    @classmethod
    def parsed(cls, key: str) -> Self | None:
        """Read a key below `TRASH`; None if it is none of ours."""
        _, stamp, former = (*key.split("/", 2), "", "")[:3]
        if Key.parsed(former) is None:
            return None
        moment, _, _ = stamp.partition(_BY_HAND)
        try:
            said = cls(datetime.strptime(moment, _STAMP).replace(tzinfo=UTC), former, stamp != moment)
        except ValueError:
            return None
        return said if thrown(said.key, said.when, by_hand=said.by_hand) == key else None


def thrown(key: str, when: datetime, *, by_hand: bool = False) -> str:
    """What a blob is called in the trash, by its key, when it came there, and whether a person said so."""
    return f"{TRASH}/{when.astimezone(UTC).strftime(_STAMP)}{_BY_HAND if by_hand else ''}/{key}"


def is_ours(key: str) -> bool:
    """Whether a key is one of ours, in the trash or not."""
    return Key.parsed(key) is not None or Thrown.parsed(key) is not None


def generation(identity: UUID) -> str:
    """How often an installation has looked through this store, as text."""
    return f"{OWN}generations/{identity}"


def probe(identity: UUID) -> str:
    """What `tessera doctor` writes, reads and deletes."""
    return f"{PROBES}/{identity}"


def upload(tile_set_id: UUID, name: str) -> str:
    """A file as it came with a tile set, under a name of ours that no other has."""
    return f"{TILE_SETS}/{tile_set_id}/uploads/{name}"


def tile(tile_set_id: UUID, content: str) -> str:
    """A photo as it is kept, by the hash of the file that it came as: every attempt writes the same bytes."""
    return f"{TILE_SETS}/{tile_set_id}/tiles/{content}"


def preview_of_tile(tile_set_id: UUID, content: str) -> str:
    """A photo in small, for pages."""
    return f"{TILE_SETS}/{tile_set_id}/previews/{content}"


def original(tile_set_id: UUID, content: str) -> str:
    """A photo's file as it came, where that was asked for."""
    return f"{TILE_SETS}/{tile_set_id}/originals/{content}"


def listing(tile_set_id: UUID, attempt: str, number: int) -> str:
    """The list of photos that one attempt made of a part."""
    return f"{TILE_SETS}/{tile_set_id}/listings/{attempt}/{number}.json"


def part(tile_set_id: UUID, name: str) -> str:
    """The arrays that one attempt at a part made."""
    return f"{TILE_SETS}/{tile_set_id}/parts/{name}.safetensors"


def index(tile_set_id: UUID, attempt: str) -> str:
    """The arrays that one attempt at indexing made."""
    return f"{TILE_SETS}/{tile_set_id}/{attempt}/index.safetensors"


def plot(tile_set_id: UUID, attempt: str) -> str:
    """The picture of where a tile set's colours lie."""
    return f"{TILE_SETS}/{tile_set_id}/{attempt}/plot.png"


def palette(tile_set_id: UUID, attempt: str) -> str:
    """The strip of a tile set's colours."""
    return f"{TILE_SETS}/{tile_set_id}/{attempt}/palette.png"


def target(mosaic_id: UUID) -> str:
    """The target of a mosaic that was ordered singly."""
    return f"{MOSAICS}/{mosaic_id}/target"


def batch_target(batch_id: UUID, number: int) -> str:
    """A target, or a zip of targets, as it came with a batch."""
    return f"{BATCHES}/{batch_id}/targets/{number}"


def picture(mosaic_id: UUID, attempt: str, extension: str) -> str:
    """The mosaic that one attempt made."""
    return f"{MOSAICS}/{mosaic_id}/{attempt}/mosaic.{extension}"


def preview(mosaic_id: UUID, attempt: str) -> str:
    """A small JPEG of the mosaic that one attempt made."""
    return f"{MOSAICS}/{mosaic_id}/{attempt}/preview.jpg"
