"""The whole service over real HTTP: form, row, queue, worker, poll, download; and what is killed in between."""

import io
import json
import os
import re
import signal
import subprocess
import zipfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from PIL import ExifTags, Image
from pypdfium2 import PdfDocument
from sqlalchemy import func, select

from cli.service import processes
from models.rules.formats import LOSSY, Format
from models.rules.lifecycle import JobState, Lane
from models.tables import Job, Mosaic

ORDER = {
    "cells_across": "24", "tile_size": "16", "detail": "0.6", "flips": "yes", "max_uses": "100", "min_distance": "2",
    "tint": "0.25",
}  # fmt: skip
LONG = {"cells_across": "240", "tile_size": "40", "fit": "resize"}
"""A mosaic of 9,600 x 6,400 pixels: long enough to be interrupted."""


@pytest.fixture(scope="module")
def tile_set(installation: Any, photos: dict[str, bytes]) -> dict[str, Any]:
    made: dict[str, Any] = installation.tile_set(photos)
    assert (made["job"]["state"], made["tile_count"], made["skipped_count"]) == ("succeeded", len(photos), 0)
    return made


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory, tessera: str, photos: dict[str, bytes], target: bytes) -> Path:
    """What the command line makes of the same photos, target and order: o.png and o.json."""
    folder = tmp_path_factory.mktemp("by-command")
    for name, data in photos.items():
        path = folder / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (folder / "target.png").write_bytes(target)
    command = [
        tessera,
        "render",
        "target.png",
        "--tiles",
        "photos",
        "--cells",
        "24",
        "--tile-size",
        "16",
        *("--detail", "0.6", "--flips", "--max-uses", "100", "--min-distance", "2", "--tint", "0.25"),
        *("--out", "o.png", "--report", "o.json"),
    ]
    environment = os.environ | {"XDG_CACHE_HOME": str(folder / "cache")}
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def by_command(results: Path) -> np.ndarray:
    """The pixels that the command line makes of the same photos, target and order."""
    return pixels((results / "o.png").read_bytes())


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)))


def test_a_print_has_its_size_on_paper_and_lies_as_its_target_does(
    installation: Any, tile_set: dict[str, Any], target: bytes
) -> None:
    # The target lies across, 60 x 90 mm stands: 90 x 254 / 25.4 pixels are 900.
    fields = {"print": "60x90mm", "dpi": "254", "cells_across": "7", "format": "jpeg"}
    done = installation.final(installation.order(tile_set, target, **fields)["url"])
    assert (done["job"]["error"], done["columns"], done["rows"]) == (None, 10, 7)
    assert (done["on_paper"]["width_mm"], done["on_paper"]["height_mm"]) == (90, 60)
    with Image.open(io.BytesIO(installation.get(done["picture"]).content)) as picture:
        assert (picture.size, picture.info["dpi"]) == ((900, 600), (254, 254))


def test_a_mosaic_ordered_by_json_is_the_one_that_the_command_makes(
    installation: Any, tile_set: dict[str, Any], target: bytes, by_command: np.ndarray, results: Path
) -> None:
    done = installation.final(installation.order(tile_set, target, **ORDER)["url"])
    assert (done["job"]["state"], done["job"]["error"]) == ("succeeded", None)
    picture = installation.get(done["picture"])
    assert picture.headers["Content-Type"] == "image/png"
    assert len(picture.content) == done["bytes"]
    np.testing.assert_array_equal(pixels(picture.content), by_command)
    report = json.loads((results / "o.json").read_text())
    assert (done["quality"], done["order"]["max_uses"]) == (report["quality"], 100)
    assert picture.headers["ETag"] == f'"{sha256(picture.content).hexdigest()}"'
    known = installation.get(done["picture"], headers={"If-None-Match": picture.headers["ETag"]})
    assert (known.status_code, known.content) == (304, b"")
    beyond = installation.get(done["picture"], headers={"Range": f"bytes={done['bytes']}-"})
    assert (beyond.status_code, beyond.headers["Content-Range"]) == (416, f"bytes */{done['bytes']}")
    assert beyond.headers["Content-Type"] == "application/problem+json"
    part = installation.get(done["picture"], headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, picture.content[100:200])


