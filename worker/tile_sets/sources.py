"""The photos that a tile set is to be made of: listed once, dealt out in parts, read one by one."""

import json
import threading
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass

from models.errors import UnreadableFile
from models.rules import zip_files
from models.rules.orders import SourceKind
from models.rules.zip_files import Archive
from models.storage import Store
from models.tables import Source
from worker.file_filter import Sieve
from worker.parallel import Result, core_count, spread
from worker.tile_sets import locations

REMOTE_THREADS = 16
"""Photos that are read and stored at once where each takes a journey; no more are decoded than there are cores."""


@dataclass(frozen=True)
class Photo:
    """Where the bytes of one photo are, in words that can be written down.

    Attributes:
        name: For people.
        kind: What it lies in.
        address: A key of the store, or the address of a file of a place.
        entry: Its place in a zip.
        stamp: Of a place: what changes when the file does.
        linked: Whether its file is to be read again whenever it lies in a mosaic.
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
        """Where its file lies for good; None where it was only uploaded."""
        return self.address if self.kind == SourceKind.PLACE else None


class Zips:
    """Zips of the store that stay open from one part to the next.

    Reading the directory of a hundred thousand files takes as long as indexing hundreds of them. From a distant store
    one thread reads for all, in the order in which they ask: side by side they would ask for the same blocks again.
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
        """Close the others: nobody may be reading."""
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
        sources: What came with the tile set.
        zips: Opens what is a zip.
        known: Stamp by address of files of places that are tiles, or that can be none.
        doubles: The same of those that are there again. Linked ones are looked at: the other may be gone.
        sieves: By the sources' ids, what of each is looked at; they count the rest.
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
    """Yield `function(photo)` for every photo, in order, by as many threads as suits where the photos are."""
    if store.is_local:
        return spread(function, photos, core_count())
    # One by one, so that the threads stay near each other in a zip, whose blocks are then asked for once.
    return spread(function, photos, REMOTE_THREADS, chunk_size=1)


def read(photo: Photo, store: Store, zips: Zips, max_bytes: int) -> bytes:
    """Return a photo's bytes.

    Raises:
        UnusablePicture: they cannot be had, or are too many.
    """
    if photo.trouble:
        raise UnreadableFile(photo.trouble)
    if photo.kind == SourceKind.ARCHIVE:
        return zips.read(photo, max_bytes)
    if photo.kind == SourceKind.PLACE:
        return locations.read(photo.address, max_bytes)
    size = store.size(photo.address)
    if size > max_bytes:
        raise UnreadableFile(f"The file has {size:,} bytes; the limit is {max_bytes:,}.")
    return store.get(photo.address)


def written(photos: Iterable[Photo]) -> bytes:
    """Return a list of photos as a blob."""
    return json.dumps([asdict(photo) for photo in photos]).encode()


def read_list(blob: bytes) -> list[Photo]:
    """Return the photos that a blob lists."""
    return [Photo(**fields) for fields in json.loads(blob)]
