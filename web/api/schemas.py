"""What the API takes and gives. The fields of an order are made from what `models.rules.orders` declares."""

from typing import ClassVar

from apiflask.fields import UUID, Boolean, DateTime, Dict, Enum, File, Float, Integer, List, Nested, String

from models.rules.formats import Format
from models.rules.lifecycle import JobState
from models.rules.looks import DEFAULT_LOOK, LOOKS
from models.rules.orders import FIELDS
from models.rules.print_planning import DEFAULT_TILE
from web.api.fields import (
    COUNT,
    FORMS,
    SHA256,
    SHARE,
    Address,
    Files,
    Shown,
    Strict,
    Whole,
    a_name,
    of_file,
    of_order,
    read_later,
    said,
    shown_of_order,
    ticked,
)


class PhotosIn(Strict):
    """Photos: single files, a zip, or both; at least one."""

    photos = Files("Photos, one part each.")
    archive = Files("Zips of photos, one part each.")


class TileSetIn(PhotosIn):
    """Photos to make a tile set of, and how."""

    name = a_name(load_default="Untitled")
    dedupe = ticked("Of photos that are nearly the same, only the largest is used")
    keep_originals = ticked("The files are kept as they came, too")


class NameIn(Strict):
    """Another name."""

    media_types = ("application/json", *FORMS)

    name = a_name(required=True)


class OrderIn(Strict):
    """How a target is cut, and how tiles are chosen for it."""

    tile_set = read_later("string", "Id of an indexed tile set", required=True, format="uuid")

    look = read_later(
        "string", "A set of the fields below; what is given beside it counts", DEFAULT_LOOK, enum=[*LOOKS]
    )

    class Meta(Strict.Meta):
        """Marshmallow's place for options, and for fields that are made."""

        include: ClassVar = {name: of_order(name, about) for name, about in FIELDS.items()} | {
            "print": read_later(
                "string", "Size on paper, or the name of a paper; instead of tile_size", examples=["60x40cm", "A3"]
            ),
            "tile": read_later("string", "Width of a tile of a print, instead of cells_across", DEFAULT_TILE),
        }


class TargetIn(Strict):
    """A picture to rebuild: a file, or that of a mosaic."""

    target = File(load_default=None, metadata=said("The picture to rebuild."))
    mask = File(
        load_default=None,
        metadata=said("A picture of the target's shape: cells stay empty where it is black or transparent."),
    )
    again = read_later(
        "string", "Id of a mosaic whose target, with its mask, is taken again, instead of target", format="uuid"
    )


class MosaicIn(OrderIn, TargetIn):
    """One target, and how to set it."""

    target_id = read_later("string", "Id of a kept target, instead of target", format="uuid")
    mask_alpha = ticked("Cells stay empty where the target is transparent, instead of mask")


class CellIn(Strict):
    """A cell of a mosaic."""

    media_types = ("application/json",)

    column = Whole(required=True, metadata=said("From 0, from the left.", **COUNT))
    row = Whole(required=True, metadata=said("From 0, from the top.", **COUNT))


class PinIn(CellIn):
    """A cell of a mosaic, and the photo that is to lie in it."""

    photo = String(required=True, metadata=said("Its content hash, or its name."))


class EditIn(Strict):
    """What to change in a mosaic; at least one photo or pin."""

    media_types = ("application/json",)

    ban = List(String(), load_default=list, metadata=said("Photos that lie nowhere, by content hash or name."))
    must_use = List(String(), load_default=list, metadata=said("Photos that lie somewhere, each in its best cell."))
    lock = List(Nested(CellIn), load_default=list, metadata=said("Cells that keep what they have."))
    pins = List(Nested(PinIn), load_default=list, metadata=said("Cells with a photo of one's choice."))


class RenditionIn(Strict):
    """Another file of a mosaic."""

    media_types = ("application/json", *FORMS)

    format = Enum(Format, by_value=True, required=True, metadata=said("Of the file."))
    file_quality = of_file(FIELDS["file_quality"], "; the format's own if nothing is said")
    dpi = of_file(FIELDS["dpi"], "; the mosaic's own if nothing is said")


