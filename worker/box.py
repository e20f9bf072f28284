"""Decoding in a box: strangers' pictures are decoded in processes of their own, under limits of memory and time.

A picture that breaks its decoder is one bad picture, and its worker goes on. The inside is `worker.decoder`.
"""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from models.errors import DamagedPicture, TooCostly, UnusablePicture
from models.orders import MAX_PICTURE_PIXELS
from worker import decoder

BELT_SECONDS = 10.0
"""How much longer than its limit we wait for a decoder, should the kernel not have ended it."""
MOST_WORDS_BYTES = 1 << 16
_REFUSALS: list[type[UnusablePicture]] = [UnusablePicture, *UnusablePicture.__subclasses__()]
_BY_CODE = {refusal.code: refusal for refusal in _REFUSALS}


class Box:
    """Decoders of one process, each used by one thread at a time; with the same functions as `worker.images`.

    Args:
        seconds: How long one picture may take.
        most_bytes: How much memory one decoder may take for it.
    """

    def __init__(self, seconds: float, most_bytes: int) -> None:
        self._seconds, self._most_bytes = seconds, most_bytes
        self._idle: deque[socket.socket] = deque()
        self._lock = threading.Lock()
        self._server: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    def decode(self, data: bytes) -> NDArray[np.uint8]:
        """Return a picture's pixels, as `images.decode`; also raises TooCostly."""
        return self._asked(decoder.DECODE, data)[0]

    def tile(self, data: bytes, width: int, height: int) -> NDArray[np.uint8]:
        """Return a photo as a tile, as `images.tile`; also raises TooCostly."""
        return self._asked(decoder.TILE, data, width, height)[0]

    def thumb(self, data: bytes, side: int) -> tuple[NDArray[np.uint8], tuple[int, int]]:
        """Return a photo squeezed to a square, and its size, as `images.thumb`; also raises TooCostly."""
        return self._asked(decoder.THUMB, data, side)

    def rest(self) -> None:
        """End the decoders that have nothing to do; the next picture gets a new one."""
        while self._idle:
            with suppress(IndexError):
                self._idle.pop().close()

    def close(self) -> None:
        """End everything."""
        self.rest()
        with self._lock:
            if self._control is not None and self._server is not None:
                self._control.close()
                self._server.wait()
            self._server = self._control = None

    def _asked(
        self, task: int, data: bytes, first: int = 0, second: int = 0
    ) -> tuple[NDArray[np.uint8], tuple[int, int]]:
        """Ask a decoder; once more if it dies, since what kills an idle process is not the picture."""
        for _ in range(2):
            began = time.monotonic()
            connection = self._borrowed()
            try:
                answer = _answer(connection, task, data, first, second)
            except (OSError, EOFError):
                connection.close()
                if time.monotonic() - began >= self._seconds:
                    raise TooCostly(
                        f"The picture was not decoded within {self._seconds:g} seconds and was given up."
                    ) from None
                continue
            except BaseException:
                connection.close()
                raise
            self._idle.append(connection)
            if isinstance(answer, UnusablePicture):
                raise answer
            return answer
        raise DamagedPicture("The picture broke its decoder: it is damaged, or made to do harm.")

    def _borrowed(self) -> socket.socket:
        with suppress(IndexError):
            return self._idle.pop()
        ours, theirs = socket.socketpair()
        ours.settimeout(self._seconds + BELT_SECONDS)
        with theirs, self._lock:
            try:
                socket.send_fds(self._server_control(), [b"+"], [theirs.fileno()])
            except OSError:
                self._server = None
                socket.send_fds(self._server_control(), [b"+"], [theirs.fileno()])
        return ours

    def _server_control(self) -> socket.socket:
        """Return the socket of a process that forks decoders; start one if there is none."""
        if self._control is None or self._server is None or self._server.poll() is not None:
            if self._control is not None:
                self._control.close()
            self._control, theirs = socket.socketpair()
            with theirs:
                words = (theirs.fileno(), self._seconds, self._most_bytes)
                self._server = subprocess.Popen(
                    [sys.executable, "-m", "worker.decoder", *map(str, words)],
                    pass_fds=(theirs.fileno(),),
                    stdin=subprocess.DEVNULL,
                    # A library with threads of its own would not survive the forks.
                    env=os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
                )
        return self._control


def _answer(
    connection: socket.socket, task: int, data: bytes, first: int, second: int
) -> tuple[NDArray[np.uint8], tuple[int, int]] | UnusablePicture:
    """Send a picture, and return what the decoder says; it is believed only as far as it makes sense."""
    connection.sendall(decoder.REQUEST.pack(task, first, second, len(data)))
    connection.sendall(data)
    (length,) = decoder.REPLY.unpack(decoder.received(connection, decoder.REPLY.size))
    if length > MOST_WORDS_BYTES:
        raise EOFError
    told = json.loads(decoder.received(connection, length))
    if "code" in told:
        return _BY_CODE[told["code"]](told["sentence"])
    height, width, _ = told["shape"]
    if width * height > MAX_PICTURE_PIXELS:
        raise EOFError
    pixels = np.empty((height, width, 3), np.uint8)
    decoder.receive_into(connection, pixels.data.cast("B"))
    return pixels, tuple(told["size"])
