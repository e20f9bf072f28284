"""Server-sent events: pages that are told how far a job is, by one thread for all of them.

A thread of the web server that answers such a request sends the head of the answer, and then hands the connection
over. From there on the one thread of `Streams` writes to it, which never waits for a client: at every tick it asks
once about all jobs that pages wait for, and sends to each page what is new. So a stream takes a connection, and no
thread. Pages that find no room, or no server that can hand over, ask again and again by themselves.
"""

import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

import structlog

from models import database

MOST_STREAMS = 256
"""In one web process: half of the connections that `cli.service.processes` gives it."""
TICK_SECONDS, QUIET_SECONDS, LONGEST_SECONDS = 1.0, 15.0, 600.0
"""How often is looked; after what silence a comment is sent, by which a client that is gone is noticed; and how long
a stream lasts, after which the browser opens another, and is asked again whether it may."""
HELLO = b"retry: 2000\n\n"

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Subject:
    """What a page waits for: a job, and the address below which its page is."""

    job_id: int
    address: str


@dataclass(frozen=True)
class Frame:
    """What a page is to show, as HTML, and whether nothing will follow."""

    html: str
    final: bool


class Connection(Protocol):
    """A connection whose writing can be handed over; see `web.connections.Paced`."""

    def hand_over(self, gone: Callable[[], None]) -> None:
        """Let nobody else write to it; `gone` is called before it is closed."""

    def send_now(self, data: bytes) -> None:
        """Send without waiting, or disconnect."""

    def end(self) -> None:
        """Disconnect."""


class Stream:
    """One page that is told."""

    def __init__(self, connection: Connection, subject: Subject) -> None:
        self.subject, self.is_open, self.last = subject, True, ""
        self._connection, self._lock = connection, threading.Lock()
        self._began = self._said = time.monotonic()

    def close(self) -> None:
        """Write nothing more: the connection is about to be closed."""
        # With the lock, since its number may be another connection's right afterwards.
        with self._lock:
            self.is_open = False

    def tell(self, frame: Frame) -> None:
        """Send a frame if it is new, and end after the last one."""
        now = time.monotonic()
        if frame.html != self.last:
            self.last = frame.html
            self._send("".join(f"data: {line}\n" for line in frame.html.splitlines()) + "\n")
        elif now - self._said > QUIET_SECONDS:
            self._send(":\n\n")
        if frame.final or now - self._began > LONGEST_SECONDS:
            self.end()

    def end(self) -> None:
        """End the answer."""
        self._write(b"0\r\n\r\n")
        with self._lock:
            if self.is_open:
                self._connection.end()
            self.is_open = False

    def _send(self, text: str) -> None:
        data = text.encode()
        self._said = time.monotonic()
        # A chunk. Source: RFC 9112, 7.1.
        self._write(b"%x\r\n%s\r\n" % (len(data), data))

    def _write(self, data: bytes) -> None:
        with self._lock:
            if self.is_open:
                self._connection.send_now(data)


Look = Callable[[Collection[Subject]], Mapping[Subject, Frame]]


class Streams:
    """The open streams of a process. Their thread starts with the first of them.

    Args:
        look: Returns what pages are to show now; nothing for a subject that there is not any more.
        most: How many streams there may be.
    """

    def __init__(self, look: Look, most: int = MOST_STREAMS) -> None:
        self._look, self._most = look, most
        self._changed = threading.Condition()
        self._streams: list[Stream] = []
        self._thread: threading.Thread | None = None

    @property
    def full(self) -> bool:
        """Whether there is no room for another."""
        return self.count >= self._most

    @property
    def count(self) -> int:
        """How many streams are open."""
        with self._changed:
            return sum(stream.is_open for stream in self._streams)

    def answer(self, connection: Connection, subject: Subject) -> Iterator[bytes]:
        """Yield the beginning of an answer, and hand its connection over before the end."""
        yield HELLO
        stream = Stream(connection, subject)
        connection.hand_over(stream.close)
        with self._changed:
            self._streams.append(stream)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="streams", daemon=True)
                self._thread.start()
            self._changed.notify()

    def _run(self) -> None:
        due = 0.0
        while True:
            with self._changed:
                self._streams = [stream for stream in self._streams if stream.is_open]
                if not any(not stream.last for stream in self._streams):
                    self._changed.wait(max(0.0, due - time.monotonic()) if self._streams else None)
                some = [stream for stream in self._streams if stream.is_open]
            if time.monotonic() >= due:
                due = time.monotonic() + TICK_SECONDS
            else:
                some = [stream for stream in some if not stream.last]
            self._tell(some)

    def _tell(self, some: list[Stream]) -> None:
        try:
            frames = self._look({stream.subject for stream in some}) if some else {}
        except database.Unreachable:
            log.warning("pages could not be told how far their jobs are", exc_info=True)
            time.sleep(TICK_SECONDS)
            return
        except Exception:
            log.exception("the streams are ended, since what pages are to show cannot be made")
            frames = {}
        for stream in some:
            frame = frames.get(stream.subject)
            if frame is None:
                stream.end()
            else:
                stream.tell(frame)
