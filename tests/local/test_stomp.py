"""The STOMP client of the pollers, and how they deliver."""

import asyncio
import os
import selectors
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from local.deployment import Mapping
from local.functions import Answer, Functions
from local.queues import poller, stomp
from local.queues.poller import BrokerAddress, Poller
from local.queues.stomp import Frame, StompConnection, StompError
from reporting.broker import Endpoint, OutgoingMessage, StompBroker
from tests.parts.activemq import PASSWORD, USERNAME, ActiveMq
from tests.parts.certificates import CertificateAuthority

#: A broker that is silent for 20 s is gone.
_BEAT_SECONDS = 15
_MESSAGE = b"MESSAGE\nmessage-id:1\n\nafter all\0"


class _IdleTime(selectors.DefaultSelector):
    """Takes no time to wait: where nothing is left to do, the clock goes on to the next thing."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready:
            assert timeout is not None, "nothing would ever happen again"
            self.now += timeout
        return ready


def _loop() -> asyncio.AbstractEventLoop:
    """A loop whose time passes as fast as it can, and no faster than its tasks."""
    selector = _IdleTime()
    loop = asyncio.SelectorEventLoop(selector)
    loop.time = lambda: selector.now  # type: ignore[method-assign]
    return loop


async def _received_after(beats: int, *, rest: bytes) -> stomp.Frame:
    """What is received of a broker that beats, sends ``rest`` and is silent from then on."""
    reader = asyncio.StreamReader()

    async def broker() -> None:
        for _beat in range(beats):
            reader.feed_data(b"\n")
            await asyncio.sleep(_BEAT_SECONDS)
        reader.feed_data(rest)

    async with asyncio.TaskGroup() as group:
        group.create_task(broker())
        unused: Any = None
        return await StompConnection(reader, unused).receive()


def test_an_idle_connection_is_kept_as_long_as_the_broker_beats() -> None:
    frame = asyncio.run(_received_after(9, rest=_MESSAGE), loop_factory=_loop)
    assert (frame.command, frame.body) == ("MESSAGE", b"after all")


@pytest.mark.parametrize("rest", [b"", _MESSAGE[:20]])
def test_a_broker_that_falls_silent_is_gone(rest: bytes) -> None:
    with pytest.raises(ExceptionGroup) as caught:
        asyncio.run(_received_after(1, rest=rest), loop_factory=_loop)
    assert caught.group_contains(StompError, match="silent")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    return CertificateAuthority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def activemq(tmp_path_factory: pytest.TempPathFactory, authority: CertificateAuthority) -> Iterator[ActiveMq]:
    certificate = authority.issue("localhost", "127.0.0.1")
    broker = ActiveMq(folder=tmp_path_factory.mktemp("activemq"), certificate=certificate)
    broker.start()
    yield broker
    broker.stop()


def fill(activemq: ActiveMq, authority: CertificateAuthority, queue: str, count: int) -> None:
    broker = StompBroker(
        endpoints=[Endpoint(activemq.host, activemq.port)],
        username=USERNAME,
        password=PASSWORD,
        ca_file=str(authority.path),
        # A busy machine holds a message up for longer than the usual times.
        connect_timeout=60.0,
        receipt_timeout=60.0,
    )
    messages = [OutgoingMessage(queue=queue, body=str(number), correlation_id="a") for number in range(count)]
    assert broker.publish_many(messages) == [None] * count
    broker.close()


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A login takes as long as a busy machine needs for it."""
    monkeypatch.setattr(stomp, "_LOGIN_SECONDS", 60)


async def consumer(activemq: ActiveMq, authority: CertificateAuthority, queue: str) -> StompConnection:
    connection = await StompConnection.open(
        host=activemq.host,
        port=activemq.port,
        username=USERNAME,
        password=PASSWORD,
        context=ssl.create_default_context(cafile=str(authority.path)),
    )
    connection.subscribe(queue, prefetch=1)
    return connection


