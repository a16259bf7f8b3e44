"""What a tenant may ask for, on a real database."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from reporting.database import Connect, Database
from reporting.errors import QuotaExceeded, RowQuota, TooManyReports, TooManyRequests
from reporting.quotas import EVERYONE, Quota, Quotas
from reporting.repository import Accepted, Reports
from tests.parts.domain import accept, accept_with_key, connect, database
from tests.parts.mariadb import MariaDbServer, mariadb_server
from tests.parts.processes import eventually

__all__ = ["connect", "database", "mariadb_server"]


def limited(database: Database, **limits: int) -> Reports:
    return Reports(database, quotas=Quotas({EVERYONE: Quota(**limits), "free": Quota()}))


def count(database: Database) -> int:
    [[number]] = database.query("SELECT COUNT(*) FROM reports")
    return int(str(number))


def test_a_minutes_requests_may_come_at_once_and_then_one_after_the_other(database: Database) -> None:
    reports = limited(database, requests_per_minute=6)
    left = [accept(reports).rate for _ in range(6)]
    assert [rate.remaining for rate in left if rate] == [5, 4, 3, 2, 1, 0]
    # A slow machine has used a part of the time by the next request.
    assert all(
        place * 10 - 9 < rate.reset_seconds <= place * 10 for place, rate in enumerate(left, 1) if rate
    )
    with pytest.raises(
        TooManyRequests, match=r"may ask for 6 reports a minute; ask again in \d+ s"
    ) as refused:
        accept(reports)
    assert 1 <= refused.value.retry_after_seconds <= 10
    assert refused.value.rate is not None
    assert refused.value.rate.remaining == 0
    assert count(database) == 6, "what was refused left nothing"
    database.execute("UPDATE tenant_rates SET used_until = used_until - INTERVAL 10 SECOND")
    accept(reports)
    with pytest.raises(TooManyRequests):
        accept(reports)


def test_a_refusal_uses_nothing_up(database: Database) -> None:
    reports = limited(database, requests_per_minute=1)
    accept(reports)
    before = database.query("SELECT used_until FROM tenant_rates")
    for _ in range(3):
        with pytest.raises(TooManyRequests):
            accept(reports)
    assert database.query("SELECT used_until FROM tenant_rates") == before


def test_an_idle_tenant_saves_up_no_more_than_a_minute(database: Database) -> None:
    reports = limited(database, requests_per_minute=2)
    accept(reports)
    database.execute("UPDATE tenant_rates SET used_until = used_until - INTERVAL 1 DAY")
    accept(reports)
    accept(reports)
    with pytest.raises(TooManyRequests):
        accept(reports)


def test_a_replay_is_free(database: Database) -> None:
    reports = limited(database, requests_per_minute=1, queued_reports=1)
    first = accept_with_key(reports, "k")
    again = accept_with_key(reports, "k")
    assert (again.report.id, again.replayed, again.rate) == (first.report.id, True, None)


def test_a_refused_request_does_not_keep_its_key(database: Database) -> None:
    reports = limited(database, requests_per_minute=1)
    accept(reports)
    with pytest.raises(TooManyRequests):
        accept_with_key(reports, "k")
    assert reports.find_by_key(tenant="acme", key="k") is None


def test_reports_that_have_not_ended_are_counted_over_all_lanes(database: Database) -> None:
    reports = limited(database, queued_reports=2)
    first = accept(reports).report
    accept(reports, lane="bulk")
    with pytest.raises(TooManyReports, match="has 2 reports that have not ended") as refused:
        accept(reports)
    assert (refused.value.retry_after_seconds, refused.value.rate) == (10, None)
    reports.cancel(first.id)
    accept(reports)


def test_quotas_are_each_tenants_own(database: Database) -> None:
    reports = limited(database, requests_per_minute=1, queued_reports=1)
    accept(reports)
    accept(reports, tenant="other")
    for _ in range(3):
        assert accept(reports, tenant="free").rate is None


def test_requests_at_the_same_moment_do_not_pass_the_limits(database: Database, connect: Connect) -> None:
    def ask(number: int) -> bool:
        own = Database(connect)
        try:
            accept(
                limited(own, requests_per_minute=10, queued_reports=7),
                lane=("interactive", "bulk")[number % 2],
            )
        except QuotaExceeded:
            return False
        finally:
            own.close()
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(ask, range(24))) == 7
    assert count(database) == 7


@pytest.mark.parametrize("key_is_old", [False, True])
@pytest.mark.parametrize("rate", [{}, {"requests_per_minute": 10}])
def test_a_report_is_counted_after_one_of_another_lane_that_is_being_stored(
    database: Database,
    connect: Connect,
    mariadb_server: MariaDbServer,
    rate: dict[str, int],
    key_is_old: bool,
) -> None:
    quotas = Quotas({EVERYONE: Quota(queued_reports=1, **rate)})
    if key_is_old:
        database.execute(
            "INSERT INTO idempotency_keys (tenant, idempotency_key, body_hash, report_id, expires_at)"
            " VALUES ('acme', 'k', 'x', 'x', UTC_TIMESTAMP(6) - INTERVAL 1 SECOND)"
        )

    def ask() -> Accepted:
        own = Database(connect)
        try:
            return accept_with_key(Reports(own, quotas=quotas), "k")
        finally:
            own.close()

    with ThreadPoolExecutor(1) as pool, closing(connect()) as first:
        # The other request, up to its COMMIT.
        first.begin()
        with first.cursor() as cursor:
            quotas.take(cursor, tenant="acme")
            second = pool.submit(ask)
            waits = "info LIKE 'INSERT INTO tenant_rates%'"
            waiting = f"SELECT 1 FROM information_schema.processlist WHERE {waits}"
            eventually(lambda: second.done() or bool(mariadb_server.execute(waiting)), what="the second")
            cursor.execute(
                "INSERT INTO window_entries (report_id, tenant, lane, out_at, place, outbox_id)"
                " VALUES ('x', 'acme', 'bulk', UTC_TIMESTAMP(6), 1, 0)"
            )
        first.commit()
        with pytest.raises(TooManyReports):
            second.result(timeout=30)


def test_more_rows_than_the_limit_are_refused() -> None:
    quotas = Quotas({EVERYONE: Quota(rows_per_report=3), "free": Quota()})
    quotas.check_rows(3, tenant="acme")
    quotas.check_rows(10**9, tenant="free")
    with pytest.raises(RowQuota, match="more than 3 rows, which is this tenant's limit"):
        quotas.check_rows(4, tenant="acme")
