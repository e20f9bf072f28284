"""The keys of blobs in the store.

Every key that a row may name begins with a kind of thing and its id. `Key.parsed` knows all such keys, including
those of former versions, and no others: a key that it does not know is not Tessera's, and is never touched.
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
"""Prefix of what a store contains about itself."""
INSTALLATION = f"{OWN}installation"
"""Key of the id of the installation that the store belongs to, as text."""
_STAMP, _BY_HAND = "%Y%m%dT%H%M%SZ", "-by-hand"
_ID = r"(?P<owner>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
_HASH = r"(?P<content>[0-9a-f]{64})"
_ATTEMPT = r"(?P<job>[0-9]+)(?:-[0-9]+)?"


class Kind(StrEnum):
    """What a blob is, as far as this decides who may still need it."""

    PASSING = "passing"
    """Needed only while a job runs: uploads, lists, parts."""
    PHOTO = "photo"
    """A photo of a tile set, named by its content hash."""
    RESULT = "result"
    """Made by an attempt at a job."""
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
            rf"{MOSAICS}/{_ID}/{_ATTEMPT}/(?:mosaic\.[a-z0-9]+|(?:preview|target)\.jpg|thumbnail(?:-large)?\.webp|placement\.safetensors)",
            rf"{MOSAICS}/{_ID}/{_ATTEMPT}/partial-[0-9]+\.jpg",
            rf"{MOSAICS}/{_ID}/{_ATTEMPT}/(?:sketch\.webp|small-target)",
        ),
        Kind.TARGET: (rf"{MOSAICS}/{_ID}/(?:target|mask)", rf"{BATCHES}/{_ID}/targets/[0-9]+"),
        Kind.PROBE: (rf"{PROBES}/{_ID}",),
    }.items()
    for pattern in patterns
}


@dataclass(frozen=True)
class Key:
    """What the key of a blob says.

    Attributes:
        thing: The kind of thing that the blob belongs to: `TILE_SETS`, `MOSAICS`, `BATCHES` or `PROBES`.
        owner: The id of that thing.
        kind: What the blob is.
        content: For a photo, the hash of its original file.
        job: For the result of an attempt, the number of the job.
    """

    thing: str
    owner: UUID
    kind: Kind
    content: str | None = None
    job: int | None = None

    @classmethod
    def parsed(cls, key: str) -> Self | None:
        """Parse a key; None if it is not Tessera's, or is in the trash.

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
    """A blob in the trash: when it was moved there, to the second, its former key, and whether by a person."""

    when: datetime
    key: str
    by_hand: bool = False

    @classmethod
    def parsed(cls, key: str) -> Self | None:
        """Parse a key below `TRASH`; None if it is not Tessera's."""
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
    """Return the key that a blob gets in the trash, from its key, the time, and whether a person moved it there."""
    return f"{TRASH}/{when.astimezone(UTC).strftime(_STAMP)}{_BY_HAND if by_hand else ''}/{key}"


def is_ours(key: str) -> bool:
    """Whether a key is Tessera's, in the trash or not."""
    return Key.parsed(key) is not None or Thrown.parsed(key) is not None


def generation(identity: UUID) -> str:
    """Return the key of the count of an installation's surveys of the store, as text."""
    return f"{OWN}generations/{identity}"


def probe(identity: UUID) -> str:
    """Return the key of a blob that `tessera doctor` writes, reads and deletes."""
    return f"{PROBES}/{identity}"


def upload(tile_set_id: UUID, name: str) -> str:
    """Return the key of a file that was uploaded to a tile set; `name` is unique and chosen by us."""
    return f"{TILE_SETS}/{tile_set_id}/uploads/{name}"


def tile(tile_set_id: UUID, content: str) -> str:
    """Return the key of a stored photo, by the hash of its original file: every attempt writes the same bytes."""
    return f"{TILE_SETS}/{tile_set_id}/tiles/{content}"


def preview_of_tile(tile_set_id: UUID, content: str) -> str:
    """Return the key of a small version of a photo, for pages."""
    return f"{TILE_SETS}/{tile_set_id}/previews/{content}"


