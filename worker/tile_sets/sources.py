"""The photos of a tile set's sources: they are listed once, divided into parts, and read one by one."""

import json
import threading
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass

from models.errors import UnreadableFile
from models.rules import skip_reasons, zip_files
from models.rules.tile_set_words import SourceKind
from models.rules.zip_files import Archive
from models.storage import Store
from models.tables import Source
from worker.file_filter import Sieve
from worker.parallel import Result, core_count, spread
from worker.tile_sets import locations

REMOTE_THREADS = 16
"""Photos that are read and stored at once over a network; no more are decoded at once than there are cores."""


@dataclass(frozen=True)
class Photo:
    """Where the bytes of one photo are, in a form that can be written as JSON.

    Attributes:
        name: Its name for people.
        kind: The kind of its source.
        address: A key of the store, or the address of a file of a place.
        entry: Its number in a zip.
        stamp: For a file of a place: size and time, which change when the file does.
        linked: Whether the photo is not stored, so that its file is read for every mosaic.
        trouble: Why it cannot be read, if that is known already.
    """

    name: str
    kind: str
    address: str
    entry: int = 0
    stamp: str | None = None
    linked: bool = False
    trouble: str = ""

    @property
    def origin(self) -> str | None:
        """The address of its file in a place; None if it was uploaded."""
        return self.address if self.kind == SourceKind.PLACE else None


class Zips:
    """Zips of the store that stay open from one part to the next.

    Reading a directory of a hundred thousand files takes as long as indexing hundreds of them. From a remote store,
    one thread reads for all in the order of their requests: several threads would fetch the same blocks more than
    once.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._open: dict[str, tuple[Archive, ExitStack]] = {}
        self._lock = threading.Lock()
        self._reader = None if store.is_local else ThreadPoolExecutor(1, "zips")

    def archive(self, key: str) -> Archive:
        """Return the zip under a key.

        Raises:
            BadArchive: it is no zip.
        """
        with self._lock:
            if key not in self._open:
                with ExitStack() as closing:
                    file = closing.enter_context(self._store.open(key))
                    archive = zip_files.kept_open(file)
                    closing.callback(archive.close)
                    self._open[key] = archive, closing.pop_all()
            return self._open[key][0]

    def read(self, photo: Photo, max_bytes: int) -> bytes:
        """Return the bytes of a photo that lies in a zip.

        Raises:
            BadArchive: it is no zip, or has no such file.
            UnusablePicture: the file does not inflate, or to more than `max_bytes`.
        """
        archive = self.archive(photo.address)
        if self._reader is None:
            return archive.read(photo.entry, max_bytes)
        return self._reader.submit(archive.read, photo.entry, max_bytes).result()

    def keep_only(self, keys: Container[str]) -> None:
        """Close all zips except those under some keys. The caller makes sure that nobody is reading."""
        for key in [key for key in self._open if key not in keys]:
            self._open.pop(key)[1].close()


def listed(
    sources: Iterable[Source],
    zips: Zips,
    known: Mapping[str, str],
    doubles: Mapping[str, str],
    sieves: Mapping[int, Sieve],
) -> Iterator[Photo]:
    """Yield every photo of sources; of places only those that are new or changed.

    Args:
        sources: Sources of the tile set.
        zips: Opens those that are zips.
        known: Stamps by address of files of places that are tiles or unusable.
        doubles: Stamps by address of duplicates. In linked sources they are read again: the other file may be gone.
        sieves: By the sources' ids, which files of each are looked at; they count the others.
    """
    for source in sources:
        if source.kind is SourceKind.PHOTO:
            yield Photo(source.name, source.kind.value, source.address)
        elif source.kind is SourceKind.ARCHIVE:
            archive = zips.archive(source.address)
            sieves[source.id].files = archive.passed_over
            for number, name in enumerate(archive.names):
                yield Photo(name, source.kind.value, source.address, number)
            zips.keep_only({source.address})
        else:
            for found in locations.files(source.address, sieves[source.id]):
                stamp = known.get(found.address) or (None if source.linked else doubles.get(found.address))
                if stamp != found.stamp or not found.stamp:
                    kind, address = source.kind.value, found.address
                    yield Photo(found.name, kind, address, 0, found.stamp, source.linked, found.trouble)


def each(function: Callable[[Photo], Result], photos: Iterable[Photo], store: Store) -> Iterator[Result]:
    """Yield `function(photo)` for every photo, in order, with more threads if the store is remote."""
    if store.is_local:
        return spread(function, photos, core_count())
    # One by one, so that the threads read neighbouring files of a zip, and each block is fetched once.
    return spread(function, photos, REMOTE_THREADS, chunk_size=1)


def read(photo: Photo, store: Store, zips: Zips, max_bytes: int) -> bytes:
    """Return a photo's bytes.

    Raises:
        UnusablePicture: they cannot be read, or are too many.
    """
    if photo.trouble:
        raise UnreadableFile(photo.trouble)
    if photo.kind == SourceKind.ARCHIVE:
        return zips.read(photo, max_bytes)
    if photo.kind == SourceKind.PLACE:
        return locations.read(photo.address, max_bytes)
    size = store.size(photo.address)
    if size > max_bytes:
        raise UnreadableFile(skip_reasons.too_large(size, max_bytes))
    return store.get(photo.address)


def written(photos: Iterable[Photo]) -> bytes:
    """Return a list of photos as the bytes of a blob."""
    return json.dumps([asdict(photo) for photo in photos]).encode()


def read_list(blob: bytes) -> list[Photo]:
    """Return the photos that a blob lists."""
    return [Photo(**fields) for fields in json.loads(blob)]
