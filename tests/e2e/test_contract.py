"""The API's contract: who may call, what is refused and how, what is repeated."""

import json
import time
from typing import Any

import pytest
from openapi_spec_validator import validate

from local.testing import PlatformHandle
from tests.e2e.client import Client

TABLE: dict[str, Any] = {"title": "t", "columns": [{"key": "a"}], "rows": [["1"]]}
CHART = {"kind": "bar", "title": "t", "category": "x" * 90}
UNKNOWN = "0190f5fe-7c00-7a00-8000-000000000000"


def problem(answer: Any, *, status: int, code: str) -> dict[str, Any]:
    """Check what every problem has and return it."""
    assert answer.status == status, answer.data
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = answer.json
    assert document.keys() >= {
        "type",
        "title",
        "status",
        "detail",
        "code",
        "request_id",
        "retryable",
        "errors",
    }
    assert (document["status"], document["code"]) == (status, code)
    return document


@pytest.mark.parametrize("token", [None, "", "nonsense", "a.b.c"])
@pytest.mark.parametrize(("method", "path"), [("POST", "/generate"), ("GET", f"/status/{UNKNOWN}")])
def test_a_call_without_a_valid_token_is_401(
    service: Client, token: str | None, method: str, path: str
) -> None:
    answer = service.with_token(token).call(method, path, body={} if method == "POST" else None)
    problem(answer, status=401, code="unauthorized")


def test_a_token_whose_signature_was_touched_is_401(service: Client) -> None:
    assert service.token is not None
    head, payload, signature = service.token.split(".")
    touched = signature[:-5] + ("A" if signature[-5] != "A" else "B") + signature[-4:]
    answer = service.with_token(f"{head}.{payload}.{touched}").call("GET", f"/status/{UNKNOWN}")
    problem(answer, status=401, code="unauthorized")


def test_a_token_without_the_scope_is_403(service: Client, platform: PlatformHandle) -> None:
    reader = service.with_token(platform.token("acme", ["reports/read"]))
    problem(reader.call("POST", "/generate", body={"table": TABLE}), status=403, code="insufficient_scope")
    writer = service.with_token(platform.token("acme", ["reports/write"]))
    problem(writer.call("GET", f"/status/{UNKNOWN}"), status=403, code="insufficient_scope")


def test_another_tenants_report_does_not_exist(service: Client, platform: PlatformHandle) -> None:
    """Case F13."""
    report_id = service.generate({"table": TABLE})["id"]
    other = service.with_token(platform.token("other", ["reports/read"]))
    foreign = problem(other.call("GET", f"/status/{report_id}"), status=404, code="not_found")
    unknown = problem(other.call("GET", f"/status/{UNKNOWN}"), status=404, code="not_found")
    assert foreign["detail"].replace(report_id, "") == unknown["detail"].replace(UNKNOWN, "")
    problem(other.call("GET", f"/reports/{report_id}/download"), status=404, code="not_found")


@pytest.mark.parametrize(
    "path", ["/status/1", "/status/x'%20OR%201=1", "/status/..%2f..", f"/status/{UNKNOWN.upper()}"]
)
def test_what_is_no_id_is_not_found(service: Client, path: str) -> None:
    problem(service.call("GET", path), status=404, code="not_found")


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [
        (b'{"a":NaN}', 400, "invalid_json"),
        (b'{"a":1e400}', 400, "number_out_of_range"),
        (b'{"n":1' + b"0" * 4301 + b"}", 400, "number_out_of_range"),
        (b"[" * 100_000 + b"]" * 100_000, 400, "nesting_too_deep"),
        (b'{"format":"xlsx","format":"pdf"}', 400, "duplicate_key"),
        (b'{"a":"\xff"}', 400, "invalid_utf8"),
        (b'{"table":{"rows":[["bad \\ud83d end"]]}}', 400, "invalid_unicode"),
        ('{"a":1}'.encode("utf-16"), 400, "invalid_utf8"),
        (b"5", 400, "not_an_object"),
        (b"null", 400, "not_an_object"),
        (b"[]", 400, "not_an_object"),
        (b'""', 400, "not_an_object"),
        (b"", 400, "empty_body"),
        (b"\xef\xbb\xbf{}", 422, "invalid_request"),
        (b"{} trailing", 400, "invalid_json"),
        (b"{}", 422, "invalid_request"),
        (b'{"colums":[]}', 422, "invalid_request"),
        (b'{"report_type":"no_such_type"}', 422, "invalid_request"),
        (b'{"report_type":"order_ledger","parameters":{"from":5}}', 422, "invalid_request"),
        (b'{"report_type":"order_ledger","locale":"xx-ZZ"}', 422, "invalid_request"),
        (b'{"report_type":"order_ledger","timezone":"Mars/Phobos"}', 422, "invalid_request"),
        (b'{"limit":true}', 422, "invalid_request"),
    ],
)
def test_a_bad_body_is_a_problem_and_never_a_500(service: Client, raw: bytes, status: int, code: str) -> None:
    # Cases C15 and C17, through the gateway.
    problem(service.call("POST", "/generate", raw=raw), status=status, code=code)


