"""Which errors are worth another attempt, when, and how an error is told to the client."""

import random
from dataclasses import dataclass
from typing import Any

from rendering.errors import RenderError
from reporting.errors import PermanentError, PrensaError, TransientError
from reporting.identifiers import trace_id


@dataclass(frozen=True, kw_only=True, slots=True)
class Backoff:
    """Exponential delays with equal jitter: between half and all of ``base * 2 ** (attempt - 1)``."""

    base_seconds: float
    cap_seconds: float

    def delay(self, attempt: int) -> float:
        """Seconds to wait after attempt number ``attempt`` has failed."""
        # The exponent is bounded, so that a long-lived report can't overflow a float.
        full = min(self.cap_seconds, self.base_seconds * 2.0 ** min(attempt - 1, 30))
        return full * random.uniform(0.5, 1)  # noqa: S311 - jitter, not a secret


def is_transient(error: Exception) -> bool:
    """Whether the same work may succeed later. An unknown error counts as transient: it has its attempts."""
    return isinstance(error, TransientError) or not isinstance(error, PermanentError | RenderError)


def error_document(error: Exception, *, retryable: bool, traceparent: str) -> dict[str, Any]:
    """The ``error`` of a status object. Only our own errors speak for themselves: their text is safe."""
    if isinstance(error, PrensaError):
        return {"code": error.code, "title": error.title, "detail": str(error), "retryable": retryable}
    if isinstance(error, RenderError):
        title = "The data does not fit the report's definition"
        return {"code": error.code, "title": title, "detail": str(error), "retryable": retryable}
    detail = f"An unexpected error ended the work. Its trace id is {trace_id(traceparent)}."
    return {"code": "internal", "title": "Internal error", "detail": detail, "retryable": retryable}
