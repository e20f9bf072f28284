"""Rows of every kind, as each revision of the database has them, and what each migration must make of them."""

# ruff: noqa: E501, ISC004, S608 - a row is easier to read in one line; no value comes from elsewhere

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from functools import partial
from typing import Any

Rows = dict[str, list[dict[str, Any]]]
"""The rows of each table, by its name."""

NOON = "'2026-01-02 12:00:00.000000'"
SET, EMPTY, GONE, IN_TRASH = (f"'{digit * 32}'" for digit in "1234")
ONE, TWO, THREE, FOUR = (f"'{digit * 32}'" for digit in "5678")
ANNA, BEN, CLARA, DORA, EMIL, FRIDA = (digit * 64 for digit in "abcdef")
UNKNOWN = {"width": None, "height": None, "lightness": None, "colour": None, "uses": 0}


@dataclass(frozen=True)
class Step:
    """A migration.

    Attributes:
        fill: Statements that write rows, as the revision has them.
        new: What rows from before have in the columns that it adds, by table.
        gone: The columns that it drops, by table.
        gone_tables: The tables that it drops.
        up: What else it makes of the rows.
        down: What else the way back makes of them.
    """

    fill: tuple[str, ...]
    new: dict[str, dict[str, Any]] = field(default_factory=dict)
    gone: dict[str, tuple[str, ...]] = field(default_factory=dict)
    gone_tables: tuple[str, ...] = ()
    up: Callable[[Rows], None] = lambda _: None
    down: Callable[[Rows], None] = lambda _: None


FIRST = (
    "INSERT INTO jobs (id, kind, lane, state, attempt, lease_token, lease_until, phase, progress, error_code, "
    f"error_sentence, created_at, queued_at, ring_at, started_at, finished_at) VALUES "
    f"(1, 'tessera.index', 'indexing', 'succeeded', 1, NULL, NULL, 'merging', 1, NULL, NULL, {NOON}, {NOON}, {NOON}, {NOON}, {NOON}), "
    f"(2, 'tessera.index', 'indexing', 'failed', 3, NULL, NULL, 'listing', 0.5, 'crashed', 'It broke.', {NOON}, {NOON}, {NOON}, {NOON}, {NOON}), "
    f"(3, 'tessera.render', 'interactive', 'running', 2, 'token', {NOON}, 'matching', 0.25, NULL, NULL, {NOON}, {NOON}, {NOON}, {NOON}, NULL), "
    f"(4, 'tessera.render', 'bulk', 'queued', 0, NULL, NULL, '', 0, NULL, NULL, {NOON}, {NOON}, {NOON}, NULL, NULL), "
    f"(5, 'tessera.render', 'bulk', 'cancelled', 0, NULL, NULL, '', 0, NULL, NULL, {NOON}, {NOON}, {NOON}, NULL, {NOON})",
    "INSERT INTO tile_sets (id, name, job_id, created_at, index_key, tile_count, skipped_count) VALUES "
    f"({SET}, 'Sommer “99”', 1, {NOON}, 'tile-sets/1/index', 7, 2), ({EMPTY}, 'Nothing yet', 2, {NOON}, NULL, NULL, NULL)",
    f"INSERT INTO batches (id, name, tile_set_id, created_at) VALUES ({TWO}, 'Guests', {SET}, {NOON})",
    "INSERT INTO skipped_photos (tile_set_id, name, code, sentence) VALUES "
    f"({SET}, 'a.txt', 'not_a_picture', 'It is text.'), ({SET}, 'b.jpg', 'empty_file', 'It is empty.')",
    "INSERT INTO uploads (tile_set_id, number, name, key, is_archive) VALUES "
    f"({SET}, 0, 'one.jpg', 'uploads/0', false), ({SET}, 1, 'all.zip', 'uploads/1', true), ({EMPTY}, 0, 'x', 'uploads/2', false)",
    "INSERT INTO mosaics (id, job_id, tile_set_id, batch_id, number, created_at, target_name, target_key, target_entry, "
    "cells_across, cell_width, cell_height, tile_size, fit, format, picture_key, preview_key, picture_sha256, "
    "picture_bytes, width, height, columns, rows, distinct_tiles) VALUES "
    f"({ONE}, 3, {SET}, NULL, 0, {NOON}, 'portrait.png', 'mosaics/1/target', NULL, 60, NULL, NULL, 50, 'crop', 'png', "
    f"'mosaics/1/p', 'mosaics/1/v', '{ANNA}', 5000000000, 3000, 2000, 60, 40, 9), "
    f"({TWO}, 4, {SET}, {TWO}, 0, {NOON}, 'g1.jpg', 'batches/2/0', 3, NULL, 8, 6, 20, 'resize', 'jpeg', "
    "NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL), "
    f"({THREE}, 5, {SET}, {TWO}, 1, {NOON}, 'g2.jpg', 'batches/2/0', 4, NULL, 8, 6, 20, 'resize', 'jpeg', "
    "NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)",
)  # fmt: skip