class BatchIn(OrderIn):
    """Many targets, at least one, and one order for all."""

    name = a_name(load_default="Untitled")
    targets = Files("Pictures to rebuild, one part each.")
    archive = Files("Zips of pictures to rebuild, one part each.")
    target_ids = List(
        String(metadata={"format": "uuid"}), load_default=list, metadata=said("Ids of kept targets, one part each.")
    )


class ErrorOut(Shown):
    """Why a job failed."""

    code = String(metadata=said("Stable, for programs.", examples=["crashed"]))
    detail = String(metadata=said("One sentence, for people."))


class JobOut(Shown):
    """Where the work stands."""

    state = Enum(JobState, by_value=True, metadata=said("The last three are final."))
    final = Boolean(metadata=said("Whether nothing will change any more."))
    phase = String(metadata=said("What is being done; empty before anything was.", examples=["matching"]))
    progress = Float(metadata=said("Share of the work done.", **SHARE))
    attempt = Integer(metadata=said("How often a worker began.", **COUNT))
    error = Nested(ErrorOut, allow_none=True, metadata=said("Why it failed, if it did."))
    created_at = DateTime(format="iso", metadata=said("When it was ordered, UTC."))
    finished_at = DateTime(format="iso", allow_none=True, metadata=said("When it became final, UTC."))


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


class OrderOut(Shown):
    """The order as it was understood; null where a field was not given, and the default of `POST` applies."""

    cells_across = Integer(allow_none=True, metadata=said("Null if a cell's size was given."))

    class Meta:
        """Marshmallow's place for fields that are made."""

        include: ClassVar = {
            name: shown_of_order(name, about) for name, about in FIELDS.items() if name != "cells_across"
        }


class WorstCellOut(Shown):
    """A cell far from its target: where it lies, counted from 0 at the top left."""

    column = Integer(metadata=COUNT)
    row = Integer(metadata=COUNT)
    de00 = Float(metadata=said("CIEDE2000 at one pixel a cell."))


class QualityOut(Shown):
    """How near a mosaic comes to its target."""

    psnr1 = Float(allow_none=True, metadata=said("PSNR in dB at 1 pixel a cell; null when the pictures are equal."))
    de00 = Float(metadata=said("Mean CIEDE2000 at 1 pixel a cell."))
    near = Float(
        allow_none=True,
        metadata=said("Share of cells whose CIEDE2000 is below 5; null if made before it was measured.", **SHARE),
    )
    ssim4 = Float(metadata=said("SSIM of luma at 4 pixels a cell; 1 for equal pictures."))
    fine = Float(
        allow_none=True,
        metadata=said("SSIM of luma where the target has the most detail; null without any, or from before it was."),
    )
    far = Float(
        allow_none=True,
        metadata=said("Mean CIEDE2000 of the light after a blur of 1.5 cells; null if made before it was measured."),
    )
    psnr_blur = Float(allow_none=True, metadata=said("PSNR in dB after a blur of one cell; null when equal."))
    distinct_tiles = Integer(metadata=said("How many different tiles lie in the mosaic."))
    most_uses = Integer(metadata=said("How often the tile used most lies in it."))
    smallest_distance = Float(allow_none=True, metadata=said("Between equal tiles, in cells; null without any."))
    equal_neighbours = Float(metadata=said("Share of neighbouring cells that hold the same tile.", **SHARE))
    cost = Float(metadata=said("Sum of the costs of all cells, in the loss's own unit."))
    lower_bound = Float(metadata=said("What no placement under the same rules can go below, in the same unit."))
    change = Float(metadata=said("Mean CIEDE2000 by which the tiles' colours were changed."))
    adapted = Float(
        allow_none=True,
        metadata=said(
            "Mean CIEDE2000 by which the target was moved towards the tiles; null if from before it could be."
        ),
    )
    worst_cells = List(Nested(WorstCellOut), metadata=said("The worst first."))
    advice = List(String(), metadata=said("Sentences for people; none when nothing is lacking."))


class PrintOut(Shown):
    """A mosaic on paper."""

    width_mm = Float(metadata=said("In millimetres, the bleed included; as the target lies, once it is made."))
    height_mm = Float(metadata=said("In millimetres."))
    tile_width_mm = Float(metadata=said("Of a tile, in millimetres."))
    tile_height_mm = Float(metadata=said("Of a tile, in millimetres."))
    notes = List(String(), metadata=said("What to know before it is printed; none when nothing is amiss."))


