"""The photos of a tile set: in each order, page by page, filtered; many changed at once, and that undone."""

import itertools
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import pytest
from flask.testing import FlaskClient
from sqlalchemy import delete, select, update

from models import database, exclusions, photo_changes, photo_listing, photo_measures, queries
from models.errors import InvalidOrder, LastTile
from models.photo_changes import Changed, PhotoChange
from models.photo_listing import PhotoFilter, PhotoSort, Wanted
from models.placing import place_tile_set
from models.services import Services
from models.tables import Tile, TileSet

COUNT = 40
NAMES = ["b", "a", "B", "c%", "c_", "cx", "ä", "a" * 190, "\u202eevil", "🦝 raccoon"]
KEYS: dict[PhotoSort, tuple[Callable[[Tile], Any], bool]] = {
    PhotoSort.ADDED: (lambda tile: tile.id, False),
    PhotoSort.NEWEST: (lambda tile: tile.id, True),
    PhotoSort.LARGEST: (lambda tile: -1 if tile.width is None else tile.width * (tile.height or 0), True),
    PhotoSort.SMALLEST: (lambda tile: 10**12 if tile.width is None else tile.width * (tile.height or 0), False),
    PhotoSort.COLOUR: (lambda tile: 500 if tile.colour is None else tile.colour, False),
    PhotoSort.LIGHTEST: (lambda tile: -2 if tile.lightness is None else tile.lightness, True),
    PhotoSort.DARKEST: (lambda tile: 2 if tile.lightness is None else tile.lightness, False),
    PhotoSort.MOST_USED: (lambda tile: tile.uses, True),
    PhotoSort.LEAST_USED: (lambda tile: tile.uses, False),
}
"""What each order goes by, and whether the largest comes first; what is unknown comes last."""
COLOURS = [-0.9, 29.233885192342633, 264.1]
ALL = [bytes([number]) * 32 for number in range(1, COUNT + 1)]


@pytest.fixture
def tile_set(services: Services, indexed: Callable[..., TileSet]) -> UUID:
    """Photos with few different numbers, so that many are equal; of every fifth nothing is known."""
    made = indexed(services, ALL).id
    dice = np.random.default_rng(3)
    with services.sessions.begin() as session:
        for number, tile in enumerate(session.scalars(select(Tile).where(Tile.tile_set_id == made))):
            tile.name, tile.uses = NAMES[number % len(NAMES)] + ".jpg", int(dice.integers(3))
            if number % 5:
                tile.width, tile.height = [(70_000, 70_000), (60, 40), (40, 60)][dice.integers(3)]
                tile.lightness, tile.colour = [0.1, 0.7][dice.integers(2)], COLOURS[dice.integers(3)]
    return made


def listed(services: Services, tile_set: UUID, **wanted: Any) -> list[str]:
    """Every photo of a list, read page by page."""
    found, at = list[str](), None
    with services.reading() as session:
        while True:
            page = photo_listing.page(session, tile_set, Wanted(after=at, limit=7, **wanted))
            found += [row.tile.content for row in page.rows]
            if page.following is None:
                return found
            at = photo_listing.Cursor.read(str(page.following))


def change(services: Services, tile_set: UUID, what: PhotoChange, *contents: bytes) -> Changed:
    with services.sessions.begin() as session:
        return photo_changes.make(session, tile_set, what, [each.hex() for each in contents], database.now(session))


def undo(services: Services, tile_set: UUID, version: int) -> Changed:
    with services.sessions.begin() as session:
        return photo_changes.undo(session, tile_set, version, database.now(session))


def versions(services: Services, tile_set: UUID) -> list[tuple[int, str, int]]:
    with services.reading() as session:
        return [(each.number, each.change, each.tile_count) for each in queries.versions(session, tile_set)]


def left_out(services: Services, tile_set: UUID) -> set[str]:
    with services.reading() as session:
        return exclusions.excluded(session, tile_set)


def hexes(*contents: bytes) -> set[str]:
    return {content.hex() for content in contents}


# Orders and pages


