"""A line to a server on this machine that can be cut, and that counts what goes through it."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

BLOCK = 1 << 16
METHODS = (b"GET ", b"HEAD ", b"POST ", b"PATCH ", b"DELETE ", b"OPTIONS ")


class Line:
    """Passes bytes on, both ways.

    Attributes:
        port: Where it listens.
        sent: Bytes of bodies that went to the server. A request begins with a block of its own, since a browser waits
            for the answer to the one before.
    """

    def __init__(self, port: int) -> None:
        self._to = port
        self._server = socket.create_server(("127.0.0.1", 0))
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self.port = int(self._server.getsockname()[1])
        self.sent = 0
        threading.Thread(target=self._listen, daemon=True).start()

    def cut(self) -> None:
        """End every connection at once, as a line does that breaks."""
        with self._lock:
            ended, self._open = self._open, set()
        for each in ended:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def end(self) -> None:
        """Listen no more."""
        self._server.close()
        self.cut()

    def _listen(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._server.accept()
                server = socket.create_connection(("127.0.0.1", self._to))
                with self._lock:
                    self._open |= {client, server}
                threading.Thread(target=self._pass, args=(client, server, True), daemon=True).start()
                threading.Thread(target=self._pass, args=(server, client, False), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket, counted: bool) -> None:
        with suppress(OSError):
            while block := source.recv(BLOCK):
                sink.sendall(block)
                if counted:
                    head = block.find(b"\r\n\r\n") + 4 if block.startswith(METHODS) else 0
                    self.sent += len(block) - head
        for each in (source, sink):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


@contextmanager
def line_to(port: int) -> Iterator[Line]:
    """Lend a line to a port."""
    line = Line(port)
    try:
        yield line
    finally:
        line.end()
