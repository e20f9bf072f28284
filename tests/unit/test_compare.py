"""`tessera compare`: one target by several losses, on one sheet."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from cli.main import tessera
from models.rules.order_words import LossName


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """The user's cache folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def run(folder, photographs, tmp_path):
    """Run `tessera compare` in this process."""

    def run(*words, target=photographs / "coffee.png", out="sheet.png"):
        command = ["compare", str(target), "--tiles", str(folder), "--out", str(tmp_path / out), *map(str, words)]
        return CliRunner().invoke(tessera, command)

    return run


def losses_in(table):
    return [line.split()[0] for line in table.splitlines()[1:-1]]


def test_every_loss_is_compared_when_none_is_named(run):
    result = run("--cells", 15)
    assert (result.exit_code, losses_in(result.stdout)) == (0, [name.value for name in LossName])


def test_those_that_are_named_are_compared_in_their_order_and_once(run):
    result = run("--cells", 15, "--loss", "pixels", "--loss", "mean-lab", "--loss", "pixels")
    assert losses_in(result.stdout) == ["pixels", "mean-lab"]


def test_the_sheet_shows_the_target_first_and_then_what_each_loss_made(run, tmp_path, photographs):
    # Four pictures, two by two: 15 x 10 cells of 32 pixels each, with margins of 24.
    run("--cells", 15, "--loss", "mean-rgb", "--loss", "pixels", "--loss", "balanced")
    with Image.open(tmp_path / "sheet.png") as sheet, Image.open(photographs / "coffee.png") as coffee:
        width, height = 15 * 32, 10 * 32
        shown = np.asarray(sheet.convert("RGB")).astype(int)
        wanted = np.asarray(coffee.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)).astype(int)
    assert np.abs(shown[24 : 24 + height, 24 : 24 + width] - wanted).mean() < 1
    second = shown[24 : 24 + height, 24 + width + 48 :][:, :width]
    assert second.shape == wanted.shape
    assert np.abs(second.mean(axis=(0, 1)) - wanted.mean(axis=(0, 1))).max() < 40


def test_the_scores_are_nearly_those_of_the_rendered_mosaic(run, tmp_path, folder, photographs):
    run("--cells", 20, "--loss", "grid-rgb", "--report", tmp_path / "scores.json")
    rendered = ["render", str(photographs / "coffee.png"), "--tiles", str(folder), "--out", str(tmp_path / "m.png")]
    words = [
        "--cells",
        "20",
        "--loss",
        "grid-rgb",
        "--report",
        str(tmp_path / "m.json"),
        "--tile-size",
        "32",
        "--tint",
        "0",
    ]
    assert CliRunner().invoke(tessera, rendered + words).exit_code == 0
    compared = json.loads((tmp_path / "scores.json").read_text())["grid-rgb"]
    made = json.loads((tmp_path / "m.json").read_text())["quality"]
    for score in ("psnr1", "de00", "ssim4", "far", "cost", "distinct_tiles"):
        assert compared[score] == pytest.approx(made[score], rel=1e-3)


def test_detail_and_sub_cells_go_to_the_losses_that_they_belong_to(run, tmp_path):
    def scores(*words):
        assert run("--cells", 12, *words, "--report", tmp_path / "r.json").exit_code == 0
        return json.loads((tmp_path / "r.json").read_text())

    usual, other = scores(), scores("--detail", 0, "--subcells", 16)
    changed = {name for name in usual if usual[name]["cost"] != other[name]["cost"]}
    assert changed == {"balanced", "grid-rgb", "grid-oklab"}
    assert other["grid-rgb"]["cost"] == other["pixels"]["cost"]


@pytest.mark.parametrize(
    "words",
    [
        ("--losses", "balanced:detail=0.7,far=0,mean-lab,balanced"),
        ("--losses", "Balanced:Detail=0.7, far=0, mean-lab", "--loss", "balanced", "--loss", "mean-lab"),
        ("--loss", "balanced:detail=0.7,far=0", "--loss", "mean-lab", "--loss", "balanced"),
    ],
)
def test_a_preset_is_a_loss_with_options_of_its_own(run, tmp_path, words):
    result = run("--cells", 12, *words, "--report", tmp_path / "r.json")
    names = ["balanced:detail=0.7,far=0", "mean-lab", "balanced"]
    assert (losses_in(result.stdout), [*json.loads((tmp_path / "r.json").read_text())]) == (names, names)


def test_the_options_of_a_preset_count_instead_of_those_for_all(run, tmp_path):
    losses = "balanced,balanced:detail=1,grid-rgb:subcells=16,pixels"
    run("--cells", 12, "--detail", 0, "--far", 0, "--spread", 0, "--losses", losses, "--report", tmp_path / "a.json")
    run("--cells", 12, "--detail", 1, "--far", 0, "--spread", 0, "--report", tmp_path / "b.json")
    mixed, plain = (json.loads((tmp_path / name).read_text()) for name in ("a.json", "b.json"))
    assert mixed["balanced:detail=1"] == plain["balanced"] != mixed["balanced"]
    assert mixed["grid-rgb:subcells=16"]["cost"] == mixed["pixels"]["cost"]


