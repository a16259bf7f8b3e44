"""Publishing to the broker: who may publish what, and when a message counts as published."""

import itertools
import logging
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from reporting.errors import PrensaError, TransientError

if TYPE_CHECKING:
    import ssl

    from reporting.stomp_connection import StompConnection

#: Messages carry ids only; a body above this is a bug, and far below any broker's frame limit.
MAX_BODY_BYTES = 4096
#: How many messages may wait for their receipts at once, so that buffers stay small.
PIPELINE_WINDOW = 100

# Only ids reach the headers, never text of a user: nothing needs escaping and nothing can be injected.
_QUEUE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_CORRELATION_ID = re.compile(r"[A-Za-z0-9-]{1,64}")
_HIGHEST_PRIORITY = 9
_DEFAULT_TLS_PORT = 61614
_DEFAULT_PLAIN_PORT = 61613

_logger = logging.getLogger(__name__)


class BrokerUnavailable(TransientError):
    """The broker did not answer in time or refused the connection.

    ``reason`` says what happened, for the log; ``str(error)`` names no host.
    """

    code = "broker_unavailable"
    title = "The message broker did not answer"

    def __init__(self, reason: str, *, text: str = "The message broker did not answer.") -> None:
        super().__init__(text)
        self.reason = reason
        self.add_note(reason)


class Delivery(StrEnum):
    """What is known about a message that has no receipt."""

    REFUSED = "refused"
    """The broker does not have it: it was never sent, or the broker said no."""

    UNKNOWN = "unknown"
    """It was sent and not answered: the broker may have it, so that sending it again may double it."""


class PublishFailed(BrokerUnavailable):
    """The broker has not confirmed a message."""

    def __init__(self, reason: str, *, delivery: Delivery) -> None:
        super().__init__(reason, text=f"The message broker did not confirm the message ({delivery}).")
        self.delivery = delivery


@dataclass(frozen=True, kw_only=True, slots=True)
class OutgoingMessage:
    """A persistent text message.

    ``priority`` is STOMP's, 0 to 9. ``delay_ms`` is how long the broker holds it back. Raises
    ``ValueError`` for a body above :data:`MAX_BODY_BYTES` of UTF-8 or with a NUL (it would end the STOMP
    frame early and the rest would end the connection), and for ids with other characters than ids have.
    """

    queue: str
    body: str
    correlation_id: str
    priority: int = 4
    delay_ms: int = 0

    def __post_init__(self) -> None:
        if not _QUEUE.fullmatch(self.queue):
            raise ValueError(f"{self.queue!r} is not a queue name of letters, digits, '.', '_' and '-'.")
        if not _CORRELATION_ID.fullmatch(self.correlation_id):
            raise ValueError("A correlation id has 1 to 64 letters, digits and '-'.")
        if not 0 <= self.priority <= _HIGHEST_PRIORITY:
            raise ValueError(f"The priority {self.priority} is not between 0 and {_HIGHEST_PRIORITY}.")
        if self.delay_ms < 0:
            raise ValueError(f"The delay of {self.delay_ms} ms is negative.")
        if "\0" in self.body:
            raise ValueError("A message body can't hold NUL.")
        size = len(self.body.encode())
        if not 0 < size <= MAX_BODY_BYTES:
            raise ValueError(f"The message body has {size} bytes, allowed are 1 to {MAX_BODY_BYTES}.")


class Broker(Protocol):
    """Where messages to workers go."""

    def publish(self, message: OutgoingMessage) -> None:
        """Send a message and return when the broker has stored it. Raises :class:`PublishFailed`."""

    def publish_many(self, messages: Sequence[OutgoingMessage]) -> list[PublishFailed | None]:
        """Send messages without waiting for one before the next.

        Returns one entry for each, in their order: ``None`` when the broker has stored it.
        """

    def check(self) -> None:
        """Make a round trip to the broker. Raises :class:`BrokerUnavailable`."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One address of a broker. ``host`` is also the name that its certificate must carry."""

    host: str
    port: int
    tls: bool = True


@dataclass(frozen=True, slots=True)
class Credentials:
    username: str
    password: str

    def __post_init__(self) -> None:
        # STOMP 1.2 does not escape the headers of CONNECT.
        if re.search(r"[\r\n\0]", self.username + self.password):
            raise ValueError("The broker's user name or password holds a line break or NUL.")

    def __repr__(self) -> str:
        return f"Credentials(username={self.username!r})"


