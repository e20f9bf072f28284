"""The order page's preview: a real answer of the matcher, small and soon; only the newest counts."""

import io
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from models import database
from models.rules import grid
from models.rules.formats import Format
from models.rules.lifecycle import JobState
from models.rules.order_words import Shape
from models.rules.orders import MosaicOrder
from models.services import Services
from models.tables import AttemptRecord, Job, Sketch, TileSet
from worker.jobs import attempt, garbage, sweep
from worker.rendering import sketching

RED, GREEN, BLUE = (220, 20, 20), (20, 220, 20), (20, 20, 220)


@pytest.fixture
def flags(set_of: Callable[..., UUID]) -> UUID:
    """A tile set of three photos, each of one colour."""
    return set_of([(f"{number}.png", flat(colour)) for number, colour in enumerate((RED, GREEN, BLUE))])


def flat(colour: tuple[int, int, int], width: int = 60, height: int = 40) -> np.ndarray:
    return np.full((height, width, 3), colour, np.uint8)


@pytest.fixture
def ask(client: FlaskClient, encoded: Callable[..., bytes]) -> Callable[..., TestResponse]:
    """Keep a target, half of it red and half blue, and ask for a sketch of it as the page does."""
    page = client.get("/mosaics/new").text
    form = dict(re.findall(r'name="(csrf_token|draft)" value="([^"]+)"', page))
    halves = np.concatenate([flat(RED, 300, 400), flat(BLUE, 300, 400)], axis=1)

    def send(tile_set: UUID, target: bytes | None = None, **fields: str) -> TestResponse:
        files = {"target": (io.BytesIO(encoded(halves) if target is None else target), "t.png")}
        kept = client.post("/mosaics/drafts", data=form | files)
        assert kept.status_code == 201, kept.text
        given = {"tile_set": str(tile_set), "look": "article", "cells_across": "12"} | fields
        return client.post("/mosaics/drafts/sketches", data=form | {"draft": kept.get_json()["draft"]} | given)

    return send


def made(services: Services, client: FlaskClient, asked: TestResponse) -> dict[str, Any]:
    """Do the job of the newest sketch, and return what the page is told."""
    assert asked.status_code == 202, asked.text
    with services.reading() as session:
        job_id = session.scalars(select(Sketch.job_id).order_by(Sketch.job_id.desc())).first()
    assert job_id is not None
    attempt.run(services, job_id, sketching.make_sketch)
    shown: dict[str, Any] = client.get(asked.get_json()["sketch"]).get_json()
    return shown


def picture(client: FlaskClient, shown: dict[str, Any]) -> np.ndarray:
    answer = client.get(shown["picture"])
    assert answer.mimetype == "image/webp"
    return np.asarray(Image.open(io.BytesIO(answer.data)).convert("RGB")).astype(int)


