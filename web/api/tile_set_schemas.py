"""What the API takes and gives of tile sets and their photos."""

from apiflask.fields import UUID, Boolean, DateTime, Float, Integer, List, Nested, String

from web.api.fields import COUNT, SHA256, Address, Files, Shown, Strict, a_name, said, ticked
from web.api.schemas import JobOut


class PhotosIn(Strict):
    """Photos: single files, a zip, or both; at least one."""

    photos = Files("Photos, one part each.")
    archive = Files("Zips of photos, one part each.")


class TileSetIn(PhotosIn):
    """Photos to make a tile set of, and how."""

    name = a_name(load_default="Untitled")
    dedupe = ticked("Of photos that are nearly the same, only the largest is used")
    keep_originals = ticked("The files are kept as they came, too")


class SkippedOut(Shown):
    """A file that became no tile."""

    name = String(metadata=said("Of the file."))
    code = String(metadata=said("Stable, for programs.", examples=["not_a_picture"]))
    detail = String(metadata=said("One sentence, for people."))


class TileSetOut(Shown):
    """A tile set."""

    id = UUID()
    name = String(metadata=said("For people.", examples=["Holidays"]))
    url = Address("Of the tile set.")
    job = Nested(JobOut, metadata=said("The newest indexing."))
    tile_count = Integer(allow_none=True, metadata=said("Photos that mosaics are made of.", **COUNT))
    skipped_count = Integer(metadata=said("Files that became no tile.", **COUNT))
    version = Integer(allow_none=True, metadata=said("The newest version; null before there is one."))
    dedupe = Boolean(metadata=said("Whether near-duplicates are left out."))
    keep_originals = Boolean(metadata=said("Whether files are kept as they came, too."))
    lacks = List(
        String(),
        allow_none=True,
        metadata=said("What its photos lack, in sentences; null if that was not looked for."),
    )
    tiles = Address("Of its photos.")
    plot = Address("Where its colours lie, as a PNG, once it is indexed.", allow_none=True)
    palette = Address("What colours there are much of, as a PNG, once it is indexed.", allow_none=True)


class ProgressOut(Shown):
    """How far the indexing is."""

    done = Integer(metadata=said("Photos that were looked at.", **COUNT))
    total = Integer(metadata=said("Photos that there are.", **COUNT))
    rate = Float(metadata=said("Photos a second; 0 while nothing is known.", **COUNT))
    seconds_left = Float(allow_none=True, metadata=said("At this rate; null while nothing is known."))


class VersionOut(Shown):
    """A version of a tile set."""

    number = Integer(metadata=said("Counted from 1.", minimum=1))
    change = String(metadata=said("What is new in it, for people."))
    tile_count = Integer(metadata=said("Photos that mosaics are made of.", **COUNT))
    created_at = DateTime(format="iso", metadata=said("UTC."))


class TileOut(Shown):
    """A photo of a tile set."""

    content = String(metadata=said("SHA-256 of its file, in hexadecimal: its id within the set.", **SHA256))
    name = String(metadata=said("Of its file.", examples=["beach.jpg"]))
    banned = Boolean(metadata=said("Whether it is left out of mosaics."))
    removed = Boolean(metadata=said("Whether it is in the trash."))
    since = Integer(metadata=said("The version that it came with."))
    linked = Boolean(metadata=said("Whether the set only links to its file."))
    width = Integer(allow_none=True, metadata=said("Of the file in pixels, upright; null if it is not known."))
    height = Integer(allow_none=True, metadata=said("Of the file in pixels, upright; null if it is not known."))
    uses = Integer(metadata=said("Cells in which it lies, in all mosaics of the set so far.", **COUNT))
    preview = Address("Of the photo in small, a JPEG.")
    picture = Address("Of the photo as it is kept: upright, sRGB, without metadata.", allow_none=True)
    original = Address("Of the file as it came, where it is kept.", allow_none=True)


class TilesOut(Shown):
    """Photos of a tile set, in the order that was asked for."""

    items = List(Nested(TileOut))
    next = Address("Where those after these are; null after the last.", allow_none=True)


class ChangedOut(Shown):
    """What a change of several photos did."""

    version = Integer(metadata=said("The newest version of the set now.", minimum=1))
    changed = List(String(), metadata=said("Photos that are no longer as they were, by content hash."))
    missing = List(String(), metadata=said("Photos that are not there to be changed."))


class TileSetReportOut(TileSetOut):
    """A tile set with its versions and its report."""

    progress = Nested(ProgressOut, allow_none=True, metadata=said("While it is being indexed."))
    versions = List(Nested(VersionOut), metadata=said("The newest fifty."))
    skipped = List(Nested(SkippedOut), metadata=said("The first thousand lines of the report."))


class TileSetsOut(Shown):
    """Tile sets, the newest first."""

    items = List(Nested(TileSetOut))
    next = Address("Of those after these; null after the last.", allow_none=True)
