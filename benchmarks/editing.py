"""What one pinned cell of 2,400, where equal photos lie apart, costs beside rendering."""

import json
from collections.abc import Iterator

from measurement import Measurement
from process import run
from quality import own, render
from setting import Setting

COLUMNS, DISTANCE = 60, "5"
PINNED = 30, 20
BAR = "<= 0.5"


def measure(setting: Setting) -> Iterator[Measurement]:
    """Yield by how much a render with a pin takes longer than one that lays the placement as it stands."""
    folder = setting.scratch / "editing"
    folder.mkdir()
    placement, pin, mosaic = folder / "placement.json", folder / "pin.csv", folder / "mosaic.png"
    plain = render(setting.photos.target, setting.photos.tiles, COLUMNS, mosaic)
    run([*plain, "--min-distance", DISTANCE, "--placement-out", str(placement)], own(setting))
    pin.write_text(_pin(json.loads(placement.read_text())["cells"]))
    laid = [*plain, "--placement", str(placement)]
    apart: list[float] = []
    for number in setting.rounds("editing"):
        before, after = (run(command, own(setting)).seconds for command in (laid, [*laid, "--lock", str(pin)]))
        if number >= 0:
            apart.append(after - before)
    yield Measurement.median("edit.pin.seconds", apart, "s", BAR)


def _pin(cells: list[dict[str, object]]) -> str:
    """Return a lock that puts the photo of the cell beside it into the pinned cell."""
    column, row = PINNED
    photo = next(cell["photo"] for cell in cells if (cell["column"], cell["row"]) == (column + 1, row))
    return f'column,row,photo\n{column},{row},"{photo}"\n'
