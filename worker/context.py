"""What a worker process holds: its services, its sandbox and its open zips."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from models import settings
from models.services import Services, open_services
from models.settings import Settings
from models.storage import Store
from worker.decoding.sandbox import Sandbox
from worker.tile_sets.sources import Zips


@cache
def services() -> Services:
    """Return this process's services, opened on the first call: after the fork."""
    return open_services(settings.load())


@contextmanager
def decoders(chosen: Settings) -> Iterator[Sandbox]:
    """Lend this process's sandbox for one job; afterwards only the process that forks decoders stays."""
    sandbox = _sandbox(chosen.decode_seconds, chosen.decode_bytes)
    try:
        yield sandbox
    finally:
        sandbox.rest()


@cache
def zips(store: Store) -> Zips:
    """Return this process's open zips."""
    return Zips(store)


_sandbox = cache(Sandbox)
