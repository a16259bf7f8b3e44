"""The state machine: every allowed transition, and a named error for every other pair."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting.errors import ForbiddenTransition
from reporting.states import DONE, HELD, TRANSITIONS, Event, Status, next_status

ALLOWED = {
    ("queued", "claim"): "running",
    ("queued", "cancel"): "cancelled",
    ("queued", "fail"): "failed",
    ("retrying", "claim"): "running",
    ("retrying", "cancel"): "cancelled",
    ("retrying", "fail"): "failed",
    ("running", "succeed"): "succeeded",
    ("running", "retry"): "retrying",
    ("running", "fail"): "failed",
    ("running", "cancel"): "cancelling",
    ("cancelling", "cancel"): "cancelling",
    ("cancelling", "stop"): "cancelled",
    ("cancelled", "cancel"): "cancelled",
    ("succeeded", "expire"): "expired",
    ("failed", "expire"): "expired",
    ("cancelled", "expire"): "expired",
    ("failed", "redrive"): "queued",
}


@pytest.mark.parametrize(("status", "event"), list(itertools.product(Status, Event)))
def test_every_pair_leads_where_the_contract_says_or_is_a_named_error(status: Status, event: Event) -> None:
    target = ALLOWED.get((status.value, event.value))
    if target is not None:
        assert next_status(status, event) == target
    else:
        with pytest.raises(ForbiddenTransition, match=f"A report that is {status.value} can't take the step"):
            next_status(status, event)


@given(st.lists(st.sampled_from(Event), max_size=20))
def test_a_report_that_is_done_never_turns_into_another_end(events: list[Event]) -> None:
    status, ends = Status.QUEUED, []
    for event in events:
        if event is not Event.REDRIVE and (status, event) in TRANSITIONS:
            status = next_status(status, event)
        if status.done:
            ends.append(status)
    # But for an operator's redrive, the one way on from an end is to expire.
    order = list(dict.fromkeys(ends))
    assert order[:1] != [Status.EXPIRED]
    assert order[1:] in ([], [Status.EXPIRED])


def test_a_cancel_that_came_first_can_not_be_overwritten_by_a_success() -> None:
    with pytest.raises(ForbiddenTransition):
        next_status(Status.CANCELLING, Event.SUCCEED)


def test_done_and_held_are_apart() -> None:
    assert not DONE & HELD
