"""The tables: columns and CHECK constraints only, by subject."""

from models.tables.columns import CHANGE_LENGTH, KEY_LENGTH, NAME_LENGTH, REQUEST_ID_LENGTH, STAMP_LENGTH
from models.tables.intakes import Intake, Upload
from models.tables.jobs import AttemptRecord, Job, PhaseRecord
from models.tables.mosaics import Batch, Mosaic, Rendition, SharedLink
from models.tables.previews import Candidates, Draft, Sketch
from models.tables.service import Installation, Login
from models.tables.tile_sets import (
    Exclusion,
    Measured,
    Part,
    RemovedTile,
    SkippedPhoto,
    Source,
    Tile,
    TileSet,
    Version,
)

__all__ = [
    "CHANGE_LENGTH",
    "KEY_LENGTH",
    "NAME_LENGTH",
    "REQUEST_ID_LENGTH",
    "STAMP_LENGTH",
    "AttemptRecord",
    "Batch",
    "Candidates",
    "Draft",
    "Exclusion",
    "Installation",
    "Intake",
    "Job",
    "Login",
    "Measured",
    "Mosaic",
    "Part",
    "PhaseRecord",
    "RemovedTile",
    "Rendition",
    "SharedLink",
    "Sketch",
    "SkippedPhoto",
    "Source",
    "Tile",
    "TileSet",
    "Upload",
    "Version",
]
