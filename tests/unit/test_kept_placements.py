"""A placement as the service keeps it: written from arrays, read without numpy; safetensors' own package between."""

import csv
import io
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from models.errors import DamagedPlacement
from models.rules import kept_placements, placement_files
from models.rules.grid import cut
from models.rules.orders import MosaicOrder
from models.rules.placements import Placement, grid_of
from worker.core.assignment.spacing import NOBODY
from worker.core.matcher import Choice
from worker.rendering import kept_placement
from worker.rendering.kept_placement import KeptPlacement

CONTENT = np.array([[number] * 32 for number in (7, 8, 9, 10)], np.uint8)
NAMES = {"09" * 32: "nine.jpg"}


def choice(rows: int = 2, columns: int = 3, seed: int = 1) -> Choice:
    """Of the four photos 1, 2 and 3 lie somewhere."""
    dice = np.random.default_rng(seed)
    windows = dice.integers(0, 1_000, (rows, columns, 4)).astype(np.uint16)
    tiles = np.resize(np.array([3, 1, 2]), (rows, columns))
    turns = dice.integers(0, 8, (rows, columns)).astype(np.uint8)
    return Choice(tiles, turns, dice.random((rows, columns)), 0.25, windows)


def kept(path: Path, given: Choice, colours: np.ndarray | None = None) -> Path:
    kept_placement.save(KeptPlacement(CONTENT, given, (120, 80), colours), path)
    return path


@pytest.mark.parametrize("colours", [None, np.random.default_rng(2).random((3, 3, 3, 3)).astype(np.float32)])
def test_what_is_kept_is_read_again_as_it_was(tmp_path: Path, colours: np.ndarray | None) -> None:
    given = choice()
    found = kept_placement.load(kept(tmp_path / "p", given, colours))
    np.testing.assert_array_equal(found.content[found.choice.tiles], CONTENT[given.tiles])
    for name in ("orientations", "costs", "lower_bound", "windows"):
        np.testing.assert_array_equal(getattr(found.choice, name), getattr(given, name))
    assert found.target_size == (120, 80)
    np.testing.assert_array_equal(found.colours, colours)


def test_only_the_photos_that_lie_somewhere_are_kept_each_once(tmp_path: Path) -> None:
    arrays = load_file(kept(tmp_path / "p", choice()))
    assert arrays["content"][:, 0].tolist() == [8, 9, 10]
    assert arrays["photo"].tolist() == [[2, 0, 1], [2, 0, 1]]


def test_each_cell_is_told_with_the_name_of_its_photo_or_its_hash(tmp_path: Path) -> None:
    given = choice()
    found = kept_placements.opened(kept(tmp_path / "p", given))
    assert (found.columns, found.rows, found.target_size, found.lower_bound) == (3, 2, (120, 80), 0.25)
    cells = list(found.cells(NAMES))
    assert [(cell.column, cell.row) for cell in cells] == [(0, 0), (1, 0), (2, 0), (0, 1), (1, 1), (2, 1)]
    assert [cell.photo for cell in cells][:3] == ["0a" * 32, "08" * 32, "nine.jpg"]
    assert [cell.content[:2] for cell in cells] == ["0a", "08", "09"] * 2
    assert [list(cell.window or ()) for cell in cells] == given.windows.reshape(-1, 4).tolist()
    assert [cell.turn for cell in cells] == given.orientations.ravel().tolist()
    np.testing.assert_allclose([cell.distance for cell in cells], np.sqrt(given.costs.ravel()), rtol=1e-5)


