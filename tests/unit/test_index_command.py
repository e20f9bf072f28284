"""`tessera index` on the command line, with and without options: what it says, and what it loads."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

import cli
from worker.local_index import checkpoints, unchanged

ROOT = Path(cli.__file__).parents[1]
LOADED = """
import os, sys
sys.argv[1:] = ["index", sys.argv[1]]
command, end = os.getpid(), os._exit
def told(code):
    if os.getpid() == command:
        names = ("click", "numpy", "scipy", "PIL", "json", "pathlib", "dataclasses")
        print(*(name for name in names if name in sys.modules), flush=True)
    end(code)
os._exit = told
from cli.start import main
main()
"""


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """The user's cache folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def run(tessera, folder):
    """Run `tessera index` on the folder of forty photos, as a program of its own."""

    def run(*words, on=folder):
        command = [tessera, "index", on, *words]
        return subprocess.run(
            command, capture_output=True, text=True, errors="surrogateescape", timeout=60, check=False
        )

    return run


@pytest.fixture
def said(run, folder):
    """What is said of the folder on standard output, without its name and the seconds."""

    def said(*words):
        done = run(*words)
        assert done.returncode == 0, done.stderr
        line = done.stdout.removeprefix(f"{folder}: ")
        assert line != done.stdout
        return re.sub(r"; \d+\.\d seconds\n", "", line).removesuffix("\n")

    return said


def stored_answers(cache):
    return list(cache.rglob("answer-*"))


def test_the_first_run_says_how_many_photos_there_are(said):
    assert said() == "40 photos"


@pytest.mark.parametrize("words", [(), ("--no-dedupe",)], ids=["plain", "option"])
def test_the_second_run_says_that_nothing_changed(said, words):
    said(*words)
    assert said(*words) == "40 photos; nothing changed"


def test_the_answer_that_was_kept_is_what_a_look_into_the_folder_says(run, folder, cache):
    (folder / "notes.txt").write_bytes(b"remember the milk")
    shutil.copy(folder / "003.png", folder / "zz-copy.png")
    run()
    kept = run()
    (answer,) = stored_answers(cache)
    answer.unlink()
    looked = run()
    assert kept.stdout == re.sub(r"; \d+\.\d seconds", "", looked.stdout)
    assert kept.stderr == looked.stderr != ""


def test_what_changed_is_counted(said, folder, cuts):
    said()
    (folder / "001.png").rename(folder / "moved.png")
    (folder / "002.png").unlink()
    (folder / "003.png").write_bytes(cuts[50])
    (folder / "new.png").write_bytes(cuts[51])
    assert said() == "40 photos; 1 new, 1 changed, 1 moved, 1 gone"


CHANGES = {
    "a new file": lambda folder, _cache: shutil.copy(folder / "001.png", folder / "new.png"),
    "a file less": lambda folder, _cache: (folder / "001.png").unlink(),
    "another name": lambda folder, _cache: (folder / "001.png").rename(folder / "other.png"),
    "another time": lambda folder, _cache: os.utime(folder / "001.png", ns=(0, 1)),
    "another size": lambda folder, _cache: (folder / "001.png").write_bytes(b"short"),
    "no index": lambda _folder, cache: next(cache.rglob("index-*")).unlink(),
    "another index": lambda _folder, cache: next(cache.rglob("index-*")).write_bytes(b"other"),
    "a broken answer": lambda _folder, cache: stored_answers(cache)[0].write_bytes(b"no answer"),
    "an empty answer": lambda _folder, cache: stored_answers(cache)[0].write_bytes(b""),
}


def test_an_answer_belongs_to_a_version_of_the_index():
    assert f"answer-v{checkpoints.VERSION}" == unchanged.NAME


@pytest.mark.parametrize("change", CHANGES)
def test_the_answer_is_not_given_after_a_change(run, folder, cache, change):
    run()
    CHANGES[change](folder, cache)
    # Only a run that looked says how long it took.
    assert re.search(r"\d\.\d seconds\n", run().stdout)


def test_a_file_that_could_not_be_read_is_tried_again(run, folder, cache):
    (folder / "circle.jpg").symlink_to(folder / "circle.jpg")
    run()
    assert stored_answers(cache) == []


def test_a_file_that_is_too_large_is_not_tried_again(run, said, folder, cache):
    with (folder / "film.mov").open("wb") as file:
        file.truncate((256 << 20) + 1)
    said()
    assert len(stored_answers(cache)) == 1
    done = run()
    assert "nothing changed\n" in done.stdout
    assert "film.mov: The file has 268,435,457 bytes" in done.stderr


def test_another_command_that_changes_what_is_kept_takes_the_answer_back(
    run, said, folder, cache, tessera, photographs, tmp_path
):
    run()
    target, out = photographs / "coffee.png", tmp_path / "out.png"
    words = ["--tiles", folder, "--cells", "5", "--tile-size", "5", "--dedupe", "--out", out]
    subprocess.run([tessera, "render", target, *words], check=True, capture_output=True)
    assert stored_answers(cache) == []
    assert said() == "40 photos; nothing changed; 0 nearly the same as another and left out of mosaics"


