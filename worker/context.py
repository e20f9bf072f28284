"""What a worker's process holds, made on first use: after the fork, since nothing of it survives one."""

from functools import cache

from models import settings
from models.services import Services, open_services


@cache
def services() -> Services:
    """Return this process's services."""
    return open_services(settings.load())
