"""What clients do to reports after they asked for them: on the whole service."""

import time
from collections.abc import Callable
from typing import Any

import boto3
import pytest

from local.credentials import Credentials
from local.resources import BUCKET
from local.testing import PlatformHandle
from tests.e2e.client import DEADLINE_SECONDS, Client
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


def test_reports_are_listed_by_pages_without_links(service: Client, platform: PlatformHandle) -> None:
    mine = service.with_token(platform.token("lister", ["reports/read", "reports/write"]))
    ids = [mine.make({"table": TABLE, "format": "csv"})[0]["id"] for _ in range(3)][::-1]
    first = mine.call("GET", "/reports?limit=2&status=succeeded&status=failed")
    assert [report["id"] for report in first.json["reports"]] == ids[:2]
    assert all("download" not in report["result"] for report in first.json["reports"])
    address, relation = first.headers["link"].split("; ")
    assert relation == 'rel="next"'
    second = mine.call("GET", address.strip("<>"))
    assert [report["id"] for report in second.json["reports"]] == ids[2:]
    assert second.json["next"] is None
    assert "link" not in second.headers
    theirs = service.with_token(platform.token("nobody", ["reports/read"]))
    assert theirs.call("GET", "/reports").json == {"reports": [], "next": None}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("limit=0", "invalid_parameter"),
        ("limit=101", "invalid_parameter"),
        ("status=done", "invalid_parameter"),
        ("created_after=yesterday", "invalid_parameter"),
        ("cursor=x", "invalid_cursor"),
    ],
)
def test_a_listing_says_which_parameter_it_can_not_read(service: Client, query: str, code: str) -> None:
    document = problem(service.call("GET", f"/reports?{query}"), status=422, code="invalid_request")
    assert [entry["code"] for entry in document["errors"]] == [code]
    assert query.partition("=")[0] in document["errors"][0]["detail"]


def test_c13_a_result_expires_with_its_file_and_the_row_stays(
    service: Client, platform: PlatformHandle
) -> None:
    status, _ = service.make({"table": TABLE, "format": "csv"})
    link = status["result"]["download"]["url"]
    assert service.fetch(link).status == 200
    platform.change(
        "UPDATE prensa.reports SET expires_at = UTC_TIMESTAMP(6), version = version + 1"
        f" WHERE id = '{status['id']}'"
    )
    expired = until(service, f"/status/{status['id']}", lambda seen: seen["status"] == "expired")
    assert (expired["result"], expired["done"]) == (None, True)
    problem(service.call("GET", f"/reports/{status['id']}/download"), status=410, code="expired")
    file_is_gone(service, link)
    problem(service.call("POST", f"/reports/{status['id']}/cancel"), status=409, code="forbidden_transition")


def test_c13_no_link_is_given_to_a_file_that_is_gone_from_the_bucket(
    service: Client, platform: PlatformHandle
) -> None:
    status, data = service.make({"table": TABLE, "format": "csv"})
    path = f"/reports/{status['id']}/download"
    assert service.call("GET", path).status == 302
    [[key]] = platform.query(f"SELECT object_key FROM prensa.reports WHERE id = '{status['id']}'")
    credentials = Credentials.of(platform.home)
    boto3.client(
        "s3",
        endpoint_url=platform.endpoints["storage"],
        region_name="us-east-1",
        aws_access_key_id=credentials.access_key_id,
        aws_secret_access_key=credentials.secret_access_key,
    ).delete_object(Bucket=BUCKET, Key=key)
    gone = problem(service.call("GET", path), status=410, code="expired")
    assert "again" in gone["detail"]
    again = service.call("POST", f"/reports/{status['id']}/rerun")
    done = service.wait(again.json["id"])
    assert service.fetch(done["result"]["download"]["url"]).data == data


@pytest.mark.parametrize("number", [1, 2000], ids=["in-the-database", "in-the-bucket"])
def test_a_deleted_report_leaves_its_row_and_nothing_else(
    service: Client, platform: PlatformHandle, number: int
) -> None:
    status, _ = service.make({"table": {**TABLE, "rows": [[f"{n:030d}"] for n in range(number)]}})
    path, link = f"/reports/{status['id']}", status["result"]["download"]["url"]
    deleted = service.call("DELETE", path)
    assert (deleted.status, deleted.json["status"], deleted.json["result"]) == (200, "expired", None)
    assert deleted.json["expires_at"] < status["expires_at"]
    assert service.call("DELETE", path).json == deleted.json
    assert service.call("GET", f"/status/{status['id']}").json == deleted.json
    problem(service.call("GET", f"{path}/download"), status=410, code="expired")
    problem(service.call("POST", f"{path}/rerun"), status=410, code="input_gone")
    file_is_gone(service, link)
    kept = "inline_rows, input_key, object_key, result"
    assert platform.query(f"SELECT {kept} FROM prensa.reports WHERE id = '{status['id']}'") == ((None,) * 4,)


