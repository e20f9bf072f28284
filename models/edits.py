"""Orders an edit of a mosaic: a new mosaic that names its parent. The caller commits, and only then rings."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from models import exclusions, placing, queries
from models.errors import InvalidOrder, NoPlacement
from models.placing import StoredFile
from models.rules import changes
from models.rules.changes import Changes, Pin
from models.rules.lifecycle import Doorbell, JobState, not_made
from models.rules.names import readable
from models.rules.tile_set_words import ExclusionReason
from models.tables import Mosaic, RemovedTile, Tile, TileSet

WHY = {
    ExclusionReason.BANNED: "it is banned in the tile set, where you can allow it again",
    ExclusionReason.REMOVED: "it was removed from the tile set",
    ExclusionReason.REPLACED: "its file has changed since it was indexed",
    ExclusionReason.NEAR_DUPLICATE: "it is left out as a near-duplicate of another",
}
"""Why a photo may lie in no mosaic."""

Given = Mapping[str, list[Any]]


def place(
    session: Session, identity: UUID, parent_id: UUID, given: Given, ring_again: timedelta
) -> Doorbell:  # fmt: skip
    """Add a mosaic that is another one with changes, and its job.

    It has the target and the order of the other, and is made of the newest version of the tile set.

    Args:
        session: A transaction.
        identity: Id of the new mosaic.
        parent_id: The mosaic to change.
        given: `ban` and `must_use`, photos by content hash or name; `lock`, cells by column and row; `pins`, `Pin`s,
            with photos by content hash or name.
        ring_again: After what time the sweep rings for the job.

    Raises:
        NotFound: there is no such mosaic, or its tile set is gone.
        NotReady: it is not made.
        NoPlacement: it is from before placements were kept.
        InvalidOrder: what is asked for cannot be done.
    """
    parent = queries.find_mosaic(session, parent_id)
    if parent.job.state is not JobState.SUCCEEDED or parent.columns is None or parent.rows is None:
        raise not_made(parent.job.state, "edit it")
    if parent.placement_key is None:
        raise NoPlacement("This mosaic is from before placements were kept, so it cannot be edited; order it again.")
    asked = _changes(session, parent, given)
    target = StoredFile(parent.target_name, parent.target_key, parent.target_entry)
    bell = placing.place_mosaic(
        session, identity, parent.tile_set_id, target, queries.order_of(parent), ring_again, parent.mask
    )  # fmt: skip
    made = session.get_one(Mosaic, identity)
    made.parent_id, made.changes = parent_id, asked.as_json()
    return bell


def _changes(session: Session, parent: Mosaic, given: Given) -> Changes:
    """Return what is asked for, after checking it against the mosaic and its tile set."""
    changes.check_lengths(given)
    changes.check_cells(given["lock"], given["pins"], parent.columns or 0, parent.rows or 0)
    photos = _Photos(session, queries.find_tile_set(session, parent.tile_set_id))
    ban = photos.contents("ban", given["ban"], ["to ban"] * len(given["ban"]))
    photos.left_out |= dict.fromkeys(ban, "this edit bans it")
    must_use = photos.contents("must_use", given["must_use"], ["to use"] * len(given["must_use"]))
    places = [f"to pin in column {pin.column:,}, row {pin.row:,}" for pin in given["pins"]]
    pinned = photos.contents("pins", [pin.photo for pin in given["pins"]], places)
    pins = [Pin(pin.column, pin.row, photo) for pin, photo in zip(given["pins"], pinned, strict=True)]
    changes.check_rules(pins, queries.order_of(parent), [pin.photo for pin in given["pins"]])
    return Changes(ban, must_use, given["lock"], pins)


class _Photos:
    """Finds photos of a tile set by content hash or name; `left_out` says why some may lie in no mosaic."""

    def __init__(self, session: Session, tile_set: TileSet) -> None:
        self._session, self._tile_set = session, tile_set
        self.left_out = {content: WHY[why] for content, why in exclusions.reasons(session, tile_set.id).items()}

    def contents(self, field: str, photos: Sequence[str], purposes: Sequence[str]) -> list[str]:
        """Return the content hash of each photo.

        Args:
            field: Where they were given.
            photos: Content hashes or names.
            purposes: For each what it is for, for a sentence.

        Raises:
            InvalidOrder: there is no such photo, or there are several, or it may not be used.
        """
        found, names = self._found(photos)
        for photo, purpose in zip(photos, purposes, strict=True):
            self._check(field, photo, purpose, found.get(photo, []))
            content = found[photo][0]
            if field != "ban" and content in self.left_out:
                shown = readable(names[content])
                raise InvalidOrder(field, f"The photo “{shown}” {purpose} may not be used: {self.left_out[content]}.")
        return [found[photo][0] for photo in photos]

    def _found(self, photos: Sequence[str]) -> tuple[dict[str, list[str]], dict[str, str]]:
        """Return the content hashes of the photos that each of some words names, and their names."""
        mine = Tile.tile_set_id == self._tile_set.id, Tile.since.is_not(None)
        query = select(Tile.content, Tile.name).where(*mine, or_(Tile.content.in_(photos), Tile.name.in_(photos)))
        names = dict(self._session.execute(query).all())
        found: dict[str, list[str]] = {}
        for content, name in names.items():
            found.setdefault(content, []).append(content)
            found.setdefault(name, []).append(content)
        return found, names

    def _removed(self, photo: str) -> str | None:
        """Return the name of a photo in the trash that some word names; None if there is none."""
        mine = RemovedTile.tile_set_id == self._tile_set.id
        named = or_(RemovedTile.content == photo, RemovedTile.name == photo)
        return self._session.scalars(select(RemovedTile.name).where(mine, named).limit(1)).one_or_none()

    def _check(self, field: str, photo: str, purpose: str, found: Sequence[str]) -> None:
        shown = readable(photo)
        if not found:
            removed = self._removed(photo)
            if removed is not None:
                raise InvalidOrder(field, f"The photo “{removed}” {purpose} is in the trash; take it back first.")
            raise InvalidOrder(
                field,
                f"The tile set “{self._tile_set.name}” has no photo “{shown}” {purpose}; say the name or the content "
                "hash of one that it has.",
            )
        if len(found) > 1:
            raise InvalidOrder(
                field, f"{len(found):,} photos are called “{shown}”; say the content hash of the one {purpose}."
            )
