"""Domain errors as HTTP."""

import json

from api.problems import problem_response
from reporting.errors import StatementTooLarge


def test_a_request_that_the_database_does_not_take_is_413_and_not_to_be_repeated() -> None:
    """Case E15."""
    answer = problem_response(StatementTooLarge(size=2_000_000, limit=1_048_575), request_id="r")
    document = json.loads(str(answer.body))
    assert (answer.status_code, document["code"]) == (413, "too_large_to_store")
    assert document["retryable"] is False
    assert "2000000" in document["detail"]
