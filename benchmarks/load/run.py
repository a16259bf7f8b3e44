"""Every measurement in turn, on platforms of their own."""

import os
import platform as machine
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.load.crowd import backlog, burst, sustained, warm_up
from benchmarks.load.fairness import BOUND_SECONDS, flood
from benchmarks.load.memory import JUDGED_MINUTES, LEVEL_MB_A_MINUTE, Sampler, ended, growth, not_level
from benchmarks.load.rendering import latency_while_rendering
from local.testing import PlatformHandle, start_platform

SCENES = ("sustained", "burst", "backlog", "rendering", "memory", "fairness")
_SAMPLES = 60
_LONGEST_INTERVAL_SECONDS = 10.0
_MEMORY_CLIENTS = 4
_MEMORY_PAUSE_SECONDS = 0.2


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """How much of what. ``waiting`` reports, ``burst`` and ``flood`` requests, ``minutes`` of memory."""

    scenes: tuple[str, ...] = SCENES
    clients: tuple[int, ...] = (1, 4, 16, 64)
    seconds: float = 15.0
    burst: int = 640
    waiting: int = 10_000
    flood: int = 5000
    minutes: float = 5.0
    seed: int = 1
    relay_interval: float = 60.0
    #: How long another tenant's request may wait during a flood; ``None`` where time is not judged.
    bound_seconds: float | None = BOUND_SECONDS
    #: Whether fairness gets a platform of its own. On a shared one the window of a tenant stays.
    two_platforms: bool = True


#: Quotas of a tenant, lifted: nobody has one.
UNLIMITED: Mapping[str, str] = {"TENANT_QUOTAS": "{}"}
#: The window of a tenant's messages in the broker, lifted: no lane has one.
UNWINDOWED: Mapping[str, str] = {"TENANT_WINDOW": "{}"}
#: A short run of everything but the large files: what a test does.
QUICK = Plan(
    scenes=("sustained", "burst", "backlog", "memory", "fairness"),
    clients=(8,),
    seconds=1.0,
    burst=40,
    waiting=60,
    flood=60,
    minutes=0.03,
    relay_interval=5.0,
    bound_seconds=None,
    two_platforms=False,
)


def measure(plan: Plan, *, measured: Callable[[str, dict[str, Any]], object]) -> dict[str, Any]:
    """Do what ``plan`` says. ``errors`` of the result has everything that went wrong: it must be empty.

    ``measured`` is called with the name of each scene that has been measured and the result so far.
    """
    result: dict[str, Any] = {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "machine": f"Python {machine.python_version()}, {machine.machine()}",
        "cores": os.cpu_count(),
        # Of the minute before: above 0 it ran beside other work.
        "load_average": round(os.getloadavg()[0], 1),
        "seed": plan.seed,
        "errors": [],
    }
    for scenes, overrides in _platforms(plan):
        with _platform(overrides, plan, sample="rendering" in scenes) as platform:
            warm_up(platform)
            for scene in scenes:
                result[scene] = _SCENES[scene](platform, plan)
                result["errors"] = errors(result)
                measured(scene, result)
    return result


def _platforms(plan: Plan) -> list[tuple[list[str], Mapping[str, str]]]:
    """Scenes and settings of each platform. What keeps a tenant back is lifted where load is measured."""
    if not plan.two_platforms:
        return [(list(plan.scenes), UNLIMITED)]
    load = [scene for scene in plan.scenes if scene != "fairness"]
    fairness = [scene for scene in plan.scenes if scene == "fairness"]
    return [
        (scenes, overrides)
        for scenes, overrides in ((load, {**UNLIMITED, **UNWINDOWED}), (fairness, UNLIMITED))
        if scenes
    ]


def _sustained(platform: PlatformHandle, plan: Plan) -> list[dict[str, Any]]:
    return [
        sustained(platform, clients=clients, seconds=plan.seconds, seed=plan.seed) for clients in plan.clients
    ]


def _burst(platform: PlatformHandle, plan: Plan) -> list[dict[str, Any]]:
    return [burst(platform, clients=clients, requests=plan.burst, seed=plan.seed) for clients in plan.clients]


def _backlog(platform: PlatformHandle, plan: Plan) -> dict[str, Any]:
    return backlog(platform, waiting=plan.waiting, seed=plan.seed)


def _rendering(platform: PlatformHandle, plan: Plan) -> dict[str, Any]:
    return latency_while_rendering(platform, seconds=2 * plan.seconds, seed=plan.seed)


def _memory(platform: PlatformHandle, plan: Plan) -> dict[str, Any]:
    seconds = plan.minutes * 60
    interval = min(_LONGEST_INTERVAL_SECONDS, seconds / _SAMPLES)
    with Sampler(platform, interval) as sampler:
        made = sustained(
            platform,
            clients=_MEMORY_CLIENTS,
            seconds=seconds,
            seed=plan.seed,
            pause_seconds=_MEMORY_PAUSE_SECONDS,
        )
    parts = growth(sampler.samples)
    judged = plan.minutes >= JUDGED_MINUTES
    return {
        "minutes": plan.minutes,
        "reports": made["accepted"],
        "bound_mb_a_minute": LEVEL_MB_A_MINUTE if judged else None,
        "parts": parts,
        "samples": {
            name: [(round(at, 1), round(mb, 2)) for at, mb in points]
            for name, points in sampler.samples.items()
        },
        "errors": [
            *made["errors"],
            *ended(platform, sampler.samples),
            *(not_level(parts) if judged else []),
        ],
    }


def _fairness(platform: PlatformHandle, plan: Plan) -> list[dict[str, Any]]:
    return [
        flood(
            platform,
            requests=plan.flood,
            priority=priority,
            seed=plan.seed,
            bound_seconds=plan.bound_seconds,
        )
        for priority in ("normal", "high")
    ]


_SCENES: Mapping[str, Callable[[PlatformHandle, Plan], Any]] = {
    "sustained": _sustained,
    "burst": _burst,
    "backlog": _backlog,
    "rendering": _rendering,
    "memory": _memory,
    "fairness": _fairness,
}


def errors(result: Mapping[str, Any]) -> list[str]:
    """Everything that went wrong in the scenes of ``result``."""
    scenes = [result[scene] for scene in SCENES if scene in result]
    parts = [part for scene in scenes for part in (scene if isinstance(scene, list) else [scene])]
    return [error for part in parts for error in part["errors"]]


@contextmanager
def _platform(overrides: Mapping[str, str], plan: Plan, *, sample: bool) -> Iterator[PlatformHandle]:
    with tempfile.TemporaryDirectory(prefix="prensa-load-") as home:
        platform = start_platform(
            Path(home), sample=sample, relay_interval=plan.relay_interval, overrides=overrides
        )
        try:
            yield platform
        finally:
            platform.stop()