def _uploads_become_sources(rows: Rows) -> None:
    for tile_set in rows["tile_sets"]:
        tile_set["skipped_count"] = tile_set["skipped_count"] or 0
    rows["sources"] = [
        {
            "tile_set_id": each["tile_set_id"], "number": each["number"], "name": each["name"], "address": each["key"],
            "kind": "archive" if each["is_archive"] else "photo", "linked": False, "planned": False,
        }
        for each in rows["uploads"]
    ]  # fmt: skip


def _sources_become_uploads(rows: Rows) -> None:
    rows["uploads"] = [
        {
            "tile_set_id": each["tile_set_id"], "number": each["number"], "name": each["name"], "key": each["address"],
            "is_archive": each["kind"] == "archive",
        }
        for each in rows["sources"]
        if each["kind"] != "place"
    ]  # fmt: skip


def _what_was_set_aside_is_removed(rows: Rows) -> None:
    for tile in [tile for tile in rows["tiles"] if tile["until"] is not None]:
        rows["tiles"].remove(tile)
        rows["exclusions"].append(
            {
                "tile_set_id": tile["tile_set_id"], "content": tile["content"], "reason": "removed",
                "link": tile["origin"] if tile["linked"] else None, "since": tile["until"], "until": None,
                "stand_in": None,
            }
        )  # fmt: skip


def _reasons_that_were_not_there(rows: Rows) -> None:
    rows["exclusions"] = [each for each in rows["exclusions"] if each["reason"] != "near_duplicate"]
    for each in rows["exclusions"]:
        each["reason"] = "removed" if each["reason"] == "replaced" else each["reason"]


def _deleted_sets_were_purged(rows: Rows) -> None:
    for tile_set in rows["tile_sets"]:
        tile_set["purged_at"] = tile_set["deleted_at"]


def _the_trash_is_emptied_back(rows: Rows) -> None:
    for tile_set in rows["tile_sets"]:
        tile_set["deleted_at"] = tile_set["deleted_at"] if tile_set["purged_at"] else None
    for removed in rows["removed_tiles"]:
        fields = ("tile_set_id", "content", "name", "since", "origin", "stamp", "linked")
        rows["tiles"].append({name: removed[name] for name in fields})
        for each in rows["exclusions"]:
            same = all(each[name] == removed[name] for name in ("tile_set_id", "content"))
            if same and each["reason"] == "removed" and each["until"] is None:
                each["reason"] = "banned"


def _formats_that_were_not_there(rows: Rows) -> None:
    for each in rows["mosaics"]:
        each["format"] = each["format"] if each["format"] in {"png", "jpeg"} else "png"


QUALITIES = {"jpeg": 90, "webp": 90, "avif": 80}
"""What the formats were written with when renditions came, unless another was ordered."""


def _pictures_become_renditions(rows: Rows) -> None:
    rows["renditions"] = [
        {
            "id": each["id"], "mosaic_id": each["id"], "job_id": each["job_id"], "format": each["format"],
            "file_quality": each["file_quality"] or QUALITIES.get(each["format"], 0), "dpi": each["dpi"],
            "created_at": each["created_at"], "key": each["picture_key"], "sha256": each["picture_sha256"],
            "byte_count": each["picture_bytes"],
        }
        for each in rows["mosaics"]
    ]  # fmt: skip


def _first_renditions_become_pictures(rows: Rows) -> None:
    pictures = {each["job_id"]: each for each in rows["renditions"]}
    for mosaic in rows["mosaics"]:
        picture = pictures[mosaic["job_id"]]
        mosaic |= {"picture_key": picture["key"], "picture_sha256": picture["sha256"]}
        mosaic["picture_bytes"] = picture["byte_count"]
    _no_jobs("tessera.rendition", rows)


