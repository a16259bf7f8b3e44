"""Starts parts side by side, watches them, and starts again the one that dies."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from local import processes
from local.home import Home, write_json
from local.parts.part import Part

_PROBE_INTERVAL_SECONDS = 0.03
_FIRST_BACKOFF_SECONDS = 0.2
_LONGEST_BACKOFF_SECONDS = 10.0
#: A part that ran this long before it died starts again at the shortest back-off.
_STABLE_SECONDS = 30.0

type Report = Callable[[str], None]


class PartFailed(RuntimeError):
    """A part ended, or was not ready in time, while the platform was being started."""


@dataclass
class _Running:
    part: Part
    process: asyncio.subprocess.Process
    state: str
    started: float
    restarts: int = 0
    watch: asyncio.Task[None] | None = None


class Supervisor:
    """The processes of one home. ``report`` takes one line of text per event."""

    def __init__(self, home: Home, *, report: Report) -> None:
        self._home = home
        self._report = report
        self._running: dict[str, _Running] = {}
        self._stopping = False

    async def start(self, part: Part) -> None:
        """Start a part and return when its probe succeeded and it is provisioned.

        Raises :class:`PartFailed`, with the end of the part's log.
        """
        began = time.monotonic()
        running = await self._launch(part)
        self._running[part.name] = running
        await self._until_ready(running)
        running.watch = asyncio.create_task(self._watch(running), name=f"watch {part.name}")
        self._write_state()
        self._report(
            f"  {part.name:<10} {part.what:<48} {part.address:<24} {time.monotonic() - began:5.1f} s"
        )

    async def start_all(self, parts: Sequence[Part]) -> None:
        """Start parts side by side. When one fails the others are left to :meth:`stop`."""
        async with asyncio.TaskGroup() as group:
            for part in parts:
                group.create_task(self.start(part))

    async def stop(self) -> None:
        """Stop every part, the last one started first."""
        self._stopping = True
        for running in self._running.values():
            if running.watch is not None:
                running.watch.cancel()
        for name in reversed(list(self._running)):
            running = self._running.pop(name)
            await processes.stop(
                running.process, how=running.part.stop_signal, grace_seconds=running.part.stop_grace_seconds
            )
            processes.forget(self._home.pids, name)
        self._home.state.unlink(missing_ok=True)

    async def _launch(self, part: Part) -> _Running:
        await part.prepare()
        process = await processes.spawn(
            part.command,
            environment=part.environment,
            directory=part.directory,
            log=self._home.log(part.name),
        )
        processes.record(self._home.pids, part.name, process.pid)
        return _Running(part=part, process=process, state="starting", started=time.time())

    async def _until_ready(self, running: _Running) -> None:
        part = running.part
        deadline = time.monotonic() + part.start_timeout_seconds
        while True:
            if running.process.returncode is not None:
                raise PartFailed(
                    f"{part.name} ended with code {running.process.returncode} while it started.\n"
                    + self._log_tail(part.name)
                )
            try:
                async with asyncio.timeout(5):
                    await part.probe()
                break
            except Exception as error:
                # Every failure of a probe means "not yet": what it was is told when time is up.
                if time.monotonic() > deadline:
                    raise PartFailed(
                        f"{part.name} was not ready after {part.start_timeout_seconds:.0f} s ({error!r}).\n"
                        + self._log_tail(part.name)
                    ) from error
            await asyncio.sleep(_PROBE_INTERVAL_SECONDS)
        await part.provision()
        running.state = "running"

    async def _watch(self, running: _Running) -> None:
        backoff = _FIRST_BACKOFF_SECONDS
        part = running.part
        while True:
            code = await running.process.wait()
            if self._stopping:
                return
            if time.time() - running.started > _STABLE_SECONDS:
                backoff = _FIRST_BACKOFF_SECONDS
            self._report(f"  {part.name} ended ({_reason(code)}) and is started again in {backoff:.1f} s.")
            running.state = "restarting"
            self._write_state()
            await asyncio.sleep(backoff)
            backoff = min(backoff * 2, _LONGEST_BACKOFF_SECONDS)
            try:
                again = await self._launch(part)
                running.process, running.started = again.process, again.started
                running.restarts += 1
                await self._until_ready(running)
            except Exception as error:  # noqa: BLE001 - whatever kept it from starting, it is tried again
                self._report(f"  {part.name} could not be started: {error}")
                await processes.stop(running.process, how=part.stop_signal, grace_seconds=1)
                continue
            self._write_state()
            self._report(f"  {part.name} runs again.")

    def _write_state(self) -> None:
        write_json(
            self._home.state,
            {
                name: {
                    "pid": running.process.pid,
                    "state": running.state,
                    "restarts": running.restarts,
                    "started": running.started,
                    "what": running.part.what,
                    "address": running.part.address,
                }
                for name, running in self._running.items()
            },
        )

    def _log_tail(self, name: str, lines: int = 15) -> str:
        text = self._home.log(name).read_text(errors="replace").splitlines()
        return "\n".join(f"    {line}" for line in text[-lines:])


def _reason(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"code {code}"
