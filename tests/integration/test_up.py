"""`tessera up` and the server's commands, as a person starts and ends them."""

import os
import re
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from cli.service import up
from models import database, migrations
from models.rules.lifecycle import Lane

Start = Callable[..., "Running"]


class Running:
    """A `tessera up` of the tests' own."""

    def __init__(self, tessera: str, folder: Path, *options: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self.output, self.data = folder / "output", folder / "data"
        command = [tessera, "up", "--data", str(self.data), "--port", str(self.port), *options]
        with self.output.open("wb") as file:
            self.process = subprocess.Popen(command, stdout=file, stderr=file, umask=0o022)

    def said(self, words: str) -> re.Match[str] | None:
        assert self.process.poll() is None, self.output.read_text()
        return re.search(words, self.output.read_text())

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def end(self, number: int = signal.SIGINT) -> int:
        self.process.send_signal(number)
        return self.process.wait(60)


@pytest.fixture
def start(tessera: str, tmp_path: Path) -> Iterator[Start]:
    started: list[Running] = []

    def run(*options: str) -> Running:
        started.append(Running(tessera, tmp_path, *options))
        return started[-1]

    yield run
    for running in started:
        if running.process.poll() is None:
            running.end(signal.SIGTERM)


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [each for each in processes if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]


def test_ctrl_c_ends_everything_that_was_started(start: Start, wait_for: Callable[..., Any]) -> None:
    running = start()
    wait_for(lambda: running.said("Tessera is at"))
    children = running.children()
    assert len(children) >= 5
    assert running.end() == 0
    assert alive(children) == []


def test_nothing_that_it_writes_is_open_to_others(start: Start, wait_for: Callable[..., Any]) -> None:
    running = start()
    wait_for(lambda: running.said("Tessera is at"))
    written = [running.data, *running.data.rglob("*")]
    assert len(written) > 10
    assert [str(path) for path in written if path.lstat().st_mode & 0o077] == []


def test_even_kill_9_leaves_no_process_behind(start: Start, wait_for: Callable[..., Any]) -> None:
    running = start()
    wait_for(lambda: running.said("Tessera is at"))
    children = running.children()
    running.end(signal.SIGKILL)
    assert wait_for(lambda: not alive(children))


def test_a_web_server_that_dies_is_started_again(start: Start, wait_for: Callable[..., Any]) -> None:
    running = start()
    wait_for(lambda: running.said("Tessera is at"))
    web = [child for child in running.children() if "web.server" in " ".join(child.cmdline())]
    for child in web:
        child.kill()
    wait_for(lambda: running.said("The web stopped .*; starting it again"))

    def answers() -> bool:
        try:
            return requests.get(f"{running.address}/livez", timeout=5).ok
        except requests.RequestException:
            return False

    assert wait_for(answers)


def test_the_demo_makes_a_set_of_a_thousand_tiles_and_a_mosaic_and_finds_them_again(
    start: Start, wait_for: Callable[..., Any]
) -> None:
    first = start("--demo")
    page = wait_for(lambda: first.said(r"The first mosaic is ready: (http\S+)"), 120).group(1)
    shown = requests.get(page, timeout=30)
    assert "Download JPEG" in shown.text
    (tile_set,) = requests.get(f"{first.address}/api/v1/tile-sets", timeout=30).json()["items"]
    assert tile_set["tile_count"] >= 1_000
    first.end()
    again = start("--demo")
    assert wait_for(lambda: again.said(r"The first mosaic is ready: (http\S+)"), 120)
    assert len(requests.get(f"{again.address}/api/v1/tile-sets", timeout=30).json()["items"]) == 1


def test_the_first_page_offers_photos_to_play_with_and_makes_one_set_of_them(
    start: Start, wait_for: Callable[..., Any]
) -> None:
    running = start()
    wait_for(lambda: running.said("Tessera is at"))
    browser = requests.Session()

    def page() -> str | None:
        text = browser.get(running.address, timeout=30).text
        return text if "Play with demo photos" in text else None

    token = re.search(r'name="csrf_token" value="([^"]+)"', wait_for(page, 60))
    assert token is not None
    form = {"csrf_token": token[1]}
    first, second = (browser.post(f"{running.address}/demo", data=form, timeout=60) for _ in range(2))
    assert re.fullmatch(rf"{running.address}/tile-sets/[-0-9a-f]+", first.url)
    assert second.url == first.url
    (tile_set,) = requests.get(f"{running.address}/api/v1/tile-sets", timeout=30).json()["items"]
    assert wait_for(lambda: requests.get(running.address + tile_set["url"], timeout=30).json()["job"]["final"], 120)
    assert requests.get(running.address + tile_set["url"], timeout=30).json()["tile_count"] >= 1_000


def test_a_taken_port_is_one_clear_sentence(tessera: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [tessera, "up", "--data", str(tmp_path), "--port", str(port)]
        refused = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert refused.returncode == 2
    assert refused.stderr.startswith(f"tessera: Port {port} cannot be used")
    assert f"tessera up --port {port + 1}" in refused.stderr


@pytest.mark.parametrize("name", ["holiday.jpg", "lock.txt", "logs/web.log", "store/holiday.jpg"])
def test_a_folder_of_somebodys_is_refused_and_stays_as_it_is(tessera: str, tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    for path in (tmp_path / name, tmp_path / "lock"):
        path.write_bytes(b"somebody's")
    tmp_path.chmod(0o755)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [tessera, "up", "--data", str(tmp_path), "--port", str(port)]
    refused = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (refused.returncode, refused.stdout) == (2, "")
    first = name.partition("/")[0]
    assert refused.stderr.startswith(
        f"tessera: The folder {tmp_path} holds files that are not Tessera's, such as {first}"
    )
    assert {path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == {b"somebody's"}
    assert tmp_path.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize(
    "left", [["lock"], ["lock", "secret-key.new"], ["lost+found/"], [".DS_Store"], ["tessera.db", "a.txt"]]
)
def test_a_folder_that_is_ours_or_as_good_as_empty_is_taken(tmp_path: Path, left: list[str]) -> None:
    for name in left:
        (tmp_path / name).mkdir() if name.endswith("/") else (tmp_path / name).touch()
    with up._own(tmp_path):
        assert (tmp_path / "lock").exists()


def test_two_cannot_share_a_data_folder(
    start: Start, tessera: str, tmp_path: Path, wait_for: Callable[..., Any]
) -> None:
    running = start()
    wait_for(lambda: running.said("Tessera is at"))
    command = [tessera, "up", "--data", str(tmp_path / "data"), "--port", str(running.port + 1)]
    refused = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert refused.returncode == 2
    assert "Another Tessera is running on" in refused.stderr


@pytest.fixture
def server_settings(tmp_path: Path, new_database: Callable[[str], str], redis_running: Any) -> dict[str, str]:
    return {
        "TESSERA_DATABASE_URL": new_database("postgresql"), "TESSERA_REDIS_URL": redis_running.url,
        "TESSERA_STORE": f"file://{tmp_path / 'store'}",
        "TESSERA_ACCESS_TOKEN": "t" * 16, "TESSERA_SECRET_KEY": "s" * 16,
    }  # fmt: skip


def ran(tessera: str, settings: dict[str, str], *command: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TESSERA_")}
    return subprocess.run([tessera, *command], env=kept | settings, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(
    ("command", "missing"),
    [
        *((command, "ACCESS_TOKEN") for command in ("web", "worker", "sweep", "migrate")),
        *(("web", missing) for missing in ("SECRET_KEY", "DATABASE_URL", "REDIS_URL", "STORE")),
    ],
)
def test_a_server_does_not_start_without_each_of_its_settings(
    tessera: str, server_settings: dict[str, str], command: str, missing: str
) -> None:
    del server_settings[f"TESSERA_{missing}"]
    refused = ran(tessera, server_settings, command)
    assert refused.returncode == 2
    assert f"TESSERA_{missing}" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_token_that_can_be_guessed_is_refused(tessera: str, server_settings: dict[str, str]) -> None:
    refused = ran(tessera, server_settings | {"TESSERA_ACCESS_TOKEN": "secret"}, "web")
    assert refused.returncode == 2
    assert "at least 16 characters" in refused.stderr
    assert "'secret'" not in refused.stderr


def test_migrate_brings_an_empty_database_to_the_newest_version(
    tessera: str, server_settings: dict[str, str], tmp_path: Path
) -> None:
    server_settings["TESSERA_DATABASE_URL"] = f"sqlite:///{tmp_path / 'new.db'}"
    assert ran(tessera, server_settings, "migrate").returncode == 0
    engine = database.connect(server_settings["TESSERA_DATABASE_URL"])
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM jobs").scalar() == 0
    engine.dispose()


def test_the_doctor_is_content_with_this_machine(tessera: str) -> None:
    seen = ran(tessera, {}, "doctor")
    assert (seen.returncode, "MISSING" in seen.stdout) == (0, False), seen.stdout
    assert "Redis server" in seen.stdout


def test_the_doctor_finds_a_server_well(tessera: str, server_settings: dict[str, str]) -> None:
    seen = ran(tessera, server_settings, "doctor")
    assert seen.returncode == 0, seen.stdout
    newest = max(path.name for path in (Path(migrations.__file__).parent / "versions").glob("0*.py"))[:4]
    assert re.search(rf"ok +database +postgresql, version {newest}", seen.stdout)


@pytest.mark.parametrize(
    ("setting", "value", "subject"),
    [
        ("TESSERA_REDIS_URL", "redis://127.0.0.1:1/0", "Redis"),
        ("TESSERA_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none", "database"),
        ("TESSERA_STORE", "file:///proc/nowhere", "store"),
    ],
)
def test_the_doctor_says_what_a_server_lacks(
    tessera: str, server_settings: dict[str, str], setting: str, value: str, subject: str
) -> None:
    seen = ran(tessera, server_settings | {setting: value}, "doctor")
    assert seen.returncode == 1
    assert re.findall(r"MISSING +(\w+)", seen.stdout) == [subject]


def test_a_worker_and_its_lanes_end_on_sigterm(
    tessera: str, server_settings: dict[str, str], tmp_path: Path, wait_for: Callable[..., Any]
) -> None:
    log = tmp_path / "log"
    with log.open("wb") as file:
        worker = subprocess.Popen([tessera, "worker"], env=os.environ | server_settings, stdout=file, stderr=file)
    try:
        wait_for(lambda: log.read_text().count(" ready.") == len(Lane))
        children = psutil.Process(worker.pid).children(recursive=True)
    finally:
        worker.terminate()
        assert worker.wait(60) == 0
    assert alive(children) == []
