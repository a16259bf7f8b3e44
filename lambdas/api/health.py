"""Health of each part. The cache may be down: every call works without it."""

from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any

from reporting.observability import logger

_OPTIONAL = frozenset({"cache"})


def health_document(checks: Mapping[str, Callable[[], object]]) -> tuple[bool, dict[str, Any]]:
    """Run the checks; healthy when every part that a report needs has answered."""
    parts = {name: _check(name, check) for name, check in checks.items()}
    failed = {name for name, part in parts.items() if part["status"] != "ok"}
    overall = "ok" if not failed else "degraded" if failed <= _OPTIONAL else "unavailable"
    return failed <= _OPTIONAL, {"status": overall, "parts": parts}


def _check(name: str, check: Callable[[], object]) -> dict[str, Any]:
    started = perf_counter()
    try:
        check()
    except Exception:  # noqa: BLE001 - whatever it is, the part is not healthy; the log says why
        logger.exception("health check failed", part=name)
        return {"status": "unavailable"}
    return {"status": "ok", "milliseconds": round((perf_counter() - started) * 1000, 1)}
