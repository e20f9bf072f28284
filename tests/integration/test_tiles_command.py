"""`tessera tiles`: folders and buckets imported by real workers, and tile sets looked after by the database alone."""

import io
import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from models.rules.formats import Format
from worker.rendering import writer

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def service(new_installation: Callable[..., AbstractContextManager[Any]], s3_server: Any) -> Iterator[Any]:
    """A service with a folder store, whose workers can read buckets too."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in s3_server.environment.items():
            patch.setenv(name, value)
        with new_installation("sqlite", PART_PHOTOS="4") as installed:
            yield installed


@pytest.fixture(scope="module")
def environment(service: Any) -> dict[str, str]:
    return os.environ | {f"TESSERA_{name}": value for name, value in service.settings.items()}


@pytest.fixture(scope="module")
def run(environment: dict[str, str], tessera: str) -> Run:
    def ran(*arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
        command = [tessera, "tiles", *map(str, arguments)]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, **options)

    return ran


@pytest.fixture
def folder(tmp_path: Path, photos: dict[str, bytes]) -> Path:
    """Ten photos, two of them in a sub-folder."""
    place = tmp_path / "holidays #1"
    (place / "day 2").mkdir(parents=True)
    for number, data in enumerate(list(photos.values())[:10]):
        (place / ("day 2" if number > 7 else "") / f"{number}.png").write_bytes(data)
    return place


def shown(run: Run, name: str) -> dict[str, Any]:
    ended = run("show", name, "--json")
    assert ended.returncode == 0, ended.stderr
    return dict(json.loads(ended.stdout))


def imported(run: Run, name: str, place: object, *options: str) -> subprocess.CompletedProcess[str]:
    ended = run("import", name, place, *options)
    assert ended.returncode == 0, ended.stderr
    return ended


def test_a_folder_is_imported_with_its_sub_folders(run: Run, folder: Path) -> None:
    ended = imported(run, "Folder", folder)
    assert "“Folder”, version 1: 10 photos." in ended.stdout
    assert (shown(run, "Folder")["photos"], shown(run, "Folder")["skipped"]) == (10, [])


def test_what_is_no_photo_is_in_the_report(run: Run, folder: Path) -> None:
    (folder / "notes.txt").write_bytes(b"no picture")
    (folder / "empty.jpg").write_bytes(b"")
    ended = imported(run, "Report", folder)
    assert "2 files became no tile:" in ended.stderr
    assert "  empty.jpg: The file is empty." in ended.stderr
    assert "notes.txt" in run("show", "Report").stdout


@pytest.mark.parametrize("way", ["--copy", "--link"])
@pytest.mark.parametrize("form", [form for form in Format if form is not Format.PDF])
def test_a_mosaic_that_lies_in_the_folder_is_no_tile(run: Run, folder: Path, way: str, form: Format) -> None:
    pixels = np.random.default_rng(7).integers(0, 256, (40, 40, 3), np.uint8)
    writer.write(iter([pixels]), (40, 40), folder / f"mosaic{form.facts.suffix}", form, lambda *_: None)
    imported(run, f"Own {way} {form}", folder, way)
    made = shown(run, f"Own {way} {form}")
    assert (made["photos"], [line["code"] for line in made["skipped"]]) == (10, ["own_mosaic"])


def test_a_second_import_reads_what_is_new_and_keeps_what_is_gone(
    run: Run, folder: Path, photos: dict[str, bytes]
) -> None:
    imported(run, "Again", folder)
    (folder / "0.png").unlink()
    (folder / "1.png").rename(folder / "renamed.png")
    os.utime(folder / "2.png", ns=(1, 1))
    for number, data in enumerate(list(photos.values())[10:13]):
        (folder / f"new-{number}.png").write_bytes(data)
    imported(run, "Again", folder)
    found = shown(run, "Again")
    assert (found["photos"], found["version"], found["skipped"]) == (13, 2, [])
    assert found["versions"][0]["change"] == "3 photos came in"


def test_an_import_of_nothing_new_makes_no_version(run: Run, folder: Path) -> None:
    imported(run, "Same", folder)
    imported(run, "Same", folder)
    assert shown(run, "Same")["version"] == 1


def test_a_mosaic_of_linked_photos_is_the_one_of_copies(run: Run, folder: Path, service: Any, target: bytes) -> None:
    pictures = []
    for name, how in (("Copies", "--copy"), ("Links", "--link")):
        imported(run, name, folder, how)
        made = service.order({"id": shown(run, name)["id"]}, target, cells_across="12", tile_size="8")
        done = service.final(made["url"])
        assert done["job"]["state"] == "succeeded", done
        pictures.append(np.asarray(Image.open(io.BytesIO(service.get(done["picture"]).content))))
    assert np.array_equal(*pictures)
    kept = {blob.key for blob in service.services().store.list(f"tile-sets/{shown(run, 'Links')['id']}/tiles")}
    assert kept == set()


def test_a_linked_photo_that_changed_fails_the_mosaic_and_says_which(
    run: Run, folder: Path, service: Any, target: bytes
) -> None:
    imported(run, "Changed", folder, "--link")
    for path in folder.glob("*.png"):
        path.write_bytes(b"something else")
    made = service.order({"id": shown(run, "Changed")["id"]}, target, cells_across="12", tile_size="8")
    error = service.final(made["url"])["job"]["error"]
    assert error["code"] == "damaged_index"
    assert "has changed since it was indexed; import its folder again" in error["detail"]


def test_a_linked_photo_that_is_gone_fails_the_mosaic_and_says_which(
    run: Run, folder: Path, service: Any, target: bytes
) -> None:
    imported(run, "Gone", folder, "--link")
    for path in [*folder.rglob("*.png")]:
        path.unlink()
    made = service.order({"id": shown(run, "Gone")["id"]}, target, cells_across="12", tile_size="8")
    error = service.final(made["url"])["job"]["error"]
    assert error["code"] == "damaged_index"
    assert f"{folder.as_uri()}/" in error["detail"]
    assert "The file cannot be read: No such file or directory." in error["detail"]


def test_a_part_of_a_bucket_is_imported(run: Run, s3_server: Any, service: Any, photos: dict[str, bytes]) -> None:
    bucket = s3_server.new_bucket()
    names = ["a.png", "b c.png", "50%.png", "d#1.png", "ü.png", "deep/er/e.png"]
    for name, data in zip(names, photos.values(), strict=False):
        s3_server.put(bucket, f"2026/{name}", data)
    s3_server.put(bucket, "2025/other.png", list(photos.values())[9])
    imported(run, "Bucket", f"s3://{bucket}/2026")
    found = shown(run, "Bucket")
    assert (found["photos"], found["skipped"]) == (len(names), [])


@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        ("/no/such/folder", "There is no folder /no/such/folder."),
        ("s3://no-such-bucket-here/x", "no-such-bucket-here"),
        ("s3://X", "A part of a bucket is written s3://bucket/prefix."),
    ],
)
def test_a_place_that_is_not_there_is_refused_at_once(run: Run, place: str, sentence: str) -> None:
    ended = run("import", "Nowhere", place)
    assert (ended.returncode, sentence in ended.stderr) == (2, True), ended.stderr
    assert run("show", "Nowhere").returncode == 2


def test_an_empty_folder_a_file_and_the_store_itself_are_refused(run: Run, tmp_path: Path, service: Any) -> None:
    file = tmp_path / "a.jpg"
    file.write_bytes(b"x")
    (tmp_path / "empty").mkdir()
    (tmp_path / "clutter").mkdir()
    (tmp_path / "clutter" / "a.xmp").write_bytes(b"x")
    linked_store = tmp_path / "link"
    linked_store.symlink_to(service.folder / "store")
    for place, sentence in (
        (tmp_path / "empty", "holds no files."),
        (tmp_path / "clutter", "holds no files but such as are passed over."),
        (file, "is not a folder"),
        (service.folder / "store", "lie within each other"),
        (service.folder, "lie within each other"),
        (linked_store, "lie within each other"),
    ):
        ended = run("import", "Refused", place)
        assert (ended.returncode, sentence in ended.stderr) == (2, True), ended.stderr


def test_a_bucket_needs_its_variables(
    folder: Path, environment: dict[str, str], tessera: str, s3_server: Any
) -> None:
    bucket = s3_server.new_bucket()
    without = {name: value for name, value in environment.items() if "ACCESS_KEY" not in name}
    command = [tessera, "tiles", "import", "No keys", f"s3://{bucket}"]
    ended = subprocess.run(command, env=without, capture_output=True, text=True, timeout=120)
    assert (ended.returncode, ended.stderr) == (
        2,
        "tessera: S3 needs keys: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.\n",
    )


def test_an_empty_bucket_is_refused(run: Run, s3_server: Any) -> None:
    bucket = s3_server.new_bucket()
    ended = run("import", "Empty", f"s3://{bucket}/2026")
    assert (ended.returncode, ended.stderr) == (2, f"tessera: s3://{bucket}/2026 holds no files.\n")


def test_a_name_is_the_one_that_people_see(run: Run, folder: Path) -> None:
    imported(run, " Spaces\tand more ", folder)
    imported(run, "Spacesand more", folder)
    assert shown(run, "Spacesand more")["version"] == 1
    looks_like_an_id = "0" * 32
    imported(run, looks_like_an_id, folder)
    assert shown(run, looks_like_an_id)["photos"] == 10
    ended = run("import", " ", folder)
    assert (ended.returncode, "A tile set needs a name." in ended.stderr) == (2, True)


def test_what_is_excluded_or_no_photo_is_counted_and_linked_folders_come_when_asked_for(
    run: Run, folder: Path, tmp_path: Path
) -> None:
    (folder / "@eaDir").mkdir()
    (folder / "@eaDir" / "thumb.png").write_bytes(b"thumbnail")
    (folder / "notes.xmp").write_bytes(b"<x/>")
    around = tmp_path / "around"
    around.mkdir()
    (around / "link").symlink_to(folder)
    without = run("import", "Around", around)
    assert (without.returncode, "come with --follow-links" in without.stderr) == (2, True)
    ended = imported(run, "Sieved", around, "--follow-links", "--exclude", "link/day 2", "--exclude", "/nothing")
    assert "“Sieved”, version 1: 8 photos." in ended.stdout
    assert "3 files or folders passed over" in ended.stderr
    assert shown(run, "Sieved")["skipped"] == []
    again = run("import", "Sieved", around, "--exclude", "!")
    assert (again.returncode, "pattern" in again.stderr) == (2, True)


def test_options_for_a_set_that_is_there_are_refused(run: Run, folder: Path) -> None:
    imported(run, "Chosen", folder)
    ended = run("import", "Chosen", folder, "--dedupe")
    assert (ended.returncode, "are for new sets" in ended.stderr) == (2, True)


def test_a_name_that_two_sets_have_asks_for_an_id(run: Run, folder: Path) -> None:
    imported(run, "Twin", folder)
    first = shown(run, "Twin")["id"]
    imported(run, "Other twin", folder)
    assert run("rename", "Other twin", "Twin").returncode == 0
    ended = run("show", "Twin")
    assert (ended.returncode, first in ended.stderr) == (2, True)
    assert shown(run, first)["name"] == "Twin"


def test_ctrl_c_leaves_the_import_going_on_and_says_how_to_look(
    folder: Path, environment: dict[str, str], tessera: str, service: Any, run: Run
) -> None:
    worker = service.processes["indexing-worker"]
    worker.send_signal(signal.SIGSTOP)
    try:
        command = subprocess.Popen(
            [tessera, "tiles", "import", "Interrupted", folder],
            env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert command.stdout is not None
        assert "imports" in command.stdout.readline()
        command.send_signal(signal.SIGINT)
        _, said = command.communicate(timeout=60)
    finally:
        worker.send_signal(signal.SIGCONT)
    assert (command.returncode, "The import goes on." in said) == (130, True), said
    assert "tessera jobs cancel" in said


def test_an_import_need_not_be_waited_for_and_a_cancelled_one_goes_on(
    folder: Path, run: Run, service: Any, environment: dict[str, str], tessera: str, wait_for: Callable[..., Any]
) -> None:
    worker = service.processes["indexing-worker"]
    worker.send_signal(signal.SIGSTOP)
    try:
        assert imported(run, "Later", folder, "--no-wait").stdout.startswith("Job ")
        job = shown(run, "Later")["job"]
        assert run("import", "Later", folder).returncode == 2
        jobs = [tessera, "jobs"]
        assert subprocess.run([*jobs, "cancel", str(job)], env=environment, timeout=60).returncode == 0
    finally:
        worker.send_signal(signal.SIGCONT)
    assert subprocess.run([*jobs, "retry", str(job)], env=environment, timeout=60).returncode == 0
    wait_for(lambda: shown(run, "Later")["photos"] == 10)


def test_sets_are_listed_renamed_and_deleted(run: Run, folder: Path) -> None:
    imported(run, "First name", folder)
    assert "is now “Second name”" in run("rename", "First name", "Second name").stdout
    assert "Second name" in run("list").stdout
    assert "Second name" in [row["name"] for row in json.loads(run("list", "--json").stdout)]
    refused = run("delete", "Second name", input="n\n")
    assert (refused.returncode, "Second name" in run("list").stdout) == (1, True)
    assert "is deleted" in run("delete", "Second name", "--yes").stdout
    assert "Second name" not in run("list").stdout
    assert run("show", "Second name").returncode == 2
    assert "Second name" in run("trash").stdout
    [listed] = json.loads(run("trash", "--json").stdout)["tile_sets"]
    assert "“Second name” is back." in run("restore", listed["id"]).stdout
    assert "Second name" in run("list").stdout
    run("delete", "Second name", "--yes")
    assert "This is final" in run("purge", "Second name", input="n\n").stdout
    assert "is deleted for good" in run("purge", "Second name", "--yes").stdout
    assert "Second name" not in run("trash").stdout
    assert run("restore", "Second name").returncode == 2
