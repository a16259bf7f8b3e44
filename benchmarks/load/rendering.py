"""How fast the API answers while every worker renders a large file, beside an idle service."""

import json
import random
import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

from benchmarks.load.crowd import PATIENCE_SECONDS, together
from benchmarks.load.tenant import Tenant, latencies, small_report
from benchmarks.load.visitor import Calls, Visitor
from local.testing import PlatformHandle

_PAUSE_SECONDS = 0.1
_POLL_SECONDS = 0.5
#: One more than a lane's mapping runs at once, so that the next one always waits.
_FEEDERS_A_LANE = 6
#: The whole sample is above BULK_ROWS, two months of it are below.
_YEARS = {"from": "2024-01-01", "to": "2025-12-31"}
_MONTHS = {"from": "2025-01-01", "to": "2025-02-28"}
_CANCELLED = frozenset({"succeeded", "cancelled"})


def latency_while_rendering(platform: PlatformHandle, *, seconds: float, seed: int) -> dict[str, Any]:
    """Latencies of one client, idle and then with large PDF and XLSX of the sample in every worker."""
    idle = _measure(platform, "idle", seconds=seconds, seed=seed)
    large, calls, stopped = Tenant(platform, f"large-{seed}"), Calls(), threading.Event()
    running: list[int] = []
    with ThreadPoolExecutor(2 * _FEEDERS_A_LANE) as pool:
        try:
            feeders = [
                pool.submit(_feed, large, calls, _ledger(parameters, wanted), stopped)
                for parameters in (_YEARS, _MONTHS)
                for wanted in ("pdf", "xlsx") * (_FEEDERS_A_LANE // 2)
            ]
            _until_rendering(platform)
            busy = _measure(platform, "busy", seconds=seconds, seed=seed, running=running)
        finally:
            stopped.set()
        for feeder in feeders:
            feeder.result()
    made = large.settle(calls, seconds=PATIENCE_SECONDS, ends=_CANCELLED)
    return {
        "idle": idle,
        "busy": busy,
        "rendering": round(statistics.mean(running), 1),
        "large_reports": len(made),
        "errors": [*idle.pop("errors"), *busy.pop("errors"), *calls.errors],
    }


def _measure(
    platform: PlatformHandle, name: str, *, seconds: float, seed: int, running: list[int] | None = None
) -> dict[str, Any]:
    """A request and a status of it at a time, at a rate that is no load by itself."""
    tenant, calls = Tenant(platform, f"{name}-{seed}"), Calls()
    end = time.monotonic() + seconds

    def work(visitor: Visitor, _chance: random.Random) -> None:
        while time.monotonic() < end:
            report_id = visitor.post(small_report("normal"))
            if report_id is not None:
                visitor.status(report_id)
            time.sleep(_PAUSE_SECONDS)
            if running is not None:
                running.append(_rendering(platform))

    together(tenant, calls, [work], seed=seed)
    tenant.settle(calls, seconds=PATIENCE_SECONDS)
    return {"post_ms": latencies(calls.posts), "get_ms": latencies(calls.gets), "errors": calls.errors}


def _feed(large: Tenant, calls: Calls, body: bytes, stopped: threading.Event) -> None:
    """Ask for one large report after the other, and cancel the last."""
    with closing(large.visitor(calls)) as visitor:
        while not stopped.is_set():
            report_id = visitor.post(body)
            while report_id is not None:
                if stopped.wait(_POLL_SECONDS):
                    visitor.cancel(report_id)
                    return
                status = visitor.status(report_id)
                if status is None or status["done"]:
                    break


def _ledger(parameters: dict[str, str], wanted: str) -> bytes:
    return json.dumps({"report_type": "order_ledger", "parameters": parameters, "format": wanted}).encode()


def _until_rendering(platform: PlatformHandle) -> None:
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while _rendering(platform) < _FEEDERS_A_LANE:
        if time.monotonic() > give_up_at:
            raise RuntimeError("The workers do not take up large reports in both lanes.")
        time.sleep(_POLL_SECONDS)


def _rendering(platform: PlatformHandle) -> int:
    [[count]] = platform.query(
        "SELECT COUNT(*) FROM prensa.reports WHERE status = 'running' AND report_type = 'order_ledger'"
    )
    return int(count)
