"""A proxy before Redis that can swallow everything on the connections that it has, and never close them."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress

CHUNK_BYTES = 65_536


class Proxy:
    """Hands bytes on between its port and whatever `connect` opens."""

    def __init__(self, connect: Callable[[], socket.socket]) -> None:
        self._connect = connect
        self._silent: set[int] = set()
        self._generation = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def swallow(self) -> None:
        """Hand on nothing more of the connections that are open now; new ones work."""
        self._silent.add(self._generation)
        self._generation += 1

    def close(self) -> None:
        self._listener.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server, generation = self._connect(), self._generation
                for pair in ((client, server), (server, client)):
                    threading.Thread(target=self._pump, args=(*pair, generation), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, generation: int) -> None:
        with suppress(OSError):
            while data := source.recv(CHUNK_BYTES):
                if generation not in self._silent:
                    sink.sendall(data)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
