"""The OpenAPI document says what holds: names, kinds, files, failures; and the reference page names every address."""

import warnings
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from models.rules.formats import Format
from models.rules.orders import MosaicOrder
from models.services import Services, open_services
from models.settings import Settings
from web.app import assemble
from worker.core.measures.quality import Quality

PAGE = Path(__file__).parents[2] / "docs/reference/api.md"
NAMES = {
    "create_tile_set", "list_tile_sets", "get_tile_set", "rename_tile_set", "delete_tile_set", "restore_tile_set",
    "add_photos", "cancel_tile_set", "resume_tile_set", "get_tile_set_plot", "get_tile_set_palette",
    "list_tiles", "ban_tile", "allow_tile", "remove_tile", "restore_tile", "get_tile_preview", "get_tile_picture",
    "get_tile_original", "create_mosaic", "list_mosaics", "get_mosaic", "cancel_mosaic", "get_mosaic_picture",
    "create_batch", "list_batches", "get_batch", "get_batch_mosaics", "cancel_batch",
    "get_batch_archive",
    "create_rendition", "list_renditions", "get_rendition", "cancel_rendition", "get_rendition_file",
    "get_placement_json", "get_placement_csv", "edit_mosaic",
    "retry_mosaic", "retry_rendition", "retry_batch",
    "create_intake", "get_intake", "find_known", "finish_intake", "delete_intake",
    "create_target", "get_target", "get_target_plan", "create_sketch", "get_sketch", "get_sketch_picture",
    "create_share", "list_shares", "delete_share", "end_shares", "get_cell", "find_candidates", "get_candidates",
    "list_trash", "empty_trash", "purge_set", "purge_photo",
}  # fmt: skip
"""Programs call them so: none may change."""
FILES = {
    "get_tile_set_plot": {"image/png"}, "get_tile_set_palette": {"image/png"}, "get_tile_preview": {"image/jpeg"},
    "get_tile_picture": {"image/jpeg", "image/png"}, "get_tile_original": {"application/octet-stream"},
    "get_mosaic_picture": {form.facts.media_type for form in Format},
    "get_rendition_file": {form.facts.media_type for form in Format},
    "get_sketch_picture": {"image/webp"},
    "get_placement_csv": {"text/csv"}, "get_manifest_csv": {"text/csv"},
    "get_batch_archive": {"application/zip"},
}  # fmt: skip
CONFLICTS = {
    "create_mosaic", "create_batch", "add_photos", "resume_tile_set", "ban_tile", "allow_tile", "remove_tile",
    "restore_tile", "get_tile_set_plot", "get_tile_set_palette", "get_mosaic_picture", "get_batch_archive",
    "create_rendition", "get_rendition_file", "get_placement_json", "get_placement_csv", "edit_mosaic",
    "retry_mosaic", "retry_rendition", "retry_batch",
    "finish_intake", "create_sketch", "get_sketch_picture", "create_share", "get_cell", "find_candidates",
    "get_candidates",
}  # fmt: skip
UPLOADS = {"create_tile_set", "add_photos", "create_mosaic", "create_batch", "create_target", "create_sketch"}