@pytest.mark.parametrize("size", [4_500_001, 6_100_000], ids=["of-the-function", "of-lambda"])
def test_c16_a_body_above_a_limit_is_413_and_says_what_to_do(service: Client, size: int) -> None:
    refused = problem(service.call("POST", "/generate", raw=b"x" * size), status=413, code="body_too_large")
    assert "dataset" in refused["title"]


def test_c16_rows_of_4_4_mb_are_taken_and_no_message_holds_them(
    service: Client, platform: PlatformHandle
) -> None:
    rows = [[f"{number:06d}" + "x" * 992] for number in range(4380)]
    raw = json.dumps({"table": {**TABLE, "rows": rows}, "format": "csv"}).encode()
    assert 4_390_000 < len(raw) < 4_450_000
    answer = service.call("POST", "/generate", raw=raw)
    assert answer.status == 202, answer.data
    assert service.wait(answer.json["id"])["result"]["row_count"] == len(rows)
    [[body]] = platform.query(f"SELECT body FROM prensa.outbox WHERE report_id = '{answer.json['id']}'")
    assert json.loads(body).keys() == {"report_id", "attempt", "schema_version", "traceparent"}


@pytest.mark.parametrize("path", ["/generate", "/datasets"])
@pytest.mark.parametrize(
    "body",
    [
        {"~/" * 2_000_000: 1},
        {f"f{number}": 1 for number in range(300_000)},
        {"table": {**TABLE, "group_by": ["g" * 4_000_000]}},
        {"table": {**TABLE, "charts": [{**CHART, "values": ["v" * 999_999] * 4}]}},
    ],
    ids=["a long name", "many names", "a long key", "long keys"],
)
def test_the_problems_of_a_large_body_are_a_small_answer(
    service: Client, path: str, body: dict[str, Any]
) -> None:
    answer = service.call("POST", path, body=body)
    assert 1 <= len(problem(answer, status=422, code="invalid_request")["errors"]) <= 100
    assert len(answer.data) < 500_000


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "text/csv"},
        {"content-type": "application/json; charset=latin-1"},
        {"content-encoding": "gzip"},
    ],
)
def test_another_media_type_is_415(service: Client, headers: dict[str, str]) -> None:
    answer = service.call("POST", "/generate", raw=b"{}", headers=headers)
    problem(answer, status=415, code="unsupported_media_type")


def test_every_problem_of_a_body_is_told_with_its_pointer(service: Client) -> None:
    body = {
        "table": {"title": "t", "columns": [{"key": "a", "type": "money"}], "rows": [[1, 2], ["x"]]},
        "format": "docx",
        "colums": [],
    }
    document = problem(service.call("POST", "/generate", body=body), status=422, code="invalid_request")
    assert {(p["pointer"], p["code"]) for p in document["errors"]} == {
        ("/table/columns/0/type", "not_allowed"),
        ("/table/rows/0", "wrong_cell_count"),
        ("/format", "not_allowed"),
        ("/colums", "unknown_field"),
    }
    assert all(p["detail"] for p in document["errors"])


def test_nothing_is_stored_of_a_refused_request(service: Client, platform: PlatformHandle) -> None:
    tenant = "refused"
    client = service.with_token(platform.token(tenant, ["reports/write"]))
    for raw in (b'{"colums":[]}', b'{"a":NaN}', b"{}"):
        assert client.call("POST", "/generate", raw=raw, headers={"idempotency-key": "K"}).status >= 400
    assert platform.query(f"SELECT COUNT(*) FROM prensa.reports WHERE tenant = '{tenant}'")[0][0] == 0
    assert (
        platform.query(f"SELECT COUNT(*) FROM prensa.idempotency_keys WHERE tenant = '{tenant}'")[0][0] == 0
    )