def parse_endpoints(text: str, *, allow_plain: bool = False) -> list[Endpoint]:
    """Read addresses as Amazon MQ prints them, such as ``stomp+ssl://b-1.example:61614``.

    Several are separated by commas, semicolons or white space. Raises ``ValueError`` for anything else,
    and for ``stomp://`` unless ``allow_plain``, since it would carry the password in clear text.
    """
    endpoints: list[Endpoint] = []
    for address in re.split(r"[,;\s]+", text.strip(",; \t\r\n")):
        parts = urlsplit(address)
        if parts.scheme not in {"stomp+ssl", "stomp"} or not parts.hostname:
            raise ValueError(f"{address!r} is not a broker address like stomp+ssl://host:61614.")
        if parts.username or parts.password or parts.path not in {"", "/"} or parts.query or parts.fragment:
            raise ValueError("A broker address holds a host and a port only.")
        tls = parts.scheme == "stomp+ssl"
        if not tls and not allow_plain:
            raise ValueError(f"{address!r} is not encrypted: use stomp+ssl://.")
        port = parts.port if parts.port is not None else (_DEFAULT_TLS_PORT if tls else _DEFAULT_PLAIN_PORT)
        endpoint = Endpoint(parts.hostname, port, tls)
        if endpoint not in endpoints:
            endpoints.append(endpoint)
    return endpoints


class StompBroker:
    """An ActiveMQ broker, or an active/standby pair of them, over STOMP 1.2.

    A message counts as published when its RECEIPT has arrived, and only then: after a broken connection
    a send looks successful. A publish whose connection breaks, or whose receipt does not come within
    ``receipt_timeout`` seconds, is repeated once on a new connection. With two endpoints and the default
    times a publish ends within 22 s, whatever the broker does.

    ``hurry_seconds`` is for callers whose own client waits: for so long after a publish that failed with
    these times, further ones are tried once, with ``hurried_timeout`` for each wait.

    One connection is kept and shared by all threads. There are no heart-beats: their thread would stand
    still with a frozen Lambda environment. A connection that went stale is found out by using it.

    ``ca_file`` holds the PEM certificates to trust instead of the system's. ``refresh_credentials`` is
    asked once per publish for new ones when the broker refuses those at hand, as after a rotation.
    """

    def __init__(
        self,
        *,
        endpoints: Sequence[Endpoint],
        username: str,
        password: str,
        ca_file: str | None = None,
        connect_timeout: float = 3.0,
        receipt_timeout: float = 5.0,
        hurry_seconds: float = 0.0,
        hurried_timeout: float = 0.5,
        refresh_credentials: Callable[[], Credentials] | None = None,
    ) -> None:
        if not endpoints:
            raise ValueError("A broker needs at least one endpoint.")
        self._endpoints = list(endpoints)
        self._credentials = Credentials(username, password)
        self._refresh_credentials = refresh_credentials
        self._ca_file = ca_file
        self._connect_timeout = connect_timeout
        self._receipt_timeout = receipt_timeout
        self._hurry_seconds = hurry_seconds
        self._hurried_timeout = hurried_timeout
        self._hurried_until = 0.0
        self._context: ssl.SSLContext | None = None
        self._current: StompConnection | None = None
        self._lock = threading.Lock()

    def publish(self, message: OutgoingMessage) -> None:
        [failure] = self.publish_many([message])
        if failure is not None:
            raise failure

    def publish_many(self, messages: Sequence[OutgoingMessage]) -> list[PublishFailed | None]:
        outcomes: list[PublishFailed | None] = []
        for window in itertools.batched(messages, PIPELINE_WINDOW, strict=False):
            publication = _Publication(window)
            answered = self._carry_out(publication)
            outcomes += publication.outcomes()
            if not answered:
                break
        # What is left would only wait for the same time-outs again.
        reason = "not sent, because the broker did not answer the messages before"
        missing = len(messages) - len(outcomes)
        return outcomes + [PublishFailed(reason, delivery=Delivery.REFUSED) for _ in range(missing)]

    def check(self) -> None:
        from reporting.stomp_connection import ConnectionLost  # noqa: PLC0415

        reason = ""
        for connection in self._connections(tries=2, timeout=self._connect_timeout):
            try:
                connection.round_trip(timeout=self._receipt_timeout)
            except ConnectionLost as error:
                reason = str(error)
                self._discard(connection)
            else:
                return
        raise BrokerUnavailable(reason)

    def close(self) -> None:
        """Say goodbye to the broker. A later publish connects again."""
        with self._lock:
            connection, self._current = self._current, None
        if connection is not None:
            connection.close(goodbye=True)

    def _carry_out(self, publication: "_Publication") -> bool:
        """Try on the connection at hand and, if that breaks, on one new one. False if both failed."""
        if time.monotonic() < self._hurried_until:
            # Its failure does not make the hurry last: the usual times are tried again now and then.
            timeout = self._hurried_timeout
            return self._run(publication, tries=1, connect_timeout=timeout, receipt_timeout=timeout)
        answered = self._run(
            publication,
            tries=2,
            connect_timeout=self._connect_timeout,
            receipt_timeout=self._receipt_timeout,
        )
        if not answered:
            self._hurried_until = time.monotonic() + self._hurry_seconds
        return answered

    def _run(
        self, publication: "_Publication", *, tries: int, connect_timeout: float, receipt_timeout: float
    ) -> bool:
        from reporting.stomp_connection import ConnectionLost  # noqa: PLC0415

        try:
            for connection in self._connections(tries=tries, timeout=connect_timeout):
                try:
                    publication.run_on(connection, timeout=receipt_timeout)
                except ConnectionLost as error:
                    _logger.warning(
                        "The broker connection failed with %d messages unconfirmed: %s",
                        publication.open_count,
                        error,
                    )
                    publication.reason = str(error)
                    self._discard(connection)
                else:
                    if not connection.usable:
                        self._discard(connection)
                    return True
        except BrokerUnavailable as error:
            publication.reason = error.reason
        return False

    def _connections(self, *, tries: int, timeout: float) -> "Iterator[StompConnection]":
        """The connection at hand, then new ones. Raises :class:`BrokerUnavailable`."""
        for _ in range(tries):
            yield self._connect(timeout)

    def _connect(self, timeout: float) -> "StompConnection":
        """The shared connection, opened if there is none that works. Raises :class:`BrokerUnavailable`."""
        from reporting.stomp_connection import LoginRefused, LoginUnanswered  # noqa: PLC0415

        refusals = (LoginRefused, LoginUnanswered)
        with self._lock:
            if self._current is not None and self._current.usable:
                return self._current
            if self._current is not None:
                self._current.close()
                self._current = None
            try:
                self._current = self._open(timeout)
            except refusals as error:
                if self._refresh_credentials is None:
                    raise BrokerUnavailable(str(error)) from error
                try:
                    self._credentials = self._refresh_credentials()
                    self._current = self._open(timeout)
                except refusals as again:
                    raise BrokerUnavailable(str(again)) from again
                except BrokerUnavailable:
                    raise
                except PrensaError as failure:
                    raise BrokerUnavailable(f"{error}; no new credentials: {failure}") from failure
            return self._current

    def _open(self, timeout: float) -> "StompConnection":
        """A new connection to the first endpoint that takes the login.

        Raises :class:`BrokerUnavailable`, ``LoginRefused``, and ``LoginUnanswered`` when no endpoint took it
        and one of them may have refused it.
        """
        from reporting.stomp_connection import (  # noqa: PLC0415
            ConnectFailed,
            LoginRefused,
            LoginUnanswered,
            StompConnection,
        )

        reasons = []
        unanswered = False
        for endpoint in list(self._endpoints):
            try:
                connection = StompConnection(
                    endpoint=endpoint,
                    context=self._tls_context() if endpoint.tls else None,
                    credentials=self._credentials,
                    timeout=timeout,
                )
            except LoginRefused:
                raise
            except (ConnectFailed, OSError) as error:
                # OSError: the file of certificates can't be read.
                unanswered = unanswered or isinstance(error, LoginUnanswered)
                reasons.append(f"{endpoint.host}:{endpoint.port}: {error}")
                _logger.warning("No connection to the broker at %s", reasons[-1])
            else:
                # Of a pair only one answers: the next connection starts with the one that did.
                self._endpoints.remove(endpoint)
                self._endpoints.insert(0, endpoint)
                return connection
        if unanswered:
            raise LoginUnanswered("; ".join(reasons))
        raise BrokerUnavailable("; ".join(reasons))

    def _discard(self, connection: "StompConnection") -> None:
        with self._lock:
            if self._current is connection:
                self._current = None
        connection.close()

    def _tls_context(self) -> "ssl.SSLContext":
        import ssl  # noqa: PLC0415

        if self._context is None:
            # The default context verifies the chain and the host name.
            self._context = ssl.create_default_context(cafile=self._ca_file)
            self._context.minimum_version = ssl.TLSVersion.TLSv1_2
        return self._context


