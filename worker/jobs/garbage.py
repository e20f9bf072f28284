"""Garbage: blobs that no row names, left by attempts that lost their lease or by uploads that were never ordered.

They are moved to the trash, and only in a store that belongs to this database. Blobs that are unknown to the database
altogether, those already in the trash included, may make up only a share of the store. If there are more, this is
probably the wrong database, so nothing is taken until a person has looked.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from models import undo
from models.rules import blob_keys
from models.services import Services
from models.settings import Settings
from models.storage import Blob
from models.store_ownership import Bond, Found
from worker.jobs import trash
from worker.jobs.references import Named, Standing
from worker.jobs.trash import Entry

AT_ONCE = 500
"""Blobs that are moved before the rows are asked again."""
log = structlog.get_logger(__name__)


@dataclass
class Survey:
    """What a look through the store found.

    Attributes:
        named: Blobs that rows name.
        young: Blobs that no row names, but that are so new that one still may.
        spent: Blobs that are no longer needed, by what the rows say.
        unknown: Blobs that no row says anything about.
        trash: Blobs in the trash.
        missed: Blobs in the trash that rows name.
        doubted_count: Blobs in the trash that no row says anything about, and that no person put there.
        foreign_count: Files that are not Tessera's.
    """

    named: list[Blob] = field(default_factory=list)
    young: list[Blob] = field(default_factory=list)
    spent: list[Blob] = field(default_factory=list)
    unknown: list[Blob] = field(default_factory=list)
    trash: list[Entry] = field(default_factory=list)
    missed: list[Entry] = field(default_factory=list)
    doubted_count: int = 0
    foreign_count: int = 0

    @property
    def ours(self) -> list[Blob]:
        """Every blob of Tessera's that is not in the trash."""
        return [*self.named, *self.young, *self.spent, *self.unknown]

    def asks(self, chosen: Settings) -> bool:
        """Whether so many blobs are unknown to the database that a person must look first."""
        share = chosen.litter_share * (len(self.ours) + len(self.trash))
        return bool(self.unknown) and self.doubted_count + len(self.unknown) > max(share, chosen.litter_floor)


def survey(services: Services, oldest: datetime) -> Survey:
    """Look through the store; what was written after `oldest` is too young to be garbage."""
    seen, named = Survey(), Named(services.reading)
    of = {Standing.NAMED: seen.named, Standing.SPENT: seen.spent, Standing.UNKNOWN: seen.unknown}
    for blob in services.store.list():
        thrown = trash.entry(blob)
        standing = named.standing(thrown.former if thrown else blob.key)
        if thrown:
            seen.trash.append(thrown)
            seen.doubted_count += standing is Standing.UNKNOWN and not thrown.by_hand
            if standing is Standing.NAMED:
                seen.missed.append(thrown)
        elif standing is None:
            seen.foreign_count += not blob.key.startswith(blob_keys.OWN)
        elif standing is not Standing.NAMED and blob.written_at > oldest:
            seen.young.append(blob)
        else:
            of[standing].append(blob)
    return seen


def collect(services: Services, now: datetime) -> int:
    """Remove what no row names and is older than the grace time; return how many blobs.

    Nothing is done in a store that does not belong to this database, and nothing is taken while a person must look
    first.
    """
    chosen, store = services.settings, services.store
    if services.belonging.look_and_log() is not Bond.OURS:
        return 0
    services.belonging.begin_look(now)
    with services.sessions.begin() as session:
        undo.clear_purged(session)
    oldest = now - timedelta(seconds=chosen.litter_grace_seconds)
    seen = survey(services, oldest)
    if back := trash.put_back(store, seen.missed):
        log.warning("rows name what was in the trash; it is back", count=len(back))
    if asks := seen.asks(chosen):
        log.warning(
            "so many blobs are unknown to the database that none is cleared away; look with: tessera garbage",
            unknown=len(seen.unknown), trash=seen.doubted_count, of=len(seen.ours),
        )  # fmt: skip
    taken = [] if asks else take(services, [*seen.spent, *seen.unknown], now)
    outlived = now - timedelta(days=chosen.store_trash_days)
    gone = [] if asks else delete(services, [each for each in seen.trash if each.when < outlived])
    away = {each.key for each in [*back, *gone]}
    left = [each.size_bytes for each in seen.trash if each.key not in away] + [blob.size_bytes for blob in taken]
    withheld = len(seen.unknown) if asks else 0
    services.belonging.note(Found(len(seen.ours) - len(taken) + len(back), withheld, len(left), sum(left)))
    return len(taken) + len(gone) + store.drop_unfinished(oldest, blob_keys.is_ours)


def take(services: Services, blobs: Sequence[Blob], now: datetime, *, by_hand: bool = False) -> list[Blob]:
    """Move blobs to the trash, unless rows name them by now; return those that were moved."""
    sizes = {blob.key: blob for blob in blobs}
    some, taken = sorted(sizes), list[Blob]()
    for first in range(0, len(some), AT_ONCE):
        if services.belonging.look() is not Bond.OURS:
            break
        # The rows are asked again at the last moment: a job may be tried again, and a photo may come back.
        named = Named(services.reading)
        unnamed = [key for key in some[first : first + AT_ONCE] if named.standing(key) is not Standing.NAMED]
        taken += [sizes[key] for key in trash.throw(services.store, unnamed, now, by_hand=by_hand)]
    return taken


def delete(services: Services, some: Sequence[Entry]) -> list[Entry]:
    """Delete blobs in the trash for good, except those that a row names and that are missing at their old key.

    Returns:
        Those that were deleted.
    """
    if services.belonging.look() is not Bond.OURS:
        return []
    named, store = Named(services.reading), services.store
    gone = [each for each in some if named.standing(each.former) is not Standing.NAMED or store.holds(each.former)]
    store.delete([each.key for each in gone])
    return gone
