"""Steps that come late, twice or for nothing, on a real database: what a report shows stays true."""

import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from reporting.cache import CachedStatus, NoCache
from reporting.database import Database
from reporting.dead_letters import DeadLetters
from reporting.dispatch import Dispatcher
from reporting.errors import LeaseLost, ReportNotFound
from reporting.lifecycle import Lifecycle
from reporting.messages import ReportMessage
from reporting.outbox import Outbox
from reporting.repository import Reports
from reporting.snapshots import CACHED_SECONDS, Snapshots
from reporting.states import Status
from reporting.status import status_document
from tests.parts.brokers import ConfirmingBroker
from tests.parts.domain import ERROR, PARENT, QUEUE, accept, claimed, connect, database, new_report, reports
from tests.parts.mariadb import mariadb_server

__all__ = ["connect", "database", "mariadb_server", "reports"]


class Memory:
    """A cache in this process that keeps the rule of the real one: no version replaces a higher one."""

    def __init__(self) -> None:
        self.entries: dict[str, CachedStatus] = {}
        self.down = False

    def get(self, report_id: str) -> CachedStatus | None:
        return None if self.down else self.entries.get(report_id)

    def put(self, report_id: str, version: int, status: Mapping[str, Any]) -> None:
        known = self.entries.get(report_id)
        if not self.down and (known is None or known.version <= version):
            self.entries[report_id] = CachedStatus(version=version, status=dict(status))

    def invalidate(self, report_id: str, version: int) -> bool:
        if not self.down:
            self.entries.pop(report_id, None)
        return not self.down

    def check(self) -> None:
        """It is there."""


def test_c06_a_message_of_a_report_that_was_never_stored_makes_nothing(
    reports: Reports, database: Database
) -> None:
    unknown = new_report().id
    with pytest.raises(ReportNotFound):
        reports.claim(unknown, attempt=1, object_token="t", lease_seconds=60)
    body = ReportMessage(report_id=unknown, attempt=1, traceparent=PARENT).to_json()
    letters = DeadLetters(
        database=database, reports=reports, snapshots=Snapshots(reports=reports, cache=NoCache())
    )
    letters.take(message_id="ID:unknown", queue=f"DLQ.{QUEUE}", body=body)
    assert database.query("SELECT report_id FROM dead_letters") == ((unknown,),)
    for table in ("reports", "attempts"):
        assert database.query(f"SELECT COUNT(*) FROM {table}") == ((0,),)


def test_c08_a_report_that_kills_its_workers_can_be_cancelled(reports: Reports) -> None:
    claim = claimed(reports, lease_seconds=-1)
    assert reports.cancel(claim.id).report.status is Status.CANCELLING
    stopped = reports.stop(claim.id, fencing_token=claim.fencing_token).report
    assert (stopped.status, stopped.attempt) == (Status.CANCELLED, 1)
    assert reports.claim(claim.id, attempt=2, object_token="u", lease_seconds=60) is None


def test_c12_late_progress_does_not_come_after_the_end(reports: Reports) -> None:
    cache = Memory()
    snapshots = Snapshots(reports=reports, cache=cache)
    claim = claimed(reports)
    late = reports.renew(claim, lease_seconds=60, phase="rendering", rows_done=80, rows_total=100)
    done = reports.succeed(claim, result={"row_count": 100}, row_count=100, keep_days=1).report
    snapshots.publish(done)
    snapshots.publish(late)
    assert snapshots.read(claim.id, tenant="acme").status["status"] == "succeeded"
    with pytest.raises(LeaseLost):
        reports.renew(claim, lease_seconds=60, phase="rendering", rows_done=90, rows_total=100)
    cache.down = True
    assert snapshots.read(claim.id, tenant="acme").status["status"] == "succeeded"


def test_c12_no_reader_sees_a_status_go_back_when_a_writer_could_not_reach_the_cache(
    reports: Reports,
) -> None:
    reached, missed = Memory(), Memory()
    missed.down = True
    reader = Snapshots(reports=reports, cache=reached)
    writer = Snapshots(reports=reports, cache=missed)

    def seen(report_id: str) -> list[int]:
        """Versions that a client gets from an environment without the cache, and then from one with it."""
        return [snapshots.read(report_id, tenant="acme").version for snapshots in (writer, reader)]

    report = accept(reports).report
    reader.publish(report)
    claim = reports.claim(report.id, attempt=1, object_token="t", lease_seconds=60)
    assert claim is not None
    writer.publish(claim)
    assert seen(report.id) == [claim.version] * 2
    failed = reports.fail(claim.id, error=ERROR, fencing_token=claim.fencing_token).report
    reader.publish(failed)
    assert not reached.entries, "a failed report can be sent again"


def test_a_success_is_not_kept_beyond_its_time(reports: Reports, database: Database) -> None:
    cache = Memory()
    snapshots = Snapshots(reports=reports, cache=cache)
    claim = claimed(reports)
    reports.succeed(claim, result={}, row_count=1, keep_days=1)
    database.execute("UPDATE reports SET expires_at = UTC_TIMESTAMP(6) + INTERVAL 9 MINUTE")
    snapshots.publish(reports.get(claim.id))
    assert not cache.entries
    database.execute("UPDATE reports SET expires_at = UTC_TIMESTAMP(6) + INTERVAL 11 MINUTE")
    snapshots.publish(reports.get(claim.id))
    assert cache.entries


