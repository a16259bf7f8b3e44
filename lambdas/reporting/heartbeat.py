"""Keeps a claim's lease while its report is made, on a thread and a database connection of its own.

A slow query or upload blocks the worker's own thread, so that only another one can renew the lease and
hear of a cancel. When the lease can't be renewed in time the work is stopped before the lease ends, and
as the last resort the process is ended: another worker may hold the report a moment later.
"""

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from reporting.database import Database
from reporting.errors import Cancelled, DatabaseUnavailable, LeaseLost, TimeLimit
from reporting.observability import logger
from reporting.report import Report
from reporting.repository import Reports
from reporting.snapshots import Snapshots
from reporting.states import Status

#: Progress is written at most this often, and a cancel is heard within it.
INTERVAL_SECONDS = 1.0
#: After which parts of a lease that could not be renewed the work is stopped and the process ended.
_STOPPED = 0.7
_ENDED = 0.9


class Heartbeat:
    """Renews one claim's lease until the block that it guards is left.

    ``reports`` and ``database`` belong to the heartbeat's own thread. ``interrupt`` unblocks the
    worker's thread; ``abandon`` ends the process. ``deadline`` is a time of :func:`time.monotonic`.
    """

    def __init__(
        self,
        claim: Report,
        *,
        database: Database,
        snapshots: Snapshots,
        lease_seconds: float,
        deadline: float,
        abandon: Callable[[], object],
        interval: float = INTERVAL_SECONDS,
    ) -> None:
        self._claim = claim
        self._database = database
        self._reports = Reports(database)
        self._snapshots = snapshots
        self._lease_seconds = lease_seconds
        self._deadline = deadline
        self._abandon = abandon
        self._interval = interval
        self._finished = threading.Event()
        self._reason: type[Cancelled | LeaseLost | TimeLimit] | None = None
        self._interrupt: Callable[[], object] | None = None
        self._phase = "reading"
        self._rows_done = 0
        self._rows_total: int | None = claim.rows_total
        self._renewed_at = time.monotonic()
        self._thread = threading.Thread(target=self._run, name=f"heartbeat-{claim.id}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._finished.set()
        self._thread.join()

    def on_interrupt(self, interrupt: Callable[[], object] | None) -> None:
        """Say how the worker's thread is woken from a call that blocks it."""
        self._interrupt = interrupt

    def progress(self, rows_done: int, *, phase: str = "rendering") -> None:
        """Note progress and stop the work if there is a reason to. Cheap: call it for every batch.

        Raises :class:`Cancelled`, :class:`LeaseLost` or :class:`TimeLimit`.
        """
        self._rows_done = rows_done
        self._phase = phase
        self.check()

    def check(self) -> None:
        """Raise the reason to stop, if there is one."""
        if self._reason is None and time.monotonic() > self._deadline:
            self._reason = TimeLimit
        if self._reason is None and self._lease_age() > self._lease_seconds * _ENDED:
            # The heartbeat's own thread still waits for the database.
            self._reason = LeaseLost
        if self._reason is TimeLimit:
            raise TimeLimit("The report could not be finished in the time that a worker may run.")
        if self._reason is LeaseLost:
            raise LeaseLost("The lease could not be renewed in time.")
        if self._reason is Cancelled:
            raise Cancelled("The report was cancelled.")

    def _run(self) -> None:
        written = (self._phase, self._rows_done)
        try:
            while not self._finished.wait(self._interval):
                current = (self._phase, self._rows_done)
                try:
                    if current != written or self._lease_age() > self._lease_seconds / 3:
                        self._renew()
                        written = current
                    elif self._cancel_requested():
                        self._stop(Cancelled)
                except Exception:  # noqa: BLE001 - without a heartbeat the work would go on beyond its lease
                    logger.exception("heartbeat failed", report_id=self._claim.id)
                if self._reason is None and time.monotonic() > self._deadline:
                    self._stop(TimeLimit)
                self._guard()
        finally:
            self._database.close()

    def _lease_age(self) -> float:
        return time.monotonic() - self._renewed_at

    def _renew(self) -> None:
        started = time.monotonic()
        try:
            report = self._reports.renew(
                self._claim,
                lease_seconds=int(self._lease_seconds),
                phase=self._phase,
                rows_done=self._rows_done,
                rows_total=self._rows_total,
            )
        except DatabaseUnavailable:
            logger.warning("lease could not be renewed", report_id=self._claim.id)
            return
        except LeaseLost:
            self._stop(LeaseLost)
            return
        # Counted from before the call: the database may have set the time at its start.
        self._renewed_at = started
        self._snapshots.publish(report)
        if report.status is Status.CANCELLING:
            self._stop(Cancelled)

    def _cancel_requested(self) -> bool:
        try:
            return self._reports.get(self._claim.id).status is Status.CANCELLING
        except DatabaseUnavailable:
            return False

    def _stop(self, reason: type[Cancelled | LeaseLost | TimeLimit]) -> None:
        if self._reason is None:
            self._reason = reason
            logger.warning("work is stopped", report_id=self._claim.id, reason=reason.code)
            if self._interrupt is not None:
                self._interrupt()

    def _guard(self) -> None:
        age = self._lease_age()
        if age > self._lease_seconds * _STOPPED:
            self._stop(LeaseLost)
        if age > self._lease_seconds * _ENDED and not self._finished.is_set():
            logger.error("worker ends itself: the lease is about to end", report_id=self._claim.id)
            self._abandon()
