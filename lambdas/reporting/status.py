"""The status object that clients read, without the link: that is signed at each read."""

from datetime import UTC, datetime
from typing import Any

from reporting.report import Report
from reporting.states import Status

#: The phase of a report that has succeeded, also when it has expired since.
_DONE = "done"


def status_document(report: Report) -> dict[str, Any]:
    """The JSON object of the contract for one report, in RFC 3339 times with Z."""
    return {
        "id": report.id,
        "status": report.status.value,
        "done": report.status.done,
        "report_type": report.report_type,
        "format": report.format,
        "priority": report.priority,
        "parameters": report.request.get("parameters", {}),
        "created_at": timestamp(report.created_at),
        "started_at": timestamp(report.started_at),
        "finished_at": timestamp(report.finished_at),
        "expires_at": timestamp(report.expires_at),
        "version": report.version,
        "progress": _progress(report),
        "attempt": report.attempt,
        "max_attempts": report.max_attempts,
        "next_retry_at": timestamp(report.next_retry_at),
        "result": report.result if report.status is Status.SUCCEEDED else None,
        "error": report.error,
    }


def timestamp(moment: datetime | None) -> str | None:
    """A naive UTC time of the database as RFC 3339 with Z."""
    if moment is None:
        return None
    return moment.replace(tzinfo=UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _progress(report: Report) -> dict[str, Any]:
    """``percent`` stays below 100 until the report has succeeded, and is unknown without a total.

    It never goes back: a report that expires had succeeded, and one that stops had done what it had done.
    """
    if report.phase == _DONE:
        percent: int | None = 100
    elif report.rows_total:
        percent = min(99, report.rows_done * 100 // report.rows_total)
    else:
        percent = None if report.status is Status.RUNNING or report.rows_done else 0
    return {
        "phase": report.phase or report.status.value,
        "rows_done": report.rows_done,
        "rows_total": report.rows_total,
        "percent": percent,
    }
