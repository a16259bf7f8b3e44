"""One tenant against another: at every operation of the OpenAPI document, whoever adds it.

An operation that names a report is called with another tenant's id, with ids that nobody has and with what is
no id: the answers have to be the same. An operation that names none stands in a list here, with what keeps
tenants apart there.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import uuid4

import pytest

from local.testing import PlatformHandle
from tests.e2e.client import Answer, Client
from tests.e2e.test_contract import UNKNOWN, problem

TABLE: dict[str, Any] = {"title": "t", "columns": [{"key": "a"}], "rows": [["1"]]}
BODY: dict[str, Any] = {"table": TABLE, "format": "csv"}
FAILING: dict[str, Any] = {
    "table": {**TABLE, "columns": [{"key": "a", "type": "date"}]},
    "format": "csv",
    "on_bad_value": "fail",
}
SCOPES = ("reports/read", "reports/write")
#: Operations that name no report, and what keeps tenants apart at each. A test of this file, or of the one
#: that is named, shows it.
WITHOUT_A_REPORT: Mapping[str, str] = {
    "POST /generate": "a dataset (test_datasets.py) and an Idempotency-Key are the caller's own",
    "POST /datasets": "it takes no name of anything that is there, and makes what is the caller's own",
    "GET /reports": "it lists the caller's own",
    "GET /report-types": "what is deployed is the same for all",
    "GET /report-types/{name}": "what is deployed is the same for all",
    "GET /dead-letters": "for operators, who see all tenants",
    "POST /dead-letters/redrive": "for operators, who see all tenants",
    "GET /health": "it says nothing of any tenant",
}
#: What changes from answer to answer, whoever asks.
_OF_ITS_OWN = ("date", "content-length", "x-amzn-requestid", "x-amz-apigw-id", "x-amzn-trace-id")


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the document. ``switches`` are its parameters of the query that are true or false."""

    method: str
    path: str
    scopes: tuple[str, ...] | None
    switches: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    def paths(self, report_id: str) -> list[str]:
        """The ways to ask for a report."""
        path = self.path.replace("{report_id}", report_id)
        return [path, *(f"{path}?{name}=true" for name in self.switches)]

    def call(self, client: Client, path: str, *, etag: str = "", key: str = "") -> Answer:
        headers = {"if-none-match": etag, "idempotency-key": key}
        return client.call(
            self.method,
            path,
            body={} if self.method in ("POST", "PUT", "PATCH") else None,
            headers={name: value for name, value in headers.items() if value},
        )


def operations(service: Client) -> Iterator[Operation]:
    document = service.call("GET", "/openapi.json").json
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            security = operation.get("security")
            yield Operation(
                method=method.upper(),
                path=path,
                scopes=tuple(scope for scopes in security[0].values() for scope in scopes)
                if security
                else None,
                switches=tuple(
                    parameter["name"]
                    for parameter in operation.get("parameters", ())
                    if parameter["in"] == "query" and parameter["schema"].get("type") == "boolean"
                ),
            )


def of_a_report(service: Client) -> list[Operation]:
    found = [operation for operation in operations(service) if "{report_id}" in operation.path]
    assert len(found) >= 4
    return found


@pytest.fixture
def other(service: Client, platform: PlatformHandle) -> Client:
    """Another tenant, which may read and write."""
    return service.with_token(platform.token("other", SCOPES))


def told(answer: Answer, report_id: str) -> tuple[int, dict[str, str], dict[str, Any]]:
    """An answer without what differs between any two: status, headers and body."""
    document = answer.json
    del document["request_id"]
    for spelling in (repr(unquote(report_id)), repr(report_id), report_id):
        document["detail"] = document["detail"].replace(spelling, "<id>")
    headers = {name: value for name, value in answer.headers.items() if name not in _OF_ITS_OWN}
    return answer.status, headers, document


def test_every_operation_without_a_report_says_what_keeps_tenants_apart(service: Client) -> None:
    found = {operation.name for operation in operations(service) if "{report_id}" not in operation.path}
    assert found == set(WITHOUT_A_REPORT), "a new operation needs its test of isolation, and its reason here"


def test_every_operation_is_refused_without_a_token_and_without_its_scope(
    service: Client, platform: PlatformHandle
) -> None:
    stranger = service.with_token(None)
    late = service.with_token(platform.token("acme", (*SCOPES, "reports/admin"), ttl_seconds=-1))
    for operation in operations(service):
        path = operation.path.replace("{report_id}", UNKNOWN).replace("{name}", "customer_list")
        if operation.scopes is None:
            assert operation.name == "GET /health"
            continue
        for nobody in (stranger, late):
            problem(operation.call(nobody, path), status=401, code="unauthorized")
        assert operation.scopes, operation.name
        others = {*SCOPES, "reports/admin", "reports", "reports/*"} - set(operation.scopes)
        without = service.with_token(platform.token("acme", sorted(others)))
        problem(operation.call(without, path), status=403, code="insufficient_scope")


