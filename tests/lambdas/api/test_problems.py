"""Every problem of a request is told at once, whatever part of it is wrong."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import parse_qs
from uuid import uuid4

import pytest

from api import routes
from api.documentation import openapi_json
from reporting.generation import Defaults, Generation
from reporting.quotas import EVERYONE, Quota, Quotas
from reporting.report_types import load_report_types
from reporting.wording import as_json

REPORT_TYPES = Path(__file__).parents[3] / "report_types"


@pytest.fixture(autouse=True)
def _parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """An API whose parts are not there: a request that is refused gets no further than being read."""
    nothing = cast(Any, None)
    generation = Generation(
        reports=nothing,
        dispatcher=nothing,
        snapshots=nothing,
        store=nothing,
        discards=nothing,
        datasets=nothing,
        catalogue=load_report_types(REPORT_TYPES),
        estimator=nothing,
        lanes=nothing,
        defaults=Defaults(locale="en", timezone="UTC", max_attempts=3),
        quotas=Quotas({EVERYONE: Quota(rows_per_report=1)}),
    )
    settings = SimpleNamespace(tenant_claim="tenant", max_body_bytes=5_000_000)
    api = SimpleNamespace(settings=settings, generation=generation)
    monkeypatch.setattr(routes, "bootstrap", lambda: api)


def refused(
    method: str,
    path: str,
    *,
    query: dict[str, list[str]] | None = None,
    body: object = None,
    key: str | None = None,
    keys: dict[str, list[str]] | None = None,
) -> list[tuple[str, str, str]]:
    """(pointer, code, detail) of each problem that a call is answered with.

    ``keys`` are the headers of ``key`` as they were spelled.
    """
    path, _, text = path.partition("?")
    query = query or parse_qs(text, keep_blank_values=True)
    scopes = "reports/read reports/write reports/admin"
    event = {
        "httpMethod": method,
        "path": path,
        "resource": path,
        "headers": {} if key is None else {"Idempotency-Key": key},
        "multiValueHeaders": keys,
        "multiValueQueryStringParameters": query or None,
        "queryStringParameters": {name: texts[-1] for name, texts in query.items()} or None,
        "body": None if body is None else json.dumps(body),
        "isBase64Encoded": False,
        "requestContext": {
            "requestId": "r-1",
            "path": path,
            "authorizer": {"claims": {"tenant": "acme", "scope": scopes}},
        },
    }
    answer = routes.app.resolve(event, cast(Any, SimpleNamespace()))
    document = json.loads(answer["body"])
    expected = (422, "invalid_request") if key is None else (400, "invalid_idempotency_key")
    assert (answer["statusCode"], document["code"]) == expected, document
    return [(problem["pointer"], problem["code"], problem["detail"]) for problem in document["errors"]]


def test_a_name_that_is_too_long_for_an_answer_is_pointed_at_by_what_holds_it() -> None:
    table = {"title": "t", "columns": [{"key": "a"}], "x" * 1_000_000: 1, "rows": [{"y" * 1_000_000: 1}]}
    found = refused("POST", "/generate", body={"table": table})
    assert [(pointer, code) for pointer, code, _ in found] == [
        ("/table", "unknown_field"),
        ("/table/rows/0", "unknown_field"),
    ]


def test_every_parameter_of_a_listing_that_can_not_be_read_is_told() -> None:
    query = "status=done&status=failed&created_after=yesterday&created_before=2026-01-31&limit=500&cursor=x"
    statuses = '"queued", "running", "retrying", "cancelling", "succeeded", "failed", "cancelled", "expired"'
    moment = "must be a time with an offset such as 2026-01-31T00:00:00Z"
    assert set(refused("GET", f"/reports?{query}")) == {
        ("", "invalid_parameter", f'status: must be one of {statuses}, got "done"'),
        ("", "invalid_parameter", f'created_after: {moment}, got "yesterday"'),
        ("", "invalid_parameter", f'created_before: {moment}, got "2026-01-31"'),
        ("", "invalid_parameter", 'limit: must be at most 100, got "500"'),
        ("", "invalid_cursor", 'cursor: is not one that a listing has given out, got "x"'),
    }


@pytest.mark.parametrize(
    "keys",
    [
        {"Idempotency-Key": ["a", "b"]},
        {"Idempotency-Key": ["a"], "idempotency-key": ["b"]},
        {"IDEMPOTENCY-KEY": ["a", "a", "b"]},
    ],
)
@pytest.mark.parametrize("path", ["/generate", "/generate?validate_only=true", "/reports/x/rerun"])
def test_two_keys_that_differ_are_none(keys: dict[str, list[str]], path: str) -> None:
    table = {"title": "t", "columns": [{"key": "a"}], "rows": []}
    [(pointer, code, detail)] = refused("POST", path, body={"table": table}, key="b", keys=keys)
    assert (pointer, code) == ("", "invalid_idempotency_key")
    assert detail.endswith('got "a\\nb" (3 characters)')


def test_a_key_that_stands_twice_is_one() -> None:
    keys = {"Idempotency-Key": ["a", "a"], "idempotency-key": ["a"]}
    found = refused("POST", "/generate?validate_only=true", body={}, keys=keys)
    assert [code for _, code, _ in found] == ["required"]


@pytest.mark.parametrize("name", ["created_after", "created_before", "cursor", "limit", "status"])
@pytest.mark.parametrize("value", ["\ud800", "", "\x00", "null", "9" * 5000, "1e400"])
def test_whatever_a_parameter_holds_it_is_no_fault_of_the_service(name: str, value: str) -> None:
    for values in ([value], [value, value]):
        details = [detail for _, _, detail in refused("GET", "/reports", query={name: values})]
        assert details
        assert all(detail.encode().startswith(f"{name}: ".encode()) for detail in details)


@pytest.mark.parametrize("path", ["/reports", "/dead-letters"])
@pytest.mark.parametrize("text", ["1_0", "5.0", "+5", " 5", "5 ", "5\n", "٥", "0x5", "1e1", ""])
def test_a_whole_number_is_written_in_digits(path: str, text: str) -> None:
    (found,) = refused("GET", path, query={"limit": [text]})
    assert found == ("", "invalid_parameter", f"limit: must be a whole number, got {as_json(text)}")


@pytest.mark.parametrize("text", ["0", "-5", "101", "0101"])
def test_a_whole_number_that_is_out_of_range_is_told_the_range(text: str) -> None:
    ((_, _, detail),) = refused("GET", "/reports", query={"limit": [text]})
    assert detail.startswith("limit: must be at "), detail
    assert detail.endswith(f'got "{text}"')


def test_every_parameter_of_the_dead_letters_that_can_not_be_read_is_told() -> None:
    assert set(refused("GET", "/dead-letters?limit=x&cursor=ä")) == {
        ("", "invalid_parameter", 'limit: must be a whole number, got "x"'),
        ("", "invalid_cursor", 'cursor: is not one that a listing has given out, got "ä"'),
    }


def test_a_parameter_that_an_operation_does_not_have_is_told_beside_those_that_can_not_be_read() -> None:
    names = "created_after, created_before, cursor, limit, report_type, status"
    query = "stauts=failed&limit=x&report_type=a&report_type=b&status=failed&status=queued"
    assert set(refused("GET", f"/reports?{query}")) == {
        ("", "unknown_parameter", f'"stauts": there is no such parameter; allowed: {names}'),
        ("", "invalid_parameter", 'limit: must be a whole number, got "x"'),
        ("", "invalid_parameter", "report_type: must be a string, got an array"),
    }


@pytest.mark.parametrize(
    "call",
    [
        f"{method.upper()} {path}"
        for path, methods in json.loads(openapi_json(routes.app))["paths"].items()
        for method, operation in methods.items()
        if operation.get("security")
    ],
)
def test_no_operation_with_a_token_takes_a_parameter_that_it_does_not_have(call: str) -> None:
    method, path = call.replace("{report_id}", str(uuid4())).split()
    ((_, code, detail),) = refused(method, path, query={"\ud800dry_run": ["true"]}, body={})
    assert code == "unknown_parameter"
    assert detail.startswith('"\\ud800dry_run": there is no such parameter; allowed: ')


def test_what_takes_no_token_takes_any_parameter() -> None:
    event = {"httpMethod": "GET", "path": "/openapi.json", "queryStringParameters": {"v": "2"}}
    answer = routes.app.resolve({**event, "requestContext": {}}, cast(Any, SimpleNamespace()))
    assert answer["statusCode"] == 200


@pytest.mark.parametrize("path", ["/generate", "/generate?validate_only=true"])
def test_a_wrong_key_and_too_many_rows_are_told_beside_what_is_wrong_with_the_body(path: str) -> None:
    table = {"title": "t", "columns": [{"key": "a", "type": "money"}], "rows": [[1], [2, 3]]}
    found = refused("POST", path, body={"table": table, "zz": 1}, key=" k")
    assert [(pointer, code) for pointer, code, _ in found] == [
        ("", "invalid_idempotency_key"),
        ("/table/rows", "row_quota"),
        ("/table/columns/0/type", "not_allowed"),
        ("/zz", "unknown_field"),
        ("/table/rows/1", "wrong_cell_count"),
    ]
    assert found[0][2] == (
        "Idempotency-Key: must have 1 to 255 printable ASCII characters without a blank at either end, "
        'got " k" (2 characters)'
    )


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, [("", "required", "give ids or a report_id")]),
        (
            {"idz": [1]},
            [
                ("/idz", "unknown_field", "there is no such field; allowed: ids, report_id"),
                ("", "required", "give ids or a report_id"),
            ],
        ),
        (
            {"ids": [0, "1"], "report_id": "x"},
            [
                ("/ids/0", "out_of_range", "must be at least 1, got 0"),
                ("/ids/1", "wrong_type", 'must be a whole number, got "1"'),
                ("/report_id", "out_of_range", "must have 36 or more characters, got 1"),
                ("/report_id", "not_allowed", "give either ids or a report_id"),
            ],
        ),
    ],
)
def test_every_problem_of_a_redrive_is_told(body: object, expected: list[tuple[str, str, str]]) -> None:
    assert refused("POST", "/dead-letters/redrive", body=body) == expected


def test_the_document_says_that_times_of_a_listing_are_times() -> None:
    parameters = json.loads(openapi_json(routes.app))["paths"]["/reports"]["get"]["parameters"]
    schemas = {parameter["name"]: json.dumps(parameter["schema"]) for parameter in parameters}
    assert '"format": "date-time"' in schemas["created_after"]
    assert '"format": "date-time"' in schemas["created_before"]
