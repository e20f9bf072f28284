"""The files of a mosaic: laid from what was kept, the same as if they had been ordered first, and once each."""

import csv
import io
import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load as load_arrays
from sqlalchemy import func, select, update

from models import (
    database,
    jobs,
    photo_listing,
    placement_documents,
    queries,
    renditions,
    retrying,
    tile_set_versions,
    undo,
)
from models.errors import InvalidOrder, NoPlacement, NotFound, NotReady, TesseraError, TooManyRenditions
from models.rules import blob_keys
from models.rules.formats import Format
from models.rules.lifecycle import JobKind, JobState, Lane
from models.rules.renditions import MOST_RENDITIONS
from models.services import Services
from models.tables import Job, Mosaic, Rendition
from web.app import assemble
from worker.jobs import attempt, garbage
from worker.jobs.attempt import Attempt
from worker.rendering import job as rendering_job

LOSSY = "JPEG, WebP, AVIF, zoom pyramid or PDF"
ORDER = {"cells_across": 6, "tile_size": 16, "turns": True, "adapt": 0.5, "tint": 0.3, "blend": 0.2}
"""All that a mosaic may take from its target, too."""


@pytest.fixture
def tile_set(noisy_set: Callable[[int], UUID]) -> UUID:
    """Eight photos, indexed."""
    return noisy_set(8)


@pytest.fixture
def ordered(tile_set: UUID, mosaic_of: Callable[..., UUID]) -> Callable[..., UUID]:
    """Order a mosaic, and make it unless it is to wait."""
    return lambda **fields: mosaic_of(tile_set, **ORDER | fields)


def placed(services: Services, mosaic: UUID, form: Format, **fields: int) -> renditions.Placed:
    with services.sessions.begin() as session:
        return renditions.place(session, mosaic, {"format": form, **fields}, services.ring_again)


def made(services: Services, mosaic: UUID, form: Format, **fields: int) -> Rendition:
    """Order a rendition, make it, and return its row."""
    identity, _ = placed(services, mosaic, form, **fields)
    attempt.run(services, row(services, mosaic, identity).job_id, rendering_job.make_rendition)
    return row(services, mosaic, identity)


def row(services: Services, mosaic: UUID, identity: UUID) -> Rendition:
    with services.reading() as session:
        return renditions.find(session, mosaic, identity)


def first(services: Services, mosaic: UUID) -> Rendition:
    with services.reading() as session:
        return renditions.of_mosaic(session, mosaic)[0]


def data_of(services: Services, rendition: Rendition) -> bytes:
    assert rendition.key is not None
    data = services.store.get(rendition.key)
    assert (rendition.sha256, rendition.byte_count) == (sha256(data).hexdigest(), len(data))
    return data


def keys(services: Services) -> set[str]:
    """Return the keys of mosaics, without the pictures of what is laid so far, which a slow machine leaves."""
    found = {blob.key for blob in services.store.list() if blob.key.startswith("mosaics/")}
    return {key for key in found if "/partial-" not in key}


@pytest.mark.parametrize(
    ("form", "fields"),
    [
        (Format.JPEG, {"file_quality": 60, "dpi": 150}),
        (Format.TIFF, {}),
        (Format.WEBP, {}),
        (Format.PNG, {"dpi": 72}),
    ],
)
def test_a_later_file_is_byte_for_byte_what_it_would_have_been_if_it_had_been_ordered_first(
    services: Services, ordered: Callable[..., UUID], form: Format, fields: dict[str, int]
) -> None:
    later, at_once = made(services, ordered(), form, **fields), first(services, ordered(format=form, **fields))
    assert later.job.state is JobState.SUCCEEDED, later.job.error_sentence
    assert data_of(services, later) == data_of(services, at_once)
    picture = Image.open(io.BytesIO(data_of(services, later)))
    assert (picture.format, picture.size) == (form.name, (96, 64))


def test_a_later_file_of_cells_of_several_sizes_is_the_same_too(
    services: Services, ordered: Callable[..., UUID]
) -> None:
    fields = {"cells_across": 24, "tile_size": 4, "adaptive": 1.0, "adapt": 1.0}
    mosaic = ordered(**fields)
    with services.reading() as session:
        sizes = placement_documents.kept_of(services.store, queries.find_mosaic(session, mosaic)).spans
    assert sizes is not None
    later, at_once = made(services, mosaic, Format.TIFF), first(services, ordered(format=Format.TIFF, **fields))
    assert later.job.state is JobState.SUCCEEDED, later.job.error_sentence
    assert data_of(services, later) == data_of(services, at_once)


