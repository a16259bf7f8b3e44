"""What a part of the platform is to the supervisor."""

import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


async def nothing() -> None:
    """The default of the optional steps."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """One server that runs as a child process.

    ``prepare`` runs before each start, ``probe`` is one real operation that raises while the server is
    not ready, and ``provision`` creates what others expect to find in it; it runs after each start and
    so also after a crash, and must be repeatable.
    """

    name: str
    what: str
    address: str
    command: Sequence[str]
    environment: Mapping[str, str]
    directory: Path
    probe: Callable[[], Awaitable[None]]
    prepare: Callable[[], Awaitable[None]] = nothing
    provision: Callable[[], Awaitable[None]] = nothing
    start_timeout_seconds: float = 60
    stop_signal: signal.Signals = signal.SIGTERM
    stop_grace_seconds: float = 10
