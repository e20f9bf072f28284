"""A form that was filled in wrongly is shown again, with the reason and what was typed."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

from flask import make_response, render_template, request
from flask.typing import ResponseReturnValue

from models import queries
from models.errors import TesseraError
from models.rules.formats import Format
from models.rules.orders import LossName
from web.context import reading
from web.problems import status_of

Arguments = ParamSpec("Arguments")
View = Callable[Arguments, ResponseReturnValue]
Page = Callable[[TesseraError | None], ResponseReturnValue]
"""Shows a form, with what was wrong with it if anything was."""


def order_form(template: str) -> Page:
    """Return the page of a form that orders mosaics."""

    def page(error: TesseraError | None) -> ResponseReturnValue:
        with reading() as session:
            tile_sets = queries.tile_sets(session, indexed_only=True)
        return render_template(
            template,
            error=error,
            form=request.values,
            tile_sets=tile_sets,
            losses=list(LossName),
            formats=list(Format),
        )

    return page


def or_again(page: Page) -> Callable[[View[Arguments]], View[Arguments]]:
    """Make a view answer a foreseen failure with `page(error)`, under the failure's status."""

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
