"""What is different in two mosaics as they were ordered, or in one and in the order page's form."""

from collections.abc import Mapping

from sqlalchemy.orm import Session

from models import queries
from models.rules import differences
from models.rules.differences import Difference
from models.rules.masks import ALPHA
from models.rules.orders import MosaicOrder
from models.tables import Mosaic, TileSet
from web import forms


def of_mosaics(before: Mosaic, after: Mosaic) -> list[Difference]:
    """Return in what the second of two mosaics is different."""
    mosaics = before, after
    made_of = [_made_of(each.tile_set, each.tile_set_version) for each in mosaics]
    masks = [_mask(each) for each in mosaics]
    orders = differences.between(*(queries.order_of(each) for each in mosaics))
    return [*_named("tile_set", *made_of), *orders, *_named("mask", *masks)]


def of_form(session: Session, form: Mapping[str, str], order: MosaicOrder) -> list[Difference] | None:
    """Return in what the form as it stands is different from the mosaic that is ordered again; None if none is.

    Raises:
        NotFound: the mosaic, or the tile set, is not there.
    """
    if not form.get("again"):
        return None
    last = queries.find_mosaic(session, forms.identity(form["again"], "mosaic"))
    tile_set = queries.find_indexed(session, forms.identity(form.get("tile_set", ""), "tile set"))
    made_of = _made_of(last.tile_set, last.tile_set_version), _made_of(tile_set, tile_set.version)
    return [*_named("tile_set", *made_of), *differences.between(queries.order_of(last), order)]


def _named(name: str, before: str, after: str) -> list[Difference]:
    return [] if before == after else [Difference(name, before, after)]


def _made_of(tile_set: TileSet, version: int | None) -> str:
    return f"{tile_set.name}, version {version}"


def _mask(mosaic: Mosaic) -> str:
    if mosaic.mask is None:
        return "none"
    return "the picture's own transparency" if mosaic.mask == ALPHA else "a mask"
