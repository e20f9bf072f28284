"""What a worker's process holds, made on first use: after the fork, since nothing of it survives one."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from models import settings
from models.services import Services, open_services
from worker.box import Box


@cache
def services() -> Services:
    """Return this process's services."""
    return open_services(settings.load())


@contextmanager
def decoders() -> Iterator[Box]:
    """Lend this process's box for one job; afterwards only what makes new decoders stays."""
    box = _box()
    try:
        yield box
    finally:
        box.rest()


@cache
def _box() -> Box:
    chosen = services().settings
    return Box(chosen.decode_seconds, chosen.decode_bytes)
