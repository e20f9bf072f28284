"""What a worker process holds: its services, and the decoders it lends."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from models import settings
from models.services import Services, open_services
from models.settings import Settings
from models.storage import Store
from worker.decoding.sandbox import Box
from worker.tile_sets.sources import Zips


@cache
def services() -> Services:
    """Return this process's services, opened on the first call: after the fork."""
    return open_services(settings.load())


@contextmanager
def decoders(chosen: Settings) -> Iterator[Box]:
    """Lend this process's box for one job; afterwards only what makes new decoders stays."""
    box = _box(chosen.decode_seconds, chosen.decode_bytes)
    try:
        yield box
    finally:
        box.rest()


@cache
def zips(store: Store) -> Zips:
    """Return this process's open zips."""
    return Zips(store)


_box = cache(Box)
