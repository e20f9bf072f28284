"""What people see while they wait."""

import io
import re

from cli import progress_bar


class Terminal(io.StringIO):
    def isatty(self):
        return True


def shown(monkeypatch, stream, news):
    monkeypatch.setattr("sys.stderr", stream)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TERM", "xterm")
    with progress_bar.Bar() as bar:
        for reported in news:
            bar(*reported)
    return stream.getvalue()


NEWS = [("indexing", done, 100) for done in range(0, 101, 20)]


def test_progress_that_lasts_shows_how_many_are_done_and_how_many_a_second(monkeypatch):
    monkeypatch.setattr(progress_bar, "QUIET_SECONDS", 0.0)
    seen = shown(monkeypatch, Terminal(), NEWS)
    assert "indexing" in seen
    assert re.search(r"100/100 [\d,]+/s", re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", seen))


def test_a_quick_run_shows_nothing(monkeypatch):
    assert shown(monkeypatch, Terminal(), NEWS) == ""


def test_without_a_terminal_nothing_is_shown(monkeypatch):
    monkeypatch.setattr(progress_bar, "QUIET_SECONDS", 0.0)
    assert shown(monkeypatch, io.StringIO(), NEWS) == ""
