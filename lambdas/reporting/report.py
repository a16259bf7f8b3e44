"""One report as its row in the database says."""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Self

import simplejson

from reporting.states import Status

_DOCUMENTS = ("request", "result", "error")


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """A row of ``reports`` without its inline rows.

    Times are naive and UTC, as DATETIME(6) holds them. ``request``, ``result`` and ``error`` are JSON
    objects; decimals in them are :class:`decimal.Decimal`.
    """

    id: str
    tenant: str
    report_type: str | None
    format: str
    priority: str
    lane: str
    queue: str
    request: dict[str, Any]
    input_key: str | None
    status: Status
    version: int
    attempt: int
    max_attempts: int
    fencing_token: int
    lease_until: datetime | None
    phase: str | None
    rows_done: int
    rows_total: int | None
    next_retry_at: datetime | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    expires_at: datetime | None
    result: dict[str, Any] | None
    object_key: str | None
    error: dict[str, Any] | None
    traceparent: str

    @classmethod
    def from_row(cls, row: tuple[Any, ...]) -> Self:
        """Build a report from the columns of :data:`COLUMNS`."""
        values = dict(zip(_NAMES, row, strict=True))
        values["status"] = Status(values["status"])
        for name in _DOCUMENTS:
            if values[name] is not None:
                values[name] = load_document(values[name])
        return cls(**values)


_NAMES = tuple(field.name for field in fields(Report))
#: The select list that :meth:`Report.from_row` reads.
COLUMNS = ", ".join(_NAMES)


def load_document(text: str) -> Any:
    """Read stored JSON with exact decimals."""
    return simplejson.loads(text, use_decimal=True)


def dump_document(value: object) -> str:
    """Write JSON with exact decimals and real characters, the same text for the same value."""
    return simplejson.dumps(
        value, use_decimal=True, ensure_ascii=False, separators=(",", ":"), sort_keys=True, allow_nan=False
    )
