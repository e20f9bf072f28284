"""Which state may follow which, as the design says it."""

import pytest

from models import errors
from models.rules.lifecycle import NEXT, JobState, before

DESIGN = {
    "queued": {"running", "cancelled"},
    "running": {"succeeded", "failed", "cancelled", "queued"},
    "succeeded": set(),
    "failed": set(),
    "cancelled": set(),
}


@pytest.mark.parametrize("state", list(JobState))
def test_what_may_follow_a_state_is_what_the_design_says(state):
    assert NEXT[state] == DESIGN[state.value]


@pytest.mark.parametrize("state", list(JobState))
def test_what_may_come_before_a_state_is_what_the_design_says(state):
    assert set(before(state)) == {earlier for earlier, later in DESIGN.items() if state.value in later}


@pytest.mark.parametrize(
    ("state", "final"),
    [("queued", False), ("running", False), ("succeeded", True), ("failed", True), ("cancelled", True)],
)
def test_only_the_three_last_states_are_final(state, final):
    assert JobState(state).final is final


def every_error(root=errors.TesseraError):
    return [root, *(leaf for child in root.__subclasses__() for leaf in every_error(child))]


def test_every_foreseen_failure_has_a_code_of_its_own():
    found = [error for error in every_error() if error.__module__ == "models.errors"]
    of_another_code = {errors.UnusablePicture, errors.BlobMissing}
    codes = [error.code for error in found if error not in of_another_code]
    assert sorted(codes) == sorted(set(codes))
