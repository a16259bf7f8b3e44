"""Child processes that can't outlive us unnoticed.

Two safeguards: the kernel ends a child when its parent dies (`setpriv --pdeathsig`, Linux), and a
record on disk of each child's id and start time lets the next start end whatever is left, and only that.
"""

import asyncio
import os
import shutil
import signal
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import psutil

from local.home import read_json, write_json

_SETPRIV = shutil.which("setpriv")
#: A recorded start time differs from the one read later by rounding: it counts from the boot, whose time the
#: kernel tells in whole seconds, and anew whenever the clock is corrected.
_START_TOLERANCE_SECONDS = 1.5


async def spawn(
    command: Sequence[str], *, environment: Mapping[str, str], directory: Path, log: Path
) -> asyncio.subprocess.Process:
    """Start a child in a session of its own, its output appended to ``log``.

    The session keeps a Ctrl-C in the terminal away from the child, so that the parts are stopped in
    order. Raises OSError when the program can't be started.
    """
    prefix = (_SETPRIV, "--pdeathsig", "TERM", "--") if _SETPRIV else ()
    with log.open("ab") as output:
        return await asyncio.create_subprocess_exec(
            *prefix,
            *command,
            env=dict(environment),
            cwd=directory,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


async def stop(process: asyncio.subprocess.Process, *, how: signal.Signals, grace_seconds: float) -> None:
    """Ask a child to end, and kill it with all of its descendants when it has not after the grace."""
    if process.returncode is not None:
        return
    descendants = _descendants(process.pid)
    try:
        process.send_signal(how)
        async with asyncio.timeout(grace_seconds):
            await process.wait()
    except ProcessLookupError:
        await process.wait()
    except TimeoutError:
        # Not through psutil: it would take the exit status that asyncio waits for.
        process.kill()
        await process.wait()
    # Also after a kind end: a server may leave helpers that it started.
    _kill(descendants)


def record(folder: Path, name: str, pid: int) -> None:
    """Write down that ``pid`` is ours."""
    try:
        started = psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        return
    write_json(folder / f"{name}.json", {"pid": pid, "started": started})


def forget(folder: Path, name: str) -> None:
    (folder / f"{name}.json").unlink(missing_ok=True)


def recorded(folder: Path) -> dict[str, psutil.Process]:
    """The recorded processes that still run, by name. A process id that was given away is not ours."""
    found = {}
    for file in sorted(folder.glob("*.json")):
        value = read_json(file)
        if value is None:
            continue
        pid, started = value.get("pid"), value.get("started")
        if not isinstance(pid, int) or not isinstance(started, float):
            continue
        try:
            process = psutil.Process(pid)
            if (
                abs(process.create_time() - started) < _START_TOLERANCE_SECONDS
                and process.status() != psutil.STATUS_ZOMBIE
            ):
                found[file.stem] = process
        except psutil.NoSuchProcess:
            continue
    return found


def clean_up(folder: Path, *, grace_seconds: float = 8) -> list[str]:
    """End what an earlier run left behind and return the names of what was ended."""
    left = recorded(folder)
    descendants = [child for process in left.values() for child in _descendants(process.pid)]
    for process in left.values():
        _signal(process, signal.SIGTERM)
    psutil.wait_procs(left.values(), timeout=grace_seconds)
    _kill([*left.values(), *descendants])
    for file in folder.glob("*.json"):
        file.unlink(missing_ok=True)
    return list(left)


def kill_all(pids: Iterable[int]) -> None:
    """SIGKILL processes and all of their descendants."""
    found: list[psutil.Process] = []
    for pid in pids:
        found.extend(_descendants(pid))
        try:
            found.append(psutil.Process(pid))
        except psutil.NoSuchProcess:
            continue
    _kill(found)


def memory_bytes(pid: int) -> int:
    """Resident memory of a process and its descendants; 0 when it is gone."""
    total = 0
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    for member in family:
        try:
            total += member.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total


def wait_until_gone(pid: int, *, timeout_seconds: float) -> bool:
    """Wait for a process that is not a child; False when it still runs at the deadline."""
    deadline = time.monotonic() + timeout_seconds
    while psutil.pid_exists(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def send(pid: int, how: signal.Signals) -> None:
    """Signal a process; one that is gone is no error."""
    try:
        os.kill(pid, how)
    except ProcessLookupError:
        return


def _descendants(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _signal(process: psutil.Process, how: signal.Signals) -> None:
    try:
        process.send_signal(how)
    except psutil.NoSuchProcess:
        return


def _kill(processes: Sequence[psutil.Process]) -> None:
    # psutil compares start times before it signals, so that a reused process id is left alone.
    for process in processes:
        _signal(process, signal.SIGKILL)
    psutil.wait_procs(processes, timeout=5)
