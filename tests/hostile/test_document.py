"""What a program makes up from the OpenAPI document gets no answer but those that the document foresees.

`make fuzz` makes up more.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from itertools import product
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, reject, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from models.services import Services

CASES = int(os.environ.get("TESSERA_FUZZ_CASES", "2"))
"""Of each endpoint, as it likes and with what is really there, right and wrong."""
SEED = int(os.environ.get("TESSERA_FUZZ_SEED", "1"))
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
SAFE = ("get", "head", "options")
"""Methods that change nothing. Source: RFC 9110, section 9.2.1."""
UNHURRIED = settings(
    max_examples=CASES, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
)


@pytest.mark.parametrize(("kind", "mode"), [("sqlite", "embedded"), ("postgresql", "server")])
def test_every_answer_is_one_that_the_document_foresees(
    request: pytest.FixtureRequest, populated: Callable[..., Any], target: bytes, kind: str, mode: str
) -> None:
    services: Services = request.getfixturevalue(f"{kind}_services")
    first = populated(services, mode)
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", first.app, headers=first.headers)
    operations = [each.ok() for each in schema.get_all_operations()]
    asked, world = 0, first
    for operation in operations:
        known = {each.name: world.ids[each.name] for each in operation.path_parameters}
        for wrong, ids in product(GenerationMode, ({}, known)):
            asked += ask(operation.as_strategy(wrong, path_parameters=ids), world, target)
        if operation.method.lower() not in SAFE:
            # It may have deleted what there is, and the next is to find everything.
            world = populated(services, mode, first)
    assert len(operations) > 20
    assert asked >= len(operations) * CASES * 2


def ask(cases: st.SearchStrategy[Case], world: Any, target: bytes) -> int:
    """Send what is made up, and again with a tile set and a target that are there; return how often."""
    asked = 0

    @seed(SEED)
    @UNHURRIED
    @given(st.data())
    def send(drawn: st.DataObject) -> None:
        nonlocal asked
        try:
            case = drawn.draw(cases)
        except ValueError:
            # schemathesis 4.32 cannot judge some of the wrong files that it makes up itself.
            reject()
        asked += 1
        case.call_and_validate(headers=world.headers, checks=CHECKS)
        if isinstance(case.body, dict) and "tile_set" in case.body:
            case.body |= {"tile_set": world.ids["tile_set_id"], "target": target, "targets": [target]}
            case.call_and_validate(headers=world.headers, checks=CHECKS)

    # What takes nothing can be asked nothing wrong.
    with suppress(Unsatisfiable):
        send()
    return asked


def test_what_needs_the_token_is_refused_without_it(
    sqlite_services: Services, populated: Callable[..., Any], target: bytes
) -> None:
    world = populated(sqlite_services, "server")
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", world.app, headers=world.headers)
    operations = [each.ok() for each in schema.get_all_operations()]
    assert len(operations) > 50
    for operation in operations:
        for headers in ({}, {"Authorization": "Bearer another"}, {"Authorization": "Basic eDp5"}):
            case = operation.Case(
                path_parameters={each.name: world.ids[each.name] for each in operation.path_parameters}
            )
            response = case.call(headers=headers)
            assert response.status_code == 401
            case.validate_response(response, checks=CHECKS)
