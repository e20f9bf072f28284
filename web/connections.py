"""Protects gunicorn's threads from clients that are slow, by nature or on purpose.

The worker's event loop collects the head of a request, which needs no thread, and discards what a client still sends
of a request that was answered without being read. A thread that must wait for its client, during a body or an answer,
gives its place to another thread meanwhile: as many requests as `--threads` says are worked on at once, and
`MOST_WAITING` more may wait. When there is one more than that, the client with the least patience left is
disconnected. A thread may also hand its connection over to one that writes to many (`web.streams`); then only the
event loop still listens whether the client is there.
"""

import errno
import math
import select
import selectors
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any

from gunicorn.http import get_parser
from gunicorn.workers.gthread import TConn, ThreadWorker
from typing_extensions import Buffer

HEAD_SECONDS = 10.0
"""How long the head of a request may take to arrive."""
HEAD_BYTES = 64 << 10
"""How much of a head is collected; a longer one is left to gunicorn's own limits."""
PATIENCE_SECONDS = 10.0
"""A client's patience: how long it may keep us waiting, beyond the time that it earns by sending or reading."""
SLOWEST_BYTES = 4 << 10
"""Bytes a second, of a body or an answer, below which a client uses up its patience."""
MOST_WAITING = 64
"""Clients that the threads of one process may wait for at once."""
LINGER_SECONDS = 30.0
DISCARD_BYTES = 64 << 20
"""How much of an unread body is discarded; if a connection is closed before, the client may lose the answer."""
CHUNK_BYTES = 256 << 10
END_OF_HEAD = b"\r\n\r\n"


class Waiting:
    """The clients that threads wait for."""

    def __init__(self, most: int = MOST_WAITING) -> None:
        self._most, self._lock = most, threading.Lock()
        self._clients: set[Paced] = set()

    def enter(self, client: "Paced") -> None:
        """Add a client; if that is one too many, disconnect the one with the least patience left."""
        with self._lock:
            if len(self._clients) >= self._most:
                slowest = min(self._clients, key=lambda each: each.patience)
                self._clients.discard(slowest)
                slowest.end()
            self._clients.add(client)

    def leave(self, client: "Paced") -> None:
        """Remove a client."""
        with self._lock:
            self._clients.discard(client)


class Paced:
    """A socket that gives up on a client that is too slow, and gives its place away while it waits for one."""

    def __init__(self, sock: socket.socket, waiting: Waiting, places: threading.Semaphore) -> None:
        self._sock, self._waiting, self._places = sock, waiting, places
        self._placed = False
        self.patience = PATIENCE_SECONDS
        self.gone: Callable[[], None] | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def settimeout(self, _seconds: float | None) -> None:
        """Do nothing: patience is the limit here, and a socket with a timeout would wait by itself."""

    def begin(self) -> None:
        """Take a place, to work on a request of this client."""
        self.patience = PATIENCE_SECONDS
        self._places.acquire()
        self._placed = True

    def finish(self) -> None:
        """Give the place back."""
        self._placed = False
        self._places.release()

    def end(self) -> None:
        """Disconnect, which wakes the thread that waits for this client."""
        with suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)

    def hand_over(self, gone: Callable[[], None]) -> None:
        """Let nobody write to it but by `send_now`, which another thread does; call `gone` before it is closed."""
        self.gone = gone

    def send_now(self, data: bytes) -> None:
        """Send all data without waiting; disconnect a client for which that is too fast."""
        try:
            all_sent = self._sock.send(data, socket.MSG_DONTWAIT) == len(data)
        except OSError:
            all_sent = False
        if not all_sent:
            self.end()

    def read_now(self, size: int) -> bytes:
        """Read what has arrived, without waiting.

        Raises:
            BlockingIOError: nothing has.
        """
        return self._sock.recv(size, socket.MSG_DONTWAIT)

    def recv(self, size: int) -> bytes:
        """Read what has arrived, or wait for it.

        Raises:
            ConnectionResetError: nothing arrived in time.
        """
        while True:
            try:
                data = self.read_now(size)
            except BlockingIOError:
                self._wait(select.POLLIN)
            else:
                self._earn(len(data))
                return data

    def send(self, data: Buffer) -> int:
        """Send all data."""
        self.sendall(data)
        return len(memoryview(data))

    def sendall(self, data: Buffer) -> None:
        """Send all data, waiting for the client when its buffer is full; nothing once it is handed over.

        Raises:
            ConnectionResetError: the client did not read it in time.
        """
        left = memoryview(data if self.gone is None else b"")
        while left:
            try:
                sent = self._sock.send(left, socket.MSG_DONTWAIT)
            except BlockingIOError:
                self._wait(select.POLLOUT)
            else:
                self._earn(sent)
                left = left[sent:]

    def _earn(self, count: int) -> None:
        self.patience = min(PATIENCE_SECONDS, self.patience + count / SLOWEST_BYTES)

    def _wait(self, event: int) -> None:
        poll = select.poll()
        poll.register(self._sock, event)
        self._waiting.enter(self)
        if self._placed:
            self._places.release()
        began = time.monotonic()
        try:
            ready = poll.poll(max(0.0, self.patience) * 1_000)
        finally:
            self.patience -= time.monotonic() - began
            self._waiting.leave(self)
            if self._placed:
                self._places.acquire()
        if not ready:
            raise ConnectionResetError(errno.ECONNRESET, "the client is too slow")


