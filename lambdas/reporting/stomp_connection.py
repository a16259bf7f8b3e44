"""One STOMP 1.2 connection whose every wait has a deadline, on stomp.py's protocol and I/O loop.

stomp.py opens its own sockets without a limit for CONNECTED, hides why a connection failed, and does not
notice the end of a TLS stream (its loop spins and ``send()`` goes on as if all were well). So the socket
is opened here, and the end of the stream is told to the loop.

This module imports stomp.py; :mod:`reporting.broker` imports it when a connection is first needed.
"""

import itertools
import os
import selectors
import socket
import ssl
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

# Without this, importing stomp.py looks up the machine's own name, which can wait for a name server.
os.environ.setdefault("STOMP_SKIP_HOSTNAME_SCAN", "1")

from stomp.exception import NotConnectedException
from stomp.listener import ConnectionListener
from stomp.protocol import Protocol12
from stomp.transport import Transport
from stomp.utils import PollableQueue

if TYPE_CHECKING:
    from reporting.broker import Credentials, Endpoint, OutgoingMessage

_READ_BYTES = 16_384
_CLOSE_SECONDS = 1.0
_REASON_LENGTH = 200


class ConnectFailed(Exception):
    """No connection to this endpoint; nothing was sent but the login."""


class LoginRefused(ConnectFailed):
    """The broker answered the login with an ERROR frame."""


class LoginUnanswered(ConnectFailed):
    """The connection ended before the login was answered.

    The broker ends it after an ERROR frame, and a reset may overtake the frame: so it may be a refusal too.
    """


class ConnectionLost(Exception):
    """The connection ended or a receipt did not come: what was sent may or may not have arrived."""


class FrameRefused(Exception):
    """The broker answered this frame with an ERROR."""


class StompConnection:
    """A logged-in connection to one endpoint, safe to share between threads.

    ``timeout`` is in seconds and covers the TCP connection, the TLS handshake and the login together.
    ``context`` is ``None`` for a connection without TLS. Raises :class:`ConnectFailed`.
    """

    def __init__(
        self,
        *,
        endpoint: "Endpoint",
        context: ssl.SSLContext | None,
        credentials: "Credentials",
        timeout: float,
    ) -> None:
        deadline = time.monotonic() + timeout
        self._answers = _Answers()
        self._receipt_ids = itertools.count(1)
        try:
            open_socket = _open_socket(endpoint, context, deadline)
        except (OSError, ValueError) as error:
            # ValueError: a host name that is no host name.
            raise ConnectFailed(_describe(error)) from error
        self._transport = _Transport(endpoint, open_socket)
        self._transport.set_listener("answers", self._answers)
        # No heart-beats, and no content-length header: ActiveMQ would make bytes messages of text.
        self._protocol = Protocol12(self._transport, heartbeats=(0, 0), auto_content_length=False)
        self._transport.start()
        try:
            self._transmit(lambda: self._protocol.connect(credentials.username, credentials.password))
            self._answers.wait_for_login(deadline)
        except ConnectionLost as error:
            self.close()
            raise ConnectFailed(str(error)) from error
        except (LoginRefused, LoginUnanswered):
            self.close()
            raise

    @property
    def usable(self) -> bool:
        """False once the connection is known to be at its end. True proves nothing."""
        return self._answers.healthy

    def send(self, message: "OutgoingMessage") -> str:
        """Send a message and return the id of the receipt to wait for. Raises :class:`ConnectionLost`."""
        receipt = self._expect_receipt()
        headers = {
            "receipt": receipt,
            "persistent": "true",
            "priority": str(message.priority),
            "correlation-id": message.correlation_id,
        }
        if message.delay_ms:
            # https://activemq.apache.org/components/classic/documentation/delay-and-schedule-message-delivery
            headers["AMQ_SCHEDULED_DELAY"] = str(message.delay_ms)
        self._transmit(lambda: self._protocol.send(f"/queue/{message.queue}", message.body, headers=headers))
        return receipt

    def wait(self, receipt: str, *, deadline: float) -> None:
        """Return when the broker has confirmed.

        Raises :class:`FrameRefused` if it refused, and :class:`ConnectionLost` if the connection ended or
        the receipt is not there at ``deadline``, a time of ``time.monotonic()``.
        """
        self._answers.wait_for_receipt(receipt, deadline)

    def round_trip(self, *, timeout: float) -> None:
        """Make the broker answer, without an effect. Raises :class:`ConnectionLost`."""
        deadline = time.monotonic() + timeout
        transaction = f"check-{next(self._receipt_ids)}"
        for command in ("BEGIN", "ABORT"):
            receipt = self._expect_receipt()
            self._transmit(
                partial(self._protocol.send_frame, command, {"transaction": transaction, "receipt": receipt})
            )
            try:
                self.wait(receipt, deadline=deadline)
            except FrameRefused as error:
                raise ConnectionLost(str(error)) from error

    def close(self, *, goodbye: bool = False) -> None:
        """End the connection and its thread. ``goodbye`` tells the broker and lets it close first."""
        if goodbye:
            try:
                self._transmit(lambda: self._protocol.send_frame("DISCONNECT", {}))
                self._answers.wait_for_end(_CLOSE_SECONDS)
            except ConnectionLost:
                # It has ended already, which is all that is wanted.
                pass
        self._transport.end()

    def _expect_receipt(self) -> str:
        receipt = f"r{next(self._receipt_ids)}"
        self._answers.expect(receipt)
        return receipt

    def _transmit(self, put: Callable[[], None]) -> None:
        self._answers.raise_if_lost()
        try:
            put()
        except (OSError, NotConnectedException) as error:
            raise ConnectionLost("the connection ended") from error