@pytest.mark.parametrize("sort", KEYS)
def test_each_order_is_that_of_python(services: Services, tile_set: UUID, sort: PhotoSort) -> None:
    key, falling = KEYS[sort]
    with services.reading() as session:
        tiles = list(session.scalars(select(Tile).where(Tile.tile_set_id == tile_set)))
    expected = sorted(tiles, key=lambda tile: (key(tile), tile.id), reverse=falling)
    assert listed(services, tile_set, sort=sort) == [tile.content for tile in expected]


def test_names_are_in_order_whatever_their_letters(services: Services, indexed: Callable[..., TileSet]) -> None:
    made = indexed(services, ALL[:26]).id
    names = [chr(ord("a" if number % 2 else "A") + number) for number in range(26)]
    names = [names[number * 7 % 26] for number in range(26)]
    with services.sessions.begin() as session:
        for name, tile in zip(names, session.scalars(select(Tile).where(Tile.tile_set_id == made)), strict=True):
            tile.name = name
    with services.reading() as session:
        page = photo_listing.page(session, made, Wanted(sort=PhotoSort.NAME, limit=100))
        assert [row.tile.name for row in page.rows] == sorted(names, key=str.lower)
    assert len(listed(services, made, sort=PhotoSort.NAME)) == 26


@pytest.mark.parametrize("sort", PhotoSort)
def test_pages_neither_repeat_nor_lose_photos_while_others_come_and_go(
    services: Services, tile_set: UUID, sort: PhotoSort
) -> None:
    before, seen, at = set(listed(services, tile_set)), list[str](), None
    gone = set[str]()
    for turn in itertools.count():
        with services.sessions.begin() as session:
            page = photo_listing.page(session, tile_set, Wanted(sort=sort, after=at, limit=7))
            seen += [row.tile.content for row in page.rows]
            last = page.rows[-1].tile
            # Another tab removes the very photo that the page ended with; an upload adds some.
            session.execute(delete(Tile).where(Tile.id == last.id))
            gone.add(last.content)
            session.add(Tile(tile_set_id=tile_set, content=f"{turn:064}", name="b.jpg", since=1, uses=1))
        if page.following is None:
            break
        at = page.following
    assert len(seen) == len(set(seen))
    assert before <= set(seen)
    assert gone <= set(seen)


def test_a_part_of_a_name_is_searched_as_it_stands(services: Services, tile_set: UUID) -> None:
    with services.reading() as session:
        names = dict(session.execute(select(Tile.content, Tile.name).where(Tile.tile_set_id == tile_set)).all())
    for part in ("c%", "c_", "B", "🦝", "\u202e", "a" * 190, "a" * 4_000, ".JPG", "%", "zzz"):
        expected = {content for content, name in names.items() if part.lower() in name.lower()}
        assert set(listed(services, tile_set, name=part)) == expected, part


def test_each_filter_shows_what_it_says(services: Services, tile_set: UUID) -> None:
    change(services, tile_set, PhotoChange.BAN, *ALL[:3])
    change(services, tile_set, PhotoChange.REMOVE, *ALL[2:5])
    with services.reading() as session:
        uses = dict(session.execute(select(Tile.content, Tile.uses).where(Tile.tile_set_id == tile_set)).all())
    left = hexes(*ALL) - hexes(*ALL[2:5])
    expected = {
        PhotoFilter.ALL: left,
        PhotoFilter.USED: {content for content in left if uses[content]},
        PhotoFilter.UNUSED: {content for content in left if not uses[content]},
        PhotoFilter.BANNED: hexes(*ALL[:2]),
        PhotoFilter.REMOVED: hexes(*ALL[2:5]),
    }
    assert {show: set(listed(services, tile_set, show=show)) for show in PhotoFilter} == expected


@pytest.mark.parametrize("sort", PhotoSort)
def test_the_photos_beside_one_are_those_of_the_list(services: Services, tile_set: UUID, sort: PhotoSort) -> None:
    found = listed(services, tile_set, sort=sort)
    with services.reading() as session:
        around = [photo_listing.beside(session, tile_set, Wanted(sort=sort), content) for content in found]
    assert around == list(zip([None, *found[:-1]], [*found[1:], None], strict=True))


