"""The order page's plan: cells, pixels and paper tell each other, and what cannot be is answered with what can."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from models import database, estimates
from models.rules.formats import Format
from models.services import Services
from models.tables import Job, Mosaic, TileSet
from web.app import assemble

PLAN = "/mosaics/drafts/plan"


@pytest.fixture
def client(sqlite_services: Services) -> FlaskClient:
    return assemble(sqlite_services).test_client()


@pytest.fixture
def tile_set(sqlite_services: Services, indexed: Callable[..., TileSet]) -> TileSet:
    """Ninety photos."""
    return indexed(sqlite_services, [bytes([number]) * 32 for number in range(90)])


@pytest.fixture
def plan(client: FlaskClient, tile_set: TileSet) -> Callable[..., dict[str, Any]]:
    """Ask for the plan of a form; the target is not known, and taken to be of 3,000 x 2,000 pixels."""

    def ask(**fields: str) -> dict[str, Any]:
        answer = client.get(PLAN, query_string={"tile_set": str(tile_set.id)} | fields)
        assert answer.status_code == 200, answer.text
        return dict(answer.get_json())

    return ask


def test_cells_tell_pixels_and_paper(plan: Callable[..., dict[str, Any]]) -> None:
    # 60 x 40 cells of 50 pixels; 3,000 pixels at 254 dpi, 10 a mm, are 300 mm.
    made = plan(cells_across="60", tile_size="50", dpi="254", format="jpeg")["plan"]
    assert (made["columns"], made["rows"], made["cells"]) == (60, 40, 2_400)
    assert (made["width"], made["height"]) == (3_000, 2_000)
    assert made["paper"] == "300.0 x 200.0 mm"
    assert made["bytes"] == 2_400_000, "0.4 bytes a pixel, where nothing was made yet"
    assert made["seconds"] is None


def test_paper_tells_cells_and_pixels(plan: Callable[..., dict[str, Any]]) -> None:
    made = plan(print="30x20cm", tile="5mm", dpi="254", format="jpeg", cells_across="7")["plan"]
    assert (made["columns"], made["rows"], made["width"], made["height"]) == (60, 40, 3_000, 2_000)


def test_pixels_tell_paper(plan: Callable[..., dict[str, Any]]) -> None:
    fields = {"cells_across": "60", "mosaic_width": "3000", "mosaic_height": "2000", "dpi": "254", "format": "jpeg"}
    made = plan(**fields)["plan"]
    assert (made["rows"], made["paper"]) == (40, "300.0 x 200.0 mm")


@pytest.mark.parametrize(
    ("fields", "field", "ways"),
    [
        # 12 x 8 = 96 cells for 90 photos; 11 x 7 are 77, and two uses are enough.
        (
            {"look": "once", "cells_across": "12"}, "max_uses",
            [("Allow 2 uses of a photo", {"max_uses": "2"}), ("Take 11 cells across", {"cells_across": "11"})],
        ),
        # 1,225 x 816 is just below a million, but the limit across is 1,000, and that of a service 250,000 in all:
        # 612 x 408 = 249,696 and 613 x 408 = 250,104.
        ({"cells_across": "2000"}, "cells_across", [("Take 612 cells across", {"cells_across": "612"})]),
        ({"cells_across": "900"}, "cells_across", [("Take 612 cells across", {"cells_across": "612"})]),
        # 200 x 133 cells: 33,554,432 pixels, the most of a WebP, are sides of 35.5.
        (
            {"cells_across": "200", "tile_size": "40", "format": "webp"}, "tile_size",
            [("Take tiles of 35 pixels", {"tile_size": "35"}), ("Save it as JPEG", {"format": "jpeg"})],
        ),
        # 3,000 x 2 pixels: square cells would have to be 1,500 across.
        (
            {"crop_top": "0", "crop_height": "0.001"}, "cells_across",
            [("Stretch the picture slightly", {"fit": "resize"})],
        ),
        ({"tile_size": "0"}, "tile_size", [("Take tiles of 1 pixel", {"tile_size": "1"})]),
        ({"cells_across": "30.0"}, "cells_across", [("Take 30 cells across", {"cells_across": "30"})]),
        ({"tint": "1.5"}, "tint", [("tint: 1", {"tint": "1"})]),
    ],
)  # fmt: skip
def test_what_cannot_be_is_answered_with_the_nearest_that_can(
    plan: Callable[..., dict[str, Any]], fields: dict[str, str], field: str, ways: list[tuple[str, dict[str, str]]]
) -> None:
    answer = plan(**fields)
    assert answer["plan"] is None
    assert answer["refusal"]["field"] == field
    assert [(way["label"], way["fields"]) for way in answer["refusal"]["ways"]] == ways
    for _, changed in ways:
        assert plan(**fields | changed)["refusal"] is None


def test_what_is_no_number_is_a_sentence(plan: Callable[..., dict[str, Any]]) -> None:
    refusal = plan(cells_across="many")["refusal"]
    assert (refusal["field"], refusal["ways"]) == ("cells_across", [])
    assert "must be a whole number" in refusal["sentence"]


def test_mosaics_made_lately_say_how_long_it_takes_and_how_large_it_is(
    services: Services, noisy_set: Callable[[int], Any], mosaic_of: Callable[..., Any]
) -> None:
    mosaic_id = mosaic_of(noisy_set(3), cells_across=10, tile_size=20)
    with services.sessions.begin() as session:
        mosaic = session.get_one(Mosaic, mosaic_id)
        now = database.now(session)
        times = {"started_at": now - timedelta(seconds=6), "finished_at": now}
        session.execute(update(Job).where(Job.id == mosaic.job_id).values(times))
    with services.reading() as session:
        mosaic = session.get_one(Mosaic, mosaic_id)
        cells, pixels = (mosaic.columns or 0) * (mosaic.rows or 0), (mosaic.width or 0) * (mosaic.height or 0)
        assert estimates.seconds(session, cells, pixels) == pytest.approx(6)
        assert 6 < (estimates.seconds(session, 10 * cells, 10 * pixels) or 0) < 60
        size = mosaic.first.byte_count or 0
        assert estimates.byte_count(session, Format.PNG, 3 * pixels) == pytest.approx(3 * size, abs=2)
