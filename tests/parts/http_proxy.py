"""Passes HTTP requests on to the object store, keeps a record of them, and fails those that it is told to."""

import http.client
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self


@dataclass(frozen=True, slots=True)
class Request:
    """``target`` is the path with its query."""

    method: str
    target: str
    headers: dict[str, str]
    size: int


class Drop(Exception):
    """Raised by a fault to end the connection without an answer."""


#: Called before a request is passed on. Returns ``None`` to pass it on, or a status and an S3 error code.
type Fault = Callable[[Request], tuple[int, str] | None]


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        # A client that has gone is no error of the proxy.
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type] # as it came


class HttpProxy:
    """Listens on a port of 127.0.0.1 between ``with`` and its end; ``fault`` may block."""

    def __init__(self, server_port: int, fault: Fault = lambda request: None) -> None:
        self.requests: list[Request] = []
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Answers leave as one segment each: small segments would wait for acknowledgements.
            wbufsize = -1

            def _handle(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                body = self.rfile.read(length)
                request = Request(self.command, self.path, dict(self.headers), length)
                proxy.requests.append(request)
                try:
                    failure = fault(request)
                except Drop:
                    self.close_connection = True
                    return
                if failure is not None:
                    self._answer(failure[0], [], f"<Error><Code>{failure[1]}</Code></Error>".encode())
                    return
                upstream = http.client.HTTPConnection("127.0.0.1", server_port)
                headers = {n: v for n, v in self.headers.items() if n.lower() != "expect"}
                try:
                    upstream.request(self.command, self.path, body, headers)
                    answer = upstream.getresponse()
                    self._answer(answer.status, answer.getheaders(), answer.read())
                except (OSError, http.client.HTTPException):
                    # One side has gone: so does the connection to the other.
                    self.close_connection = True
                finally:
                    upstream.close()

            def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
                self.send_response_only(status)
                length = str(len(body))
                for name, value in headers:
                    if name.lower() == "content-length" and self.command == "HEAD":
                        length = value
                    elif name.lower() not in {"content-length", "transfer-encoding", "connection"}:
                        self.send_header(name, value)
                self.send_header("Content-Length", length)
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _handle  # noqa: N815 - http.server's names

            def handle_expect_100(self) -> bool:
                going_on = super().handle_expect_100()
                self.wfile.flush()
                return going_on

            def log_message(self, format: str, *values: object) -> None:  # noqa: A002
                """The record is enough."""

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.port: int = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def sent(self, method: str, part: str = "") -> list[Request]:
        """The requests of a method whose target contains ``part``."""
        return [r for r in self.requests if r.method == method and part in r.target]
