"""`tessera web` in embedded mode, where nobody is asked for a token, serves this machine alone."""

import pytest
from click.testing import CliRunner

from cli.service import serve


@pytest.fixture
def started(monkeypatch, tmp_path):
    """What `tessera web` becomes with its options: the command, or what it says instead."""
    for name, value in {
        "MODE": "embedded", "DATABASE_URL": f"sqlite:///{tmp_path}/t.db", "REDIS_URL": "redis://127.0.0.1:1/0",
        "STORE": f"file://{tmp_path}/store", "SECRET_KEY": "only for the tests, and long enough",
    }.items():  # fmt: skip
        monkeypatch.setenv(f"TESSERA_{name}", value)
    begun = []
    monkeypatch.setattr(serve.os, "execv", lambda _program, words: begun.append(words))
    monkeypatch.setattr(serve, "_prepare", lambda: None)

    def start(*words):
        begun.clear()
        result = CliRunner().invoke(serve.web, words)
        return begun[0] if begun else result.exception

    return start


@pytest.mark.parametrize(
    "bind",
    [
        "0.0.0.0:8000", "[::]:8000", ":8000", "", "8000", "192.168.1.7:8000", "[fe80::1]:80", "mosaics.example.org",
        "tcp://0.0.0.0:8000", "127.0.0.1:8000,0.0.0.0:8000", "fd://3", "localhost.example.org:80", "0:8000",
        "127.0.0.1.example.org:80", "[::ffff:192.168.1.7]:80",
    ],
)  # fmt: skip
def test_a_network_is_refused_in_a_sentence(started, bind):
    refusal = started("--bind", bind)
    assert refusal.code == "bad_configuration"
    assert f"must be on 127.0.0.1, [::1] or a Unix socket, not {bind};" in str(refusal)


@pytest.mark.parametrize(
    "bind", ["127.0.0.1:8000", "localhost:80", "LOCALHOST", "[::1]:8000", "127.5.6.7:1", "unix:/run/t.sock",
             "unix:///run/t.sock", "tcp://127.0.0.1:8000", "127.0.0.1:8000,[::1]:8000"]
)  # fmt: skip
def test_this_machine_is_served(started, bind):
    assert f"--bind={bind}" in started("--bind", bind)


def test_a_server_may_be_bound_to_a_network(started, monkeypatch):
    monkeypatch.setenv("TESSERA_MODE", "server")
    monkeypatch.setenv("TESSERA_ACCESS_TOKEN", "a token that only the tests know")
    assert "--bind=0.0.0.0:8000" in started("--bind", "0.0.0.0:8000")
