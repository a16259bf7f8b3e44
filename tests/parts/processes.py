"""What the fixtures that start servers share: free ports, waiting with a deadline, an end."""

import itertools
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local.ports import LOOPBACK, choose_ports, is_free

DEADLINE_SECONDS = 100.0
#: How often a piece of work is measured before it counts as too slow.
_MEASUREMENTS = 8
#: Ports of blocks that are this process's: no other one takes them, and no outgoing connection gets them.
_PORTS = itertools.chain.from_iterable(choose_ports(0).emulators for _ in itertools.count())


def free_port() -> int:
    """A TCP port of the loopback interface that is the caller's, also while its server is down."""
    return next(port for port in _PORTS if is_free(port))


@contextmanager
def refusing_port() -> Iterator[int]:
    """A port that refuses connections: it is bound, so that nobody else can come to listen on it."""
    with socket.socket() as bound:
        bound.bind((LOOPBACK, 0))
        yield bound.getsockname()[1]


def once_below(limit: float, measure: Callable[[], float]) -> None:
    """Fail unless one of some measurements, of the time that work takes, is below ``limit``.

    A busy machine holds up a few of them; what is wrong with the work holds up all.
    """
    found: list[float] = []
    while not found or found[-1] >= limit:
        assert len(found) < _MEASUREMENTS, f"not below {limit}: {found}"
        found.append(measure())


def eventually(condition: Callable[[], bool], *, seconds: float = 60.0, what: str = "the condition") -> None:
    """Return once ``condition()`` holds; fail the test if it does not within ``seconds``."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"{what} did not come within {seconds} s")
        time.sleep(0.01)


def wait_until_ready(
    process: "subprocess.Popen[bytes]", ready: Callable[[], bool], *, name: str, log: Path
) -> None:
    """Return once ``ready()`` holds; fail with the end of the log if the process dies or takes too long."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            stop(process)
            pytest.fail(f"{name} did not start:\n{log.read_text(errors='replace')[-4000:]}")
        # Waits on the process, so that one that dies is seen at once.
        try:
            process.wait(timeout=0.05)
        except subprocess.TimeoutExpired:
            continue


def stop(process: "subprocess.Popen[bytes]") -> None:
    """End a process, by force if it takes longer than 30 s."""
    process.terminate()
    try:
        process.wait(timeout=30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