def test_a_page_of_another_order_is_refused(services: Services, tile_set: UUID) -> None:
    with services.reading() as session:
        at = photo_listing.page(session, tile_set, Wanted(sort=PhotoSort.NAME, limit=1)).following
        with pytest.raises(InvalidOrder, match="in another order"):
            photo_listing.page(session, tile_set, Wanted(after=at))


# Many at once


def test_many_photos_are_banned_by_one_version(services: Services, tile_set: UUID) -> None:
    done = change(services, tile_set, PhotoChange.BAN, *ALL[:10], ALL[0])
    assert done == Changed(2, frozenset(hexes(*ALL[:10])), frozenset())
    assert versions(services, tile_set) == [(2, "10 photos were banned", 30), (1, "made", COUNT)]
    assert left_out(services, tile_set) == hexes(*ALL[:10])


def test_those_that_are_so_already_stay_so_and_those_that_are_gone_are_told(
    services: Services, tile_set: UUID
) -> None:
    change(services, tile_set, PhotoChange.BAN, ALL[0])
    change(services, tile_set, PhotoChange.REMOVE, ALL[1])
    done = change(services, tile_set, PhotoChange.BAN, *ALL[:3], b"?" * 32)
    assert done == Changed(4, frozenset(hexes(ALL[2])), frozenset(hexes(ALL[1], b"?" * 32)))
    assert versions(services, tile_set)[0] == (4, "“B.jpg” was banned", COUNT - 3)
    assert change(services, tile_set, PhotoChange.BAN, ALL[2]).version == 4


@pytest.mark.parametrize("what", [PhotoChange.BAN, PhotoChange.REMOVE])
def test_a_change_and_its_undoing_leave_everything_as_it_was(
    services: Services, tile_set: UUID, what: PhotoChange
) -> None:
    with services.reading() as session:
        before = {tile.content: (tile.name, tile.uses, tile.colour) for tile in session.scalars(select(Tile))}
    change(services, tile_set, what, *ALL[:10])
    assert undo(services, tile_set, 2) == Changed(3, frozenset(hexes(*ALL[:10])), frozenset())
    with services.reading() as session:
        assert {tile.content: (tile.name, tile.uses, tile.colour) for tile in session.scalars(select(Tile))} == before
    assert (left_out(services, tile_set), versions(services, tile_set)[0][2]) == (set(), COUNT)
    undo(services, tile_set, 3)
    assert left_out(services, tile_set) == hexes(*ALL[:10])


def test_undoing_leaves_alone_what_was_changed_since(services: Services, tile_set: UUID) -> None:
    change(services, tile_set, PhotoChange.BAN, *ALL[:3])
    change(services, tile_set, PhotoChange.REMOVE, ALL[0])
    change(services, tile_set, PhotoChange.ALLOW, ALL[1])
    assert undo(services, tile_set, 2).changed == hexes(ALL[2])
    assert left_out(services, tile_set) == hexes(ALL[0])
    assert undo(services, tile_set, 2) == Changed(5, frozenset(), frozenset(hexes(ALL[0]))), "it is in the trash"
    assert undo(services, tile_set, 1).changed == frozenset(), "the photos that came in are not taken away"


def test_the_last_photos_stay_as_a_whole(services: Services, tile_set: UUID) -> None:
    with pytest.raises(LastTile, match="These are the last photos"):
        change(services, tile_set, PhotoChange.REMOVE, *ALL)
    assert versions(services, tile_set) == [(1, "made", COUNT)]


def test_too_many_and_none_are_refused(services: Services, tile_set: UUID) -> None:
    for count in (0, 801):
        with pytest.raises(InvalidOrder, match="from 1 to 800 photos"):
            change(services, tile_set, PhotoChange.BAN, *(number.to_bytes(32) for number in range(count)))


def test_many_hundred_photos_are_removed_and_restored(services: Services, indexed: Callable[..., TileSet]) -> None:
    many = [number.to_bytes(32) for number in range(1, 901)]
    made = indexed(services, many).id
    assert len(change(services, made, PhotoChange.REMOVE, *many[:800]).changed) == 800
    assert len(change(services, made, PhotoChange.RESTORE, *many[:800]).changed) == 800
    assert [count for _, _, count in versions(services, made)] == [900, 100, 900]