def test_validate_only_stores_nothing_and_estimates(service: Client) -> None:
    answer = service.call("POST", "/generate?validate_only=true", body={"table": TABLE})
    assert answer.status == 200
    assert answer.json["estimate"] == {"rows": 1, "lane": "interactive"}
    ledger = service.call("POST", "/generate?validate_only=true", body={"report_type": "order_ledger"}).json
    assert ledger["estimate"]["lane"] == "bulk" or ledger["estimate"]["rows"] is None
    refused = service.call("POST", "/generate?validate_only=true", body={})
    problem(refused, status=422, code="invalid_request")


def test_an_accepted_request_says_where_to_look_and_when(service: Client) -> None:
    answer = service.call("POST", "/generate", body={"table": TABLE})
    assert answer.status == 202
    assert answer.headers["location"].endswith(f"/status/{answer.json['id']}")
    assert answer.headers["idempotency-replayed"] == "false"
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.json["status"] == "queued"
    assert answer.json["done"] is False


def test_c01_the_same_key_and_body_give_the_same_report_also_when_it_is_done(
    service: Client, platform: PlatformHandle
) -> None:
    key = f"k-{time.time_ns()}"
    first = service.generate({"table": TABLE, "format": "csv"}, idempotency_key=key)
    at_once = service.call(
        "POST", "/generate", body={"format": "csv", "table": TABLE}, headers={"idempotency-key": key}
    )
    assert (at_once.status, at_once.json["id"]) == (202, first["id"])
    service.wait(first["id"])
    reordered = b'{ "format":"csv", "table":' + json.dumps(TABLE).encode() + b"}"
    again = service.call("POST", "/generate", raw=reordered, headers={"idempotency-key": key})
    assert (again.status, again.json["id"]) == (202, first["id"])
    assert again.headers["idempotency-replayed"] == "true"
    other = service.call("POST", "/generate", body={"table": TABLE}, headers={"idempotency-key": key})
    problem(other, status=422, code="idempotency_key_reused")
    for table in ("reports WHERE id", "outbox WHERE report_id"):
        assert platform.query(f"SELECT COUNT(*) FROM prensa.{table} = '{first['id']}'") == ((1,),)
    made = platform.query(f"SELECT report_id FROM prensa.idempotency_keys WHERE idempotency_key = '{key}'")
    assert made == ((first["id"],),)


def test_c01_digits_count(service: Client) -> None:
    key = {"idempotency-key": f"k-{time.time_ns()}"}
    bodies = [json.dumps({"table": TABLE}).replace('"1"', digits).encode() for digits in ("1", "1.0", "1")]
    first, other, again = [service.call("POST", "/generate", raw=raw, headers=key) for raw in bodies]
    assert (first.status, again.status, again.json["id"]) == (202, 202, first.json["id"])
    problem(other, status=422, code="idempotency_key_reused")


def test_c02_a_key_with_another_body_is_422_whatever_its_report_does(service: Client) -> None:
    key = {"idempotency-key": f"k-{time.time_ns()}"}
    body = {"report_type": "order_ledger", "format": "pdf"}
    first = service.call("POST", "/generate", body=body, headers=key).json

    def with_another_body() -> None:
        for other in ({"table": TABLE}, {**body, "format": "csv"}):
            answer = service.call("POST", "/generate", body=other, headers=key)
            problem(answer, status=422, code="idempotency_key_reused")

    with_another_body()
    assert service.wait(first["id"], until="running")["status"] == "running"
    with_another_body()
    assert service.call("GET", f"/status/{first['id']}").json["status"] == "running", "it is left alone"
    assert service.call("POST", f"/reports/{first['id']}/cancel").status in (200, 202)
    ended = service.wait(first["id"])
    with_another_body()
    assert service.call("GET", f"/status/{first['id']}").json == ended


def test_a_key_belongs_to_its_tenant(service: Client, platform: PlatformHandle) -> None:
    # Case C04; its time in tests/lambdas/reporting/test_repository.py.
    key = f"k-{time.time_ns()}"
    mine = service.generate({"table": TABLE}, idempotency_key=key)
    other = service.with_token(platform.token("other", ["reports/write"]))
    theirs = other.generate({"table": TABLE, "format": "csv"}, idempotency_key=key)
    assert mine["id"] != theirs["id"]


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb", "schlüssel".encode().decode("latin-1")])
def test_c04_a_key_that_can_not_be_one_is_400(service: Client, key: str) -> None:
    for path in ("/generate", f"/reports/{UNKNOWN}/rerun"):
        answer = service.call("POST", path, body={"table": TABLE}, headers={"idempotency-key": key})
        problem(answer, status=400, code="invalid_idempotency_key")


