"""A client of the service over one kept connection."""

import http.client
import json
import time
from typing import Any
from urllib.parse import urlsplit

_POLL_SECONDS = 0.004
_DEADLINE_SECONDS = 60


class Client:
    """One kept connection with a token."""

    def __init__(self, api: str, token: str) -> None:
        self._address = urlsplit(api)
        self._token = token
        self._connection = self._connect()

    def call(self, method: str, path: str, body: bytes | None = None) -> tuple[int, Any]:
        headers = {"authorization": f"Bearer {self._token}", "content-type": "application/json"}
        self._connection.request(method, path, body, headers)
        response = self._connection.getresponse()
        data = response.read()
        return response.status, json.loads(data)

    def timed(self, method: str, path: str, body: bytes | None = None) -> tuple[float, Any]:
        """Milliseconds and answer of a call that must succeed."""
        started = time.perf_counter()
        status, answer = self.call(method, path, body)
        elapsed = (time.perf_counter() - started) * 1000
        if status not in (200, 202):
            raise RuntimeError(f"{method} {path} answered {status}: {answer}")
        return elapsed, answer

    def until_done(self, report_id: str, *, poll_seconds: float = _POLL_SECONDS) -> Any:
        give_up_at = time.monotonic() + _DEADLINE_SECONDS
        while time.monotonic() < give_up_at:
            _, answer = self.timed("GET", f"/status/{report_id}")
            if answer["done"]:
                if answer["status"] != "succeeded":
                    raise RuntimeError(f"the report ended as {answer['status']}: {answer['error']}")
                return answer
            time.sleep(poll_seconds)
        raise RuntimeError(f"report {report_id} was not done after {_DEADLINE_SECONDS} s")

    def close(self) -> None:
        """Close the connection; the next call opens another."""
        self._connection.close()

    def _connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(str(self._address.hostname), self._address.port, timeout=60)
