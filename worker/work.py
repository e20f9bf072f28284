"""What the jobs do: read the row and the blobs, run a pipeline, hand back what to write."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from hashlib import file_digest
from pathlib import Path
from typing import IO
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from models import archives, finding, keys
from models.archives import Archive
from models.errors import NoUsableTiles, UnreadableFile
from models.orders import Format
from models.placing import readable
from models.storage import Store
from models.tables import Mosaic, SkippedPhoto, TileSet, Upload
from worker import context, index, litter, parallel, pictures
from worker.attempt import Attempt, Outcome
from worker.index import Progress, Skipped, Tile
from worker.render import Rendered, render

EXTENSION = {Format.PNG: "png", Format.JPEG: "jpg"}
RENDER_PHASES = {
    "reading": (0.0, 0.05),
    "matching": (0.05, 0.3),
    "fetching tiles": (0.3, 0.5),
    "composing": (0.5, 0.6),
    "encoding": (0.6, 0.95),
}
INDEX_PHASES = {"indexing": (0.0, 0.98)}


@dataclass(frozen=True)
class StoredPhoto:
    """An upload that is one photo."""

    name: str
    key: str
    store: Store
    max_bytes: int

    def read(self) -> bytes:
        """Return its bytes, or raise that they are too many."""
        size = self.store.size(self.key)
        if size > self.max_bytes:
            raise UnreadableFile(f"The file has {size:,} bytes; the limit is {self.max_bytes:,}.")
        return self.store.get(self.key)


@dataclass(frozen=True)
class ZippedPhoto:
    """One photo of an upload that is a zip."""

    name: str
    number: int
    archive: Archive
    max_bytes: int

    def read(self) -> bytes:
        """Return its bytes."""
        return self.archive.read(self.number, self.max_bytes)


def render_mosaic(attempt: Attempt) -> Outcome:
    """Render the mosaic of a job, and store the picture under this attempt's own keys."""
    services = attempt.services
    with services.reading() as session:
        mosaic = session.scalars(select(Mosaic).where(Mosaic.job_id == attempt.lease.job_id)).one()
        tile_set = finding.find_tile_set(session, mosaic.tile_set_id)
    order = finding.order_of(mosaic)
    tiles = index.load(services.store.path(tile_set.index_key or ""))
    with context.decoders(services.settings) as decoder, tempfile.TemporaryDirectory(prefix=litter.SCRATCH) as folder:
        picture = Path(folder, f"mosaic.{EXTENSION[order.format]}")
        rendered = render(
            _target(attempt, mosaic),
            order,
            tiles,
            lambda content: services.store.get(keys.photo(tile_set.id, content)),
            picture,
            threads=parallel.core_count(),
            progress=_shares(attempt, RENDER_PHASES),
            decoder=decoder,
        )
        attempt.report("storing", 0.95)
        values = _store_picture(attempt, mosaic, rendered, picture)
    return Outcome(lambda session: _set(session, Mosaic, mosaic.id, values))


def index_tile_set(attempt: Attempt) -> Outcome:
    """Index the photos of a job's tile set, and keep the usable ones by their content."""
    services = attempt.services
    with services.reading() as session:
        tile_set = session.scalars(select(TileSet).where(TileSet.job_id == attempt.lease.job_id)).one()
        uploads = session.scalars(
            select(Upload).where(Upload.tile_set_id == tile_set.id).order_by(Upload.number)
        ).all()
    with ExitStack() as stack:
        decoder = stack.enter_context(context.decoders(services.settings))
        sources = list(_sources(attempt, uploads, stack))
        found = list(
            index.describe(
                sources,
                len(sources),
                _shares(attempt, INDEX_PHASES),
                threads=parallel.core_count(),
                keep=lambda content, data: services.store.put(keys.photo(tile_set.id, content), data),
                decoder=decoder,
            )
        )
    skipped = [item for item in found if isinstance(item, Skipped)]
    try:
        tiles, doubles = index.assemble(item for item in found if isinstance(item, Tile))
    except NoUsableTiles as error:
        return Outcome(lambda session: _report(session, tile_set.id, skipped), error)
    attempt.report("storing", 0.98)
    key = keys.index(tile_set.id, attempt.lease.name, index.VERSION)
    with tempfile.TemporaryFile() as file:
        index.save(tiles, file)
        file.seek(0)
        services.store.put(key, file)

    def write(session: Session) -> None:
        _report(session, tile_set.id, skipped + doubles)
        _set(session, TileSet, tile_set.id, {"index_key": key, "tile_count": len(tiles)})
        session.execute(delete(Upload).where(Upload.tile_set_id == tile_set.id))

    return Outcome(write)


