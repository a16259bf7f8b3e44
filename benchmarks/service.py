"""What a client of the whole service sees, on a local platform of its own: ``make bench``.

Latencies are wall times over a kept connection on loopback, through the gateway, the Lambda emulator and
every real part. They are for comparing one change with another on one machine, not for promising.
"""

import json
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from benchmarks.client import Client
from benchmarks.figures import percentile
from local.testing import PlatformHandle, start_platform

#: With many clients the polls themselves would be most of the load.
_CROWD_POLL_SECONDS = 0.025
_CROWD_WARM_UP_SECONDS = 6.0
_WARM_UP = 20
#: Measured with jsreport 4.14 on a machine of the same size, 50 rows by 6 columns: milliseconds and, with
#: 8 clients, reports a second. It renders in the request: no queue, no database, no signed link.
JSREPORT = {"xlsx": (49, 29.8), "pdf": (269, 4.7)}


@dataclass(frozen=True, slots=True)
class Figure:
    name: str
    value: str
    goal: str = ""


def request_body(wanted: str) -> bytes:
    """50 rows by 6 columns, inline."""
    columns = [
        {"key": "id", "type": "string"},
        {"key": "name", "type": "string"},
        {"key": "amount", "type": "decimal", "format": "decimal:2", "total": "sum"},
        {"key": "day", "type": "date"},
        {"key": "count", "type": "integer"},
        {"key": "note", "type": "string"},
    ]
    rows = [
        [f"{n:011d}", f"Customer {n}", f"{n}.{n:02d}", f"2026-01-{n % 28 + 1:02d}", n, f"A note, number {n}"]
        for n in range(50)
    ]
    return json.dumps(
        {"format": wanted, "table": {"title": "Bench", "columns": columns, "rows": rows}}
    ).encode()


def percentiles(values: Sequence[float]) -> str:
    """``p50 / p99`` in milliseconds."""
    return f"{percentile(values, 50):.1f} / {percentile(values, 99):.1f} ms"


def measure_calls(client: Client, count: int) -> list[Figure]:
    """POST and GET, warm. Each report is finished before the next POST, so that POST is measured alone."""
    body = request_body("csv")
    posts, gets = [], []
    for number in range(_WARM_UP + count):
        elapsed, answer = client.timed("POST", "/generate", body)
        client.until_done(answer["id"])
        got, _ = client.timed("GET", f"/status/{answer['id']}")
        if number >= _WARM_UP:
            posts.append(elapsed)
            gets.append(got)
    return [
        Figure("POST /generate, warm p50 / p99", percentiles(posts), "15 ms"),
        Figure("GET /status of a finished report, warm p50 / p99", percentiles(gets), "5 ms"),
    ]


def measure_reports(client: Client, wanted: str, count: int, goal: str) -> Figure:
    """From before the POST until a GET says succeeded."""
    body = request_body(wanted)
    times = []
    for number in range(_WARM_UP + count):
        started = time.perf_counter()
        _, answer = client.timed("POST", "/generate", body)
        client.until_done(answer["id"])
        if number >= _WARM_UP:
            times.append((time.perf_counter() - started) * 1000)
    name = f"POST to succeeded, 50-row {wanted.upper()}, warm p50 / p99"
    return Figure(name, percentiles(times), f"{goal}; jsreport {JSREPORT[wanted][0]} ms")


def measure_throughput(new_client: Callable[[], Client], wanted: str, seconds: float, clients: int) -> Figure:
    """Finished reports a second with ``clients`` clients that each wait for their report."""
    body = request_body(wanted)
    start = threading.Barrier(clients)

    def work(_index: int) -> float:
        client = new_client()

        def reports_until(end: float) -> int:
            done = 0
            while time.perf_counter() < end:
                _, answer = client.timed("POST", "/generate", body)
                client.until_done(answer["id"], poll_seconds=_CROWD_POLL_SECONDS)
                done += 1
            return done

        # New environments start while it warms up, of the API and of the worker.
        reports_until(time.perf_counter() + _CROWD_WARM_UP_SECONDS)
        start.wait()
        began = time.perf_counter()
        return reports_until(began + seconds) / (time.perf_counter() - began)

    with ThreadPoolExecutor(clients) as pool:
        rate = sum(pool.map(work, range(clients)))
    name = f"{wanted.upper()} reports a second, {clients} clients"
    return Figure(name, f"{rate:.1f}", f"more than jsreport's {JSREPORT[wanted][1]}")


def measure_cold(client: Client) -> list[Figure]:
    """The first calls after the start: new environments of the API and of the worker."""
    body = request_body("xlsx")
    started = time.perf_counter()
    posted, answer = client.timed("POST", "/generate", body)
    client.until_done(answer["id"])
    done = (time.perf_counter() - started) * 1000
    return [
        Figure("POST /generate, cold", f"{posted:.0f} ms"),
        Figure("POST to succeeded, 50-row XLSX, cold", f"{done:.0f} ms", "jsreport 1800 ms"),
    ]


def memory(platform: PlatformHandle) -> list[Figure]:
    """Resident memory of each process."""
    return [Figure(f"memory of {name}", f"{mb:.0f} MB") for name, mb in platform.memory_mb().items()]


def show(figures: Sequence[Figure]) -> None:
    width = max(len(figure.name) for figure in figures)
    for figure in figures:
        goal = f"  (goal: {figure.goal})" if figure.goal else ""
        print(f"{figure.name:<{width}}  {figure.value:>18}{goal}")


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="prensa-bench-") as home:
        platform = start_platform(
            Path(home), sample=False, relay_interval=60.0, overrides={"TENANT_QUOTAS": "{}"}
        )
        try:
            token = platform.token("bench", ["reports/read", "reports/write"])

            def client() -> Client:
                return Client(platform.endpoints["api"], token)

            figures = measure_cold(client())
            figures += measure_calls(client(), 300)
            figures.append(measure_reports(client(), "xlsx", 150, "60 ms"))
            figures.append(measure_reports(client(), "pdf", 150, "90 ms"))
            figures.append(measure_throughput(client, "xlsx", 10, 8))
            figures.append(measure_throughput(client, "pdf", 10, 8))
            figures += memory(platform)
        finally:
            platform.stop()
    show(figures)


if __name__ == "__main__":
    main()