@pytest.fixture
def document(sqlite_services: Services) -> dict[str, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        shown = assemble(sqlite_services).test_client().get("/api/v1/openapi.json")
    return dict(shown.get_json())


@pytest.fixture
def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {operation["operationId"]: operation for _, _, operation in addresses(document)}


def addresses(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def properties(document: dict[str, Any], name: str) -> dict[str, Any]:
    return dict(document["components"]["schemas"][name]["properties"])


def test_every_operation_has_a_name_that_stays_and_a_tag_that_is_described(
    document: dict[str, Any], operations: dict[str, Any]
) -> None:
    assert set(operations) >= NAMES
    assert not {name for name in operations if "api_v1" in name}
    described = {tag["name"] for tag in document["tags"] if tag["description"]}
    assert {tag for operation in operations.values() for tag in operation["tags"]} == described


def test_every_schema_is_there_once(document: dict[str, Any]) -> None:
    assert [name for name in document["components"]["schemas"] if name[-1].isdigit()] == []


def test_yes_and_no_are_booleans_and_ids_have_their_format(
    document: dict[str, Any], operations: dict[str, Any]
) -> None:
    order, tile_set = properties(document, "MosaicIn"), properties(document, "TileSetIn")
    ticked = [order[name] for name in ("flips", "turns", "no_repeats")]
    assert {each["type"] for each in (*ticked, tile_set["dedupe"], tile_set["keep_originals"])} == {"boolean"}
    assert (order["tile_set"]["format"], properties(document, "Mosaic")["id"]["format"]) == ("uuid", "uuid")
    assert (order["cells_across"]["type"], order["cells_across"]["maximum"]) == ("integer", 1000)
    assert (order["tint"]["type"], order["target"]["format"]) == ("number", "binary")
    for name, operation in operations.items():
        for parameter in operation["parameters"]:
            if parameter.get("in") == "path":
                said = parameter["schema"]
                kind = said.get("format") or said.get("pattern") or said["type"]
                assert kind == {"content": "^[0-9a-f]{64}$", "column": "integer", "row": "integer"}.get(
                    parameter["name"], "uuid"
                ), name


def test_an_order_and_a_quality_report_are_described_as_they_are(document: dict[str, Any]) -> None:
    assert set(properties(document, "Order")) == {field.name for field in fields(MosaicOrder)}
    assert set(properties(document, "Quality")) == {field.name for field in fields(Quality)}
    missing = {field.name for field in fields(MosaicOrder)} - set(properties(document, "MosaicIn"))
    assert missing == set()


def test_what_is_answered_is_always_whole(document: dict[str, Any]) -> None:
    shown = ("Mosaic", "Rendition", "TileSet", "Batch", "Job", "Tile", "Trash")
    for schema in (document["components"]["schemas"][name] for name in shown):
        assert set(schema["required"]) == set(schema["properties"])


def test_files_are_files(operations: dict[str, Any]) -> None:
    found = {name: operation["responses"]["200"].get("content", {}) for name, operation in operations.items()
             if "200" in operation["responses"]}  # fmt: skip
    assert {name: set(kinds) for name, kinds in found.items() if "application/json" not in kinds} == FILES
    for name in FILES:
        assert {kind["schema"]["format"] for kind in found[name].values()} == {"binary"}
    assert {"206", "304", "416"} <= set(operations["get_mosaic_picture"]["responses"])


def test_every_refusal_is_foreseen_where_it_can_happen(operations: dict[str, Any]) -> None:
    statuses = {name: set(operation["responses"]) for name, operation in operations.items()}
    assert {name for name, found in statuses.items() if not {"400", "401", "500", "503"} <= found} == set()
    assert {name for name, found in statuses.items() if "409" in found} >= CONFLICTS
    assert {name for name, found in statuses.items() if "507" in found} == UPLOADS
    bodies = UPLOADS | {"rename_tile_set", "rename_mosaic", "rename_batch", "create_rendition", "edit_mosaic"}
    bodies |= {f"{change}_tiles" for change in ("ban", "allow", "remove", "restore", "undo")}
    bodies |= {"create_intake", "find_known", "index_arrived", "finish_intake", "create_share"}
    assert {name for name, found in statuses.items() if {"413", "415", "422"} <= found} == bodies
    reading = {name for name in operations if name.startswith(("get_", "list_"))}
    assert {name for name, found in statuses.items() if "403" in found} == set(operations) - reading


def test_every_refusal_is_a_problem(document: dict[str, Any]) -> None:
    for response in document["components"]["responses"].values():
        said = response["content"]["application/problem+json"]
        assert said["schema"] == {"$ref": "#/components/schemas/Problem"}
        assert [example["value"]["code"] for example in said["examples"].values()]
        assert "X-Request-ID" in response["headers"]
    needed = document["components"]["schemas"]["Problem"]["required"]
    assert set(needed) == {"type", "title", "status", "code", "detail"}


def test_an_accepted_order_says_where_and_when_to_ask(operations: dict[str, Any]) -> None:
    accepted = [operation["responses"]["202"] for operation in operations.values() if "202" in operation["responses"]]
    assert len(accepted) >= 5
    for response in accepted:
        assert {"Location", "Retry-After", "X-Request-ID"} <= set(response["headers"])


def test_the_token_is_needed_on_a_server_alone(sqlite_services: Services, document: dict[str, Any]) -> None:
    scheme = document["components"]["securitySchemes"]["accessToken"]
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    assert all({} in operation["security"] for _, _, operation in addresses(document))
    token = "a token that only the tests know"
    changes = {"mode": "server", "access_token": token, "secure_cookies": False}
    services = open_services(Settings(**(sqlite_services.settings.model_dump() | changes)))
    shown = assemble(services).test_client().get("/api/v1/openapi.json", headers={"Authorization": f"Bearer {token}"})
    for _, _, operation in addresses(shown.get_json()):
        assert operation["security"] == [{"accessToken": []}]


def test_the_reference_page_names_every_address(document: dict[str, Any]) -> None:
    page = PAGE.read_text()
    for method, path, _ in addresses(document):
        address = path.removeprefix("/api/v1")
        for name in ("tile_set_id", "mosaic_id", "batch_id", "intake_id", "target_id"):
            address = address.replace(f"{{{name}}}", "ID")
        for name in ("content", "rendition", "sketch", "share", "column", "row"):
            address = address.replace(f"{{{name}}}", name.upper()).replace(f"{{{name}_id}}", name.upper())
        last = address.rpartition("/")[2]
        assert f"`{method} {address}`" in page or f", `/{last}`" in page, (method, address)
