"""Child processes that belong together, with real ones."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

import cli
from cli.service import supervisor
from cli.service.supervisor import ChildrenFailed, Supervisor

ENDING = [signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM]
ROOT = Path(cli.__file__).parents[1]


def python(code: str, *words: object) -> list[str]:
    return [sys.executable, "-S", "-c", code, *map(str, words)]


SLEEP = python("import time; time.sleep(60)")
NOTE_AND_SLEEP = "import os, sys, time; open(sys.argv[1], 'a').write(f'{os.getpid()}\\n'); time.sleep(60)"


@pytest.fixture
def children():
    """A supervisor; the signals are this program's own again afterwards, and a watch without end is a failure."""

    def too_long(_number: int, _frame: object) -> None:
        raise TimeoutError

    before_alarm = signal.signal(signal.SIGALRM, too_long)
    signal.alarm(30)
    before = {number: signal.getsignal(number) for number in ENDING}
    with Supervisor() as started:
        yield started
    signal.alarm(0)
    for number, handler in (before | {signal.SIGALRM: before_alarm}).items():
        signal.signal(number, handler)


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def eventually(claim) -> bool:
    deadline = time.monotonic() + 20
    while not claim():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def test_children_run_until_they_are_ended(children, tmp_path):
    children.start("sleeper", python(NOTE_AND_SLEEP, tmp_path / "pids"))
    children.watch(until=lambda: bool(lines(tmp_path / "pids")))
    child = psutil.Process(int(lines(tmp_path / "pids")[0]))
    children.end()
    assert not child.is_running()


def test_a_child_that_dies_is_started_again(children, tmp_path):
    children.start("sleeper", python(NOTE_AND_SLEEP, tmp_path / "pids"))
    children.watch(until=lambda: len(lines(tmp_path / "pids")) == 1)
    psutil.Process(int(lines(tmp_path / "pids")[0])).kill()
    children.watch(until=lambda: len(lines(tmp_path / "pids")) == 2)
    assert psutil.pid_exists(int(lines(tmp_path / "pids")[1]))


def test_a_restart_is_told(children, tmp_path, capsys):
    code = "import sys; open(sys.argv[1], 'a').write('x\\n'); sys.exit(3)"
    children.start("fragile one", python(code, tmp_path / "runs"))
    children.watch(until=lambda: len(lines(tmp_path / "runs")) >= 2)
    assert "The fragile one stopped (exit code 3); starting it again." in capsys.readouterr().err


def test_a_child_that_dies_five_times_in_a_minute_is_given_up(children, tmp_path):
    code = "import sys; open(sys.argv[1], 'a').write('x\\n'); sys.exit(3)"
    children.start("fragile one", python(code, tmp_path / "runs"))
    with pytest.raises(ChildrenFailed, match="fragile one does not stay up"):
        children.watch(until=lambda: False)
    assert len(lines(tmp_path / "runs")) == 5


def test_giving_up_shows_the_last_fifteen_lines_of_the_log(children, tmp_path):
    code = "import sys\nfor n in range(20): print('line', n)\nsys.exit(3)"
    children.start("fragile one", python(code), tmp_path / "log")
    with pytest.raises(ChildrenFailed) as failed:
        children.watch(until=lambda: False)
    shown = str(failed.value).splitlines()[1:]
    assert (len(shown), shown[0], shown[-1]) == (15, "line 5", "line 19")


def test_the_output_of_a_child_goes_into_its_log(children, tmp_path):
    code = "import sys, time; print('out', flush=True); print('err', file=sys.stderr, flush=True); time.sleep(60)"
    children.start("speaker", python(code), tmp_path / "log")
    children.watch(until=lambda: len(lines(tmp_path / "log")) == 2)
    assert lines(tmp_path / "log") == ["out", "err"]


def test_a_child_has_the_environment_it_was_given(tmp_path):
    code = (
        "import os, time; print(os.environ.get('TESSERA_TEST'), os.environ.get('HOME'), flush=True); time.sleep(60)"
    )
    started = Supervisor({"TESSERA_TEST": "given"})
    started.start("speaker", python(code), tmp_path / "log")
    assert eventually(lambda: lines(tmp_path / "log") == ["given None"])
    started.end()


def test_children_are_ended_in_the_opposite_order(children, tmp_path):
    # Each child notes its end, and takes a little longer over it the earlier it was started.
    code = (
        "import signal, sys, time\n"
        "def end(*_):\n    open(sys.argv[2], 'a').write(sys.argv[1] + '\\n'); sys.exit()\n"
        "signal.signal(signal.SIGTERM, end)\n"
        "open(sys.argv[2] + '-up', 'a').write('x\\n')\n"
        "time.sleep(60)"
    )
    order = tmp_path / "order"
    for number, name in enumerate(("first", "second"), start=1):
        children.start(name, python(code, name, order))
        assert eventually(lambda up=number: len(lines(tmp_path / "order-up")) == up)
    asked: list[str] = []
    for child in children._children:
        terminate = child.process.terminate

        def note(name: str = child.name, terminate: object = terminate) -> None:
            asked.append(name)
            terminate()

        child.process.terminate = note
    children.end()
    assert (asked, sorted(lines(order))) == (["second", "first"], ["first", "second"])


def test_a_child_that_does_not_listen_is_ended_with_its_own_children(children, tmp_path, monkeypatch):
    monkeypatch.setattr(supervisor, "GRACE_SECONDS", 0.2)  # ten seconds in earnest
    deaf = (
        "import signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = subprocess.Popen([sys.executable, '-S', '-c', 'import time; time.sleep(60)'])\n"
        "open(sys.argv[1], 'a').write(f'{child.pid}\\n')\n"
        "time.sleep(60)"
    )
    children.start("deaf one", python(deaf, tmp_path / "pids"))
    children.watch(until=lambda: bool(lines(tmp_path / "pids")))
    grandchild = psutil.Process(int(lines(tmp_path / "pids")[0]))
    children.end()
    assert eventually(lambda: not grandchild.is_running() or grandchild.status() == psutil.STATUS_ZOMBIE)


@pytest.mark.parametrize("number", ENDING)
def test_a_signal_ends_the_watch(children, number):
    children.start("sleeper", SLEEP)
    signal.raise_signal(number)
    children.watch()
    assert children.stopping


def test_a_signal_that_is_ignored_by_whoever_started_it_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Supervisor() as started:
            signal.raise_signal(signal.SIGHUP)
            assert not started.stopping
    finally:
        signal.signal(signal.SIGHUP, before)


def test_the_watch_ends_when_its_reason_does(children):
    children.start("sleeper", SLEEP)
    children.watch(until=lambda: True)
    assert not children.stopping


def test_children_end_with_a_supervisor_that_is_killed(tmp_path):
    if sys.platform != "linux":
        pytest.skip("only Linux tells a child of its parent's death")
    code = (
        "import sys\nfrom cli.service.supervisor import Supervisor\n"
        "with Supervisor() as children:\n"
        "    children.start('sleeper', [sys.executable, '-S', '-c', sys.argv[1], sys.argv[2]])\n"
        "    children.watch()\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code, NOTE_AND_SLEEP, str(tmp_path / "pids")], cwd=ROOT)
    assert eventually(lambda: bool(lines(tmp_path / "pids")))
    child = psutil.Process(int(lines(tmp_path / "pids")[0]))
    parent.kill()
    parent.wait()
    assert eventually(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)