def test_a_damaged_index_is_said_in_one_line_and_made_anew(run, cache):
    run()
    index = next(cache.rglob("index-*"))
    whole = index.read_bytes()
    index.write_bytes(whole[:-1])
    done = run()
    assert (
        done.stderr
        == "The kept index of the folder was damaged, or another program's; the photos are indexed anew.\n"
    )
    assert next(cache.rglob("index-*")).read_bytes() == whole
    assert run().stderr == ""


@pytest.fixture
def burst(folder, encoded, photographs):
    with Image.open(photographs / "chelsea.png") as photograph:
        for number, size in enumerate([(90, 60), (120, 80)]):
            (folder / f"cat-{number}.jpg").write_bytes(encoded(photograph.resize(size), "JPEG"))


@pytest.mark.usefixtures("burst")
def test_near_duplicates_are_named_and_said_to_be_left_out(run, said):
    assert said() == "42 photos"
    assert said("--dedupe") == "42 photos; nothing changed; 1 nearly the same as another and left out of mosaics"
    assert run().stderr == "1 file became no tile:\n  cat-0.jpg: Nearly the same as cat-1.jpg.\n"
    assert said("--no-dedupe") == "42 photos; nothing changed"


@pytest.mark.usefixtures("burst")
def test_mosaics_of_a_folder_with_dedupe_have_fewer_tiles(run, folder, tessera, photographs, tmp_path):
    run("--dedupe")
    words = ["--tiles", folder, "--cells", "5", "--tile-size", "5", "--out", tmp_path / "out.png"]
    made = subprocess.run(
        [tessera, "render", photographs / "coffee.png", *words], check=True, capture_output=True, text=True
    )
    assert " distinct tiles of 41, " in made.stdout


def test_the_report_holds_everything_that_is_said(run, folder, tmp_path):
    (folder / "notes.txt").write_bytes(b"remember the milk")
    shutil.copy(folder / "003.png", folder / "zz-copy.png")
    run()
    for number in range(30):
        (folder / f"bad-{number:02}.txt").write_bytes(b"bad %d" % number)
    report = tmp_path / "report.json"
    assert run("--dedupe", "--report", report).returncode == 0
    written = json.loads(report.read_text())
    assert written.pop("seconds") > 0
    skipped = written.pop("skipped")
    assert written == {
        "folder": str(folder), "photos": 40, "opened": 30, "dedupe": True,
        "changes": {"new": 30, "changed": 0, "moved": 0, "gone": 0},
        "passed_over": {"files": 0, "folders": 0, "linked_folders": 0},
    }  # fmt: skip
    assert [line["name"] for line in skipped] == [f"bad-{n:02}.txt" for n in range(30)] + ["notes.txt", "zz-copy.png"]
    assert skipped[-1] == {"name": "zz-copy.png", "code": "duplicate", "sentence": "The same file as 003.png."}


def test_a_damaged_photo_is_among_the_lines_shown_however_many_files_are_none(run, folder, cuts):
    for number in range(200):
        (folder / f"a-note-{number}.txt").write_bytes(b"remember the milk %d" % number)
        (folder / f"photo-{number}.xmp").write_bytes(b"<x/>")
    (folder / "zz-broken.png").write_bytes(cuts[45][:-40])
    done = run()
    lines = done.stderr.splitlines()
    assert lines[0] == "200 files passed over: excluded, hidden, or no photos of one's own."
    assert lines[1] == "201 files became no tile:"
    assert lines[2].startswith("  zz-broken.png: ")
    assert "xmp" not in done.stderr


@pytest.mark.parametrize("words", [(), ("--no-dedupe",)], ids=["plain", "option"])
def test_what_was_passed_over_is_counted_again_when_nothing_else_changed(run, folder, tmp_path, words):
    (folder / ".hidden").write_bytes(b"")
    (folder / "@eaDir").mkdir()
    assert run(*words).stderr == "1 file and 1 folder passed over: excluded, hidden, or no photos of one's own.\n"
    (folder / "IMG.AAE").write_bytes(b"")
    (folder / "linked").symlink_to(tmp_path)
    for _ in range(2):
        assert run(*words).stderr == (
            "2 files and 1 folder passed over: excluded, hidden, or no photos of one's own.\n"
            "1 linked folder passed over; --follow-links goes into them.\n"
        )


def test_what_is_excluded_is_no_tile_and_comes_back_when_it_is_not(said):
    assert said("--exclude", "00*.png", "--exclude", "/01?.png") == "20 photos"
    assert said() == "40 photos; 20 new"
    assert said("--exclude", "*", "--exclude", "!003.png") == "1 photo; 39 gone"
    assert said() == "40 photos; 39 new"
    assert said() == "40 photos; nothing changed"


