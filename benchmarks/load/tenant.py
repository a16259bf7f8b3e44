"""A tenant of a measurement: its clients, and what became of all of its reports."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from typing import Any

from benchmarks.client import Client
from benchmarks.figures import percentile
from benchmarks.load.visitor import Calls, Visitor
from local.testing import PlatformHandle

type Status = Mapping[str, Any]

SCOPES = ("reports/read", "reports/write")
#: Where small reports of a priority wait. In the interactive lane ``high`` goes first.
LANES = {"high": "interactive, high", "normal": "interactive, normal", "low": "bulk"}
_TOKEN_SECONDS = 6 * 3600
_UNFINISHED = "/reports?limit=1&status=queued&status=running&status=retrying&status=cancelling"
_POLL_SECONDS = 0.25
_GOOD_ENDS = frozenset({"succeeded"})


class Tenant:
    """A tenant that nobody else uses, so that its listing has the measurement's reports and no others."""

    def __init__(self, platform: PlatformHandle, name: str) -> None:
        self._api = platform.endpoints["api"]
        self._token = platform.token(name, SCOPES, ttl_seconds=_TOKEN_SECONDS)

    def visitor(self, calls: Calls) -> Visitor:
        """A new client of the tenant; the caller closes it."""
        return Visitor(Client(self._api, self._token), calls)

    def settle(self, calls: Calls, *, seconds: float, ends: frozenset[str] = _GOOD_ENDS) -> list[Status]:
        """Wait until every report has ended, and return them all.

        Reports that are lost, double, not ended after ``seconds`` or not ended as one of ``ends`` become
        errors of ``calls``.
        """
        give_up_at = time.monotonic() + seconds
        with closing(Client(self._api, self._token)) as client:
            while client.timed("GET", _UNFINISHED)[1]["reports"] and time.monotonic() < give_up_at:
                time.sleep(_POLL_SECONDS)
            reports = list(_listed(client))
        for report in reports:
            if report["status"] not in ends:
                calls.errors.append(f"{report['id']} is {report['status']}: {report['error']}")
        known = {str(report["id"]) for report in reports}
        calls.errors += [f"{lost} was accepted and is not there" for lost in set(calls.accepted) - known]
        calls.errors += [f"{double} was made and not asked for" for double in known - set(calls.accepted)]
        return reports


def small_report(priority: str) -> bytes:
    """A request for a CSV of five rows."""
    columns = [
        {"key": "name", "type": "string"},
        {"key": "amount", "type": "decimal", "format": "decimal:2", "total": "sum"},
    ]
    rows = [[f"Customer {number}", f"{number}.50"] for number in range(5)]
    table = {"title": "Load", "columns": columns, "rows": rows}
    return json.dumps({"format": "csv", "priority": priority, "table": table}).encode()


def in_queue(reports: Sequence[Status]) -> dict[str, dict[str, float]]:
    """Seconds from accepted to started, by the service's own times and by lane."""
    seconds: dict[str, list[float]] = {}
    for report in reports:
        if report["started_at"] is not None:
            seconds.setdefault(LANES[report["priority"]], []).append(waited(report))
    return {lane: waits(times) for lane, times in sorted(seconds.items())}


def waits(seconds: Sequence[float]) -> dict[str, float]:
    """p50, p99 and the longest."""
    shares = {"p50": 50, "p99": 99, "max": 100}
    return {name: round(percentile(seconds, share), 3) for name, share in shares.items()}


def waited(report: Status) -> float:
    """Seconds from accepted to started of a report that a worker has taken up."""
    started, created = (datetime.fromisoformat(report[name]) for name in ("started_at", "created_at"))
    return (started - created).total_seconds()


def latencies(milliseconds: Sequence[float]) -> dict[str, float] | None:
    """p50 and p99, or ``None`` when nothing was answered."""
    if not milliseconds:
        return None
    return {"p50": round(percentile(milliseconds, 50), 1), "p99": round(percentile(milliseconds, 99), 1)}


def _listed(client: Client) -> Iterator[Status]:
    path = "/reports?limit=100"
    cursor = ""
    while True:
        _, page = client.timed("GET", path + cursor)
        yield from page["reports"]
        if page["next"] is None:
            return
        cursor = f"&cursor={page['next']}"
