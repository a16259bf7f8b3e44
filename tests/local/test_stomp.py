"""The STOMP client of the pollers."""

import asyncio

import pytest

from local.ports import LOOPBACK
from local.queues import stomp
from local.queues.stomp import StompConnection, StompError

_BEAT_SECONDS = 0.2
_MESSAGE = b"MESSAGE\nmessage-id:1\n\nafter all\0"


async def _received_after(beats: int, *, rest: bytes) -> stomp.Frame:
    """What is received of a broker that beats, sends ``rest`` and is silent from then on."""
    over = asyncio.Event()

    async def broker(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _beat in range(beats):
            writer.write(b"\n")
            await asyncio.sleep(_BEAT_SECONDS)
        writer.write(rest)
        await over.wait()
        writer.close()

    async with await asyncio.start_server(broker, LOOPBACK) as server:
        host, port = server.sockets[0].getsockname()
        connection = StompConnection(*await asyncio.open_connection(host, port))
        try:
            return await connection.receive()
        finally:
            over.set()
            await connection.close()


@pytest.fixture(autouse=True)
def short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker counts as gone after a second of silence."""
    monkeypatch.setattr(stomp, "_HEARTBEAT_MS", 500)


def test_an_idle_connection_is_kept_as_long_as_the_broker_beats() -> None:
    frame = asyncio.run(_received_after(9, rest=_MESSAGE))
    assert (frame.command, frame.body) == ("MESSAGE", b"after all")


@pytest.mark.parametrize("rest", [b"", _MESSAGE[:20]])
def test_a_broker_that_falls_silent_is_gone(rest: bytes) -> None:
    with pytest.raises(StompError, match="silent"):
        asyncio.run(_received_after(1, rest=rest))
