"""Of which kept targets an order is that brings no file for them."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from models.errors import InvalidOrder, TooLarge
from models.placing import StoredFile
from models.rules.lattices import Effort
from models.rules.orders import MosaicOrder
from models.rules.repeats import QUICK
from models.tables import Draft
from web import drafting, forms, intake, precheck
from web.context import settings

WAYS = ("target", "target_id", "again")


def of_mosaic(body: Mapping[str, Any]) -> Draft | None:
    """Return the target that the order of a mosaic names; None if it brings a file, or nothing.

    Raises:
        InvalidOrder: it says in two ways what to rebuild, or brings a mask for a target that is kept.
        NotFound: there is no such target, or no such mosaic.
    """
    given = named_by(body)
    if not given or given == ["target"]:
        return None
    if body.get("mask"):
        raise InvalidOrder("mask", "A kept target has its mask already; send the two together to be kept.")
    if given == ["target_id"]:
        return drafting.kept(forms.identity(body["target_id"], "target"))
    return drafting.of_mosaic(forms.identity(body["again"], "mosaic"))


def named_by(body: Mapping[str, Any]) -> list[str]:
    """Return in which way a request says what to rebuild, if it does.

    Raises:
        InvalidOrder: it says it in two.
    """
    given = [way for way in WAYS if body.get(way)]
    if len(given) > 1:
        raise InvalidOrder(given[1], f"{given[0]} and {given[1]} both say what to rebuild; give one of the two.")
    return given


def of_batch(named: Sequence[str], tile_set_id: UUID, order: MosaicOrder) -> list[StoredFile]:
    """Return the files of the targets that the order of a batch names, checked for the order.

    Raises:
        InvalidOrder: the order does not fit one of them, or one is kept with a mask.
        NotFound: there is no such target, or no such tile set.
        NotReady: the tile set is not indexed.
        TooLarge: there are too many.
    """
    if len(named) > settings().max_targets:
        raise TooLarge(f"{len(named):,} targets are more than the limit of {settings().max_targets:,}.")
    found, tile_count, effort = [], intake.tile_count_of(tile_set_id), Effort(QUICK)
    for draft in drafting.all_kept([forms.identity(each, "target") for each in named]):
        if draft.mask:
            raise InvalidOrder("target_ids", f"{draft.target_name} is kept with a mask, which no batch takes.")
        precheck.check(drafting.size_of(draft), order, tile_count, effort, settings().limits)
        found.append(StoredFile(draft.target_name, draft.target_key, draft.target_entry))
    return found
