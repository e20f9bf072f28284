"""The trash of the store: blobs that no row names stay there for some days before they are deleted."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from models.rules import blob_keys
from models.rules.blob_keys import Thrown
from models.storage import Blob, Store


@dataclass(frozen=True)
class Entry:
    """A blob in the trash: its key there, its former key, when it was moved, whether by a person, and its size."""

    key: str
    former: str
    when: datetime
    by_hand: bool
    size_bytes: int


def entry(blob: Blob) -> Entry | None:
    """Return a blob as an entry of the trash; None if it is not one."""
    said = Thrown.parsed(blob.key)
    return None if said is None else Entry(blob.key, said.key, said.when, said.by_hand, blob.size_bytes)


def entries(store: Store) -> Iterator[Entry]:
    """Yield everything in the trash."""
    return (found for blob in store.list(blob_keys.TRASH) if (found := entry(blob)) is not None)


def throw(store: Store, former: Iterable[str], now: datetime, *, by_hand: bool) -> Sequence[str]:
    """Move blobs to the trash by their keys; return the keys of those that existed."""
    return store.move({key: blob_keys.thrown(key, now, by_hand=by_hand) for key in former})


def put_back(store: Store, some: Sequence[Entry]) -> list[Entry]:
    """Move blobs back to their former keys, the latest first; return those whose former key was free."""
    chosen = {each.former: each for each in sorted(some, key=lambda each: each.when)}
    moved = set(store.move({each.key: each.former for each in chosen.values()}))
    return [each for each in chosen.values() if each.key in moved]
