"""No file of anybody's is lost by a name that was chosen badly."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from cli.main import tessera as command
from models.rules.file_types import made_here
from models.rules.formats import Format
from worker.rendering import writer

WORDS = ("--cells", "8", "--tile-size", "6")


@pytest.fixture
def place(tmp_path, monkeypatch, photographs):
    """A folder to work in, with a target."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    shutil.copy(photographs / "coffee.png", "target.png")
    return tmp_path / "work"


@pytest.fixture
def run(place, folder):
    """Run a command on the target and the photos."""

    def run(*words, name="render", out="mosaic.png"):
        more = WORDS if name == "render" else ("--cells", "8", "--loss", "mean-rgb")
        return CliRunner().invoke(
            command, [name, "target.png", "--tiles", str(folder), "--out", str(out), *more, *words]
        )

    return run


def refused(result, *parts):
    said = result.stderr.splitlines()
    return (result.exit_code, len(said), result.stdout) == (2, 1, "") and all(part in said[0] for part in parts)


def spelled(way, path, place):
    """Another name of a file."""
    if way == "link":
        (place / "link.png").symlink_to(path)
        return "link.png"
    if way == "hard link":
        (place / "hard.png").hardlink_to(path)
        return "hard.png"
    if way == "roundabout":
        return f"{place}/../work/./{os.path.relpath(path, place)}"
    return os.path.relpath(path, place)


@pytest.mark.parametrize("name", ["render", "compare"])
@pytest.mark.parametrize("way", ["same", "link", "hard link", "roundabout"])
@pytest.mark.parametrize("words", [(), ("--force",)])
def test_the_target_is_replaced_by_nothing(run, place, name, way, words):
    before = (place / "target.png").read_bytes()
    assert refused(run(*words, name=name, out=spelled(way, place / "target.png", place)), "is the target target.png")
    assert (place / "target.png").read_bytes() == before


@pytest.mark.parametrize("way", ["same", "link", "hard link", "roundabout"])
@pytest.mark.parametrize("words", [(), ("--force",)])
def test_a_photo_is_replaced_by_nothing(run, place, folder, way, words):
    photo = folder / "001.png"
    before = photo.read_bytes()
    assert refused(run(*words, out=spelled(way, photo, place)), "is the photo 001.png of")
    assert photo.read_bytes() == before


@pytest.mark.parametrize("name", ["render", "compare"])
@pytest.mark.parametrize(
    ("out", "report"),
    [("a.png", "a.png"), ("a.png", "./a.png"), ("a.png", "A.PNG"), ("caf\u00e9.png", "cafe\u0301.png")],
)
def test_picture_and_report_are_two_files(run, place, name, out, report):
    assert refused(run("--report", report, name=name, out=out), "would be the same file")
    assert [path.name for path in place.iterdir()] == ["target.png"]


def test_a_link_to_what_is_not_there_yet_is_the_file_that_it_leads_to(run, place):
    (place / "a.png").symlink_to("b.json")
    assert refused(run("--report", "b.json", out="a.png"), "would be the same file")


@pytest.mark.parametrize("name", ["target.png", "001.png", "report.json"])
def test_standard_output_that_a_shell_leads_into_a_file_is_that_file(place, folder, tessera, name):
    path = folder / name if name == "001.png" else place / name
    path.touch()
    before = path.read_bytes()
    words = [tessera, "render", "target.png", "--tiles", folder, "--out", "-", "--report", "report.json", *WORDS]
    with path.open("ab") as file:
        said = subprocess.run(words, stdout=file, stderr=subprocess.PIPE, text=True, check=False)
    assert (said.returncode, len(said.stderr.splitlines())) == (2, 1)
    assert path.read_bytes() == before


@pytest.mark.parametrize("words", [["--report", "target.png"], ["--report", "target.png", "--force"]])
def test_a_report_does_not_replace_the_target(run, words):
    assert refused(run(*words), "is the target")


@pytest.mark.parametrize("name", ["render", "compare"])
def test_a_file_that_tessera_did_not_make_is_replaced_by_force_alone(run, place, name):
    (place / "holiday.png").write_bytes(b"a holiday")
    assert refused(run(name=name, out="holiday.png"), "Tessera did not make it", "--force")
    assert (place / "holiday.png").read_bytes() == b"a holiday"
    assert run("--force", name=name, out="holiday.png").exit_code == 0
    assert Image.open(place / "holiday.png").format == "PNG"


def test_a_report_of_somebody_elses_is_replaced_by_force_alone(run, place, folder):
    (place / "package.json").write_text('{"name": "mine"}')
    assert refused(run("--report", "package.json"), "Tessera did not make it")
    indexed = CliRunner().invoke(command, ["index", str(folder), "--report", "package.json"])
    assert refused(indexed, "Tessera did not make it")
    assert json.loads((place / "package.json").read_text()) == {"name": "mine"}
    assert run("--report", "package.json", "--force").exit_code == 0


@pytest.mark.parametrize("name", ["render", "compare"])
def test_a_script_that_makes_its_files_again_goes_on_working(run, name):
    for _ in range(2):
        assert run("--report", "report.json", name=name).exit_code == 0


def test_the_report_on_a_folder_is_made_again(place, folder):
    for _ in range(2):
        assert CliRunner().invoke(command, ["index", str(folder), "--report", "report.json"]).exit_code == 0


def test_an_empty_file_is_replaced(run, place):
    (place / "mosaic.png").touch()
    assert run().exit_code == 0


def test_a_link_stays_a_link(run, place):
    (place / "real.png").touch()
    (place / "mosaic.png").symlink_to("real.png")
    assert run().exit_code == 0
    assert ((place / "mosaic.png").is_symlink(), Image.open(place / "real.png").format) == (True, "PNG")


def test_a_device_stays_a_device(run):
    assert run("--format", "png", out="/dev/null").exit_code == 0
    assert not Path("/dev/null").is_file()


@pytest.mark.parametrize("form", list(Format))
def test_a_picture_of_ours_says_so(tmp_path, noise, form):
    writer.write(iter([noise(80, 80)]), (80, 80), tmp_path / "a", form, lambda *_: None)
    assert made_here((tmp_path / "a").read_bytes())


def test_a_photo_is_not_taken_for_ours(photographs, cuts):
    assert not any(made_here(data) for data in [*cuts, (photographs / "coffee.png").read_bytes(), b""])


@pytest.mark.parametrize("ending", ["png", "jpg", "webp", "avif", "tif"])
def test_a_mosaic_in_the_folder_of_photos_is_no_tile_the_next_time(run, folder, ending):
    assert "of 40" in run(out=folder / f"mosaic.{ending}").stdout
    again = run(out=folder / f"mosaic.{ending}")
    assert "of 40" in again.stdout
    assert f"mosaic.{ending}: Tessera made this picture" in again.stderr


@pytest.mark.parametrize("name", ["render", "compare"])
def test_a_target_that_is_one_of_the_photos_is_left_out_of_its_mosaic(run, place, folder, name):
    shutil.copy(place / "target.png", folder / "another-name.png")
    result = run(name=name)
    assert result.exit_code == 0
    assert result.stderr == "The target is one of the photos; it is left out of its own mosaic.\n"


def test_a_target_that_is_the_only_photo_is_one_sentence(run, place, folder):
    for path in folder.iterdir():
        path.unlink()
    shutil.copy(place / "target.png", folder / "only.png")
    assert refused(run(), "only photo")