def test_empty_cells_are_kept_as_such_and_are_in_no_list(tmp_path: Path) -> None:
    given = choice()
    given.tiles[:] = [[3, NOBODY, 3], [NOBODY, 1, 3]]
    path = kept(tmp_path / "p", given)
    np.testing.assert_array_equal(load_file(path)["filled"], [[1, 0, 1], [0, 1, 1]])
    found = kept_placement.load(path)
    np.testing.assert_array_equal(found.choice.tiles == NOBODY, given.tiles == NOBODY)
    there = kept_placements.opened(path)
    assert there.filled == b"\1\0\1\0\1\1"
    assert [(cell.column, cell.row) for cell in there.cells(NAMES)] == [(0, 0), (2, 0), (1, 1), (2, 1)]
    assert there.cell(1, 0, NAMES) is None
    assert there.lying(["0a" * 32, "08" * 32, "ff" * 32], 2) == {
        "0a" * 32: (3, [(0, 0, 1), (2, 0, 1)]),
        "08" * 32: (1, [(1, 1, 1)]),  # though an empty cell holds the number 0, which is this photo's
    }
    assert there.most_used(5) == [("0a" * 32, 3), ("08" * 32, 1)]
    assert there.most_used(1) == [("0a" * 32, 3)]


@pytest.mark.parametrize(
    "wrong",
    [
        {"photo": np.zeros((2, 2), np.uint32)},
        {"window": np.zeros((2, 3, 3), np.uint16)},
        {"cost": np.zeros((2, 3), np.float32)},
        {"content": np.zeros((3, 31), np.uint8)},
        {"strange": np.zeros(1)},
    ],
)
def test_arrays_that_do_not_go_together_are_no_placement(tmp_path: Path, wrong: dict[str, np.ndarray]) -> None:
    path = kept(tmp_path / "p", choice())
    arrays = load_file(path) | wrong
    with path.open("wb") as file:
        kept_placements.array_file.save(file, kept_placements.KIND, kept_placements.VERSION, arrays)
    with pytest.raises(DamagedPlacement, match="do not go together"):
        kept_placements.opened(path)


def test_a_file_that_is_cut_off_or_another_programs_is_no_placement(tmp_path: Path) -> None:
    whole = kept(tmp_path / "p", choice()).read_bytes()
    other = tmp_path / "other"
    save_file({"photo": np.zeros(1)}, other)
    for data in (whole[:-1], b"", other.read_bytes(), whole[:-1] + bytes([whole[-1] ^ 1])):
        (tmp_path / "p").write_bytes(data)
        with pytest.raises(
            DamagedPlacement, match=r"^The kept placement .* cannot be read \(.+\); order the mosaic again\.$"
        ):
            kept_placements.opened(tmp_path / "p")


def test_it_is_read_without_numpy(tmp_path: Path) -> None:
    path = kept(tmp_path / "p", choice())
    script = (
        "import sys; from pathlib import Path; from models.rules import kept_placements;"
        "print(len(list(kept_placements.opened(Path(sys.argv[1])).cells({}))), 'numpy' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["6", "False"]


@pytest.mark.parametrize("suffix", [".json", ".csv"])
def test_a_document_of_many_cells_is_never_in_memory_as_a_whole(tmp_path: Path, suffix: str) -> None:
    found = kept_placements.opened(kept(tmp_path / "p", choice(rows=200, columns=200)))
    tracemalloc.start()
    size = sum(map(len, placement_files.pieces(Placement([], {}, {}), found.cells({}), suffix)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size > 5_000_000
    assert peak < 300_000


def test_pieces_together_are_the_document_that_the_command_line_reads_again(tmp_path: Path) -> None:
    found = kept_placements.opened(kept(tmp_path / "p", choice()))
    cells = list(found.cells(NAMES))
    head = Placement([], grid_of(cut(120, 80, MosaicOrder(cells_across=3))), {})
    for suffix in placement_files.SUFFIXES:
        text = "".join(placement_files.pieces(head, iter(cells), suffix))
        assert placement_files.from_bytes(text.encode(), suffix).cells[2][:6] == cells[2][:6]
    lines = list(csv.reader(io.StringIO(text, newline="")))
    assert lines[1][2:4] == ["0a" * 32, "0a" * 32]
