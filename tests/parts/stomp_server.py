"""A STOMP server for tests that answers as it is told, to behave as no real broker would on demand."""

import contextlib
import re
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.parts.certificates import Certificate


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame as it came: ``headers`` without unescaping, and the bytes of the whole."""

    command: str
    headers: dict[str, str]
    body: str
    raw: bytes


class Hangup(Exception):
    """Raised by a script to end the connection."""


@dataclass(slots=True)
class Session:
    """One client's connection."""

    number: int
    connection: socket.socket
    frames: list[Frame] = field(default_factory=list)
    received: bytes = b""

    def answer(self, command: str, **headers: str) -> None:
        lines = [command, *(f"{name.replace('_', '-')}:{value}" for name, value in headers.items())]
        self.connection.sendall(("\n".join(lines) + "\n\n\0").encode())

    def receipt(self, frame: Frame) -> None:
        self.answer("RECEIPT", receipt_id=frame.headers["receipt"])


#: Decides what happens on a frame. Nothing is answered by itself.
type Script = Callable[[Session, Frame], None]


def confirming(session: Session, frame: Frame) -> None:
    """Behaves as a broker should."""
    if frame.command in {"STOMP", "CONNECT"}:
        session.answer("CONNECTED", version="1.2")
    elif frame.command == "DISCONNECT":
        raise Hangup
    elif "receipt" in frame.headers:
        session.receipt(frame)


class StompServer:
    """Listens on a port of 127.0.0.1 between ``with`` and its end, with TLS if it has a certificate."""

    def __init__(
        self, script: Script, *, certificate: Certificate | None = None, folder: Path, port: int = 0
    ) -> None:
        self.sessions: list[Session] = []
        self._script = script
        self._context: ssl.SSLContext | None = None
        if certificate is not None:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(certificate.write_pem(folder / f"server-{id(self)}.pem"))
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port: int = self._listener.getsockname()[1]
        self._threads: list[threading.Thread] = []
        self._connections: list[socket.socket] = []

    def __enter__(self) -> Self:
        self._run(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # shutdown() wakes the thread in accept(), which close() alone does not.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._connections:
            _end(connection)
        for thread in self._threads:
            thread.join(5)

    @property
    def frames(self) -> list[Frame]:
        """All frames but logins, over all connections."""
        return [
            frame
            for session in self.sessions
            for frame in session.frames
            if frame.command not in {"STOMP", "CONNECT"}
        ]

    def _run(self, target: Callable[[], None]) -> None:
        thread = threading.Thread(target=target, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._connections.append(connection)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._run(partial(self._serve, connection))

    def _serve(self, connection: socket.socket) -> None:
        try:
            if self._context is not None:
                connection = self._context.wrap_socket(connection, server_side=True)
                self._connections.append(connection)
            session = Session(len(self.sessions), connection)
            self.sessions.append(session)
            buffered = b""
            while data := connection.recv(65536):
                session.received += data
                buffered += data
                while b"\0" in buffered:
                    raw, _, buffered = buffered.partition(b"\0")
                    frame = _parse(raw.lstrip(b"\n"))
                    session.frames.append(frame)
                    self._script(session, frame)
        except (OSError, ValueError, Hangup):
            # The client went away or speaks something else, or the script wants it gone.
            pass
        finally:
            _end(connection)


def _end(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):  # It may have ended already.
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
    connection.close()


def _parse(raw: bytes) -> Frame:
    head, _, body = raw.partition(b"\n\n")
    command, *lines = head.decode().split("\n")
    headers = dict(re.split(":", line, maxsplit=1) for line in lines)
    return Frame(command, headers, body.decode(), raw)
