"""One report followed by its id through the API, the outbox, the broker, the worker and the bucket."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from local.testing import PlatformHandle
from tests.e2e.client import Client
from tests.parts.processes import eventually

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
BODY: dict[str, Any] = {"table": {"title": "t", "columns": [{"key": "a"}], "rows": [["1"]]}, "format": "csv"}


def _lines(platform: PlatformHandle, function: str, report_id: str) -> Iterator[dict[str, Any]]:
    """What a function has logged with the report's id: messages and metrics."""
    for path in Path(platform.home.logs).glob(f"{function}*.log"):
        for line in path.read_text(encoding="utf-8").splitlines():
            # The last line may be on its way.
            if report_id in line and line.startswith("{") and line.endswith("}"):
                yield json.loads(line)


def _messages(platform: PlatformHandle, function: str, report_id: str) -> dict[str, str]:
    """Messages that carry the report's id, with their trace."""
    return {
        str(line["message"]): str(line.get("trace_id"))
        for line in _lines(platform, function, report_id)
        if line.get("report_id") == report_id and "message" in line
    }


def _metrics(platform: PlatformHandle, function: str, report_id: str) -> set[str]:
    """Names of metrics whose property ``report_id`` is the report's."""
    return {
        str(metric["Name"])
        for line in _lines(platform, function, report_id)
        if line.get("report_id") == report_id and "_aws" in line
        for group in line["_aws"]["CloudWatchMetrics"]
        for metric in group["Metrics"]
    }


def test_a_report_can_be_followed_through_every_part(service: Client, platform: PlatformHandle) -> None:
    answer = service.call(
        "POST", "/generate", body=BODY, headers={"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
    )
    report_id = answer.json["id"]
    status = service.wait(report_id)
    assert status["status"] == "succeeded"

    def logged() -> bool:
        api, worker = (_messages(platform, name, report_id) for name in ("api", "worker"))
        return "report accepted" in api and {"report claimed", "report succeeded"} <= set(worker)

    eventually(logged, what="the log lines of both functions")
    for function in ("api", "worker"):
        assert set(_messages(platform, function, report_id).values()) == {TRACE}
    eventually(lambda: _metrics(platform, "worker", report_id) >= {"ReportsSucceeded", "ReportDuration"})
    eventually(lambda: _metrics(platform, "api", report_id) >= {"ReportsAccepted"})
    message = f"prensa.outbox WHERE report_id = '{report_id}'"
    sent = f"SELECT sent_at IS NOT NULL FROM {message}"
    eventually(lambda: platform.query(sent) == ((1,),), what="the broker's confirmation, written down")
    [[body]] = platform.query(f"SELECT body FROM {message}")
    assert json.loads(body)["report_id"] == report_id
    assert TRACE in json.loads(body)["traceparent"]
    [[object_key]] = platform.query(f"SELECT object_key FROM prensa.reports WHERE id = '{report_id}'")
    assert object_key.startswith(f"results/{report_id}/")
    assert f"/{object_key}?" in status["result"]["download"]["url"]
