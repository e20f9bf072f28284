"""Shows a form again that was filled in wrongly, with the reason and with what was typed."""

from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import ParamSpec

from flask import make_response, render_template, request
from flask.typing import ResponseReturnValue

from models import queries
from models.errors import TesseraError
from models.rules.looks import LOOKS, SET_BY_LOOKS
from models.rules.order_fields import Group
from models.rules.orders import FIELDS
from web.context import reading
from web.problems import status_of

Arguments = ParamSpec("Arguments")
View = Callable[Arguments, ResponseReturnValue]
Page = Callable[[TesseraError | None], ResponseReturnValue]
"""Shows a form, with an error if there was one."""
GROUPS = {
    group.value: [(name, about) for name, about in FIELDS.items() if about.group is group and name != "no_repeats"]
    for group in Group
}
"""The fields of the form; no repeats are one use of a tile there."""
PICTURES = {path.stem: path.name for path in (Path(__file__).parents[1] / "static/options").iterdir()}
"""The small picture of each expert option, by its field; tests/browser/option_pictures.py makes them."""
CHOICES = {"groups": GROUPS, "looks": LOOKS, "set_by_looks": SET_BY_LOOKS, "pictures": PICTURES}


def is_changed(form: Mapping[str, str], name: str) -> bool:
    """Whether a form says of a field something else than its default."""
    return form.get(name, "") not in {"", FIELDS[name].default}


def order_form(template: str) -> Page:
    """Return the page of a form that orders mosaics."""

    def page(error: TesseraError | None) -> ResponseReturnValue:
        with reading() as session:
            tile_sets = queries.indexed_tile_sets(session)
        changed = {about.group.value for name, about in FIELDS.items() if is_changed(request.values, name)}
        return render_template(
            template, error=error, form=request.values, tile_sets=tile_sets, changed=changed, **CHOICES
        )

    return page


def or_again(page: Page) -> Callable[[View[Arguments]], View[Arguments]]:
    """Return a decorator that makes a view answer a foreseen failure with `page(error)` and the failure's status."""

    def decorate(view: View[Arguments]) -> View[Arguments]:
        @wraps(view)
        def shown(*args: Arguments.args, **kwargs: Arguments.kwargs) -> ResponseReturnValue:
            try:
                return view(*args, **kwargs)
            except TesseraError as error:
                response = make_response(page(error))
                response.status_code = status_of(error)
                return response

        return shown

    return decorate