def test_a_mosaics_own_job_makes_its_first_rendition_alone(services: Services, ordered: Callable[..., UUID]) -> None:
    mosaic = ordered(format=Format.JPEG)
    with services.reading() as session:
        (only,) = renditions.of_mosaic(session, mosaic)
        assert only.job_id == queries.find_mosaic(session, mosaic).job_id
        assert session.scalars(select(func.count()).select_from(Job).where(Job.kind == JobKind.RENDITION)).one() == 0
    assert (only.format, only.file_quality, only.dpi) == (Format.JPEG, 90, 300)


def test_the_kept_placement_is_read_by_another_reader_of_the_format(
    services: Services, ordered: Callable[..., UUID]
) -> None:
    with services.reading() as session:
        mosaic = queries.find_mosaic(session, ordered())
    arrays = load_arrays(services.store.get(mosaic.placement_key))
    assert {name: array.shape for name, array in arrays.items() if name not in {"content", "colours"}} == {
        "photo": (4, 6), "window": (4, 6, 4), "turn": (4, 6), "cost": (4, 6), "lower_bound": (1,), "target_size": (2,)
    }  # fmt: skip
    assert arrays["target_size"].tolist() == [120, 80]
    assert sorted(set(arrays["photo"].ravel().tolist())) == list(range(len(arrays["content"])))
    assert len(arrays["content"]) == mosaic.distinct_tiles


@pytest.mark.parametrize("same", [{"file_quality": 60}, {"file_quality": 60, "dpi": 300}])
def test_the_same_order_twice_is_the_same_rendition(
    services: Services, ordered: Callable[..., UUID], same: dict[str, int]
) -> None:
    mosaic = ordered()
    once = placed(services, mosaic, Format.JPEG, file_quality=60)
    assert placed(services, mosaic, Format.JPEG, **same) == (once.rendition_id, None)
    attempt.run(services, once.bell.job_id, rendering_job.make_rendition)
    assert placed(services, mosaic, Format.JPEG, **same) == (once.rendition_id, None)
    assert placed(services, mosaic, Format.JPEG).rendition_id != once.rendition_id


def test_what_was_ordered_with_the_mosaic_is_found_even_while_it_is_made(
    services: Services, ordered: Callable[..., UUID]
) -> None:
    mosaic = ordered(made=False, format=Format.JPEG)
    assert placed(services, mosaic, Format.JPEG, file_quality=90) == (first(services, mosaic).id, None)


def test_many_clicks_at_once_make_one_rendition(services: Services, ordered: Callable[..., UUID]) -> None:
    mosaic, start = ordered(), threading.Barrier(8)

    def click(_: int) -> renditions.Placed:
        start.wait()
        return placed(services, mosaic, Format.JPEG)

    with ThreadPoolExecutor(8) as people:
        found = list(people.map(click, range(8)))
    assert len({each.rendition_id for each in found}) == 1
    assert len([each.bell for each in found if each.bell]) == 1


@pytest.mark.parametrize("by_hand", [True, False])
def test_one_that_was_cancelled_is_made_when_it_is_ordered_again(
    services: Services, ordered: Callable[..., UUID], *, by_hand: bool
) -> None:
    mosaic = ordered()
    identity, bell = placed(services, mosaic, Format.JPEG)
    with services.sessions.begin() as session:
        jobs.cancel(session, [bell.job_id], database.now(session))
    if by_hand:
        with services.sessions.begin() as session:
            new = retrying.place_again(session, bell.job_id)
        attempt.run(services, new, rendering_job.make_rendition)
    again = made(services, mosaic, Format.JPEG)
    assert (again.id, again.job.state) == (identity, JobState.SUCCEEDED)


def test_a_rendition_waits_in_the_lane_of_its_mosaic(services: Services, ordered: Callable[..., UUID]) -> None:
    mosaic = ordered()
    with services.sessions.begin() as session:
        session.execute(update(Job).where(Job.kind == JobKind.RENDER).values(lane=Lane.BULK))
    assert placed(services, mosaic, Format.JPEG).bell.lane is Lane.BULK


