"""A database that goes away, and disks that are full."""

import resource
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil
import pytest
import requests
from sqlalchemy.engine import make_url

ON_POSTGRESQL = pytest.mark.parametrize("service", ["postgresql"], indirect=True)
ON_SQLITE = pytest.mark.parametrize("service", ["sqlite"], indirect=True)


@contextmanager
def stopped(server: Any) -> Iterator[None]:
    """Kill a PostgreSQL's main process, and start it again afterwards."""
    main = psutil.Process(server.get_pid())
    backends = main.children(recursive=True)
    main.kill()
    psutil.wait_procs([main, *backends], timeout=30)
    try:
        yield
    finally:
        server.ensure_postgres_running()


@ON_POSTGRESQL
@pytest.mark.fault("11.1 PostgreSQL kill -9 and restart, mid-job", "the job is done once")
def test_a_job_outlives_a_restart_of_the_database(service: Any, seen: Any, postgresql_server: Any) -> None:
    ordered = service.long()
    ordered.at_work(share=0.1)
    seen.struck()
    with stopped(postgresql_server):
        pass
    state, error, attempts = ordered.state()
    assert (state, error) == ("succeeded", None)
    assert ordered.outcomes().count("succeeded") == 1
    seen.recovered(f"succeeded with attempt {attempts}")


@ON_POSTGRESQL
@pytest.mark.fault(
    "11.2 PostgreSQL away for longer than a lease, mid-job",
    "503 with Retry-After meanwhile; then the job is done once",
)
def test_a_database_that_is_away_for_a_while_loses_nothing(service: Any, seen: Any, postgresql_server: Any) -> None:
    ordered = service.long()
    ordered.at_work(share=0.1)
    with stopped(postgresql_server):
        answer = service.installed.get(ordered.url)
        assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
        assert "Retry-After" in answer.headers
        assert service.alive()
        assert service.installed.get("/readyz").status_code == 503
        time.sleep(1.5 * float(service.installed.settings["LEASE_SECONDS"]))
    seen.struck()
    state, error, attempts = ordered.state()
    assert (state, error) == ("succeeded", None)
    assert ordered.outcomes().count("succeeded") == 1
    assert service.short().state() == ("succeeded", None, 1)
    seen.recovered(f"503 meanwhile; succeeded with attempt {attempts}")


@ON_SQLITE
@pytest.mark.fault(
    "11.3 SQLite locked for longer than a lease, mid-job", "everybody waits; then the job is done once"
)
def test_a_database_that_is_locked_for_a_while_loses_nothing(service: Any, seen: Any) -> None:
    ordered = service.long()
    ordered.at_work(share=0.1)
    path = make_url(service.installed.settings["DATABASE_URL"]).database
    holder = sqlite3.connect(path, isolation_level=None, timeout=30)
    holder.execute("BEGIN IMMEDIATE")
    answers: list[requests.Response] = []
    asker = threading.Thread(target=lambda: answers.append(service.installed.get(ordered.url)))
    asker.start()
    time.sleep(1.5 * float(service.installed.settings["LEASE_SECONDS"]))
    seen.struck()
    holder.execute("ROLLBACK")
    holder.close()
    asker.join()
    assert answers[0].status_code == 200
    state, error, attempts = ordered.state()
    assert (state, error) == ("succeeded", None)
    assert ordered.outcomes().count("succeeded") == 1
    seen.recovered(f"succeeded with attempt {attempts}")


@contextmanager
def a_full_disk(processes: list[psutil.Process], most_bytes: int) -> Iterator[None]:
    """Have the kernel refuse these processes a file of more than so many bytes, as a quota does."""
    for process in processes:
        _, hard = process.rlimit(psutil.RLIMIT_FSIZE)
        process.rlimit(psutil.RLIMIT_FSIZE, (most_bytes, hard))
    try:
        yield
    finally:
        for process in processes:
            _, hard = process.rlimit(psutil.RLIMIT_FSIZE)
            process.rlimit(psutil.RLIMIT_FSIZE, (resource.RLIM_INFINITY, hard))


@pytest.mark.fault(
    "11.4 the disk full while a worker writes", "failed: storage_full; no partial file; then all is well"
)
def test_a_full_disk_fails_the_job_cleanly_and_the_next_one_is_done(service: Any, seen: Any) -> None:
    with a_full_disk(service.children(), 4 << 20):
        ordered = service.long()
        assert ordered.state() == ("failed", "storage_full", 1)
        assert service.installed.get(f"{ordered.url}/picture").status_code == 409
        assert ordered.pictures() == []
    seen.struck()
    assert service.long().state() == ("succeeded", None, 1)
    seen.recovered("failed: storage_full; the next one succeeded")


@pytest.mark.fault("11.5 the disk full while the web takes an upload", "507 and no order; then all is well")
def test_a_full_disk_refuses_an_upload_and_takes_the_next_one(service: Any, seen: Any) -> None:
    upload = [("photos", ("p.png", service.target + bytes(60 << 20)))]
    before = service.installed.get("/api/v1/tile-sets").json()["items"]
    with a_full_disk(service.children_of("web"), 24 << 20):
        answer = service.installed.post("/api/v1/tile-sets", files=upload)
        assert (answer.status_code, answer.json()["code"]) == (507, "storage_full")
        assert service.installed.get("/api/v1/tile-sets").json()["items"] == before
    seen.struck()
    made = service.installed.post("/api/v1/tile-sets", files=upload)
    assert made.status_code == 202
    assert service.installed.final(made.json()["url"])["job"]["state"] == "succeeded"
    seen.recovered("507; the same upload was taken afterwards")
