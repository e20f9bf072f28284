"""The service at a glance: which workers are alive and at what, what waits, what failed, how full the disk is."""

from collections.abc import Sequence
from datetime import timedelta

from flask import Blueprint, Response, render_template
from flask.typing import ResponseReturnValue

from models import database, service_state
from models.queue import Worker
from models.service_state import ServiceState, Working
from web.context import reading, roll_call, settings, store

bp = Blueprint("service", __name__)


@bp.get("/service")
def show() -> ResponseReturnValue:
    """Show the page."""
    return _rendered("service/show.html")


@bp.get("/service/now")
def now() -> ResponseReturnValue:
    """Show the part of the page that changes."""
    return _rendered("service/now.html")


def _rendered(template: str) -> Response:
    chosen = settings()
    with reading() as session:
        moment = database.now(session)
        state = service_state.look(session, moment, chosen.lease_span, timedelta(seconds=chosen.beat_seconds))
    workers = roll_call().answer()
    response = Response(
        render_template(
            template, state=state, now=moment, free_bytes=store().free_bytes(), asked=workers is not None,
            workers=_at_work(workers or (), state), unclaimed=_unclaimed(workers or (), state),
            ended={queue.lane: queue.ended for queue in state.queues},
            unserved=[queue for queue in state.queues if queue.lane not in {one.lane for one in workers or ()}],
        )
    )  # fmt: skip
    response.headers["Cache-Control"] = "no-store"
    return response


def _at_work(workers: Sequence[Worker], state: ServiceState) -> list[tuple[Worker, list[Working]]]:
    """Return each worker with the running jobs that it is at."""
    running = {each.entry.job.id: each for each in state.working}
    return [(worker, [running[number] for number in worker.job_ids if number in running]) for worker in workers]


def _unclaimed(workers: Sequence[Worker], state: ServiceState) -> list[Working]:
    """Return the running jobs of which no worker that answers says that it is at them."""
    claimed = {number for worker in workers for number in worker.job_ids}
    return [each for each in state.working if each.entry.job.id not in claimed]
