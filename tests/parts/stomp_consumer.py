"""Reads messages back from a real broker with a few lines of its own, so that nothing hides the frames."""

import socket
import ssl
import time
from dataclasses import dataclass

from tests.parts.activemq import PASSWORD, USERNAME, ActiveMq


@dataclass(frozen=True, slots=True)
class ReceivedMessage:
    """A MESSAGE frame. ActiveMQ sends a text message without ``content-length``, a bytes message with it."""

    body: str
    headers: dict[str, str]


def receive(
    broker: ActiveMq, queue: str, *, ca_file: str, count: int, seconds: float = 10.0
) -> list[ReceivedMessage]:
    """Take up to ``count`` messages from a queue, in their order, waiting at most ``seconds``."""
    deadline = time.monotonic() + seconds
    context = ssl.create_default_context(cafile=ca_file)
    messages: list[ReceivedMessage] = []
    buffered = b""
    with (
        socket.create_connection((broker.host, broker.port), seconds) as plain,
        context.wrap_socket(plain, server_hostname=broker.host) as connection,
    ):
        connection.sendall(
            f"STOMP\naccept-version:1.2\nhost:test\nlogin:{USERNAME}\npasscode:{PASSWORD}\n\n\0"
            f"SUBSCRIBE\nid:1\ndestination:/queue/{queue}\nack:auto\n\n\0".encode()
        )
        while len(messages) < count and time.monotonic() < deadline:
            connection.settimeout(max(0.01, deadline - time.monotonic()))
            try:
                data = connection.recv(65536)
            except TimeoutError:
                break
            assert data, "the broker closed the connection"
            *frames, buffered = (buffered + data).split(b"\0")
            messages += [_parse(frame) for frame in frames if frame.lstrip(b"\n").startswith(b"MESSAGE")]
        connection.sendall(b"DISCONNECT\nreceipt:bye\n\n\0")
        connection.settimeout(seconds)
        # The receipt says that the acknowledgements before it have arrived.
        while b"bye" not in buffered:
            buffered += connection.recv(65536)
    return messages


def _parse(frame: bytes) -> ReceivedMessage:
    head, _, body = frame.lstrip(b"\n").partition(b"\n\n")
    headers = dict(line.split(":", 1) for line in head.decode().split("\n")[1:])
    return ReceivedMessage(body.decode(), headers)
