"""A form that was filled in wrongly is shown again, with the reason and what was typed."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

from flask import make_response
from flask.typing import ResponseReturnValue

from models.errors import TesseraError
from web.problems import status_of

Arguments = ParamSpec("Arguments")
View = Callable[Arguments, ResponseReturnValue]


def or_again(
    page: Callable[[TesseraError | None], ResponseReturnValue],
) -> Callable[[View[Arguments]], View[Arguments]]:
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
