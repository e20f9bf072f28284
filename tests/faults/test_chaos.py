"""Many short jobs, and a while in which anything may be killed at any moment."""

import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from models.rules.lifecycle import AttemptEnd, JobState, Lane
from models.tables import AttemptRecord, Job, Mosaic, Rendition
from worker.jobs import sweep

SEED = 20261124
JOBS = int(os.environ.get("TESSERA_CHAOS_JOBS", "200"))
SECONDS = float(os.environ.get("TESSERA_CHAOS_SECONDS", "15"))
LEAST_INTERRUPTED = max(1, int(SECONDS / 10))
"""Attempts that a kill must have ended, or nothing was put to the test."""


@pytest.mark.fault(
    f"12 {JOBS:,} short jobs; children, workers and Redis killed at random for {SECONDS:g} seconds",
    "all succeed, every file whole, none done twice, no orphans",
)
def test_many_jobs_survive_a_while_of_kills(
    service: Any, seen: Any, send: Any, zipped: Callable[[dict[str, bytes]], bytes]
) -> None:
    targets = zipped({f"{number:04}.png": service.target for number in range(JOBS)})
    batch = service.installed.post(
        "/api/v1/batches", data={"tile_set": service.tile_set["id"], "cells_across": "12", "tile_size": "8"},
        files=[("archive", ("targets.zip", targets))],
    ).json()  # fmt: skip
    assert batch["total"] == JOBS
    killed = _rage(service, send, batch["id"])
    seen.struck()
    _seen_through(service)
    assert service.installed.get(batch["url"]).json()["states"] == {"succeeded": JOBS}
    interrupted = _interrupted(service, batch["id"])
    assert interrupted >= LEAST_INTERRUPTED
    assert all(process.poll() is None for process in service.installed.processes.values())
    _every_succeeded_job_is_whole_and_was_done_once(service, batch["id"])
    sweep.collect(service.services(litter_grace_seconds=0))
    _no_blob_is_an_orphan(service)
    seen.recovered(f"killed {dict(killed)}, {interrupted} attempts interrupted; all {JOBS:,} succeeded")


def _rage(service: Any, send: Any, batch_id: str) -> Counter[str]:
    """Kill something about every second, and be the supervisor of what was killed.

    On a busy machine a kill may hit nobody who works: then it goes on until some did.
    """
    dice = np.random.default_rng(SEED)
    killed: Counter[str] = Counter()
    until = time.monotonic() + SECONDS
    while time.monotonic() < until or (
        _interrupted(service, batch_id) < LEAST_INTERRUPTED and time.monotonic() < until + 3 * SECONDS
    ):
        victim = dice.choice(["child", "child", "child", "worker", "Redis"])
        if victim == "child":
            children = service.wait_for(partial(_at_work, service))
            send(children[dice.integers(len(children))], signal.SIGKILL)
        elif victim == "worker":
            service.kill_worker(Lane.BULK)
        else:
            service.installed.redis.stop(signal.SIGKILL)
            service.installed.redis.start()
        service.keep_up(Lane.BULK)
        killed[str(victim)] += 1
        time.sleep(dice.uniform(0.3, 1.7))
    return killed


def _at_work(service: Any) -> Any:
    """Return the children that work, once there are some: a kill that hits nobody is none."""
    service.keep_up(Lane.BULK)
    return service.children(Lane.BULK)


def _seen_through(service: Any) -> None:
    """Wait until every job is final; fail when for a long time not one more is."""

    def one_more_ended(left: int) -> bool:
        service.keep_up(Lane.BULK)
        return bool(service.unfinished() < left)

    while left := service.unfinished():
        service.wait_for(partial(one_more_ended, left))


def _interrupted(service: Any, batch_id: str) -> int:
    """Return how many attempts at this batch's jobs ended because their lease ran out."""
    expired = (
        select(func.count())
        .select_from(AttemptRecord)
        .join(Mosaic, Mosaic.job_id == AttemptRecord.job_id)
        .where(Mosaic.batch_id == UUID(batch_id), AttemptRecord.outcome == AttemptEnd.EXPIRED)
    )
    with service.rows() as session:
        return int(session.scalars(expired).one())


def _every_succeeded_job_is_whole_and_was_done_once(service: Any, batch_id: str) -> None:
    with service.rows() as session:
        successes = (
            select(AttemptRecord.job_id, func.count().label("times"))
            .where(AttemptRecord.outcome == AttemptEnd.SUCCEEDED)
            .group_by(AttemptRecord.job_id)
        )
        assert {times for _, times in session.execute(successes)} == {1}
        query = select(Mosaic).options(joinedload(Mosaic.first)).join(Job, Job.id == Mosaic.job_id)
        made = session.scalars(query.where(Job.state == JobState.SUCCEEDED)).all()
    assert any(str(mosaic.batch_id) == batch_id for mosaic in made)
    for mosaic in made:
        assert sha256(service.store.get(mosaic.first.key)).hexdigest() == mosaic.first.sha256


def _no_blob_is_an_orphan(service: Any) -> None:
    """Compare the pictures in the store with those that rows name."""
    with service.rows() as session:
        columns = (
            Mosaic.placement_key, Mosaic.preview_key, Mosaic.thumbnail_key, Mosaic.large_thumbnail_key,
            Mosaic.target_preview_key,
        )  # fmt: skip
        named = {key for row in session.execute(select(*columns)) for key in row}
        named |= set(session.scalars(select(Rendition.key)))
    stored = {blob.key for blob in service.store.list("mosaics") if not blob.key.endswith("/target")}
    assert stored == named - {None}