def original(tile_set_id: UUID, content: str) -> str:
    """Return the key of a photo's original file, which is stored only on request."""
    return f"{TILE_SETS}/{tile_set_id}/originals/{content}"


def listing(tile_set_id: UUID, attempt: str, number: int) -> str:
    """Return the key of the list of a part's photos, made by one attempt."""
    return f"{TILE_SETS}/{tile_set_id}/listings/{attempt}/{number}.json"


def part(tile_set_id: UUID, name: str) -> str:
    """Return the key of the index of a part, made by one attempt at it."""
    return f"{TILE_SETS}/{tile_set_id}/parts/{name}.safetensors"


def index(tile_set_id: UUID, attempt: str) -> str:
    """Return the key of the index of a tile set, made by one attempt."""
    return f"{TILE_SETS}/{tile_set_id}/{attempt}/index.safetensors"


def plot(tile_set_id: UUID, attempt: str) -> str:
    """Return the key of the plot of a tile set's colours."""
    return f"{TILE_SETS}/{tile_set_id}/{attempt}/plot.png"


def palette(tile_set_id: UUID, attempt: str) -> str:
    """Return the key of the strip of a tile set's colours."""
    return f"{TILE_SETS}/{tile_set_id}/{attempt}/palette.png"


def target(mosaic_id: UUID) -> str:
    """Return the key of the target of a mosaic that was not ordered in a batch."""
    return f"{MOSAICS}/{mosaic_id}/target"


def mask(mosaic_id: UUID) -> str:
    """Return the key of the picture that says which cells of a mosaic stay empty."""
    return f"{MOSAICS}/{mosaic_id}/mask"


def batch_target(batch_id: UUID, number: int) -> str:
    """Return the key of a target, or of a zip of targets, that was uploaded with a batch."""
    return f"{BATCHES}/{batch_id}/targets/{number}"


def picture(mosaic_id: UUID, attempt: str, extension: str) -> str:
    """Return the key of the file of a mosaic that one attempt made."""
    return f"{MOSAICS}/{mosaic_id}/{attempt}/mosaic.{extension}"


def preview(mosaic_id: UUID, attempt: str) -> str:
    """Return the key of a small JPEG of the mosaic that one attempt made."""
    return f"{MOSAICS}/{mosaic_id}/{attempt}/preview.jpg"


def thumbnail(mosaic_id: UUID, attempt: str) -> str:
    """Return the key of the smallest picture of the mosaic that one attempt made."""
    return f"{MOSAICS}/{mosaic_id}/{attempt}/thumbnail.webp"


def large_thumbnail(mosaic_id: UUID, attempt: str) -> str:
    """Return the key of the same at twice its size, for screens of fine pixels."""
    return f"{MOSAICS}/{mosaic_id}/{attempt}/thumbnail-large.webp"


def target_preview(mosaic_id: UUID, attempt: str) -> str:
    """Return the key of a small JPEG of the target, upright, as one attempt matched it."""
    return f"{MOSAICS}/{mosaic_id}/{attempt}/target.jpg"


def partial(mosaic_id: UUID, attempt: str, number: int) -> str:
    """Return the key of a small picture of the rows that an attempt has laid so far."""
    return f"{MOSAICS}/{mosaic_id}/{attempt}/partial-{number}.jpg"


def placement(mosaic_id: UUID, attempt: str) -> str:
    """Return the key of the placement that one attempt made."""
    return f"{MOSAICS}/{mosaic_id}/{attempt}/placement.safetensors"


def sketch(draft_id: UUID, attempt: str) -> str:
    """Return the key of the sketch that one attempt made; the draft has the id of the mosaic to come."""
    return f"{MOSAICS}/{draft_id}/{attempt}/sketch.webp"


def small_target(draft_id: UUID, attempt: str) -> str:
    """Return the key of a draft's target in small, a JPEG or a PNG, made by one attempt."""
    return f"{MOSAICS}/{draft_id}/{attempt}/small-target"
