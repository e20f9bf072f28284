"""Standard input and output, several targets, and mosaics that are only described."""

import io
import json
import shutil
import subprocess
import sys

import pytest
from click.testing import CliRunner
from PIL import Image
from pypdfium2 import PdfDocument

from cli.main import tessera as command
from models.rules.formats import Format

WORDS = ("--cells", "8", "--tile-size", "6")


@pytest.fixture
def place(tmp_path, monkeypatch):
    """An empty folder to work in."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"


@pytest.fixture
def run(place, folder):
    def run(*words, **more):
        return CliRunner().invoke(command, ["render", "--tiles", str(folder), *map(str, words), *WORDS], **more)

    return run


@pytest.fixture
def coffee(photographs):
    return photographs / "coffee.png"


@pytest.fixture
def copies(place, coffee):
    """Three targets."""
    made = [place / "one.png", place / "two.png", place / "below" / "one.jpg"]
    (place / "below").mkdir()
    for path in made:
        path.write_bytes(coffee.read_bytes())
    return made


@pytest.mark.parametrize("form", [form for form in Format if form is not Format.PYRAMID])
def test_a_picture_goes_through_a_pipe(place, folder, tessera, coffee, form):
    with coffee.open("rb") as target:
        done = subprocess.run(
            [tessera, "render", "-", "--tiles", folder, "--out", "-", "--format", form, *WORDS],
            stdin=target, capture_output=True, check=True,
        )  # fmt: skip
    if form is Format.PDF:
        assert PdfDocument(done.stdout)[0].get_size() == pytest.approx((48 / 300 * 72, 30 / 300 * 72))
    else:
        with Image.open(io.BytesIO(done.stdout)) as image:
            assert (image.format.lower(), image.size) == (form.removeprefix("pyramid-"), (48, 30))
    assert b"8 x 5 = 40 cells" in done.stderr


def test_a_quiet_command_says_nothing(run, coffee, folder):
    (folder / "note.txt").write_text("no photo")
    result = run(coffee, "--out", "a.png", "--quiet")
    assert (result.exit_code, result.output) == (0, "")


def test_a_quiet_command_says_what_went_wrong(run, coffee):
    result = run("none.png", "--out", "a.png", "--quiet")
    assert (result.exit_code, len(result.stderr.splitlines())) == (2, 1)


@pytest.mark.parametrize(
    ("out", "names"),
    [
        ("out/", ["one.png", "two.png"]),
        ("out", ["one.png", "two.png"]),
        ("out/{number}.jpg", ["1.jpg", "2.jpg"]),
        ("out/{name}-m.png", ["one-m.png", "two-m.png"]),
    ],
)
def test_several_targets_go_to_a_folder_or_by_a_pattern(run, place, copies, out, names):
    (place / "out").mkdir()
    assert run(*copies[:2], "--out", out, "--report", "out/{name}.json").exit_code == 0
    assert sorted(path.name for path in (place / "out").iterdir()) == sorted([*names, "one.json", "two.json"])


@pytest.mark.parametrize(
    ("out", "said"),
    [("out/", "would be the same file"), ("m.png", "There are 3 targets"), ("-", "There are 3 targets")],
)
def test_names_that_would_meet_are_refused_before_any_work(run, place, copies, out, said):
    (place / "out").mkdir()
    result = run(*copies, "--out", out)
    assert (result.exit_code, said in result.stderr, list((place / "out").iterdir())) == (2, True, [])


def test_one_target_that_fails_does_not_keep_the_others(run, place, copies):
    (place / "bad.png").write_bytes(b"no picture")
    (place / "out").mkdir()
    result = run(copies[0], place / "bad.png", copies[1], "--out", "out/")
    assert result.exit_code == 2
    assert sorted(path.name for path in (place / "out").iterdir()) == ["one.png", "two.png"]
    first, last = result.stderr.splitlines()
    assert "bad.png" in first
    assert last == "tessera: 1 of 3 mosaics could not be made; the others are there."


def test_a_target_that_is_the_only_photo_does_not_keep_the_others(run, place, copies, folder, encoded, noise):
    for photo in folder.iterdir():
        photo.unlink()
    (folder / "only.png").write_bytes(encoded(noise(40, 30)))
    (place / "out").mkdir()
    result = run(folder / "only.png", copies[0], "--out", "out/")
    assert result.exit_code == 2
    assert [path.name for path in (place / "out").iterdir()] == ["one.png"]
    assert "only photo" in result.stderr.splitlines()[0]


def test_photos_that_are_of_no_use_are_said_once_and_not_for_every_target(run, place, copies, folder):
    for photo in folder.iterdir():
        photo.write_bytes(b"no picture")
    (place / "out").mkdir()
    result = run(*copies[:2], "--out", "out/")
    assert (result.exit_code, result.stderr.count("tessera: ")) == (2, 1)


def test_where_every_target_fails_no_mosaic_is_said_to_be_there(run, place):
    (place / "out").mkdir()
    last = run("none.png", "nil.png", "--out", "out/").stderr.splitlines()[-1]
    assert last == "tessera: 2 of 2 mosaics could not be made; none is there."


def test_what_is_to_be_said_of_the_photos_is_said_once(run, place, copies, folder):
    (folder / "note.txt").write_text("no photo")
    (folder / "a.xmp").write_text("a sidecar")
    (place / "out").mkdir()
    said = run(*copies[:2], "--out", "out/").stderr
    assert (said.count("note.txt"), said.count("passed over")) == (1, 1)


@pytest.mark.parametrize("out", ["none/", "none/a.png", "one.png/a.png"])
def test_a_folder_that_is_not_there_is_said_to_be_missing(run, place, copies, coffee, out):
    result = run(coffee, "--out", out)
    assert (result.exit_code, "there is no folder" in result.stderr) == (2, True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["render", "t.png", "--tiles", ".", "--out", "shut/m.png"], "cannot be written: Permission denied"),
        (["render", "t.png", "--tiles", ".", "--out", "shut/x/m.png"], "there is no folder"),
        (["render", "t.png", "--tiles", ".", "--out", "m.png", "--report", "shut/r.json"], "Permission denied"),
        (["compare", "t.png", "--tiles", ".", "--out", "shut/m.png"], "cannot be written: Permission denied"),
        (["index", ".", "--report", "shut/r.json"], "cannot be written: Permission denied"),
        (["render", "shut/t.png", "--tiles", ".", "--out", "m.png"], "cannot be read: Permission denied"),
        (["index", "shut/photos", "--dedupe"], "There is no folder"),
        (["jobs", "--data", "shut/x", "list"], "There is no database"),
        (["tiles", "--data", "shut/x", "list"], "There is no database"),
    ],
)
def test_a_folder_that_this_user_may_not_look_into_is_a_sentence(without_rights, monkeypatch, coffee, words, said):
    target = coffee.read_bytes()
    with without_rights() as own:
        monkeypatch.setenv("XDG_CACHE_HOME", str(own / "cache"))
        monkeypatch.chdir(own)
        (own / "t.png").write_bytes(target)
        (own / "shut").mkdir(mode=0)
        result = CliRunner().invoke(command, words)
    assert (result.exit_code, said in result.stderr, len(result.stderr.splitlines())) == (2, True, 1)


@pytest.mark.parametrize(
    "words",
    [
        ["render", "", "--tiles", ".", "--out", "a.png"],
        ["render", "a.png", "--tiles", "", "--out", "a.png"],
        ["render", "a.png", "--tiles", ".", "--out", ""],
        ["render", "a.png", "--tiles", ".", "--out", "b.png", "--report", ""],
        ["compare", "", "--tiles", ".", "--out", "a.png"],
        ["index", ""],
        ["tiles", "import", "A set", ""],
        ["up", "--data", ""],
    ],
)
def test_an_empty_name_is_not_the_current_folder(place, tessera, words):
    done = subprocess.run([tessera, *words], capture_output=True, text=True, check=False)
    assert (done.returncode, "an empty name is no file and no folder" in done.stderr) == (2, True)
    assert list(place.iterdir()) == []


def test_standard_input_comes_once(run, place):
    assert "only once" in run("-", "-", "--out", "{number}.png").stderr


def test_a_format_and_an_ending_that_disagree_are_refused(run, coffee):
    assert "make them agree" in run(coffee, "--out", "a.png", "--format", "jpeg").stderr


def test_a_dry_run_tells_and_writes_nothing(run, place, coffee, tmp_path):
    result = run(coffee, "--out", "a.png", "--max-uses", "3", "--dry-run")
    # 600 x 400 in 8 across: 75 pixels, 5 down; 400 - 375 = 25; 40 / 3 is 14 photos.
    for said in ("600 x 400", "8 x 5 = 40", "75 x 75", "25 of 400 down", "14 different", "40 files", "48 x 30"):
        assert said in result.stdout
    assert (result.exit_code, list(place.iterdir()), (tmp_path / "cache").exists()) == (0, [], False)


def test_a_dry_run_of_least_uses_says_how_many_photos_are_enough_and_refuses_too_many(run, coffee):
    # 40 cells and 40 files.
    assert "one is enough" in run(coffee, "--out", "a.png", "--min-uses", "1", "--dry-run").stdout
    refused = run(coffee, "--out", "a.png", "--min-uses", "2", "--dry-run")
    assert (refused.exit_code, "ask for at least 1 use" in refused.stderr) == (2, True)


def test_a_dry_run_says_as_the_report_does_how_far_the_colours_are_moved(run, place, coffee):
    order = (coffee, "--cells", "20", "--adapt", "1")
    assert "is known once the folder is indexed" in run(*order, "--out", "a.png", "--dry-run").stdout
    made = run(*order, "--out", "b.png", "--report", "b.json")
    assert made.exit_code == 0
    moved = json.loads((place / "b.json").read_text())["quality"]["adapted"]
    assert moved > 1
    assert f"are moved by {moved:.1f} dE00 in the mean" in run(*order, "--out", "a.png", "--dry-run").stdout


def test_a_dry_run_counts_one_as_one(run, coffee, folder):
    said = run(coffee, "--out", "a.png", "--exclude", "*", "--exclude", "!000.png", "--dry-run").stdout
    assert "one is enough" in said
    assert said.count("1 file\n") == 1


@pytest.mark.parametrize("more", [["--exclude", "*"], ["--tiles", "nowhere"], ["--tiles", __file__]])
def test_a_dry_run_says_what_the_run_would_where_there_are_no_photos(run, coffee, more):
    said = [run(coffee, *more, "--out", "a.png", *dry).stderr for dry in ([], ["--dry-run"])]
    assert said[0] == said[1] != ""


def test_a_dry_run_refuses_what_the_run_would(run, place, coffee, folder):
    (folder / "000.png").unlink()
    result = run(coffee, "--out", "a.png", "--no-repeats", "--dry-run")
    assert (result.exit_code, len(result.stderr.splitlines()), result.stdout) == (2, 1, "")


COMMANDS = [
    ["--version"], ["--help"], ["render", "--help"], ["index", "PHOTOS"], ["index", "PHOTOS", "--dedupe"], ["doctor"],
    ["completion", "bash"], ["render", "TARGET", "--tiles", "PHOTOS", "--out", "a.png", *WORDS],
    ["render", "TARGET", "--tiles", "PHOTOS", "--out", "-", *WORDS],
    ["compare", "TARGET", "--tiles", "PHOTOS", "--out", "a.png", "--cells", "8", "--loss", "mean-rgb"],
]  # fmt: skip


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("to", [">&-", ">/dev/full", "| true"])
def test_standard_output_that_takes_nothing_is_a_sentence(place, folder, tessera, coffee, words, to):
    words = [{"PHOTOS": str(folder), "TARGET": str(coffee)}.get(word, word) for word in words]
    # The reader is gone before the command begins.
    shell = (
        f'sleep 0.2; "$@" {to}' if to != "| true" else '{ sleep 0.2; "$@"; echo $? >code; } | true; exit $(cat code)'
    )
    done = subprocess.run(["bash", "-c", shell, "bash", tessera, *words], capture_output=True, text=True, check=False)
    said = done.stderr.splitlines()
    assert (done.returncode, said[-1:]) == (2, [line for line in said if "Standard output cannot be written" in line])


@pytest.mark.parametrize("to", ["2>&-", "2>/dev/full"])
def test_standard_error_that_takes_nothing_changes_no_exit_code(place, tessera, to):
    done = subprocess.run(["bash", "-c", f'"$@" {to}', "bash", tessera, "index", "nowhere"], check=False)
    assert done.returncode == 2


@pytest.fixture
def talkative(place, coffee):
    """A damaged TIFF of which libtiff says on standard error: "Using code not yet in table."""
    data = io.BytesIO()
    Image.open(coffee).convert("RGB").resize((90, 60)).save(data, "TIFF", compression="tiff_lzw")
    damaged = bytearray(data.getvalue())
    damaged[400:460] = b"\xff" * 60
    (place / "damaged.tif").write_bytes(damaged)
    return place / "damaged.tif"


