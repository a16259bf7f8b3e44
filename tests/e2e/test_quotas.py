"""What a tenant may ask for, on the whole service. tests/parts/platform.py has the quotas."""

from typing import Any

import pytest

from local.testing import PlatformHandle
from tests.e2e.client import Client
from tests.e2e.test_contract import problem

BODY: dict[str, Any] = {"table": {"title": "t", "columns": [{"key": "a"}], "rows": [["1"]]}, "format": "csv"}


@pytest.fixture
def limited(service: Client, platform: PlatformHandle) -> Client:
    return service.with_token(platform.token("limited", ("reports/read", "reports/write")))


def test_a_tenant_that_asks_too_fast_is_told_when_to_come_back(
    limited: Client, platform: PlatformHandle
) -> None:
    headers = {"idempotency-key": "first"}
    answers = [limited.call("POST", "/generate", body=BODY, headers=headers)]
    answers += [limited.call("POST", "/generate", body=BODY) for _ in range(2)]
    assert [answer.status for answer in answers] == [202] * 3
    assert {answer.headers["ratelimit-policy"] for answer in answers} == {'"reports";q=3;w=60'}
    assert [answer.headers["ratelimit"].split(";")[1] for answer in answers] == ["r=2", "r=1", "r=0"]
    refused = limited.call("POST", "/generate", body=BODY)
    document = problem(refused, status=429, code="too_many_requests")
    assert document["retryable"] is True
    assert "3 reports a minute" in document["detail"]
    assert 1 <= int(refused.headers["retry-after"]) <= 20
    assert refused.headers["ratelimit"].startswith('"reports";r=0;t=')
    assert limited.wait(answers[0].json["id"])["status"] == "succeeded"
    # However long that has taken.
    platform.change(
        "UPDATE prensa.tenant_rates SET used_until = used_until + INTERVAL 10 MINUTE WHERE tenant = 'limited'"
    )
    rerun = limited.call("POST", f"/reports/{answers[0].json['id']}/rerun")
    problem(rerun, status=429, code="too_many_requests")
    replayed = limited.call("POST", "/generate", body=BODY, headers=headers)
    assert (replayed.status, replayed.json["id"]) == (202, answers[0].json["id"])


def test_a_report_has_no_more_rows_than_its_tenant_may_have(
    service: Client, platform: PlatformHandle
) -> None:
    small = service.with_token(platform.token("small", ("reports/read", "reports/write")))
    rows = {**BODY, "table": {**BODY["table"], "rows": [["1"]] * 3}}
    for query in ("", "?validate_only=true"):
        refused = problem(
            small.call("POST", f"/generate{query}", body=rows), status=422, code="invalid_request"
        )
        assert [(found["pointer"], found["code"]) for found in refused["errors"]] == [
            ("/table/rows", "row_quota")
        ]
    failed = small.wait(small.generate({"report_type": "customer_list", "format": "csv"})["id"])
    assert (failed["status"], failed["error"]["code"], failed["attempt"]) == ("failed", "row_quota", 1)
    assert "more than 2 rows" in failed["error"]["detail"]
