"""`tessera render` on the command line: a picture, or one sentence and nothing left behind."""

import errno
import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import ExifTags, Image

import cli
from cli.local import render as _render  # noqa: F401 - loaded before any test gives up its rights
from cli.main import tessera

ROOT = Path(cli.__file__).parents[1]
PROGRAM = [sys.executable, "-c", "from cli.start import main; main()"]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """The user's cache folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def target(photographs):
    return photographs / "coffee.png"


@pytest.fixture
def place(tmp_path):
    """An empty folder for results."""
    folder = tmp_path / "results"
    folder.mkdir()
    return folder


@pytest.fixture
def run(folder, place):
    """Run `tessera render` in this process; the words given come after the usual ones, so they win."""

    def run(target, *words, out="mosaic.png", tiles=folder):
        command = ["render", str(target), "--tiles", str(tiles), "--out", str(place / out), *map(str, words)]
        return CliRunner().invoke(tessera, command)

    return run


@pytest.fixture
def program(folder, place):
    """Run `tessera render` as a program of its own."""

    def run(target, *words, out="mosaic.png", prepare=None):
        command = [*PROGRAM, "render", str(target), "--tiles", str(folder), "--out", str(place / out)]
        return subprocess.run(
            [*command, *map(str, words)],
            cwd=ROOT, capture_output=True, text=True, errors="surrogateescape", timeout=60, check=False,
            preexec_fn=prepare,
        )  # fmt: skip

    return run


def pixels_of(path):
    with Image.open(path) as image:
        return np.asarray(image)


def size_of(path):
    with Image.open(path) as image:
        return image.format, image.size


def refused(result, place):
    """The one sentence of a refusal; anything else that was said or left behind fails."""
    lines = result.stderr.splitlines()
    assert (result.exit_code, len(lines), result.stdout) == (2, 1, ""), result.output
    assert list(place.iterdir()) == []
    assert lines[0].startswith("tessera: ")
    return lines[0].removeprefix("tessera: ")


def test_a_mosaic_is_eighty_cells_of_fifty_pixels_unless_asked_otherwise(run, target, place):
    run(target)
    # 600 x 400 in cells of 7.5: 80 x 53.
    assert size_of(place / "mosaic.png") == ("PNG", (4_000, 2_650))


def test_the_closing_line_says_what_was_made(run, target, place):
    result = run(target, "--cells", 20, "--tile-size", 10)
    line = result.stdout.splitlines()[0]
    pattern = r": 20 x 13 = 260 cells, (\d+) distinct tiles of 40, \d+\.\d seconds"
    assert (result.exit_code, bool(re.fullmatch(re.escape(str(place / "mosaic.png")) + pattern, line))) == (0, True)


def test_a_table_says_how_near_the_mosaic_comes(run, target):
    table = run(target, "--cells", 20, "--tile-size", 10).stdout.splitlines()[1:]
    names = [
        "PSNR",
        "dE00",
        "near",
        "SSIM",
        "fine parts",
        "dE00, far",
        "PSNR, blurred",
        "most uses",
        "distance",
        "equal",
        "cost",
        "change",
        "adapted",
        "worst cells",
    ]
    assert [line.strip().partition("  ")[0] for line in table[: len(names)]] == names


def test_the_report_holds_the_order_and_the_quality(run, target, place):
    words = ("--cells", 20, "--tile-size", 10, "--max-uses", 9, "--detail", 0.25, "--report", place / "report.json")
    assert run(target, *words).exit_code == 0
    report = json.loads((place / "report.json").read_text())
    assert (report["order"]["max_uses"], report["order"]["detail"], report["tile_count"]) == (9, 0.25, 40)
    assert (report["grid"]["columns"], report["grid"]["rows"]) == (20, 13)
    assert report["quality"]["most_uses"] <= 9


def test_adaptive_without_a_number_is_a_half(run, target, place):
    words = ("--cells", 20, "--tile-size", 10, "--adaptive", "--report", place / "report.json")
    assert run(target, *words).exit_code == 0
    assert json.loads((place / "report.json").read_text())["order"]["adaptive"] == 0.5


def test_a_report_that_cannot_be_written_leaves_no_mosaic_either(run, target, place):
    result = run(target, "--report", place / "nowhere" / "report.json")
    assert (result.exit_code, list(place.iterdir())) == (2, [])
    assert "report.json cannot be written" in result.stderr


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--loss", "best"], "'best' is not one of 'balanced', 'mean-rgb'"),
        (["--loss", "grid-rgb", "--subcells", 17], "The sub-cells a side must be from 2 to 16, not 17."),
        (["--loss", "grid-rgb", "--subcells", 1], "The sub-cells a side must be from 2 to 16, not 1."),
        (["--subcells", 4], "Sub-cells belong to the losses grid-rgb and grid-oklab, not to balanced."),
        (["--detail", 1.01], "The detail must be from 0 to 1, not 1.01."),
        (["--detail", "nan"], "The detail must be from 0 to 1, not nan."),
        (["--loss", "pixels", "--detail", 0.5], "Detail belongs to the loss balanced, not to pixels."),
        (["--max-uses", 0], "The uses of a tile must be from 1 to 1,000,000, not 0."),
        (["--no-repeats", "--max-uses", 2], "No repeats means one use of a tile, but 2 are allowed"),
        (["--min-distance", -1], "The distance of equal tiles must be from 0 to 1,000, not -1."),
        (["--min-distance", "inf"], "The distance of equal tiles must be from 0 to 1,000, not inf."),
        (["--tint", 2], "The tint must be from 0 to 1, not 2."),
        (["--blend", -0.1], "The blend must be from 0 to 1, not -0.1."),
        (["--cells", 60, "--no-repeats"], "2,400 cells, 40 tiles: allow 60 uses, or at most "),
        (["--cells", 60, "--min-distance", 30], "A distance of 30 cells needs "),
    ],
)
def test_an_order_that_cannot_be_met_is_one_sentence_and_no_file(run, target, place, words, sentence):
    result = run(target, *words)
    assert (result.exit_code, list(place.iterdir())) == (2, [])
    assert sentence in result.stderr


def test_nothing_but_the_mosaic_is_left_behind(run, target, place):
    run(target, "--cells", 10)
    assert [path.name for path in place.iterdir()] == ["mosaic.png"]


def test_a_mosaic_may_be_read_by_those_whom_the_umask_lets(run, target, place):
    before = os.umask(0o027)
    try:
        run(target, "--cells", 10)
    finally:
        os.umask(before)
    assert (place / "mosaic.png").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("name", ["mosaic.jpg", "mosaic.JPEG"])
def test_the_extension_decides_the_format(run, target, place, name):
    run(target, "--cells", 10, out=name)
    assert size_of(place / name)[0] == "JPEG"


def test_cells_need_not_be_square(run, target, place):
    # 600 / 24 = 25, 400 / 16 = 25; tiles of 30 x 20.
    run(target, "--cell-size", "24x16", "--tile-size", 30)
    assert size_of(place / "mosaic.png") == ("PNG", (750, 500))


def test_a_target_can_be_resized_to_whole_cells(run, target, place):
    # 400 * 7 / 600 = 4.67 rows: cropped to 4, stretched to 5.
    run(target, "--cells", 7, "--tile-size", 10, "--fit", "resize")
    assert size_of(place / "mosaic.png")[1] == (70, 50)


def test_a_target_is_cropped_unless_asked_otherwise(run, target, place):
    run(target, "--cells", 7, "--tile-size", 10)
    assert size_of(place / "mosaic.png")[1] == (70, 40)


def test_a_tile_need_not_have_the_size_of_a_cell(run, target, place):
    run(target, "--cells", 10, "--tile-size", 7)
    assert size_of(place / "mosaic.png")[1] == (70, 42)


def test_a_mosaic_of_tiles_as_large_as_their_cells_resembles_the_target(run, target, place):
    # Against a picture of the target's mean alone, the mosaic must be nearer to the target.
    run(target, "--cells", 60, "--tile-size", 10)
    mosaic, wanted = (pixels_of(path).astype(float) for path in (place / "mosaic.png", target))
    assert np.abs(mosaic - wanted).mean() < 0.7 * np.abs(wanted - wanted.mean(axis=(0, 1))).mean()


def test_the_same_order_twice_gives_the_same_bytes(run, target, place):
    run(target, "--cells", 30, "--tile-size", 12, out="one.png")
    run(target, "--cells", 30, "--tile-size", 12, out="two.png")
    assert (place / "one.png").read_bytes() == (place / "two.png").read_bytes()


def test_the_tiles_of_a_mosaic_are_kept_unless_there_is_to_be_no_room_for_them(run, target, place, cache):
    run(target, "--tile-cache", "0", out="without.png")
    assert not list(cache.rglob("kept-*"))
    run(target, out="first.png")
    (kept,) = cache.rglob("kept-*")
    assert kept.stat().st_size > 50 * 50 * 3
    kept.write_bytes(b"damaged")
    run(target, out="second.png")
    assert len({(place / name).read_bytes() for name in ("without.png", "first.png", "second.png")}) == 1


def test_the_mosaic_does_not_depend_on_the_names_of_the_photos(run, target, place, folder):
    run(target, "--cells", 30, "--tile-size", 12, out="one.png")
    for number, path in enumerate(sorted(folder.iterdir(), reverse=True)):
        path.rename(folder / f"renamed-{number:03}.png")
    run(target, "--cells", 30, "--tile-size", 12, out="two.png")
    assert (place / "one.png").read_bytes() == (place / "two.png").read_bytes()


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="only Linux binds a process to cores")
def test_one_core_makes_the_same_bytes_as_all(run, program, target, place):
    run(target, "--cells", 30, "--tile-size", 12, out="all.png")
    one = min(os.sched_getaffinity(0))
    made = program(
        target, "--cells", 30, "--tile-size", 12, out="one.png", prepare=lambda: os.sched_setaffinity(0, {one})
    )
    assert made.returncode == 0, made.stderr
    assert (place / "one.png").read_bytes() == (place / "all.png").read_bytes()


def test_an_older_mosaic_is_replaced(run, target, place):
    run(target, "--cells", 20, "--tile-size", 5)
    run(target, "--cells", 10, "--tile-size", 5)
    assert size_of(place / "mosaic.png")[1] == (50, 30)


def test_an_older_mosaic_survives_a_run_that_fails(run, place, tmp_path):
    (place / "mosaic.png").write_bytes(b"older")
    (tmp_path / "bad.png").write_bytes(b"no picture")
    run(tmp_path / "bad.png")
    assert (place / "mosaic.png").read_bytes() == b"older"


def test_files_that_became_no_tile_are_listed_with_their_reasons(run, target, folder):
    (folder / "notes.txt").write_bytes(b"remember the milk")
    (folder / "empty.jpg").write_bytes(b"")
    result = run(target, "--cells", 10)
    assert (result.exit_code, result.stderr.splitlines()) == (
        0,
        [
            "2 files became no tile:",
            "  empty.jpg: The file is empty.",
            (
                "  notes.txt: The file is not a picture in a format that Tessera reads "
                "(JPEG, PNG, WebP, GIF, TIFF, BMP, AVIF, HEIC and JPEG 2000)."
            ),
        ],
    )


def test_a_long_list_of_bad_files_is_cut_after_twenty(run, target, folder):
    for number in range(25):
        (folder / f"note-{number:02}.txt").write_bytes(b"text")
    lines = run(target, "--cells", 10).stderr.splitlines()
    assert (len(lines), lines[0], lines[-1]) == (22, "25 files became no tile:", "  \u2026 and 5 more")


def test_a_photo_with_damaged_metadata_is_a_tile_without_a_word(program, target, folder, encoded, noise):
    # An Exif block whose directory promises five entries and holds half of one.
    exif = b"Exif\0\0II*\0\x08\0\0\0\x05\0\x12\x01\x03\0\x01"
    (folder / "odd.jpg").write_bytes(encoded(noise(40, 40), "JPEG", exif=exif))
    made = program(target, "--cells", 10, "--tile-size", 5)
    assert (made.returncode, made.stderr, "of 41," in made.stdout) == (0, "", True)


def test_a_name_that_is_no_text_can_be_written_to(program, target, place):
    name = os.fsdecode(b"\xff.png")
    made = program(target, "--cells", 10, "--tile-size", 5, out=name)
    assert (made.returncode, made.stderr, size_of(place / name)[1]) == (0, "", (50, 30))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--cells", "0"], "The cells across must be from 1 to 1,000, not 0."),
        (["--cells", "-3"], "The cells across must be from 1 to 1,000, not -3."),
        (["--cells", "1000000"], "The cells across must be from 1 to 1,000, not 1,000,000."),
        (["--cells", "1"], "Square cells, 1 across, are higher than the target (600 x 400); take at least 2 cells"),
        (["--tile-size", "0"], "The tile size must be from 1 to 1,024, not 0."),
        (["--tile-size", "100000"], "The tile size must be from 1 to 1,024, not 100,000."),
        (["--cells", "600", "--tile-size", "1000"], "The mosaic would be 600,000 x 400,000 pixels"),
        (["--cell-size", "0x5"], "The cell width must be from 1 to 4,096, not 0."),
        (["--cell-size", "5x9999"], "The cell height must be from 1 to 4,096, not 9,999."),
        (["--cell-size", "601x5"], "A cell of 601 x 5 pixels is larger than the target"),
        (["--cells", "60", "--cell-size", "5x5"], "Give either the cells across or a cell's width and height."),
    ],
)
def test_an_order_that_cannot_be_met_is_one_sentence(run, target, place, words, sentence):
    assert refused(run(target, *words), place).startswith(sentence)


@pytest.mark.parametrize("size", ["12", "12x", "x8", "12x8x4", "-1x5", "1.5x2", "wide", "9" * 5_000 + "x1"])
def test_what_is_no_cell_size_is_a_usage_error(run, target, place, size):
    result = run(target, "--cell-size", size)
    assert (result.exit_code, "Traceback" in result.output, list(place.iterdir())) == (2, False, [])


@pytest.mark.parametrize("name", ["mosaic.gif", "mosaic", "mosaic.png.txt"])
def test_an_unknown_extension_is_one_sentence(run, target, place, name):
    assert "must end in .png, .jpg, .jpeg, .webp, .avif, .tif, .tiff, .ptif, .szi or .pdf, so" in refused(
        run(target, out=name), place
    )


@pytest.mark.parametrize(
    ("name", "format_"),
    [
        ("a.png", "PNG"),
        ("a.JPG", "JPEG"),
        ("a.webp", "WEBP"),
        ("a.avif", "AVIF"),
        ("a.tif", "TIFF"),
        ("a.tiff", "TIFF"),
    ],
)
def test_the_ending_says_the_format(run, target, place, name, format_):
    assert run(target, "--dpi", "137", out=name).exit_code == 0
    with Image.open(place / name) as image:
        assert image.format == format_
        dots = image.info.get("dpi") or (image.getexif()[ExifTags.Base.XResolution],)
        assert dots[0] == pytest.approx(137, abs=0.0127)  # a PNG counts whole pixels of a metre


@pytest.mark.parametrize("name", ["a.jpg", "a.webp", "a.avif"])
def test_less_quality_makes_a_smaller_file(run, target, place, name):
    sizes = []
    for quality in ("30", "95"):
        assert run(target, "--quality", quality, out=name).exit_code == 0
        sizes.append((place / name).stat().st_size)
    assert sizes[0] < 0.7 * sizes[1]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--quality", "0"), "The quality of the file must be from 1 to 100, not 0."),
        (("--quality", "101"), "The quality of the file must be from 1 to 100, not 101."),
        (("--dpi", "0"), "The dots per inch must be from 1 to 2,400, not 0."),
        (("--dpi", "2401"), "The dots per inch must be from 1 to 2,400, not 2,401."),
        (
            ("--cells", "100", "--tile-size", "164"),
            "WebP ends at 16,383 a side. Take PNG, JPEG, TIFF, pyramidal TIFF, zoom pyramid or PDF.",
        ),
    ],
)
def test_what_a_file_cannot_be_is_refused_before_any_work(run, target, place, words, sentence):
    assert sentence in refused(run(target, *words, out="a.webp"), place)


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_a_quality_where_nothing_is_lost_is_one_sentence(run, target, place, name):
    assert "A quality belongs to JPEG, WebP, AVIF, zoom pyramid or PDF" in refused(
        run(target, "--quality", "80", out=name), place
    )


def test_a_target_that_is_not_there_is_one_sentence(run, place, tmp_path):
    assert refused(run(tmp_path / "none.png"), place).endswith("cannot be read: No such file or directory.")


def test_a_folder_as_the_target_is_one_sentence(run, place, tmp_path):
    assert refused(run(tmp_path), place).endswith("cannot be read: Is a directory.")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(b"", "empty"), (b"text, no picture", "not a picture"), (b"<svg xmlns='x'/>", "is an SVG drawing")],
    ids=["empty", "text", "svg"],
)
def test_a_target_that_is_no_picture_is_one_sentence(run, place, tmp_path, content, sentence):
    (tmp_path / "target.png").write_bytes(content)
    assert sentence in refused(run(tmp_path / "target.png"), place)


@pytest.mark.parametrize("content", [b"", b"text, no picture"], ids=["empty", "text"])
def test_the_sentence_about_a_bad_target_names_it(run, place, tmp_path, content):
    (tmp_path / "portrait.png").write_bytes(content)
    assert "portrait.png" in refused(run(tmp_path / "portrait.png"), place)


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_a_truncated_target_is_one_sentence(run, place, tmp_path, encoded, noise, form):
    data = encoded(noise(100, 100), form)
    (tmp_path / "target").write_bytes(data[: len(data) // 2])
    assert "truncated" in refused(run(tmp_path / "target"), place)


def test_a_target_that_promises_too_many_pixels_is_one_sentence(run, place, tmp_path, encoded, noise):
    data = bytearray(encoded(noise(8, 8), "BMP"))
    data[18:26] = (50_000).to_bytes(4, "little") * 2
    (tmp_path / "bomb.bmp").write_bytes(data)
    assert "50,000 x 50,000 = 2,500,000,000 pixels" in refused(run(tmp_path / "bomb.bmp"), place)


def test_a_folder_of_photos_that_is_not_there_is_one_sentence(run, target, place, tmp_path):
    assert refused(run(target, tiles=tmp_path / "nowhere"), place).startswith("There is no folder")


def test_an_empty_folder_of_photos_is_one_sentence(run, target, place, tmp_path):
    (tmp_path / "empty").mkdir()
    assert refused(run(target, tiles=tmp_path / "empty"), place).endswith("holds no files.")


def test_a_folder_without_a_usable_photo_is_one_sentence(run, target, place, tmp_path):
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").write_bytes(b"text")
    assert "is a usable photo; a.txt:" in refused(run(target, tiles=tmp_path / "texts"), place)


def test_a_result_in_a_folder_that_is_not_there_is_one_sentence(run, target, place):
    sentence = refused(run(target, "--cells", 10, out="nowhere/mosaic.png"), place)
    assert sentence.endswith("cannot be written: there is no folder " + str(place / "nowhere") + "; make it first.")


def test_a_result_below_a_file_is_one_sentence(run, target, place, folder):
    out = folder / "000.png" / "mosaic.png"
    assert f"cannot be written: there is no folder {folder / '000.png'}" in refused(
        run(target, "--cells", 10, out=out), place
    )


def test_a_result_in_the_place_of_a_folder_is_one_sentence_and_leaves_the_folder(run, target, place):
    (place / "mosaic.png").mkdir()
    result = run(target, "--cells", 10)
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert [path.name for path in place.iterdir()] == ["mosaic.png"]


def test_a_result_in_a_folder_that_may_not_be_written_is_one_sentence(run, target, without_rights, cuts, monkeypatch):
    with without_rights() as own:
        monkeypatch.setenv("XDG_CACHE_HOME", str(own / "cache"))
        (own / "photos").mkdir()
        (own / "photos" / "a.png").write_bytes(cuts[0])
        (own / "target.png").write_bytes(cuts[1])
        (own / "locked").mkdir(mode=0o500)
        result = run(own / "target.png", "--cells", 4, tiles=own / "photos", out=own / "locked" / "mosaic.png")
        assert refused(result, own / "locked").endswith("cannot be written: Permission denied.")


def test_a_disk_without_room_for_the_tiles_is_one_sentence(run, target, place, monkeypatch):
    def full(_file: int, _start: int, _length: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    assert "no room left" in refused(run(target, "--cells", 10), place)


@pytest.mark.parametrize("largest", [0, 2_000, 400_000])
def test_files_that_may_not_grow_end_in_one_sentence_and_leave_nothing(program, target, place, cache, largest):
    # The tiles take up to 40 * 50 * 50 * 3 = 300,000 bytes, the picture more than a third of 30 * 20 * 50 * 50 * 3.
    options = ["--cells", 30, "--crops", "none"]
    made = program(target, *options, prepare=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest)))
    assert (made.returncode, made.stderr.count("\n"), list(place.iterdir())) == (2, 1, []), made.stderr


def test_a_cache_that_may_not_grow_is_left_without_half_written_files(program, target, cache):
    program(target, "--cells", 10, prepare=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)))
    assert [path for path in cache.rglob("*") if path.is_file() and path.name != "lock"] == []


def test_an_interrupted_run_leaves_nothing_behind(folder, place, tmp_path, encoded, noise):
    # A target given through a pipe: the program waits for it, and is interrupted after it began to write beside it.
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    command = [*PROGRAM, "render", str(pipe), "--tiles", str(folder), "--out", str(place / "mosaic.png")]
    running = subprocess.Popen(
        [*command, "--cells", "300", "--tile-size", "30"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    with pipe.open("wb") as file:
        file.write(encoded(noise(400, 400)))
    deadline = time.monotonic() + 30
    while not list(place.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    output = running.communicate(timeout=30)
    assert (running.returncode, b"Traceback" in output[1], list(place.iterdir())) == (130, False, [])


def test_the_program_itself_makes_a_mosaic(program, target, place):
    made = program(target, "--cells", 10, "--tile-size", 5)
    assert (made.returncode, made.stderr, size_of(place / "mosaic.png")[1]) == (0, "", (50, 30))


def test_the_program_itself_refuses_in_one_sentence(program, place, tmp_path):
    made = program(tmp_path / "none.png")
    assert (made.returncode, made.stderr.count("\n"), made.stderr.startswith("tessera: The target")) == (2, 1, True)


@pytest.mark.parametrize("words", [["--help"], ["render", "--help"], ["-h"]])
def test_help_needs_nothing(words):
    result = CliRunner().invoke(tessera, words)
    assert (result.exit_code, result.stdout.startswith("Usage: ")) == (0, True)


def test_an_unknown_command_is_a_usage_error():
    assert CliRunner().invoke(tessera, ["paint"]).exit_code == 2
