"""A client that goes on after an error, and notes it."""

import http.client
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks.client import Client


@dataclass
class Calls:
    """What clients have seen, theirs together. Latencies are milliseconds of good answers."""

    posts: list[float] = field(default_factory=list)
    gets: list[float] = field(default_factory=list)
    accepted: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


class Visitor:
    """One client on a connection of its own. ``calls`` may be shared by many, each on its own thread."""

    def __init__(self, client: Client, calls: Calls) -> None:
        self._client = client
        self._calls = calls

    def close(self) -> None:
        self._client.close()

    def post(self, body: bytes) -> str | None:
        """Ask for a report; its id, or ``None`` after an error."""
        answer = self._call("POST", "/generate", body, wanted=(202,), times=self._calls.posts)
        if answer is None:
            return None
        report_id = str(answer["id"])
        self._calls.accepted.append(report_id)
        return report_id

    def status(self, report_id: str) -> Mapping[str, Any] | None:
        """A report's status, or ``None`` after an error."""
        return self._call("GET", f"/status/{report_id}", None, wanted=(200,), times=self._calls.gets)

    def cancel(self, report_id: str) -> None:
        """Cancel a report. One that has ended meanwhile is no error."""
        self._call("POST", f"/reports/{report_id}/cancel", None, wanted=(200, 202, 409), times=[])

    def follow(self, report_id: str, *, pause_seconds: float, seconds: float) -> Mapping[str, Any] | None:
        """Poll until the report is done; ``None`` after an error, and when it is not done in time."""
        give_up_at = time.monotonic() + seconds
        while (status := self.status(report_id)) is not None:
            if status["done"]:
                return status
            if time.monotonic() > give_up_at:
                self._calls.errors.append(f"{report_id} was {status['status']} after {seconds:.0f} s")
                return None
            time.sleep(pause_seconds)
        return None

    def _call(
        self, method: str, path: str, body: bytes | None, *, wanted: tuple[int, ...], times: list[float]
    ) -> Mapping[str, Any] | None:
        started = time.perf_counter()
        try:
            status, answer = self._client.call(method, path, body)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._client.close()
            self._calls.errors.append(f"{method} {path.partition('?')[0]}: {error!r}")
            return None
        if status not in wanted or not isinstance(answer, dict):
            self._calls.errors.append(f"{method} {path.partition('?')[0]} answered {status}: {answer!r:.300}")
            return None
        times.append((time.perf_counter() - started) * 1000)
        return answer
