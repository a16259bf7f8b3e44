"""Finding reports and calling them off."""

from typing import Any
from urllib.parse import quote

import pytest

from local.testing import PlatformHandle
from tests.e2e.client import Client
from tests.e2e.test_contract import TABLE, UNKNOWN, problem

SCOPES = ("reports/read", "reports/write")
#: Takes seconds, so that a cancel finds it running.
LONG = {"report_type": "order_ledger", "format": "pdf"}


def test_a_running_report_is_stopped_and_never_succeeds(service: Client, platform: PlatformHandle) -> None:
    report_id = service.generate(LONG)["id"]
    service.wait(report_id, until="running")
    answer = service.call("POST", f"/reports/{report_id}/cancel")
    assert (answer.status, answer.json["status"]) == (202, "cancelling")
    assert int(answer.headers["retry-after"]) >= 1
    status = service.wait(report_id)
    assert (status["status"], status["result"], status["error"]) == ("cancelled", None, None)
    problem(service.call("GET", f"/reports/{report_id}/download"), status=409, code="not_ready")
    assert platform.query(f"SELECT object_key FROM prensa.reports WHERE id = '{report_id}'") == ((None,),)


def test_a_second_cancel_gives_the_same_answer(service: Client) -> None:
    report_id = service.generate(LONG)["id"]
    first = service.call("POST", f"/reports/{report_id}/cancel")
    assert first.status in (200, 202)
    ended = service.wait(report_id)
    again = service.call("POST", f"/reports/{report_id}/cancel")
    assert (again.status, again.json) == (200, ended)


def test_a_report_that_has_ended_can_not_be_cancelled(service: Client) -> None:
    report_id = service.generate({"table": TABLE})["id"]
    before = service.wait(report_id)
    document = problem(
        service.call("POST", f"/reports/{report_id}/cancel"), status=409, code="forbidden_transition"
    )
    assert "succeeded" in document["detail"]
    after = service.call("GET", f"/status/{report_id}").json
    assert (after["status"], after["version"]) == (before["status"], before["version"])


@pytest.mark.parametrize("report_id", [UNKNOWN, "1", "..%2f..", "x'%20OR%201=1"])
def test_what_is_no_report_can_not_be_cancelled(service: Client, report_id: str) -> None:
    problem(service.call("POST", f"/reports/{report_id}/cancel"), status=404, code="not_found")


def test_nobody_cancels_another_tenants_report(service: Client, platform: PlatformHandle) -> None:
    report_id = service.generate(LONG)["id"]
    other = service.with_token(platform.token("other", list(SCOPES)))
    problem(other.call("POST", f"/reports/{report_id}/cancel"), status=404, code="not_found")
    reader = service.with_token(platform.token("acme", ["reports/read"]))
    problem(reader.call("POST", f"/reports/{report_id}/cancel"), status=403, code="insufficient_scope")
    assert service.call("POST", f"/reports/{report_id}/cancel").status in (200, 202)


@pytest.fixture(scope="module")
def lister(service: Client, platform: PlatformHandle) -> tuple[Client, list[str]]:
    """A tenant with seven reports, the newest first."""
    client = service.with_token(platform.token("lister", list(SCOPES)))
    ids = [
        client.generate({"table": TABLE, "format": "csv" if number % 2 else "xlsx"})["id"]
        for number in range(6)
    ]
    ids.append(client.generate({"report_type": "customer_list", "parameters": {"country": "JP"}})["id"])
    for report_id in ids:
        client.wait(report_id)
    return client, ids[::-1]


def listed(client: Client, query: str = "") -> dict[str, Any]:
    answer = client.call("GET", f"/reports{query}")
    assert answer.status == 200, answer.data
    document: dict[str, Any] = answer.json
    return document


def test_pages_follow_each_other_and_show_each_report_once(lister: tuple[Client, list[str]]) -> None:
    client, ids = lister
    found: list[str] = []
    query = "?limit=3"
    while True:
        page = listed(client, query)
        found += [report["id"] for report in page["reports"]]
        if page["next"] is None:
            break
        client.generate({"table": TABLE})
        query = f"?limit=3&cursor={quote(page['next'])}"
    assert found == ids


def test_a_listed_report_is_its_status_without_a_link(lister: tuple[Client, list[str]]) -> None:
    client, ids = lister
    report = next(report for report in listed(client)["reports"] if report["id"] == ids[-1])
    status = client.call("GET", f"/status/{ids[-1]}").json
    del status["result"]["download"]
    assert report == status


def test_filters_narrow_the_list(lister: tuple[Client, list[str]]) -> None:
    client, ids = lister
    assert [r["id"] for r in listed(client, "?report_type=customer_list")["reports"]] == [ids[0]]
    assert listed(client, "?status=failed&status=cancelled")["reports"] == []
    everything = {r["id"] for r in listed(client, "?status=succeeded&status=failed")["reports"]}
    assert set(ids) <= everything
    moment = quote(client.call("GET", f"/status/{ids[0]}").json["created_at"])
    assert ids[0] in {r["id"] for r in listed(client, f"?created_after={moment}")["reports"]}
    assert set(ids[1:]) <= {r["id"] for r in listed(client, f"?created_before={moment}")["reports"]}
    assert ids[0] not in {r["id"] for r in listed(client, f"?created_before={moment}")["reports"]}


def test_a_list_holds_nothing_of_another_tenant(
    service: Client, platform: PlatformHandle, lister: tuple[Client, list[str]]
) -> None:
    _, ids = lister
    stranger = service.with_token(platform.token("stranger", list(SCOPES)))
    assert listed(stranger) == {"reports": [], "next": None}
    # Neither does another's cursor.
    page = listed(lister[0], "?limit=1")
    assert listed(stranger, f"?cursor={page['next']}")["reports"] == []
    assert ids


@pytest.mark.parametrize(
    "query", ["?limit=0", "?limit=101", "?limit=x", "?status=done", "?created_after=yesterday", "?cursor=%00",
              "?cursor=abc", "?created_after=2026-01-01T00:00:00"]
)  # fmt: skip
def test_a_filter_that_means_nothing_is_refused(service: Client, query: str) -> None:
    document = problem(service.call("GET", f"/reports{query}"), status=422, code="invalid_request")
    assert document["errors"]
