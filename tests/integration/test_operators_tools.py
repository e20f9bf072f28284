"""What people who run Celery already have at hand finds our app: its own command, Flower, and a signal."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import psutil
import pytest
import requests

LANES = {"bulk", "indexing", "interactive"}


def environment(installation: Any) -> dict[str, str]:
    return os.environ | {f"TESSERA_{key}": value for key, value in installation.settings.items()}


@pytest.fixture(scope="module")
def installation(new_installation: Callable[..., AbstractContextManager[Any]]) -> Iterator[Any]:
    with new_installation("postgresql") as installed:
        yield installed


@pytest.fixture(scope="module")
def celery(installation: Any) -> Callable[..., subprocess.CompletedProcess[str]]:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "celery", "-A", "worker.app", *words]
        return subprocess.run(
            command, env=environment(installation), capture_output=True, text=True, timeout=60, check=False
        )

    return run


def test_celery_names_the_worker_of_every_lane(celery, wait_for):
    # It waits a second for answers; on a busy machine one may come later.
    status = wait_for(lambda: (said := celery("status").stdout).count(": OK") == 3 and said)
    assert {lane for lane in LANES if f"{lane}-" in status} == LANES
    assert "3 nodes online" in status


def test_celery_says_what_each_worker_has_in_hand(celery, wait_for):
    wait_for(lambda: celery("inspect", "active").stdout.count("- empty -") == 3)


def test_a_worker_and_its_children_say_where_they_are_and_go_on(installation, wait_for):
    main = installation.processes["bulk-worker"].pid
    asked = [psutil.Process(main), *installation.working("bulk-worker")]
    for process in asked:
        process.send_signal(signal.SIGUSR2)
    log = installation.folder / "bulk-worker.log"
    wait_for(lambda: log.read_text().count("Current thread") >= len(asked))
    assert len(asked) == 3
    assert [process.is_running() for process in asked] == [True] * 3


def test_flower_shows_the_worker_of_every_lane(installation, wait_for, free_port):
    port = free_port()
    command = [sys.executable, "-m", "celery", "-A", "worker.app", "flower", "--address=127.0.0.1", f"--port={port}"]
    allowed = {"FLOWER_UNAUTHENTICATED_API": "true"}
    with subprocess.Popen(command, env=environment(installation) | allowed, stderr=subprocess.DEVNULL) as flower:
        try:

            def lanes() -> Any:
                try:
                    answer = requests.get(f"http://127.0.0.1:{port}/api/workers", params={"refresh": "1"}, timeout=10)
                except requests.ConnectionError:
                    return None
                return {name.partition("-")[0] for name in answer.json()} == LANES

            wait_for(lanes)
        finally:
            flower.terminate()


def test_a_worker_that_gets_sighup_begins_anew_as_it_was_started(installation, wait_for):
    process, log = psutil.Process(installation.processes["bulk-worker"].pid), installation.folder / "bulk-worker.log"
    wait_for(lambda: " ready." in log.read_text())
    started, before = process.cmdline(), log.read_text().count(" ready.")
    process.send_signal(signal.SIGHUP)
    wait_for(lambda: log.read_text().count(" ready.") > before)
    assert process.cmdline() == started
