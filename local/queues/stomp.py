"""A small STOMP 1.2 client for asyncio, as much of it as a consumer of queues needs.

https://stomp.github.io/stomp-specification-1.2.html
"""

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

_ESCAPES = {"\\\\": "\\", "\\c": ":", "\\n": "\n", "\\r": "\r"}
_HEARTBEAT_MS = 10_000
_LOGIN_SECONDS = 5.0


class StompError(ConnectionError):
    """The broker refused a frame or the connection broke."""


@dataclass(frozen=True, slots=True)
class Frame:
    command: str
    headers: Mapping[str, str]
    body: bytes


class StompConnection:
    """One connection, used by one task for reading; writes may come from any task of the loop."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._heart: asyncio.Task[None] | None = None

    @classmethod
    async def open(
        cls, *, host: str, port: int, username: str, password: str, context: ssl.SSLContext
    ) -> Self:
        """Connect over TLS and log in. Raises :class:`StompError`, OSError or TimeoutError."""
        async with asyncio.timeout(_LOGIN_SECONDS):
            reader, writer = await asyncio.open_connection(host, port, ssl=context, limit=16 * 1024 * 1024)
            connection = cls(reader, writer)
            connection._send(
                "CONNECT",
                {
                    "accept-version": "1.2",
                    "host": host,
                    "login": username,
                    "passcode": password,
                    "heart-beat": f"{_HEARTBEAT_MS},{_HEARTBEAT_MS}",
                },
            )
            answer = await connection.receive()
        if answer.command != "CONNECTED":
            await connection.close()
            raise StompError(f"The broker refused the login: {answer.headers.get('message', answer.command)}")
        connection._heart = asyncio.create_task(connection._beat())
        return connection

    async def receive(self) -> Frame:
        """The next frame. Raises :class:`StompError` when the connection has ended or gone silent."""
        # Twice the promised beat: a broker that is silent for longer is gone.
        patience = 2 * _HEARTBEAT_MS / 1000
        try:
            line = b"\n"
            while line in (b"\n", b"\r\n"):
                # Each beat of an idle broker starts the time anew.
                async with asyncio.timeout(patience):
                    line = await self._reader.readuntil(b"\n")
            async with asyncio.timeout(patience):
                return await self._read(line.decode().strip())
        except TimeoutError as error:
            raise StompError("The broker has been silent for too long.") from error
        except (asyncio.IncompleteReadError, OSError) as error:
            raise StompError("The connection to the broker has ended.") from error

    def subscribe(self, queue: str, *, prefetch: int) -> None:
        """Ask for messages of ``queue``, at most ``prefetch`` of them unacknowledged.

        Raises ``ValueError`` for less than one: ActiveMQ would send nothing at all over STOMP.
        """
        if prefetch < 1:
            raise ValueError(f"A consumer without messages has nothing to do: prefetch is {prefetch}.")
        headers = {"id": queue, "destination": f"/queue/{queue}", "ack": "client-individual"}
        self._send("SUBSCRIBE", {**headers, "activemq.prefetchSize": str(prefetch)})

    def acknowledge(self, message: Frame) -> None:
        self._send("ACK", {"id": message.headers["ack"]})

    def refuse(self, message: Frame) -> None:
        """Give a message up: the broker moves it to its dead letter queue."""
        self._send("NACK", {"id": message.headers["ack"]})

    async def close(self) -> None:
        if self._heart is not None:
            self._heart.cancel()
        # The TLS farewell can take its time-out where the broker is gone; nothing is left to send.
        self._writer.transport.abort()

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(_HEARTBEAT_MS / 2000)
            self._writer.write(b"\n")

    def _send(self, command: str, headers: Mapping[str, str]) -> None:
        # CONNECT frames are not escaped (section "Value Encoding").
        encode = (lambda text: text) if command == "CONNECT" else _escape
        lines = "".join(f"{encode(name)}:{encode(value)}\n" for name, value in headers.items())
        self._writer.write(f"{command}\n{lines}\n\0".encode())

    async def _read(self, command: str) -> Frame:
        headers: dict[str, str] = {}
        while (line := (await self._reader.readuntil(b"\n")).rstrip(b"\r\n")) != b"":
            name, _, value = line.decode().partition(":")
            # The first of two equal headers counts (section "Repeated Header Entries").
            headers.setdefault(_unescape(name), _unescape(value))
        if (length := headers.get("content-length")) is not None:
            body = (await self._reader.readexactly(int(length) + 1))[:-1]
        else:
            body = (await self._reader.readuntil(b"\0"))[:-1]
        return Frame(command, headers, body)


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace(":", "\\c").replace("\n", "\\n").replace("\r", "\\r")


def _unescape(text: str) -> str:
    if "\\" not in text:
        return text
    out, position = [], 0
    while position < len(text):
        pair = text[position : position + 2]
        out.append(_ESCAPES.get(pair, text[position]))
        position += 2 if pair in _ESCAPES else 1
    return "".join(out)
