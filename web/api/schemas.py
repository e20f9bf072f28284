"""What the API takes and gives. Ranges are not repeated here: `models.orders` has them."""

from apiflask import Schema
from apiflask.fields import (
    URL,
    UUID,
    Boolean,
    DateTime,
    Dict,
    Enum,
    File,
    Float,
    Integer,
    List,
    Nested,
    String,
)
from marshmallow import RAISE

from models.lifecycle import JobState
from models.orders import (
    DEFAULT_CELLS_ACROSS,
    DEFAULT_DETAIL,
    DEFAULT_SUBCELLS,
    DEFAULT_TILE_SIZE,
    Fit,
    Format,
    LossName,
)


class Strict(Schema):
    """Input in which an unknown field is an error: a misspelt wish is never silently dropped."""

    class Meta:
        """Marshmallow's place for options."""

        unknown = RAISE


class PhotosIn(Strict):
    """Photos: single files, a zip, or both."""

    photos = List(File(), load_default=list, metadata={"description": "Photos, one part each."})
    archive = List(File(), load_default=list, metadata={"description": "Zips of photos."})


class TileSetIn(PhotosIn):
    """Photos to make a tile set of, and how."""

    name = String(load_default="Untitled", metadata={"description": "A name for people."})
    dedupe = String(metadata={"description": "yes: of photos that are nearly the same, only the largest is used."})
    keep_originals = String(metadata={"description": "yes: the files are kept as they came, too."})


class NameIn(Strict):
    """Another name."""

    name = String(required=True, metadata={"description": "A name for people."})


class OrderIn(Strict):
    """How a target is to be cut and set."""

    tile_set = String(required=True, metadata={"description": "Id of an indexed tile set.", "format": "uuid"})
    cells_across = String(
        metadata={"description": f"Square cells from left to right; {DEFAULT_CELLS_ACROSS} if nothing is said."}
    )
    cell_width = String(metadata={"description": "Width of a cell in pixels of the target, instead of cells_across."})
    cell_height = String(metadata={"description": "Height of a cell in pixels of the target."})
    tile_size = String(
        metadata={"description": f"Width of a tile in the mosaic, in pixels; default {DEFAULT_TILE_SIZE}."}
    )
    fit = String(metadata={"description": "How the target becomes a whole number of cells.", "enum": list(Fit)})
    format = String(metadata={"description": "File format of the mosaic.", "enum": list(Format)})
    loss = String(metadata={"description": "How far a tile is from a cell.", "enum": list(LossName)})
    detail = String(
        metadata={"description": f"For balanced: 0 average colour to 1 structure; default {DEFAULT_DETAIL}."}
    )
    subcells = String(metadata={"description": f"For the grids: sub-cells a side; default {DEFAULT_SUBCELLS}."})
    flips = String(metadata={"description": "yes: tiles may be mirrored."})
    turns = String(metadata={"description": "yes: tiles may be turned by quarters."})
    max_uses = String(metadata={"description": "How many cells a tile may lie in."})
    no_repeats = String(metadata={"description": "yes: a tile lies in one cell at most."})
    min_distance = String(metadata={"description": "How many cells apart equal tiles must lie."})
    tint = String(metadata={"description": "How far a tile's mean colour is moved to its cell's, 0 to 1."})
    blend = String(metadata={"description": "How much of the target is laid over the tiles, 0 to 1."})


class MosaicIn(OrderIn):
    """One target, and how to set it."""

    target = File(load_default=None, metadata={"description": "The picture to rebuild."})


class BatchIn(OrderIn):
    """Many targets, one order for all."""

    name = String(load_default="Untitled", metadata={"description": "A name for people."})
    targets = List(File(), load_default=list, metadata={"description": "Pictures to rebuild, one part each."})
    archive = List(File(), load_default=list, metadata={"description": "Zips of pictures to rebuild."})


class ErrorOut(Schema):
    """Why a job failed."""

    code = String(metadata={"description": "Stable, for programs."})
    detail = String(metadata={"description": "One sentence, for people."})


class JobOut(Schema):
    """Where the work stands."""

    state = Enum(JobState, by_value=True)
    final = Boolean(metadata={"description": "Whether nothing will change any more."})
    phase = String()
    progress = Float(metadata={"description": "Share of the work done, 0 to 1."})
    attempt = Integer(metadata={"description": "How often a worker began."})
    error = Nested(ErrorOut, allow_none=True)
    created_at = DateTime(format="iso")
    finished_at = DateTime(format="iso", allow_none=True)


