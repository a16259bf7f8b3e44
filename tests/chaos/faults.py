"""The kinds of faults: what each does to which part of a running platform."""

import json
import random
import shutil
import ssl
import subprocess
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from local.credentials import Credentials
from local.parts.broker import APP_USER
from local.queues.event import mapping_event
from local.queues.stomp import Frame
from local.testing import PlatformHandle
from reporting.broker import Credentials as StompLogin
from reporting.broker import OutgoingMessage, parse_endpoints
from reporting.stomp_connection import ConnectFailed, ConnectionLost, FrameRefused, StompConnection
from tests.chaos.lines import Lines

INSIDE = Path(__file__).parent / "inside"
_QUEUES = ("reports-interactive-0", "reports-bulk-0")
_WAIT_SECONDS = 120.0
_AT_ONCE = 4
_STEPS = ("after_claim", "in_render", "after_part", "after_upload", "after_commit")
#: A request that comes to the step, where a small one does not: parts are of 8 MiB.
LARGE: dict[str, object] = {
    "report_type": "order_ledger",
    "format": "csv",
    "parameters": {"from": "2024-01-01", "to": "2024-12-31"},
}


@dataclass
class Bench:
    """What faults work on."""

    platform: PlatformHandle
    lines: Lines
    orders: Path
    #: How long a part is frozen, half-open, slow or wrong at most.
    longest_seconds: float = 8.0
    #: Messages that are none of the service's, each with whether the broker has confirmed it.
    foreign: dict[str, bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Broken:
    """What was done, in words. ``victims`` are reports that lost their workers."""

    words: str
    victims: tuple[str, ...] = ()


#: Breaks something. The last argument sends a request, for faults that need one.
type Break = Callable[[Bench, random.Random, Callable[[dict[str, object]], None]], Broken]


@dataclass(frozen=True, slots=True)
class Kind:
    part: str
    name: str
    does: Break


def kinds(*, steps_at_once: bool = False) -> list[Kind]:
    """Every kind; with ``steps_at_once`` the steps at which a worker is killed are one of them.

    A moved clock needs a C compiler and is left out where there is none.
    """
    found = [Kind(part, "killed", _kill(part)) for part in ("broker", "database", "cache", "storage")]
    found += [Kind(part, "killed", _kill(part)) for part in ("worker", "api", "relay")]
    found += [Kind(part, "frozen", _freeze(part)) for part in ("broker", "database", "cache", "storage")]
    found += [Kind(part, "frozen", _freeze(part)) for part in ("worker", "relay")]
    if steps_at_once:
        found += [Kind("worker", "killed at every step", _kill_at_every_step)]
    else:
        found += [Kind("worker", f"killed {step}", _kill_at(step)) for step in _STEPS]
    for part in ("broker", "database", "cache", "storage"):
        found += [Kind(part, "dropped", _drop(part)), Kind(part, "half-open", _half_open(part))]
    found += [
        Kind("storage", "500", _fail_storage(500, "InternalError")),
        Kind("storage", "SlowDown", _fail_storage(503, "SlowDown")),
        Kind("storage", "slow", _slow_storage),
        Kind("broker", "full", _fill_broker),
        Kind("relay", "twice at once", _relays),
        Kind("dead_letters", "twice at once", _dead_letters),
    ]
    if has_clock():
        found += [Kind("worker", "clock moved", _move_clock)]
    return found


def has_clock() -> bool:
    return shutil.which("cc") is not None


def build_clock(folder: Path) -> Path:
    """The library that moves a clock, built in ``folder``."""
    library = folder / "clock.so"
    command = ["cc", "-O1", "-shared", "-fPIC", "-o", str(library), str(INSIDE / "clock.c")]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return library


def send_foreign(bench: Bench, chance: random.Random) -> None:
    """Put a message into a lane's queue that is none of the service's, once at most."""
    body = f"none of ours {uuid.UUID(int=chance.getrandbits(128))}"
    bench.foreign[body] = False
    # Not by the adapter of the service, which sends again what was not confirmed.
    with suppress(ConnectFailed, ConnectionLost, FrameRefused):
        connection = StompConnection(
            endpoint=parse_endpoints(bench.platform.endpoints["broker"])[0],
            context=ssl.create_default_context(cafile=bench.platform.home.tls / "ca.pem"),
            credentials=StompLogin(APP_USER, Credentials.of(bench.platform.home).broker_app_password),
            timeout=5.0,
        )
        try:
            message = OutgoingMessage(queue=chance.choice(_QUEUES), body=body, correlation_id="foreign")
            connection.wait(connection.send(message), deadline=time.monotonic() + 5.0)
            bench.foreign[body] = True
        finally:
            connection.close(goodbye=True)


def _kill(part: str) -> Break:
    def kill(bench: Bench, chance: random.Random, send: object) -> Broken:
        bench.platform.kill(part)
        return Broken("killed")

    return kill


def _freeze(part: str) -> Break:
    def freeze(bench: Bench, chance: random.Random, send: object) -> Broken:
        seconds = _seconds(bench, chance)
        with _frozen(bench.platform.processes(part)):
            time.sleep(seconds)
        return Broken(f"frozen for {seconds:.1f} s")

    return freeze


@contextmanager
def _frozen(processes: list[psutil.Process]) -> Iterator[None]:
    family = []
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            family += [process, *process.children(recursive=True)]
    for process in family:
        with suppress(psutil.NoSuchProcess):
            process.suspend()
    try:
        yield
    finally:
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.resume()


def _kill_at(step: str) -> Break:
    def kill(bench: Bench, chance: random.Random, send: Callable[[dict[str, object]], None]) -> Broken:
        victim = _ordered(bench, step, "", send, LARGE if step == "after_part" else None)
        return Broken(f"killed {step.replace('_', ' ')}", (victim,))

    return kill


def _kill_at_every_step(
    bench: Bench, chance: random.Random, send: Callable[[dict[str, object]], None]
) -> Broken:
    """All the steps side by side: their reports are waited for together."""
    with ThreadPoolExecutor(len(_STEPS)) as pool:
        broken = list(pool.map(lambda step: _kill_at(step)(bench, chance, send), _STEPS))
    return Broken("killed at every step", tuple(victim for one in broken for victim in one.victims))


def _seconds(bench: Bench, chance: random.Random) -> float:
    return chance.uniform(0.5, bench.longest_seconds)


def _move_clock(bench: Bench, chance: random.Random, send: Callable[[dict[str, object]], None]) -> Broken:
    offset = chance.choice((-3600, -300, 300, 3600))
    seconds = _seconds(bench, chance)
    _ordered(bench, "clock", f"{offset} {seconds}", send, None)
    time.sleep(seconds)
    return Broken(f"clock moved by {offset} s for {seconds:.1f} s")


def _ordered(
    bench: Bench,
    step: str,
    text: str,
    send: Callable[[dict[str, object]], None],
    body: dict[str, object] | None,
) -> str:
    """Leave an order for the next worker at ``step`` and return the report that it came with."""
    order, taken = bench.orders / step, bench.orders / f"{step}.taken"
    taken.unlink(missing_ok=True)
    written = bench.orders / f"{step}.new"
    written.write_text(text)
    written.rename(order)
    if body is not None:
        send(body)
    _wait_for(taken.exists, what=f"a worker comes to {step}")
    return taken.read_text()


def _drop(part: str) -> Break:
    def drop(bench: Bench, chance: random.Random, send: object) -> Broken:
        bench.lines.by_part[part].reset()
        return Broken("connections dropped")

    return drop


def _half_open(part: str) -> Break:
    def half_open(bench: Bench, chance: random.Random, send: object) -> Broken:
        seconds = _seconds(bench, chance)
        bench.lines.by_part[part].vanish()
        time.sleep(seconds)
        bench.lines.by_part[part].appear()
        return Broken(f"half-open for {seconds:.1f} s")

    return half_open


def _fail_storage(status: int, code: str) -> Break:
    def fail(bench: Bench, chance: random.Random, send: object) -> Broken:
        seconds = _seconds(bench, chance)
        bench.lines.disturb_storage(failure=(status, code))
        time.sleep(seconds)
        bench.lines.disturb_storage()
        return Broken(f"answered {status} {code} for {seconds:.1f} s")

    return fail


def _slow_storage(bench: Bench, chance: random.Random, send: object) -> Broken:
    delay, seconds = chance.choice((0.5, 2.0, 10.0)), _seconds(bench, chance)
    bench.lines.disturb_storage(delay_seconds=delay)
    time.sleep(seconds)
    bench.lines.disturb_storage()
    return Broken(f"{delay} s slow for {seconds:.1f} s")


def _fill_broker(bench: Bench, chance: random.Random, send: object) -> Broken:
    """Start it again with a store that is smaller than what it holds: it takes no message more."""
    platform = bench.platform
    overrides = platform.home.data / "broker" / "overrides.properties"
    seconds = _seconds(bench, chance)
    overrides.write_text("broker.store.limit=1 kb\n")
    try:
        before = {process.pid for process in platform.processes("broker")}
        platform.kill("broker")
        _wait_for(
            lambda: bool({process.pid for process in platform.processes("broker")} - before),
            what="the broker is started again",
        )
        time.sleep(seconds)
    finally:
        overrides.unlink()
    platform.kill("broker")
    return Broken(f"full for about {seconds:.1f} s, and killed")


def _relays(bench: Bench, chance: random.Random, send: object) -> Broken:
    """A worker dies and broker connections drop, and all that is taken up by relays at once."""
    bench.platform.kill("worker")
    bench.lines.by_part["broker"].reset()
    rounds = round(bench.longest_seconds)
    for _ in range(rounds):
        _call_at_once(bench, "relay", b"{}")
        time.sleep(1.0)
    return Broken(f"run {_AT_ONCE} times at once, {rounds} times")


def _dead_letters(bench: Bench, chance: random.Random, send: object) -> Broken:
    """The same dead letter is delivered to several at once."""
    body = f"none of ours {uuid.UUID(int=chance.getrandbits(128))}"
    headers = {"message-id": f"ID:chaos-{uuid.UUID(int=chance.getrandbits(128))}"}
    frame = Frame("MESSAGE", {**headers, "destination": f"/queue/DLQ.{_QUEUES[0]}"}, body.encode())
    bench.foreign[body] = True
    _call_at_once(bench, "dead_letters", json.dumps(mapping_event(frame, redelivered=False)).encode())
    return Broken(f"given one letter {_AT_ONCE} times at once")


def _call_at_once(bench: Bench, function: str, payload: bytes) -> None:
    url = f"{bench.platform.endpoints['functions']}/2015-03-31/functions/{function}/invocations"

    def call(_: int) -> bytes:
        request = urllib.request.Request(url, data=payload, method="POST")  # noqa: S310 - our own address
        with urllib.request.urlopen(request, timeout=330) as answer:  # noqa: S310
            text: bytes = answer.read()
            return text

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(call, range(_AT_ONCE)))


def _wait_for(ready: Callable[[], bool], *, what: str) -> None:
    give_up_at = time.monotonic() + _WAIT_SECONDS
    while not ready():
        if time.monotonic() > give_up_at:
            raise AssertionError(f"not within {_WAIT_SECONDS:.0f} s: {what}")
        time.sleep(0.02)