# What is known of a photo


def test_indexing_writes_size_and_colour_and_what_is_lacking(services: Services, set_of: Callable[..., UUID]) -> None:
    red, grey = np.zeros((40, 60, 3), np.uint8), np.full((30, 20, 3), 128, np.uint8)
    red[...] = 255, 0, 0
    made = set_of([("red.png", red), ("grey.png", grey)])
    with services.reading() as session:
        found = {tile.name: tile for tile in session.scalars(select(Tile).where(Tile.tile_set_id == made))}
        version = queries.find_version(session, made, 1)
    assert {name: (tile.width, tile.height) for name, tile in found.items()} == {
        "red.png": (60, 40), "grey.png": (20, 30),
    }  # fmt: skip
    # Oklab of red: L 0.628, hue 29.2 degrees; of the middle grey: L 0.600. Source: CSS Color 4, sample values.
    assert found["red.png"].lightness == pytest.approx(0.628, abs=0.001)
    assert found["red.png"].colour == pytest.approx(29.23, abs=0.01)
    assert found["grey.png"].colour == pytest.approx(0.600 - 1, abs=0.001)
    assert version.lacks == ["2 photos are few: in a mosaic of 2,000 cells each lies 1,000 times."]


def test_rows_from_before_are_completed_when_photos_are_added(
    services: Services, set_of: Callable[..., UUID], noise: Callable[..., np.ndarray]
) -> None:
    made = set_of([(f"{number}.png", noise(40, 60, number)) for number in range(2)])
    with services.reading() as session:
        known = {tile.content: tile.lightness for tile in session.scalars(select(Tile))}
        measured = {content: photo_measures.Measures(60, 40, light or 0, 5.0) for content, light in known.items()}
    with services.sessions.begin() as session:
        session.execute(update(Tile).values(width=None, height=None, lightness=None, colour=None))
        assert photo_measures.lacking(session, made) == set(known)
        photo_measures.write(session, made, measured)
    with services.reading() as session:
        assert {tile.content: tile.lightness for tile in session.scalars(select(Tile))} == known


def test_a_mosaic_counts_the_cells_of_each_photo(
    services: Services, noisy_set: Callable[[int], UUID], mosaic_of: Callable[..., UUID]
) -> None:
    made = noisy_set(4)
    with services.reading() as session:
        mosaic = queries.find_mosaic(session, mosaic_of(made, cells_across=6))
        uses = {tile.uses for tile in session.scalars(select(Tile))}
        total = sum(tile.uses for tile in session.scalars(select(Tile)))
    assert total == (mosaic.columns or 0) * (mosaic.rows or 0)
    assert uses != {0}


# The pages and the API


def token(text: str) -> str:
    return text.split('name="csrf_token" value="')[1].split('"', maxsplit=1)[0]


def test_a_form_changes_many_and_one_bar_undoes_that(client: FlaskClient, tile_set: UUID) -> None:
    photos = f"/tile-sets/{tile_set}/photos"
    form = {"csrf_token": token(client.get(photos).text), "sort": "colour", "name": "jpg"}
    chosen = [content.hex() for content in ALL[:5]]
    answer = client.post(photos, data=form | {"change": "remove", "content": [*chosen, "0" * 64]})
    assert answer.status_code == 303
    assert answer.headers["Location"] == f"{photos}?sort=colour&name=jpg&missing=1"
    text = client.get(answer.headers["Location"]).text
    assert "<bdi>5 photos were removed</bdi>." in text
    assert "1 of the photos was no longer there" in text
    assert text.count('name="content"') == COUNT - 5
    client.post(f"{photos}/undo", data=form | {"version": "2"})
    assert client.get(photos).text.count('name="content"') == COUNT


