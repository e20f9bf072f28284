"""Jobs that somebody cancels, whatever they are at: they stay cancelled."""

import signal
from typing import Any

import pytest

from worker.jobs import sweep

CANCELLED = ("cancelled", None)
STAYS = "stays cancelled"


@pytest.mark.fault("10.1 cancel while queued", STAYS)
def test_a_queued_job_that_is_cancelled_is_never_begun(service: Any, seen: Any) -> None:
    service.kill_worker()
    ordered = service.short()
    assert ordered.cancel()["state"] == "cancelled"
    service.start_worker()
    assert service.short().state() == ("succeeded", None, 1)
    assert ordered.state() == (*CANCELLED, 0)
    seen.noted("cancelled, no attempt")


@pytest.mark.fault("10.2 cancel while running", STAYS)
def test_a_running_job_that_is_cancelled_stops_and_stays_so(service: Any, seen: Any) -> None:
    ordered = service.endless()
    ordered.at_work()
    seen.struck()
    assert ordered.cancel()["state"] == "cancelled"
    # Both children are free again long before the job would have ended.
    assert [one.state() for one in (service.short(), service.short())] == [("succeeded", None, 1)] * 2
    seen.recovered("cancelled; its worker took other work")
    assert ordered.state() == (*CANCELLED, 1)
    assert (ordered.outcomes(), ordered.pictures()) == (["cancelled"], [])


@pytest.mark.fault("10.3 cancel while finishing", STAYS)
def test_a_job_that_is_cancelled_while_it_finishes_stays_so_and_leaves_nothing(
    service: Any, seen: Any, send: Any
) -> None:
    ordered = _cancelled_at_its_end(service, send)
    assert service.installed.get(f"{ordered.url}/picture").status_code == 409
    assert service.short().state() == ("succeeded", None, 1)
    assert ordered.state() == (*CANCELLED, 1)
    sweep.collect(service.services(litter_grace_seconds=0))
    assert ordered.pictures() == []
    seen.noted("cancelled; the stored picture was deleted")


def _cancelled_at_its_end(service: Any, send: Any) -> Any:
    """Cancel a job whose picture is stored and whose row does not say so yet."""
    for _ in range(10):
        ordered = service.long()
        children = service.freeze_at_its_end(ordered)
        answer = service.installed.post(f"{ordered.url}/cancel")
        for child in children:
            send(child, signal.SIGCONT)
        if answer.ok and answer.json()["job"]["state"] == "cancelled":
            return ordered
    return pytest.fail("the moment between the blob and the commit was never hit")


@pytest.mark.fault("10.4 cancel with no worker alive", STAYS)
def test_a_job_whose_worker_is_dead_can_be_cancelled_and_stays_so(service: Any, seen: Any) -> None:
    ordered = service.long()
    ordered.at_work(share=0.3)
    service.kill_worker()
    assert ordered.cancel()["state"] == "cancelled"
    service.start_worker()
    # A job that was lost in the same moment would be swept and begun again by now.
    witness = service.long()
    witness.at_work(share=0.3)
    service.restart()
    assert witness.state() == ("succeeded", None, 2)
    assert ordered.state() == (*CANCELLED, 1)
    assert ordered.outcomes() == ["cancelled"]
    seen.noted("cancelled; a lost job beside it was begun again")
