"""`tessera tiles`: works on an installation's tile sets through its database; its workers do the indexing."""

from pathlib import Path

import click

from cli.local import filter_options
from cli.place import Place
from cli.service import importing, tile_lines
from cli.service.installation import opened, print_json, reading, store_address, which
from models import database, listing, parts, queries, tile_set_versions, undo
from models.listing import Wanted
from models.queries import REPORT_LENGTH
from worker.file_filter import Sieve

EXAMPLES = """
\b
Examples:
  tessera tiles import Holidays ~/Pictures/2026          a folder that the workers can read
  tessera tiles import Holidays ~/Pictures/2026          again: what is new in it
  tessera tiles import Archive /srv/photos --link        without copying a photo
  tessera tiles import Archive s3://photos/2026          a part of a bucket
  tessera tiles import Trips ~/Pictures --exclude "*.png"   without some of them
  tessera tiles list                                     every set
  tessera tiles show Holidays                            its versions, and what was skipped
  tessera tiles delete Holidays                          into the trash, after a question
  tessera tiles trash                                    what can be taken back
  tessera tiles restore Holidays                         out of the trash
  tessera tiles purge Holidays                           for good, after a question
"""


photo = click.option("--photo", metavar="SHA256", help="A photo of the set, by the hash that `trash` shows.")


@click.group(epilog=EXAMPLES)
@which
@click.pass_context
def tiles(ctx: click.Context, data: Path | None) -> None:
    """Import photos, and look after tile sets.

    A set is named by its name, or by its id where several have the same name. With TESSERA_DATABASE_URL set, those of
    the server in the environment; else those of a `tessera up`.
    """
    ctx.obj = data


@tiles.command("import", epilog=EXAMPLES)
@click.argument("name")
@click.argument("place", metavar="PATH", type=Place())
@click.option("--copy/--link", "copy", default=True, help="Keep each photo in its normal form, or link to its file.")
@click.option("--dedupe", is_flag=True, help="Of photos that are nearly the same, use only the largest.")
@click.option("--keep-originals", is_flag=True, help="Keep the files as they are in the store, too.")
@filter_options.options
@click.option("--wait/--no-wait", default=True, help="Wait until it is done.  [default: wait]")
@click.pass_obj
def import_photos(
    data: Path | None, /, name: str, place: str, sieve: Sieve, *, copy: bool, wait: bool, **more: bool
) -> None:
    """Make a tile set of the photos at PATH, or add them to the one called NAME.

    PATH is a folder, with its sub-folders, or s3://bucket/prefix. The workers read it themselves, so it must be there
    for each of them. Of a place that was imported before, only what is new or changed is read; what is gone from it
    stays in the set.
    """
    address = importing.address_of(place, store_address(data), sieve)
    options = importing.ImportOptions(linked=not copy, sieve=sieve, **more)
    with opened(data) as sessions:
        begun = importing.begin(sessions, name, address, options)
        if wait:
            importing.see_through(sessions, begun)
        else:
            click.echo(begun.sentence)


@tiles.command("list", epilog=EXAMPLES)
@click.option("--json", "as_json", is_flag=True, help="JSON instead of a table.")
@click.pass_obj
def list_tile_sets(data: Path | None, *, as_json: bool) -> None:
    """List the tile sets, the newest first."""
    with reading(data) as session:
        found = listing.tile_sets(session, Wanted(limit=database.LAST_ID)).rows
        if as_json:
            print_json([tile_lines.as_json(tile_set) for tile_set in found])
        else:
            click.echo(tile_lines.table(found) if found else "There are no tile sets.")


@tiles.command(epilog=EXAMPLES)
@click.argument("name")
@click.option("--all", "whole", is_flag=True, help="Every skipped file, not only the first twenty.")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of lines.")
@click.pass_obj
def show(data: Path | None, name: str, *, whole: bool, as_json: bool) -> None:
    """Show a tile set, its versions, how far it is, and which files became no tile."""
    with reading(data) as session:
        tile_set = queries.find_named(session, name)
        versions = queries.versions(session, tile_set.id)
        skipped = queries.skipped_photos(session, tile_set.id, REPORT_LENGTH if not whole else None)
        far = parts.so_far(session, tile_set)
    if as_json:
        print_json(tile_lines.as_json(tile_set, versions, skipped, far))
    else:
        click.echo(tile_lines.sheet(tile_set, versions, skipped, far, whole=whole))


@tiles.command(epilog=EXAMPLES)
@click.argument("name")
@click.argument("new_name")
@click.pass_obj
def rename(data: Path | None, name: str, new_name: str) -> None:
    """Give a tile set another name."""
    with opened(data) as sessions, sessions.begin() as session:
        tile_set_versions.rename(session, queries.find_named(session, name).id, new_name)
    click.echo(f"“{name}” is now “{new_name}”.")


@tiles.command(epilog=EXAMPLES)
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def delete(data: Path | None, name: str, *, yes: bool) -> None:
    """Put a tile set into the trash; mosaics that were made of it keep their pictures."""
    with reading(data) as session:
        found = queries.find_named(session, name)
    if not yes:
        count = found.current.tile_count if found.current else 0
        click.confirm(f"Delete “{found.name}” with its {count:,} photos?", abort=True)
    with opened(data) as sessions, sessions.begin() as session:
        tile_set_versions.drop(session, found.id, database.now(session))
    click.echo(f"“{found.name}” is deleted. It is in the trash; take it back: tessera tiles restore {found.id}")


@tiles.command(epilog=EXAMPLES)
@click.option("--json", "as_json", is_flag=True, help="JSON instead of a table.")
@click.pass_obj
def trash(data: Path | None, *, as_json: bool) -> None:
    """List what was deleted or removed and can still be taken back: sets, then photos."""
    with reading(data) as session:
        found, removed = undo.tile_sets(session), undo.photos(session, most=queries.REPORT_LENGTH)
    if as_json:
        print_json(tile_lines.trash_as_json(found, removed))
    else:
        click.echo(tile_lines.trash(found, removed) if found or removed else "The trash is empty.")


@tiles.command(epilog=EXAMPLES)
@click.argument("name")
@photo
@click.pass_obj
def restore(data: Path | None, name: str, photo: str | None) -> None:
    """Take a tile set, or a photo of one, out of the trash."""
    with opened(data) as sessions, sessions.begin() as session:
        if photo is None:
            tile_set = undo.find_named(session, name)
            undo.restore_set(session, tile_set.id)
        else:
            tile_set = queries.find_named(session, name)
            undo.restore_photo(session, tile_set.id, photo, database.now(session))
    click.echo(f"“{tile_set.name}” is back." if photo is None else f"The photo is back in “{tile_set.name}”.")


@tiles.command(epilog=EXAMPLES)
@click.argument("name")
@photo
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def purge(data: Path | None, name: str, photo: str | None, *, yes: bool) -> None:
    """Delete a tile set, or a photo of one, that is in the trash for good. There is no way back."""
    with reading(data) as session:
        tile_set = undo.find_named(session, name) if photo is None else queries.find_named(session, name)
        what = f"“{tile_set.name}”" if photo is None else f"“{undo.find_photo(session, tile_set.id, photo).name}”"
    if not yes:
        click.confirm(f"Delete {what} for good? This is final.", abort=True)
    with opened(data) as sessions, sessions.begin() as session:
        if photo is None:
            undo.purge_set(session, tile_set.id, database.now(session))
        else:
            undo.purge_photo(session, tile_set.id, photo)
    click.echo(f"{what} is deleted for good.")
