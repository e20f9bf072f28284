"""Presets: a loss with options of its own, such as `balanced:detail=0.7,far=0`, and lists of them."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import click
from click.shell_completion import CompletionItem

from models.errors import InvalidOrder
from models.rules.order_fields import Group, OrderField
from models.rules.order_words import LossName
from models.rules.orders import FIELDS

OPTIONS = {
    name.replace("_", "-"): about
    for name, about in FIELDS.items()
    if about.group in {Group.NEARNESS, Group.REPEATS} and name != "loss"
}
"""The options that a preset may have, as they are written there."""
YES_NO = {"yes": True, "no": False}


class Preset(NamedTuple):
    """A loss with options of its own.

    Attributes:
        text: What was written, in small letters.
        loss: The loss.
        fields: Fields of an order, by name.
    """

    text: str
    loss: LossName
    fields: dict[str, Any]


class Presets(click.ParamType[list[Preset]]):
    """Presets with commas between them: `pixels,balanced:detail=0.7,far=0` is two."""

    name = "PRESET"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> list[Preset]:
        """Read presets."""
        try:
            return [_preset(text) for text in parted(str(value).lower())]
        except InvalidOrder as error:
            self.fail(f"{error}", param, ctx)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Complete the name of a loss."""
        return click.Choice([*LossName]).shell_complete(ctx, param, incomplete)


def parted(text: str) -> Iterator[str]:
    """Yield the presets of a list; after one with a colon, what has `=` but no colon is its next option.

    Example:
        >>> list(parted("pixels,balanced:detail=0.7,far=0,mean-lab"))
        ['pixels', 'balanced:detail=0.7,far=0', 'mean-lab']
    """
    first, *others = (piece.strip() for piece in text.split(","))
    one = first
    for piece in others:
        if ":" in one and "=" in piece and ":" not in piece:
            one += f",{piece}"
        else:
            yield one
            one = piece
    yield one


def _preset(text: str) -> Preset:
    name, colon, rest = text.partition(":")
    if name not in [*LossName]:
        known = ", ".join(f"'{loss}'" for loss in LossName)
        more = f" Options come after a loss and a colon, such as {LossName.BALANCED}:{name}." if "=" in name else ""
        raise InvalidOrder("loss", f"{name[:40]!r} is not one of {known}.{more}")
    if colon and not rest.strip():
        raise InvalidOrder("loss", f"{text[:80]} has no options after its colon; write such as {name}:far=0.")
    options = [_option(text, each) for each in rest.split(",")] if colon else []
    twice = next((one for number, (one, _) in enumerate(options) if one in dict(options[:number])), None)
    if twice:
        raise InvalidOrder("loss", f"{text[:80]} gives {twice.replace('_', '-')} twice.")
    return Preset(text, LossName(name), dict(options))


def _option(text: str, written: str) -> tuple[str, Any]:
    name, _, value = (part.strip() for part in written.partition("="))
    if name.replace("_", "-") not in OPTIONS:
        raise InvalidOrder("loss", f"{text[:80]}: {name[:40]!r} is not one of {', '.join(OPTIONS)}.")
    about = OPTIONS[name.replace("_", "-")]
    try:
        return name.replace("-", "_"), _value(about, value)
    except (ValueError, KeyError):
        raise InvalidOrder("loss", f"{text[:80]}: {name} must be {_kind(about)}, not {value[:40]!r}.") from None


def _value(about: OrderField, text: str) -> Any:
    return YES_NO[text] if about.kind is bool else about.kind(text)


def _kind(about: OrderField) -> str:
    if about.words or about.kind is bool:
        return f"one of {', '.join(about.words or YES_NO)}"
    return "a whole number" if about.whole else "a number such as 0.5"
