"""The sandbox: strangers' pictures are decoded in processes of their own, with limits on memory and time.

A picture that crashes its decoder is just one bad picture, and the worker goes on. `sandbox_process` runs inside, and
sets the limits there.
"""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.errors import DamagedPicture, TooCostly, UnusablePicture
from models.rules.order_words import MAX_PICTURE_PIXELS, MAX_STREAMED_PIXELS
from worker.core.windows import Window
from worker.decoding import images, sandbox_process
from worker.decoding.images import Prepared

BELT_SECONDS = 10.0
"""How long to wait for a decoder beyond its limit, in case the kernel has not ended it."""
MOST_WORDS_BYTES = 1 << 16
INHERITED = (
    "PATH", "PYTHONHOME", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "LC_CTYPE",
    "TMPDIR",
)  # fmt: skip
"""Environment variables that a decoder inherits; all others, such as passwords, are kept from it."""
PIXEL_BYTES, FILE_BYTES = 4, 1 << 16
"""A file that a decoder returns has at most so many bytes for each of its pixels, plus so many more."""
_REFUSALS: list[type[UnusablePicture]] = [UnusablePicture, *UnusablePicture.__subclasses__()]
_BY_CODE = {refusal.code: refusal for refusal in _REFUSALS}


@dataclass(frozen=True)
class Answer:
    """What a decoder made of a picture.

    Attributes:
        pixels: (H, W, 3) sRGB; (H, W, 1) for a mask or an alpha.
        size: Width and height of the picture in its file; 0 x 0 if not asked for.
        files: The files that were made from it.
    """

    pixels: NDArray[np.uint8]
    size: tuple[int, int]
    files: list[bytes]


class Request(NamedTuple):
    """What is asked of a decoder: a task, two numbers for it, and the windows of the photo that become tiles."""

    task: int
    first: int
    second: int
    windows: Sequence[Window]


class Sandbox:
    """The decoder processes of one worker process, each used by one thread at a time; has the functions of `images`.

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
        """Return a picture's (H, W, 3) pixels, as `images.decode`; also raises TooCostly."""
        return self._asked(sandbox_process.DECODE, data).pixels

    def tiles(self, data: bytes, width: int, height: int, windows: Sequence[Window]) -> NDArray[np.uint8]:
        """Return (n, height, width, 3) windows of a photo as tiles, as `images.tiles`; also raises TooCostly."""
        answer = self._asked(sandbox_process.TILES, data, width, height, windows)
        return answer.pixels.reshape(len(windows), height, width, 3)

    def thumb(self, data: bytes, side: int) -> tuple[NDArray[np.uint8], tuple[int, int]]:
        """Return a photo squeezed to (side, side, 3), and its size, as `images.thumb`; also raises TooCostly."""
        answer = self._asked(sandbox_process.THUMB, data, side)
        return answer.pixels, answer.size

    def prepared(self, data: bytes, side: int, edge: int) -> Prepared:
        """Return all that is kept of a photo, as `images.prepared`; also raises TooCostly."""
        answer = self._asked(sandbox_process.PREPARED, data, side, edge)
        tile, preview = answer.files
        return Prepared(answer.pixels, answer.size, tile or None, preview)

    def mask(self, data: bytes) -> NDArray[np.uint8]:
        """Return a picture as a mask, (H, W), as `images.mask`; also raises TooCostly."""
        return self._asked(sandbox_process.MASK, data).pixels[:, :, 0]

    def alpha(self, data: bytes) -> NDArray[np.uint8]:
        """Return how opaque a picture is, (H, W), as `images.alpha`; also raises TooCostly."""
        return self._asked(sandbox_process.ALPHA, data).pixels[:, :, 0]

    def rest(self) -> None:
        """End the idle decoders; the next picture gets a new one."""
        while self._idle:
            with suppress(IndexError):
                self._idle.pop().close()

    def close(self) -> None:
        """End all processes."""
        self.rest()
        with self._lock:
            if self._control is not None and self._server is not None:
                self._control.close()
                self._server.wait()
            self._server = self._control = None

    def _asked(
        self, task: int, data: bytes, first: int = 0, second: int = 0, windows: Sequence[Window] = ()
    ) -> Answer:
        """Ask a decoder; if it dies, ask another one once, since an idle process may have died for another reason."""
        for _ in range(2):
            began = time.monotonic()
            connection = self._borrowed()
            try:
                answer = _answer(connection, data, Request(task, first, second, windows))
            except (OSError, EOFError, LookupError, TypeError, ValueError):  # it died, or its answer is nonsense
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
        """Return the socket of the process that forks decoders; start it if it is not running."""
        if self._control is None or self._server is None or self._server.poll() is not None:
            if self._control is not None:
                self._control.close()
            self._control, theirs = socket.socketpair()
            with theirs:
                words = (theirs.fileno(), self._seconds, self._most_bytes)
                self._server = subprocess.Popen(
                    [sys.executable, "-P", "-m", "worker.decoding.sandbox_process", *map(str, words)],
                    pass_fds=(theirs.fileno(),),
                    stdin=subprocess.DEVNULL,
                    env=_environment(),
                )
        return self._control