def test_a_pattern_that_is_none_is_one_sentence(run):
    done = run("--exclude", "!")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "pattern" in done.stderr


@pytest.mark.parametrize("command", ["render", "compare"])
def test_mosaics_leave_out_what_is_excluded_and_take_in_what_is_linked(
    tessera, folder, photographs, tmp_path, command
):
    (tmp_path / "linked").symlink_to(folder)
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "link").symlink_to(folder)
    options = ["--cells", "4", "--follow-links", "--exclude", "03*", "--out", tmp_path / "o.png"]
    options += ["--tile-size", "4"] if command == "render" else ["--loss", "mean-rgb"]
    done = subprocess.run(
        [tessera, command, photographs / "coffee.png", "--tiles", tmp_path / "one", *options],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "10 files passed over" in done.stderr
    if command == "render":
        assert " distinct tiles of 30, " in done.stdout


def test_a_report_that_cannot_be_written_is_one_sentence(run, tmp_path):
    done = run("--report", tmp_path / "nowhere" / "report.json")
    assert (done.returncode, done.stderr.count("\n"), "report.json cannot be written" in done.stderr) == (2, 1, True)


@pytest.mark.parametrize("words", [(), ("--dedupe",)], ids=["plain", "option"])
@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("nowhere", "tessera: There is no folder {}.\n"),
        ("file", "tessera: There is no folder {}.\n"),
        ("empty", "tessera: The folder {} holds no files.\n"),
        ("texts", "tessera: None of the 1 files in {} is a usable photo; a.txt: The file is not a picture"),
    ],
)  # fmt: skip
def test_a_folder_without_photos_is_one_sentence(run, tmp_path, name, sentence, words):
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "empty").mkdir()
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").write_bytes(b"text")
    for _ in range(2):
        done = run(*words, on=tmp_path / name)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
        assert done.stderr.startswith(sentence.format(tmp_path / name))


def test_names_that_are_no_text_are_shown_as_far_as_they_are(run, folder):
    (folder / os.fsdecode(b"\xff.txt")).write_bytes(b"text")
    for _ in range(2):
        done = run()
        assert (done.returncode, "  \ufffd.txt: The file is not a picture" in done.stderr) == (0, True)


def test_an_unchanged_folder_is_answered_before_anything_is_loaded(folder):
    command = [sys.executable, "-c", LOADED, folder]
    first, second = (
        subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()[-1]
        for _ in "12"
    )
    assert first == "PIL json"
    assert second == ""


def test_a_name_can_neither_break_a_line_nor_steer_a_terminal(run, folder, tmp_path):
    (folder / "a\nb\x1b[31m.txt").write_bytes(b"text")
    for _ in range(2):
        assert "  a\ufffdb\ufffd[31m.txt: The file is not a picture" in run().stderr
    run("--report", tmp_path / "report.json")
    assert json.loads((tmp_path / "report.json").read_text())["skipped"][0]["name"] == "a\ufffdb\ufffd[31m.txt"


def test_the_answer_that_was_kept_names_the_folder_as_it_was_typed(run, folder, tmp_path):
    run()
    (tmp_path / "link").symlink_to(folder)
    for name in (f"{folder}/", str(tmp_path / "link")):
        assert run(on=name).stdout == f"{name}: 40 photos; nothing changed\n"


def test_who_reads_no_further_sees_no_traceback(folder, tessera):
    for _ in range(2):
        running = subprocess.Popen(
            [tessera, "index", folder], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        running.stdout.close()
        assert (running.stderr.read(), running.wait(60)) == (
            "tessera: Standard output cannot be written: Broken pipe.\n",
            2,
        )


def test_standard_output_is_no_place_for_a_report(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = run("--report", "-")
    said = "tessera: - is not the name of a file; standard output is for people.\n"
    assert (done.returncode, done.stderr, (tmp_path / "-").exists()) == (2, said, False)


def test_a_person_is_told_that_nothing_can_be_kept(run, tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    done = run()
    assert done.returncode == 0
    assert re.fullmatch(r"The index cannot be kept in .*: Not a directory; the next run begins anew.\n", done.stderr)


@pytest.mark.parametrize("words", [(), ("--dedupe",)], ids=["plain", "option"])
def test_ctrl_c_ends_it_with_a_word(folder, cache, tessera, words):
    for number in range(60):
        Image.new("RGB", (2_000, 2_000), (number, 9, 9)).save(folder / f"large-{number}.png", compress_level=1)
    running = subprocess.Popen(
        [tessera, "index", folder, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    while not list(cache.rglob("run-*")) and running.poll() is None:
        time.sleep(0.001)
    os.killpg(running.pid, signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert (running.returncode, out, err.strip()) == (130, "", "tessera: Stopped by SIGINT.")
