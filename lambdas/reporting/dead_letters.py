"""Dead letters: the report is failed, the message is kept for redrive."""

from pymysql.cursors import Cursor

from reporting.database import Database
from reporting.errors import ForbiddenTransition, LeaseLost, ReportNotFound
from reporting.messages import MalformedMessage, ReportMessage
from reporting.observability import count, logger
from reporting.repository import Reports
from reporting.snapshots import Snapshots
from reporting.states import CLAIMABLE

_ERROR = {
    "code": "dead_letter",
    "title": "No worker could take the report up",
    "detail": "The report's message was delivered several times and no worker could begin the work.",
    "retryable": True,
}


class DeadLetters:
    """Keeps dead messages and fails the reports that they were the last hope of."""

    def __init__(self, *, database: Database, reports: Reports, snapshots: Snapshots) -> None:
        self._database = database
        self._reports = reports
        self._snapshots = snapshots

    def take(self, *, message_id: str, queue: str, body: str) -> None:
        """Handle one dead letter. Safe to call twice with the same message."""
        try:
            message = ReportMessage.from_json(body)
        except MalformedMessage as error:
            logger.error("dead letter is not one of our messages", message_id=message_id, reason=str(error))
            self.keep(message_id=message_id, queue=queue, body=body, report_id=None)
            return
        self.keep(message_id=message_id, queue=queue, body=body, report_id=message.report_id)
        self._fail(message, message_id)

    def keep(self, *, message_id: str, queue: str, body: str, report_id: str | None) -> None:
        """Store a message once: by its id, and by its text while it was not sent again.

        A message whose receipt was lost is sent twice, and the broker gives each copy an id of its own.
        """

        def store(cursor: Cursor) -> int:
            if report_id is not None and _is_kept(cursor, report_id, message_id, body):
                return 0
            return cursor.execute(
                "INSERT INTO dead_letters (message_id, queue, report_id, body, received_at)"
                " VALUES (%s, %s, %s, %s, UTC_TIMESTAMP(6)) ON DUPLICATE KEY UPDATE id = id",
                (message_id, queue, report_id, body),
            )

        if self._database.transaction(store):
            count("DeadLetters")

    def _fail(self, message: ReportMessage, message_id: str) -> None:
        try:
            report = self._reports.get(message.report_id)
        except ReportNotFound:
            logger.error("dead letter of an unknown report", report_id=message.report_id)
            return
        if report.status not in CLAIMABLE or report.attempt != message.attempt - 1:
            # Failed already, done, or in the hands of a later attempt.
            logger.info("dead letter kept", report_id=report.id, status=report.status.value)
            return
        if self._redriven(message_id):
            # Delivered again after it was redriven: the report's new attempts are not its business. The
            # report was read before, and a redrive after that has changed its token.
            logger.info("dead letter was redriven", report_id=report.id)
            return
        try:
            # The token ties the failure to what was just read: a worker that claims now has the report.
            changed = self._reports.fail_waiting(report.id, error=_ERROR, fencing_token=report.fencing_token)
        except (ForbiddenTransition, LeaseLost):
            return
        self._snapshots.publish(changed.report)
        count("ReportsFailed")
        logger.error("report failed as a dead letter", report_id=report.id)

    def _redriven(self, message_id: str) -> bool:
        return bool(
            self._database.query(
                "SELECT 1 FROM dead_letters WHERE message_id = %s AND redriven_at IS NOT NULL", (message_id,)
            )
        )


def _is_kept(cursor: Cursor, report_id: str, message_id: str, body: str) -> bool:
    """Whether the same message is there under another id. Two copies at once meet at the report's row."""
    cursor.execute("SELECT id FROM reports WHERE id = %s FOR UPDATE", (report_id,))
    cursor.execute(
        "SELECT 1 FROM dead_letters WHERE report_id = %s AND message_id <> %s AND body = %s"
        " AND redriven_at IS NULL LIMIT 1",
        (report_id, message_id, body),
    )
    return cursor.fetchone() is not None