@pytest.mark.parametrize("body", [BODY, FAILING], ids=["kept-in-the-cache", "read-from-the-database"])
def test_another_tenants_report_an_unknown_one_and_what_is_no_id_are_told_the_same(
    service: Client, other: Client, body: dict[str, Any]
) -> None:
    key = str(uuid4())
    report = service.wait(service.generate(body, idempotency_key=key)["id"])
    seen = service.call("GET", f"/status/{report['id']}")
    ids = [
        report["id"],
        UNKNOWN,
        str(uuid4()),
        report["id"].upper(),
        report["id"].replace("-", ""),
        f"{report['id']}%20",
        f"urn:uuid:{report['id']}",
        "1",
        "%2A",
        "-",
    ]
    for operation in of_a_report(service):
        answers = [
            told(operation.call(other, path, etag=seen.headers["etag"], key=key), report_id)
            for report_id in ids
            for path in operation.paths(report_id)
        ]
        assert answers[0][0] == 404, operation.name
        assert answers[0][2]["code"] == "not_found"
        assert [answer for answer in answers if answer != answers[0]] == [], operation.name
    after = service.call("GET", f"/status/{report['id']}")
    assert (after.status, after.json["version"]) == (200, seen.json["version"]), "nothing of it has changed"


def test_each_operation_on_a_report_is_there_for_its_own_tenant(service: Client) -> None:
    """Without this, an operation that answers nobody would look isolated."""
    for operation in of_a_report(service):
        report = service.wait(service.generate(BODY)["id"])
        for path in operation.paths(report["id"]):
            assert operation.call(service, path).status not in (401, 403, 404, 422), operation.name


@pytest.mark.parametrize(
    "path", ["/status/..%2f..", "/status/x'%20OR%201=1", "/reports/%00/download", "/reports/%C3%A7/cancel"]
)
def test_what_no_path_can_hold_is_not_found_either(other: Client, path: str) -> None:
    method = "POST" if path.endswith("cancel") else "GET"
    problem(other.call(method, path), status=404, code="not_found")


def test_a_listing_holds_the_callers_own_reports_and_takes_its_own_cursors(
    service: Client, platform: PlatformHandle, other: Client
) -> None:
    mine = service.with_token(platform.token(f"isolated-{uuid4()}", SCOPES))
    ids = {mine.wait(mine.generate(BODY)["id"])["id"] for _ in range(2)}
    theirs = other.wait(other.generate(BODY)["id"])["id"]
    page = mine.call("GET", "/reports?limit=1").json
    assert {page["reports"][0]["id"]} < ids
    document = problem(
        other.call("GET", f"/reports?limit=1&cursor={page['next']}"), status=422, code="invalid_request"
    )
    assert [entry["code"] for entry in document["errors"]] == ["invalid_cursor"]
    assert not ids & {report["id"] for report in other.call("GET", "/reports?limit=100").json["reports"]}
    assert {report["id"] for report in mine.call("GET", "/reports?limit=100").json["reports"]} == ids
    assert theirs not in ids


def test_an_idempotency_key_neither_gives_nor_hides_another_tenants_report(
    service: Client, other: Client
) -> None:
    keys = [str(uuid4()) for _ in range(2)]
    mine = [service.generate(BODY, idempotency_key=key)["id"] for key in keys]
    # The same key with another body is a conflict to its tenant, and to nobody else.
    for key, body in zip(keys, (BODY, {**BODY, "format": "pdf"}), strict=True):
        theirs = other.call("POST", "/generate", body=body, headers={"idempotency-key": key})
        assert (theirs.status, theirs.headers["idempotency-replayed"]) == (202, "false")
        assert theirs.json["id"] not in mine
    again = [service.generate(BODY, idempotency_key=key)["id"] for key in keys]
    assert again == mine


@pytest.mark.parametrize("spelled", ["{} ", "{}  ", "{}\u00a0", " {}"])
def test_a_tenant_with_blanks_around_its_name_is_nobody(
    service: Client, platform: PlatformHandle, spelled: str
) -> None:
    """To a column of text "acme" and "acme " are the same name."""
    name = f"isolated-{uuid4()}"
    mine = service.with_token(platform.token(name, SCOPES))
    key = str(uuid4())
    mine.generate(BODY, idempotency_key=key)
    theirs = service.with_token(platform.token(spelled.format(name), SCOPES))
    for answer in (
        theirs.call("GET", "/reports"),
        theirs.call("POST", "/generate", body=BODY, headers={"idempotency-key": key}),
    ):
        problem(answer, status=403, code="unusable_tenant")


def test_a_link_opens_its_own_file_and_no_other(service: Client, other: Client) -> None:
    mine, _ = service.make(BODY)
    theirs, data = other.make(BODY)
    own = urlsplit(mine["result"]["download"]["url"])
    foreign = urlsplit(theirs["result"]["download"]["url"])
    assert service.fetch(foreign.geturl()).data == data
    for changed in (
        own._replace(path=foreign.path),
        own._replace(path=foreign.path, query=f"{own.query}&{foreign.query}"),
        own._replace(path=f"{own.path}/..{foreign.path}"),
        own._replace(path=foreign.path.rpartition("/")[0] + "/"),
        own._replace(path=f"//{foreign.path}"),
        foreign._replace(query=""),
    ):
        refused = service.fetch(changed.geturl())
        assert (refused.status, data in refused.data) == (403, False), changed.path


def test_what_is_shared_is_the_same_to_every_tenant(service: Client, other: Client) -> None:
    for path in ("/report-types", "/report-types/customer_list"):
        assert service.call("GET", path).json == other.call("GET", path).json
