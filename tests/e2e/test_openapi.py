"""Every call of the OpenAPI document, with whatever fits its schemas and what does not: never a 5xx, and
every answer as the document says."""

from contextlib import suppress
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.e2e.client import Client

_CHECKS = (not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance)
_OPERATIONS = (
    "POST /generate",
    "POST /datasets",
    "GET /status/{report_id}",
    "GET /reports",
    "GET /reports/{report_id}/download",
    "POST /reports/{report_id}/cancel",
    "DELETE /reports/{report_id}",
    "POST /reports/{report_id}/rerun",
    "GET /report-types",
    "GET /report-types/{name}",
    "GET /dead-letters",
    "POST /dead-letters/redrive",
    "GET /health",
)


def test_the_list_of_operations_is_that_of_the_document(service: Client) -> None:
    document = service.call("GET", "/openapi.json").json
    found = {f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods}
    assert found == set(_OPERATIONS)


@pytest.fixture(scope="module")
def report_id(everything: Client) -> str:
    """A report that is there, since no id of a schema is."""
    table = {"title": "t", "columns": [{"key": "a"}], "rows": [["1"]]}
    status, _ = everything.make({"table": table, "format": "csv"})
    return str(status["id"])


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize("name", _OPERATIONS)
def test_whatever_is_sent_the_answer_is_as_documented(
    everything: Client, report_id: str, name: str, mode: GenerationMode
) -> None:
    schema = schemathesis.openapi.from_dict(everything.call("GET", "/openapi.json").json)
    method, path = name.split()
    operation = schema[path][method]
    strategy = operation.as_strategy(generation_mode=mode)

    @given(case=strategy)
    @settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
    def answers_as_documented(case: Any) -> None:
        check(case)
        if "report_id" in case.path_parameters:
            case.path_parameters = {"report_id": report_id}
            check(case)

    def check(case: Any) -> None:
        response = case.call(
            base_url=everything.base,
            headers={"authorization": f"Bearer {everything.token}"},
            allow_redirects=False,
            timeout=60,
        )
        case.validate_response(response, checks=list(_CHECKS))

    # Without a parameter or a body there is nothing that could be wrong.
    with suppress(Unsatisfiable):
        answers_as_documented()