def test_a_report_that_has_not_ended_can_not_be_deleted(service: Client) -> None:
    report = service.generate(LONG)
    refused = problem(service.call("DELETE", f"/reports/{report['id']}"), status=409, code="not_done")
    assert "cancel it first" in refused["detail"]
    service.call("POST", f"/reports/{report['id']}/cancel")
    service.wait(report["id"])
    deleted = service.call("DELETE", f"/reports/{report['id']}")
    assert (deleted.status, deleted.json["status"]) == (200, "expired")


def test_another_tenants_report_can_not_be_deleted(service: Client, platform: PlatformHandle) -> None:
    status, data = service.make({"table": TABLE, "format": "csv"})
    other = service.with_token(platform.token("other", ["reports/write"]))
    problem(other.call("DELETE", f"/reports/{status['id']}"), status=404, code="not_found")
    reader = service.with_token(platform.token("acme", ["reports/read"]))
    problem(reader.call("DELETE", f"/reports/{status['id']}"), status=403, code="insufficient_scope")
    assert service.fetch(status["result"]["download"]["url"]).data == data


def file_is_gone(service: Client, link: str) -> None:
    """Wait until there is no file, whatever an old link says."""
    give_up_at = time.monotonic() + DEADLINE_SECONDS
    while (status := service.fetch(link).status) not in (403, 404):
        assert time.monotonic() < give_up_at, f"{status} after {DEADLINE_SECONDS} s"


def until(service: Client, path: str, met: Callable[[Any], bool]) -> Any:
    """Read ``path`` until what it answers has come; the answer."""
    give_up_at = time.monotonic() + DEADLINE_SECONDS
    while True:
        answer = service.call("GET", path).json
        if met(answer):
            return answer
        assert time.monotonic() < give_up_at, f"not after {DEADLINE_SECONDS} s: {answer}"


def test_a_timeline_tells_the_attempts_of_a_report(service: Client, platform: PlatformHandle) -> None:
    status, _ = service.make({"table": TABLE, "format": "csv"})
    answer = service.call("GET", f"/status/{status['id']}?timeline=true")
    assert answer.headers["cache-control"] == "no-store"
    assert "etag" not in answer.headers
    [attempt] = answer.json["timeline"]["attempts"]
    assert (attempt["attempt"], attempt["outcome"], attempt["cause"]) == (1, "succeeded", None)
    assert answer.json["timeline"]["waiting"] is None
    assert answer.json["result"]["download"]["url"]
    other = service.with_token(platform.token("other", ["reports/read"]))
    problem(other.call("GET", f"/status/{status['id']}?timeline=true"), status=404, code="not_found")


def test_an_operator_sends_a_dead_letter_again(service: Client, platform: PlatformHandle) -> None:
    admin = service.with_token(platform.token("operators", ["reports/admin"]))
    status, _ = service.make({"table": TABLE, "format": "csv"})
    error = '{"code": "storage_unavailable", "title": "t", "detail": "d", "retryable": true}'
    platform.change(
        "UPDATE prensa.reports SET status = 'failed', result = NULL, expires_at = NULL, object_key = NULL,"
        f" version = version + 1, error = '{error}' WHERE id = '{status['id']}'"
    )
    platform.change(
        "INSERT INTO prensa.dead_letters (message_id, queue, report_id, body, received_at) VALUES"
        f" ('{status['id']}', 'DLQ.x', '{status['id']}', '{{}}', UTC_TIMESTAMP(6)),"
        " (UUID(), 'DLQ.x', NULL, 'rubbish', UTC_TIMESTAMP(6))"
    )
    listed = admin.call("GET", "/dead-letters?limit=2").json["dead_letters"]
    rubbish, letter = listed
    assert (letter["report_id"], letter["tenant"], letter["report_status"]) == (
        status["id"],
        "acme",
        "failed",
    )
    answer = admin.call("POST", "/dead-letters/redrive", body={"ids": [rubbish["id"], letter["id"]]})
    assert answer.status == 200, answer.data
    assert [one["outcome"] for one in answer.json["results"]] == ["refused", "redriven"]
    again = until(
        service, f"/status/{status['id']}?timeline=true", lambda seen: seen["status"] == "succeeded"
    )
    assert (again["attempt"], len(again["timeline"]["attempts"])) == (1, 2)
    twice = admin.call("POST", "/dead-letters/redrive", body={"report_id": status["id"]})
    assert [one["outcome"] for one in twice.json["results"]] == ["already_redriven"]
    refused = admin.call("POST", "/dead-letters/redrive", body={"ids": [rubbish["id"]]})
    document = problem(refused, status=409, code="not_redrivable")
    assert [entry["code"] for entry in document["errors"]] == ["malformed"]
    both = admin.call("POST", "/dead-letters/redrive", body={"ids": [1], "report_id": status["id"]})
    problem(both, status=422, code="invalid_request")