def _no_jobs(kind: str, rows: Rows) -> None:
    later = {job["id"] for job in rows["jobs"] if job["kind"] == kind}
    attempts = {each["id"] for each in rows["attempts"] if each["job_id"] in later}
    rows["phases"] = [each for each in rows["phases"] if each["attempt_id"] not in attempts]
    rows["attempts"] = [each for each in rows["attempts"] if each["job_id"] not in later]
    rows["jobs"] = [each for each in rows["jobs"] if each["id"] not in later]


def _no_zips(rows: Rows) -> None:
    rows["uploads"] = [each for each in rows["uploads"] if not each["is_archive"]]


def _called(form: str, rows: Rows, *, gone: str) -> None:
    own = {each["job_id"] for each in rows["mosaics"]}
    rows["renditions"] = [each for each in rows["renditions"] if each["job_id"] in own or each["format"] != gone]
    for each in rows["mosaics"]:
        each["file_quality"] = None if each["format"] == gone else each["file_quality"]
    for each in rows["mosaics"] + rows["renditions"]:
        each["format"] = form if each["format"] == gone else each["format"]


def _hexagons_become_bricks(rows: Rows) -> None:
    for each in rows["mosaics"]:
        each["shape"] = "brick" if each["shape"] == "hexagon" else each["shape"]


def _one_tiff_is_enough(rows: Rows) -> None:
    own = {each["job_id"]: each["dpi"] for each in rows["mosaics"] if each["format"] == "pyramid-tiff"}
    beside = {(each["mosaic_id"], each["dpi"]) for each in rows["renditions"] if each["job_id"] in own}
    rows["renditions"] = [
        each
        for each in rows["renditions"]
        if each["format"] != "tiff" or each["job_id"] in own or (each["mosaic_id"], each["dpi"]) not in beside
    ]
    _called("tiff", rows, gone="pyramid-tiff")


JOB = "lane, state, attempt, lease_token, lease_until, phase, progress, error_code, error_sentence, created_at, queued_at, ring_at, started_at, finished_at, given_back, request_id, failed_rings"
"""The other columns of a job, those from before version 0024."""