def test_a_preset_may_have_a_rule_of_its_own(run, tmp_path):
    losses = "mean-rgb,mean-rgb:max-uses=2,mean-rgb:no-repeats=yes"
    run("--cells", 7, "--min-distance", 0, "--losses", losses, "--report", tmp_path / "r.json")
    free, twice, once = (one["most_uses"] for one in json.loads((tmp_path / "r.json").read_text()).values())
    assert (free > 2, twice, once) == (True, 2, 1)


def test_a_long_preset_is_on_the_sheet_in_as_many_lines_as_it_takes(run, tmp_path):
    def height(preset):
        assert run("--cells", 12, "--losses", preset).exit_code == 0
        with Image.open(tmp_path / "sheet.png") as sheet:
            (tmp_path / "sheet.png").rename(tmp_path / f"{sheet.height}.png")
            return sheet.height

    # A line is 1.4 letters of 15 pixels high, and there are two pictures one above the other or beside each other.
    more = height("grid-rgb:subcells=4,crops=none,keep=0.5,far=0,spread=0,flips=no,turns=no") - height("grid-rgb")
    assert more in {21, 42}


@pytest.mark.parametrize(
    ("losses", "sentence"),
    [
        ("nearest", "'nearest' is not one of 'balanced', 'mean-rgb'"),
        ("nearest:far=0", "'nearest' is not one of 'balanced', 'mean-rgb'"),
        ("", "'' is not one of 'balanced'"),
        ("pixels,", "'' is not one of 'balanced'"),
        ("balanced,far=0", "Options come after a loss and a colon, such as balanced:far=0."),
        ("balanced:fare=0", "balanced:fare=0: 'fare' is not one of detail, subcells, crops, keep, far, flips,"),
        ("balanced:", "balanced: has no options after its colon; write such as balanced:far=0."),
        ("balanced:far=0,min-uses=1,far=1", "balanced:far=0,min-uses=1,far=1 gives far twice."),
        ("balanced:far", "balanced:far: far must be a number such as 0.5, not ''."),
        ("balanced:far=much", "balanced:far=much: far must be a number such as 0.5, not 'much'."),
        ("grid-rgb:subcells=2.5", "grid-rgb:subcells=2.5: subcells must be a whole number, not '2.5'."),
        ("balanced:crops=all", "balanced:crops=all: crops must be one of none, slide, zoom, not 'all'."),
        ("balanced:flips=maybe", "balanced:flips=maybe: flips must be one of yes, no, not 'maybe'."),
        ("balanced:cells=9", "balanced:cells=9: 'cells' is not one of detail,"),
        ("balanced:far=4.5", "The view from afar must be from 0 to 4, not 4.5."),
        ("pixels:detail=0.5", "Detail belongs to the loss balanced, not to pixels."),
        ("balanced:no-repeats=yes,max-uses=2", "No repeats means one use of a tile, but 2 are allowed"),
    ],
)
def test_a_preset_that_means_nothing_is_refused_in_a_sentence(run, tmp_path, losses, sentence):
    result = run("--cells", 12, "--losses", losses)
    assert (result.exit_code, (tmp_path / "sheet.png").exists()) == (2, False)
    assert sentence in result.stderr


def test_rules_bind_every_loss(run, tmp_path):
    run("--cells", 9, "--max-uses", 2, "--flips", "--report", tmp_path / "r.json")
    report = json.loads((tmp_path / "r.json").read_text())
    assert {name: one["most_uses"] <= 2 for name, one in report.items()} == dict.fromkeys(LossName, True)


@pytest.mark.parametrize(
    ("words", "out", "sentence"),
    [
        ((), "sheet.jpg", "must end in .png"),
        (("--subcells", 20), "sheet.png", "The sub-cells a side must be from 2 to 16, not 20."),
        (("--loss", "nearest"), "sheet.png", "'nearest' is not one of"),
        (("--no-repeats",), "sheet.png", "4,240 cells, 40 tiles: allow 106 uses"),
    ],
)
def test_what_cannot_be_compared_is_one_sentence_and_no_file(run, tmp_path, words, out, sentence):
    result = run(*words, out=out)
    assert result.exit_code == 2
    assert sentence in result.stderr
    assert not (tmp_path / out).exists()


def test_a_target_that_is_no_picture_is_named(run, tmp_path):
    (tmp_path / "words.png").write_text("no picture")
    assert "words.png: The file is not a picture" in run(target=tmp_path / "words.png").stderr
