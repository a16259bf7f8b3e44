"""A client of the service that knows a base address and a token, and nothing else."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urljoin

import urllib3

DEADLINE_SECONDS = 90.0


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    data: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.data)


@dataclass(frozen=True, slots=True)
class Client:
    base: str
    token: str | None
    http: urllib3.PoolManager = field(
        default_factory=lambda: urllib3.PoolManager(retries=False, timeout=60.0)
    )

    def with_token(self, token: str | None) -> Self:
        return type(self)(self.base, token, self.http)

    def call(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        raw: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Call the API. ``body`` is sent as JSON, ``raw`` as it is. Redirects are not followed."""
        sent = {"content-type": "application/json"} if raw is not None or body is not None else {}
        if self.token is not None:
            sent["authorization"] = f"Bearer {self.token}"
        data = raw if raw is not None else json.dumps(body).encode() if body is not None else None
        response = self.http.request(
            method,
            urljoin(self.base.rstrip("/") + "/", path.lstrip("/")),
            body=data,
            headers={**sent, **(headers or {})},
            redirect=False,
        )
        return Answer(response.status, {k.lower(): v for k, v in response.headers.items()}, response.data)

    def fetch(self, url: str, *, method: str = "GET", headers: Mapping[str, str] | None = None) -> Answer:
        """Fetch a link as it is, without a token."""
        response = self.http.request(method, url, headers=headers, redirect=False)
        return Answer(response.status, {k.lower(): v for k, v in response.headers.items()}, response.data)

    def generate(self, body: object, **headers: str) -> dict[str, Any]:
        """Ask for a report and return its first status."""
        answer = self.call(
            "POST", "/generate", body=body, headers={k.replace("_", "-"): v for k, v in headers.items()}
        )
        assert answer.status == 202, answer.data
        status: dict[str, Any] = answer.json
        return status

    def wait(self, report_id: str, *, until: str | None = None) -> dict[str, Any]:
        """Follow a report until it is done, or until it has the status ``until``."""
        give_up_at = time.monotonic() + DEADLINE_SECONDS
        seen_version = 0
        while True:
            answer = self.call("GET", f"/status/{report_id}")
            assert answer.status == 200, answer.data
            status: dict[str, Any] = answer.json
            assert status["version"] >= seen_version, "a status never goes back"
            seen_version = status["version"]
            if status["done"] or status["status"] == until:
                return status
            assert time.monotonic() < give_up_at, f"not done after {DEADLINE_SECONDS} s: {status}"

    def make(self, body: object) -> tuple[dict[str, Any], bytes]:
        """Make a report and download it; returns its final status and its bytes."""
        status = self.wait(self.generate(body)["id"])
        assert status["status"] == "succeeded", status
        link = status["result"]["download"]["url"]
        answer = self.fetch(link)
        assert answer.status == 200, answer.data[:300]
        return status, answer.data
