"""One thread tells all pages how far their jobs are, and waits for none of them."""

import socket
import threading
from contextlib import ExitStack

import pytest

from web.connections import Paced, Waiting
from web.streams import Frame, Streams, Subject

ONE, TWO = Subject(1, "/mosaics/a"), Subject(2, "/mosaics/b")
PATIENCE = 60


class Asked:
    """What the pages are to show, and what was asked for at each look."""

    def __init__(self):
        self.shown = {subject: Frame(f"<p>{subject.job_id}</p>", final=False) for subject in (ONE, TWO)}
        self.looks = []

    def __call__(self, subjects):
        self.looks.append(set(subjects))
        return {subject: self.shown[subject] for subject in subjects if subject in self.shown}


@pytest.fixture
def asked():
    return Asked()


@pytest.fixture
def opened():
    """Open a stream of a subject; return the browser's end of it, and what was yielded before it was handed over."""
    with ExitStack() as stack:

        def open_one(streams, subject):
            here, there = socket.socketpair()
            stack.enter_context(here)
            stack.enter_context(there)
            there.settimeout(PATIENCE)
            paced = Paced(here, Waiting(), threading.Semaphore(1))
            return there, b"".join(streams.answer(paced, subject)), paced

        yield open_one


def chunk(text):
    """Return a chunk. Source: RFC 9112, 7.1: its length in hexadecimal digits, itself, each with CRLF behind."""
    return f"{len(text):x}\r\n{text}\r\n".encode()


def test_a_page_is_told_at_once_and_then_only_what_is_new(asked, opened, wait_for):
    there, hello, _ = opened(Streams(asked), ONE)
    assert hello == b"retry: 2000\n\n"
    assert there.recv(100) == chunk("data: <p>1</p>\n\n")
    wait_for(lambda: len(asked.looks) > 2)
    asked.shown[ONE] = Frame("<p>1\n2</p>", final=False)
    assert there.recv(100) == chunk("data: <p>1\ndata: 2</p>\n\n")


def test_pages_of_several_jobs_are_looked_at_together(asked, opened, wait_for):
    streams = Streams(asked)
    for subject in (ONE, TWO, ONE):
        opened(streams, subject)
    wait_for(lambda: {ONE, TWO} in asked.looks)
    assert streams.count == 3


def test_the_last_frame_ends_the_answer(asked, opened, wait_for):
    asked.shown[ONE] = Frame("<p>done</p>", final=True)
    streams = Streams(asked)
    there, _, _ = opened(streams, ONE)
    said = b""
    while came := there.recv(100):
        said += came
    assert said == chunk("data: <p>done</p>\n\n") + b"0\r\n\r\n"
    wait_for(lambda: streams.count == 0)


def test_a_job_that_is_gone_ends_the_answer(asked, opened):
    del asked.shown[ONE]
    there, _, _ = opened(Streams(asked), ONE)
    assert [there.recv(100), there.recv(100)] == [b"0\r\n\r\n", b""]


def test_after_a_look_that_failed_pages_are_let_go(opened):
    def broken(_subjects):
        raise ValueError("nobody foresaw this")

    there, _, _ = opened(Streams(broken), ONE)
    assert [there.recv(100), there.recv(100)] == [b"0\r\n\r\n", b""]


def test_a_client_that_does_not_read_is_disconnected_and_the_others_are_told(asked, opened):
    asked.shown[ONE] = Frame("<p>1</p>" * 1_000_000, final=False)
    streams = Streams(asked)
    slow, _, _ = opened(streams, ONE)
    there, _, _ = opened(streams, TWO)
    assert there.recv(100) == chunk("data: <p>2</p>\n\n")
    while slow.recv(1 << 20):
        pass


def test_a_client_that_has_gone_makes_room(asked, opened):
    streams = Streams(asked, most=1)
    _, _, paced = opened(streams, ONE)
    assert streams.full
    paced.gone()  # as the event loop does
    assert not streams.full


def test_once_it_is_handed_over_a_thread_writes_nothing_more(asked, opened):
    there, _, paced = opened(Streams(asked), ONE)
    paced.sendall(b"0\r\n\r\n")  # as gunicorn does at the end of an answer
    assert there.recv(100) == chunk("data: <p>1</p>\n\n")
