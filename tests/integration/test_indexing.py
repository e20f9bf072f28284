"""Indexing a tile set, from what came to a version of it, on each database; the worker is this process."""

import io
import os
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import select

from models import database, exclusions, photo_listing, queries, tile_set_versions
from models.placing import NewSource, place_photos, place_tile_set
from models.rules import blob_keys
from models.rules.tile_set_words import SourceKind
from models.services import Services
from models.tables import Job, Part, SkippedPhoto, Source, Tile, TileSet
from worker.file_filter import Sieve
from worker.indexing import job as indexing_job
from worker.jobs import attempt
from worker.tile_index import index
from worker.tile_index.index import Index
from worker.tile_sets import sources, stored_photos
from worker.tile_sets.sources import Zips

Encode = Callable[..., bytes]


class Library:
    """A tile set, and what is done with it."""

    def __init__(self, services: Services, **fields: bool) -> None:
        self.services, self.fields = services, fields
        self.id: UUID | None = None

    def send(self, photos: dict[str, bytes], *zips: bytes) -> Job:
        """Upload photos and index them; return the job as it ended."""
        identity = self.id or uuid4()
        sources = []
        for kind, name, data in [
            *((SourceKind.PHOTO, name, data) for name, data in photos.items()),
            *((SourceKind.ARCHIVE, "photos.zip", data) for data in zips),
        ]:
            key = blob_keys.upload(identity, uuid4().hex)
            self.services.store.put(key, data)
            sources.append(NewSource(kind, name, key))
        return self.take(identity, sources)

    def take(self, identity: UUID, sources: list[NewSource]) -> Job:
        ring_again = self.services.ring_again
        with self.services.sessions.begin() as session:
            if self.id is None:
                bell = place_tile_set(session, identity, "photos", sources, ring_again, **self.fields)
            else:
                bell = place_photos(session, identity, sources, ring_again)
        self.id = identity
        attempt.run(self.services, bell.job_id, indexing_job.index_tile_set)
        with self.services.reading() as session:
            return session.get_one(Job, bell.job_id)

    def row(self) -> TileSet:
        assert self.id is not None
        with self.services.reading() as session:
            return queries.find_tile_set(session, self.id)

    def tiles(self) -> Index:
        current = self.row().current
        assert current is not None
        return index.load(self.services.store.path(current.index_key))

    def contents(self) -> set[str]:
        return {content.tobytes().hex() for content in self.tiles().content}

    def used(self) -> set[str]:
        """Return the contents that mosaics are made of."""
        with self.services.reading() as session:
            found = self.contents() - exclusions.excluded(session, self.row().id)
        current = self.row().current
        assert current is not None
        assert current.tile_count == len(found)
        return found

    def report(self) -> list[tuple[str, str, str]]:
        with self.services.reading() as session:
            lines = session.scalars(select(SkippedPhoto).where(SkippedPhoto.tile_set_id == self.id))
            return sorted((line.name, line.code, line.sentence) for line in lines)

    def change(self, what: Callable[..., None], data: bytes) -> None:
        with self.services.sessions.begin() as session:
            what(session, self.id, digest(data), database.now(session))

    def stored(self, make: Callable[[UUID, str], str], data: bytes) -> bytes | None:
        assert self.id is not None
        key = make(self.id, digest(data))
        return self.services.store.get(key) if key in {blob.key for blob in self.services.store.list()} else None


def digest(data: bytes) -> str:
    return sha256(data).hexdigest()


@pytest.fixture
def library(services: Services) -> Library:
    return Library(services)


@pytest.fixture
def photo(noise: Callable[..., np.ndarray], encoded: Encode) -> Callable[[int], bytes]:
    """Make a photo like no other."""
    return lambda seed: encoded(noise(40, 60, seed))