STEPS: dict[str, Step] = {
    "0001": Step(fill=FIRST),
    "0002": Step(
        fill=(
            "UPDATE mosaics SET loss = 'grid-oklab', subcells = 4, flips = true, max_uses = 3, min_distance = 2.5, "
            f"tint = 0.25, quality = '{{\"de00\": 1.5}}' WHERE id = {TWO}",
            f"UPDATE mosaics SET loss = 'balanced', detail = 0.75, turns = true, no_repeats = true, blend = 0.5 WHERE id = {THREE}",
        ),
        new={
            "mosaics": {
                "loss": "mean-rgb", "subcells": None, "detail": None, "flips": False, "turns": False, "max_uses": None,
                "no_repeats": False, "min_distance": 0.0, "tint": 0.0, "blend": 0.0, "quality": None,
            }
        },
    ),
    "0003": Step(
        fill=(
            "UPDATE jobs SET given_back = 1, request_id = 'request', failed_rings = 2 WHERE id = 3",
            "INSERT INTO attempts (id, job_id, number, waited_seconds, started_at, ended_at, outcome) VALUES "
            f"(11, 1, 1, 0.5, {NOON}, {NOON}, 'succeeded'), (12, 2, 1, 1.5, {NOON}, {NOON}, 'expired'), "
            f"(13, 2, 2, 0, {NOON}, {NOON}, 'failed'), (14, 3, 1, 0, {NOON}, {NOON}, 'given back'), "
            f"(15, 3, 2, 0, {NOON}, NULL, NULL), (16, 5, 1, 0, {NOON}, {NOON}, 'cancelled')",
            "INSERT INTO phases (id, attempt_id, phase, seconds) VALUES (21, 11, 'listing', 0.25), (22, 13, 'merging', 4)",
        ),
        new={"jobs": {"given_back": 0, "request_id": None, "failed_rings": 0}},
    ),
    "0004": Step(
        fill=(
            "INSERT INTO jobs SELECT 6, kind, lane, state, attempt, lease_token, lease_until, phase, progress, error_code, error_sentence, created_at, queued_at, ring_at, started_at, finished_at, given_back, request_id, failed_rings FROM jobs WHERE id = 1",
            f"INSERT INTO tile_sets (id, name, job_id, created_at, skipped_count, deleted_at, dedupe, keep_originals, version) VALUES ({GONE}, 'Deleted', 6, {NOON}, 0, {NOON}, true, true, 1)",
            f"UPDATE tile_sets SET version = 2 WHERE id = {SET}",
            f"UPDATE mosaics SET tile_set_version = 2 WHERE id = {ONE}",
            "INSERT INTO versions (tile_set_id, number, created_at, change, index_key, plot_key, palette_key, tile_count) VALUES "
            f"({SET}, 1, {NOON}, '7 photos came in', 'i1', NULL, NULL, 7), ({SET}, 2, {NOON}, 'more', 'i2', 'plot', 'palette', 9)",
            "INSERT INTO tiles (tile_set_id, content, name, since, until, origin, stamp, linked) VALUES "
            f"({SET}, '{ANNA}', 'anna.jpg', 1, NULL, NULL, NULL, false), ({SET}, '{BEN}', 'ben.jpg', 1, 2, '/p/ben', 's', true), "
            f"({SET}, '{CLARA}', 'clara.jpg', 1, 2, '/p/clara', 's', false), ({SET}, '{DORA}', 'dora.jpg', NULL, NULL, '/p/dora', '12-34', true)",
            "INSERT INTO exclusions (tile_set_id, content, reason, link, since, until) VALUES "
            f"({SET}, '{ANNA}', 'banned', NULL, 2, NULL), ({SET}, '{DORA}', 'banned', '/p/dora', 1, 2), ({SET}, '{EMIL}', 'removed', NULL, 2, NULL)",
            "INSERT INTO sources (tile_set_id, number, kind, name, address, linked, planned) VALUES "
            f"({SET}, 2, 'place', 'folder', 'file:///p', true, true)",
            "INSERT INTO parts (tile_set_id, number, state, attempt, lease_token, lease_until, photo_count, done_count, listing_key, index_key, started_at, ended_at) VALUES "
            f"({SET}, 0, 'open', 0, NULL, NULL, 3, 0, 'l0', NULL, NULL, NULL), ({SET}, 1, 'taken', 1, 't', {NOON}, 3, 1, 'l1', NULL, {NOON}, NULL), "
            f"({SET}, 2, 'done', 2, NULL, NULL, 3, 3, 'l2', 'i', {NOON}, {NOON})",
        ),
        new={
            "tile_sets": {"deleted_at": None, "dedupe": False, "keep_originals": False, "version": None},
            "mosaics": {"tile_set_version": 1},
            "batches": {"tile_set_version": 1},
        },
        gone={"tile_sets": ("index_key", "tile_count")},
        gone_tables=("uploads",),
        up=_uploads_become_sources,
        down=_sources_become_uploads,
    ),
    "0005": Step(
        fill=(
            "INSERT INTO exclusions (tile_set_id, content, reason, link, since, until, stand_in) VALUES "
            f"({SET}, '{FRIDA}', 'replaced', '/p/frida', 2, NULL, NULL), ({SET}, '{DORA}', 'near_duplicate', NULL, 2, NULL, '{ANNA}')",
            "INSERT INTO skipped_photos (tile_set_id, name, code, sentence, content, origin, stamp) VALUES "
            f"({SET}, 'dora.jpg', 'near_duplicate', 'Nearly the same.', '{DORA}', '/p/dora', '12-34')",
        ),
        new={"exclusions": {"stand_in": None}, "skipped_photos": {"content": None, "origin": None, "stamp": None}},
        gone={"tiles": ("until",)},
        up=_what_was_set_aside_is_removed,
        down=_reasons_that_were_not_there,
    ),
    "0006": Step(
        fill=(
            f"UPDATE installation SET identity = {ONE}, generation = 7, looked_at = {NOON}, blob_count = 5, "
            "withheld_count = 1, trash_count = 2, trash_bytes = 5000000000",
        ),
        up=lambda rows: rows.update(
            installation=[
                {
                    "number": 1, "identity": None, "generation": 0, "looked_at": None, "blob_count": 0,
                    "withheld_count": 0, "trash_count": 0, "trash_bytes": 0,
                }
            ]
        ),
    ),
    "0007": Step(
        fill=(
            "INSERT INTO jobs SELECT 7, kind, lane, state, attempt, lease_token, lease_until, phase, progress, error_code, error_sentence, created_at, queued_at, ring_at, started_at, finished_at, given_back, request_id, failed_rings FROM jobs WHERE id = 1",
            f"INSERT INTO tile_sets (id, name, job_id, created_at, skipped_count, deleted_at, dedupe, keep_originals, version) VALUES ({IN_TRASH}, 'In the trash', 7, {NOON}, 0, {NOON}, false, false, 1)",
            "INSERT INTO removed_tiles (tile_set_id, content, name, since, origin, stamp, linked, removed_at) VALUES "
            f"({SET}, '{EMIL}', 'emil.jpg', 1, '/p/emil', '5-6', true, {NOON})",
        ),
        new={"tile_sets": {"purged_at": None}},
        up=_deleted_sets_were_purged,
        down=_the_trash_is_emptied_back,
    ),
    "0008": Step(
        fill=("UPDATE sources SET exclude = '*.png', follow_links = true WHERE number = 0", "UPDATE tile_sets SET passed_over = 3, passed_links = 1 WHERE version = 1"),
        new={"sources": {"exclude": "", "follow_links": False}, "tile_sets": {"passed_over": 0, "passed_links": 0}},
    ),
    "0009": Step(fill=(f"INSERT INTO logins (id, entered_at) VALUES ({ONE}, {NOON})",)),
    "0010": Step(
        fill=(f"UPDATE mosaics SET crops = 'slide', keep = 0.5, far = 0.25, min_uses = 1, spread = 1, adapt = 0.5 WHERE id = {TWO}",),
        new={"mosaics": {"crops": "none", "keep": 0.64, "far": 0.0, "min_uses": None, "spread": 0.0, "adapt": 0.0}},
    ),
    "0011": Step(
        fill=(
            f"UPDATE mosaics SET format = 'webp', file_quality = 75, dpi = 150 WHERE id = {TWO}",
            f"UPDATE mosaics SET format = 'tiff' WHERE id = {THREE}",
        ),
        new={"mosaics": {"file_quality": None, "dpi": 300}},
        down=_formats_that_were_not_there,
    ),
    "0012": Step(
        fill=(f"UPDATE mosaics SET mosaic_width = 7087, mosaic_height = 4724 WHERE id = {ONE}",),
        new={"mosaics": {"mosaic_width": None, "mosaic_height": None}},
    ),
    "0013": Step(
        fill=(
            f"UPDATE mosaics SET placement_key = 'mosaics/1/a' WHERE id = {ONE}",
            f"UPDATE mosaics SET parent_id = {ONE}, changes = '{{\"ban\": [\"{ANNA}\"]}}' WHERE id = {TWO}",
            f"INSERT INTO jobs (id, kind, {JOB}) SELECT 8, 'tessera.rendition', {JOB} FROM jobs WHERE id = 1",
            f"INSERT INTO attempts (id, job_id, number, waited_seconds, started_at, ended_at, outcome) VALUES (17, 8, 1, 0, {NOON}, {NOON}, 'succeeded')",
            "INSERT INTO phases (id, attempt_id, phase, seconds) VALUES (23, 17, 'encoding', 0.5)",
            "INSERT INTO renditions (id, mosaic_id, job_id, format, file_quality, dpi, created_at, key, sha256, byte_count) VALUES "
            f"({FOUR}, {ONE}, 8, 'jpeg', 75, 150, {NOON}, 'mosaics/1/j', '{BEN}', 6000000000)",
        ),
        new={"mosaics": {"placement_key": None, "parent_id": None, "changes": None}},
        gone={"mosaics": ("picture_key", "picture_sha256", "picture_bytes")},
        up=_pictures_become_renditions,
        down=_first_renditions_become_pictures,
    ),
    "0014": Step(
        fill=(
            f"UPDATE mosaics SET format = 'pyramid' WHERE id = {THREE}",
            f"UPDATE renditions SET format = 'pyramid' WHERE id IN ({THREE}, {FOUR})",
        ),
        down=partial(_called, "tiff", gone="pyramid"),
    ),
    "0015": Step(
        fill=(
            f"UPDATE mosaics SET format = 'pdf', bleed = 2.5, pages = 'a4', overlap = 5 WHERE id = {ONE}",
            f"UPDATE renditions SET format = 'pdf' WHERE id IN ({ONE}, {FOUR})",
        ),
        new={"mosaics": {"bleed": 0.0, "pages": None, "overlap": None}},
        down=partial(_called, "png", gone="pdf"),
    ),
    "0016": Step(
        fill=(f"UPDATE mosaics SET shape = 'brick' WHERE id = {TWO}",), new={"mosaics": {"shape": "rectangle"}}
    ),
    "0017": Step(
        fill=(f"UPDATE mosaics SET shape = 'hexagon' WHERE id = {ONE}",), down=_hexagons_become_bricks
    ),
    "0018": Step(fill=(f"UPDATE mosaics SET adaptive = 0.5 WHERE id = {ONE}",), new={"mosaics": {"adaptive": 0.0}}),
    "0019": Step(
        fill=(
            f"UPDATE mosaics SET format = 'pyramid-tiff', dpi = 300 WHERE id = {ONE}",
            f"UPDATE renditions SET format = 'pyramid-tiff', file_quality = 0, dpi = 300 WHERE id = {ONE}",
            f"UPDATE renditions SET format = 'tiff', file_quality = 0, dpi = 300 WHERE id = {FOUR}",
        ),
        down=_one_tiff_is_enough,
    ),
    "0020": Step(
        fill=(f"UPDATE mosaics SET mask = 'mosaics/2/mask' WHERE id = {TWO}",), new={"mosaics": {"mask": None}}
    ),
    "0021": Step(
        fill=(f"UPDATE mosaics SET thumbnail_key = 'mosaics/1/t' WHERE id = {ONE}",),
        new={"mosaics": {"thumbnail_key": None}},
    ),
    "0022": Step(
        fill=(
            f"UPDATE mosaics SET deleted_at = {NOON} WHERE id = {TWO}",
            f"UPDATE mosaics SET deleted_at = {NOON}, purged_at = {NOON} WHERE id = {THREE}",
            f"UPDATE batches SET deleted_at = {NOON}",
        ),
        new={table: {"deleted_at": None, "purged_at": None} for table in ("mosaics", "batches")},
    ),
    "0023": Step(
        fill=(
            "INSERT INTO intakes (id, tile_set_id, adds, file_count, byte_count, created_at, expires_at, ended_at, left_out) VALUES "
            f"({ONE}, {SET}, true, 2, 5000000000, {NOON}, {NOON}, NULL, NULL), ({TWO}, {EMPTY}, false, 1, 7, {NOON}, {NOON}, {NOON}, 0)",
            "INSERT INTO uploads (id, intake_id, name, length_bytes, received_bytes, claimed, parts, key, content, created_at) VALUES "
            f"({ONE}, {ONE}, 'a.jpg', 5, 5, '{ANNA}', '[]', 'tile-sets/1/uploads/0', '{ANNA}', {NOON}), "
            f"({TWO}, {ONE}, 'b.jpg', 9, 4, NULL, '[\"tile-sets/1/uploads/1\"]', NULL, NULL, {NOON})",
        ),
    ),
    "0024": Step(
        fill=("UPDATE jobs SET done_count = 3, total_count = 9, partial_key = 'mosaics/1/1-1/partial-500.jpg' WHERE id = 1",),
        new={"jobs": {"phase_at": None, "done_count": None, "total_count": None, "partial_key": None}},
    ),
    "0025": Step(
        fill=(
            f"INSERT INTO drafts (id, created_at, expires_at, target_name, target_key, byte_count, width, height, sideways, mask, mask_name) VALUES ({FOUR}, {NOON}, {NOON}, 't.png', 'mosaics/4/target', 5000000000, 600, 400, false, 'mosaics/4/mask', 'm.png')",
            f"INSERT INTO jobs (id, kind, {JOB}) SELECT 9, 'tessera.sketch', {JOB} FROM jobs WHERE id = 1",
            f"INSERT INTO attempts (id, job_id, number, waited_seconds, started_at, ended_at, outcome) VALUES (18, 9, 1, 0, {NOON}, {NOON}, 'succeeded')",
            "INSERT INTO phases (id, attempt_id, phase, seconds) VALUES (24, 18, 'matching', 0.5)",
            f'INSERT INTO sketches (id, draft_id, job_id, created_at, tile_set_id, tile_set_version, look, "order", key, columns, rows) VALUES ({FOUR}, {FOUR}, 9, {NOON}, {SET}, 1, \'\', \'{{"tint": 0.5}}\', \'mosaics/4/s\', 30, 20)',
        ),
        down=partial(_no_jobs, "tessera.sketch"),
    ),
    "0026": Step(
        fill=(
            f"UPDATE mosaics SET target_preview_key = 'mosaics/1/s', share_series = 2 WHERE id = {ONE}",
            f"INSERT INTO jobs (id, kind, {JOB}) SELECT 10, 'tessera.candidates', {JOB} FROM jobs WHERE id = 1",
            f"INSERT INTO candidates (id, mosaic_id, job_id, cell_column, cell_row, photos) VALUES (1, {ONE}, 10, 3, 4, '[]')",
        ),
        new={"mosaics": {"target_preview_key": None, "share_series": 0}},
        down=partial(_no_jobs, "tessera.candidates"),
    ),
    "0027": Step(
        fill=(
            f"UPDATE tiles SET width = 60, height = 40, lightness = 0.5, colour = 29.25, uses = 7 WHERE content = '{ANNA}'",
            "UPDATE versions SET lacks = '[\"Few blues.\"]' WHERE number = 1",
        ),
        new={
            "tiles": UNKNOWN,
            "removed_tiles": UNKNOWN,
            "versions": {"lacks": None},
        },
    ),
    "0028": Step(
        fill=(f"UPDATE mosaics SET crop_left = 0.25, crop_top = 0.125, crop_width = 0.5, crop_height = 0.75 WHERE id = {TWO}",),
        new={"mosaics": {"crop_left": 0.0, "crop_top": 0.0, "crop_width": None, "crop_height": None}},
    ),
    "0029": Step(
        fill=(f"UPDATE mosaics SET again_id = {ONE}, large_thumbnail_key = 'mosaics/3/l' WHERE id = {THREE}",),
        new={"mosaics": {"again_id": None, "large_thumbnail_key": None}},
    ),
    "0030": Step(
        fill=(
            f"UPDATE sources SET content = '{ANNA}' WHERE number = 0",
            "INSERT INTO uploads (id, intake_id, name, length_bytes, received_bytes, claimed, is_archive, parts, key, content, created_at) VALUES "
            f"({THREE}, {ONE}, 'c.zip', 9, 4, NULL, true, '[\"tile-sets/1/uploads/2\"]', NULL, NULL, {NOON})",
        ),
        new={"sources": {"content": None}, "uploads": {"is_archive": False}},
        down=_no_zips,
    ),
    "0031": Step(
        fill=(f"INSERT INTO shared_links (id, mosaic_id, created_at, until) VALUES ({FOUR}, {ONE}, {NOON}, {NOON})",),
    ),
    "0032": Step(fill=()),
    "0033": Step(fill=()),
}  # fmt: skip


def made_by(step: Step, before: Rows, after: Rows) -> Rows:
    """Return the rows that a migration must leave; `after` only tells which tables it adds."""
    made = deepcopy(before)
    for table, columns in step.new.items():
        for row in made[table]:
            row.update(columns)
    step.up(made)
    _drop(made, step.gone, step.gone_tables)
    return {name: made.get(name, []) for name in after} | made


def left_by(step: Step, before: Rows, after: Rows) -> Rows:
    """Return the rows that the way back must leave; what a column held that comes back is lost, unless `down` has it."""
    left = deepcopy(before)
    step.down(left)
    for table, columns in step.gone.items():
        for row in left[table]:
            row.update({column: row.get(column) for column in columns})
    _drop(left, {table: tuple(columns) for table, columns in step.new.items()}, set(left) - set(after))
    return left


def _drop(rows: Rows, columns: dict[str, tuple[str, ...]], tables: Any) -> None:
    for table, names in columns.items():
        for row in rows[table]:
            for name in names:
                del row[name]
    for table in tables:
        del rows[table]
