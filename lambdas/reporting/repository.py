"""Reports in MySQL, the only truth. Every change of status is one conditional UPDATE.

The UPDATE names the status and the version it was decided on and, for a worker, the fencing token; the
messages that follow from it are stored in the same transaction. Times come from the database's clock.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pymysql.cursors import Cursor

from reporting import attempts, datasets, discards, idempotency, outbox, window
from reporting.database import Database
from reporting.errors import InputGone, LeaseLost, Rate, ReportNotFound
from reporting.idempotency import IdempotencyKey
from reporting.identifiers import is_report_id
from reporting.outbox import OutboxMessage, OutboxRow
from reporting.quotas import Quotas
from reporting.report import COLUMNS, Report, dump_document, load_document
from reporting.states import CLAIMABLE, HELD, TRANSITIONS, Event, Status, next_status
from reporting.window import Window


@dataclass(frozen=True, kw_only=True, slots=True)
class NewReport:
    """What is stored when a request is accepted."""

    id: str
    tenant: str
    report_type: str | None
    format: str
    priority: str
    lane: str
    queue: str
    request: dict[str, Any]
    inline_rows: str | None
    input_key: str | None
    rows_total: int | None
    max_attempts: int
    traceparent: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Accepted:
    """The stored report; ``replayed`` when an earlier request with the same key had made it.

    ``rate`` is what is left of the tenant's requests, where those are limited.
    """

    report: Report
    outgoing: list[OutboxRow]
    replayed: bool
    rate: Rate | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Changed:
    """A report after a transition, with the messages that wait to be sent."""

    report: Report
    outgoing: list[OutboxRow]


@dataclass(frozen=True, kw_only=True, slots=True)
class LostLease:
    """A report whose worker has not renewed its lease in time."""

    id: str
    fencing_token: int


#: Where each event leads a claim to: a claim that is there already has taken the step.
_ENDS_OF_CLAIM = {
    event: {target for (source, known), target in TRANSITIONS.items() if known is event and source in HELD}
    for event in Event
}


_HELD_BY_CLAIM = "id = %s AND reports.fencing_token = %s AND status IN ('running', 'cancelling')"
_LEASE_GONE = "The lease of this claim is gone."


class _Conflict(Exception):
    """The row changed between the read and the UPDATE."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """The reports that were given to the broker and that no worker has taken up yet."""

    reports: int
    oldest_seconds: int


class Reports:
    """The reports table. Methods raise ``DatabaseUnavailable`` when MySQL does not answer.

    Without ``tenant_window`` every message is sent at once, without ``quotas`` nothing is refused.
    """

    def __init__(
        self, database: Database, *, tenant_window: Window | None = None, quotas: Quotas | None = None
    ) -> None:
        self._database = database
        self._quotas = quotas or Quotas({})
        self._window = tenant_window or Window({})

    def accept(
        self, new: NewReport, first: OutboxMessage, *, key: IdempotencyKey | None, again: bool = False
    ) -> Accepted:
        """Store a report and its first message in one transaction.

        ``again`` says that an earlier call may have stored it, or may be about to.
        Raises :class:`reporting.errors.IdempotencyConflict` and :class:`reporting.errors.QuotaExceeded`.
        """

        def store(cursor: Cursor) -> Accepted:
            # First of all, and then the key's: what is read afterwards is not older than the locks.
            window.lock(cursor, tenant=new.tenant, lane=new.lane)
            report_id = idempotency.reserve(cursor, key, new.id) if key else new.id
            if report_id != new.id:
                return Accepted(report=_select(cursor, report_id), outgoing=[], replayed=True)
            if again and (stored := _find(cursor, new.id)) is not None:
                return Accepted(report=stored, outgoing=[], replayed=False)
            rate = self._quotas.take(cursor, tenant=new.tenant)
            if new.input_key is not None:
                discards.keep_input(cursor, new.input_key)
            cursor.execute(
                "INSERT INTO reports (id, tenant, report_type, format, priority, lane, queue, request,"
                " inline_rows, input_key, status, version, attempt, max_attempts, fencing_token, rows_done,"
                " rows_total, created_at, traceparent)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 'queued', 1, 0, %s, 0, 0, %s,"
                " UTC_TIMESTAMP(6), %s)",
                (
                    new.id,
                    new.tenant,
                    new.report_type,
                    new.format,
                    new.priority,
                    new.lane,
                    new.queue,
                    dump_document(new.request),
                    new.inline_rows,
                    new.input_key,
                    new.max_attempts,
                    new.rows_total,
                    new.traceparent,
                ),
            )
            outgoing = self._window.enter(
                cursor,
                report_id=new.id,
                tenant=new.tenant,
                lane=new.lane,
                priority=new.priority,
                first=first,
            )
            return Accepted(report=_select(cursor, new.id), outgoing=outgoing, replayed=False, rate=rate)

        return self._database.transaction(store)

    def get(self, report_id: str) -> Report:
        """Read one report. Raises :class:`ReportNotFound`."""
        rows = self._database.query(f"SELECT {COLUMNS} FROM reports WHERE id = %s", (report_id,))  # noqa: S608 - constants
        if not rows:
            raise ReportNotFound(report_id)
        return Report.from_row(rows[0])

    def get_of(self, report_id: str, *, tenant: str) -> Report:
        """Read a report of ``tenant``. Raises :class:`ReportNotFound`, also for another tenant's."""
        if not is_report_id(report_id):
            raise ReportNotFound(report_id)
        report = self.get(report_id)
        if report.tenant != tenant:
            raise ReportNotFound(report_id)
        return report

    def find_by_key(self, *, tenant: str, key: str) -> tuple[str, str] | None:
        """The live (report id, body hash) of an idempotency key, if there is one."""
        rows = self._database.query(
            "SELECT report_id, body_hash FROM idempotency_keys WHERE tenant = %s AND idempotency_key = %s"
            " AND expires_at > UTC_TIMESTAMP(6)",
            (tenant, key),
        )
        return (str(rows[0][0]), str(rows[0][1])) if rows else None

    def inline_rows(self, report_id: str) -> Any:
        """The rows stored beside the report: a list of lists in column order.

        Raises :class:`ReportNotFound` and :class:`InputGone`.
        """
        rows = self._database.query("SELECT inline_rows FROM reports WHERE id = %s", (report_id,))
        if not rows:
            raise ReportNotFound(report_id)
        if rows[0][0] is None:
            raise InputGone
        return load_document(str(rows[0][0]))

    def claim(
        self, report_id: str, *, attempt: int, object_token: str, lease_seconds: int, again: bool = False
    ) -> Report | None:
        """Take a report up for attempt number ``attempt``, with a lease and a new fencing token.

        The attempt is counted here, before any work, so that a report that kills its worker is counted
        too. Returns ``None`` when there is nothing to do for the message: another worker holds the
        report, it is done, or the message is of an earlier attempt. ``again`` says that an earlier call with
        this ``object_token`` may have taken it.
        Raises :class:`ReportNotFound`.
        """
        while True:
            report = self.get(report_id)
            object_key = f"results/{report.id}/{object_token}.{report.format}"
            if again and report.status in HELD and report.object_key == object_key:
                try:
                    # A part of its lease is over.
                    return self.renew(
                        report, lease_seconds=lease_seconds, phase="reading", rows_done=0, rows_total=None
                    )
                except LeaseLost:
                    continue
            if report.status not in CLAIMABLE or report.attempt != attempt - 1:
                return None
            try:
                return self._change(
                    report,
                    Event.CLAIM,
                    "attempt = attempt + 1, fencing_token = fencing_token + 1,"
                    " lease_until = UTC_TIMESTAMP(6) + INTERVAL %s SECOND,"
                    " started_at = COALESCE(started_at, UTC_TIMESTAMP(6)), next_retry_at = NULL,"
                    " phase = 'reading', rows_done = 0, object_key = %s",
                    (lease_seconds, object_key),
                ).report
            except _Conflict:
                continue

    def renew(
        self, claim: Report, *, lease_seconds: int, phase: str, rows_done: int, rows_total: int | None
    ) -> Report:
        """Extend the lease and write progress. Raises :class:`LeaseLost` when the claim no longer holds."""
        changed = self._database.execute(
            # One statement for both tables; a claim of before the table of attempts has no row there.
            "UPDATE reports LEFT JOIN attempts ON attempts.report_id = reports.id"  # noqa: S608 - constants
            " AND attempts.fencing_token = reports.fencing_token"
            " SET lease_until = UTC_TIMESTAMP(6) + INTERVAL %s SECOND, version = version + 1,"
            " phase = %s, rows_done = GREATEST(rows_done, %s), rows_total = COALESCE(%s, rows_total),"
            f" attempts.last_heartbeat_at = UTC_TIMESTAMP(6) WHERE {_HELD_BY_CLAIM}",
            (lease_seconds, phase, rows_done, rows_total, claim.id, claim.fencing_token),
        )
        if not changed:
            raise LeaseLost(_LEASE_GONE)
        return self.get(claim.id)

    def move(self, claim: Report, object_key: str) -> Report:
        """Say that a claim's result goes to ``object_key``: before its bytes do, so that none is forgotten.

        Raises :class:`LeaseLost` when the claim no longer holds.
        """

        def change(cursor: Cursor) -> Report:
            if not cursor.execute(
                f"UPDATE reports SET object_key = %s, version = version + 1 WHERE {_HELD_BY_CLAIM}",  # noqa: S608 - constants
                (object_key, claim.id, claim.fencing_token),
            ):
                raise LeaseLost(_LEASE_GONE)
            discards.note(cursor, [claim.object_key], watch_seconds=discards.ATTEMPT_SECONDS)
            return _select(cursor, claim.id)

        return self._database.transaction(change)

    def succeed(self, claim: Report, *, result: dict[str, Any], row_count: int, keep_days: int) -> Changed:
        """Publish the result of a claim.

        Raises :class:`LeaseLost` when the claim no longer holds and
        :class:`reporting.errors.ForbiddenTransition` when a cancel came first.
        """
        return self._transition(
            claim.id,
            Event.SUCCEED,
            "result = %s, error = NULL, lease_until = NULL, finished_at = UTC_TIMESTAMP(6), phase = 'done',"
            " rows_done = %s, rows_total = %s, expires_at = UTC_TIMESTAMP(6) + INTERVAL %s DAY",
            (dump_document(result), row_count, row_count, keep_days),
            fencing_token=claim.fencing_token,
        )

    def retry(
        self,
        report_id: str,
        *,
        fencing_token: int,
        error: dict[str, Any],
        delay_seconds: float,
        message: OutboxMessage,
    ) -> Changed:
        """Give a claim back to be tried again after a delay, with the message that will do it."""
        return self._transition(
            report_id,
            Event.RETRY,
            "error = %s, lease_until = NULL, object_key = NULL, phase = NULL,"
            " next_retry_at = UTC_TIMESTAMP(6) + INTERVAL %s MICROSECOND",
            (dump_document(error), int(delay_seconds * 1_000_000)),
            fencing_token=fencing_token,
            cause=str(error["code"]),
            outgoing=[message],
        )

    def fail(
        self,
        report_id: str,
        *,
        error: dict[str, Any],
        fencing_token: int,
        outgoing: Sequence[OutboxMessage] = (),
    ) -> Changed:
        """End a claim as failed. ``outgoing`` holds the copy for the dead letter queue, if one is due."""
        return self._transition(
            report_id,
            Event.FAIL,
            "error = %s, lease_until = NULL, next_retry_at = NULL, object_key = NULL, phase = NULL,"
            " finished_at = UTC_TIMESTAMP(6)",
            (dump_document(error),),
            fencing_token=fencing_token,
            cause=str(error["code"]),
            outgoing=outgoing,
        )

    def fail_waiting(self, report_id: str, *, error: dict[str, Any], fencing_token: int) -> Changed:
        """End a report as failed that no worker holds and none will take up.

        ``fencing_token`` is the one that the decision was made on. Raises :class:`LeaseLost` when a worker
        has taken the report up since, and :class:`reporting.errors.ForbiddenTransition`.
        """
        return self._transition(
            report_id,
            Event.FAIL,
            "error = %s, next_retry_at = NULL, phase = NULL, finished_at = UTC_TIMESTAMP(6)",
            (dump_document(error),),
            fencing_token=fencing_token,
            among=CLAIMABLE,
        )

    def cancel(self, report_id: str) -> Changed:
        """Cancel a waiting report at once, or ask its worker to stop."""
        return self._transition(
            report_id,
            Event.CANCEL,
            "finished_at = IF(status IN ('queued', 'retrying', 'cancelled'),"
            " COALESCE(finished_at, UTC_TIMESTAMP(6)), NULL), next_retry_at = NULL, error = NULL",
            (),
        )

    def stop(self, report_id: str, *, fencing_token: int) -> Changed:
        """End a cancelling report as cancelled, once nothing is made of it any more."""
        return self._transition(
            report_id,
            Event.STOP,
            "lease_until = NULL, object_key = NULL, phase = NULL, finished_at = UTC_TIMESTAMP(6)",
            (),
            fencing_token=fencing_token,
        )

    def expire(self, report_id: str) -> Changed:
        """End what is kept of an ended report, its file and the rows that came with it. The row stays."""
        return self._transition(
            report_id,
            Event.EXPIRE,
            "result = NULL, object_key = NULL, input_key = NULL, inline_rows = NULL,"
            " expires_at = LEAST(COALESCE(expires_at, UTC_TIMESTAMP(6)), UTC_TIMESTAMP(6))",
            (),
        )

    def expire_later(self, report: Report, *, seconds: int) -> Report | None:
        """Let an ended report expire in ``seconds``, or earlier if it does anyway.

        Its version stays: copies of it that are in the cache are not those of an earlier status. ``None``
        when it has changed since ``report`` was read.
        """
        self._database.execute(
            "UPDATE reports SET expires_at ="
            " LEAST(COALESCE(expires_at, UTC_TIMESTAMP(6) + INTERVAL %s SECOND), UTC_TIMESTAMP(6)"
            " + INTERVAL %s SECOND) WHERE id = %s AND version = %s",
            (seconds, seconds, report.id, report.version),
        )
        now = self.get(report.id)
        return now if now.version == report.version else None

    def lost_leases(self, *, limit: int) -> list[LostLease]:
        """Reports whose lease ran out, the longest lost first; rows that another relay has are skipped."""

        def read(cursor: Cursor) -> list[LostLease]:
            cursor.execute(
                "SELECT id, fencing_token FROM reports WHERE status IN ('running', 'cancelling')"
                " AND lease_until < UTC_TIMESTAMP(6) ORDER BY lease_until LIMIT %s FOR UPDATE SKIP LOCKED",
                (limit,),
            )
            return [LostLease(id=row[0], fencing_token=row[1]) for row in cursor.fetchall()]

        return self._database.transaction(read)

    def lease_is_lost(self, report_id: str, fencing_token: int) -> bool:
        """Whether this claim still has no live lease, by the database's clock."""
        return bool(
            self._database.query(
                "SELECT 1 FROM reports WHERE id = %s AND fencing_token = %s"
                " AND status IN ('running', 'cancelling') AND lease_until < UTC_TIMESTAMP(6)",
                (report_id, fencing_token),
            )
        )

    def forgotten(self, *, older_than_seconds: int, limit: int) -> list[Report]:
        """Reports that wait although their message was confirmed long ago, and none is on its way.

        A broker that was emptied, or a message that expired in it, leaves them behind. Those that wait
        longest come first: others may only stand in a long queue.
        """
        rows = self._database.query(
            f"SELECT {COLUMNS} FROM reports WHERE status IN ('queued', 'retrying')"  # noqa: S608 - constants
            " AND COALESCE(next_retry_at, created_at) < UTC_TIMESTAMP(6) - INTERVAL %s SECOND"
            " AND NOT EXISTS (SELECT 1 FROM outbox WHERE report_id = reports.id AND"
            " (sent_at IS NULL OR sent_at > UTC_TIMESTAMP(6) - INTERVAL %s SECOND))"
            " ORDER BY COALESCE(next_retry_at, created_at) LIMIT %s",
            (older_than_seconds, older_than_seconds, limit),
        )
        return [Report.from_row(row) for row in rows]

    def waiting(self) -> Waiting:
        """How many reports wait for a worker, and for how long the first of them has.

        Those that wait for their tenant's window don't count: :meth:`held_back` does that.
        """
        [[reports, seconds]] = self._database.query(
            f"SELECT COUNT(*), COALESCE(TIMESTAMPDIFF(SECOND, MIN({window.READY_AT}), UTC_TIMESTAMP(6)), 0)"  # noqa: S608 - constants
            f" FROM {window.JOINED} WHERE status IN ('queued', 'retrying') AND {window.NOT_HELD}"
        )
        # A retry that is due later has not waited yet.
        return Waiting(reports=int(str(reports)), oldest_seconds=max(0, int(str(seconds))))

    def send_again(self, messages: Sequence[OutboxMessage]) -> list[OutboxRow]:
        """Store messages for reports that exist already."""
        return self._database.transaction(
            lambda cursor: outbox.insert(cursor, window.bounded(cursor, messages))
        )

    def follow(self, *, limit: int) -> list[OutboxRow]:
        """Release messages that wait although their tenant's window has room."""
        return self._window.recover(self._database, limit=limit)

    def held_back(self) -> int:
        """How many reports wait for their tenant's window."""
        return window.held_back(self._database)

    def expired(self, *, limit: int) -> list[str]:
        """Ids of ended reports whose time is over."""
        rows = self._database.query(
            "SELECT id FROM reports WHERE status IN ('succeeded', 'failed', 'cancelled')"
            " AND expires_at <= UTC_TIMESTAMP(6) ORDER BY expires_at LIMIT %s",
            (limit,),
        )
        return [str(row[0]) for row in rows]

    def purge_keys(self, *, limit: int) -> int:
        """Delete idempotency keys whose time is over; returns how many."""
        return self._database.transaction(lambda cursor: idempotency.purge_expired(cursor, limit=limit))

    def purge_datasets(self, *, limit: int) -> int:
        """Delete datasets whose time is over; returns how many."""
        return self._database.transaction(lambda cursor: datasets.purge_expired(cursor, limit=limit))

    def check(self) -> None:
        """Ask the database for anything at all."""
        self._database.query("SELECT 1 FROM reports LIMIT 1")

    def _transition(
        self,
        report_id: str,
        event: Event,
        assignments: str,
        values: tuple[object, ...],
        *,
        fencing_token: int | None = None,
        among: frozenset[Status] = HELD,
        cause: str | None = None,
        outgoing: Sequence[OutboxMessage] = (),
    ) -> Changed:
        """Take a step. With a ``fencing_token`` it is one of that claim's, while the report is ``among``."""
        while True:
            report = self.get(report_id)
            if fencing_token is not None:
                if report.fencing_token != fencing_token:
                    raise LeaseLost("Another claim has the report.")
                if report.status in _ENDS_OF_CLAIM[event]:
                    # This claim has taken this step already: an answer was lost, or two relays met.
                    return Changed(report=report, outgoing=[])
                if report.status not in among:
                    # The token alone is not enough: it stays when a lost lease is given to the next attempt.
                    raise LeaseLost("The claim has ended.")
            try:
                return self._change(report, event, assignments, values, outgoing, cause=cause)
            except _Conflict:
                # Somebody changed the row first: decide again on what it says now.
                continue

    def _change(
        self,
        report: Report,
        event: Event,
        assignments: str,
        values: tuple[object, ...],
        outgoing: Sequence[OutboxMessage] = (),
        *,
        cause: str | None = None,
    ) -> Changed:
        status = next_status(report.status, event)

        def change(cursor: Cursor) -> Changed:
            # MySQL assigns from left to right: ``status`` comes last, so that assignments see the old one.
            changed = cursor.execute(
                f"UPDATE reports SET {assignments}, version = version + 1, status = %s"  # noqa: S608 - constants
                " WHERE id = %s AND status = %s AND version = %s AND fencing_token = %s",
                (*values, status.value, report.id, report.status.value, report.version, report.fencing_token),
            )
            if not changed:
                raise _Conflict
            attempts.record(cursor, report, event, status, cause=cause)
            if report.status in HELD and status not in HELD and status is not Status.SUCCEEDED:
                discards.note(cursor, [report.object_key], watch_seconds=discards.ATTEMPT_SECONDS)
            elif event is Event.EXPIRE:
                discards.note(cursor, [report.object_key, report.input_key], watch_seconds=0)
            ends = status.done and event is not Event.EXPIRE
            if ends and outgoing:
                # Before the first read, which is for the messages: what is read is not older than the lock.
                window.lock(cursor, tenant=report.tenant, lane=report.lane)
            rows = outbox.insert(cursor, window.bounded(cursor, outgoing))
            if ends:
                rows += self._window.leave(
                    cursor, report_id=report.id, tenant=report.tenant, lane=report.lane
                )
            return Changed(report=_select(cursor, report.id), outgoing=rows)

        return self._database.transaction(change)


def _select(cursor: Cursor, report_id: str) -> Report:
    found = _find(cursor, report_id)
    if found is None:
        raise ReportNotFound(report_id)
    return found


def _find(cursor: Cursor, report_id: str) -> Report | None:
    cursor.execute(f"SELECT {COLUMNS} FROM reports WHERE id = %s", (report_id,))  # noqa: S608 - constants
    row = cursor.fetchone()
    return None if row is None else Report.from_row(row)
