"""Keeps requests coming and breaks parts meanwhile; everything from one seed."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import urllib3

from tests.chaos.faults import LARGE, Bench, Kind, kinds, send_foreign
from tests.e2e.client import Client

SCOPES = ("reports/read", "reports/write", "reports/admin")
_CLIENTS = 4
DEADLINE_SECONDS = 120.0
_PAUSE_SECONDS = 0.05
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
    deleted: bool = False
    #: The highest version that was shown.
    seen: int = 0
    final: dict[str, Any] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    #: The longest that the API took to accept it, in seconds.
    accepted_after: float = 0.0


@dataclass(frozen=True, slots=True)
class Fault:
    """What was done to a part, and after how many seconds the service did its work again."""

    part: str
    kind: str
    words: str
    recovered_after: float


class Stream:
    """Clients that send, cancel and delete until they are stopped, and one that reads what became of it."""

    def __init__(self, client: Client, *, seed: int) -> None:
        self._client = client
        self._seed = seed
        self._stopped = threading.Event()
        self.sent: list[Sent] = []
        #: Why a client gave up, which none should.
        self.broken: list[str] = []
        self._threads = [
            threading.Thread(target=self._run, args=(f"client {number}", partial(self._send, number)))
            for number in range(_CLIENTS)
        ]
        self._threads.append(threading.Thread(target=self._run, args=("reader", self._read)))

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def _run(self, name: str, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - told by the oracle, whatever it is
            self.broken.append(f"{name}: {error!r}")

    def _send(self, number: int) -> None:
        chance = random.Random(f"{self._seed}-{number}")  # noqa: S311 - a run that can be repeated
        count = 0
        mine: list[Sent] = []
        while not self._stopped.is_set():
            count += 1
            sent = _request(chance, key=f"chaos-{self._seed}-{number}-{count}")
            self.sent.append(sent)
            accept(self._client, sent, repeats=chance.choice((1, 1, 1, 2)))
            if chance.random() < 0.15:
                sent.cancelled = _done(self._client, "POST", f"/reports/{sent.id}/cancel")
            mine.append(sent)
            if chance.random() < 0.15:
                old = chance.choice(mine[-10:])
                old.deleted |= _done(self._client, "DELETE", f"/reports/{old.id}")
            self._stopped.wait(chance.random() * 1.5)

    def _read(self) -> None:
        chance = random.Random(self._seed)  # noqa: S311 - a run that can be repeated
        while not self._stopped.wait(_PAUSE_SECONDS):
            if found := [sent for sent in self.sent[-100:] if sent.id]:
                _look(self._client, chance.choice(found))


def _request(chance: random.Random, *, key: str) -> Sent:
    weights = {"small": 15, "bulky": 3, "large": 5, "query": 6, "poison": 6, "huge": 1}
    [kind] = chance.choices(list(weights), list(weights.values()))
    body: dict[str, Any]
    if kind == "large":
        body = {
            "report_type": "order_ledger",
            "format": "csv",
            "parameters": {"from": "2024-01-01", "to": "2024-03-31"},
        }
        return Sent(key, body, None, False)
    if kind == "huge":
        # More than one part of an upload.
        return Sent(key, LARGE, None, False)
    if kind == "query":
        body = {"report_type": "customer_list", "format": "csv", "parameters": {"country": "JP"}}
        return Sent(key, body, None, False)
    if kind == "poison":
        body = {"table": {**_TABLE, "rows": [["no number"]]}, "format": "csv", "on_bad_value": "fail"}
        return Sent(key, body, None, True)
    # Many rows do not stay in the database until they are worked on.
    rows = 6000 if kind == "bulky" else chance.randrange(1, 400)
    body = {"table": {**_TABLE, "rows": [[number] for number in range(rows)]}, "format": "csv"}
    return Sent(key, body, rows, False)


def accept(client: Client, sent: Sent, *, repeats: int = 1) -> None:
    """Send the request with its key until it is accepted, and once more if wanted."""

    def post() -> Any:
        started = time.monotonic()
        answer = client.call("POST", "/generate", body=sent.body, headers={"idempotency-key": sent.key})
        sent.accepted_after = max(sent.accepted_after, time.monotonic() - started)
        return answer

    for _ in range(repeats):
        answer = patiently(post, wanted=(202,))
        if sent.id and answer.json["id"] != sent.id:
            sent.faults.append(f"the key gave {sent.id} and {answer.json['id']}")
        sent.id = answer.json["id"]


def _done(client: Client, method: str, path: str) -> bool:
    """Whether the report's status allowed the call."""
    answer = patiently(lambda: client.call(method, path), wanted=(200, 202, 409))
    return bool(answer.status != 409)


def follow(client: Client, sent: Sent, *, give_up_at: float) -> None:
    """Read the status until it is done."""
    while True:
        status = _look(client, sent)
        if status["done"] or time.monotonic() > give_up_at:
            sent.final = status
            return
        time.sleep(_PAUSE_SECONDS)


def _look(client: Client, sent: Sent) -> dict[str, Any]:
    """Read the status once, and note a step back. One thread at a time is a report's reader."""
    answer = patiently(lambda: client.call("GET", f"/status/{sent.id}"), wanted=(200,))
    status: dict[str, Any] = answer.json
    if status["version"] < sent.seen:
        sent.faults.append(f"version {sent.seen} was followed by {status['version']}")
    sent.seen = max(sent.seen, status["version"])
    return status


def patiently(call: Callable[[], Any], *, wanted: tuple[int, ...]) -> Any:
    """Repeat a call until it is answered as wanted. A part that is away may cost a connection or a 5xx."""
    give_up_at = time.monotonic() + DEADLINE_SECONDS
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
            raise AssertionError(f"for {DEADLINE_SECONDS:.0f} s the API said: {said}")
        time.sleep(_PAUSE_SECONDS)


class Breaker:
    """Does one fault after the other, and waits until the service does its work again."""

    def __init__(self, bench: Bench, client: Client, *, seed: int) -> None:
        self._bench = bench
        self._client = client
        self._chance = random.Random(seed)  # noqa: S311 - a run that can be repeated
        self._seed = seed
        #: What was asked for beside the stream.
        self.sent: list[Sent] = []

    def plan(self) -> Iterator[Kind]:
        """Each kind once before any comes again, in an order of chance."""
        while True:
            found = kinds()
            self._chance.shuffle(found)
            yield from found

    def do(self, kind: Kind) -> Fault:
        """Break something and return when a small report, or those that were hit, have been made since."""
        broken = kind.does(self._bench, self._chance, self._send)
        started = time.monotonic()
        if not broken.victims:
            self._probe()
        for victim in broken.victims:
            found = Sent("", {}, None, False, id=victim)
            follow(self._client, found, give_up_at=started + DEADLINE_SECONDS)
        recovered_after = time.monotonic() - started
        send_foreign(self._bench, self._chance)
        return Fault(kind.part, kind.name, broken.words, recovered_after)

    def _send(self, body: dict[str, Any]) -> None:
        sent = Sent(f"asked-{self._seed}-{len(self.sent)}", body, None, False)
        self.sent.append(sent)
        accept(self._client, sent)

    def _probe(self) -> None:
        body = {"table": {**_TABLE, "rows": [[1]]}, "format": "csv", "priority": "high"}
        sent = Sent(f"probe-{self._seed}-{len(self.sent)}", body, 1, False)
        self.sent.append(sent)
        accept(self._client, sent)
        follow(self._client, sent, give_up_at=time.monotonic() + DEADLINE_SECONDS)
