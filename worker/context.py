"""What a worker's process holds, made on first use: after the fork, since nothing of it survives one."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from models import settings
from models.services import Services, open_services
from models.settings import Settings
from worker.box import Box


@cache
def services() -> Services:
    """Return this process's services."""
    return open_services(settings.load())


@contextmanager
def decoders(chosen: Settings) -> Iterator[Box]:
    """Lend this process's box for one job; afterwards only what makes new decoders stays."""
    box = _box(chosen.decode_seconds, chosen.decode_bytes)
    try:
        yield box
    finally:
        box.rest()


_box = cache(Box)
