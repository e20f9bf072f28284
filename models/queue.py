"""The one Celery app, its settings, and `ring`. The only importer of Celery.

Early acknowledgement, no retries, no results: the lease and the sweep do that work. The reason for each setting is in
docs/explanation/queue-settings.md.
"""

import re
import socket
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import structlog
from billiard.exceptions import SoftTimeLimitExceeded
from celery import Celery, signals
from kombu.entity import Exchange, Queue
from kombu.exceptions import KombuError
from kombu.transport.redis import Channel, QoS

from models.errors import QueueUnavailable
from models.rules.lifecycle import Doorbell, Lane
from models.settings import Settings

__all__ = [
    "SoftTimeLimitExceeded", "Worker", "app", "connect", "empty_lanes", "ping", "ring", "ring_all", "signals",
    "workers",
]  # fmt: skip

PUBLISH_SECONDS = 1.0
"""Limit on connecting to Redis, and on each of its answers, in a process that publishes: 2 s for the two together."""
CONSUME_SECONDS = 5.0
ANSWER_SECONDS = 0.5
"""How long a worker may take to say what it does. Its main process answers, whatever its children do."""
OURS = re.compile(rf"(?:{'|'.join(Lane)})-[0-9]+@.+")
"""How `worker.app` names workers: LANE-PROCESS@HOST. Other programs may use the same Redis, and answer, too."""
HEALTH_SECONDS = 10
"""A worker that gets no answer from Redis for longer than this opens a new connection."""
KEEPALIVE = (
    {socket.TCP_KEEPIDLE: 10, socket.TCP_KEEPINTVL: 5, socket.TCP_KEEPCNT: 3} if sys.platform == "linux" else {}
)
"""A Redis that has vanished is noticed after 25 s, not after the system's two hours. Source: tcp(7)."""
CHILD_TASKS = 200
CHILD_KILOBYTES = 1_500_000

log = structlog.get_logger(__name__)


class _QoS(QoS):
    """The messages that a worker has fetched and not yet acknowledged, as kombu keeps them."""

    def restore_unacked(self, client: Any = None) -> None:
        """Give them back, unless the connection is lost: then the sweep rings again, as for every lost message.

        kombu would try to give them back by that very connection, raise AttributeError, and so end the worker.
        """
        if self.channel.connection.client is None:
            self._delivered.clear()
        else:
            super().restore_unacked(client)


Channel.QoS = _QoS
app = Celery("tessera", set_as_current=True)
app.conf.update(
    # Without an exchange and a key of its own, every queue would get all messages.
    task_queues=[Queue(lane.value, Exchange(lane.value), lane.value) for lane in Lane],
    task_default_queue=Lane.INTERACTIVE.value,
    task_create_missing_queues=False,
    task_serializer="json",
    result_serializer="json",
    accept_content=["json"],
    task_ignore_result=True,
    task_acks_late=False,
    task_publish_retry=False,
    worker_prefetch_multiplier=1,
    worker_disable_prefetch=True,
    worker_max_tasks_per_child=CHILD_TASKS,
    worker_max_memory_per_child=CHILD_KILOBYTES,
    worker_hijack_root_logger=False,
    worker_send_task_events=False,
    worker_cancel_long_running_tasks_on_connection_loss=False,
    broker_connection_retry=True,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    event_queue_expires=60,
)


def connect(settings: Settings, role: Literal["publisher", "worker"]) -> Celery:
    """Set the app up to use Redis; a publisher gives up after 2 s, a worker never."""
    seconds = PUBLISH_SECONDS if role == "publisher" else CONSUME_SECONDS
    app.conf.update(
        broker_url=settings.redis_url,
        broker_connection_timeout=seconds,
        broker_transport_options={
            "socket_timeout": seconds,
            "socket_connect_timeout": seconds,
            "socket_keepalive": True,
            "socket_keepalive_options": KEEPALIVE,
            "health_check_interval": HEALTH_SECONDS,
            "retry_on_timeout": False,
            **({"max_retries": 1, "interval_start": 0.1} if role == "publisher" else {}),
        },
        task_soft_time_limit=settings.job_seconds,
        task_time_limit=settings.job_seconds + settings.kill_seconds,
    )
    return app


def ping() -> str:
    """Return a sentence with the broker's address, after connecting to it.

    Raises:
        QueueUnavailable: it does not answer in time.
    """
    try:
        with app.connection_for_write() as connection:
            # Only one try: a second, with the pause before it, would double the time.
            connection.ensure_connection(max_retries=0)
            return f"answers at {connection.as_uri()}"
    except (KombuError, OSError) as error:
        raise QueueUnavailable(f"Redis does not answer: {error}") from error


def empty_lanes() -> set[Lane]:
    """Return the lanes whose queue has no message; no lane if Redis does not answer."""
    with app.connection_for_write() as connection:
        try:
            connection.ensure_connection(max_retries=0)
            channel = connection.default_channel
            return {lane for lane in Lane if not channel.queue_declare(queue=lane.value).message_count}
        except (KombuError, OSError, *connection.connection_errors, *connection.channel_errors):
            return set()


@dataclass(frozen=True)
class Worker:
    """A worker that is alive: the lane it serves, where it runs, and the jobs that its processes are at."""

    lane: Lane
    process: int
    host: str
    job_ids: tuple[int, ...]


def workers() -> list[Worker]:
    """Ask all workers what they do; those that do not answer at once are left out.

    Raises:
        QueueUnavailable: Redis, by which they are asked, does not answer.
    """
    with app.connection_for_write() as connection:
        try:
            connection.ensure_connection(max_retries=0)
            answers = app.control.inspect(timeout=ANSWER_SECONDS, connection=connection).active() or {}
        except (KombuError, OSError, *connection.connection_errors, *connection.channel_errors) as error:
            raise QueueUnavailable(f"Redis does not answer: {error}") from error
    found = [_worker(name, tasks) for name, tasks in answers.items() if OURS.fullmatch(name)]
    return sorted(found, key=lambda one: (list(Lane).index(one.lane), one.host, one.process))


def _worker(name: str, tasks: Iterable[dict[str, Any]]) -> Worker:
    """Return what the answer of a worker of ours says."""
    place, _, host = name.partition("@")
    lane, _, process = place.partition("-")
    return Worker(Lane(lane), int(process), host, tuple(int(task["args"][0]) for task in tasks))


def ring(bell: Doorbell) -> None:
    """Send the workers the message that a job waits.

    Raises:
        QueueUnavailable: Redis did not take the message in time. The sweep will ring again.
    """
    try:
        app.send_task(bell.kind.value, args=[bell.job_id], queue=bell.lane.value)
    except (KombuError, OSError) as error:
        raise QueueUnavailable(f"Redis did not take the message for job {bell.job_id}.") from error


def ring_all(bells: Iterable[Doorbell]) -> list[Doorbell]:
    """Ring until one fails; the rows are written, so the sweep rings for the rest.

    Returns:
        Those that were not rung: the one that failed, and then those that were not tried.
    """
    waiting = list(bells)
    for number, bell in enumerate(waiting):
        try:
            ring(bell)
        except QueueUnavailable as error:
            log.warning("doorbell did not ring", job_id=bell.job_id, reason=str(error.__cause__))
            return waiting[number:]
    return []
