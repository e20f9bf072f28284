"""Imports a place into a tile set: the import is ordered here and done by the workers, and awaited if wanted."""

import os
import sys
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import click
from sqlalchemy.orm import Session, sessionmaker

from cli.progress_bar import Bar
from cli.service import tile_lines
from models import job_listing, parts, queries
from models.errors import BadConfiguration, InvalidOrder, NotFound, TesseraError
from models.placing import NewSource, place_photos, place_tile_set
from models.rules.lifecycle import JobState
from models.rules.store_address import BUCKET, Address
from models.rules.tile_set_words import SourceKind
from models.tables import Job, TileSet
from worker.file_filter import Sieve
from worker.tile_sets import locations

Sessions = sessionmaker[Session]
POLL_SECONDS = 0.3
AT_ONCE = timedelta(0)
"""The next sweep rings for the job, so this command needs no Redis."""


@dataclass(frozen=True)
class ImportOptions:
    """The options of an import; `dedupe` and `keep_originals` are for new sets only."""

    linked: bool
    dedupe: bool
    keep_originals: bool
    sieve: Sieve


@dataclass(frozen=True)
class Begun:
    """An import that was ordered, and the id of the last line that the set's report had before."""

    tile_set_id: UUID
    job_id: int
    last_line: int

    @property
    def sentence(self) -> str:
        """The sentence that says what is going on."""
        return f"Job {self.job_id} imports the photos into tile set {self.tile_set_id}."


class ImportFailed(TesseraError):
    """The job failed or was cancelled."""

    code = "import_failed"


def address_of(place: str, store: str, sieve: Sieve) -> str:
    """Return the address of a place, after checking that there is something to import.

    Raises:
        BadConfiguration: there is no such place, it overlaps with the store, or S3 is not set up.
        StorageUnreadable: the bucket cannot be listed.
        InvalidOrder: the place is empty.
    """
    address = _in_bucket(place) if place.startswith(BUCKET) else _on_disk(Path(place))
    if _overlap(address, store):
        raise BadConfiguration(f"{place} and this installation's store lie within each other; choose another place.")
    if next(iter(locations.files(address, sieve)), None) is None:
        passed_over = " but such as are passed over" if sieve.files or sieve.folders else ""
        linked = "; linked folders come with --follow-links" if sieve.links else ""
        raise InvalidOrder("path", f"{place} holds no files{passed_over}{linked}.")
    return address


def _on_disk(path: Path) -> str:
    if not os.path.lexists(path):
        raise BadConfiguration(f"There is no folder {path.absolute()}.")
    if not os.path.isdir(path):  # noqa: PTH112 - where it may not look, pathlib raises
        raise BadConfiguration(f"{path.absolute()} is not a folder.")
    return locations.address_of(path.resolve())


def _in_bucket(place: str) -> str:
    try:
        parsed = Address.parsed(place)
    except BadConfiguration as error:
        raise BadConfiguration("A part of a bucket is written s3://bucket/prefix.") from error
    return _bucket_address(parsed)


def begin(sessions: Sessions, name: str, address: str, options: ImportOptions) -> Begun:
    """Order an import, into the set with this name or id, or into a new one.

    Raises:
        InvalidOrder: several sets have this name, it is empty, or an option is for new sets only.
        NotReady: the set is being indexed.
    """
    sieve = options.sieve
    source = [
        NewSource(
            SourceKind.PLACE,
            address,
            address,
            linked=options.linked,
            exclude="\n".join(sieve.exclude),
            follow_links=sieve.follow_links,
        )
    ]
    with sessions.begin() as session:
        held = _held(session, name)
        if held is None:
            return _begin_new(session, name, source, options)
        if (options.dedupe and not held.dedupe) or (options.keep_originals and not held.keep_originals):
            raise InvalidOrder("name", f"“{held.name}” is there; --dedupe and --keep-originals are for new sets.")
        last_line = queries.last_line(session, held.id)
        return Begun(held.id, place_photos(session, held.id, source, AT_ONCE).job_id, last_line)


def _begin_new(session: Session, name: str, source: list[NewSource], options: ImportOptions) -> Begun:
    if not name.strip():
        raise InvalidOrder("name", "A tile set needs a name.")
    identity = uuid4()
    asked = {"dedupe": options.dedupe, "keep_originals": options.keep_originals}
    return Begun(identity, place_tile_set(session, identity, name, source, AT_ONCE, **asked).job_id, 0)


def see_through(sessions: Sessions, begun: Begun) -> None:
    """Wait for the end of an import, and print the result.

    Raises:
        ImportFailed: it failed, or was cancelled.
    """
    try:
        click.echo(begun.sentence)
        with Bar() as bar:
            job = _awaited(sessions, begun, bar)
    except KeyboardInterrupt:
        click.echo(
            f"The import goes on. Look: tessera tiles show {begun.tile_set_id}; "
            f"stop it: tessera jobs cancel {begun.job_id}",
            err=True,
        )
        sys.exit(130)
    with sessions() as session:
        tile_set = queries.find_tile_set(session, begun.tile_set_id)
        skipped = queries.skipped_photos(session, begun.tile_set_id, None, begun.last_line)
    for line in tile_lines.passed_over(tile_set):
        click.echo(line, err=True)
    if skipped:
        click.echo("\n".join(tile_lines.report(skipped, len(skipped))), err=True)
    if job.state is JobState.CANCELLED:
        raise ImportFailed(f"Job {begun.job_id} was cancelled; go on with: tessera jobs retry {begun.job_id}")
    if job.state is JobState.FAILED:
        raise ImportFailed(f"Job {begun.job_id} failed: {job.error_sentence}")
    click.echo(tile_lines.line(tile_set))


def _awaited(sessions: Sessions, begun: Begun, bar: Bar) -> Job:
    while True:
        with sessions() as session:
            job = job_listing.find_job(session, begun.job_id)
            far = parts.so_far(session, queries.find_tile_set(session, begun.tile_set_id))
        if job.state.final:
            return job
        if far is None:
            bar("waiting" if job.state is JobState.QUEUED else "listing", 0, 0)
        else:
            bar("indexing", far.done, far.total)
        time.sleep(POLL_SECONDS)


def _held(session: Session, name: str) -> TileSet | None:
    try:
        return queries.find_named(session, name)
    except NotFound:
        return None


def _overlap(address: str, store: str) -> bool:
    """Whether a place is the store, is inside it, or contains it."""
    held = Address.parsed(store)
    theirs = str(held.folder.resolve()) if held.bucket is None else _bucket_address(held)
    mine = address if held.bucket else str(locations.folder_at(address))
    ends = [f"{end.rstrip('/')}/" for end in (mine, theirs)]
    return ends[0].startswith(ends[1]) or ends[1].startswith(ends[0])


def _bucket_address(address: Address) -> str:
    return f"{BUCKET}{address.bucket}/{address.prefix}".rstrip("/")