def test_a_mosaic_ordered_by_form_is_the_same_and_its_page_shows_it(
    installation: Any, tile_set: dict[str, Any], target: bytes, by_command: np.ndarray, wait_for: Callable[..., Any]
) -> None:
    browser, address = browser_of(installation), installation.address
    form = {"csrf_token": token_in(browser.get(f"{address}/mosaics/new").text), "tile_set": tile_set["id"], **ORDER}
    page = browser.post(f"{address}/mosaics", data=form, files={"target": ("holiday.png", target)})
    assert page.url.startswith(f"{address}/mosaics/")
    done = wait_for(lambda: _when("Download PNG", browser.get(page.url).text))
    assert "http-equiv" not in done
    assert "SSIM at four pixels a cell" in done
    np.testing.assert_array_equal(pixels(browser.get(f"{page.url}/picture").content), by_command)
    preview = browser.get(f"{page.url}/preview")
    assert (preview.headers["Content-Type"], pixels(preview.content).shape) == ("image/jpeg", by_command.shape)
    assert f'src="/mosaics/{page.url.rpartition("/")[2]}/thumbnail"' in browser.get(f"{address}/mosaics").text
    thumbnail = browser.get(f"{page.url}/thumbnail")
    assert (thumbnail.headers["Content-Type"], len(thumbnail.content) <= 20_000) == ("image/webp", True)
    large = browser.get(f"{page.url}/thumbnail/large")
    assert (large.headers["Content-Type"], len(large.content) <= 40_000) == ("image/webp", True)
    for small in (thumbnail, large):
        np.testing.assert_allclose(pixels(small.content).mean((0, 1)), by_command.mean((0, 1)), atol=4)


@pytest.mark.parametrize("form", [form for form in Format if form not in {Format.PNG, Format.PDF, Format.PYRAMID}])
def test_a_mosaic_of_each_format_is_shown_and_downloaded_as_what_it_is(
    installation: Any, tile_set: dict[str, Any], target: bytes, by_command: np.ndarray, form: Format
) -> None:
    saving = {"dpi": "150"} | ({"file_quality": "95"} if form in LOSSY else {})
    done = installation.final(installation.order(tile_set, target, **ORDER, format=form, **saving)["url"])
    assert (done["job"]["error"], done["order"]["dpi"]) == (None, 150)
    picture = installation.get(done["picture"])
    assert picture.headers["Content-Type"] == form.facts.media_type
    assert picture.headers["Content-Disposition"].endswith(f'{form.facts.suffix}"')
    with Image.open(io.BytesIO(picture.content)) as image:
        assert image.get_format_mimetype() == form.facts.media_type
        dots = image.info.get("dpi") or (image.getexif()[ExifTags.Base.XResolution],)
        assert dots[0] == 150
        apart = np.abs(np.asarray(image).astype(int) - by_command).mean()
    assert apart < 6 if form in LOSSY else apart == 0, apart
    page = installation.address + done["url"].removeprefix("/api/v1")
    browser = browser_of(installation)
    assert f"Download {form.facts.title}" in browser.get(page).text
    preview = browser.get(f"{page}/preview")
    assert (preview.headers["Content-Type"], pixels(preview.content).shape) == ("image/jpeg", by_command.shape)


def test_a_pdf_in_pages_is_shown_as_a_picture_and_downloaded(
    installation: Any, tile_set: dict[str, Any], target: bytes
) -> None:
    # 150 x 100 mm on A6, 85 x 128 without its margins: lying (150 - 10) / 118 and (100 - 10) / 75, upright
    # (150 - 10) / 75 and one; so two pages upright, and the plan.
    asked = {"print": "15x10cm", "tile": "10mm", "dpi": "127", "format": "pdf", "pages": "a6", "bleed": "1mm"}
    done = installation.final(installation.order(tile_set, target, **asked)["url"])
    order = done["order"]
    assert (done["job"]["error"], order["pages"], order["bleed"], order["overlap"]) == (None, "a6", 1, None)
    picture = installation.get(done["picture"])
    assert picture.headers["Content-Type"] == "application/pdf"
    assert picture.headers["Content-Disposition"].endswith('.pdf"')
    document = PdfDocument(picture.content)
    assert [page.get_size() for page in document] == [pytest.approx((105 / 25.4 * 72, 148 / 25.4 * 72))] * 3
    page = browser_of(installation).get(installation.address + done["url"].removeprefix("/api/v1"))
    assert "Download PDF" in page.text
    assert "On paper: 152.0 x 102.0 mm" in page.text
    assert "2 pages of A6, upright, 2 across and 1 down, overlapping by 10 mm" in page.text
    preview = browser_of(installation).get(f"{page.url}/preview")
    assert pixels(preview.content).shape == (done["height"], done["width"], 3)