@pytest.fixture
def bursts(encoded: Encode) -> Callable[[int, int], bytes]:
    """Make photos of a burst: the first is the largest, and each is a little brighter than the one before."""

    def make(scene: int, number: int) -> bytes:
        shapes = np.random.default_rng(scene).integers(30, 200, (12, 18, 3), dtype=np.uint8)
        smooth = Image.fromarray(shapes).resize((180, 120), Image.Resampling.BICUBIC)
        brighter = np.clip(np.asarray(smooth, int) + 2 * number, 0, 255).astype(np.uint8)
        side = 180 - 30 * number
        return encoded(Image.fromarray(brighter).resize((side, side * 2 // 3)), "JPEG", quality=92 - number)

    return make


def in_parts(services: Services, photos: int) -> Services:
    """Return services whose parts have so many photos."""
    return replace(services, settings=services.settings.model_copy(update={"part_photos": photos}))


def test_a_set_is_indexed_in_parts_and_its_rows_are_in_the_order_of_their_hashes(
    services: Services, photo: Callable[[int], bytes]
) -> None:
    library = Library(in_parts(services, 3))
    sent = {f"{number}.png": photo(number) for number in range(10)}
    assert library.send(sent).state == "succeeded"
    hashes = [content.tobytes().hex() for content in library.tiles().content]
    assert hashes == sorted(digest(data) for data in sent.values())
    assert [library.tiles().size[n].tolist() for n in range(10)] == [[60, 40]] * 10
    with library.services.reading() as session:
        assert session.scalars(select(Part)).all() == []
        assert session.scalars(select(Source)).all() == []


def test_what_is_kept_of_a_small_lossless_photo_is_its_pixels(
    library: Library, photo: Callable[[int], bytes]
) -> None:
    library.send({"a.png": photo(1)})
    kept = library.stored(blob_keys.tile, photo(1))
    assert kept is not None
    assert np.array_equal(Image.open(io.BytesIO(kept)), Image.open(io.BytesIO(photo(1))))
    assert library.stored(blob_keys.original, photo(1)) is None


def test_a_large_photo_is_kept_no_larger_than_the_setting(library: Library, encoded: Encode) -> None:
    large = encoded(Image.new("RGB", (2_000, 1_000), "teal"), "JPEG")
    library.send({"large.jpg": large})
    assert Image.open(io.BytesIO(library.stored(blob_keys.tile, large) or b"")).size == (1_024, 512)
    assert max(Image.open(io.BytesIO(library.stored(blob_keys.preview_of_tile, large) or b"")).size) <= 160


def test_originals_are_kept_byte_for_byte_where_that_was_asked_for(
    services: Services, photo: Callable[[int], bytes]
) -> None:
    library = Library(services, keep_originals=True)
    library.send({"a.png": photo(1)})
    assert library.stored(blob_keys.original, photo(1)) == photo(1)


def test_photos_that_are_added_make_a_version_with_those_before(
    library: Library, photo: Callable[[int], bytes]
) -> None:
    library.send({"a.png": photo(1)})
    library.send({"b.png": photo(2)})
    assert library.contents() == {digest(photo(1)), digest(photo(2))}
    current = library.row().current
    assert current is not None
    assert (current.number, current.tile_count, current.change) == (2, 2, "1 photo came in")


def test_a_photo_that_is_there_already_is_a_line_in_the_report_wherever_it_is(
    services: Services, photo: Callable[[int], bytes], zipped: Callable[..., bytes]
) -> None:
    library = Library(in_parts(services, 2))
    library.send({"a.png": photo(1), "b.png": photo(1), "c.png": photo(2), "d.png": photo(1)})
    assert library.report() == [
        ("b.png", "duplicate", "The same file as a.png."),
        ("d.png", "duplicate", "The same file as a.png."),
    ]
    library.send({}, zipped({"e.png": photo(2)}))
    assert library.report()[2:] == [("e.png", "duplicate", "The same file as c.png.")]
    assert (library.row().version, library.row().skipped_count) == (1, 3)


def test_a_photo_that_came_twice_since_the_line_was_cut_is_no_line_in_the_report(
    library: Library, photo: Callable[[int], bytes]
) -> None:
    library.send({"a.png": photo(1), "b.png": photo(2)})
    library.send({"a.png": photo(1), "c.png": photo(2)})
    assert library.report() == [("c.png", "duplicate", "The same file as b.png.")]
    assert (library.row().version, library.row().skipped_count) == (1, 1)


def test_a_set_without_one_usable_photo_fails_and_goes_on_with_the_next(
    library: Library, photo: Callable[[int], bytes]
) -> None:
    job = library.send({"notes.txt": b"no picture at all"})
    assert (job.state, job.error_code) == ("failed", "no_usable_tiles")
    assert library.send({"a.png": photo(1)}).state == "succeeded"
    assert library.contents() == {digest(photo(1))}
    assert [line[:2] for line in library.report()] == [("notes.txt", "not_a_picture")]


def test_a_damaged_zip_fails_the_job_and_leaves_the_version_in_use(
    library: Library, photo: Callable[[int], bytes]
) -> None:
    library.send({"a.png": photo(1)})
    job = library.send({}, b"PK no zip")
    assert (job.state, job.error_code) == ("failed", "bad_archive")
    assert library.contents() == {digest(photo(1))}


def test_near_duplicates_stay_unless_somebody_wants_them_out(
    library: Library, bursts: Callable[[int, int], bytes]
) -> None:
    library.send({f"{number}.jpg": bursts(1, number) for number in range(3)})
    assert len(library.tiles()) == 3


def test_of_a_burst_the_largest_photo_is_left_and_the_others_are_in_the_report(
    services: Services, bursts: Callable[[int, int], bytes]
) -> None:
    library = Library(services, dedupe=True)
    library.send({f"{scene}-{number}.jpg": bursts(scene, number) for scene in (1, 2) for number in range(3)})
    assert library.used() == {digest(bursts(1, 0)), digest(bursts(2, 0))}
    assert library.report() == [
        (f"{scene}-{number}.jpg", "near_duplicate", f"Nearly the same as {scene}-0.jpg.")
        for scene in (1, 2)
        for number in (1, 2)
    ]
    assert library.row().skipped_count == 4


def test_a_large_jpeg_stands_for_its_thumbnails_whatever_their_format(
    services: Services, encoded: Callable[..., bytes], photographs: Path
) -> None:
    with Image.open(photographs / "chelsea.png") as photograph:
        # Both large ones come out smaller where they are decoded at a reduced scale.
        files = {
            "large.jpg": encoded(photograph.resize((2_400, 1_800)), "JPEG"),
            "less.webp": encoded(photograph.resize((1_600, 1_200)), "WEBP"),
            "least.png": encoded(photograph.resize((320, 240))),
        }
    library = Library(services, dedupe=True)
    library.send(dict(reversed(files.items())))
    assert library.used() == {digest(files["large.jpg"])}
    assert {name: sentence for name, _, sentence in library.report()} == {
        "less.webp": "Nearly the same as large.jpg.", "least.png": "Nearly the same as large.jpg.",
    }  # fmt: skip


def test_a_larger_photo_of_a_burst_that_comes_later_takes_the_place_of_the_smaller(
    services: Services, bursts: Callable[[int, int], bytes], photo: Callable[[int], bytes]
) -> None:
    library = Library(services, dedupe=True)
    library.send({"small.jpg": bursts(1, 2), "other.png": photo(1)})
    library.send({"large.jpg": bursts(1, 0)})
    assert library.used() == {digest(bursts(1, 0)), digest(photo(1))}
    assert library.report() == [("small.jpg", "near_duplicate", "Nearly the same as large.jpg.")]


@pytest.mark.parametrize("change", [tile_set_versions.ban, tile_set_versions.remove])
def test_when_the_largest_photo_of_a_burst_goes_the_next_takes_its_place(
    services: Services,
    bursts: Callable[[int, int], bytes],
    photo: Callable[[int], bytes],
    change: Callable[..., None],
) -> None:
    library = Library(services, dedupe=True)
    library.send({f"{number}.jpg": bursts(1, number) for number in range(3)})
    library.change(change, bursts(1, 0))
    # At once both that it stood for; the next index finds that they are nearly the same.
    assert library.used() == {digest(bursts(1, 1)), digest(bursts(1, 2))}
    assert library.report() == []
    library.send({"other.png": photo(1)})
    assert library.used() == {digest(bursts(1, 1)), digest(photo(1))}
    assert library.report() == [("2.jpg", "near_duplicate", "Nearly the same as 1.jpg.")]


def test_a_banned_photo_stands_for_no_other(
    services: Services, bursts: Callable[[int, int], bytes], photo: Callable[[int], bytes]
) -> None:
    library = Library(services, dedupe=True)
    library.send({"large.jpg": bursts(1, 0), "other.png": photo(1)})
    library.change(tile_set_versions.ban, bursts(1, 0))
    library.send({"small.jpg": bursts(1, 2)})
    assert library.contents() == {digest(bursts(1, 0)), digest(bursts(1, 2)), digest(photo(1))}
    assert library.used() == {digest(bursts(1, 2)), digest(photo(1))}


def test_a_removed_photo_stays_in_the_next_index_and_is_used_only_when_it_is_sent_again(
    library: Library, photo: Callable[[int], bytes]
) -> None:
    library.send({"a.png": photo(1), "b.png": photo(2)})
    library.change(tile_set_versions.remove, photo(1))
    library.send({"c.png": photo(3)})
    assert library.used() == {digest(photo(2)), digest(photo(3))}
    # It can still be taken back.
    assert library.contents() == {digest(photo(number)) for number in (1, 2, 3)}
    library.send({"a.png": photo(1)})
    assert library.used() == {digest(photo(number)) for number in (1, 2, 3)}


def test_a_folder_is_read_where_it_lies_and_linked_photos_are_not_copied(
    library: Library, photo: Callable[[int], bytes], tmp_path: Path
) -> None:
    folder = tmp_path / "holiday"
    folder.mkdir()
    (folder / "a.png").write_bytes(photo(1))
    library.take(uuid4(), [NewSource(SourceKind.PLACE, "holiday", folder.as_uri(), linked=True)])
    assert library.contents() == {digest(photo(1))}
    assert library.stored(blob_keys.tile, photo(1)) is None
    assert library.stored(blob_keys.preview_of_tile, photo(1)) is not None
    with library.services.reading() as session:
        assert tile_set_versions.links(session, library.row().id) == {digest(photo(1)): (folder / "a.png").as_uri()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "holiday"
    made.mkdir()
    return made


def place(folder: Path, *, linked: bool = False) -> list[NewSource]:
    return [NewSource(SourceKind.PLACE, "holiday", folder.as_uri(), linked=linked)]


def lies(library: Library, data: bytes) -> tuple[str, bool] | None:
    """Return the name of the file where a photo lies, and whether it is linked to; None if it is no tile."""
    with library.services.reading() as session:
        found = select(Tile.origin, Tile.linked).where(Tile.tile_set_id == library.id, Tile.content == digest(data))
        row = session.execute(found).one_or_none()
    return None if row is None else ((row[0] or "").rpartition("/")[2], row[1])


def line_ids(library: Library) -> list[int]:
    with library.services.reading() as session:
        return sorted(session.scalars(select(SkippedPhoto.id).where(SkippedPhoto.tile_set_id == library.id)))


def test_files_of_a_place_that_are_no_tiles_are_read_and_reported_once(
    library: Library, photo: Callable[[int], bytes], folder: Path
) -> None:
    for name, data in {"a.png": photo(1), "b.png": photo(1), "empty.jpg": b"", "notes.txt": b"milk"}.items():
        (folder / name).write_bytes(data)
    library.take(uuid4(), place(folder))
    report, lines = library.report(), line_ids(library)
    assert [(name, code) for name, code, _ in report] == [
        ("b.png", "duplicate"), ("empty.jpg", "empty_file"), ("notes.txt", "not_a_picture"),
    ]  # fmt: skip
    assert library.id is not None
    library.take(library.id, place(folder))
    assert (library.report(), line_ids(library), library.row().skipped_count) == (report, lines, 3)


def test_what_was_removed_stays_so_though_it_lies_in_the_place_and_comes_back_as_a_file(
    library: Library, photo: Callable[[int], bytes], folder: Path
) -> None:
    for number in (1, 2):
        (folder / f"{number}.png").write_bytes(photo(number))
    library.take(uuid4(), place(folder))
    library.change(tile_set_versions.remove, photo(1))
    (folder / "1.png").rename(folder / "moved.png")
    (folder / "3.png").write_bytes(photo(3))
    assert library.id is not None
    library.take(library.id, place(folder))
    assert library.used() == {digest(photo(2)), digest(photo(3))}
    assert [(name, code) for name, code, _ in library.report()] == [("moved.png", "removed")]
    library.send({"1.png": photo(1)})
    assert library.used() == {digest(photo(number)) for number in (1, 2, 3)}


def test_a_linked_file_that_is_what_it_was_before_it_was_replaced_is_used_again(
    library: Library, photo: Callable[[int], bytes], folder: Path
) -> None:
    (folder / "a.png").write_bytes(photo(1))
    (folder / "b.png").write_bytes(photo(2))
    library.take(uuid4(), place(folder, linked=True))
    assert library.id is not None
    for now, used in ((photo(3), {2, 3}), (photo(1), {1, 2})):
        (folder / "a.png").write_bytes(now)
        library.take(library.id, place(folder, linked=True))
        assert library.used() == {digest(photo(number)) for number in used}


def test_a_file_that_became_a_photo_is_in_the_report_no_more(
    library: Library, photo: Callable[[int], bytes], folder: Path
) -> None:
    (folder / "a.png").write_bytes(photo(1))
    (folder / "b.png").write_bytes(b"half of it")
    library.take(uuid4(), place(folder))
    (folder / "b.png").write_bytes(photo(2))
    assert library.id is not None
    library.take(library.id, place(folder))
    assert (library.report(), library.row().skipped_count) == ([], 0)
    assert library.used() == {digest(photo(1)), digest(photo(2))}


def test_a_file_that_cannot_be_read_is_tried_again_and_has_one_line(
    library: Library, photo: Callable[[int], bytes], folder: Path
) -> None:
    (folder / "a.png").write_bytes(photo(1))
    (folder / "circle.png").symlink_to(folder / "circle.png")
    library.take(uuid4(), place(folder))
    assert library.id is not None
    library.take(library.id, place(folder))
    assert ([line[:2] for line in library.report()], library.row().skipped_count) == (
        [("circle.png", "unreadable_file")], 1,
    )  # fmt: skip


@pytest.mark.parametrize("linked", [False, True])
def test_a_photo_lies_where_it_lay_until_its_file_is_gone(
    library: Library, photo: Callable[[int], bytes], folder: Path, linked: bool
) -> None:
    for name in ("a.png", "z-copy.png"):
        (folder / name).write_bytes(photo(1))
    (folder / "b.png").write_bytes(photo(2))
    library.take(uuid4(), place(folder, linked=linked))
    assert library.id is not None
    for _ in range(2):
        library.take(library.id, place(folder, linked=linked))
        assert lies(library, photo(1)) == ("a.png", linked)
        assert [(name, code) for name, code, _ in library.report()] == [("z-copy.png", "duplicate")]
    (folder / "a.png").unlink()
    os.utime(folder / "z-copy.png", ns=(1, 1))
    library.take(library.id, place(folder, linked=linked))
    assert (lies(library, photo(1)), library.report()) == (("z-copy.png", linked), [])


def test_linked_files_that_moved_up_by_one_are_known_by_what_they_are_now(
    library: Library, photo: Callable[[int], bytes], folder: Path
) -> None:
    for number in (1, 2, 3):
        (folder / f"IMG_{number}.png").write_bytes(photo(number))
    library.take(uuid4(), place(folder, linked=True))
    (folder / "IMG_2.png").replace(folder / "IMG_1.png")
    (folder / "IMG_3.png").replace(folder / "IMG_2.png")
    assert library.id is not None
    library.take(library.id, place(folder, linked=True))
    assert library.used() == {digest(photo(2)), digest(photo(3))}
    assert [lies(library, photo(number)) for number in (1, 2, 3)] == [None, ("IMG_1.png", True), ("IMG_2.png", True)]
    assert library.row().version == 2


def test_a_linked_file_that_was_edited_a_little_is_used_as_it_is_now(
    services: Services, bursts: Callable[[int, int], bytes], photo: Callable[[int], bytes], folder: Path
) -> None:
    library = Library(services, dedupe=True)
    (folder / "a.jpg").write_bytes(bursts(1, 0))
    (folder / "b.png").write_bytes(photo(1))
    library.take(uuid4(), place(folder, linked=True))
    (folder / "a.jpg").write_bytes(bursts(1, 1))
    assert library.id is not None
    library.take(library.id, place(folder, linked=True))
    assert library.used() == {digest(bursts(1, 1)), digest(photo(1))}


def test_a_linked_photo_that_was_removed_and_then_sent_is_read_from_the_store(
    library: Library, photo: Callable[[int], bytes], folder: Path
) -> None:
    for number in (1, 2):
        (folder / f"{number}.png").write_bytes(photo(number))
    library.take(uuid4(), place(folder, linked=True))
    library.change(tile_set_versions.remove, photo(1))
    (folder / "1.png").unlink()
    library.send({"1.png": photo(1)})
    assert library.id is not None
    read = stored_photos.reader(library.services, library.id)
    assert read(sha256(photo(1)).digest()) == library.stored(blob_keys.tile, photo(1)) is not None


def test_a_photo_that_is_removed_while_it_is_sent_again_fails_nothing(
    services: Services, photo: Callable[[int], bytes]
) -> None:
    library = Library(in_parts(services, 1))
    library.send({"a.png": photo(1), "b.png": photo(2)})
    assert library.id is not None
    sent = []
    for name, data in {"c.png": photo(3), "a.png": photo(1)}.items():
        key = blob_keys.upload(library.id, name)
        services.store.put(key, data)
        sent.append(NewSource(SourceKind.PHOTO, name, key))
    with services.sessions.begin() as session:
        bell = place_photos(session, library.id, sent, services.ring_again)

    def interrupted(running: attempt.Attempt) -> attempt.Outcome:
        tile_set = library.row()
        indexing_job._plan(running, tile_set)
        indexing_job._do_part(running.services, tile_set, lambda _: None)
        library.change(tile_set_versions.remove, photo(1))
        return indexing_job.index_tile_set(running)

    attempt.run(library.services, bell.job_id, interrupted)
    with services.reading() as session:
        assert session.get_one(Job, bell.job_id).state == "succeeded"
    assert library.used() == {digest(photo(2)), digest(photo(3))}


def test_zips_are_listed_one_after_the_other(library: Library, photo: Callable[[int], bytes], zipped: Any) -> None:
    zips = [zipped({f"{number}.png": photo(number)}) for number in range(5)]
    library.send({}, *zips)
    assert len(library.contents()) == 5
    open_zips = Zips(library.services.store)
    found = []
    for number, data in enumerate(zips):
        library.services.store.put(f"zip-{number}", data)
        found.append(Source(kind=SourceKind.ARCHIVE, name="zip", address=f"zip-{number}", number=number))
    sieves: dict[int, Sieve] = defaultdict(Sieve)
    assert [len(open_zips._open) for _ in sources.listed(found, open_zips, {}, {}, sieves)] == [1, 2, 2, 2, 2]
    open_zips.keep_only(())


def test_a_linked_file_that_became_another_photo_takes_its_place(
    library: Library, photo: Callable[[int], bytes], tmp_path: Path
) -> None:
    folder = tmp_path / "holiday"
    folder.mkdir()
    for number in (1, 2):
        (folder / f"{number}.png").write_bytes(photo(number))
    source = [NewSource(SourceKind.PLACE, "holiday", folder.as_uri(), linked=True)]
    library.take(uuid4(), source)
    (folder / "1.png").write_bytes(photo(3))
    assert library.id is not None
    library.take(library.id, source)
    current = library.row().current
    assert current is not None
    assert (current.number, current.tile_count) == (2, 2)
    with library.services.reading() as session:
        held = {shown.tile.content for shown in photo_listing.page(session, library.row().id).rows}
        assert held == {digest(photo(2)), digest(photo(3))}
        assert exclusions.excluded(session, library.row().id) == {digest(photo(1))}


def test_a_folder_of_bursts_that_is_imported_again_is_not_read_again(
    services: Services, bursts: Callable[[int, int], bytes], photo: Callable[[int], bytes], tmp_path: Path
) -> None:
    library = Library(services, dedupe=True)
    folder = tmp_path / "holiday"
    folder.mkdir()
    for number in range(3):
        (folder / f"{number}.jpg").write_bytes(bursts(1, number))
    source = [NewSource(SourceKind.PLACE, "holiday", folder.as_uri())]
    library.take(uuid4(), source)
    report = library.report()
    assert [line[1] for line in report] == ["near_duplicate", "near_duplicate"]
    assert library.id is not None
    library.take(library.id, source)
    os.utime(folder / "1.jpg", ns=(1, 1))
    library.take(library.id, source)
    assert (library.row().version, library.report()) == (1, report)
    with services.reading() as session:
        assert [shown.tile.name for shown in photo_listing.page(session, library.id).rows] == ["0.jpg"]
    (folder / "other.png").write_bytes(photo(1))
    library.take(library.id, source)
    assert library.used() == {digest(bursts(1, 0)), digest(photo(1))}
    assert library.report() == report


def test_the_colours_of_a_set_are_drawn(library: Library, encoded: Encode) -> None:
    library.send({"teal.png": encoded(Image.new("RGB", (8, 8), (0, 128, 128)))})
    current = library.row().current
    assert current is not None
    strip = np.asarray(Image.open(library.services.store.path(current.palette_key or "")))
    assert (strip == (0, 128, 128)).all()
    plot = np.asarray(Image.open(library.services.store.path(current.plot_key or "")))
    assert (plot == (0, 128, 128)).all(axis=2).sum() == 2 * 3 * 3


def test_what_a_place_and_a_zip_hold_that_is_no_photo_is_counted(
    services: Services, tmp_path: Path, photo: Callable[[int], bytes], zipped: Callable[[dict[str, bytes]], bytes]
) -> None:
    place = tmp_path / "place"
    (place / "@eaDir").mkdir(parents=True)
    (place / "a.png").write_bytes(photo(1))
    (place / "b.png").write_bytes(photo(2))
    (place / "notes.xmp").write_bytes(b"<x/>")
    (place / "linked").symlink_to(tmp_path)
    library = Library(services)
    address = place.as_uri()
    library.take(uuid4(), [NewSource(SourceKind.PLACE, "place", address, exclude="b.*\n*.gif")])
    assert library.used() == {digest(photo(1))}
    assert (library.row().passed_over, library.row().passed_links) == (3, 1)
    library.send({}, zipped({"c.png": photo(3), "__MACOSX/._c.png": b"x", "c.json": b"{}"}))
    assert (library.row().passed_over, library.row().passed_links) == (2, 0)
    assert library.report() == []
