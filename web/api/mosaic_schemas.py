"""What the API takes and gives of mosaics; the fields of an order are what `models.rules.orders` declares."""

from typing import ClassVar

from apiflask.fields import UUID, Boolean, Enum, File, Float, Integer, List, Nested, String

from models.rules.formats import Format
from models.rules.looks import DEFAULT_LOOK, LOOKS
from models.rules.orders import FIELDS
from models.rules.print_planning import DEFAULT_TILE
from web.api.fields import (
    COUNT,
    FORMS,
    SHA256,
    SHARE,
    Address,
    Shown,
    Strict,
    Whole,
    of_file,
    of_order,
    read_later,
    said,
    shown_of_order,
    ticked,
)
from web.api.schemas import JobOut


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


class MosaicsOut(Shown):
    """Mosaics that were ordered singly, the newest first."""

    items = List(Nested(MosaicOut))
    next = Address("Of those after these; null after the last.", allow_none=True)
