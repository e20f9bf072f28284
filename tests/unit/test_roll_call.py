"""Workers are asked by one thread at a time, and others do not wait for it."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event

from models.errors import QueueUnavailable
from models.queue import Worker
from models.rules.lifecycle import Lane
from web.roll_call import RollCall

EARLIER, NOW = (Worker(Lane.BULK, number, "here", ()) for number in (0, 1))
PATIENCE = 30


class Slow:
    """Workers that answer once they may."""

    def __init__(self) -> None:
        self.asked, self.may_answer = Event(), Event()
        self.answer = [EARLIER]
        self.may_answer.set()

    def __call__(self) -> Sequence[Worker]:
        answer = self.answer
        self.asked.set()
        assert self.may_answer.wait(PATIENCE)
        return answer


def test_who_comes_while_another_asks_has_the_answer_from_before() -> None:
    workers = Slow()
    roll_call = RollCall(workers, 0)
    assert roll_call.answer() == [EARLIER]
    workers.answer = [NOW]
    workers.asked.clear()
    workers.may_answer.clear()
    with ThreadPoolExecutor() as threads:
        first = threads.submit(roll_call.answer)
        assert workers.asked.wait(PATIENCE)
        try:
            assert threads.submit(roll_call.answer).result(PATIENCE) == [EARLIER]
        finally:
            workers.may_answer.set()
        assert first.result(PATIENCE) == [NOW]


def test_workers_are_not_asked_again_at_once() -> None:
    answers = iter([[EARLIER], [NOW]])
    roll_call = RollCall(lambda: next(answers), PATIENCE)
    assert [roll_call.answer(), roll_call.answer()] == [[EARLIER], [EARLIER]]


def test_workers_that_cannot_be_asked_are_none() -> None:
    def refuse() -> Sequence[Worker]:
        raise QueueUnavailable("Redis does not answer.")

    assert RollCall(refuse).answer() is None
