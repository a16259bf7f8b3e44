"""One tenant's many reports and another tenant's one, on the whole service."""

from typing import Any

from local.testing import PlatformHandle
from tests.e2e.client import Client
from tests.parts.processes import eventually

TABLE: dict[str, Any] = {"title": "t", "columns": [{"key": "a"}], "rows": [["1"]]}
BODY = {"table": TABLE, "format": "csv"}
#: Messages of a tenant in the one queue of the local lane, and deliveries at once.
WINDOW, AT_ONCE = 10, 5
MANY = 30


def test_a_tenants_many_reports_do_not_stand_before_anothers_one(
    service: Client, platform: PlatformHandle
) -> None:
    many = service.with_token(platform.token("many", ("reports/read", "reports/write")))
    plugs = service.with_token(platform.token("plugs", ("reports/read", "reports/write")))

    def freeze() -> int:
        """Stop all workers that there are by now."""
        workers = platform.processes("worker")
        for worker in workers:
            worker.suspend()
        return len(workers)

    def ask(client: Client) -> str:
        report_id = str(client.generate(BODY)["id"])
        freeze()
        return report_id

    freeze()
    try:
        plugged: list[str] = []

        def all_deliveries_are_held() -> bool:
            """No more than these at once: what follows stays in the broker."""
            done = [plugs.call("GET", f"/status/{report_id}").json["done"] for report_id in plugged]
            if done.count(False) >= AT_ONCE:
                return freeze() >= AT_ONCE
            # A worker that came to its end before it was frozen holds none.
            plugged.append(ask(plugs))
            return False

        eventually(all_deliveries_are_held, what="a worker for each delivery")
        ids = [ask(many) for _ in range(MANY)]
        one = ask(service)

        def waits_for(report_id: str) -> tuple[str, int]:
            waiting = many.call("GET", f"/status/{report_id}?timeline=true").json["timeline"]["waiting"]
            return waiting["for"], waiting["position"]

        assert [waits_for(report_id) for report_id in ids[WINDOW:]] == [
            ("own_reports", place) for place in range(1, MANY - WINDOW + 1)
        ]
        eventually(lambda: waits_for(ids[WINDOW - 1])[0] == "worker", what="the last message of the window")
    finally:
        for worker in platform.processes("worker"):
            worker.resume()
    assert service.wait(one)["status"] == "succeeded"
    assert {many.wait(report_id)["status"] for report_id in ids} == {"succeeded"}
    [[before]] = platform.query(
        "SELECT COUNT(*) FROM prensa.attempts a JOIN prensa.reports r ON r.id = a.report_id"
        " WHERE r.tenant = 'many' AND a.started_at <"
        f" (SELECT MIN(started_at) FROM prensa.attempts WHERE report_id = '{one}')"
    )
    assert before <= WINDOW + AT_ONCE
