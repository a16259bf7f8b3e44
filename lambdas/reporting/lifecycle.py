"""What a client does to a report of its own after it asked for it."""

from reporting.dispatch import Dispatcher
from reporting.errors import ForbiddenTransition, NotDone
from reporting.observability import count, log_report, logger
from reporting.report import Report
from reporting.repository import Reports
from reporting.snapshots import CACHED_SECONDS, Snapshot, Snapshots
from reporting.states import Status

_CANCELS = frozenset({Status.CANCELLING, Status.CANCELLED})


class Lifecycle:
    """Cancels and deletes reports.

    Each method raises :class:`reporting.errors.ReportNotFound` for an id that the tenant does not have, and
    ``DatabaseUnavailable``.
    """

    def __init__(self, *, reports: Reports, dispatcher: Dispatcher, snapshots: Snapshots) -> None:
        self._reports = reports
        self._dispatcher = dispatcher
        self._snapshots = snapshots

    def cancel(self, report_id: str, *, tenant: str) -> Snapshot:
        """Cancel a waiting report at once, or ask the worker of a running one to stop.

        The answer is ``cancelled`` or ``cancelling``; a second cancel gives what the first has led to.
        Raises :class:`reporting.errors.ForbiddenTransition` for a report that has ended otherwise.
        """
        report = self._owned(report_id, tenant=tenant)
        if report.status in _CANCELS:
            return self._snapshots.publish(report)
        cancelled = self._reports.cancel(report.id)
        # Those that follow in the tenant's window.
        self._dispatcher.send(cancelled.outgoing)
        changed = cancelled.report
        logger.info("cancel accepted", status=changed.status.value)
        if changed.status is Status.CANCELLED:
            count("ReportsCancelled")
        return self._snapshots.publish(changed)

    def delete(self, report_id: str, *, tenant: str) -> Snapshot:
        """Let an ended report expire now: its file and the rows that came with it go, its row stays.

        While the cache does not answer, others may be shown the old status from it for a while: the report
        then expires when that is over, and ``expires_at`` of the answer says when. A report that has expired
        already is no error. Raises :class:`reporting.errors.NotDone`.
        """
        while True:
            report = self._owned(report_id, tenant=tenant)
            if not report.status.done:
                raise NotDone(f"The report is {report.status.value}; cancel it first, or wait for its end.")
            if report.status is Status.EXPIRED:
                return self._snapshots.publish(report)
            if self._snapshots.withdraw(report):
                changed = self._expired(report)
            else:
                changed = self._reports.expire_later(report, seconds=CACHED_SECONDS)
            if changed is not None:
                logger.info("deletion accepted", status=changed.status.value)
                return self._snapshots.publish(changed)

    def _expired(self, report: Report) -> Report | None:
        try:
            return self._reports.expire(report.id).report
        except ForbiddenTransition:
            # It was deleted by another, or sent again by an operator.
            return None

    def _owned(self, report_id: str, *, tenant: str) -> Report:
        report = self._reports.get_of(report_id, tenant=tenant)
        log_report(report_id=report.id, tenant=tenant, traceparent=report.traceparent)
        return report
