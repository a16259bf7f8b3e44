"""A tenant's window of messages in the broker, on a real database."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from reporting.database import Connect, Database
from reporting.errors import ForbiddenTransition
from reporting.followups import dead_letter, next_attempt
from reporting.outbox import Outbox
from reporting.report import Report
from reporting.repository import Reports
from reporting.timeline import Timelines
from reporting.window import Window, lock
from tests.parts.domain import accept, claimed, connect, database, outbox, retried
from tests.parts.mariadb import MariaDbServer, mariadb_server
from tests.parts.processes import eventually

__all__ = ["connect", "database", "mariadb_server", "outbox"]

ERROR = {"code": "x", "title": "X", "detail": "x", "retryable": True}
SIZES = {"interactive": 2, "bulk": 1}
ALL_DUE = "UPDATE outbox SET available_at = UTC_TIMESTAMP(6) WHERE available_at IS NOT NULL"


@pytest.fixture
def reports(database: Database) -> Reports:
    return Reports(database, tenant_window=Window(SIZES))


def sent(reports: Reports, **changes: object) -> bool:
    return bool(accept(reports, **changes).outgoing)


def make(reports: Reports, report_id: str) -> list[str]:
    """Claim and finish a report; returns the ids of the reports whose messages followed."""
    claim = reports.claim(report_id, attempt=1, object_token="t", lease_seconds=60)
    assert claim is not None
    done = reports.succeed(claim, result={}, row_count=1, keep_days=1)
    return [row.report_id for row in done.outgoing]


def work_off(reports: Reports, report_id: str) -> list[str]:
    """As a worker does it, while another thread may cancel the report at any moment."""
    claim = reports.claim(report_id, attempt=1, object_token="t", lease_seconds=60)
    if claim is None:
        return []
    try:
        done = reports.succeed(claim, result={}, row_count=1, keep_days=1)
    except ForbiddenTransition:
        done = reports.stop(claim.id, fencing_token=claim.fencing_token)
    return [row.report_id for row in done.outgoing]


def cancel(reports: Reports, report_id: str) -> list[str]:
    try:
        return [row.report_id for row in reports.cancel(report_id).outgoing]
    except ForbiddenTransition:
        return []


def entries(database: Database, condition: str = "TRUE") -> int:
    [[number]] = database.query(f"SELECT COUNT(*) FROM window_entries WHERE {condition}")
    return int(str(number))


def test_messages_above_a_tenants_window_are_held(
    reports: Reports, outbox: Outbox, database: Database
) -> None:
    assert [sent(reports) for _ in range(4)] == [True, True, False, False]
    assert reports.held_back() == 2
    database.execute(ALL_DUE)
    assert len(outbox.take_due(limit=10)) == 2, "a held message is not for the relay either"


def test_held_reports_count_as_held_and_wait_from_their_release(reports: Reports, database: Database) -> None:
    first, _, _ = (accept(reports).report.id for _ in range(3))
    database.execute("UPDATE reports SET created_at = created_at - INTERVAL 700 SECOND")
    assert (reports.waiting().reports, reports.held_back()) == (2, 1)
    make(reports, first)
    waiting = reports.waiting()
    assert (waiting.reports, reports.held_back()) == (2, 0)
    assert waiting.oldest_seconds < 60


def test_a_timeline_tells_who_waits_for_reports_of_its_own_tenant(
    reports: Reports, database: Database
) -> None:
    timelines = Timelines(database)
    first, *_ = (accept(reports).report for _ in range(2))
    third, fourth = (accept(reports).report for _ in range(2))
    high = accept(reports, priority="high").report
    accept(reports, tenant="other")

    def places(*held: Report) -> list[tuple[str, int]]:
        found = [timelines.of(report)["waiting"] for report in held]
        return [(waiting["for"], waiting["position"]) for waiting in found]

    assert places(high, third, fourth) == [("own_reports", 1), ("own_reports", 2), ("own_reports", 3)]
    make(reports, first.id)
    assert places(high, third, fourth) == [("broker", 1), ("own_reports", 1), ("own_reports", 2)]


def test_another_tenant_and_another_lane_have_windows_of_their_own(reports: Reports) -> None:
    assert [sent(reports) for _ in range(3)] == [True, True, False]
    assert sent(reports, tenant="other")
    assert [sent(reports, lane="bulk") for _ in range(2)] == [True, False]


def test_the_end_of_a_report_lets_the_next_one_follow_by_priority_and_then_by_age(reports: Reports) -> None:
    out = [accept(reports).report.id for _ in range(2)]
    normal = [accept(reports).report.id for _ in range(2)]
    high = accept(reports, priority="high").report.id
    assert make(reports, out[0]) == [high]
    assert make(reports, out[1]) == [normal[0]]
    assert make(reports, high) == [normal[1]]
    assert make(reports, normal[0]) == []


def test_only_two_high_reports_of_a_tenant_go_ahead_of_others_at_once(database: Database) -> None:
    reports = Reports(database, tenant_window=Window({"interactive": 4}))
    accepted = [accept(reports, priority="high") for _ in range(5)]
    assert [row.priority for each in accepted for row in each.outgoing] == [8, 8, 4, 4]
    claim = reports.claim(accepted[0].report.id, attempt=1, object_token="t", lease_seconds=60)
    assert claim is not None
    [following] = reports.succeed(claim, result={}, row_count=1, keep_days=1).outgoing
    assert (following.report_id, following.priority) == (accepted[4].report.id, 8)
    assert [row.priority for row in accept(reports, priority="high", tenant="other").outgoing] == [8]
    for each in accepted[1:]:
        make(reports, each.report.id)
    assert [row.priority for row in accept(reports, priority="high").outgoing] == [8]


def test_further_messages_of_a_high_report_keep_to_the_bound(database: Database) -> None:
    reports = Reports(database, tenant_window=Window({"interactive": 3}))
    again = [retried(reports, claimed(reports, priority="high")) for _ in range(3)]
    assert [row.priority for changed in again for row in changed.outgoing] == [8, 8, 4]
    messages = [next_attempt(changed.report, delay_seconds=0) for changed in again]
    assert [row.priority for row in reports.send_again(messages)] == [8, 8, 4]


def test_a_timeline_puts_a_high_report_beyond_the_bound_behind_what_is_older(database: Database) -> None:
    reports, timelines = Reports(database, tenant_window=Window({"interactive": 3})), Timelines(database)
    normal = accept(reports, tenant="other").report
    high = [accept(reports, priority="high").report for _ in range(3)]
    waiting = [timelines.of(report)["waiting"] for report in (*high, normal)]
    assert [place["position"] for place in waiting] == [1, 2, 4, 3]


def test_a_failed_and_a_cancelled_report_let_the_next_one_follow(reports: Reports) -> None:
    first, second, third, fourth = (accept(reports).report.id for _ in range(4))
    claim = reports.claim(first, attempt=1, object_token="t", lease_seconds=60)
    assert claim is not None
    failed = reports.fail(first, error=ERROR, fencing_token=claim.fencing_token)
    assert [row.report_id for row in failed.outgoing] == [third]
    assert [row.report_id for row in reports.cancel(second).outgoing] == [fourth]


def test_a_report_that_is_cancelled_while_its_worker_runs_keeps_its_place_until_it_has_stopped(
    reports: Reports,
) -> None:
    first, _, third = (accept(reports).report.id for _ in range(3))
    claim = reports.claim(first, attempt=1, object_token="t", lease_seconds=60)
    assert claim is not None
    assert reports.cancel(first).outgoing == []
    stopped = reports.stop(first, fencing_token=claim.fencing_token)
    assert [row.report_id for row in stopped.outgoing] == [third]


def test_a_waiting_report_that_is_cancelled_never_gets_a_message(
    reports: Reports, database: Database
) -> None:
    first, _, third = (accept(reports).report.id for _ in range(3))
    assert reports.cancel(third).outgoing == []
    assert make(reports, first) == []
    assert database.query("SELECT COUNT(*) FROM outbox WHERE report_id = %s", (third,)) == ((0,),)


def test_a_retry_keeps_its_place_and_needs_no_new_one(reports: Reports) -> None:
    first, _, third = (accept(reports).report.id for _ in range(3))
    claim = reports.claim(first, attempt=1, object_token="t", lease_seconds=60)
    assert claim is not None
    changed = reports.retry(
        first,
        fencing_token=claim.fencing_token,
        error=ERROR,
        delay_seconds=0,
        message=next_attempt(claim, delay_seconds=0),
    )
    assert [row.report_id for row in changed.outgoing] == [first]
    again = reports.claim(first, attempt=2, object_token="t", lease_seconds=60)
    assert again is not None
    done = reports.succeed(again, result={}, row_count=1, keep_days=1)
    assert [row.report_id for row in done.outgoing] == [third]


def test_a_report_that_ends_twice_frees_one_place(reports: Reports) -> None:
    first, _, _, _ = (accept(reports).report.id for _ in range(4))
    assert len(reports.cancel(first).outgoing) == 1
    assert reports.cancel(first).outgoing == []
    assert reports.held_back() == 1


def test_two_ends_at_once_give_two_places_also_if_one_of_them_leaves_a_dead_letter(
    reports: Reports, database: Database, connect: Connect, mariadb_server: MariaDbServer
) -> None:
    """The second waits for the first and sees what that has done, whatever it has written before."""
    failing, cancelled, third, fourth = (accept(reports, priority="high").report for _ in range(4))
    claim = reports.claim(failing.id, attempt=1, object_token="t", lease_seconds=60)
    assert claim is not None

    def fail() -> list[str]:
        own = Database(connect)
        try:
            mine = Reports(own, tenant_window=Window(SIZES))
            changed = mine.fail(
                claim.id, error=ERROR, fencing_token=claim.fencing_token, outgoing=[dead_letter(claim)]
            )
            return [row.report_id for row in changed.outgoing if not row.queue.startswith("DLQ.")]
        finally:
            own.close()

    with ThreadPoolExecutor(1) as pool, closing(connect()) as first:
        # The end of another report, up to its COMMIT.
        first.begin()
        with first.cursor() as cursor:
            lock(cursor, tenant=claim.tenant, lane=claim.lane)
            second = pool.submit(fail)
            waits = "info LIKE 'INSERT INTO tenant_lanes%'"
            waiting = f"SELECT 1 FROM information_schema.processlist WHERE {waits}"
            eventually(lambda: bool(mariadb_server.execute(waiting)), what="the wait for the first end")
            followed = Window(SIZES).leave(
                cursor, report_id=cancelled.id, tenant=claim.tenant, lane=claim.lane
            )
        first.commit()
        assert [row.report_id for row in followed] == [third.id]
        assert second.result(timeout=30) == [fourth.id]


def test_a_larger_window_lets_waiting_reports_follow(reports: Reports, database: Database) -> None:
    waiting = [accept(reports).report.id for _ in range(5)][2:]
    larger = Reports(database, tenant_window=Window({"interactive": 4, "bulk": 1}))
    assert [row.report_id for row in larger.follow(limit=10)] == waiting[:2]
    assert larger.follow(limit=10) == []


def test_a_report_that_was_deleted_by_hand_does_not_keep_its_place(
    reports: Reports, database: Database
) -> None:
    first, _, third = (accept(reports).report.id for _ in range(3))
    database.execute("DELETE FROM reports WHERE id = %s", (first,))
    assert [row.report_id for row in reports.follow(limit=10)] == [third]


def test_a_message_that_was_released_and_not_sent_is_sent_by_the_relay(
    reports: Reports, database: Database, outbox: Outbox
) -> None:
    first, _, third = (accept(reports).report.id for _ in range(3))
    reports.cancel(first)
    database.execute(ALL_DUE)
    assert third in {row.report_id for row in outbox.take_due(limit=10)}


def test_a_window_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="lane bulk must be at least 1, got 0"):
        Window({"bulk": 0})


def test_the_window_holds_while_many_threads_accept_make_and_cancel(
    reports: Reports, database: Database, connect: Connect
) -> None:
    size, threads, each = SIZES["interactive"], 8, 12
    start = threading.Barrier(threads)
    most: list[int] = []

    def work(number: int) -> None:
        own = Database(connect)
        mine = Reports(own, tenant_window=Window(SIZES))
        tenant = f"tenant-{number % 2}"
        start.wait(timeout=30)
        try:
            for turn in range(each):
                accepted = accept(mine, tenant=tenant)
                todo = [row.report_id for row in accepted.outgoing]
                if turn % 3 == 2:
                    todo += cancel(mine, accepted.report.id)
                most.append(entries(own, f"out_at IS NOT NULL AND tenant = '{tenant}'"))
                while todo:
                    todo += work_off(mine, todo.pop())
        finally:
            own.close()

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, range(threads)))
    assert max(most) <= size
    assert entries(database) == 0
    left = database.query("SELECT COUNT(*) FROM reports WHERE status NOT IN ('cancelled', 'succeeded')")
    assert left == ((0,),)
    assert database.query("SELECT COUNT(*) FROM reports") == ((threads * each,),)
