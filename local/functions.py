"""Lambda functions: pools of the official runtime interface emulator, one call a process at a time.

An environment is used again while it is warm, the most recently used first, as Lambda does. The emulator
ends a call at its time-out and starts the runtime anew after a crash.
"""

import asyncio
import contextlib
import json
import logging
import signal
import sys
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp

from local import processes
from local.credentials import Credentials
from local.deployment import Deployment, Function, runtime_environment
from local.home import Home
from local.paths import LAMBDA_EMULATOR, LAMBDAS
from local.ports import LOOPBACK, is_free

_log = logging.getLogger(__name__)
_START_SECONDS = 20.0
#: What Lambda takes as the payload of a synchronous call.
MAX_PAYLOAD_BYTES = 6 * 1024 * 1024


class UnknownFunction(LookupError):
    """No function of this name is deployed."""


class StartFailed(RuntimeError):
    """An environment could not be started."""


@dataclass(frozen=True, slots=True)
class Answer:
    """``failed`` is what Lambda says with ``X-Amz-Function-Error``."""

    payload: bytes
    failed: bool


class _Environment:
    """One emulator with its runtime."""

    def __init__(self, name: str, ports: tuple[int, int], process: asyncio.subprocess.Process) -> None:
        self.name = name
        self.ports = ports
        self.url = f"http://{LOOPBACK}:{ports[0]}/2015-03-31/functions/function/invocations"
        self.process = process

    @property
    def alive(self) -> bool:
        return self.process.returncode is None


class _Pool:
    """The environments of one function."""

    def __init__(self, function: Function, functions: "Functions") -> None:
        self.function = function
        self._functions = functions
        self._idle: deque[_Environment] = deque()
        self._slots = asyncio.Semaphore(function.concurrency)

    async def invoke(self, payload: bytes) -> Answer:
        async with self._slots:
            try:
                environment = self._take() or await self._functions.start(self.function)
            except StartFailed as error:
                _log.warning("%s: %s", self.function.name, error)
                return Answer(_error("Runtime.StartFailed", str(error)), failed=True)
            try:
                return await self._functions.call(environment, payload, self.function.timeout_seconds)
            finally:
                if environment.alive:
                    self._idle.append(environment)

    def _take(self) -> _Environment | None:
        while self._idle:
            environment = self._idle.pop()
            if environment.alive:
                return environment
        return None


class Functions:
    """Invokes the deployed functions and owns their processes."""

    def __init__(
        self,
        deployment: Deployment,
        *,
        home: Home,
        credentials: Credentials,
        ports: range,
        machine: Mapping[str, str] | None = None,
    ) -> None:
        self._pools = {function.name: _Pool(function, self) for function in deployment.functions}
        self._home = home
        self._credentials = credentials
        self._ports = ports
        self._machine = machine or {}
        self._starting: set[int] = set()
        self._environments: list[_Environment] = []
        self._calls: set[asyncio.Task[Answer]] = set()
        self._session: aiohttp.ClientSession | None = None

    async def invoke(self, name: str, payload: bytes) -> Answer:
        """Call a function and wait for its answer. Raises :class:`UnknownFunction`.

        When the caller is cancelled the function runs on, as it does in Lambda when a client hangs up.
        """
        if name not in self._pools:
            raise UnknownFunction(
                f"There is no function {name!r}; known are: {', '.join(sorted(self._pools))}."
            )
        # Its environment must not be used again before it has answered: a second call ends the emulator.
        call = asyncio.create_task(self._pools[name].invoke(payload), name=f"invoke {name}")
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)
        return await asyncio.shield(call)

    async def start(self, function: Function) -> _Environment:
        """Start a new environment of ``function``. Raises :class:`StartFailed`."""
        ports = address, runtime = self._two_ports()
        self._starting.update(ports)
        name = f"{function.name}-{address}"
        process = await processes.spawn(
            [
                str(LAMBDA_EMULATOR),
                "--log-level",
                "error",
                "--runtime-interface-emulator-address",
                f"{LOOPBACK}:{address}",
                "--runtime-api-address",
                f"{LOOPBACK}:{runtime}",
                sys.executable,
                "-m",
                "awslambdaric",
                function.handler,
            ],
            environment=runtime_environment(function, self._home, self._credentials, self._machine),
            directory=LAMBDAS,
            log=self._home.log(function.name),
        )
        processes.record(self._home.pids, name, process.pid)
        environment = _Environment(name, ports, process)
        self._environments.append(environment)
        self._starting.difference_update(ports)
        try:
            await self._listening(address, process)
        except BaseException:
            await _kill(environment)
            raise
        return environment

    async def call(self, environment: _Environment, payload: bytes, timeout_seconds: int) -> Answer:
        if self._session is None:
            self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        timeout = aiohttp.ClientTimeout(total=timeout_seconds + 30)
        try:
            async with self._session.post(environment.url, data=payload, timeout=timeout) as response:
                return _answer(response.status, await response.read())
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            _log.warning("environment %s was lost: %r", environment.name, error)
            await _kill(environment)
            return Answer(_error("Runtime.ExitError", "The environment ended during the call."), failed=True)

    async def close(self) -> None:
        """End every environment, and the calls that still run."""
        for running in self._calls:
            running.cancel()
        await asyncio.gather(*self._calls, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
        await asyncio.gather(*(_kill(environment) for environment in self._environments))
        for environment in self._environments:
            processes.forget(self._home.pids, environment.name)

    def _two_ports(self) -> tuple[int, int]:
        for environment in [e for e in self._environments if not e.alive]:
            self._environments.remove(environment)
            processes.forget(self._home.pids, environment.name)
        used = {port for environment in self._environments for port in environment.ports} | self._starting
        free = (port for port in self._ports if port not in used and is_free(port))
        try:
            return next(free), next(free)
        except StopIteration:
            raise StartFailed(
                "No port of this platform's block is left for another Lambda environment."
            ) from None

    async def _listening(self, port: int, process: asyncio.subprocess.Process) -> None:
        try:
            async with asyncio.timeout(_START_SECONDS):
                while process.returncode is None:
                    with contextlib.suppress(OSError):
                        _, writer = await asyncio.open_connection(LOOPBACK, port)
                        writer.close()
                        return
                    await asyncio.sleep(0.005)
        except TimeoutError:
            raise StartFailed(f"The Lambda emulator did not listen within {_START_SECONDS:g} s.") from None
        raise StartFailed(f"The Lambda emulator ended with code {process.returncode}; see the logs.")


async def _kill(environment: _Environment) -> None:
    """End an emulator and the runtime that it started."""
    await processes.stop(environment.process, how=signal.SIGKILL, grace_seconds=5)


def _answer(status: int, payload: bytes) -> Answer:
    """The emulator answers 200 to a failed call too: its payload tells."""
    if status != 200:
        return Answer(payload, failed=True)
    if payload.startswith(b"Task timed out"):
        return Answer(_error("Sandbox.Timedout", payload.decode()), failed=True)
    if payload.startswith(b'{"errorMessage"') or payload.startswith(b'{"errorType"'):
        return Answer(payload, failed=True)
    return Answer(payload, failed=False)


def _error(kind: str, message: str) -> bytes:
    return json.dumps({"errorType": kind, "errorMessage": message}).encode()
