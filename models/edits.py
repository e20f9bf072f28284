"""Orders an edit of a mosaic: a new mosaic that names its parent. The caller commits, and only then rings."""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from models import exclusions, placing, queries
from models.errors import InvalidOrder, NoPlacement, NotReady
from models.placing import StoredFile
from models.rules import changes
from models.rules.changes import Changes, Pin
from models.rules.lifecycle import Doorbell, JobState
from models.rules.names import readable
from models.tables import Mosaic, Tile

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
        raise NotReady(f"The mosaic is {parent.job.state}; edit it once it is made.")
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
    photos = _Photos(session, parent.tile_set_id)
    ban = photos.contents("ban", given["ban"])
    left_out = exclusions.excluded(session, parent.tile_set_id) | {*ban}
    must_use = photos.contents("must_use", given["must_use"], left_out)
    pinned = photos.contents("pins", [pin.photo for pin in given["pins"]], left_out)
    pins = [Pin(pin.column, pin.row, photo) for pin, photo in zip(given["pins"], pinned, strict=True)]
    changes.check_rules(pins, queries.order_of(parent), [pin.photo for pin in given["pins"]])
    return Changes(ban, must_use, given["lock"], pins)


class _Photos:
    """Finds photos of a tile set by content hash or name."""

    def __init__(self, session: Session, tile_set_id: UUID) -> None:
        self._session, self._tile_set_id = session, tile_set_id

    def contents(self, field: str, photos: Sequence[str], left_out: Collection[str] = ()) -> list[str]:
        """Return the content hash of each photo.

        Args:
            field: Where they were given.
            photos: Content hashes or names.
            left_out: Photos that no mosaic is made of, by content hash.

        Raises:
            InvalidOrder: there is no such photo, or there are several, or it is left out.
        """
        query = select(Tile.content, Tile.name).where(Tile.tile_set_id == self._tile_set_id, Tile.since.is_not(None))
        found: dict[str, list[str]] = {}
        names: dict[str, str] = {}
        for content, name in self._session.execute(query.where(or_(Tile.content.in_(photos), Tile.name.in_(photos)))):
            names[content] = name
            found.setdefault(content, []).append(content)
            found.setdefault(name, []).append(content)
        for photo in photos:
            shown, same = readable(photo), found.get(photo, [])
            if not same:
                raise InvalidOrder(field, f"There is no photo {shown} in the tile set.")
            if len(same) > 1:
                raise InvalidOrder(field, f"{len(same):,} photos are called {shown}; give the content hash of one.")
            if same[0] in left_out:
                shown = readable(names[same[0]])
                raise InvalidOrder(field, f"The photo {shown} cannot appear: it is banned, or left out of the set.")
        return [found[photo][0] for photo in photos]
