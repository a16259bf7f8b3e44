"""Lanes: the queues that reports wait in."""

from dataclasses import dataclass

#: What one event source mapping of Amazon MQ runs at once, at most.
MAPPING_CONCURRENCY = 5
DEAD_LETTER_PREFIX = "DLQ."
_MOST_SHARDS = 20


@dataclass(frozen=True, kw_only=True)
class Lanes:
    """How many queues each lane has. A queue is one event source mapping and so five reports at once.

    Raises ``ValueError`` for counts outside 1 to 20 and ``TypeError`` for what is no whole number.
    """

    interactive: int = 1
    bulk: int = 1

    def __post_init__(self) -> None:
        for name, count in (("interactive", self.interactive), ("bulk", self.bulk)):
            if isinstance(count, bool) or not isinstance(count, int):
                raise TypeError(f"Lanes: {name} must be a whole number of queues, got {count!r}.")
            if not 1 <= count <= _MOST_SHARDS:
                raise ValueError(f"Lanes: {name} must be from 1 to {_MOST_SHARDS} queues, got {count}.")

    @property
    def queues(self) -> dict[str, list[str]]:
        """The names of the queues by lane, as the functions' ``LANE_QUEUES`` has them."""
        return {
            "interactive": [f"reports-interactive-{shard}" for shard in range(self.interactive)],
            "bulk": [f"reports-bulk-{shard}" for shard in range(self.bulk)],
        }

    @property
    def names(self) -> list[str]:
        return [name for names in self.queues.values() for name in names]
