"""What the fixtures that start servers share: free ports, waiting with a deadline, an end."""

import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

DEADLINE_SECONDS = 60.0


def free_port() -> int:
    """A TCP port of the loopback interface that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def eventually(condition: Callable[[], bool], *, seconds: float = 10.0, what: str = "the condition") -> None:
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
    """End a process, by force if it takes longer than 10 s."""
    process.terminate()
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