def _environment() -> dict[str, str]:
    """Return the environment of a decoder: no address, no token, no key."""
    # A library with threads of its own would not survive a fork.
    alone = {
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "VIPS_CONCURRENCY": "1",
        "VIPS_BLOCK_UNTRUSTED": "1",
    }
    return {name: os.environ[name] for name in INHERITED if name in os.environ} | alone


def _answer(connection: socket.socket, data: bytes, request: Request) -> Answer | UnusablePicture:
    """Send a picture, and return the decoder's answer, after checking that it is plausible."""
    task, first, second, windows = request
    connection.sendall(sandbox_process.REQUEST.pack(task, first, second, len(windows), len(data)))
    connection.sendall(b"".join(sandbox_process.WINDOW.pack(*window) for window in windows))
    connection.sendall(data)
    (length,) = sandbox_process.REPLY.unpack(sandbox_process.received(connection, sandbox_process.REPLY.size))
    if length > MOST_WORDS_BYTES:
        raise ValueError("nobody has so much to say")
    reply = json.loads(sandbox_process.received(connection, length))
    if "code" in reply:
        return _BY_CODE[reply["code"]](str(reply["sentence"]))
    (height, width, channels), (across, down) = reply["shape"], reply["size"]
    grey = task in {sandbox_process.MASK, sandbox_process.ALPHA}
    if _shape(request) not in (None, (height, width)) or channels != (1 if grey else 3) or min(across, down) < 0:
        raise ValueError("this is not what was asked")
    if height * width > MAX_PICTURE_PIXELS or across * down > MAX_STREAMED_PIXELS:
        raise ValueError("so large a picture was refused")
    pixels = np.empty((height, width, channels), np.uint8)
    sandbox_process.receive_into(connection, pixels.data.cast("B"))
    files = [
        _file(connection, length, edge) for length, edge in zip(reply["files"], _edges(task, second), strict=True)
    ]
    return Answer(pixels, (int(across), int(down)), files)


def _shape(request: Request) -> tuple[int, int] | None:
    """Return the height and width of the pixels that must be returned; None if the picture decides."""
    task, first, second, windows = request
    if task == sandbox_process.TILES:
        return len(windows) * second, first
    return (first, first) if task in {sandbox_process.THUMB, sandbox_process.PREPARED} else None


def _edges(task: int, edge: int) -> tuple[int, ...]:
    """Return the longest side of each file that a task returns."""
    return (edge, images.PREVIEW_SIDE) if task == sandbox_process.PREPARED else ()


def _file(connection: socket.socket, length: int, edge: int) -> bytes:
    if length > PIXEL_BYTES * edge * edge + FILE_BYTES:
        raise ValueError("no such file has so many bytes")
    return bytes(sandbox_process.received(connection, length))
