"""Lanes: which queue a report waits in, and how far ahead."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

INTERACTIVE = "interactive"
BULK = "bulk"
#: STOMP priorities; Amazon MQ's store keeps three: below 4, 4, above 4.
_PRIORITIES = {"low": 4, "normal": 4, "high": 8}
DEAD_LETTER_PREFIX = "DLQ."


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where a report's messages go."""

    lane: str
    queue: str
    priority: int


class Lanes:
    """The queues of each lane, and the row count from which a report is bulk whatever its priority."""

    def __init__(self, queues: Mapping[str, Sequence[str]], *, bulk_rows: int) -> None:
        for lane in (INTERACTIVE, BULK):
            if not queues.get(lane):
                raise ValueError(f"lane_queues has no queue for the lane {lane}, got {sorted(queues)}")
        self._queues = {lane: tuple(names) for lane, names in queues.items()}
        self._bulk_rows = bulk_rows

    def place(self, *, report_id: str, priority: str, rows: int | None) -> Place:
        """The queue for a report of ``rows`` estimated rows (``None``: not known)."""
        bulk = priority == "low" or (rows is not None and rows > self._bulk_rows)
        lane = BULK if bulk else INTERACTIVE
        queues = self._queues[lane]
        # A shard by the id's checksum: stable for one report and even over many.
        queue = queues[zlib.crc32(report_id.encode()) % len(queues)]
        return Place(lane=lane, queue=queue, priority=message_priority(priority))


def message_priority(priority: str) -> int:
    """The STOMP priority of a request's ``priority``."""
    return _PRIORITIES[priority]


def dead_letter_queue(queue: str) -> str:
    return DEAD_LETTER_PREFIX + queue
