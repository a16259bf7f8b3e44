"""Dead letters as operators see them, and the way back: a failed report is queued once more."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pymysql.cursors import Cursor

from reporting.cursors import bad_cursor, decode_cursor, encode_cursor, unknown_cursor
from reporting.database import Database
from reporting.dispatch import Dispatcher
from reporting.errors import PrensaError, Problem
from reporting.followups import first_attempt
from reporting.identifiers import is_report_id
from reporting.observability import count, logger
from reporting.outbox import OutboxRow
from reporting.report import COLUMNS, Report
from reporting.snapshots import Snapshots
from reporting.states import Event, Status, next_status
from reporting.status import timestamp
from reporting.window import Window, lock

MAX_REDRIVE = 100
#: Our own messages are shorter; of another only so much is shown.
_SHOWN_CHARACTERS = 1000


class Outcome(StrEnum):
    REDRIVEN = "redriven"
    ALREADY_REDRIVEN = "already_redriven"
    REFUSED = "refused"


@dataclass(frozen=True, kw_only=True, slots=True)
class Redriven:
    """What became of one dead letter. ``code`` and ``detail`` say why it was refused."""

    id: int
    report_id: str | None
    outcome: Outcome
    code: str | None = None
    detail: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class LetterPage:
    """Dead letters, and the cursor of the page that follows if there is one."""

    letters: list[dict[str, Any]]
    next: str | None


class NotRedrivable(PrensaError):
    """None of the dead letters that were asked for can be sent again; carries a reason for each."""

    code = "not_redrivable"
    title = "None of these dead letters can be sent again"

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(problem.detail for problem in self.problems[:5]))


class Redrive:
    """Lists dead letters of all tenants and sends them again. Raises ``DatabaseUnavailable``."""

    def __init__(
        self, *, database: Database, dispatcher: Dispatcher, snapshots: Snapshots, tenant_window: Window
    ) -> None:
        self._database = database
        self._window = tenant_window
        self._dispatcher = dispatcher
        self._snapshots = snapshots

    def page(self, *, limit: int, cursor: str | None) -> LetterPage:
        """At most ``limit`` dead letters, the newest first.

        Raises :class:`reporting.errors.InvalidRequest` for a cursor that is none.
        """
        before = 2**63 if cursor is None else _before(cursor)
        rows: Any = self._database.query(
            "SELECT d.id, d.queue, d.report_id, LEFT(d.body, %s), d.received_at, d.redriven_at, r.tenant,"
            " r.status FROM dead_letters d LEFT JOIN reports r ON r.id = d.report_id"
            " WHERE d.id < %s ORDER BY d.id DESC LIMIT %s",
            (_SHOWN_CHARACTERS, before, limit + 1),
        )
        letters = [
            {
                "id": id_,
                "queue": queue,
                "report_id": report_id,
                "tenant": tenant,
                "report_status": status,
                "body": body,
                "received_at": timestamp(received_at),
                "redriven_at": timestamp(redriven_at),
            }
            for id_, queue, report_id, body, received_at, redriven_at, tenant, status in rows[:limit]
        ]
        more = len(rows) > limit
        return LetterPage(letters=letters, next=encode_cursor(str(letters[-1]["id"])) if more else None)

    def of_report(self, report_id: str) -> list[int]:
        """Ids of the dead letters that were kept of a report, the newest first; none of what is no id."""
        if not is_report_id(report_id):
            return []
        rows: Any = self._database.query(
            "SELECT id FROM dead_letters WHERE report_id = %s ORDER BY id DESC LIMIT %s",
            (report_id, MAX_REDRIVE),
        )
        return [row[0] for row in rows]

    def redrive(self, ids: Sequence[int], *, pointer: str | None = None) -> list[Redriven]:
        """Queue the reports of these dead letters once more, with all of their attempts.

        A letter that was sent again before is not sent twice, whoever asks and how often. Raises
        :class:`NotRedrivable` when every single one is refused, with the ``pointer`` of what stands for all
        of them or with that of each in ``ids``.
        """
        done = [self._one(letter_id) for letter_id in ids]
        refused = [
            Problem(pointer=pointer or f"/ids/{index}", detail=one.detail or "", code=one.code or "")
            for index, one in enumerate(done)
            if one.outcome is Outcome.REFUSED
        ]
        if len(refused) == len(done):
            raise NotRedrivable(refused)
        return done

    def _one(self, letter_id: int) -> Redriven:
        letter: Any = self._database.query("SELECT report_id FROM dead_letters WHERE id = %s", (letter_id,))
        if not letter:
            return _refused(letter_id, None, "not_found", f"there is no dead letter {letter_id}")
        [[report_id]] = letter
        if report_id is None:
            detail = f"dead letter {letter_id} is not one of the service's messages and names no report"
            return _refused(letter_id, None, "malformed", detail)
        changed: tuple[Report, list[OutboxRow]] | None = None

        def work(cursor: Cursor) -> Redriven:
            nonlocal changed
            changed = None
            # The report's row is what two runs meet at; each then sees what the other has done.
            cursor.execute(f"SELECT {COLUMNS} FROM reports WHERE id = %s FOR UPDATE", (report_id,))  # noqa: S608 - constants
            row = cursor.fetchone()
            cursor.execute("SELECT redriven_at FROM dead_letters WHERE id = %s FOR UPDATE", (letter_id,))
            [redriven_at] = cursor.fetchone() or [None]
            if redriven_at is not None:
                return Redriven(id=letter_id, report_id=report_id, outcome=Outcome.ALREADY_REDRIVEN)
            if row is None:
                return _refused(letter_id, report_id, "report_not_found", f"there is no report {report_id}")
            report = Report.from_row(row)
            if (problem := _problem(report)) is not None:
                return _refused(letter_id, report_id, *problem)
            changed = self._queue(cursor, report)
            return Redriven(id=letter_id, report_id=report_id, outcome=Outcome.REDRIVEN)

        redriven = self._database.transaction(work)
        if changed is not None:
            report, outgoing = changed
            self._snapshots.publish(report)
            self._dispatcher.send(outgoing)
            count("ReportsRedriven")
            logger.info("report redriven", report_id=report.id, dead_letter=letter_id)
        return redriven

    def _queue(self, cursor: Cursor, report: Report) -> tuple[Report, list[OutboxRow]]:
        """Put a failed report back, in the caller's transaction that holds its row.

        A new fencing token ends whatever was decided on the old one. It enters its tenant's window as a new
        report does: many that are sent again at once would stand in front of everybody else's.
        """
        # Before the first read without a lock: what is read afterwards is not older than it.
        lock(cursor, tenant=report.tenant, lane=report.lane)
        cursor.execute(
            "UPDATE reports SET version = version + 1, attempt = 0, fencing_token = fencing_token + 1,"
            " error = NULL, started_at = NULL, finished_at = NULL, expires_at = NULL, phase = NULL,"
            " rows_done = 0, next_retry_at = NULL, status = %s WHERE id = %s",
            (next_status(report.status, Event.REDRIVE).value, report.id),
        )
        cursor.execute(
            "UPDATE dead_letters SET redriven_at = UTC_TIMESTAMP(6)"
            " WHERE report_id = %s AND redriven_at IS NULL",
            (report.id,),
        )
        outgoing = self._window.enter(
            cursor,
            report_id=report.id,
            tenant=report.tenant,
            lane=report.lane,
            priority=report.priority,
            first=first_attempt(report),
        )
        cursor.execute(f"SELECT {COLUMNS} FROM reports WHERE id = %s", (report.id,))  # noqa: S608 - constants
        row = cursor.fetchone()
        assert row is not None, "this transaction holds the row"  # noqa: S101
        return Report.from_row(row), outgoing


def _problem(report: Report) -> tuple[str, str] | None:
    if report.status is not Status.FAILED:
        return "not_failed", f"report {report.id} is {report.status.value}; only a failed one is sent again"
    if not (report.error or {}).get("retryable"):
        code = (report.error or {}).get("code")
        return (
            "not_retryable",
            f"report {report.id} failed with {code}, which another attempt does not change",
        )
    return None


def _refused(letter_id: int, report_id: str | None, code: str, detail: str) -> Redriven:
    return Redriven(id=letter_id, report_id=report_id, outcome=Outcome.REFUSED, code=code, detail=detail)


def read_letter_cursor(cursor: str) -> int:
    """Raises :class:`ValueError` for a cursor that no listing of dead letters has given out."""
    try:
        text = decode_cursor(cursor)
        if not (text.isascii() and text.isdigit() and len(text) < 20):
            raise ValueError("not a number")
        return int(text)
    except ValueError as error:
        raise unknown_cursor(cursor) from error


def _before(cursor: str) -> int:
    try:
        return read_letter_cursor(cursor)
    except ValueError as error:
        raise bad_cursor(str(error)) from error
