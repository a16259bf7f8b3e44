"""Passes MySQL connections on without TLS, and changes packets of the server on their way."""

import contextlib
import socket
from collections.abc import Callable
from functools import partial

from tests.parts.tcp_proxy import TcpProxy

#: Gets a packet of the server with its header, gives the bytes that the client gets.
type Edit = Callable[[bytes], bytes]


class Last(bytes):
    """Bytes of an edit after which the connection ends."""


class PacketProxy(TcpProxy):
    """Does what a real server can't be made to do: broken packets, silence, and ends in a chosen place."""

    def __init__(self, server_port: int, edit: Edit) -> None:
        super().__init__(server_port)
        self._edit = edit

    def _pass_on(self, source: socket.socket, target: socket.socket, *, held: bool) -> None:
        if not held:
            super()._pass_on(source, target, held=False)
            return
        reader, writer = socket.socketpair()
        self._sockets += [reader, writer]
        self._run(partial(self._rewrite, source, writer))
        super()._pass_on(reader, target, held=True)

    def _rewrite(self, source: socket.socket, target: socket.socket) -> None:
        """Write what the edits make of each packet, until a last one or the server's end."""
        with source, target, source.makefile("rb") as packets, contextlib.suppress(OSError):
            while len(header := packets.read(4)) == 4:
                edited = self._edit(header + packets.read(int.from_bytes(header[:3], "little")))
                target.sendall(edited)
                if isinstance(edited, Last):
                    return