class SkippedOut(Schema):
    """A file that became no tile."""

    name = String()
    code = String()
    detail = String()


class TileSetOut(Schema):
    """A tile set."""

    id = UUID()
    name = String()
    url = URL()
    job = Nested(JobOut)
    tile_count = Integer(allow_none=True, metadata={"description": "Photos that mosaics are made of."})
    skipped_count = Integer(metadata={"description": "Files that became no tile."})
    version = Integer(allow_none=True, metadata={"description": "The newest version; null before there is one."})
    dedupe = Boolean(metadata={"description": "Whether near-duplicates are left out."})
    keep_originals = Boolean()
    tiles = URL(metadata={"description": "Its photos."})
    plot = URL(allow_none=True, metadata={"description": "Where its colours lie, as a PNG."})
    palette = URL(allow_none=True, metadata={"description": "What colours there are much of, as a PNG."})


class ProgressOut(Schema):
    """How far the indexing is."""

    done = Integer(metadata={"description": "Photos that were looked at."})
    total = Integer()
    rate = Float(metadata={"description": "Photos a second; 0 while nothing is known."})
    seconds_left = Float(allow_none=True)


class VersionOut(Schema):
    """A version of a tile set."""

    number = Integer()
    change = String(metadata={"description": "What is new in it, for people."})
    tile_count = Integer()
    created_at = DateTime(format="iso")


class TileOut(Schema):
    """A photo of a tile set."""

    content = String(metadata={"description": "SHA-256 of its file, in hexadecimal: its id within the set."})
    name = String()
    banned = Boolean(metadata={"description": "Whether it is left out of mosaics."})
    since = Integer(metadata={"description": "The version that it came with."})
    linked = Boolean(metadata={"description": "Whether the set only links to its file."})
    preview = URL()
    picture = URL(allow_none=True, metadata={"description": "As it is kept: upright, sRGB, without metadata."})
    original = URL(allow_none=True, metadata={"description": "The file as it came, where it is kept."})


class TilesOut(Schema):
    """Photos of a tile set, in the order in which they came."""

    items = List(Nested(TileOut))
    next = URL(allow_none=True, metadata={"description": "Where those after these are; null after the last."})


class TileSetReportOut(TileSetOut):
    """A tile set with its versions and its report."""

    progress = Nested(ProgressOut, allow_none=True, metadata={"description": "While it is being indexed."})
    versions = List(Nested(VersionOut), metadata={"description": "The newest fifty."})
    skipped = List(Nested(SkippedOut), metadata={"description": "The first thousand lines of the report."})


class MosaicOut(Schema):
    """A mosaic."""

    id = UUID()
    url = URL()
    tile_set = UUID()
    tile_set_version = Integer(metadata={"description": "The version that it is made from."})
    target_name = String()
    order = Dict(keys=String())
    job = Nested(JobOut)
    picture = URL(allow_none=True, metadata={"description": "Where to download it, once it is ready."})
    width = Integer(allow_none=True)
    height = Integer(allow_none=True)
    columns = Integer(allow_none=True)
    rows = Integer(allow_none=True)
    distinct_tiles = Integer(allow_none=True)
    quality = Dict(keys=String(), allow_none=True, metadata={"description": "The quality report."})
    bytes = Integer(allow_none=True)
    sha256 = String(allow_none=True)


class BatchOut(Schema):
    """A batch as a whole."""

    id = UUID()
    name = String()
    url = URL()
    tile_set = UUID()
    tile_set_version = Integer()
    total = Integer()
    states = Dict(keys=String(), values=Integer(), metadata={"description": "How many mosaics are in each state."})
    progress = Float()
    final = Boolean()
    archive = URL(allow_none=True, metadata={"description": "One zip of what succeeded, once all are final."})


class BatchItemsOut(BatchOut):
    """A batch with its mosaics."""

    items = List(Nested(MosaicOut))


class TileSetsOut(Schema):
    """The newest tile sets."""

    items = List(Nested(TileSetOut))


class MosaicsOut(Schema):
    """The newest mosaics that were ordered singly."""

    items = List(Nested(MosaicOut))


class BatchesOut(Schema):
    """The newest batches."""

    items = List(Nested(BatchOut))
