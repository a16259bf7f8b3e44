"""Sustained and burst load, and a queue of reports that wait for the workers."""

import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from typing import Any

from benchmarks.load.tenant import LANES, Tenant, in_queue, latencies, small_report
from benchmarks.load.visitor import Calls, Visitor
from local.home import read_json
from local.testing import PlatformHandle

type Work = Callable[[Visitor, random.Random], object]

_BODIES = {priority: small_report(priority) for priority in LANES}
#: With many clients the polls themselves would be most of the load.
_POLL_SECONDS_A_CLIENT = 0.004
_SHORTEST_POLL_SECONDS = 0.02
#: A report is late when it has not ended by then, whatever the load is.
PATIENCE_SECONDS = 120.0
#: Beyond that, what a queue may take for each report on a busy machine.
_PATIENCE_SECONDS_A_REPORT = 0.2
_SENDERS = 16
_WARM_UP_DEADLINE_SECONDS = 120.0


def sustained(
    platform: PlatformHandle, *, clients: int, seconds: float, seed: int, pause_seconds: float = 0.0
) -> dict[str, Any]:
    """Clients that each ask for a report, follow it to its end, and ask for the next."""
    tenant, calls = Tenant(platform, f"sustained-{clients}-{seed}-{pause_seconds:g}"), Calls()
    poll = max(_SHORTEST_POLL_SECONDS, clients * _POLL_SECONDS_A_CLIENT)
    end = time.monotonic() + seconds

    def work(visitor: Visitor, chance: random.Random) -> None:
        # Once at least, however late the client begins.
        while True:
            report_id = visitor.post(any_body(chance))
            if report_id is not None:
                visitor.follow(report_id, pause_seconds=poll, seconds=PATIENCE_SECONDS)
            if time.monotonic() >= end:
                return
            time.sleep(pause_seconds)

    elapsed = together(tenant, calls, [work] * clients, seed=seed)
    return _figures(tenant, calls, clients=clients, elapsed=elapsed)


def burst(platform: PlatformHandle, *, clients: int, requests: int, seed: int) -> dict[str, Any]:
    """Clients that send ``requests`` together as fast as they are answered, and follow none of them."""
    tenant, calls = Tenant(platform, f"burst-{clients}-{seed}"), Calls()
    started = time.monotonic()
    elapsed = send(tenant, calls, requests=requests, clients=clients, seed=seed)
    figures = _figures(tenant, calls, clients=clients, elapsed=elapsed)
    return {**figures, "done_seconds": round(time.monotonic() - started, 1)}


def backlog(platform: PlatformHandle, *, waiting: int, seed: int) -> dict[str, Any]:
    """Reports that are accepted while no worker runs, and are then let go."""
    tenant, calls = Tenant(platform, f"backlog-{seed}"), Calls()
    with paused_workers(platform):
        elapsed = send(tenant, calls, requests=waiting, clients=_SENDERS, seed=seed)
        [[queued]] = platform.query("SELECT COUNT(*) FROM prensa.reports WHERE status = 'queued'")
    released = time.monotonic()
    figures = _figures(tenant, calls, clients=_SENDERS, elapsed=elapsed)
    drained = time.monotonic() - released
    return {
        **figures,
        "waiting": int(queued),
        "drained_seconds": round(drained, 1),
        "drained_per_second": round(len(calls.accepted) / drained, 1),
    }


def send(
    tenant: Tenant, calls: Calls, *, requests: int, clients: int, seed: int, priority: str | None = None
) -> float:
    """Send ``requests`` with ``clients`` at once; returns the seconds. Without ``priority`` it varies."""
    shares = [requests // clients + (number < requests % clients) for number in range(clients)]

    def sender(share: int) -> Work:
        def work(visitor: Visitor, chance: random.Random) -> None:
            for _ in range(share):
                visitor.post(any_body(chance) if priority is None else _BODIES[priority])

        return work

    return together(tenant, calls, [sender(share) for share in shares], seed=seed)


def together(tenant: Tenant, calls: Calls, works: Sequence[Work], *, seed: int) -> float:
    """Do ``works`` side by side, each with a client and a generator of its own; returns the seconds."""
    start = threading.Barrier(len(works) + 1)

    def run(number: int) -> None:
        with closing(tenant.visitor(calls)) as visitor:
            start.wait()
            works[number](visitor, random.Random(f"{seed}-{number}"))

    with ThreadPoolExecutor(len(works)) as pool:
        running = [pool.submit(run, number) for number in range(len(works))]
        start.wait()
        began = time.monotonic()
        for each in running:
            each.result()
    return time.monotonic() - began


def patience(reports: int) -> float:
    """Seconds after which one of so many reports in a queue is late."""
    return PATIENCE_SECONDS + _PATIENCE_SECONDS_A_REPORT * reports


def any_body(chance: random.Random) -> bytes:
    """A small report of any priority."""
    return _BODIES[chance.choice(tuple(_BODIES))]


def warm_up(platform: PlatformHandle) -> None:
    """Make small reports until every environment of the API and of the worker runs that can."""
    tenant, calls = Tenant(platform, "warm-up"), Calls()
    give_up_at = time.monotonic() + _WARM_UP_DEADLINE_SECONDS
    while any(len(platform.processes(name)) < _concurrency(platform, name) for name in ("api", "worker")):
        if time.monotonic() > give_up_at:
            raise RuntimeError(f"Not every environment runs after {_WARM_UP_DEADLINE_SECONDS:.0f} s.")
        send(tenant, calls, requests=160, clients=_SENDERS, seed=0)
        tenant.settle(calls, seconds=PATIENCE_SECONDS)
    if calls.errors:
        raise RuntimeError(f"The service does not work: {calls.errors[0]}")


@contextmanager
def paused_workers(platform: PlatformHandle) -> Iterator[None]:
    """Freeze every environment of the worker. None may be at work: its lease would end."""
    warm_up(platform)
    with ExitStack() as frozen:
        for emulator in platform.processes("worker"):
            for process in (emulator, *emulator.children(recursive=True)):
                process.suspend()
                frozen.callback(process.resume)
        yield


def _concurrency(platform: PlatformHandle, function: str) -> int:
    deployment: Any = read_json(platform.home.deployment)
    return int(next(each["concurrency"] for each in deployment["functions"] if each["name"] == function))


def _figures(tenant: Tenant, calls: Calls, *, clients: int, elapsed: float) -> dict[str, Any]:
    reports = tenant.settle(calls, seconds=patience(len(calls.accepted)))
    return {
        "clients": clients,
        "accepted": len(calls.accepted),
        "accepted_per_second": round(len(calls.accepted) / elapsed, 1),
        "post_ms": latencies(calls.posts),
        "get_ms": latencies(calls.gets),
        "queue_seconds": in_queue(reports),
        "errors": calls.errors,
    }
