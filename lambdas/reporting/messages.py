"""The message that travels through the broker: ids only, never rows."""

from dataclasses import dataclass
from typing import Self

import simplejson

from reporting.identifiers import is_report_id, is_traceparent

SCHEMA_VERSION = 1
#: Above any broker's own limit there would be no error: a message that grows this large is a bug.
MAX_BYTES = 1000


class MalformedMessage(ValueError):
    """A message that is not one of ours. Its text says what was wrong and never repeats the body."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportMessage:
    """Asks a worker to make attempt number ``attempt`` (from 1) of a report."""

    report_id: str
    attempt: int
    traceparent: str

    def to_json(self) -> str:
        return simplejson.dumps(
            {
                "report_id": self.report_id,
                "attempt": self.attempt,
                "schema_version": SCHEMA_VERSION,
                "traceparent": self.traceparent,
            },
            separators=(",", ":"),
        )

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read a message. Raises :class:`MalformedMessage`."""
        try:
            value = simplejson.loads(text)
        except (ValueError, RecursionError) as error:
            raise MalformedMessage("The message is not JSON.") from error
        if not isinstance(value, dict):
            raise MalformedMessage("The message is not a JSON object.")
        if value.get("schema_version") != SCHEMA_VERSION:
            raise MalformedMessage(f"The message's schema_version is not {SCHEMA_VERSION}.")
        report_id, attempt, traceparent = (value.get(key) for key in ("report_id", "attempt", "traceparent"))
        if not isinstance(report_id, str) or not is_report_id(report_id):
            raise MalformedMessage("The message has no valid report_id.")
        if type(attempt) is not int or attempt < 1:
            raise MalformedMessage("The message's attempt is not a positive integer.")
        if not isinstance(traceparent, str) or not is_traceparent(traceparent):
            raise MalformedMessage("The message has no valid traceparent.")
        return cls(report_id=report_id, attempt=attempt, traceparent=traceparent)
