"""What the gateway hands to a function and makes of its answer, over HTTP with the real gateway server."""

import asyncio
import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp import web

from local.credentials import Credentials
from local.deployment import Route
from local.functions import Answer, Functions
from local.gateway.server import Gateway
from local.gateway.tokens import Authorizer, issue_token
from local.ports import LOOPBACK
from tests.local.deployments import small_deployment

KEYS = Credentials.generate()
ROUTES = (
    Route(method="POST", path="/generate", function="api", scopes=("reports/write",)),
    Route(method="GET", path="/status/{report_id}", function="api", scopes=("reports/read",)),
    Route(method="GET", path="/openapi.json", function="api", scopes=None),
)
OK = json.dumps({"statusCode": 200, "body": "ok"}).encode()


class Recorder(Functions):
    """Gives one answer to every call, and keeps the events."""

    def __init__(self, answer: Answer) -> None:
        self.events: list[dict[str, Any]] = []
        self._answer = answer

    async def invoke(self, name: str, payload: bytes) -> Answer:
        assert name == "api"
        self.events.append(json.loads(payload))
        return self._answer


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """A response and the events that led to it; ``headers`` have lower-case names."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    events: list[dict[str, Any]]

    @property
    def event(self) -> dict[str, Any]:
        [event] = self.events
        return event

    @property
    def problem(self) -> tuple[int, str]:
        assert self.headers["content-type"] == "application/problem+json"
        document = json.loads(self.body)
        assert document["status"] == self.status
        return self.status, document["code"]


def exchange(
    request_line: str,
    *headers: str,
    body: bytes = b"",
    scope: str | None = "reports/read reports/write",
    payload: bytes = OK,
    failed: bool = False,
) -> Exchange:
    """Send one request, byte by byte as it stands here; the function answers ``payload``."""
    functions = Recorder(Answer(payload, failed=failed))
    lines = [f"{request_line} HTTP/1.1", "Host: local", "Connection: close", *headers]
    if scope is not None:
        token = issue_token(KEYS.token_private_key, tenant="acme", scopes=scope.split(), ttl_seconds=60)
        lines.append(f"Authorization: Bearer {token}")
    if body and not any(line.startswith("Transfer-Encoding") for line in headers):
        lines.append(f"Content-Length: {len(body)}")
    answer = asyncio.run(_send(functions, "\r\n".join(lines).encode() + b"\r\n\r\n" + body))
    head, _, content = answer.partition(b"\r\n\r\n")
    status_line, *fields = head.decode().split("\r\n")
    pairs = (field.split(": ", 1) for field in fields)
    return Exchange(
        status=int(status_line.split()[1]),
        headers={name.lower(): value for name, value in pairs},
        body=content,
        events=functions.events,
    )


async def _send(functions: Functions, request: bytes) -> bytes:
    gateway = Gateway(
        small_deployment(routes=ROUTES), functions=functions, authorizer=Authorizer(KEYS.token_private_key)
    )
    runner = web.ServerRunner(gateway.server(), shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, LOOPBACK, 0).start()
        async with asyncio.timeout(30):
            reader, writer = await asyncio.open_connection(*runner.addresses[0])
            writer.write(request)
            try:
                head = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"\r\ncontent-length: (\d+)", head.lower())
                return head + await reader.readexactly(int(length[1]) if length else 0)
            finally:
                writer.close()
    finally:
        await runner.cleanup()


def test_an_event_says_what_was_asked_of_which_route() -> None:
    event = exchange("GET /status/abc?x=1", "User-Agent: test").event
    assert (event["resource"], event["path"], event["httpMethod"]) == (
        "/status/{report_id}",
        "/status/abc",
        "GET",
    )
    assert event["pathParameters"] == {"report_id": "abc"}
    assert (event["body"], event["isBase64Encoded"], event["stageVariables"]) == (None, False, None)
    context = event["requestContext"]
    assert (context["resourcePath"], context["httpMethod"]) == ("/status/{report_id}", "GET")
    assert context["identity"] == {"sourceIp": LOOPBACK, "userAgent": "test"}
    assert context["requestId"]
    assert context["requestTimeEpoch"] > 1_700_000_000_000


def test_repeated_headers_and_parameters_come_all_and_the_last_one_counts() -> None:
    event = exchange("GET /status/a?x=1&y=&x=2%202", "X-A: 1", "x-b: 3", "X-A: 2").event
    assert event["queryStringParameters"] == {"x": "2 2", "y": ""}
    assert event["multiValueQueryStringParameters"] == {"x": ["1", "2 2"], "y": [""]}
    assert event["multiValueHeaders"]["X-A"] == ["1", "2"]
    assert (event["headers"]["X-A"], event["headers"]["x-b"]) == ("2", "3")


def test_without_parameters_the_maps_are_null() -> None:
    event = exchange("GET /openapi.json", scope=None).event
    for field in ("queryStringParameters", "multiValueQueryStringParameters", "pathParameters"):
        assert event[field] is None
    assert "authorizer" not in event["requestContext"]


def test_a_path_parameter_stays_percent_encoded_as_api_gateway_has_it() -> None:
    assert exchange("GET /status/a%2Fb%20%C3%A9").event["pathParameters"] == {"report_id": "a%2Fb%20%C3%A9"}
    assert exchange("GET /status/a/b").problem == (404, "not_found")


def test_claims_arrive_as_texts() -> None:
    claims = exchange("GET /status/a").event["requestContext"]["authorizer"]["claims"]
    assert (claims["tenant"], claims["scope"]) == ("acme", "reports/read reports/write")
    assert {type(value) for value in claims.values()} == {str}


@pytest.mark.parametrize("sent", ['{"a": "é"}'.encode(), b"\x00\xff", b"\x1f\x8b\x08\x00"])
def test_a_body_comes_byte_for_byte_as_base64(sent: bytes) -> None:
    event = exchange("POST /generate", "Content-Encoding: gzip", body=sent).event
    assert event["isBase64Encoded"]
    assert base64.b64decode(event["body"]) == sent


def test_no_body_is_none() -> None:
    assert exchange("POST /generate").event["body"] is None


def test_who_may_not_call_never_reaches_the_function() -> None:
    for refused, problem in (
        (exchange("GET /status/a", scope=None), (401, "unauthorized")),
        (exchange("GET /status/a", scope="reports/write"), (403, "insufficient_scope")),
        (exchange("GET /status/a", scope="reports/reader"), (403, "insufficient_scope")),
        (exchange("DELETE /status/a"), (404, "not_found")),
        (exchange("GET /openapiXjson"), (404, "not_found")),
    ):
        assert refused.problem == problem
        assert refused.events == []
    assert exchange("GET /status/a", scope=None).headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_above_the_limit_is_refused_as_a_problem(*, chunked: bool) -> None:
    size = 11 * 1024 * 1024
    if chunked:
        body = f"{size:x}\r\n".encode() + b" " * size + b"\r\n0\r\n\r\n"
        refused = exchange("POST /generate", "Transfer-Encoding: chunked", body=body)
    else:
        # The length alone is enough: nothing of such a body is read.
        refused = exchange("POST /generate", f"Content-Length: {size}")
    assert refused.problem == (413, "body_too_large")
    assert refused.events == []


def test_an_event_above_what_a_call_may_carry_is_refused_as_a_problem() -> None:
    refused = exchange("POST /generate", body=b"\xff" * (5 * 1024 * 1024))
    assert refused.problem == (413, "body_too_large")


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        {},
        {"statusCode": None},
        {"statusCode": 99},
        {"statusCode": 1000},
        {"statusCode": 1e999},
        {"statusCode": 200, "body": 5},
        {"statusCode": 200, "body": {}},
        {"statusCode": 200, "body": "*", "isBase64Encoded": True},
        {"statusCode": 200, "body": "\ud800"},
        {"statusCode": 200, "headers": "x"},
        {"statusCode": 200, "headers": ["x"]},
        {"statusCode": 200, "headers": {"X-A": {"b": 1}}},
        {"statusCode": 200, "headers": {"X-A": "1\r\nX-B: 2"}},
        {"statusCode": 200, "headers": {"X A\n": "1"}},
        {"statusCode": 200, "multiValueHeaders": {"X-A": 1}},
        {"statusCode": 200, "multiValueHeaders": {"X-A": ["\n"]}},
    ],
)
def test_a_broken_answer_of_a_function_is_a_bad_gateway(answer: object) -> None:
    assert exchange("GET /status/a", payload=json.dumps(answer).encode()).problem == (502, "bad_gateway")


def test_a_failed_function_is_a_bad_gateway_and_its_error_stays_inside() -> None:
    error = b'{"errorType": "KeyError", "errorMessage": "secret"}'
    failed = exchange("GET /status/a", payload=error, failed=True)
    assert failed.problem == (502, "bad_gateway")
    assert b"secret" not in failed.body


def test_headers_of_an_answer_that_are_no_texts_are_written_as_texts() -> None:
    answer = {"statusCode": 200, "headers": {"X-N": 1, "X-T": True}, "multiValueHeaders": {"X-M": [2]}}
    headers = exchange("GET /status/a", payload=json.dumps(answer).encode()).headers
    assert (headers["x-n"], headers["x-t"], headers["x-m"]) == ("1", "true", "2")
