"""The lines between the functions and the parts, which can be reset, made half-open, and disturbed."""

import contextlib
import time
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from local.ports import LOOPBACK, Ports
from tests.parts.http_proxy import HttpProxy, Request
from tests.parts.tcp_proxy import TcpProxy

#: What S3 allows between a request's time and its own.
#: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html and ErrorResponses.html
_SKEW_SECONDS = 15 * 60


class Lines:
    """Proxies in front of the parts that listen on ``ports``, between ``with`` and its end."""

    def __init__(self, ports: Ports) -> None:
        self._store = HttpProxy(ports.storage, self._disturb)
        self.by_part = {
            "broker": TcpProxy(ports.broker),
            "database": TcpProxy(ports.database),
            "cache": TcpProxy(ports.cache),
            "storage": TcpProxy(self._store.port),
        }
        self._stack = contextlib.ExitStack()
        self._failure: tuple[int, str] | None = None
        self._delay_seconds = 0.0

    def __enter__(self) -> Self:
        self._stack.enter_context(self._store)
        for line in self.by_part.values():
            self._stack.enter_context(line)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def settings(self) -> dict[str, str]:
        """The settings that lead the functions here instead of to the parts."""
        port = {part: line.port for part, line in self.by_part.items()}
        return {
            "BROKER_ENDPOINTS": f"stomp+ssl://{LOOPBACK}:{port['broker']}",
            "DATABASE_PORT": str(port["database"]),
            "SOURCE_PORT": str(port["database"]),
            "CACHE_ENDPOINT": f"{LOOPBACK}:{port['cache']}",
            "AWS_ENDPOINT_URL_S3": f"http://{LOOPBACK}:{port['storage']}",
        }

    def disturb_storage(self, *, failure: tuple[int, str] | None = None, delay_seconds: float = 0) -> None:
        """Let S3 answer each request with a status and error code, or late. Without either, as it does."""
        self._failure, self._delay_seconds = failure, delay_seconds

    def _disturb(self, request: Request) -> tuple[int, str] | None:
        time.sleep(self._delay_seconds)
        return self._failure or _skew(request)


def _skew(request: Request) -> tuple[int, str] | None:
    """What S3 says to a request of another time, which the local store takes."""
    text = request.headers.get("X-Amz-Date")
    if text is None:
        return None
    sent = datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    if abs((datetime.now(UTC) - sent).total_seconds()) > _SKEW_SECONDS:
        return 403, "RequestTimeTooSkewed"
    return None