class _Answers(ConnectionListener):  # type: ignore[misc] # stomp.py has no types
    """Collects what the broker answers, on the loop's thread, for the threads that wait."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._logged_in = False
        self._receipts: dict[str, bool] = {}
        self._refusals: dict[str, str] = {}
        self._error: str | None = None
        self._ended = False

    @property
    def healthy(self) -> bool:
        return not self._ended and self._error is None

    def expect(self, receipt: str) -> None:
        with self._changed:
            self._receipts[receipt] = False

    def raise_if_lost(self) -> None:
        with self._changed:
            if self._ended:
                raise ConnectionLost(self._why_ended())

    def wait_for_login(self, deadline: float) -> None:
        with self._changed:
            self._wait(lambda: self._logged_in or self._error is not None or self._ended, deadline)
            if self._logged_in:
                return
            if self._error is not None:
                raise LoginRefused(f"the broker refused the login: {self._error}")
            if self._ended:
                raise LoginUnanswered("the connection ended before the login was answered")
            raise ConnectionLost("the login was not answered in time")

    def wait_for_receipt(self, receipt: str, deadline: float) -> None:
        with self._changed:
            self._wait(lambda: self._receipts[receipt] or receipt in self._refusals or self._ended, deadline)
            confirmed = self._receipts.pop(receipt)
            refusal = self._refusals.pop(receipt, None)
            if confirmed:
                return
            if refusal is not None:
                raise FrameRefused(f"the broker refused the message: {refusal}")
            if self._ended:
                raise ConnectionLost(self._why_ended())
            raise ConnectionLost("no receipt came in time")

    def wait_for_end(self, timeout: float) -> None:
        with self._changed:
            self._wait(lambda: self._ended, time.monotonic() + timeout)

    def _wait(self, condition: Callable[[], bool], deadline: float) -> None:
        self._changed.wait_for(condition, timeout=max(0.0, deadline - time.monotonic()))

    def _why_ended(self) -> str:
        return "the connection ended" + (f": {self._error}" if self._error else "")

    def on_connected(self, frame: Any) -> None:  # noqa: ARG002 - stomp.py's signature
        with self._changed:
            self._logged_in = True
            self._changed.notify_all()

    def on_receipt(self, frame: Any) -> None:
        with self._changed:
            if (receipt := frame.headers.get("receipt-id")) in self._receipts:
                self._receipts[receipt] = True
                self._changed.notify_all()

    def on_error(self, frame: Any) -> None:
        reason = " ".join(str(frame.headers.get("message", "no reason given")).split())[:_REASON_LENGTH]
        with self._changed:
            # STOMP 1.2: the server ends the connection after an ERROR, so it is not used again.
            self._error = reason
            if (receipt := frame.headers.get("receipt-id")) in self._receipts:
                self._refusals[receipt] = reason
            self._changed.notify_all()

    def on_disconnected(self) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify_all()


class _Transport(Transport):  # type: ignore[misc] # stomp.py has no types
    """stomp.py's transport over a socket that is already open, and that notices when it ends.

    The socket does not block, with or without TLS: the loop alone reads and writes it.
    """

    def __init__(self, endpoint: "Endpoint", open_socket: socket.socket) -> None:
        super().__init__([(endpoint.host, endpoint.port)])
        self.current_host_and_port = (endpoint.host, endpoint.port)
        self._open_socket = open_socket
        self._between_frames = True

    def attempt_connection(self) -> None:
        self._open_socket.setblocking(False)
        self.socket = self._open_socket
        self.send_queue = PollableQueue()
        self.sel = selectors.DefaultSelector()
        self.sel.register(self.send_queue, selectors.EVENT_READ)
        self.sel.register(self.socket, selectors.EVENT_READ)
        self.blocking = False

    def receive(self) -> bytes:
        try:
            data: bytes = self._open_socket.recv(_READ_BYTES)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except BlockingIOError as error:
            # The loop knows TLS's word for "nothing yet" only.
            raise ssl.SSLWantReadError from error
        except OSError:
            data = b""
        if not data:
            # The loop takes an empty read of a TLS socket for "nothing yet" and would spin for ever.
            self.running = False
        return self._without_leading_eols(data)

    def _without_leading_eols(self, data: bytes) -> bytes:
        """``data`` without the EOLs that may stand between two frames (STOMP 1.2, "Augmented BNF").

        The loop takes two of them in front of a frame for the end of its headers, and loses the frame.
        """
        rest = data.lstrip(b"\r\n") if self._between_frames else data
        if rest:
            self._between_frames = rest.rstrip(b"\r\n").endswith(b"\0")
        # One of them alone is a heart-beat to the loop, and nothing at all would be the end.
        return rest or (b"\n" if data else b"")

    def send(self, encoded_frame: bytes) -> None:  # noqa: ARG002 - stomp.py's signature
        """Called instead of the queue when the loop has ended."""
        raise NotConnectedException

    def shutdown_queue(self) -> None:
        # The closed queue stays, so that a thread that is about to put a frame gets an OSError.
        self.blocking = True
        self.sel.close()
        self.send_queue.shutdown()

    def end(self) -> None:
        """Make the loop see the end of the stream, and wait until its thread is gone."""
        try:
            # Not SSLSocket.shutdown(), which would turn the loop's reads into plain ones.
            socket.socket.shutdown(self._open_socket, socket.SHUT_RDWR)
        except OSError:
            # The other side or the loop was faster.
            self.running = False
        self.io_thread.join(_CLOSE_SECONDS)


def _open_socket(endpoint: "Endpoint", context: ssl.SSLContext | None, deadline: float) -> socket.socket:
    """A connected socket with its TLS handshake done. Raises ``OSError``."""
    failure: OSError | None = None
    for family, kind, protocol, _, address in socket.getaddrinfo(
        endpoint.host, endpoint.port, type=socket.SOCK_STREAM
    ):
        connection = socket.socket(family, kind, protocol)
        try:
            # A time-out covers a connect or a handshake as a whole; zero would mean "do not wait".
            connection.settimeout(max(0.001, deadline - time.monotonic()))
            connection.connect(address)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if context is None:
                return connection
            connection.settimeout(max(0.001, deadline - time.monotonic()))
            return context.wrap_socket(connection, server_hostname=endpoint.host)
        except OSError as error:
            connection.close()
            failure = error
    raise failure or OSError(f"{endpoint.host} has no address")


def _describe(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the TLS certificate was not accepted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {error.reason or error}"
    if isinstance(error, TimeoutError):
        return "no connection in time"
    return f"no connection: {error}"