def _shares(attempt: Attempt, phases: Mapping[str, tuple[float, float]]) -> Progress:
    """Return a progress callback that places each phase within the whole job."""

    def progress(phase: str, done: int, total: int) -> None:
        start, end = phases[phase]
        attempt.report(phase, start + (end - start) * done / max(1, total))

    return progress


def _target(attempt: Attempt, mosaic: Mosaic) -> bytes:
    store, limit = attempt.services.store, attempt.services.settings.max_picture_bytes
    if mosaic.target_entry is None:
        return store.get(mosaic.target_key)
    with _archive(store, mosaic.target_key) as archive:
        return archive.read(mosaic.target_entry, limit)


@contextmanager
def _archive(store: Store, key: str) -> Iterator[Archive]:
    file: IO[bytes] = store.open(key)
    with archives.opened(file) as archive:
        yield archive


def _store_picture(attempt: Attempt, mosaic: Mosaic, rendered: Rendered, picture: Path) -> dict[str, object]:
    """Store the mosaic and its preview; return what the row is to say of them."""
    store, name = attempt.services.store, attempt.lease.name
    preview = picture.with_name("preview.jpg")
    pictures.write_preview(picture, preview)
    picture_key = keys.picture(mosaic.id, name, picture.suffix.removeprefix("."))
    preview_key = keys.preview(mosaic.id, name)
    store.put(picture_key, picture)
    store.put(preview_key, preview)
    with picture.open("rb") as file:
        sha256 = file_digest(file, "sha256").hexdigest()
    width, height = rendered.grid.mosaic_size
    return {
        "picture_key": picture_key,
        "preview_key": preview_key,
        "picture_sha256": sha256,
        "picture_bytes": picture.stat().st_size,
        "width": width,
        "height": height,
        "columns": rendered.grid.columns,
        "rows": rendered.grid.rows,
        "distinct_tiles": rendered.quality.distinct_tiles,
        "quality": asdict(rendered.quality),
    }


def _sources(attempt: Attempt, uploads: Sequence[Upload], stack: ExitStack) -> Iterator[StoredPhoto | ZippedPhoto]:
    """Yield every photo that was uploaded; the zips stay open as long as `stack`."""
    store, limit = attempt.services.store, attempt.services.settings.max_picture_bytes
    for upload in uploads:
        if not upload.is_archive:
            yield StoredPhoto(upload.name, upload.key, store, limit)
            continue
        archive = stack.enter_context(_archive(store, upload.key))
        for number, name in enumerate(archive.names):
            yield ZippedPhoto(name, number, archive, limit)


def _set(session: Session, table: type[Mosaic] | type[TileSet], identity: UUID, values: Mapping[str, object]) -> None:
    session.execute(update(table).where(table.id == identity).values(**values))


def _report(session: Session, tile_set_id: UUID, skipped: list[Skipped]) -> None:
    """Write the lines of a tile set's report, and their number."""
    session.add_all(
        SkippedPhoto(tile_set_id=tile_set_id, name=readable(line.name), code=line.code, sentence=line.sentence)
        for line in skipped
    )
    _set(session, TileSet, tile_set_id, {"skipped_count": len(skipped)})
