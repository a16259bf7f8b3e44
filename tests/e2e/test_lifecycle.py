"""What clients do to reports after they asked for them: on the whole service."""

from typing import Any

import pytest

from local.testing import PlatformHandle
from tests.e2e.client import Client
from tests.e2e.test_contract import UNKNOWN, problem

TABLE: dict[str, Any] = {"title": "t", "columns": [{"key": "a"}], "rows": [["1"]]}
#: Takes a worker long enough to be met at work: 200,000 rows laid out on pages.
LONG = {"report_type": "order_ledger", "format": "pdf"}


def test_c11_a_running_report_is_stopped_and_leaves_no_file(
    service: Client, platform: PlatformHandle
) -> None:
    report = service.generate(LONG)
    assert service.wait(report["id"], until="running")["status"] == "running"
    answer = service.call("POST", f"/reports/{report['id']}/cancel")
    assert (answer.status, answer.json["status"], answer.json["done"]) == (202, "cancelling", False)
    assert answer.headers["location"].endswith(f"/status/{report['id']}")
    ended = service.wait(report["id"])
    assert (ended["status"], ended["result"]) == ("cancelled", None)
    assert ended["finished_at"] is not None
    again = service.call("POST", f"/reports/{report['id']}/cancel")
    assert (again.status, again.json["status"]) == (200, "cancelled")
    assert again.json["finished_at"] == ended["finished_at"]
    problem(service.call("GET", f"/reports/{report['id']}/download"), status=409, code="not_ready")
    assert platform.query(f"SELECT object_key FROM prensa.reports WHERE id = '{report['id']}'") == ((None,),)


def test_c11_a_report_that_has_succeeded_keeps_its_result(service: Client) -> None:
    status, data = service.make({"table": TABLE, "format": "csv"})
    refused = problem(
        service.call("POST", f"/reports/{status['id']}/cancel"), status=409, code="forbidden_transition"
    )
    assert "succeeded" in refused["detail"]
    after = service.call("GET", f"/status/{status['id']}").json
    assert (after["status"], after["version"]) == ("succeeded", status["version"])
    assert service.fetch(after["result"]["download"]["url"]).data == data


@pytest.mark.parametrize("report_id", [UNKNOWN, "nonsense"])
def test_c11_an_unknown_report_can_not_be_cancelled(service: Client, report_id: str) -> None:
    problem(service.call("POST", f"/reports/{report_id}/cancel"), status=404, code="not_found")


def test_another_tenants_report_can_not_be_cancelled(service: Client, platform: PlatformHandle) -> None:
    report = service.generate({"table": TABLE, "format": "csv"})
    other = service.with_token(platform.token("other", ["reports/write"]))
    problem(other.call("POST", f"/reports/{report['id']}/cancel"), status=404, code="not_found")
    assert service.wait(report["id"])["status"] == "succeeded"
    reader = service.with_token(platform.token("acme", ["reports/read"]))
    problem(reader.call("POST", f"/reports/{report['id']}/cancel"), status=403, code="insufficient_scope")