class MosaicOut(Shown):
    """A mosaic; what is null of it comes once its job has succeeded."""

    id = UUID()
    url = Address("Of the mosaic.")
    tile_set = UUID(metadata=said("Id of the tile set that it is made of."))
    tile_set_version = Integer(metadata=said("The version that it is made from."))
    target_name = String(metadata=said("Of the target's file.", examples=["portrait.jpg"]))
    masked = Boolean(metadata=said("Whether a mask, or the target's transparency, leaves cells empty."))
    order = Nested(OrderOut)
    on_paper = Nested(PrintOut, allow_none=True, metadata=said("Null if no exact size was ordered."))
    job = Nested(JobOut)
    picture = Address("Where to download it, once it is ready.", allow_none=True)
    width = Integer(allow_none=True, metadata=said("In pixels."))
    height = Integer(allow_none=True, metadata=said("In pixels."))
    columns = Integer(allow_none=True, metadata=said("Cells from left to right."))
    rows = Integer(allow_none=True, metadata=said("Cells from top to bottom."))
    distinct_tiles = Integer(allow_none=True, metadata=said("How many different photos lie in it."))
    quality = Nested(QualityOut, allow_none=True)
    bytes = Integer(allow_none=True, metadata=said("Of the picture's file.", format="int64"))
    sha256 = String(allow_none=True, metadata=said("Of the picture's file; also its ETag.", **SHA256))
    parent = UUID(allow_none=True, metadata=said("Id of the mosaic that it is an edit of; null if it is none."))
    again = UUID(allow_none=True, metadata=said("Id of the mosaic that it was ordered again from; null if of none."))
    renditions = Address("Of its renditions: this picture, and others.")
    placement = Address("Of its placement as JSON; null if it was not kept.", allow_none=True)


class RenditionOut(Shown):
    """A file of a mosaic; what is null of it comes once its job has succeeded."""

    id = UUID()
    url = Address("Of the rendition.")
    mosaic = UUID(metadata=said("Id of its mosaic."))
    format = Enum(Format, by_value=True)
    file_quality = Integer(allow_none=True, metadata=said("Null in a format that loses nothing."))
    dpi = Integer()
    job = Nested(JobOut, metadata=said("That of the mosaic, for the file that was ordered with it."))
    file = Address("Where to download it, once it is ready.", allow_none=True)
    bytes = Integer(allow_none=True, metadata=said("Of the file.", format="int64"))
    sha256 = String(allow_none=True, metadata=said("Of the file; also its ETag.", **SHA256))


class RenditionsOut(Shown):
    """The renditions of a mosaic, the first one first."""

    items = List(Nested(RenditionOut))


class BatchOut(Shown):
    """A batch as a whole."""

    id = UUID()
    name = String(metadata=said("For people.", examples=["Guests"]))
    url = Address("Of the batch.")
    tile_set = UUID(metadata=said("Id of the tile set that its mosaics are made of."))
    tile_set_version = Integer(metadata=said("The version that they are made from."))
    total = Integer(metadata=said("How many mosaics there are.", **COUNT))
    states = Dict(
        keys=String(),
        values=Integer(),
        metadata=said("How many mosaics are in each state that has any.", examples=[{"queued": 3}]),
    )
    progress = Float(metadata=said("Share of all work that is done.", **SHARE))
    final = Boolean(metadata=said("Whether nothing will change any more."))
    mosaics = Address("Of its mosaics.")
    manifest = Address("What became of each of its mosaics, as JSON.")
    archive = Address("Of one zip of what succeeded, once all are final and one has.", allow_none=True)


class BatchMosaicsOut(Shown):
    """Mosaics of a batch, in the order of its targets."""

    items = List(Nested(MosaicOut))
    next = Address("Of those after these; null after the last.", allow_none=True)


class TileSetsOut(Shown):
    """Tile sets, the newest first."""

    items = List(Nested(TileSetOut))
    next = Address("Of those after these; null after the last.", allow_none=True)


class MosaicsOut(Shown):
    """Mosaics that were ordered singly, the newest first."""

    items = List(Nested(MosaicOut))
    next = Address("Of those after these; null after the last.", allow_none=True)


class BatchesOut(Shown):
    """Batches, the newest first."""

    items = List(Nested(BatchOut))
    next = Address("Of those after these; null after the last.", allow_none=True)
