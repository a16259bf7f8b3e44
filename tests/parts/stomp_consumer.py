"""Reads messages back from a real broker with a few lines of its own, so that nothing hides the frames."""

import socket
import ssl
import time
from dataclasses import dataclass

from tests.parts.activemq import PASSWORD, USERNAME, ActiveMq

_PATIENCE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class ReceivedMessage:
    """A MESSAGE frame. ActiveMQ sends a text message without ``content-length``, a bytes message with it."""

    body: str
    headers: dict[str, str]


def receive(
    broker: ActiveMq, queue: str, *, ca_file: str, count: int, seconds: float = _PATIENCE_SECONDS
) -> list[ReceivedMessage]:
    """Take messages from a queue, in their order, until ``count`` have come or ``seconds`` are over.

    Nothing that was taken is left out, so that there can be more. For a login, a subscription and an end,
    which are no messages, the broker has all the time it needs.
    """
    context = ssl.create_default_context(cafile=ca_file)
    messages: list[ReceivedMessage] = []
    buffered = b""
    with (
        socket.create_connection((broker.host, broker.port), _PATIENCE_SECONDS) as plain,
        context.wrap_socket(plain, server_hostname=broker.host) as connection,
    ):

        def comes(receipt: str) -> bool:
            """Read once and keep the messages; whether the receipt is among what came."""
            nonlocal buffered
            data = connection.recv(65536)
            assert data, "the broker closed the connection"
            *frames, buffered = (buffered + data).split(b"\0")
            messages.extend(_parse(frame) for frame in frames if frame.lstrip(b"\n").startswith(b"MESSAGE"))
            return any(f"receipt-id:{receipt}".encode() in frame for frame in frames)

        connection.sendall(
            f"STOMP\naccept-version:1.2\nhost:test\nlogin:{USERNAME}\npasscode:{PASSWORD}\n\n\0"
            f"SUBSCRIBE\nid:1\ndestination:/queue/{queue}\nack:auto\nreceipt:hello\n\n\0".encode()
        )
        while not comes("hello"):
            continue
        deadline = time.monotonic() + seconds
        while len(messages) < count and time.monotonic() < deadline:
            connection.settimeout(max(0.01, deadline - time.monotonic()))
            try:
                comes("none")
            except TimeoutError:
                break
        connection.sendall(b"DISCONNECT\nreceipt:bye\n\n\0")
        connection.settimeout(_PATIENCE_SECONDS)
        # The receipt says that the acknowledgements before it have arrived.
        while not comes("bye"):
            continue
    return messages


def _parse(frame: bytes) -> ReceivedMessage:
    head, _, body = frame.lstrip(b"\n").partition(b"\n\n")
    headers = dict(line.split(":", 1) for line in head.decode().split("\n")[1:])
    return ReceivedMessage(body.decode(), headers)
