"""What has happened to a report and what it waits for, read from the database at each call."""

from datetime import datetime
from typing import Any

from reporting.database import Database
from reporting.report import Report
from reporting.states import CLAIMABLE
from reporting.status import timestamp
from reporting.window import JOINED, NOT_HELD, READY_AT, position


class Timelines:
    """Reads timelines. Raises ``DatabaseUnavailable``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, report: Report) -> dict[str, Any]:
        """``attempts``, the oldest first, and ``waiting``: ``None`` unless no worker has the report yet."""
        return {"attempts": self._attempts(report), "waiting": self._waiting(report)}

    def _attempts(self, report: Report) -> list[dict[str, Any]]:
        rows: Any = self._database.query(
            "SELECT attempt, started_at, last_heartbeat_at, finished_at, outcome, cause FROM attempts"
            " WHERE report_id = %s ORDER BY fencing_token",
            (report.id,),
        )
        return [
            {
                "attempt": attempt,
                "started_at": timestamp(started_at),
                "last_heartbeat_at": timestamp(last_heartbeat_at),
                "finished_at": timestamp(finished_at),
                "outcome": outcome,
                "cause": cause,
            }
            for attempt, started_at, last_heartbeat_at, finished_at, outcome, cause in rows
        ]

    def _waiting(self, report: Report) -> dict[str, Any] | None:
        if report.status not in CLAIMABLE:
            return None
        rows: Any = self._database.query(
            f"SELECT {READY_AT}, {READY_AT} > UTC_TIMESTAMP(6), NOT {NOT_HELD}, COALESCE(ahead, 0),"  # noqa: S608 - constants
            " EXISTS (SELECT 1 FROM outbox WHERE report_id = reports.id AND sent_at IS NULL)"
            f" FROM {JOINED} WHERE id = %s AND status IN ('queued', 'retrying')",
            (report.id,),
        )
        if not rows:
            # Taken up or cancelled since it was read.
            return None
        [[ready_at, later, held, ahead, unsent]] = rows
        waiting: dict[str, Any] = {"lane": report.lane, "position": None, "for": "retry", "until": None}
        if later:
            return {**waiting, "until": timestamp(ready_at)}
        if held:
            return {**waiting, "position": position(self._database, report.id), "for": "own_reports"}
        return {
            **waiting,
            "position": self._before(report, ready_at, ahead) + 1,
            # The relay sends what the broker has not confirmed; after that a worker takes it up.
            "for": "broker" if unsent else "worker",
        }

    def _before(self, report: Report, ready_at: datetime, ahead: int) -> int:
        """How many reports of the queue are ready and go first: those ahead, then the longer wait."""
        rows: Any = self._database.query(
            f"SELECT COUNT(*) FROM {JOINED} WHERE status IN ('queued', 'retrying') AND queue = %s"  # noqa: S608 - constants
            f" AND {NOT_HELD} AND {READY_AT} <= UTC_TIMESTAMP(6)"
            f" AND (COALESCE(ahead, 0) > %s OR COALESCE(ahead, 0) = %s"
            f" AND ({READY_AT} < %s OR ({READY_AT} = %s AND id < %s)))",
            (report.queue, ahead, ahead, ready_at, ready_at, report.id),
        )
        return int(rows[0][0])