def test_what_a_form_cannot_do_is_said_on_the_page_and_what_was_chosen_stays_so(
    client: FlaskClient, tile_set: UUID
) -> None:
    photos = f"/tile-sets/{tile_set}/photos"
    form = {"csrf_token": token(client.get(photos).text)}
    everything = form | {"change": "ban", "content": [content.hex() for content in ALL]}
    for given, status, sentence in (
        (form | {"change": "ban"}, 422, "Choose from 1 to 800 photos at once, not 0."),
        (
            form | {"change": "eat"},
            422,
            "Photos can be changed by ban, allow, remove, restore, not by &#39;eat&#39;.",
        ),
        (everything, 409, "These are the last photos of this set that are used"),
    ):
        answer = client.post(photos, data=given)
        assert (answer.status_code, sentence in answer.text) == (status, True), sentence
    assert answer.text.count(" checked>") == COUNT


def test_an_order_that_there_is_not_is_refused_with_a_sentence(client: FlaskClient, tile_set: UUID) -> None:
    for path, status in ((f"/tile-sets/{tile_set}/photos", 422), (f"/api/v1/tile-sets/{tile_set}/tiles", 422)):
        answer = client.get(f"{path}?sort=shoe-size")
        assert (answer.status_code, "darkest" in answer.text) == (status, True)


def test_a_script_gets_the_photos_alone(client: FlaskClient, tile_set: UUID) -> None:
    text = client.get(f"/tile-sets/{tile_set}/photos", headers={"HX-Request": "true"}).text
    assert ("<html" in text, text.count('name="content"')) == (False, COUNT)


def test_a_photo_is_shown_in_small_while_it_comes_in_and_in_the_trash(
    client: FlaskClient, services: Services, tile_set: UUID
) -> None:
    change(services, tile_set, PhotoChange.REMOVE, ALL[0])
    with services.sessions.begin() as session:
        session.execute(update(Tile).where(Tile.content == ALL[1].hex()).values(since=None))
        assert photo_listing.find(session, tile_set, ALL[0].hex()).name
        assert photo_listing.find(session, tile_set, ALL[1].hex()).name
    assert client.get(f"/tile-sets/{tile_set}/photos/{ALL[1].hex()}").status_code == 404


def test_a_set_that_is_first_indexed_shows_photos_as_they_come(client: FlaskClient, services: Services) -> None:
    identity = uuid4()
    with services.sessions.begin() as session:
        place_tile_set(session, identity, "new", [], services.ring_again)
    assert "The photos appear here as they come in." in client.get(f"/tile-sets/{identity}").text
    with services.sessions.begin() as session:
        session.add(Tile(tile_set_id=identity, content="0" * 64, name="first.jpg"))
    text = client.get(f"/tile-sets/{identity}").text
    assert ("first.jpg" in text, f"/photos/{'0' * 64}/preview" in text, "checkbox" in text) == (True, True, False)


def test_the_api_lists_changes_and_undoes(client: FlaskClient, tile_set: UUID) -> None:
    tiles = f"/api/v1/tile-sets/{tile_set}/tiles"
    contents = [content.hex() for content in ALL[:3]]
    done = client.post(f"{tiles}/ban", json={"contents": [*contents, "0" * 64]}).get_json()
    assert done == {"version": 2, "changed": contents, "missing": ["0" * 64]}
    found = client.get(f"{tiles}?show=banned&sort=newest&limit=2").get_json()
    assert [each["content"] for each in found["items"]] == contents[:0:-1]
    assert [each["content"] for each in client.get(found["next"]).get_json()["items"]] == contents[:1]
    assert client.post(f"{tiles}/undo", json={"version": 2}).get_json()["changed"] == contents
    assert client.get(f"{tiles}?show=banned").get_json() == {"items": [], "next": None}
    assert client.post(f"{tiles}/remove", json={"contents": contents}).status_code == 200
    removed = client.get(f"{tiles}?show=removed").get_json()["items"]
    assert {(each["removed"], each["picture"]) for each in removed} == {(True, None)}
    assert client.post(f"{tiles}/restore", json={"contents": contents}).get_json()["changed"] == contents
    for bad in ({}, {"contents": []}, {"contents": ["x"]}, {"contents": "x"}, {"contents": ["0" * 64] * 801}):
        assert client.post(f"{tiles}/ban", json=bad).status_code == 422
    assert client.post(f"{tiles}/undo", json={"version": 99}).status_code == 404