@pytest.mark.parametrize(("asked", "field"), [
    ({"pages": "a4", "format": "pdf"}, "print"),
    ({"print": "60x40cm", "pages": "a4"}, "pages"),
    ({"print": "60x40cm", "pages": "a99", "format": "pdf"}, "pages"),
    ({"print": "60x40cm", "pages": "a4", "format": "pdf", "overlap": "1km"}, "overlap"),
    ({"print": "60x40cm", "pages": "a4", "format": "pdf", "overlap": "much"}, "overlap"),
])  # fmt: skip
def test_pages_that_cannot_be_are_refused_before_anything_is_stored(
    installation: Any, tile_set: dict[str, Any], target: bytes, asked: dict[str, str], field: str
) -> None:
    refused = installation.post(
        "/api/v1/mosaics", data={"tile_set": tile_set["id"], **asked}, files={"target": target}
    )
    assert (refused.status_code, refused.json()["field"]) == (422, field)


def browser_of(installation: Any) -> requests.Session:
    """A browser that may see all pages."""
    browser = requests.Session()
    if installation.mode == "server":
        address = f"{installation.address}/login"
        door = browser.get(address).text
        browser.post(address, data={"csrf_token": token_in(door), "token": installation.settings["ACCESS_TOKEN"]})
    return browser


def _when(words: str, text: str) -> str | None:
    return text if words in text else None


def _row(page: str, words: str) -> str:
    """Return the row of a table that has these words."""
    return next(row for row in page.split("<tr>") if words in row)


