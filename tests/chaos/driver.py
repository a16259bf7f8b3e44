"""Keeps requests coming and breaks parts meanwhile; everything from one seed."""

import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import psutil
import urllib3

from local.testing import PlatformHandle
from tests.e2e.client import Client

SCOPES = ("reports/read", "reports/write")
_CLIENTS = 4
_DEADLINE_SECONDS = 120.0
_PAUSE_SECONDS = 0.05
#: Parts that are killed: the supervisor starts them again. The object store keeps its objects in memory, so
#: it is only frozen.
_KILLED = ("broker", "database", "cache", "worker", "api", "relay")
_FROZEN = ("broker", "database", "cache", "storage", "worker", "relay")
_TABLE = {"title": "t", "columns": [{"key": "a", "type": "integer", "total": "sum"}]}


@dataclass(slots=True)
class Sent:
    """One request and everything that the API has said about it."""

    key: str
    body: dict[str, Any]
    rows: int | None
    #: Whether the request can't succeed.
    poison: bool
    id: str = ""
    cancelled: bool = False
    final: dict[str, Any] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Fault:
    """What was done to a part, and after how many seconds the service did that part's work again."""

    part: str
    kind: str
    recovered_after: float


class Stream:
    """Clients that send requests until they are stopped, and follow each to its end."""

    def __init__(self, client: Client, *, seed: int) -> None:
        self._client = client
        self._seed = seed
        self._stopped = threading.Event()
        self.sent: list[Sent] = []
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(_CLIENTS)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def _run(self, number: int) -> None:
        chance = random.Random(f"{self._seed}-{number}")  # noqa: S311 - a run that can be repeated
        count = 0
        while not self._stopped.is_set():
            count += 1
            sent = _request(chance, key=f"chaos-{self._seed}-{number}-{count}")
            self.sent.append(sent)
            accept(self._client, sent, repeats=chance.choice((1, 1, 1, 2)))
            if chance.random() < 0.15:
                sent.cancelled = _cancel(self._client, sent.id)
            self._stopped.wait(chance.random() * 0.5)


def _request(chance: random.Random, *, key: str) -> Sent:
    kind = chance.choice(("small", "small", "small", "large", "query", "poison"))
    body: dict[str, Any]
    if kind == "large":
        body = {
            "report_type": "order_ledger",
            "format": "csv",
            "parameters": {"from": "2024-01-01", "to": "2024-03-31"},
        }
        return Sent(key, body, None, False)
    if kind == "query":
        body = {"report_type": "customer_list", "format": "csv", "parameters": {"country": "JP"}}
        return Sent(key, body, None, False)
    if kind == "poison":
        body = {"table": {**_TABLE, "rows": [["no number"]]}, "format": "csv", "on_bad_value": "fail"}
        return Sent(key, body, None, True)
    rows = chance.randrange(1, 400)
    body = {"table": {**_TABLE, "rows": [[number] for number in range(rows)]}, "format": "csv"}
    return Sent(key, body, rows, False)


def accept(client: Client, sent: Sent, *, repeats: int = 1) -> None:
    """Send the request with its key until it is accepted, and once more if wanted."""
    for _ in range(repeats):
        answer = patiently(
            lambda: client.call("POST", "/generate", body=sent.body, headers={"idempotency-key": sent.key}),
            wanted=(202,),
        )
        if sent.id and answer.json["id"] != sent.id:
            sent.faults.append(f"the key gave {sent.id} and {answer.json['id']}")
        sent.id = answer.json["id"]


def _cancel(client: Client, report_id: str) -> bool:
    answer = patiently(lambda: client.call("POST", f"/reports/{report_id}/cancel"), wanted=(200, 202, 409))
    return bool(answer.status != 409)


def follow(client: Client, sent: Sent, *, give_up_at: float) -> None:
    """Read the status until it is done, and note each step back."""
    seen = 0
    while True:
        answer = patiently(lambda: client.call("GET", f"/status/{sent.id}"), wanted=(200,))
        status: dict[str, Any] = answer.json
        if status["version"] < seen:
            sent.faults.append(f"version {seen} was followed by {status['version']}")
        seen = max(seen, status["version"])
        if status["done"] or time.monotonic() > give_up_at:
            sent.final = status
            return
        time.sleep(_PAUSE_SECONDS)


def patiently(call: Callable[[], Any], *, wanted: tuple[int, ...]) -> Any:
    """Repeat a call until it is answered as wanted. A part that is away may cost a connection or a 5xx."""
    give_up_at = time.monotonic() + _DEADLINE_SECONDS
    while True:
        said = "no answer"
        with suppress(urllib3.exceptions.HTTPError, OSError):
            answer = call()
            if answer.status in wanted:
                return answer
            said = f"{answer.status} {answer.data[:200]!r}"
            if answer.status < 500 and answer.status != 429:
                raise AssertionError(f"the API answered {said}")
        if time.monotonic() > give_up_at:
            raise AssertionError(f"for {_DEADLINE_SECONDS:.0f} s the API said: {said}")
        time.sleep(_PAUSE_SECONDS)


class Breaker:
    """Does one fault after the other, and waits until the part does its work again."""

    def __init__(self, platform: PlatformHandle, client: Client, *, seed: int) -> None:
        self._platform = platform
        self._client = client
        self._chance = random.Random(seed)  # noqa: S311 - a run that can be repeated
        self._probes = 0
        self._seed = seed

    def next(self) -> Fault:
        """Break something and return when a small report has gone all the way since."""
        if self._chance.random() < 0.6:
            part, kind = self._chance.choice(_KILLED), "killed"
            self._platform.kill(part)
            seconds = 0.0
        else:
            part, kind = self._chance.choice(_FROZEN), "frozen"
            seconds = self._chance.uniform(0.5, 8.0)
            self._freeze(part, seconds)
        started = time.monotonic()
        self._probe()
        return Fault(
            part, kind if kind == "killed" else f"frozen for {seconds:.1f} s", time.monotonic() - started
        )

    def _freeze(self, part: str, seconds: float) -> None:
        processes = self._platform.processes(part)
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.suspend()
        time.sleep(seconds)
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.resume()

    def _probe(self) -> None:
        self._probes += 1
        body = {"table": {**_TABLE, "rows": [[1]]}, "format": "csv", "priority": "high"}
        sent = Sent(f"probe-{self._seed}-{self._probes}", body, 1, False)
        accept(self._client, sent)
        follow(self._client, sent, give_up_at=time.monotonic() + _DEADLINE_SECONDS)
