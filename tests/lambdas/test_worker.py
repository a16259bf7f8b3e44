"""The worker's own view of its time."""

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

from worker.handler import seconds_left


def call_with(seconds: float) -> LambdaContext:
    """A call of which the runtime says that it has so many seconds left."""

    class Call(LambdaContext):
        @staticmethod
        def get_remaining_time_in_millis() -> int:
            return int(seconds * 1000)

    return Call()


@pytest.mark.parametrize(("said", "taken"), [(840, 840), (60, 60), (-2760, 900), (540, 540), (4440, 900)])
def test_a_clock_that_is_wrong_neither_ends_a_report_at_once_nor_lets_it_run_for_ever(
    said: float, taken: float
) -> None:
    assert seconds_left(call_with(said)) == taken