def test_d09_each_of_two_consumers_gets_work_at_once(
    activemq: ActiveMq, authority: CertificateAuthority
) -> None:
    queue = "open.shared"
    fill(activemq, authority, queue, 60)

    async def both() -> list[Frame]:
        first, second = [await consumer(activemq, authority, queue) for _ in range(2)]
        try:
            async with asyncio.timeout(60):
                return [await first.receive(), await second.receive()]
        finally:
            await first.close()
            await second.close()

    frames = asyncio.run(both())
    assert [frame.command for frame in frames] == ["MESSAGE"] * 2
    assert len({frame.body for frame in frames}) == 2


@pytest.mark.parametrize("prefetch", [0, -1])
def test_d09_a_consumer_that_would_be_sent_nothing_is_refused(prefetch: int) -> None:
    with pytest.raises(ValueError, match="prefetch"):
        StompConnection(None, None).subscribe("q", prefetch=prefetch)  # type: ignore[arg-type]


_FREEZABLE = """
import asyncio, ssl, sys
from local.queues import stomp
from tests.parts.activemq import PASSWORD, USERNAME
_, port, ca_file, queue = sys.argv
stomp._HEARTBEAT_MS = 3000
stomp._LOGIN_SECONDS = 60

async def main():
    connection = await stomp.StompConnection.open(
        host="127.0.0.1", port=int(port), username=USERNAME, password=PASSWORD,
        context=ssl.create_default_context(cafile=ca_file),
    )
    connection.subscribe(queue, prefetch=1)
    frame = await connection.receive()
    print(frame.body.decode(), flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


def test_d08_the_message_of_a_frozen_consumer_goes_to_another(
    activemq: ActiveMq, authority: CertificateAuthority
) -> None:
    queue = "open.frozen"
    fill(activemq, authority, queue, 1)
    with subprocess.Popen(
        [sys.executable, "-c", _FREEZABLE, str(activemq.port), str(authority.path), queue],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "0\n"
            process.send_signal(signal.SIGSTOP)

            async def other() -> Frame:
                connection = await consumer(activemq, authority, queue)
                try:
                    async with asyncio.timeout(60):
                        return await connection.receive()
                finally:
                    await connection.close()

            frame = asyncio.run(other())
        finally:
            process.kill()
    assert (frame.command, frame.body) == ("MESSAGE", b"0")
    assert frame.headers["redelivered"] == "true"


class _Failing(Functions):
    """Fails so many calls, and then does its work."""

    def __init__(self, fails: int) -> None:
        self.calls = 0
        self._fails = fails

    async def invoke(self, name: str, payload: bytes) -> Answer:
        self.calls += 1
        return Answer(b"null", failed=self.calls <= self._fails)


class _Recorder:
    def __init__(self) -> None:
        self.said: list[str] = []

    def acknowledge(self, message: Frame) -> None:
        self.said.append("ACK")

    def refuse(self, message: Frame) -> None:
        self.said.append("NACK")


@pytest.mark.parametrize(
    ("fails", "calls", "said"), [(0, 1, ["ACK"]), (2, 3, ["ACK"]), (6, 7, ["ACK"]), (99, 7, ["NACK"])]
)
def test_d11_a_message_is_given_up_after_six_redeliveries(
    fails: int, calls: int, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Case D10 too: a message whose work fails for a while is not refused at its first failure."""
    monkeypatch.setattr(poller, "_REDELIVERY_SECONDS", 0.0)
    functions, connection = _Failing(fails), _Recorder()
    mapping = Mapping(queue="reports", function="worker", concurrency=1)
    address: Any = BrokerAddress(
        host="h", port=1, username="u", password="p", context=ssl.create_default_context()
    )
    message = Frame("MESSAGE", {"message-id": "1", "destination": "/queue/reports", "ack": "1"}, b"{}")
    unrecorded: Any = connection
    asyncio.run(Poller(mapping, broker=address, functions=functions)._deliver(unrecorded, message))
    assert (functions.calls, connection.said) == (calls, said)
