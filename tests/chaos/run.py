"""``make chaos FAULTS=n SEED=s``: breaks parts of a platform of its own and judges what became of it all."""

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from local.testing import PlatformHandle, start_platform
from tests.chaos.driver import SCOPES, Breaker, Fault, Stream
from tests.chaos.oracle import Verdict, judge
from tests.e2e.client import Client

_REPORT = Path(".local/chaos.json")
#: A killed worker's report is taken up after its lease.
SETTINGS = {"LEASE_SECONDS": "6", "RETRY_BASE_SECONDS": "0.5", "TENANT_QUOTAS": "{}"}
_PARTS = ("broker", "database", "cache", "storage", "worker", "relay", "api")


def break_and_judge(
    platform: PlatformHandle, *, faults: int, seed: int, say: Callable[[str], object]
) -> tuple[Verdict, list[Fault]]:
    """Do ``faults`` faults under a stream of requests; ``say`` gets a line for each."""
    client = Client(platform.endpoints["api"], platform.token("chaos", SCOPES, ttl_seconds=6 * 3600))
    stream = Stream(client, seed=seed)
    breaker = Breaker(platform, client, seed=seed)
    done: list[Fault] = []
    stream.start()
    try:
        for number in range(1, faults + 1):
            fault = breaker.next()
            done.append(fault)
            say(f"{number:4} {fault.part} {fault.kind}, at work again after {fault.recovered_after:.1f} s")
    finally:
        stream.stop()
    return judge(platform, client, stream.sent), done


def summary(verdict: Verdict, done: Sequence[Fault], *, seed: int) -> dict[str, Any]:
    """What is written to chaos.json."""
    recovery = {
        part: round(statistics.median(times), 1)
        for part in _PARTS
        if (times := [fault.recovered_after for fault in done if fault.part == part])
    }
    return {
        "seed": seed,
        "faults": len(done),
        "accepted": verdict.accepted,
        "succeeded": verdict.succeeded,
        "failed": verdict.failed,
        "cancelled": verdict.cancelled,
        "lost": verdict.lost,
        "double": verdict.double,
        "backward": verdict.backward,
        "leftover_objects": verdict.leftover_objects,
        "leftover_uploads": verdict.leftover_uploads,
        "recovery_seconds": recovery,
    }


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faults", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="prensa-chaos-") as home:
        platform = start_platform(Path(home), sample=True, relay_interval=1.0, overrides=SETTINGS)
        try:
            verdict, done = break_and_judge(platform, faults=wanted.faults, seed=wanted.seed, say=_say)
        finally:
            platform.stop()
    found = summary(verdict, done, seed=wanted.seed)
    _REPORT.parent.mkdir(exist_ok=True)
    _REPORT.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=2))
    for line in verdict.wrong:
        print(line)
    return 0 if verdict.sound else 1


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