def test_a_sketch_is_what_the_matcher_answers(
    services: Services, client: FlaskClient, flags: UUID, ask: Callable[..., TestResponse]
) -> None:
    shown = made(services, client, ask(flags))
    assert (shown["state"], shown["columns"], shown["rows"]) == ("succeeded", 12, 8)
    pixels = picture(client, shown)
    height, width, _ = pixels.shape
    assert 400 < width <= 720
    assert np.abs(pixels[height // 2, width // 4] - RED).max() < 12
    assert np.abs(pixels[height // 2, 3 * width // 4] - BLUE).max() < 12


def test_the_page_shows_the_target_once_it_is_there_in_small(
    services: Services, client: FlaskClient, flags: UUID, ask: Callable[..., TestResponse]
) -> None:
    asked = ask(flags)
    address = asked.get_json()["target"]
    assert client.get(address).status_code == 409
    made(services, client, asked)
    assert Image.open(io.BytesIO(client.get(address).data)).size == (600, 400)


def test_only_the_newest_sketch_of_a_draft_counts_and_each_look_has_its_own(
    services: Services, flags: UUID, ask: Callable[..., TestResponse]
) -> None:
    for fields in ({}, {"sketched": "true"}, {"cells_across": "13"}, {"cells_across": "14"}):
        assert ask(flags, **fields).status_code == 202
    with services.reading() as session:
        states = session.execute(select(Sketch.look, Job.state).join(Sketch.job).order_by(Job.id)).all()
    cancelled, queued = JobState.CANCELLED, JobState.QUEUED
    assert [tuple(each) for each in states] == [("", cancelled), ("true", queued), ("", cancelled), ("", queued)]


def test_a_target_that_cannot_be_decoded_is_a_sentence_on_the_page(
    services: Services, client: FlaskClient, flags: UUID, ask: Callable[..., TestResponse], target: bytes
) -> None:
    shown = made(services, client, ask(flags, target[: len(target) // 2]))
    assert (shown["state"], shown["picture"]) == ("failed", None)
    assert shown["sentence"]


@pytest.mark.parametrize("kind", ["of one pixel", "animated", "very wide"])
def test_an_odd_target_has_a_preview_too(
    services: Services, client: FlaskClient, flags: UUID, ask: Callable[..., TestResponse],
    encoded: Callable[..., bytes], kind: str,
) -> None:  # fmt: skip
    frames = [Image.fromarray(flat(colour)) for colour in (RED, BLUE)]
    target = {
        "of one pixel": encoded(flat(RED, 1, 1)),
        "animated": encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]),
        "very wide": encoded(flat(RED, 3_000, 300)),
    }[kind]
    shown = made(services, client, ask(flags, target))
    assert shown["state"] == "succeeded", shown["sentence"]
    pixels = picture(client, shown)
    assert np.abs(pixels[len(pixels) // 2, pixels.shape[1] // 2] - RED).max() < 12


def test_a_target_of_too_many_pixels_is_a_sentence_at_once(
    client: FlaskClient, flags: UUID, encoded: Callable[..., bytes]
) -> None:
    page = client.get("/mosaics/new").text
    form = dict(re.findall(r'name="(csrf_token|draft)" value="([^"]+)"', page))
    huge = encoded(Image.new("1", (40_000, 4_000)))
    answer = client.post("/mosaics/drafts", data=form | {"target": (io.BytesIO(huge), "huge.png")})
    assert answer.status_code == 422
    assert answer.get_json()["sentence"].startswith("huge.png has 40,000 x 4,000 = 160,000,000 pixels")


def test_an_impossible_order_is_refused_before_there_is_a_job(
    services: Services, flags: UUID, ask: Callable[..., TestResponse]
) -> None:
    answer = ask(flags, look="once")
    assert answer.status_code == 422
    assert answer.get_json()["field"] == "max_uses"
    assert "96 cells, 3 tiles" in answer.get_json()["sentence"]
    with services.reading() as session:
        assert session.scalars(select(Sketch)).all() == []


def test_a_set_that_is_gone_is_a_sentence(services: Services, flags: UUID, ask: Callable[..., TestResponse]) -> None:
    with services.sessions.begin() as session:
        session.get_one(TileSet, flags).deleted_at = database.now(session)
    answer = ask(flags)
    assert answer.status_code == 404
    assert "is in the trash" in answer.get_json()["sentence"]


def test_sketches_go_after_an_hour_with_their_jobs(
    services: Services, client: FlaskClient, flags: UUID, ask: Callable[..., TestResponse]
) -> None:
    old = made(services, client, ask(flags))
    new = made(services, client, ask(flags, cells_across="13"))
    with services.sessions.begin() as session:
        ago = database.now(session) - timedelta(hours=2)
        session.execute(update(Sketch).values(created_at=ago))
    sweep.collect(services)
    assert client.get(old["picture"]).status_code == 404
    assert client.get(new["picture"]).status_code == 200, "the newest job stays"
    with services.reading() as session:
        kinds = [job.kind.value for job in session.scalars(select(Job).order_by(Job.id))]
        records = session.scalars(select(AttemptRecord)).all()
        garbage.collect(services, database.now(session) + timedelta(hours=2))
    assert kinds == ["tessera.index", "tessera.sketch"]
    assert len(records) == 2


def test_the_files_of_a_draft_are_never_unknown_to_the_sweep(
    services: Services, client: FlaskClient, flags: UUID, ask: Callable[..., TestResponse]
) -> None:
    for cells in ("12", "13"):
        made(services, client, ask(flags, cells_across=cells))
    with services.reading() as session:
        seen = garbage.survey(services, database.now(session) + timedelta(hours=2))
    named = {blob.key.rpartition("/")[2] for blob in seen.named if blob.key.startswith("mosaics/")}
    assert (named, seen.unknown) == ({"target", "small-target", "sketch.webp"}, [])


@pytest.mark.parametrize(
    ("order", "size"),
    [
        (MosaicOrder(cells_across=80), (600, 400)),
        (MosaicOrder(cells_across=500), (600, 400)),
        (MosaicOrder(cells_across=30, no_repeats=True), (4_000, 3_000)),
        (MosaicOrder(cells_across=300, shape=Shape.HEXAGON), (600, 400)),
        (MosaicOrder(cell_width=8, cell_height=20), (6_000, 4_000)),
        (MosaicOrder(cells_across=100, mosaic_width=7_087, mosaic_height=4_724), (400, 600)),
        (MosaicOrder(cells_across=3), (60, 4_000)),
    ],
)
def test_a_sketch_has_few_cells_and_few_pixels_and_the_shape_of_the_mosaic(
    order: MosaicOrder, size: tuple[int, int]
) -> None:
    whole = grid.cut(*size, order)
    scale = sketching.TARGET_SIDE / max(size)
    small_size = (round(size[0] * scale), round(size[1] * scale)) if scale < 1 else size
    small = grid.cut(*small_size, sketching.in_small(order, size))
    few = sketching.MOST_SLOW if order.no_repeats or order.shape.shifted else sketching.MOST_CELLS
    assert small.cell_count <= few * 1.05
    if whole.cell_count <= few:
        assert (small.columns, small.rows) == pytest.approx((whole.columns, whole.rows), rel=0.03, abs=1)
    width, height = small.mosaic_size
    assert max(width, height) <= 1_200
    assert width / height == pytest.approx(whole.mosaic_size[0] / whole.mosaic_size[1], rel=0.1)
    assert sketching.in_small(order, size).format is Format.WEBP