def test_what_libraries_print_of_a_photo_reaches_no_terminal(folder, tessera, talkative):
    shutil.copy(talkative, folder / "odd.tif")
    done = subprocess.run([tessera, "index", folder], capture_output=True, text=True, check=True)
    assert [line[:11] for line in done.stderr.splitlines()] == ["1 file beca", "  odd.tif: "]


def test_what_libraries_print_of_a_target_reaches_no_terminal(folder, tessera, talkative):
    words = ["--tiles", folder, "--out", "a.png", *WORDS]
    done = subprocess.run([tessera, "render", talkative, *words], capture_output=True, text=True, check=False)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)


def test_what_libraries_print_in_a_decoder_of_its_own_reaches_no_log(talkative):
    program = """
import sys
from pathlib import Path
from models.errors import UnusablePicture
from worker.decoding.sandbox import Sandbox
sandbox = Sandbox(30.0, 256 << 20)
try:
    sandbox.decode(Path(sys.argv[1]).read_bytes())
except UnusablePicture:
    print("refused")
sandbox.close()
"""
    done = subprocess.run([sys.executable, "-c", program, talkative], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("refused\n", "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_printed(shell):
    assert "_TESSERA_COMPLETE" in CliRunner().invoke(command, ["completion", shell]).stdout


def test_bash_completes_commands_and_options(place, tessera):
    script = f"""
PATH={tessera.rpartition("/")[0]}:$PATH
source <(tessera completion bash)
COMP_WORDS=(tessera ren); COMP_CWORD=1; _tessera_completion tessera; echo "${{COMPREPLY[@]}}"
COMPREPLY=(); COMP_WORDS=(tessera render --min-d); COMP_CWORD=2; _tessera_completion tessera; echo "${{COMPREPLY[@]}}"
"""
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("render\n--min-distance\n", "")