class Worker(ThreadWorker):  # type: ignore[misc] # gunicorn has no types
    """gunicorn's threaded worker, with patience."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._waiting = Waiting()
        self._places = threading.Semaphore(self.cfg.threads)

    def get_thread_pool(self) -> ThreadPoolExecutor:
        """Return a pool with enough threads for requests that are worked on and requests that wait."""
        return ThreadPoolExecutor(max_workers=self.cfg.threads + MOST_WAITING)

    def accept(self, listener: socket.socket) -> None:
        """Accept a connection; if that is one too many, close the one that has sent its head for longest."""
        super().accept(listener)
        if self.nr_conns >= self.worker_connections:
            # What is handed over goes last: its client has done nothing wrong.
            for conn in sorted(self.pending_conns, key=lambda conn: conn.sock.gone is not None)[:1]:
                self._close(conn)

    def enqueue_req(self, conn: TConn) -> None:
        """Collect the head of a request before a thread answers it."""
        if conn.parser is None:
            conn.sock = Paced(conn.sock, self._waiting, self._places)
            conn.parser = get_parser(self.cfg, conn.sock, conn.client)
        conn.head = bytearray(conn.parser.unreader.take_buffered())
        self._watch(conn, self._gather, HEAD_SECONDS)
        self._gather(conn)

    def handle_request(self, req: Any, conn: TConn) -> bool:
        """Answer a request, in a place."""
        conn.sock.begin()
        try:
            return bool(super().handle_request(req, conn))
        finally:
            conn.sock.finish()

    def finish_request(self, conn: TConn, fs: "Future[bool]") -> None:
        """Keep a connection, or close it once its client has received the answer, or is gone if it is handed over."""
        if conn.sock.gone is not None:
            conn.head = b""
            self._watch(conn, self._listen, math.inf)
            return
        if not fs.cancelled() and fs.exception() is None and fs.result():
            super().finish_request(conn, fs)
            return
        conn.left = DISCARD_BYTES
        self._watch(conn, self._discard, LINGER_SECONDS)
        try:
            conn.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self._close(conn)

    def murder_pending(self) -> None:
        """Close connections whose head takes too long; if the worker is ending, also those that sent nothing yet."""
        now = time.monotonic()
        for conn in list(self.pending_conns):
            if conn.timeout <= now or (not self.alive and not conn.head):
                self._close(conn)

    def _watch(self, conn: TConn, callback: Any, seconds: float) -> None:
        conn.sock.setblocking(False)
        conn.timeout = time.monotonic() + seconds
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._ready, callback, conn))

    def _ready(self, callback: Any, conn: TConn, _sock: socket.socket) -> None:
        # The callback of another socket may have closed this one in the same round.
        if conn in self.pending_conns:
            callback(conn)

    def _gather(self, conn: TConn) -> None:
        """Read on; once the head is complete, have a thread answer the request."""
        came = self._read(conn)
        if came is not None:
            conn.head += came
        if END_OF_HEAD in conn.head or len(conn.head) > HEAD_BYTES:
            self._forget(conn)
            conn.parser.unreader.unread(bytes(conn.head))
            conn.data_ready = True
            super().enqueue_req(conn)
        elif came == b"":
            self._close(conn)

    def _discard(self, conn: TConn) -> None:
        """Read on and discard it, until the client closes the connection."""
        came = self._read(conn)
        if came is not None:
            conn.left -= len(came)
            if not came or conn.left < 0:
                self._close(conn)

    def _listen(self, conn: TConn) -> None:
        """Notice whether the client of a connection that is handed over has gone."""
        if self._read(conn) == b"":
            self._close(conn)

    def _read(self, conn: TConn) -> bytes | None:
        """Return what has arrived; None if nothing has, empty bytes if nothing more will."""
        try:
            return bytes(conn.sock.read_now(CHUNK_BYTES))
        except BlockingIOError:
            return None
        except OSError:
            return b""

    def _forget(self, conn: TConn) -> None:
        self.poller.unregister(conn.sock)
        self.pending_conns.remove(conn)

    def _close(self, conn: TConn) -> None:
        self._forget(conn)
        self.nr_conns -= 1
        if conn.sock.gone is not None:
            conn.sock.gone()
        conn.close()
