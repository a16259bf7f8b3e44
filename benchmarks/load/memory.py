"""Resident memory of the service's processes over time.

The database's is without its buffer pool, which fills with pages up to the size that it was given.
"""

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from benchmarks.figures import last_two_thirds, slope
from local import processes
from local.status import status_rows
from local.testing import PlatformHandle

type Points = Sequence[tuple[float, float]]

#: What is level: least squares over the last two thirds of the time rise less than this.
LEVEL_MB_A_MINUTE = 0.25
#: Over a shorter time the slope says more about garbage collection than about growth.
JUDGED_MINUTES = 10.0
_MOST_OF_THE_TIME = 0.8
#: What is deployed. The object store of this machine keeps every object in memory, and is not.
_FUNCTIONS = ("api", "worker", "relay", "dead_letters")
_PARTS = ("broker", "database", "cache")


@dataclass
class Sampler:
    """Takes samples on a thread of its own: MB by process at seconds since the start."""

    platform: PlatformHandle
    interval_seconds: float
    samples: dict[str, list[tuple[float, float]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._finished = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._finished.set()
        self._thread.join()

    def _run(self) -> None:
        started = time.monotonic()
        while True:
            for name, process in processes.recorded(self.platform.home.pids).items():
                if kind(name) is not None:
                    used = processes.memory_bytes(process.pid)
                    if name == "database":
                        used -= _buffer_pool_bytes(self.platform)
                    self.samples.setdefault(name, []).append((time.monotonic() - started, used / 1e6))
            if self._finished.wait(self.interval_seconds):
                return


def _buffer_pool_bytes(platform: PlatformHandle) -> int:
    """What the pages in InnoDB's buffer pool take."""
    status = dict(platform.query("SHOW GLOBAL STATUS LIKE 'Innodb_%page%'"))
    pages = int(status["Innodb_buffer_pool_pages_total"]) - int(status["Innodb_buffer_pool_pages_free"])
    return pages * int(status["Innodb_page_size"])


def kind(name: str) -> str | None:
    """The part or function that a recorded process belongs to, if it is one that must be level."""
    if name in _PARTS:
        return name
    function, _, port = name.rpartition("-")
    return function if function in _FUNCTIONS and port.isdigit() else None


def growth(samples: Mapping[str, Points]) -> dict[str, dict[str, Any]]:
    """By part or function: how many processes, the most memory of one, and the steepest slope of one.

    Slopes are MB a minute over the last two thirds. A process that started late has none.
    """
    whole = max(points[-1][0] for points in samples.values())
    found: dict[str, dict[str, Any]] = {}
    for name, points in samples.items():
        part = found.setdefault(str(kind(name)), {"processes": 0, "mb": 0.0, "mb_a_minute": None})
        part["processes"] += 1
        part["mb"] = round(max(part["mb"], *(mb for _, mb in points)), 1)
        if len(points) > 2 and points[-1][0] - points[0][0] > _MOST_OF_THE_TIME * whole:
            steep = round(slope(last_two_thirds(points)) * 60, 3)
            part["mb_a_minute"] = steep if part["mb_a_minute"] is None else max(part["mb_a_minute"], steep)
    return found


def not_level(parts: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What grows, in words."""
    return [
        f"the memory of {name} grows by {part['mb_a_minute']} MB a minute, more than {LEVEL_MB_A_MINUTE}"
        for name, part in parts.items()
        if part["mb_a_minute"] is not None and part["mb_a_minute"] > LEVEL_MB_A_MINUTE
    ]


def ended(platform: PlatformHandle, samples: Mapping[str, Points]) -> list[str]:
    """Parts and environments that did not last: none may end under load."""
    rows = {row["part"]: row for row in status_rows(platform.home)}
    gone = [f"{name} has ended" for name in samples if name not in rows]
    return gone + [f"{name} was started again" for name, row in rows.items() if row["restarts"]]
