"""A first XLSX and a first PDF, made through the API as any client would."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping

REPORTS: tuple[Mapping[str, object], ...] = (
    {"report_type": "order_ledger", "format": "xlsx"},
    {"report_type": "monthly_sales", "format": "pdf"},
)
_DEADLINE_SECONDS = 180


class DemoFailed(RuntimeError):
    """A first report was not made."""


def make_first_reports(api: str, token: str, *, say: Callable[[str], None]) -> None:
    """Make each of :data:`REPORTS`, tell the progress and the links. Raises :class:`DemoFailed`."""
    for body in REPORTS:
        name = f"{body['report_type']} as {str(body['format']).upper()}"
        status = _call("POST", f"{api}/generate", token, body)
        status = _follow(f"{api}/status/{status['id']}", token, name, say=say)
        result = status["result"]
        size = result["size_bytes"] / 1000
        seconds = _seconds(status)
        say(f"  {name}: {result['row_count']:,} rows, {size:,.0f} kB, {seconds:.1f} s")
        say(f"    {result['download']['url']}")


def _follow(url: str, token: str, name: str, *, say: Callable[[str], None]):  # type: ignore[no-untyped-def] # JSON
    give_up_at, told = time.monotonic() + _DEADLINE_SECONDS, -25
    while True:
        status = _call("GET", url, token)
        if status["status"] == "succeeded":
            return status
        if status["done"]:
            raise DemoFailed(f"{name} ended as {status['status']}: {status['error']}")
        if time.monotonic() > give_up_at:
            raise DemoFailed(f"{name} was not done after {_DEADLINE_SECONDS} s: {status}")
        percent = status["progress"]["percent"] or 0
        if percent >= told + 25:
            told = percent
            say(f"  {name}: {status['status']}, {percent} %")
        time.sleep(0.1)


def _call(method: str, url: str, token: str, body: Mapping[str, object] | None = None):  # type: ignore[no-untyped-def] # JSON
    request = urllib.request.Request(  # noqa: S310 - our own address
        url,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310
            return json.load(response)
    except urllib.error.HTTPError as error:
        raise DemoFailed(f"{method} {url} answered {error.code}: {error.read().decode()[:1000]}") from error


def _seconds(status: Mapping[str, str]) -> float:
    from datetime import datetime  # noqa: PLC0415

    created, finished = (datetime.fromisoformat(status[name]) for name in ("created_at", "finished_at"))
    return (finished - created).total_seconds()
