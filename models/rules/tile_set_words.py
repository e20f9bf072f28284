"""What photos of a tile set come as, and why some are in no mosaic."""

from enum import StrEnum

from models.rules import skip_reasons


class SourceKind(StrEnum):
    """What photos come as: one uploaded file, an uploaded zip, or a folder or a bucket that the workers can read."""

    PHOTO = "photo"
    ARCHIVE = "archive"
    PLACE = "place"


class ExclusionReason(StrEnum):
    """Why a photo of a tile set is in no mosaic."""

    BANNED = "banned"
    """A person banned it; until it is allowed again."""
    REMOVED = "removed"
    """A person removed it; until it is sent again."""
    REPLACED = "replaced"
    """It was only linked to, and its file has changed; until the same photo is there again."""
    NEAR_DUPLICATE = skip_reasons.NEAR_DUPLICATE
    """As long as the photo that stands for it is used."""