def refusal(services: Services, mosaic: UUID, form: Format | None, **fields: int) -> TesseraError:
    before = keys(services)
    with pytest.raises(TesseraError) as caught:
        placed(services, mosaic, form, **fields)
    assert keys(services) == before
    return caught.value


def test_what_cannot_be_made_is_refused_in_a_sentence(services: Services, ordered: Callable[..., UUID]) -> None:
    mosaic = ordered()
    for form, fields, kind, sentence in [
        (None, {}, InvalidOrder, "Say the format of the file."),
        (Format.PNG, {"file_quality": 50}, InvalidOrder, f"A quality belongs to {LOSSY}; nothing is lost in PNG."),
        (Format.JPEG, {"file_quality": 101}, InvalidOrder, "The quality of the file must be from 1 to 100, not 101."),
        (Format.JPEG, {"dpi": 0}, InvalidOrder, "The dots per inch must be from 1 to 2,400, not 0."),
    ]:  # fmt: skip
        error = refusal(services, mosaic, form, **fields)
        assert (type(error), str(error)) == (kind, sentence)
    assert type(refusal(services, uuid4(), Format.JPEG)) is NotFound
    assert type(refusal(services, ordered(made=False), Format.JPEG)) is NotReady
    with services.sessions.begin() as session:
        session.execute(update(Mosaic).where(Mosaic.id == mosaic).values(width=16_384, height=64))
    sentence = "The mosaic has 16,384 x 64 pixels; WebP ends at 16,383 a side. Take PNG, JPEG, "
    assert str(refusal(services, mosaic, Format.WEBP)).startswith(sentence)


@pytest.mark.parametrize("dpi", [" 7_5 ", "7_5", " 75", "\u0667\u0665", "+75", "7.5", 75.0, True, "", "9" * 5_000])
def test_a_number_is_plain(services: Services, ordered: Callable[..., UUID], dpi: object) -> None:
    address, client = f"/api/v1/mosaics/{ordered()}/renditions", assemble(services).test_client()
    answer = client.post(address, json={"format": "jpeg", "dpi": dpi})
    assert (answer.status_code, answer.get_json()["field"]) == (422, "dpi")
    assert client.post(address, json={"format": "jpeg", "dpi": "75"}).get_json()["dpi"] == 75


def test_a_mosaic_of_before_has_its_picture_and_no_other(services: Services, ordered: Callable[..., UUID]) -> None:
    mosaic = ordered()
    with services.sessions.begin() as session:
        session.execute(update(Mosaic).where(Mosaic.id == mosaic).values(placement_key=None))
    error = refusal(services, mosaic, Format.JPEG)
    assert (type(error), str(error)) == (
        NoPlacement,
        "This mosaic is from before placements were kept, so no other file of it can be made; order it again.",
    )
    assert data_of(services, first(services, mosaic))


def test_a_mosaic_has_so_many_renditions_and_no_more(services: Services, ordered: Callable[..., UUID]) -> None:
    mosaic = ordered()
    for quality in range(1, MOST_RENDITIONS):
        placed(services, mosaic, Format.JPEG, file_quality=quality)
    error = refusal(services, mosaic, Format.TIFF)
    assert (type(error), str(error)) == (
        TooManyRenditions, "A mosaic has at most 20 renditions, and this one has 20."
    )  # fmt: skip
    assert placed(services, mosaic, Format.JPEG, file_quality=1).bell is None
    cancelled = placed(services, mosaic, Format.JPEG, file_quality=1).rendition_id
    with services.sessions.begin() as session:
        row = renditions.find(session, mosaic, cancelled)
        jobs.cancel(session, [row.job_id], database.now(session))
    assert placed(services, mosaic, Format.TIFF).bell is not None, "what was cancelled does not count"
    again = refusal(services, mosaic, Format.JPEG, file_quality=1)
    assert type(again) is TooManyRenditions