def test_an_unchanged_status_is_304(service: Client) -> None:
    status, _ = service.make({"table": TABLE, "format": "csv"})
    first = service.call("GET", f"/status/{status['id']}")
    assert "retry-after" not in first.headers
    again = service.call("GET", f"/status/{status['id']}", headers={"if-none-match": first.headers["etag"]})
    assert (again.status, again.data) == (304, b"")
    other = service.call("GET", f"/status/{status['id']}", headers={"if-none-match": 'W/"1"'})
    assert other.status == 200


def test_download_redirects_to_a_fresh_link(service: Client) -> None:
    status, data = service.make({"table": TABLE, "format": "csv"})
    answer = service.call("GET", f"/reports/{status['id']}/download")
    assert answer.status == 302
    assert service.fetch(answer.headers["location"]).data == data


def test_a_report_without_a_file_can_not_be_downloaded(service: Client) -> None:
    """Case F08."""
    body = {"table": {**TABLE, "columns": [{"key": "a", "type": "date"}]}, "on_bad_value": "fail"}
    failed = service.wait(service.generate(body)["id"])
    assert failed["status"] == "failed"
    answer = service.call("GET", f"/reports/{failed['id']}/download")
    problem(answer, status=409, code="not_ready")


def test_a_link_with_any_piece_changed_is_refused(service: Client) -> None:
    status, _ = service.make({"table": TABLE, "format": "csv"})
    url = status["result"]["download"]["url"]
    path, query = url.split("?")
    pairs = dict(pair.split("=", 1) for pair in query.split("&"))
    signature = pairs["Signature"]
    flipped = ("A" if signature[10] != "A" else "B").join((signature[:10], signature[11:]))
    broken = [
        path,
        url.replace(signature, flipped),
        url.replace(f"Expires={pairs['Expires']}", f"Expires={int(pairs['Expires']) + 1}"),
        url.replace(f"Expires={pairs['Expires']}", "Expires=1"),
        url.replace(pairs["Key-Pair-Id"], "KOTHER"),
        url.replace(path, path[:-5] + ("0" if path[-5] != "0" else "1") + path[-4:]),
        url.replace("?", "?response-content-disposition=inline&"),
    ]
    assert service.fetch(url).status == 200
    assert [service.fetch(link).status for link in broken] == [403] * len(broken)


def test_an_expired_link_is_refused(service: Client, platform: PlatformHandle) -> None:
    status, _ = service.make({"table": TABLE, "format": "csv"})
    path = status["result"]["download"]["url"].split("?")[0]
    assert service.fetch(platform.sign_link(path, expires=int(time.time()) + 60)).status == 200
    assert service.fetch(platform.sign_link(path, expires=int(time.time()) - 5)).status == 403


def test_the_catalogue_describes_each_type(service: Client) -> None:
    listed = service.call("GET", "/report-types").json["report_types"]
    assert {"order_ledger", "monthly_sales", "customer_list", "order_notes"} <= {t["name"] for t in listed}
    ledger = service.call("GET", "/report-types/order_ledger").json
    assert ledger["parameters"]["type"] == "object"
    assert ledger["columns"]
    problem(service.call("GET", "/report-types/none"), status=404, code="not_found")


def test_the_openapi_document_is_valid_and_names_every_route(service: Client) -> None:
    document = service.with_token(None).call("GET", "/openapi.json").json
    validate(document)
    assert document["openapi"].startswith("3.1")
    assert set(document["paths"]) >= {
        "/generate",
        "/datasets",
        "/status/{report_id}",
        "/reports",
        "/reports/{report_id}/download",
        "/reports/{report_id}/cancel",
        "/reports/{report_id}/rerun",
        "/dead-letters",
        "/dead-letters/redrive",
        "/report-types",
        "/report-types/{name}",
        "/health",
    }


def test_the_documentation_page_and_the_health_need_no_token(service: Client) -> None:
    stranger = service.with_token(None)
    page = stranger.call("GET", "/docs")
    assert page.status == 200
    assert b"swagger" in page.data.lower()
    health = stranger.call("GET", "/health")
    assert health.status == 200
    assert set(health.json["parts"]) == {"database", "broker", "cache", "storage"}
    assert health.json["status"] == "ok"


def test_an_unknown_path_is_a_problem_too(service: Client) -> None:
    answer = service.call("GET", "/nothing-here")
    assert answer.status in (403, 404)
    assert answer.headers["content-type"] == "application/problem+json"