class _Publication:
    """Messages on their way, through one connection or two."""

    def __init__(self, messages: Sequence[OutgoingMessage]) -> None:
        self._messages = messages
        self._open = set(range(len(messages)))
        self._sends = [0] * len(messages)
        self._refused: dict[int, str] = {}
        self.reason = ""

    @property
    def open_count(self) -> int:
        return len(self._open)

    def run_on(self, connection: "StompConnection", *, timeout: float) -> None:
        """Send what has no answer yet and wait for all the answers. Raises ``ConnectionLost``."""
        from reporting.stomp_connection import FrameRefused  # noqa: PLC0415

        deadline = time.monotonic() + timeout
        receipts = []
        for index in sorted(self._open):
            self._sends[index] += 1
            receipts.append((index, connection.send(self._messages[index])))
        for index, receipt in receipts:
            try:
                connection.wait(receipt, deadline=deadline)
            except FrameRefused as error:
                self._refused[index] = str(error)
            self._open.discard(index)

    def outcomes(self) -> list[PublishFailed | None]:
        return [self._outcome(index) for index in range(len(self._messages))]

    def _outcome(self, index: int) -> PublishFailed | None:
        reason = self._refused.get(index)
        if reason is None and index not in self._open:
            return None
        unanswered = self._sends[index] - (reason is not None)
        delivery = Delivery.UNKNOWN if unanswered else Delivery.REFUSED
        return PublishFailed(reason or self.reason, delivery=delivery)
