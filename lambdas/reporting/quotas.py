"""What one tenant may ask for: requests per minute, reports under way, rows of a report.

The rate is kept by the generic cell rate algorithm (ITU-T I.371, annex A): one moment for each tenant says up
to when its requests have used what it is allowed. A request moves it on by a minute divided by the allowed
number, and is refused once it would be more than a minute ahead. So a minute's requests may come at once, and
there is no edge of a minute around which twice as many pass. The moment is in MySQL and moves in the
transaction that stores the report: what is refused uses nothing up, and neither does a replay.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field
from pymysql.cursors import Cursor

from reporting.errors import Rate, RowQuota, TooManyReports, TooManyRequests

#: The quota of every tenant that has none of its own.
EVERYONE = "*"
WINDOW_SECONDS = 60
_MICROSECONDS = 1_000_000
#: Reports end at any time: a client that was refused for their number looks again then.
_REPORTS_RETRY_SECONDS = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Quota:
    """``None`` is no limit. ``queued_reports`` counts those that have not ended."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    #: The rate is kept in whole microseconds.
    requests_per_minute: Annotated[int, Field(ge=1, le=60_000_000)] | None = None
    queued_reports: Annotated[int, Field(ge=1)] | None = None
    rows_per_report: Annotated[int, Field(ge=1)] | None = None


class Quotas:
    """Quotas by tenant; ``EVERYONE``'s for those without one, and no limits where that is missing too."""

    def __init__(self, quotas: Mapping[str, Quota]) -> None:
        self._quotas = dict(quotas)
        self._everyone = self._quotas.get(EVERYONE, Quota())

    def of(self, tenant: str) -> Quota:
        return self._quotas.get(tenant, self._everyone)

    def check_rows(self, rows: int, *, tenant: str) -> None:
        """Raises :class:`RowQuota` for more rows than the tenant's reports may have."""
        most = self.of(tenant).rows_per_report
        if most is not None and rows > most:
            raise RowQuota(
                f"The report has more than {most} rows, which is this tenant's limit; ask for less at once, "
                "for example for a shorter period."
            )

    def take(self, cursor: Cursor, *, tenant: str) -> Rate | None:
        """Count a new report in the caller's transaction; call it once everything else is settled.

        Raises :class:`TooManyReports` and :class:`TooManyRequests`. Returns ``None`` where there is no rate.
        """
        quota = self.of(tenant)
        if quota.requests_per_minute is None and quota.queued_reports is None:
            return None
        # First: what is counted afterwards holds all that others have stored, in every lane.
        _lock(cursor, tenant)
        rate = _take_request(cursor, tenant, quota.requests_per_minute)
        _check_reports(cursor, tenant, quota.queued_reports)
        return rate


def _lock(cursor: Cursor, tenant: str) -> None:
    """Count a tenant's requests and reports one after the other."""
    cursor.execute(
        "INSERT INTO tenant_rates (tenant, used_until) VALUES (%s, UTC_TIMESTAMP(6))"
        " ON DUPLICATE KEY UPDATE tenant = tenant",
        (tenant,),
    )


def _take_request(cursor: Cursor, tenant: str, limit: int | None) -> Rate | None:
    if limit is None:
        return None
    cursor.execute(
        "SELECT GREATEST(0, TIMESTAMPDIFF(MICROSECOND, UTC_TIMESTAMP(6), used_until)) FROM tenant_rates"
        " WHERE tenant = %s FOR UPDATE",
        (tenant,),
    )
    [used] = cursor.fetchone() or (0,)
    each = WINDOW_SECONDS * _MICROSECONDS // limit
    used = int(used) + each
    if used > WINDOW_SECONDS * _MICROSECONDS:
        wait = -(-(used - WINDOW_SECONDS * _MICROSECONDS) // _MICROSECONDS)
        rate = Rate(limit=limit, remaining=0, reset_seconds=-(-(used - each) // _MICROSECONDS))
        raise TooManyRequests(
            f"This tenant may ask for {limit} reports a minute; ask again in {wait} s.",
            retry_after_seconds=wait,
            rate=rate,
        )
    cursor.execute(
        "UPDATE tenant_rates SET used_until = UTC_TIMESTAMP(6) + INTERVAL %s MICROSECOND WHERE tenant = %s",
        (used, tenant),
    )
    return Rate(
        limit=limit,
        remaining=(WINDOW_SECONDS * _MICROSECONDS - used) // each,
        reset_seconds=-(-used // _MICROSECONDS),
    )


def _check_reports(cursor: Cursor, tenant: str, limit: int | None) -> None:
    if limit is None:
        return
    cursor.execute(
        "SELECT COUNT(*) FROM (SELECT 1 FROM window_entries WHERE tenant = %s LIMIT %s) AS entries",
        (tenant, limit),
    )
    [found] = cursor.fetchone() or (0,)
    if int(found) >= limit:
        raise TooManyReports(
            f"This tenant has {limit} reports that have not ended, which is its limit; "
            "wait for some of them, or cancel what is not needed.",
            retry_after_seconds=_REPORTS_RETRY_SECONDS,
        )
