"""What the relay does each minute: nothing that was accepted stays where it got stuck.

Every step may run twice at once: rows are taken with SKIP LOCKED, and a transition that another relay
has made is not made again.
"""

import time
from dataclasses import dataclass

from aws_lambda_powertools.metrics import MetricUnit

from reporting.discards import Discards
from reporting.dispatch import Dispatcher
from reporting.errors import ForbiddenTransition, LeaseLost
from reporting.followups import dead_letter, next_attempt
from reporting.observability import count, gauge, logger
from reporting.outbox import Outbox
from reporting.report import Report
from reporting.repository import Changed, LostLease, Reports
from reporting.retries import Backoff
from reporting.snapshots import Snapshots
from reporting.states import Status
from reporting.storage import ResultStore, StorageRefused, StorageUnavailable

_BATCH = 200
#: Fewer at once: they are this run's for a minute.
_DELETIONS = 50
_SENT_HOURS = 24


@dataclass(frozen=True, kw_only=True, slots=True)
class Recovered:
    """What one run of the relay has done."""

    sent: int
    sent_again: int
    leases: int
    expired: int


class Recovery:
    """Sends what is unsent, takes up lost leases, expires old reports, deletes what is over."""

    def __init__(
        self,
        *,
        reports: Reports,
        outbox: Outbox,
        dispatcher: Dispatcher,
        snapshots: Snapshots,
        store: ResultStore,
        discards: Discards,
        backoff: Backoff,
        resend_seconds: int,
    ) -> None:
        self._reports = reports
        self._outbox = outbox
        self._dispatcher = dispatcher
        self._snapshots = snapshots
        self._store = store
        self._discards = discards
        self._backoff = backoff
        self._resend_seconds = resend_seconds

    def run(self, *, seconds_left: float) -> Recovered:
        """Do all of it, within ``seconds_left``; what is left over is done by the next run."""
        give_up_at = time.monotonic() + seconds_left
        leases = self._take_up_lost_leases(give_up_at)
        sent_again = self._send_forgotten()
        # What a process released and could not send is in the outbox, due like any other message.
        self._dispatcher.send(self._reports.follow(limit=_BATCH))
        sent = self._send_due(give_up_at)
        expired = self._expire(give_up_at)
        self._delete_discards(give_up_at)
        self._outbox.purge_sent(older_than_hours=_SENT_HOURS, limit=5000)
        self._reports.purge_keys(limit=5000)
        self._reports.purge_datasets(limit=5000)
        waiting = self._reports.waiting()
        gauge("ReportsWaiting", waiting.reports)
        gauge("OldestReportWaiting", waiting.oldest_seconds, MetricUnit.Seconds)
        gauge("ReportsHeldBack", self._reports.held_back())
        done = Recovered(sent=sent, sent_again=sent_again, leases=leases, expired=expired)
        if any((sent, sent_again, leases, expired)):
            logger.info("recovered", sent=sent, sent_again=sent_again, leases=leases, expired=expired)
        return done

    def _send_due(self, give_up_at: float) -> int:
        sent = 0
        while time.monotonic() < give_up_at:
            rows = self._outbox.take_due(limit=_BATCH)
            confirmed = self._dispatcher.send(rows)
            sent += confirmed
            if len(rows) < _BATCH or confirmed < len(rows):
                # Nothing more is due, or the broker does not answer: the next run goes on.
                break
        return sent

    def _send_forgotten(self) -> int:
        """Send the message of a report again that waits for longer than a queue should take.

        A message that was in the queue after all does no harm: the first of the two is taken up.
        """
        forgotten = self._reports.forgotten(older_than_seconds=self._resend_seconds, limit=_BATCH)
        rows = self._reports.send_again([next_attempt(report, delay_seconds=0) for report in forgotten])
        if rows:
            logger.warning("messages are sent again", count=len(rows))
            count("MessagesSentAgain", len(rows))
        return self._dispatcher.send(rows)

    def _take_up_lost_leases(self, give_up_at: float) -> int:
        taken: list[Changed] = []
        while time.monotonic() < give_up_at:
            lost = self._reports.lost_leases(limit=_BATCH)
            changed = [self._take_up(lease) for lease in lost if time.monotonic() < give_up_at]
            taken += filter(None, changed)
            if len(lost) < _BATCH:
                break
        # All at once: a broker that does not answer is waited for once.
        self._dispatcher.send([row for one in taken for row in one.outgoing])
        return len(taken)

    def _take_up(self, lease: LostLease) -> Changed | None:
        report = self._reports.get(lease.id)
        if not self._reports.lease_is_lost(lease.id, lease.fencing_token):
            return None
        try:
            changed = self._end_claim(report, lease.fencing_token)
        except (LeaseLost, ForbiddenTransition):
            # The worker or another relay was faster.
            return None
        logger.warning(
            "lease lost", report_id=report.id, attempt=report.attempt, now=changed.report.status.value
        )
        count("LeasesLost")
        self._snapshots.publish(changed.report)
        return changed

    def _end_claim(self, report: Report, fencing_token: int) -> Changed:
        if report.status is Status.CANCELLING:
            return self._reports.stop(report.id, fencing_token=fencing_token)
        if report.attempt < report.max_attempts:
            delay = self._backoff.delay(report.attempt)
            return self._reports.retry(
                report.id,
                fencing_token=fencing_token,
                error=_worker_lost("worker_lost", report, retryable=True),
                delay_seconds=delay,
                message=next_attempt(report, delay_seconds=delay),
            )
        return self._reports.fail(
            report.id,
            error=_worker_lost("max_attempts", report, retryable=True),
            fencing_token=fencing_token,
            outgoing=[dead_letter(report)],
        )

    def _expire(self, give_up_at: float) -> int:
        expired = 0
        while time.monotonic() < give_up_at:
            ids = self._reports.expired(limit=_BATCH)
            for report_id in ids:
                try:
                    changed = self._reports.expire(report_id)
                except ForbiddenTransition:
                    # Another relay was faster, or the report was sent again.
                    continue
                self._snapshots.publish(changed.report)
                expired += 1
            if len(ids) < _BATCH:
                break
        return expired

    def _delete_discards(self, give_up_at: float) -> None:
        """Delete what ended attempts, expired reports and requests without a report have left."""
        while time.monotonic() < give_up_at:
            keys = self._discards.take_due(limit=_DELETIONS)
            try:
                for key in keys:
                    if time.monotonic() > give_up_at:
                        return
                    self._delete(key)
            except StorageUnavailable:
                logger.warning("objects could not be deleted, the next run tries again", count=len(keys))
                return
            if len(keys) < _DELETIONS:
                break

    def _delete(self, key: str) -> None:
        try:
            self._store.discard(key)
        except StorageRefused:
            # One that can't be deleted keeps none of the others.
            logger.exception("an object can't be deleted", object_key=key)
        else:
            self._discards.deleted(key)


def _worker_lost(code: str, report: Report, *, retryable: bool) -> dict[str, object]:
    detail = (
        f"Attempt {report.attempt} of {report.max_attempts} ended without a word from its worker: it was "
        "stopped, ran out of memory or lost its connections."
    )
    return {"code": code, "title": "The worker was lost", "detail": detail, "retryable": retryable}
