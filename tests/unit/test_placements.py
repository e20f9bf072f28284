"""Placements as documents, and `tessera render` with them: written, laid again, changed, refused."""

import csv
import io
import json
import math
from collections import Counter
from hashlib import sha256
from itertools import combinations

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from cli.main import tessera
from models.errors import InvalidOrder
from models.rules import placement_files
from models.rules.placement_files import from_bytes, to_bytes
from models.rules.placements import Placed, Placement

NAMES = st.text(st.characters(exclude_characters="\0/", exclude_categories=["Cs"]), min_size=1, max_size=20)
HASH = "ab" * 32


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """The user's cache folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def place(tmp_path, monkeypatch):
    """An empty folder for results, which is the current one."""
    folder = tmp_path / "results"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def render(folder, place, photographs):
    """Run `tessera render` on coffee.png in this process."""

    def run(*words, out="mosaic.png"):
        target = str(photographs / "coffee.png")
        words = ["--tiles", str(folder), "--out", out, *map(str, words)]
        return CliRunner().invoke(tessera, ["render", target, "--quiet", *words])

    return run


@pytest.fixture
def made(render, place):
    """A mosaic of 12 x 8 cells with its placement as JSON and as CSV."""
    words = ["--cells", 12, "--tile-size", 16, "--min-distance", 2, "--flips", "--tint", 0.3]
    assert render(*words, "--placement-out", "made.json", out="made.png").exit_code == 0
    assert render(*words, "--placement-out", "made.csv", out="again.png").exit_code == 0
    return json.loads((place / "made.json").read_text())


def cells_of(path):
    return json.loads(path.read_text())["cells"]


def by_place(cells):
    return {(cell["column"], cell["row"]): cell for cell in cells}


def refused(result, place, *others):
    """Whether a run ended in one sentence, and left nothing but what was there; return the sentence."""
    assert result.exit_code == 2, result.output
    assert result.output.startswith("tessera: ")
    assert result.output.count("\n") == 1
    assert not (place / "mosaic.png").exists()
    assert not [path for path in place.iterdir() if path.name.startswith(".tessera")]
    return result.output


# The document


@given(
    name=NAMES,
    window=st.none() | st.just((0, 2, 2046, 2046)),
    turn=st.integers(0, 7),
    distance=st.none() | st.floats(0, 10),
    suffix=st.sampled_from([".json", ".csv"]),
)
def test_what_is_written_is_read_again(name, window, turn, distance, suffix):
    cells = [Placed(3, 0, name, HASH, window, turn, distance), Placed(0, 9, "b.jpg", "", None, 0, None)]
    found = from_bytes(to_bytes(Placement(cells, {}, {}), suffix) if suffix == ".csv" else json_of(cells), suffix)
    distances = [distance, None] if suffix == ".json" else [None, None]
    assert found.cells == [cell._replace(distance=far) for cell, far in zip(cells, distances, strict=True)]


def json_of(cells):
    """A document that lacks the grid and the order, as a hand may write it."""
    given_cells = [cell._asdict() for cell in cells]
    return json.dumps({"kind": "tessera-placement", "version": 1, "cells": given_cells}).encode()


def test_a_name_that_is_no_text_comes_back_byte_for_byte():
    name = b"caf\xe9.jpg".decode("utf-8", "surrogateescape")
    placement = Placement([Placed(0, 0, name, HASH, None, 0, None)], {}, {})
    assert b"caf\xe9.jpg" in to_bytes(placement, ".csv")
    assert from_bytes(to_bytes(placement, ".csv"), ".csv").cells[0].photo == name
    assert from_bytes(json_of(placement.cells), ".json").cells[0].photo == name


def test_a_spreadsheet_may_put_its_mark_in_front_and_lines_may_end_as_on_windows():
    text = "\ufeffrow,column,photo\r\n4,7,a.jpg\r\n\r\n"
    assert from_bytes(text.encode(), ".csv").cells == [Placed(7, 4, "a.jpg", "", None, 0, None)]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"kind": "a list"}, "does not say that it is a tessera-placement"),
        ({"version": 2}, "version 2"),
        ({"version": "1"}, "says no version"),
        ({"version": True}, "says no version"),
        ({"steps": 100}, "what version 1 does not have"),
        ({"shine": 1}, "what version 1 does not have"),
        ({"cells": []}, "holds no cell"),
        ({"cells": {}}, "no list"),
        ({"cells": [7]}, "no object"),
        ({"grid": 3}, "grid is no object"),
        ({"grid": {"columns": 3}}, "its grid must have"),
        ({"order": []}, "order is no object"),
        ({"order": {"sparkle": 1}}, "'sparkle'"),
        ({"order": {"tint": "much"}}, "tint in its order"),
        ({"order": {"cells_across": 2.5}}, "cells_across in its order"),
        ({"order": {"loss": "nearest"}}, "loss in its order"),
    ],
)
def test_a_document_that_is_none_is_refused_with_its_reason(change, sentence):
    cells = [{"column": 0, "row": 0, "photo": "a.jpg"}]
    known = {"kind": "tessera-placement", "version": 1, "cells": cells} | change
    with pytest.raises(InvalidOrder, match=sentence):
        from_bytes(json.dumps(known).encode(), ".json")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"column": -1}, "no column"),
        ({"column": 1.0}, "no column"),
        ({"row": None}, "no row"),
        ({"row": 10**30}, "no row"),
        ({"photo": ""}, "names no photo"),
        ({"photo": 3}, "names no photo"),
        ({"content": "xyz"}, "content hash"),
        ({"turn": 8}, "turn"),
        ({"turn": True}, "turn"),
        ({"distance": float("nan")}, "has a distance that is no number"),
        ({"distance": float("inf")}, "has a distance that is no number"),
        ({"distance": -1.0}, "has a distance that is no number"),
        ({"window": [0, 0, 2049, 1]}, "window"),
        ({"window": [1, 0, 2048, 1]}, "window"),
        ({"window": [0, 0, 0, 1]}, "window"),
        ({"window": [0, 0, 1]}, "window"),
        ({"windw": [0, 0, 1, 1]}, "'windw'"),
    ],
)
def test_a_cell_that_is_none_is_refused_with_its_reason(change, sentence):
    cell = {"column": 0, "row": 0, "photo": "a.jpg"} | change
    known = {"kind": "tessera-placement", "version": 1, "cells": [cell]}
    with pytest.raises(InvalidOrder, match=sentence):
        from_bytes(json.dumps(known).encode(), ".json")


@pytest.mark.parametrize(
    ("data", "suffix", "sentence"),
    [
        (b"", ".json", "not JSON"),
        (b"[" * 100_000, ".json", "not JSON"),
        (b'{"kind": "tessera-placement", "version": 1, "cells": [{"column"', ".json", "cut off"),
        (bytes(range(256)), ".json", "not JSON"),
        (b"", ".csv", "first line"),
        (bytes(range(256)), ".csv", "."),
        (b"column,row,photo\n1,2,a.jpg\n1,3", ".csv", "cut off"),
        (b'column,row,photo\n1,2,"a.jpg', ".csv", "cut off"),
        (b"column,row,photo\n1,2,a.jpg\n1,2,b.jpg\n", ".csv", "column 1, row 2 stands twice"),
        (b"column,row,photo,left\n1,2,a.jpg,3\n", ".csv", "window"),
        (b"column,row,photo,shine\n1,2,a.jpg,3\n", ".csv", "newer version"),
        (b"column,row,photo,row\n1,2,a.jpg,3\n", ".csv", "one too many"),
        ("column,row,photo\n²,2,a.jpg\n".encode(), ".csv", "no column"),
    ],
)
def test_a_file_that_is_no_document_is_refused_with_its_reason(data, suffix, sentence):
    with pytest.raises(InvalidOrder, match=sentence):
        from_bytes(data, suffix)


def test_an_enormous_file_is_refused_before_it_is_parsed(render, place):
    with (place / "huge.json").open("wb") as file:
        file.truncate(placement_files.MOST_BYTES + 1)
    assert "huge.json: " in refused(render("--placement", "huge.json"), place)


# Written


def test_the_document_says_of_every_cell_what_lies_in_it(made, folder):
    assert (made["kind"], made["version"], made["steps"]) == ("tessera-placement", 1, 2048)
    assert (made["grid"]["columns"], made["grid"]["rows"]) == (12, 8)
    assert (made["order"]["min_distance"], made["order"]["tint"], made["order"]["flips"]) == (2.0, 0.3, True)
    assert [(cell["column"], cell["row"]) for cell in made["cells"]] == [(x, y) for y in range(8) for x in range(12)]
    for cell in made["cells"]:
        assert sha256((folder / cell["photo"]).read_bytes()).hexdigest() == cell["content"]
        left, top, width, height = cell["window"]
        assert max(left + width, top + height) <= 2048
        assert cell["turn"] in {0, 4}


def test_the_sum_of_the_squared_distances_is_the_cost_in_the_report(render, place):
    render("--cells", 12, "--report", "report.json", "--placement-out", "made.json")
    cost = json.loads((place / "report.json").read_text())["quality"]["cost"]
    assert math.fsum(cell["distance"] ** 2 for cell in cells_of(place / "made.json")) == pytest.approx(cost, rel=1e-4)


def test_json_and_csv_say_the_same_of_the_cells(made, place):
    rows = list(csv.DictReader(io.StringIO((place / "made.csv").read_text())))
    assert len(rows) == len(made["cells"])
    for row, cell in zip(rows, made["cells"], strict=True):
        window = [int(row[name]) for name in ("left", "top", "width", "height")]
        assert window == cell["window"]
        assert (int(row["column"]), int(row["row"]), row["photo"]) == (cell["column"], cell["row"], cell["photo"])
        assert (row["content"], int(row["turn"])) == (cell["content"], cell["turn"])
        assert float(row["distance"]) == cell["distance"]


def test_a_photo_in_a_folder_of_the_folder_has_its_path(render, place, folder):
    (folder / "beach").mkdir()
    for path in list(folder.glob("*.png")):
        path.rename(folder / "beach" / path.name)
    render("--cells", 6, "--placement-out", "made.json")
    assert all(cell["photo"].startswith("beach/") for cell in cells_of(place / "made.json"))


def test_a_failing_run_leaves_no_placement(render, place):
    refused(render("--cells", 6, "--placement-out", "made.json", "--min-uses", 90), place)
    assert list(place.iterdir()) == []


def test_an_older_placement_is_replaced_and_a_file_of_somebody_else_is_not(made, render, place):
    assert render("--cells", 6, "--placement-out", "made.json").exit_code == 0
    assert render("--cells", 6, "--placement-out", "made.csv").exit_code == 0
    (place / "mosaic.png").unlink()
    (place / "mine.csv").write_text("name,age\n")
    assert "mine.csv" in refused(render("--placement-out", "mine.csv"), place)
    assert (place / "mine.csv").read_text() == "name,age\n"


def test_a_placement_that_is_read_is_not_replaced(made, render, place):
    before = (place / "made.json").read_bytes()
    assert "read from" in refused(render("--placement", "made.json", "--report", "made.json"), place)
    assert (place / "made.json").read_bytes() == before


def test_its_ending_says_the_format(render, place):
    assert "made.txt must end in .json or .csv" in refused(render("--placement-out", "made.txt"), place)


# Laid again


def test_a_placement_is_laid_to_the_same_bytes(made, render, place):
    assert render("--placement", "made.json", "--placement-out", "again.json").exit_code == 0
    assert (place / "mosaic.png").read_bytes() == (place / "made.png").read_bytes()
    again = json.loads((place / "again.json").read_text())
    assert again["order"] == made["order"]
    assert [cell | {"distance": 0} for cell in again["cells"]] == [cell | {"distance": 0} for cell in made["cells"]]
    for cell, before in zip(again["cells"], made["cells"], strict=True):
        assert cell["distance"] == pytest.approx(before["distance"], rel=1e-4)


def test_csv_needs_the_options_and_is_then_laid_to_the_same_bytes(made, render, place):
    words = ["--cells", 12, "--tile-size", 16, "--tint", 0.3]
    assert render("--placement", "made.csv", *words).exit_code == 0
    assert (place / "mosaic.png").read_bytes() == (place / "made.png").read_bytes()


def test_it_is_laid_in_another_size_where_that_is_asked_for(made, render, place):
    assert (
        render("--placement", "made.json", "--tile-size", 9, "--tint", 0, "--placement-out", "small.json").exit_code
        == 0
    )
    with Image.open(place / "mosaic.png") as image:
        assert image.size == (12 * 9, 8 * 9)
    small = json.loads((place / "small.json").read_text())
    assert (small["order"]["tile_size"], small["order"]["tint"], small["order"]["min_distance"]) == (9, 0.0, 2.0)


def test_a_look_that_is_given_counts_instead_of_the_order_of_the_document(made, render, place):
    assert render("--placement", "made.json", "--look", "true", "--placement-out", "plain.json").exit_code == 0
    order = json.loads((place / "plain.json").read_text())["order"]
    assert (order["tint"], order["tile_size"]) == (0.0, 16)


def test_photos_may_have_moved(made, render, place, folder):
    (folder / "beach").mkdir()
    for path in list(folder.glob("*.png")):
        path.rename(folder / "beach" / f"new-{path.name}")
    assert render("--placement", "made.json").exit_code == 0
    assert (place / "mosaic.png").read_bytes() == (place / "made.png").read_bytes()


def test_a_photo_that_is_gone_is_named(made, render, place, folder):
    gone = made["cells"][17]["photo"]
    (folder / gone).unlink()
    sentence = refused(render("--placement", "made.json"), place)
    assert f"{gone}: this photo is not in the folder" in sentence


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--cells", 13], "another grid: 12 x 8 cells, not 13 x 8"),
        (["--cell-size", "50x40"], "another grid"),
        (["--cell-size", "50x49"], "of another shape"),
    ],
)
def test_a_placement_of_another_grid_is_refused(made, render, place, words, sentence):
    assert sentence in refused(render("--placement", "made.json", *words), place)


def test_a_part_of_a_placement_is_not_laid(made, render, place):
    lines = (place / "made.csv").read_text().splitlines(keepends=True)
    (place / "part.csv").write_text("".join(lines[:50]))
    sentence = refused(render("--placement", "part.csv", "--cells", 12), place)
    assert "it has 49 of 96 cells" in sentence


def test_a_cell_without_a_window_is_not_laid(made, render, place):
    made["cells"][5]["window"] = None
    (place / "made.json").write_text(json.dumps(made))
    assert "column 5, row 0 has no window" in refused(render("--placement", "made.json"), place)


# Changed


def pin(place, column, row, photo):
    (place / "pin.csv").write_text(f"column,row,photo\n{column},{row},{photo}\n")
    return "pin.csv"


def test_a_pin_changes_only_the_cells_that_it_is_too_near_to(made, render, place):
    before = by_place(made["cells"])
    photo = before[6, 4]["photo"]
    words = ["--placement", "made.json", "--lock", pin(place, 5, 4, photo), "--placement-out", "after.json"]
    assert render(*words).exit_code == 0
    after = by_place(cells_of(place / "after.json"))
    changed = {where for where in after if after[where]["content"] != before[where]["content"]}
    assert after[5, 4]["photo"] == photo
    assert {(5, 4), (6, 4)} <= changed
    assert all(math.dist(where, (5, 4)) < 2 for where in changed)
    near = [
        (one, other)
        for one, other in combinations(after, 2)
        if after[one]["content"] == after[other]["content"] and math.dist(one, other) < 2
    ]
    assert near == []


def test_locked_cells_stay_and_the_order_of_the_document_holds_for_the_rest(made, render, place):
    locked = made | {"cells": [cell for cell in made["cells"] if cell["column"] < 6]}
    (place / "half.json").write_text(json.dumps(locked))
    assert render("--lock", "half.json", "--placement-out", "after.json").exit_code == 0
    after = json.loads((place / "after.json").read_text())
    assert after["order"] == made["order"]
    for cell in locked["cells"]:
        found = by_place(after["cells"])[cell["column"], cell["row"]]
        assert [found[name] for name in ("content", "window", "turn")] == [
            cell[name] for name in ("content", "window", "turn")
        ]


def test_a_banned_photo_lies_nowhere_and_its_cells_alone_are_new(made, render, place):
    photo, _ = Counter(cell["photo"] for cell in made["cells"]).most_common(1)[0]
    words = ["--placement", "made.json", "--ban", photo, "--placement-out", "after.json"]
    assert render(*words).exit_code == 0
    before, after = by_place(made["cells"]), by_place(cells_of(place / "after.json"))
    changed = {where for where in after if after[where]["content"] != before[where]["content"]}
    assert changed == {where for where in before if before[where]["photo"] == photo}


def test_a_pattern_bans_several_photos(render, place, folder):
    assert render("--cells", 6, "--ban", "01*", "--ban", "02?.png", "--placement-out", "made.json").exit_code == 0
    assert not [cell for cell in cells_of(place / "made.json") if cell["photo"].startswith(("01", "02"))]


def test_photos_that_have_to_appear_do(render, place):
    asked = ["007.png", "013.png", "039.png", "000.png"]
    (place / "must.txt").write_text("\r\n".join(asked) + "\r\n\r\n")
    words = ["--cells", 6, "--min-distance", 2, "--must-use", "must.txt", "--placement-out", "made.json"]
    assert render(*words).exit_code == 0
    assert set(asked) <= {cell["photo"] for cell in cells_of(place / "made.json")}


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--ban", "*"], "The bans leave no photo"),
        (["--ban", "cat.jpg"], "--ban cat.jpg: no photo"),
        (["--must-use", "cat.txt"], "The photo cat.jpg is not in the folder"),
        (["--must-use", "seven.txt", "--ban", "007.png"], "007.png cannot appear: it is banned"),
        (["--must-use", "empty.txt"], "empty.txt names no photo"),
        (["--must-use", "nowhere.txt"], "nowhere.txt cannot be read"),
        (["--must-use", "all.txt", "--cells", 6], "40 photos have to appear, but there are 24 cells"),
        (["--lock", "near.csv", "--min-distance", 3], "breaks the rule of 3 cells between equal photos"),
        (["--lock", "near.csv", "--no-repeats", "--cells", 6], "in 2 cells, which breaks the rule of at most 1"),
        (["--lock", "near.csv", "--ban", "007.png"], "this photo is banned"),
        (["--lock", "near.csv", "--cells", 2], "another grid"),
        (["--lock", "other.csv"], "the content hash is another photo's"),
    ],
)
def test_what_is_asked_for_and_cannot_be_met_is_one_sentence_and_no_file(render, place, folder, words, sentence):
    (place / "near.csv").write_text("column,row,photo\n1,1,007.png\n3,2,007.png\n")
    other = sha256((folder / "008.png").read_bytes()).hexdigest()
    (place / "other.csv").write_text(f"column,row,photo,content\n1,1,007.png,{other}\n")
    names = {
        "cat.txt": ["cat.jpg"],
        "seven.txt": ["007.png"],
        "empty.txt": [],
        "all.txt": sorted(f.name for f in folder.iterdir()),
    }
    for name, lines in names.items():
        (place / name).write_text("\n".join(lines))
    assert sentence in refused(render(*words), place)


def test_a_lock_that_leaves_no_photo_for_a_cell_is_refused(render, place, folder):
    for number in range(4, 40):
        (folder / f"{number:03}.png").unlink()
    (place / "lock.csv").write_text("column,row,photo\n0,0,000.png\n2,0,001.png\n0,1,002.png\n2,1,003.png\n")
    words = ["--cell-size", "200x200", "--lock", "lock.csv", "--min-distance", 1.9]
    assert "No photo is left for column 1" in refused(render(*words), place)