def test_no_reader_sees_a_deleted_report_again_when_the_deletion_could_not_reach_the_cache(
    reports: Reports, database: Database
) -> None:
    reached, missed = Memory(), Memory()
    missed.down = True
    reader = Snapshots(reports=reports, cache=reached)
    writer = Snapshots(reports=reports, cache=missed)
    claim = claimed(reports)
    done = reports.succeed(claim, result={"row_count": 1}, row_count=1, keep_days=1).report
    reader.publish(done)
    for _ in range(2):
        answer = lifecycle(reports, writer).delete(done.id, tenant="acme").status
        assert answer["status"] == "succeeded", "others may be shown it for as long as the cache keeps it"
        left = datetime.fromisoformat(answer["expires_at"]) - datetime.now(UTC)
        assert 0 < left.total_seconds() <= CACHED_SECONDS
        assert [s.read(done.id, tenant="acme").version for s in (writer, reader)] == [done.version] * 2
    reached.entries.clear()
    reader.read(done.id, tenant="acme")
    assert not reached.entries, "from now on it is not kept"
    assert reports.expired(limit=10) == []
    database.execute("UPDATE reports SET expires_at = UTC_TIMESTAMP(6)")
    assert reports.expired(limit=10) == [done.id]
    missed.down = False
    assert lifecycle(reports, writer).delete(done.id, tenant="acme").status["status"] == "expired"


def lifecycle(reports: Reports, snapshots: Snapshots) -> Lifecycle:
    dispatcher = Dispatcher(broker=ConfirmingBroker(), outbox=Outbox(reports._database))
    return Lifecycle(reports=reports, dispatcher=dispatcher, snapshots=snapshots)


@pytest.fixture
def in_sao_paulo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This process runs on the clock of a host three hours behind."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "America/Sao_Paulo")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("in_sao_paulo")
def test_c14_times_are_the_database_s_and_in_order_whatever_the_host_s_zone(reports: Reports) -> None:
    claim = claimed(reports)
    done = reports.succeed(claim, result={}, row_count=1, keep_days=1).report
    document = status_document(done)
    times = [document[name] for name in ("created_at", "started_at", "finished_at", "expires_at")]
    assert all(moment.endswith("Z") for moment in times)
    assert times == sorted(times)
    age = datetime.now(UTC) - datetime.fromisoformat(document["created_at"])
    assert abs(age.total_seconds()) < 60


def test_c19_only_a_success_shows_a_hundred_percent(reports: Reports) -> None:
    claim = claimed(reports)
    shown = [
        status_document(
            reports.renew(claim, lease_seconds=60, phase="rendering", rows_done=rows, rows_total=100)
        )["progress"]["percent"]
        for rows in (50, 100, 99)
    ]
    assert shown == [50, 99, 99]
    done = reports.succeed(claim, result={}, row_count=100, keep_days=1).report
    assert status_document(done)["progress"]["percent"] == 100


@pytest.mark.parametrize("rows", [0, 100])
def test_c19_a_success_shows_a_hundred_percent_also_when_it_has_expired(reports: Reports, rows: int) -> None:
    done = reports.succeed(claimed(reports), result={}, row_count=rows, keep_days=1).report
    expired = reports.expire(done.id).report
    assert (expired.status, status_document(expired)["progress"]) == (
        Status.EXPIRED,
        {"phase": "done", "rows_done": rows, "rows_total": rows, "percent": 100},
    )
    claim = claimed(reports)
    failed = reports.fail(claim.id, fencing_token=claim.fencing_token, error=ERROR).report
    assert status_document(reports.expire(failed.id).report)["progress"]["percent"] == 0


def test_c19_a_report_without_an_estimate_does_not_go_back_to_zero_when_it_is_cancelled(
    reports: Reports,
) -> None:
    claim = claimed(reports, rows_total=None)
    shown = [
        reports.renew(claim, lease_seconds=60, phase="rendering", rows_done=50, rows_total=None),
        reports.cancel(claim.id).report,
        reports.stop(claim.id, fencing_token=claim.fencing_token).report,
    ]
    assert [status_document(report)["progress"]["percent"] for report in shown] == [None, None, None]
    assert [report.status for report in shown] == [Status.RUNNING, Status.CANCELLING, Status.CANCELLED]


def test_c19_a_report_is_shown_whatever_the_cache_has_forgotten(reports: Reports) -> None:
    cache = Memory()
    snapshots = Snapshots(reports=reports, cache=cache)
    report = accept(reports).report
    done = reports.cancel(report.id).report
    snapshots.publish(done)
    assert cache.entries
    cache.entries.clear()
    assert snapshots.read(report.id, tenant="acme").status["id"] == report.id


def test_a_cached_status_is_its_tenants_alone(reports: Reports) -> None:
    cache = Memory()
    snapshots = Snapshots(reports=reports, cache=cache)
    report = accept(reports).report
    snapshots.publish(reports.cancel(report.id).report)
    [(key, entry)] = cache.entries.items()
    assert (key, entry.status["tenant"]) == (report.id, "acme")
    for kept in (True, False):
        assert bool(cache.entries) is kept
        with pytest.raises(ReportNotFound) as foreign:
            snapshots.read(report.id, tenant="other")
        assert str(foreign.value) == f"There is no report {report.id!r}."
        cache.entries.clear()
    assert snapshots.read(report.id, tenant="acme").status["id"] == report.id


def test_no_link_is_kept_in_the_cache(reports: Reports) -> None:
    cache = Memory()
    claim = claimed(reports)
    done = reports.succeed(claim, result={"row_count": 1}, row_count=1, keep_days=1).report
    Snapshots(reports=reports, cache=cache).publish(done)
    [entry] = cache.entries.values()
    assert "download" not in entry.status["status"]["result"]
    assert not [word for word in ("Signature", "http") if word in str(entry.status)]
