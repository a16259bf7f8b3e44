"""What one tenant's flood does to another tenant's request."""

import random
import threading
import time
from typing import Any

from benchmarks.load.crowd import PATIENCE_SECONDS, patience, send, together
from benchmarks.load.tenant import Tenant, latencies, small_report, waited, waits
from benchmarks.load.visitor import Calls, Visitor
from local.testing import PlatformHandle

#: An interactive request of another tenant waits no longer than this for a worker.
BOUND_SECONDS = 5.0
_SENDERS = 8
_POLL_SECONDS = 0.05
_PAUSE_SECONDS = 0.5


def flood(
    platform: PlatformHandle, *, requests: int, priority: str, seed: int, bound_seconds: float | None
) -> dict[str, Any]:
    """One tenant sends ``requests`` into the interactive lane; another asks for a report at a time.

    The flood has ``priority``, the other's requests are ``normal``. One that waits longer than
    ``bound_seconds`` for a worker is an error.

    The other tenant goes on until the flood has ended. ``wait_seconds`` are its times from accepted to
    started.
    """
    bulk, bulk_calls = Tenant(platform, f"flood-{priority}-{seed}"), Calls()
    other, other_calls = Tenant(platform, f"other-{priority}-{seed}"), Calls()
    over = threading.Event()

    def ask(visitor: Visitor, _chance: random.Random) -> None:
        while not over.is_set():
            report_id = visitor.post(small_report("normal"))
            if report_id is not None:
                visitor.follow(report_id, pause_seconds=_POLL_SECONDS, seconds=patience(requests))
            over.wait(_PAUSE_SECONDS)

    asking = threading.Thread(target=together, args=(other, other_calls, [ask]), kwargs={"seed": seed})
    asking.start()
    began = time.monotonic()
    try:
        sent = send(bulk, bulk_calls, requests=requests, clients=_SENDERS, seed=seed, priority=priority)
        flooded = bulk.settle(bulk_calls, seconds=patience(requests))
    finally:
        over.set()
        asking.join()
    times = [waited(report) for report in other.settle(other_calls, seconds=PATIENCE_SECONDS)]
    worst = max(times)
    is_late = bound_seconds is not None and worst > bound_seconds
    late = [f"a request of another tenant waited {worst:.1f} s"] if is_late else []
    return {
        "flood": len(flooded),
        "priority": priority,
        "flood_accepted_seconds": round(sent, 1),
        "flood_done_seconds": round(time.monotonic() - began, 1),
        "flood_wait_seconds": waits([waited(report) for report in flooded]),
        "asked": len(times),
        "wait_seconds": waits(times),
        "bound_seconds": bound_seconds,
        "post_ms": latencies(other_calls.posts),
        "errors": [*bulk_calls.errors, *other_calls.errors, *late],
    }
