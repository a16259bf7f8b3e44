"""What a client sees while parts are away, and of many clients at once. On the local platform."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from local.testing import PlatformHandle
from tests.e2e.client import Answer, Client

TABLE: dict[str, Any] = {"title": "t", "columns": [{"key": "a"}], "rows": [["1"]]}
BODY = json.dumps({"table": TABLE, "format": "csv"}).encode()


def test_fifty_parallel_requests_with_one_new_key_make_one_report(
    service: Client, platform: PlatformHandle
) -> None:
    # Case C03, on as many environments of the API as the platform has.
    key = f"parallel-{time.time_ns()}"

    def post(_: int) -> Answer:
        return service.call("POST", "/generate", raw=BODY, headers={"idempotency-key": key})

    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(post, range(50)))
    assert {answer.status for answer in answers} == {202}
    [report_id] = {answer.json["id"] for answer in answers}
    assert sum(answer.headers["idempotency-replayed"] == "false" for answer in answers) == 1
    assert service.wait(report_id)["status"] == "succeeded"
    messages = platform.query(f"SELECT COUNT(*) FROM prensa.outbox WHERE report_id = '{report_id}'")
    assert messages == ((1,),)


def test_a_request_is_accepted_and_made_although_the_broker_has_just_died(
    service: Client, platform: PlatformHandle
) -> None:
    # Cases C05 and D01.
    platform.kill("broker")
    answer = service.call("POST", "/generate", raw=BODY)
    assert answer.status == 202
    assert service.wait(answer.json["id"])["status"] == "succeeded"


def test_a_status_is_read_although_the_cache_has_just_died(service: Client, platform: PlatformHandle) -> None:
    # Case C12.
    status, _ = service.make({"table": TABLE, "format": "csv"})
    platform.kill("cache")
    for _ in range(5):
        answer = service.call("GET", f"/status/{status['id']}")
        assert (answer.status, answer.json["status"]) == (200, "succeeded")