@pytest.mark.parametrize(("method", "path"), [("GET", "/dead-letters"), ("POST", "/dead-letters/redrive")])
def test_dead_letters_are_for_operators_only(service: Client, method: str, path: str) -> None:
    answer = service.call(method, path, body={"ids": [1]} if method == "POST" else None)
    problem(answer, status=403, code="insufficient_scope")


@pytest.mark.parametrize("number", [1, 2000], ids=["in-the-database", "in-the-bucket"])
def test_a_rerun_is_a_new_report_of_the_same_rows(service: Client, number: int) -> None:
    table = {**TABLE, "rows": [[f"{row:030d}"] for row in range(number)]}
    status, data = service.make({"table": table, "format": "csv", "filename": "again"})
    key = {"idempotency-key": f"rerun-{time.time_ns()}"}
    answer = service.call("POST", f"/reports/{status['id']}/rerun", headers=key)
    assert (answer.status, answer.headers["idempotency-replayed"]) == (202, "false")
    assert answer.json["id"] != status["id"]
    assert answer.headers["location"].endswith(f"/status/{answer.json['id']}")
    again = service.wait(answer.json["id"])
    assert service.fetch(again["result"]["download"]["url"]).data == data
    assert again["result"]["filename"] == "again.csv"
    replayed = service.call("POST", f"/reports/{status['id']}/rerun", headers=key)
    assert (replayed.json["id"], replayed.headers["idempotency-replayed"]) == (again["id"], "true")


def test_the_key_of_a_rerun_is_not_that_of_a_body_which_reads_like_it(service: Client) -> None:
    report_id = service.wait(service.generate({"table": TABLE, "format": "csv"})["id"])["id"]
    key = {"idempotency-key": f"rerun-{time.time_ns()}"}
    assert service.call("POST", f"/reports/{report_id}/rerun", headers=key).status == 202
    answer = service.call("POST", "/generate", body={"rerun": report_id}, headers=key)
    problem(answer, status=422, code="idempotency_key_reused")


def test_a_rerun_of_a_report_type_keeps_its_parameters(service: Client) -> None:
    status, _ = service.make(
        {"report_type": "customer_list", "parameters": {"country": "BR"}, "format": "csv"}
    )
    answer = service.call("POST", f"/reports/{status['id']}/rerun")
    assert answer.json["parameters"] == {"country": "BR"}
    assert service.wait(answer.json["id"])["result"]["row_count"] == status["result"]["row_count"]


def test_what_is_under_way_is_not_run_again_and_what_is_not_mine_is_not_there(
    service: Client, platform: PlatformHandle
) -> None:
    report = service.generate(LONG)
    problem(service.call("POST", f"/reports/{report['id']}/rerun"), status=409, code="not_done")
    other = service.with_token(platform.token("other", ["reports/write"]))
    problem(other.call("POST", f"/reports/{report['id']}/rerun"), status=404, code="not_found")
    assert service.call("POST", f"/reports/{report['id']}/cancel").status in (200, 202)
    assert service.wait(report["id"])["status"] == "cancelled"


def test_c13_the_rows_that_came_with_a_request_expire_with_its_report(
    service: Client, platform: PlatformHandle
) -> None:
    large = {**TABLE, "rows": [["x" * 40] for _ in range(1500)]}
    small, big = (service.make({"table": table, "format": "csv"})[0]["id"] for table in (TABLE, large))
    platform.change(
        "UPDATE prensa.reports SET expires_at = UTC_TIMESTAMP(6), version = version + 1"
        f" WHERE id IN ('{small}', '{big}')"
    )
    for report_id in (small, big):
        until(service, f"/status/{report_id}", lambda seen: seen["status"] == "expired")
        gone = problem(service.call("POST", f"/reports/{report_id}/rerun"), status=410, code="input_gone")
        assert "new request" in gone["detail"]
