"""Inside the sandbox: a process that decodes strangers' pictures under limits, and has no other data.

`python -m worker.decoding.sandbox_process SOCKET SECONDS BYTES` loads the decoders once, and then forks a child for
every connection that it is handed. If a picture kills a child, nothing else is lost. `worker.decoding.sandbox` is the
outside.
"""

import gc
import json
import os
import resource
import signal
import socket
import struct
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np

from models.errors import UnusablePicture
from worker import native_output
from worker.core.windows import Window
from worker.decoding import headers, images, libvips_reader  # noqa: F401 - libvips is loaded once for every fork

REQUEST = struct.Struct("!BIIIQ")
"""The task, two numbers for it, and the number of windows and the length of the file that follow."""
WINDOW = struct.Struct("!4H")
REPLY = struct.Struct("!I")
"""Length of the JSON that follows; after that come the pixels, and then the files, whose lengths are in the JSON."""
DECODE, TILES, THUMB, PREPARED, MASK, ALPHA = range(6)


def main() -> None:
    """Fork a decoder for every connection that comes through the socket, until it is closed."""
    control = socket.socket(fileno=int(sys.argv[1]))
    seconds, most_bytes = float(sys.argv[2]), int(sys.argv[3])
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    headers.load_plugins()
    native_output.libraries()
    gc.freeze()
    while True:
        _, handed, _, _ = socket.recv_fds(control, 1, 1)
        if not handed:
            return
        if not os.fork():
            control.close()
            _limit(most_bytes)
            with suppress(ConnectionError, EOFError):
                _serve(socket.socket(fileno=handed[0]), seconds)
            os._exit(0)
        os.close(handed[0])


def _limit(most_bytes: int) -> None:
    """Limit this process to so much more memory, to no core dump and no files, and let it be killed first of all."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    with suppress(OSError):  # only Linux reports it, and enforces the limit
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        most = pages * resource.getpagesize() + most_bytes
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
        Path("/proc/self/oom_score_adj").write_text("1000")


def _serve(connection: socket.socket, seconds: float) -> None:
    """Answer requests until the other end is closed. The kernel ends the process when one takes too long."""
    while True:
        task, first, second, count, length = REQUEST.unpack(received(connection, REQUEST.size))
        windows = [Window(*each) for each in WINDOW.iter_unpack(received(connection, count * WINDOW.size))]
        data = bytes(received(connection, length))
        signal.setitimer(signal.ITIMER_REAL, seconds)
        try:
            reply, buffers = _done(task, data, first, second, windows)
        except UnusablePicture as error:
            reply, buffers = {"code": error.code, "sentence": str(error)}, []
        signal.setitimer(signal.ITIMER_REAL, 0)
        header = json.dumps(reply).encode()
        connection.sendall(REPLY.pack(len(header)) + header)
        for buffer in buffers:
            connection.sendall(buffer)


def _done(
    task: int, data: bytes, first: int, second: int, windows: list[Window]
) -> tuple[dict[str, object], list[memoryview | bytes]]:
    """Return the JSON part of an answer, and the buffers that follow: the pixels, then the files."""
    size: tuple[int, int] = (0, 0)
    files: list[bytes] = []
    if task == PREPARED:
        photo = images.prepared(data, first, second)
        pixels, size, files = photo.thumb, photo.size, [photo.tile or b"", photo.preview]
    elif task == THUMB:
        pixels, size = images.thumb(data, first)
    elif task == TILES:
        pixels = images.tiles(data, first, second, windows).reshape(-1, first, 3)
    elif task in {MASK, ALPHA}:
        pixels = (images.mask(data) if task == MASK else images.alpha(data))[:, :, None]
    else:
        pixels = images.decode(data)
    reply: dict[str, object] = {"shape": pixels.shape, "size": size, "files": [len(file) for file in files]}
    return reply, [np.ascontiguousarray(pixels).data, *files]


def received(connection: socket.socket, length: int) -> bytearray:
    """Return so many bytes from a connection; EOFError when it ends before."""
    data = bytearray(length)
    receive_into(connection, memoryview(data))
    return data


def receive_into(connection: socket.socket, room: memoryview) -> None:
    """Fill `room` from a connection; EOFError when it ends before."""
    while room:
        count = connection.recv_into(room)
        if not count:
            raise EOFError
        room = room[count:]


if __name__ == "__main__":
    main()