def test_photos_that_were_deleted_for_good_fail_it_with_a_sentence_and_leave_nothing(
    services: Services, tile_set: UUID, ordered: Callable[..., UUID]
) -> None:
    mosaic = ordered()
    before = keys(services)
    services.store.delete([blob.key for blob in services.store.list() if "/tiles/" in blob.key])
    failed = made(services, mosaic, Format.JPEG)
    assert (failed.job.state, failed.job.error_code) == (JobState.FAILED, "damaged_index")
    assert failed.job.error_sentence == (
        "A photo that lies in this mosaic was deleted since, so no other file of it can be made."
    )
    assert (failed.key, keys(services)) == (None, before)


@pytest.mark.parametrize("harm", [lambda data: data[:-1], lambda data: data[:-1] + bytes([data[-1] ^ 1]), None])
def test_a_placement_that_is_damaged_or_lost_fails_it_with_a_sentence(
    services: Services, ordered: Callable[..., UUID], harm: Callable[[bytes], bytes] | None
) -> None:
    mosaic = ordered()
    with services.reading() as session:
        key = queries.find_mosaic(session, mosaic).placement_key
    if harm is None:
        services.store.delete([key])
    else:
        services.store.put(key, harm(services.store.get(key)))
    failed = made(services, mosaic, Format.JPEG)
    expected = "storage_unreadable" if harm is None else "damaged_placement"
    assert (failed.job.state, failed.job.error_code, failed.key) == (JobState.FAILED, expected, None)
    if harm:
        assert failed.job.error_sentence.endswith("; order the mosaic again.")


def test_photos_in_the_trash_are_still_laid(services: Services, tile_set: UUID, ordered: Callable[..., UUID]) -> None:
    mosaic = ordered()
    with services.sessions.begin() as session:
        tile_set_versions.remove(
            session, tile_set, photo_listing.page(session, tile_set).rows[0].tile.content, database.now(session)
        )
        tile_set_versions.drop(session, tile_set, database.now(session))
    assert made(services, mosaic, Format.TIFF).job.state is JobState.SUCCEEDED


def collect(services: Services) -> None:
    """Clear garbage as if the grace time had passed."""
    with services.sessions() as session:
        now = database.now(session)
    garbage.collect(services, now + timedelta(hours=2))


def test_the_sweep_keeps_what_rows_name_and_clears_what_a_late_attempt_left(
    services: Services, ordered: Callable[..., UUID]
) -> None:
    mosaic = ordered()
    made(services, mosaic, Format.JPEG)
    named = keys(services)
    assert len(named) == 8  # target, that in small, preview, two thumbnails, placement, two files
    left = blob_keys.picture(mosaic, "1-9", "jpg")
    services.store.put(left, b"x")
    unfinished = placed(services, mosaic, Format.TIFF)
    collect(services)
    assert keys(services) == named | {left}
    with services.sessions.begin() as session:
        jobs.cancel(session, [unfinished.bell.job_id], database.now(session))
    collect(services)
    assert keys(services) == named


def test_an_attempt_that_lost_its_lease_publishes_nothing(services: Services, ordered: Callable[..., UUID]) -> None:
    mosaic = ordered()
    identity, bell = placed(services, mosaic, Format.JPEG)

    def overtaken(running: Attempt) -> attempt.Outcome:
        outcome = rendering_job.make_rendition(running)
        with services.sessions.begin() as session:
            jobs.cancel(session, [bell.job_id], database.now(session))
        return outcome

    attempt.run(services, bell.job_id, overtaken)
    found = row(services, mosaic, identity)
    assert (found.job.state, found.key, found.byte_count) == (JobState.CANCELLED, None, None)


def document(services: Services, mosaic: UUID, suffix: str) -> str:
    with services.reading() as session:
        found = queries.find_mosaic(session, mosaic)
        return "".join(placement_documents.of_mosaic(session, services.store, found, suffix))


