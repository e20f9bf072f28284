"""What each process of the service has: settings, database and store."""

from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

from sqlalchemy.orm import Session, sessionmaker

from models import database
from models.rules.retry_policy import RetryPolicy
from models.settings import Settings
from models.storage import Store, open_store
from models.store_ownership import Belonging


@dataclass(frozen=True)
class Services:
    """Made once in each process, after any fork: neither database connections nor the store's threads survive one."""

    settings: Settings
    sessions: sessionmaker[Session]
    reading: sessionmaker[Session]
    store: Store

    @cached_property
    def belonging(self) -> Belonging:
        """Whether the store belongs to this database."""
        return Belonging(self.sessions, self.reading, self.store)

    @property
    def retry_policy(self) -> RetryPolicy:
        """When the sweep gives a job up."""
        longest = timedelta(seconds=self.settings.job_seconds)
        return RetryPolicy(self.settings.max_attempts, longest, self.settings.lease_span, self.ring_again)

    @property
    def ring_again(self) -> timedelta:
        """How long a queued job waits before the sweep rings for it."""
        return timedelta(seconds=self.settings.ring_again_seconds)


def open_services(settings: Settings) -> Services:
    """Connect to the database and open the store, which checks before writing that it belongs to the database."""
    engine = database.connect(settings.database_url)
    sessions, reading = database.sessions(engine), database.reading(engine)
    store = open_store(settings.store, settings.cache_folder, settings.cache_bytes)
    services = Services(settings, sessions, reading, store)
    store.before_writing = services.belonging.check_writable
    return services
