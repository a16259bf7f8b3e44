"""What readers of a status see: from the cache when it answers, else from the database."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from reporting.cache import StatusCache
from reporting.errors import ReportNotFound
from reporting.identifiers import is_report_id
from reporting.report import Report
from reporting.repository import Reports
from reporting.states import Status
from reporting.status import status_document

#: Longer than an entry of the cache lives, with room for clocks that differ.
CACHED_SECONDS = 600


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """A report's status object at one version, with the key of its published object if it has one."""

    tenant: str
    status: dict[str, Any]
    object_key: str | None

    @property
    def version(self) -> int:
        return int(self.status["version"])

    @property
    def done(self) -> bool:
        return bool(self.status["done"])


class Snapshots:
    """Reads and publishes status objects."""

    def __init__(self, *, reports: Reports, cache: StatusCache) -> None:
        self._reports = reports
        self._cache = cache

    def read(self, report_id: str, *, tenant: str) -> Snapshot:
        """The newest known snapshot. Raises :class:`ReportNotFound`, also for another tenant's report."""
        if not is_report_id(report_id):
            raise ReportNotFound(report_id)
        cached = self._cache.get(report_id)
        if cached is not None:
            snapshot = Snapshot(**cached.status)
        else:
            snapshot = self.publish(self._reports.get(report_id))
        if snapshot.tenant != tenant:
            raise ReportNotFound(report_id)
        return snapshot

    def withdraw(self, report: Report) -> bool:
        """Let nobody be given this status from the cache any more; whether that is certain."""
        return self._cache.invalidate(report.id, report.version + 1)

    def publish(self, report: Report) -> Snapshot:
        """A report's new status. The cache gets it if it is settled, and keeps it if it knows no newer one.

        A status that changes later is read from the database each time: whoever changes it may not reach the
        cache just then, and a reader would see the report go back to what another environment has put there.
        """
        snapshot = Snapshot(
            tenant=report.tenant,
            status=status_document(report),
            object_key=report.object_key if report.status is Status.SUCCEEDED else None,
        )
        if _is_settled(report):
            self._cache.put(
                report.id,
                report.version,
                {"tenant": snapshot.tenant, "status": snapshot.status, "object_key": snapshot.object_key},
            )
        return snapshot


def _is_settled(report: Report) -> bool:
    """Whether no entry of the report can outlive its status. A failed report can be sent again."""
    match report.status:
        case Status.EXPIRED:
            return True
        case Status.SUCCEEDED | Status.CANCELLED:
            if report.expires_at is None:
                return True
            left = report.expires_at.replace(tzinfo=UTC) - datetime.now(UTC)
            return left > timedelta(seconds=CACHED_SECONDS)
        case _:
            return False
