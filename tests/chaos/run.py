"""``make chaos FAULTS=n SEED=s``: breaks parts of a platform of its own and judges what became of it all."""

import argparse
import itertools
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from local.paths import LAMBDAS
from local.ports import choose_ports
from local.testing import start_platform
from tests.chaos.driver import SCOPES, Breaker, Fault, Stream
from tests.chaos.faults import INSIDE, Bench, build_clock, has_clock, kinds
from tests.chaos.lines import Lines
from tests.chaos.oracle import Verdict, judge
from tests.e2e.client import Client

_REPORT = Path(".local/chaos.json")
#: A killed worker's report is taken up after its lease.
_SETTINGS = {"LEASE_SECONDS": "6", "RETRY_BASE_SECONDS": "0.5", "TENANT_QUOTAS": "{}"}
_PARTS = ("broker", "database", "cache", "storage", "worker", "relay", "api", "dead_letters")


@contextmanager
def chaos_bench(folder: Path, *, longest_seconds: float = 8.0) -> Iterator[Bench]:
    """A platform of its own in ``folder`` whose functions reach the parts over lines that can be broken."""
    ports = choose_ports(0)
    orders = folder / "orders"
    orders.mkdir(parents=True)
    settings = {"PYTHONPATH": f"{INSIDE}:{LAMBDAS}", "PRENSA_CHAOS_FOLDER": str(orders)}
    if has_clock():
        settings["LD_PRELOAD"] = str(build_clock(folder))
    with Lines(ports) as lines:
        platform = start_platform(
            folder / "home",
            sample=True,
            relay_interval=1.0,
            overrides={**_SETTINGS, **settings, **lines.settings()},
            port_base=ports.base,
        )
        try:
            yield Bench(platform, lines, orders, longest_seconds)
        finally:
            platform.stop()


def break_and_judge(
    bench: Bench,
    *,
    seed: int,
    say: Callable[[str], object],
    faults: int | None = None,
    minutes: float = 600,
) -> tuple[Verdict, list[Fault]]:
    """Do ``faults`` faults under a stream of requests; ``say`` gets a line for each.

    Without their number each kind is done once. No fault begins after ``minutes``.
    """
    platform = bench.platform
    client = Client(platform.endpoints["api"], platform.token("chaos", SCOPES, ttl_seconds=6 * 3600))
    stream = Stream(client, seed=seed)
    breaker = Breaker(bench, client, seed=seed)
    plan = kinds(steps_at_once=True) if faults is None else itertools.islice(breaker.plan(), faults)
    give_up_at = time.monotonic() + minutes * 60
    done: list[Fault] = []
    stream.start()
    try:
        for number, kind in enumerate(plan, start=1):
            if time.monotonic() > give_up_at:
                say(f"ended after {minutes:g} minutes")
                break
            fault = breaker.do(kind)
            done.append(fault)
            say(f"{number:4} {fault.part} {fault.words}, at work again after {fault.recovered_after:.1f} s")
    finally:
        stream.stop()
    verdict = judge(platform, client, [*stream.sent, *breaker.sent], foreign=bench.foreign)
    verdict.wrong += stream.broken
    return verdict, done


def summary(verdict: Verdict, done: Sequence[Fault], *, seed: int) -> dict[str, Any]:
    """What is written to chaos.json."""
    by_part: dict[str, list[float]] = {}
    by_kind: dict[str, list[float]] = {}
    for fault in done:
        by_part.setdefault(fault.part, []).append(fault.recovered_after)
        by_kind.setdefault(f"{fault.part} {fault.kind}", []).append(fault.recovered_after)
    return {
        "seed": seed,
        "faults": len(done),
        "accepted": verdict.accepted,
        "succeeded": verdict.succeeded,
        "failed": verdict.failed,
        "cancelled": verdict.cancelled,
        "expired": verdict.expired,
        "lost": verdict.lost,
        "double": verdict.double,
        "backward": verdict.backward,
        "leftover_objects": verdict.leftover_objects,
        "leftover_uploads": verdict.leftover_uploads,
        "slowest_accept_seconds": round(verdict.slowest_accept, 1),
        "recovery_seconds": {
            part: round(statistics.median(by_part[part]), 1) for part in _PARTS if part in by_part
        },
        "by_kind": {
            kind: {
                "faults": len(times),
                "median": round(statistics.median(times), 1),
                "most": round(max(times), 1),
            }
            for kind, times in sorted(by_kind.items())
        },
    }


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faults", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=600, help="after which no fault begins")
    parser.add_argument("--longest", type=float, default=8, help="seconds that a part is away, at most")
    wanted = parser.parse_args(arguments)
    if not has_clock():
        _say("No clock is moved: there is no C compiler (cc).")
    with (
        tempfile.TemporaryDirectory(prefix="prensa-chaos-") as folder,
        chaos_bench(Path(folder), longest_seconds=wanted.longest) as bench,
    ):
        verdict, done = break_and_judge(
            bench, seed=wanted.seed, say=_say, faults=wanted.faults, minutes=wanted.minutes
        )
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