def token_in(page: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found is not None
    return found.group(1)


@pytest.mark.parametrize("way", ["files", "zip"])
def test_a_batch_of_twenty_gives_twenty_mosaics_in_one_zip(
    installation: Any, tile_set: dict[str, Any], target: bytes, by_command: np.ndarray,
    zipped: Callable[..., bytes], wait_for: Callable[..., Any], way: str,
) -> None:  # fmt: skip
    if way == "files":
        files = [("targets", (f"guest {number}.png", target)) for number in range(20)]
    else:
        entries = {f"guests/guest {number}.png": target for number in range(20)}
        files = [("archive", ("guests.zip", zipped(entries)))]
    made = installation.post("/api/v1/batches", data={"tile_set": tile_set["id"], **ORDER}, files=files).json()
    assert made["total"] == 20
    done = wait_for(lambda: (shown := installation.get(made["url"]).json())["final"] and shown)
    assert (done["states"], done["progress"]) == ({"succeeded": 20}, 1.0)
    answer = installation.get(done["archive"])
    assert int(answer.headers["Content-Length"]) == len(answer.content)
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert sorted(archive.namelist())[:2] == ["0001-guest-0.png", "0002-guest-1.png"]
        assert len(archive.namelist()) == 20
        for name in archive.namelist():
            np.testing.assert_array_equal(pixels(archive.read(name)), by_command)


def test_one_bad_target_of_a_batch_fails_alone(
    installation: Any,
    tile_set: dict[str, Any],
    target: bytes,
    zipped: Callable[..., bytes],
    wait_for: Callable[..., Any],
) -> None:
    entries = {"good.png": target, "notes.txt": b"not a picture", "cut.png": target[: len(target) // 2]}
    files = [("archive", ("mixed.zip", zipped(entries)))]
    made = installation.post("/api/v1/batches", data={"tile_set": tile_set["id"], **ORDER}, files=files).json()
    done = wait_for(lambda: (shown := installation.get(made["url"]).json())["final"] and shown)
    codes = [(item["job"]["error"] or {}).get("code") for item in installation.get(done["mosaics"]).json()["items"]]
    assert codes[:2] == [None, "not_a_picture"]
    assert codes[2] in {"truncated_picture", "damaged_picture"}
    assert done["archive"] is not None


def test_a_single_order_does_not_wait_behind_a_long_batch(
    installation: Any, tile_set: dict[str, Any], target: bytes
) -> None:
    files = [("targets", (f"{number}.png", target)) for number in range(8)]
    batch = installation.post("/api/v1/batches", data={"tile_set": tile_set["id"], **LONG}, files=files).json()
    done = installation.final(installation.order(tile_set, target, **ORDER)["url"])
    shown = installation.get(batch["url"]).json()
    installation.post(f"{batch['url']}/cancel")
    assert done["job"]["state"] == "succeeded"
    assert not shown["final"]


def test_photos_can_come_as_single_files_and_bad_ones_are_lines_in_the_report(
    installation: Any, photos: dict[str, bytes], target: bytes
) -> None:
    good = list(photos.items())[:5]
    bad = {"empty.png": b"", "notes.txt": b"not a picture", "cut.png": target[:300]}
    files = [("photos", (name, data)) for name, data in [*good, *bad.items(), ("again.png", good[0][1])]]
    made = installation.post("/api/v1/tile-sets", data={"name": "mixed"}, files=files).json()
    done = installation.final(made["url"])
    assert (done["job"]["state"], done["tile_count"], done["skipped_count"]) == ("succeeded", 5, 4)
    codes = {line["name"]: line["code"] for line in done["skipped"]}
    assert codes.pop("cut.png") in {"truncated_picture", "damaged_picture"}
    assert codes == {"empty.png": "empty_file", "notes.txt": "not_a_picture", "again.png": "duplicate"}


def test_a_set_without_a_usable_photo_fails_and_says_why_for_each(installation: Any) -> None:
    files = [("photos", (name, b"not a picture")) for name in ("a.jpg", "b.jpg")]
    made = installation.post("/api/v1/tile-sets", files=files).json()
    done = installation.final(made["url"])
    assert (done["job"]["state"], done["job"]["error"]["code"]) == ("failed", "no_usable_tiles")
    assert {line["name"]: line["code"] for line in done["skipped"]} == {
        "a.jpg": "not_a_picture",
        "b.jpg": "not_a_picture",
    }


def test_a_target_whose_end_is_missing_fails_with_a_clear_sentence(
    installation: Any, tile_set: dict[str, Any], target: bytes
) -> None:
    file = io.BytesIO()
    Image.open(io.BytesIO(target)).save(file, "JPEG", quality=95)
    done = installation.final(installation.order(tile_set, file.getvalue()[:2_000], **ORDER)["url"])
    assert done["job"]["error"] == {
        "code": "truncated_picture", "detail": "The picture is truncated: its end is missing."
    }  # fmt: skip
    assert installation.get(f"{done['url']}/picture").status_code == 409


def running(installation: Any, url: str, wait_for: Callable[..., Any], share: float = 0.0) -> dict[str, Any]:
    """Wait until a job is at work, and well into it."""

    def at_work() -> Any:
        shown = installation.get(url).json()
        assert not shown["job"]["final"], shown["job"]
        return shown if shown["job"]["state"] == "running" and shown["job"]["progress"] >= share else None

    answer: dict[str, Any] = wait_for(at_work)
    return answer


def test_a_job_whose_worker_child_is_killed_is_done_once_by_another_attempt(
    installation: Any, tile_set: dict[str, Any], target: bytes, wait_for: Callable[..., Any]
) -> None:
    ordered = installation.order(tile_set, target, **LONG)
    running(installation, ordered["url"], wait_for, share=0.5)
    for child in installation.children("interactive-worker"):
        child.send_signal(signal.SIGKILL)
    done = installation.final(ordered["url"])
    assert (done["job"]["state"], done["job"]["attempt"]) == ("succeeded", 2)
    picture = installation.get(done["picture"]).content
    assert Image.open(io.BytesIO(picture)).size == (9_600, 6_400)
    assert published(installation, ordered["id"]) == [2]


def published(installation: Any, mosaic_id: str) -> list[int]:
    """Return which attempts have a picture in the store."""
    found = installation.services().store.list(f"mosaics/{mosaic_id}")
    return sorted(int(blob.key.split("/")[2].partition("-")[2]) for blob in found if blob.key.endswith(".png"))


def test_a_job_whose_whole_worker_is_killed_is_done_by_another_attempt(
    installation: Any, tile_set: dict[str, Any], target: bytes, wait_for: Callable[..., Any]
) -> None:
    ordered = installation.order(tile_set, target, **LONG)
    running(installation, ordered["url"], wait_for, share=0.5)
    children = installation.children("interactive-worker")
    installation.processes["interactive-worker"].send_signal(signal.SIGKILL)
    for child in children:
        child.send_signal(signal.SIGKILL)
    installation.processes["interactive-worker"].wait()
    installation.start_one("interactive-worker", processes.lane_worker(Lane.INTERACTIVE, 2))
    done = installation.final(ordered["url"])
    assert (done["job"]["state"], done["job"]["attempt"]) == ("succeeded", 2)


def test_a_lost_message_costs_time_and_nothing_else(
    installation: Any, tile_set: dict[str, Any], target: bytes, wait_for: Callable[..., Any]
) -> None:
    worker = installation.processes["interactive-worker"]
    worker.send_signal(signal.SIGSTOP)
    try:
        ordered = [installation.order(tile_set, target, **ORDER) for _ in range(5)]
        assert wait_for(lambda: installation.redis.client.llen("interactive"))
        installation.redis.client.flushall()
    finally:
        worker.send_signal(signal.SIGCONT)
    for each in ordered:
        done = installation.final(each["url"])
        assert (done["job"]["state"], done["job"]["attempt"]) == ("succeeded", 1)


def test_ten_messages_for_one_job_give_one_result(installation: Any, tile_set: dict[str, Any], target: bytes) -> None:
    ordered = installation.order(tile_set, target, **ORDER)
    services = installation.services()
    with services.sessions() as session:
        job_id = session.scalars(select(Mosaic.job_id).order_by(Mosaic.created_at.desc()).limit(1)).one()
    ring = (
        "from models import queue, settings; from models.rules.lifecycle import *; "
        "queue.connect(settings.load(), 'publisher'); "
        f"[queue.ring(Doorbell(JobKind.RENDER, {job_id}, Lane.INTERACTIVE)) for _ in range(10)]"
    )
    environment = os.environ | {f"TESSERA_{name}": value for name, value in installation.settings.items()}
    subprocess.run([processes.sys.executable, "-c", ring], env=environment, check=True)
    done = installation.final(ordered["url"])
    assert (done["job"]["state"], done["job"]["attempt"]) == ("succeeded", 1)
    assert published(installation, ordered["id"]) == [1]


def test_orders_taken_while_redis_is_down_are_done_when_it_returns(
    installation: Any, tile_set: dict[str, Any], target: bytes
) -> None:
    installation.redis.stop(signal.SIGKILL)
    try:
        ordered = installation.order(tile_set, target, **ORDER)
        assert installation.get(ordered["url"]).json()["job"]["state"] == "queued"
    finally:
        installation.redis.start()
    assert installation.final(ordered["url"])["job"]["state"] == "succeeded"


def test_a_running_job_is_told_of_its_worker_can_be_cancelled_and_stays_so(
    installation: Any, tile_set: dict[str, Any], target: bytes, wait_for: Callable[..., Any]
) -> None:
    ordered = installation.order(tile_set, target, **LONG)
    running(installation, ordered["url"], wait_for)
    page = browser_of(installation).get(f"{installation.address}/service").text
    rows = {lane: _row(page, f"process {installation.processes[f'{lane}-worker'].pid} on ") for lane in Lane}
    assert f"/mosaics/{ordered['id']}" in rows[Lane.INTERACTIVE]
    assert "Idle: the last of these was through" in rows[Lane.INDEXING]
    assert "Idle" in rows[Lane.BULK]
    assert "No worker answers" not in page
    assert installation.post(f"{ordered['url']}/cancel").json()["job"]["state"] == "cancelled"
    after = installation.final(installation.order(tile_set, target, **ORDER)["url"])
    assert after["job"]["state"] == "succeeded"
    assert installation.get(ordered["url"]).json()["job"]["state"] == "cancelled"


def test_afterwards_every_job_is_final_and_no_attempt_is_doubled(
    installation: Any, wait_for: Callable[..., Any]
) -> None:
    def left() -> int:
        with installation.services().sessions() as session:
            return session.scalars(
                select(func.count()).where(Job.state.in_([JobState.QUEUED, JobState.RUNNING]))
            ).one()

    assert wait_for(lambda: left() == 0)
