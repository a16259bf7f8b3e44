"""What a tenant does with its reports once they are accepted: find them, and call them off."""

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime

from reporting.errors import InvalidRequest, Problem, ReportNotFound
from reporting.identifiers import is_report_id
from reporting.repository import Reports, ReportsWanted
from reporting.snapshots import Snapshot, Snapshots
from reporting.states import Status

MOST_LISTED = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Listed:
    """A page of reports, newest first, and the cursor of the next one, ``None`` at the end."""

    reports: list[Snapshot]
    next: str | None


class Lifecycle:
    """Acts on reports of one tenant; those of another do not exist for it."""

    def __init__(self, *, reports: Reports, snapshots: Snapshots) -> None:
        self._reports = reports
        self._snapshots = snapshots

    def cancel(self, report_id: str, *, tenant: str) -> Snapshot:
        """Cancel a report that waits at once, or ask the worker of one that runs to stop.

        A cancel is never overwritten by a later success, and a second one changes nothing. Raises
        :class:`ReportNotFound`, and :class:`reporting.errors.ForbiddenTransition` for a report that has
        ended.
        """
        if not is_report_id(report_id) or self._reports.get(report_id).tenant != tenant:
            raise ReportNotFound(report_id)
        return self._snapshots.publish(self._reports.cancel(report_id).report)

    def list(
        self,
        *,
        tenant: str,
        statuses: frozenset[Status] = frozenset(),
        report_type: str | None = None,
        created_after: datetime | None = None,
        created_before: datetime | None = None,
        cursor: str | None = None,
        limit: int = 20,
    ) -> Listed:
        """The tenant's reports, at most ``limit`` of them, from where ``cursor`` ended.

        A report that is accepted meanwhile comes before the first page, so that no page shows one twice or
        leaves one out. Raises :class:`InvalidRequest` for a cursor that this did not give.
        """
        found = self._reports.of_tenant(
            tenant,
            ReportsWanted(
                statuses=statuses,
                report_type=report_type,
                created_after=created_after,
                created_before=created_before,
                before_id=None if cursor is None else _read_cursor(cursor),
            ),
            limit=limit + 1,
        )
        page = found[:limit]
        return Listed(
            reports=[self._snapshots.of(report) for report in page],
            next=_cursor(page[-1].id) if len(found) > limit else None,
        )


def _cursor(report_id: str) -> str:
    return base64.urlsafe_b64encode(report_id.encode()).decode().rstrip("=")


def _read_cursor(cursor: str) -> str:
    try:
        report_id = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
    except (binascii.Error, ValueError):
        report_id = ""
    if not is_report_id(report_id):
        problem = Problem(
            pointer="", detail="cursor must be one that a list has given.", code="invalid_cursor"
        )
        raise InvalidRequest([problem])
    return report_id
