"""Attempts, written in the transactions of the transitions that they are about."""

from pymysql.cursors import Cursor

from reporting.report import Report
from reporting.states import HELD, Event, Status

_CAUSE_LENGTH = 64


def record(cursor: Cursor, before: Report, event: Event, after: Status, *, cause: str | None) -> None:
    """Note what ``event`` means for the attempt of ``before``: one row begins with a claim and ends with it.

    ``cause`` is the code of the error that ended it. Costs one statement where an attempt begins or ends.
    """
    if event is Event.CLAIM:
        cursor.execute(
            "INSERT INTO attempts (report_id, fencing_token, attempt, started_at, last_heartbeat_at)"
            " VALUES (%s, %s, %s, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6))",
            (before.id, before.fencing_token + 1, before.attempt + 1),
        )
    elif before.status in HELD and after not in HELD:
        cursor.execute(
            "UPDATE attempts SET finished_at = UTC_TIMESTAMP(6), outcome = %s, cause = %s"
            " WHERE report_id = %s AND fencing_token = %s",
            (after.value, cause and cause[:_CAUSE_LENGTH], before.id, before.fencing_token),
        )
