"""What readers of a status see: from the cache when it answers, else from the database."""

from dataclasses import dataclass
from typing import Any

from reporting.cache import StatusCache
from reporting.errors import ReportNotFound
from reporting.identifiers import is_report_id
from reporting.report import Report
from reporting.repository import Reports
from reporting.states import Status
from reporting.status import status_document


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

    def publish(self, report: Report) -> Snapshot:
        """Make a report's new status visible. The cache keeps it only if it knows no newer one."""
        snapshot = Snapshot(
            tenant=report.tenant,
            status=status_document(report),
            object_key=report.object_key if report.status is Status.SUCCEEDED else None,
        )
        self._cache.put(
            report.id,
            report.version,
            {"tenant": snapshot.tenant, "status": snapshot.status, "object_key": snapshot.object_key},
            final=snapshot.done,
        )
        return snapshot