def test_a_placement_says_what_is_kept_with_the_names_of_the_photos(
    services: Services, tile_set: UUID, ordered: Callable[..., UUID]
) -> None:
    mosaic = ordered()
    with services.reading() as session:
        arrays = load_arrays(services.store.get(queries.find_mosaic(session, mosaic).placement_key))
        names = {shown.tile.content: shown.tile.name for shown in photo_listing.page(session, tile_set).rows}
    said = json.loads(document(services, mosaic, ".json"))
    assert (said["kind"], said["version"], said["grid"]["columns"], said["grid"]["rows"]) == (
        "tessera-placement",
        1,
        6,
        4,
    )
    assert said["order"]["turns"] is True
    assert len(said["cells"]) == 24
    for cell in said["cells"]:
        place = cell["row"], cell["column"]
        content = arrays["content"][arrays["photo"][place]].tobytes().hex()
        assert (cell["content"], cell["photo"]) == (content, names[content])
        assert (cell["window"], cell["turn"]) == (arrays["window"][place].tolist(), arrays["turn"][place])
        assert cell["distance"] == pytest.approx(np.sqrt(arrays["cost"][place]), rel=1e-5)
    lines = list(csv.DictReader(io.StringIO(document(services, mosaic, ".csv"))))
    assert [line["content"] for line in lines] == [cell["content"] for cell in said["cells"]]
    with services.sessions.begin() as session:
        tile_set_versions.drop(session, tile_set, database.now(session))
        undo.purge_set(session, tile_set, database.now(session))
    assert {cell["photo"] for cell in json.loads(document(services, mosaic, ".json"))["cells"]} <= {
        *names,
        *names.values(),
    }


def test_pages_and_api_show_order_and_send_the_files_of_a_mosaic(
    services: Services, ordered: Callable[..., UUID]
) -> None:
    client, mosaic = assemble(services).test_client(), ordered()
    place = f"/api/v1/mosaics/{mosaic}/renditions"
    answers = [
        client.post(place, json={"format": "jpeg", "dpi": 150}),
        client.post(place, data={"format": "jpeg", "dpi": "150"}),
    ]
    assert [answer.status_code for answer in answers] == [202, 202], answers[0].text
    shown = answers[0].get_json()
    assert (shown["file_quality"], shown["dpi"], shown["file"], shown["job"]["state"]) == (90, 150, None, "queued")
    assert answers[1].get_json()["id"] == shown["id"]
    assert answers[0].headers["Location"] == shown["url"]
    assert client.get(f"{shown['url']}/file").status_code == 409
    made(services, mosaic, Format.JPEG, dpi=150)
    items = client.get(place).get_json()["items"]
    assert [(item["format"], item["job"]["state"]) for item in items] == [("png", "succeeded"), ("jpeg", "succeeded")]
    sent = client.get(items[1]["file"])
    assert (sent.mimetype, sha256(sent.data).hexdigest(), len(sent.data)) == (
        "image/jpeg",
        items[1]["sha256"],
        items[1]["bytes"],
    )
    assert f"mosaic-{mosaic.hex[:8]}.jpg" in sent.headers["Content-Disposition"]
    assert client.get(items[1]["file"], headers={"Range": "bytes=2-5"}).data == sent.data[2:6]
    assert client.get(f"/api/v1/mosaics/{mosaic}/picture").data == client.get(items[0]["file"]).data
    page = client.get(f"/mosaics/{mosaic}").text
    for each in (f"renditions/{shown['id']}/file", "placement.json", "placement.csv", 'name="format"', "150 dpi"):
        assert each in page
    for suffix, kind in (("json", "application/json"), ("csv", "text/csv")):
        for prefix in ("", "/api/v1"):
            sent = client.get(f"{prefix}/mosaics/{mosaic}/placement.{suffix}")
            # To have an ETag it would have to be in memory as a whole.
            assert "ETag" not in sent.headers
            assert (sent.mimetype, sent.text) == (kind, document(services, mosaic, f".{suffix}"))


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "format"),
        ({"format": "bmp"}, "format"),
        ({"format": "jpeg", "dpi": 1.5}, "dpi"),
        ({"format": "jpeg", "size": 1}, "size"),
        ({"format": "jpeg", "file_quality": True}, "file_quality"),
        ({"format": "png", "file_quality": 9}, "file_quality"),
    ],
)
def test_a_bad_order_of_a_rendition_is_a_422_that_names_the_field(
    services: Services, ordered: Callable[..., UUID], body: dict[str, Any], field: str
) -> None:
    client, mosaic = assemble(services).test_client(), ordered()
    answer = client.post(f"/api/v1/mosaics/{mosaic}/renditions", json=body)
    assert (answer.status_code, answer.get_json()["code"], answer.get_json()["field"]) == (
        422,
        "invalid_order",
        field,
    )
