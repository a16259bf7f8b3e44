"""Passes TCP connections on to a server: with TLS in front of it, held up, cut, reset, or half-open."""

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.parts.certificates import Certificate


class TcpProxy:
    """Listens on a port of 127.0.0.1 between ``with`` and its end.

    While :meth:`hold` is in force nothing from the server reaches a client. While :meth:`vanish` is, bytes
    and ends of connections disappear in both directions. ``accepted`` counts clients.

    A connection ends after ``most`` bytes from the server. :meth:`cut` alone can't tell how much a client
    has: what lies in its socket's buffer, up to net.ipv4.tcp_rmem, can still be read after it.
    """

    def __init__(
        self,
        server_port: int,
        *,
        certificate: Certificate | None = None,
        folder: Path | None = None,
        most: int | None = None,
    ) -> None:
        self.accepted = 0
        self._most = most
        self._server_port = server_port
        self._context: ssl.SSLContext | None = None
        if certificate is not None:
            assert folder is not None
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(certificate.write_pem(folder / "proxy.pem"))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._flowing = threading.Event()
        self._flowing.set()
        self._passing = threading.Event()
        self._passing.set()
        self._threads: list[threading.Thread] = []
        self._sockets: list[socket.socket] = []
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self._run(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
        self._passing.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()
        for thread in self._threads:
            thread.join(5)

    def hold(self) -> None:
        self._flowing.clear()

    def release(self) -> None:
        self._flowing.set()

    def cut(self) -> None:
        """End every connection."""
        for end in self._sockets:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(end, socket.SHUT_RDWR)

    def reset(self) -> None:
        """End every connection with a reset, as a broken path does."""
        for end in self._sockets:
            with contextlib.suppress(OSError):
                # Closed with a linger time of zero, a connection ends with RST.
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                socket.socket.shutdown(end, socket.SHUT_RDWR)

    def vanish(self) -> None:
        """Make connections half-open: neither side hears of the other any more, nor that it has gone."""
        self._passing.clear()

    def appear(self) -> None:
        """Pass new connections on again, and reset those that were half-open."""
        self._passing.set()
        self.reset()

    def _run(self, target: Callable[[], None]) -> None:
        thread = threading.Thread(target=target, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.accepted += 1
            self._run(partial(self._connect, client))

    def _connect(self, client: socket.socket) -> None:
        try:
            if self._context is not None:
                client = self._context.wrap_socket(client, server_side=True)
            server = socket.create_connection(("127.0.0.1", self._server_port))
        except OSError:
            client.close()
            return
        with self._lock:
            self._sockets = [end for end in self._sockets if end.fileno() >= 0] + [client, server]
        for end in (client, server):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._run(partial(self._pass_on, client, server, held=False))
        self._pass_on(server, client, held=True)

    def _pass_on(self, source: socket.socket, target: socket.socket, *, held: bool) -> None:
        left = self._most if held else None
        try:
            while left != 0 and (data := source.recv(65536 if left is None else min(left, 65536))):
                if held:
                    self._flowing.wait()
                if self._passing.is_set():
                    target.sendall(data)
                if left is not None:
                    left -= len(data)
            self._passing.wait()
        except OSError:
            pass  # One side has gone; the other follows.
        finally:
            for end in (source, target):
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(end, socket.SHUT_RDWR)
                end.close()
