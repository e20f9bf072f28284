"""The kinds of fields that the API takes and gives, and what holds for all input and all output."""

import re
from typing import Any

from apiflask import Schema
from apiflask.fields import Boolean, Enum, Field, File, Float, Integer, List, String
from flask import request
from marshmallow import RAISE, missing, pre_load
from werkzeug.exceptions import UnsupportedMediaType

from models.rules.looks import SET_BY_LOOKS
from models.rules.names import MOST_CHARACTERS
from models.rules.order_fields import OrderField
from models.rules.orders import MosaicOrder

FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")
SHA256 = {"pattern": "^[0-9a-f]{64}$", "examples": [64 * "0"]}
SHARE = {"minimum": 0, "maximum": 1}
COUNT = {"minimum": 0}
PLAIN = re.compile("-?[0-9]{1,40}")
"""A whole number as a form or an address sends it; Python itself also reads spaces, underscores and other digits."""
JSON_TYPES: dict[type, str] = {int: "integer", float: "number"}


class Strict(Schema):
    """Input in which an unknown field is an error: a misspelt name is never silently ignored."""

    media_types: tuple[str, ...] = FORMS

    class Meta:
        """Marshmallow's place for options."""

        unknown = RAISE

    @pre_load
    def _readable(self, data: Any, **_: object) -> Any:
        """Refuse a body of a media type that would be read as an empty form."""
        if request.mimetype and request.mimetype not in self.media_types:
            raise UnsupportedMediaType(f"Send the body as {self.media_types[0]}, not as {request.mimetype[:100]}.")
        return data


class Files(List[Any]):
    """Files, any number; a field of that name without a file in it, as browsers send it, counts for nothing."""

    def __init__(self, sentence: str) -> None:
        super().__init__(File(), load_default=list, metadata={"description": sentence})

    def _deserialize(self, *given: Any, **more: Any) -> list[Any]:
        return [file for file in super()._deserialize(*given, **more) if file is not missing]


class Whole(Integer):
    """A whole number, also as a form sends it; never a fraction that is rounded without a word."""

    def _validated(self, value: Any) -> Any:
        if isinstance(value, bool | float) or (isinstance(value, str) and not PLAIN.fullmatch(value)):
            raise self.make_error("invalid", input=value)
        return super()._validated(value)


class Address(String):
    """An address on this site."""

    def __init__(self, sentence: str, *, allow_none: bool = False) -> None:
        super().__init__(allow_none=allow_none, metadata={"description": sentence, "format": "uri-reference"})


def said(sentence: str, **more: object) -> dict[str, object]:
    """Return the metadata of a field: what it is, and more of JSON Schema."""
    return {"description": sentence} | more


def read_later(kind: str, sentence: str, default: object = None, *, required: bool = False, **more: object) -> String:
    """Take a field of a form as text: `web.forms` reads it, for the pages and for the API alike."""
    usual = "" if default is None else f"; {default} if nothing is said"
    return String(required=required, metadata=said(f"{sentence}{usual}.", type=kind, **more))


def ticked(sentence: str, default: str = "no") -> String:
    """Return the field of a checkbox."""
    return read_later("boolean", sentence, default, examples=[True])


def of_order(name: str, about: OrderField) -> String:
    """Return a field of an order, as a form sends it."""
    usual = about.default or None
    if name in SET_BY_LOOKS:
        usual = f"{usual}, or as the look says,"
    if about.kind is bool:
        return ticked(about.meaning, usual or "no")
    if about.length:
        return read_later("string", about.meaning, usual, examples=[about.default])
    more = {"minimum": about.least, "maximum": about.most} if about.ranged else {"enum": about.words}
    return read_later(JSON_TYPES.get(about.kind, "string"), about.meaning, usual, **more)


def of_file(about: OrderField, usual: str) -> Whole:
    """Return a number of an order, as JSON or a form says it; the rules of orders check its range."""
    return Whole(
        load_default=None,
        allow_none=True,
        metadata=said(f"{about.meaning}{usual}.", minimum=about.least, maximum=about.most),
    )


def shown_of_order(name: str, about: OrderField) -> Field[Any]:
    """Return a field of an order, as it is answered."""
    if about.words:
        return Enum(about.kind, by_value=True, allow_none=getattr(MosaicOrder, name) is None)
    kind: type[Field[Any]] = {bool: Boolean, int: Integer, float: Float}[about.kind]
    return kind(allow_none=getattr(MosaicOrder, name) is None)


def a_name(**more: Any) -> String:
    """Return a name for people."""
    return String(
        metadata=said(f"A name for people; its first {MOST_CHARACTERS} characters are kept.", examples=["Holidays"]),
        **more,
    )


class Shown(Schema):
    """Output: every field is always there; what is not known is null."""

    def on_bind_field(self, _name: str, field_obj: Field[Any]) -> None:
        """Mark every field as required in the document; these schemas are never used to read input."""
        field_obj.required = True
