"""What a timeline says of attempts and of waiting, on a real database."""

from datetime import datetime

import pytest

from reporting.database import Database
from reporting.outbox import Outbox
from reporting.repository import Reports
from reporting.timeline import Timelines
from tests.parts.domain import accept, claimed, connect, database, outbox, reports, retried
from tests.parts.mariadb import mariadb_server

__all__ = ["connect", "database", "mariadb_server", "outbox", "reports"]


@pytest.fixture
def timelines(database: Database) -> Timelines:
    return Timelines(database)


def test_attempts_have_their_times_and_their_cause(reports: Reports, timelines: Timelines) -> None:
    claim = claimed(reports)
    [running] = timelines.of(reports.get(claim.id))["attempts"]
    assert (running["attempt"], running["finished_at"], running["outcome"]) == (1, None, None)
    reports.renew(claim, lease_seconds=60, phase="rendering", rows_done=1, rows_total=None)
    retried(reports, claim)
    second = reports.claim(claim.id, attempt=2, object_token="u", lease_seconds=60)
    assert second is not None
    reports.succeed(second, result={}, row_count=1, keep_days=1)
    timeline = timelines.of(reports.get(claim.id))
    assert [(a["attempt"], a["outcome"], a["cause"]) for a in timeline["attempts"]] == [
        (1, "retrying", "source_unavailable"),
        (2, "succeeded", None),
    ]
    assert timeline["waiting"] is None
    for attempt in timeline["attempts"]:
        times = [attempt[name] for name in ("started_at", "last_heartbeat_at", "finished_at")]
        assert times == sorted(times)


def test_a_heartbeat_is_noted_with_the_lease(
    reports: Reports, timelines: Timelines, database: Database
) -> None:
    claim = claimed(reports)
    database.execute("UPDATE attempts SET last_heartbeat_at = '2026-01-01'")
    reports.renew(claim, lease_seconds=60, phase="rendering", rows_done=1, rows_total=None)
    [attempt] = timelines.of(claim)["attempts"]
    assert datetime.fromisoformat(attempt["last_heartbeat_at"]) > datetime.fromisoformat(
        "2026-01-02T00:00:00Z"
    )


def test_a_claim_without_a_row_of_its_own_is_renewed_all_the_same(
    reports: Reports, database: Database
) -> None:
    claim = claimed(reports)
    database.execute("DELETE FROM attempts")
    renewed = reports.renew(claim, lease_seconds=60, phase="rendering", rows_done=1, rows_total=None)
    assert renewed.version == claim.version + 1


def test_a_waiting_report_has_its_place_behind_what_is_urgent_or_older(
    reports: Reports, timelines: Timelines, outbox: Outbox
) -> None:
    first = accept(reports)
    second = accept(reports)
    urgent = accept(reports, priority="high")
    elsewhere = accept(reports, queue="open.reports-bulk-0", lane="bulk")
    claimed(reports)
    outbox.mark_sent([row.id for row in second.outgoing])
    places = [timelines.of(a.report)["waiting"] for a in (urgent, first, second, elsewhere)]
    assert [(place["lane"], place["position"]) for place in places] == [
        ("interactive", 1),
        ("interactive", 2),
        ("interactive", 3),
        ("bulk", 1),
    ]
    assert [place["for"] for place in places] == ["broker", "broker", "worker", "broker"]


def test_a_report_whose_retry_is_due_later_has_no_place_yet(reports: Reports, timelines: Timelines) -> None:
    claim = claimed(reports)
    waiting = retried(reports, claim, delay_seconds=60).report
    found = timelines.of(waiting)["waiting"]
    assert (found["for"], found["position"]) == ("retry", None)
    assert found["until"] is not None
