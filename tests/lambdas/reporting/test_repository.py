"""Reports, outbox and idempotency on a real database."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pymysql
import pytest

from reporting.database import Connect, Database
from reporting.discards import Discards
from reporting.errors import (
    CommitUnknown,
    ForbiddenTransition,
    IdempotencyConflict,
    LeaseLost,
    ReportNotFound,
)
from reporting.followups import dead_letter, next_attempt
from reporting.idempotency import IdempotencyKey
from reporting.outbox import Outbox
from reporting.repository import Reports
from reporting.states import Status
from tests.parts.domain import (
    ERROR,
    QUEUE,
    accept,
    claimed,
    connect,
    database,
    first_message,
    new_report,
    outbox,
    reports,
    retried,
)
from tests.parts.mariadb import MariaDbServer, mariadb_server
from tests.parts.processes import eventually

__all__ = ["connect", "database", "mariadb_server", "outbox", "reports"]


def kill(server: MariaDbServer, connection: object) -> None:
    """End a connection, and return when it has ended."""
    server.execute(f"KILL {connection}")
    running = f"SELECT 1 FROM information_schema.processlist WHERE id = {connection}"
    eventually(lambda: not server.execute(running), what="the end of the killed connection")


def count(database: Database, table: str) -> int:
    [[number]] = database.query(f"SELECT COUNT(*) FROM {table}")
    return int(str(number))


def test_a_report_and_its_message_are_stored_together(reports: Reports, database: Database) -> None:
    accepted = accept(reports)
    assert accepted.report.status is Status.QUEUED
    assert accepted.report.version == 1
    assert accepted.report.request["table"]["title"] == "Clientes 🫠 São"
    assert [row.report_id for row in accepted.outgoing] == [accepted.report.id]
    assert (count(database, "reports"), count(database, "outbox")) == (1, 1)


def test_a_message_that_can_not_be_stored_takes_the_report_with_it(
    reports: Reports, database: Database
) -> None:
    new = new_report()
    message = first_message(new)
    with pytest.raises(Exception, match="Data too long"):
        reports.accept(new, type(message)(queue="q" * 101, priority=4, message=message.message), key=None)
    assert (count(database, "reports"), count(database, "outbox")) == (0, 0)


def test_a_claim_counts_the_attempt_and_holds_a_lease(reports: Reports) -> None:
    claim = claimed(reports)
    assert (claim.status, claim.attempt, claim.fencing_token) == (Status.RUNNING, 1, 1)
    assert claim.started_at is not None
    assert claim.lease_until is not None
    assert 59 <= (claim.lease_until - claim.started_at).total_seconds() <= 61


def test_only_one_of_many_workers_gets_a_message_that_was_delivered_to_all(
    reports: Reports, connect: Connect
) -> None:
    report = accept(reports).report
    start = threading.Barrier(8)

    def claim(_: int) -> bool:
        own = Database(connect)
        start.wait(timeout=30)
        try:
            found = Reports(own).claim(report.id, attempt=1, object_token="t", lease_seconds=60)
            return found is not None
        finally:
            own.close()

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(claim, range(8))) == 1
    assert reports.get(report.id).attempt == 1


def test_a_message_of_an_earlier_attempt_does_nothing(reports: Reports) -> None:
    claim = claimed(reports)
    retried(reports, claim)
    assert reports.claim(claim.id, attempt=1, object_token="t", lease_seconds=60) is None
    second = reports.claim(claim.id, attempt=2, object_token="t", lease_seconds=60)
    assert second is not None
    assert (second.attempt, second.fencing_token) == (2, 2)


def test_an_unknown_report_is_not_found(reports: Reports) -> None:
    with pytest.raises(ReportNotFound):
        reports.claim(new_report().id, attempt=1, object_token="t", lease_seconds=60)


@pytest.mark.parametrize(
    "act",
    [
        lambda reports, zombie: reports.succeed(zombie, result={}, row_count=1, keep_days=1),
        lambda reports, zombie: reports.fail(zombie.id, error=ERROR, fencing_token=zombie.fencing_token),
        lambda reports, zombie: reports.stop(zombie.id, fencing_token=zombie.fencing_token),
        lambda reports, zombie: reports.renew(
            zombie, lease_seconds=60, phase="rendering", rows_done=1, rows_total=None
        ),
        lambda reports, zombie: reports.move(zombie, "results/x.csv"),
        retried,
    ],
    ids=["succeed", "fail", "stop", "renew", "move", "retry"],
)
def test_a_zombie_whose_report_was_claimed_again_changes_nothing(
    act: Callable[[Reports, object], object], reports: Reports
) -> None:
    zombie = claimed(reports)
    retried(reports, zombie)
    second = reports.claim(zombie.id, attempt=2, object_token="u", lease_seconds=60)
    assert second is not None
    before = reports.get(zombie.id)
    with pytest.raises(LeaseLost):
        act(reports, zombie)
    assert reports.get(zombie.id) == before


def test_a_success_writes_the_result_and_its_time_to_live(reports: Reports) -> None:
    claim = claimed(reports)
    changed = reports.succeed(claim, result={"row_count": 2}, row_count=2, keep_days=7)
    report = changed.report
    assert report.status is Status.SUCCEEDED
    assert report.object_key == f"results/{claim.id}/{'t' * 32}.csv"
    assert report.lease_until is None
    assert report.created_at <= report.started_at <= report.finished_at  # type: ignore[operator]
    assert (report.expires_at - report.finished_at).days in (6, 7)  # type: ignore[operator]
    assert report.version == claim.version + 1


def test_the_same_step_of_the_same_claim_twice_is_done_once(reports: Reports) -> None:
    claim = claimed(reports)
    first = reports.succeed(claim, result={"n": 1}, row_count=2, keep_days=7).report
    assert reports.succeed(claim, result={"n": 2}, row_count=2, keep_days=7).report == first


def test_a_cancel_that_came_first_wins_over_a_success(reports: Reports) -> None:
    claim = claimed(reports)
    assert reports.cancel(claim.id).report.status is Status.CANCELLING
    with pytest.raises(ForbiddenTransition):
        reports.succeed(claim, result={}, row_count=2, keep_days=7)
    stopped = reports.stop(claim.id, fencing_token=claim.fencing_token).report
    assert (stopped.status, stopped.object_key) == (Status.CANCELLED, None)
    assert stopped.finished_at is not None


def test_a_waiting_report_is_cancelled_at_once_and_never_claimed(reports: Reports) -> None:
    # Case C11.
    report = accept(reports).report
    cancelled = reports.cancel(report.id).report
    assert cancelled.status is Status.CANCELLED
    assert cancelled.finished_at is not None
    assert reports.claim(report.id, attempt=1, object_token="t", lease_seconds=60) is None


def test_a_second_cancel_changes_no_answer(reports: Reports) -> None:
    report = accept(reports).report
    first = reports.cancel(report.id).report
    second = reports.cancel(report.id).report
    assert (second.status, second.finished_at) == (first.status, first.finished_at)


@pytest.mark.parametrize("claimed_again", [False, True])
def test_a_cancelled_report_tells_no_error_of_an_earlier_attempt(
    reports: Reports, claimed_again: bool
) -> None:
    claim = claimed(reports)
    retrying = reports.retry(
        claim.id,
        fencing_token=claim.fencing_token,
        error=ERROR,
        delay_seconds=0,
        message=next_attempt(claim, delay_seconds=0),
    ).report
    assert retrying.error == ERROR
    if claimed_again:
        assert reports.claim(claim.id, attempt=2, object_token="t", lease_seconds=60) is not None
    assert reports.cancel(claim.id).report.error is None


def test_a_failure_after_the_last_attempt_leaves_a_dead_letter(reports: Reports) -> None:
    claim = claimed(reports)
    changed = reports.fail(
        claim.id, error=ERROR, fencing_token=claim.fencing_token, outgoing=[dead_letter(claim)]
    )
    assert changed.report.status is Status.FAILED
    assert changed.report.error == ERROR
    assert [row.queue for row in changed.outgoing] == [f"DLQ.{QUEUE}"]


def test_progress_never_goes_back(reports: Reports) -> None:
    # Case C19.
    claim = claimed(reports)
    done = [
        reports.renew(claim, lease_seconds=60, phase="rendering", rows_done=rows, rows_total=None).rows_done
        for rows in (100, 99, 200)
    ]
    assert done == [100, 100, 200]


def test_only_leases_that_ran_out_are_found(reports: Reports) -> None:
    claimed(reports)
    gone = claimed(reports, lease_seconds=-1)
    assert [lease.id for lease in reports.lost_leases(limit=10)] == [gone.id]
    assert reports.lease_is_lost(gone.id, gone.fencing_token)
    reports.renew(gone, lease_seconds=60, phase="rendering", rows_done=1, rows_total=None)
    assert not reports.lease_is_lost(gone.id, gone.fencing_token)


def test_fifty_parallel_requests_with_one_new_key_make_one_report(
    reports: Reports, database: Database, connect: Connect
) -> None:
    # Case C03.
    key = IdempotencyKey(tenant="acme", key="K3", body_hash="a" * 64)
    start = threading.Barrier(50)

    def post(_: int) -> tuple[str, bool]:
        own = Database(connect)
        new = new_report()
        start.wait(timeout=60)
        try:
            accepted = Reports(own).accept(new, first_message(new), key=key)
            return accepted.report.id, accepted.replayed
        finally:
            own.close()

    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(post, range(50)))
    assert len({report_id for report_id, _ in answers}) == 1
    assert sum(not replayed for _, replayed in answers) == 1
    assert (count(database, "reports"), count(database, "outbox")) == (1, 1)


def test_a_key_with_another_body_is_a_conflict_and_stores_nothing(
    reports: Reports, database: Database
) -> None:
    # Case C02.
    new = new_report()
    reports.accept(new, first_message(new), key=IdempotencyKey(tenant="acme", key="K", body_hash="a" * 64))
    other = new_report()
    with pytest.raises(IdempotencyConflict):
        reports.accept(
            other, first_message(other), key=IdempotencyKey(tenant="acme", key="K", body_hash="b" * 64)
        )
    assert count(database, "reports") == 1


def test_a_key_belongs_to_its_tenant_and_to_its_letters(reports: Reports) -> None:
    ids = set()
    for tenant, key in (("acme", "K"), ("other", "K"), ("acme", "k")):
        new = new_report(tenant=tenant)
        stored = IdempotencyKey(tenant=tenant, key=key, body_hash="a" * 64)
        ids.add(reports.accept(new, first_message(new), key=stored).report.id)
    assert len(ids) == 3


def test_a_key_is_free_again_after_its_time(reports: Reports, database: Database) -> None:
    # Case C04.
    key = IdempotencyKey(tenant="acme", key="K", body_hash="a" * 64)
    first = new_report()
    reports.accept(first, first_message(first), key=key)
    database.execute("UPDATE idempotency_keys SET expires_at = UTC_TIMESTAMP(6) - INTERVAL 1 SECOND")
    assert reports.find_by_key(tenant="acme", key="K") is None
    second = new_report()
    accepted = reports.accept(
        second, first_message(second), key=IdempotencyKey(tenant="acme", key="K", body_hash="b" * 64)
    )
    assert (accepted.report.id, accepted.replayed) == (second.id, False)


def test_the_relay_takes_a_message_only_after_its_sender_had_its_time(
    reports: Reports, outbox: Outbox, database: Database
) -> None:
    accepted = accept(reports)
    assert outbox.take_due(limit=10) == []
    database.execute("UPDATE outbox SET available_at = UTC_TIMESTAMP(6)")
    [row] = outbox.take_due(limit=10)
    assert (row.report_id, row.delay_ms) == (accepted.report.id, 0)
    assert outbox.take_due(limit=10) == [], "a row that one relay took is not taken by another"
    outbox.mark_sent([row.id])
    database.execute("UPDATE outbox SET available_at = UTC_TIMESTAMP(6)")
    assert outbox.take_due(limit=10) == []


def test_two_relays_at_once_share_the_messages(
    reports: Reports, database: Database, connect: Connect
) -> None:
    for _ in range(40):
        accept(reports)
    database.execute("UPDATE outbox SET available_at = UTC_TIMESTAMP(6)")
    start = threading.Barrier(4)

    def take(_: int) -> list[int]:
        own = Database(connect)
        start.wait(timeout=30)
        try:
            return [row.id for row in Outbox(own).take_due(limit=20)]
        finally:
            own.close()

    with ThreadPoolExecutor(4) as pool:
        taken = [row for rows in pool.map(take, range(4)) for row in rows]
    assert len(taken) == len(set(taken))


def test_a_delayed_message_says_how_much_of_its_delay_is_left(
    reports: Reports, outbox: Outbox, database: Database
) -> None:
    claim = claimed(reports)
    retried(reports, claim, delay_seconds=30)
    database.execute("UPDATE outbox SET available_at = UTC_TIMESTAMP(6)")

    def left_ms() -> float:
        [[left]] = database.query(
            "SELECT MAX(TIMESTAMPDIFF(MICROSECOND, UTC_TIMESTAMP(6), deliver_at)) FROM outbox"
        )
        return int(str(left)) / 1000

    before = left_ms()
    delay = max(row.delay_ms for row in outbox.take_due(limit=10))
    assert left_ms() - 1 < delay <= before <= 30_000


def test_sent_messages_and_old_keys_are_deleted_after_their_time(
    reports: Reports, outbox: Outbox, database: Database
) -> None:
    accepted = accept(reports)
    outbox.mark_sent([row.id for row in accepted.outgoing])
    assert outbox.purge_sent(older_than_hours=1, limit=100) == 0
    database.execute("UPDATE outbox SET sent_at = UTC_TIMESTAMP(6) - INTERVAL 2 HOUR")
    assert outbox.purge_sent(older_than_hours=1, limit=100) == 1


@pytest.mark.parametrize(
    ("sql", "index"),
    [
        ("SELECT * FROM reports WHERE id = 'x'", "PRIMARY"),
        ("UPDATE reports SET phase = 'x' WHERE id = 'x' AND status = 'queued' AND version = 1", "PRIMARY"),
        (
            "SELECT id FROM reports WHERE status IN ('running', 'cancelling')"
            " AND lease_until < UTC_TIMESTAMP(6) ORDER BY lease_until LIMIT 200 FOR UPDATE SKIP LOCKED",
            "reports_by_lease",
        ),
        (
            "SELECT id FROM reports WHERE status = 'succeeded' AND expires_at <= UTC_TIMESTAMP(6)"
            " ORDER BY expires_at LIMIT 200",
            "reports_by_expiry",
        ),
        (
            "SELECT id FROM reports WHERE tenant = 'x' AND id < 'y' ORDER BY id DESC LIMIT 50",
            "reports_of_tenant",
        ),
        (
            "SELECT id FROM reports WHERE status IN ('queued', 'retrying')"
            " AND COALESCE(next_retry_at, created_at) < UTC_TIMESTAMP(6) - INTERVAL 900 SECOND"
            " AND NOT EXISTS (SELECT 1 FROM outbox WHERE report_id = reports.id AND"
            " (sent_at IS NULL OR sent_at > UTC_TIMESTAMP(6) - INTERVAL 900 SECOND)) LIMIT 200",
            "reports_by_lease",
        ),
        (
            "SELECT COUNT(*), MIN(COALESCE(next_retry_at, created_at)) FROM reports"
            " WHERE status IN ('queued', 'retrying')",
            "reports_by_lease",
        ),
        (
            "SELECT id FROM outbox WHERE sent_at IS NULL AND available_at <= UTC_TIMESTAMP(6)"
            " ORDER BY available_at LIMIT 200 FOR UPDATE SKIP LOCKED",
            "outbox_due",
        ),
        ("DELETE FROM outbox WHERE sent_at < UTC_TIMESTAMP(6) - INTERVAL 24 HOUR LIMIT 5000", "outbox_due"),
        (
            "SELECT report_id FROM idempotency_keys WHERE tenant = 'x' AND idempotency_key = 'y'",
            "PRIMARY",
        ),
        (
            "DELETE FROM idempotency_keys WHERE expires_at < UTC_TIMESTAMP(6) - INTERVAL 1 HOUR LIMIT 5000",
            "idempotency_keys_by_expiry",
        ),
    ],
)
def test_every_query_that_runs_has_an_index_that_the_optimizer_knows(
    sql: str, index: str, reports: Reports, database: Database
) -> None:
    for _ in range(5):
        claimed(reports)
    row = database.query(f"EXPLAIN {sql}")[0]
    possible, message = str(row[4]), str(row[-1])
    assert index in possible or "const" in message, f"EXPLAIN says {row}"


def test_a_reused_connection_sees_what_others_have_committed(reports: Reports, connect: Connect) -> None:
    """Case E01: no read stays in the snapshot of an earlier one, whatever was done in between."""
    report = accept(reports).report
    reader = Reports(other := Database(connect))
    try:
        assert reader.get(report.id).status is Status.QUEUED
        claim = reports.claim(report.id, attempt=1, object_token="t", lease_seconds=60)
        assert claim is not None
        assert reader.get(report.id).status is Status.RUNNING
        # A transaction, a guarded UPDATE that matches nothing, and one that fails.
        assert other.transaction(lambda cursor: cursor.execute("SELECT id FROM reports")) == 1
        assert (
            other.execute("UPDATE reports SET phase = 'x' WHERE id = %s AND status = 'queued'", (report.id,))
            == 0
        )
        with pytest.raises(LeaseLost):
            reader.succeed(replace(claim, fencing_token=99), result={}, row_count=1, keep_days=1)
        reports.succeed(claim, result={"row_count": 1}, row_count=1, keep_days=1)
        assert reader.get(report.id).status is Status.SUCCEEDED
    finally:
        other.close()


def test_a_step_that_changes_no_value_is_not_taken_for_a_lost_one(reports: Reports) -> None:
    """Case E14: MySQL counts changed rows, and each step changes the version."""
    claim = claimed(reports)
    for _ in range(3):
        reports.renew(claim, lease_seconds=60, phase="reading", rows_done=0, rows_total=2)
        reports.move(claim, str(claim.object_key))
    assert reports.get(claim.id).version == claim.version + 6
    retried(reports, claim)
    second = reports.claim(claim.id, attempt=2, object_token="t" * 32, lease_seconds=60)
    assert second is not None
    assert second.object_key == claim.object_key
    assert (second.attempt, second.fencing_token) == (claim.attempt + 1, claim.fencing_token + 1)


def test_each_attempt_has_an_object_of_its_own_and_only_that_of_the_latest_is_shown(
    reports: Reports, database: Database
) -> None:
    """Case F13, and F08: no object is overwritten, and none is shown before it is whole."""
    first = claimed(reports)
    assert first.result is None
    retried(reports, first)
    assert reports.get(first.id).object_key is None
    second = reports.claim(first.id, attempt=2, object_token="u" * 32, lease_seconds=60)
    assert second is not None
    assert second.object_key != first.object_key
    reports.succeed(second, result={}, row_count=1, keep_days=1)
    assert reports.get(first.id).object_key == second.object_key
    assert database.query("SELECT object_key FROM discarded_objects") == ((first.object_key,),)


def test_a_connection_that_the_server_closed_is_opened_again_for_the_caller(
    reports: Reports, database: Database, mariadb_server: MariaDbServer
) -> None:
    report = accept(reports).report
    for _ in range(2):
        [[connection_id]] = database.query("SELECT CONNECTION_ID()")
        kill(mariadb_server, connection_id)
        assert reports.get(report.id).id == report.id


def test_a_transaction_whose_connection_dies_in_the_middle_is_done_as_a_whole_or_not_at_all(
    reports: Reports, database: Database, mariadb_server: MariaDbServer
) -> None:
    report = accept(reports).report
    runs = []

    def work(cursor: object) -> int:
        runs.append(1)
        changed = cursor.execute("UPDATE reports SET phase = 'first' WHERE id = %s", (report.id,))  # type: ignore[attr-defined]
        if len(runs) == 1:
            cursor.execute("SELECT CONNECTION_ID()")  # type: ignore[attr-defined]
            kill(mariadb_server, cursor.fetchone()[0])  # type: ignore[attr-defined]
        cursor.execute("UPDATE reports SET lane = 'second' WHERE id = %s", (report.id,))  # type: ignore[attr-defined]
        return int(changed)

    assert database.transaction(work) == 1
    assert len(runs) == 2
    assert (reports.get(report.id).phase, reports.get(report.id).lane) == ("first", "second")


def test_a_deadlock_is_repeated_and_both_transactions_are_done(reports: Reports, connect: Connect) -> None:
    first, second = accept(reports).report.id, accept(reports).report.id
    both_hold_one = threading.Barrier(2)

    def work(order: tuple[str, str]) -> None:
        own, runs = Database(connect), []

        def change(cursor: object) -> None:
            runs.append(1)
            for position, report_id in enumerate(order):
                cursor.execute(  # type: ignore[attr-defined]
                    "UPDATE reports SET rows_done = rows_done + 1 WHERE id = %s", (report_id,)
                )
                if position == 0 and len(runs) == 1:
                    both_hold_one.wait(timeout=30)

        try:
            own.transaction(change)
        finally:
            own.close()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, [(first, second), (second, first)]))
    assert [reports.get(report_id).rows_done for report_id in (first, second)] == [2, 2]


def test_waiting_reports_are_counted_with_the_age_of_the_oldest(reports: Reports, database: Database) -> None:
    assert (reports.waiting().reports, reports.waiting().oldest_seconds) == (0, 0)
    claimed(reports)
    old, _ = accept(reports).report, accept(reports)
    database.execute(
        "UPDATE window_entries SET out_at = out_at - INTERVAL 700 SECOND WHERE report_id = %s", (old.id,)
    )
    waiting = reports.waiting()
    assert waiting.reports == 2
    assert 700 <= waiting.oldest_seconds < 760


def test_a_retry_that_is_due_later_has_not_waited(reports: Reports, database: Database) -> None:
    report = accept(reports).report
    database.execute(
        "UPDATE reports SET status = 'retrying', next_retry_at = UTC_TIMESTAMP(6) + INTERVAL 300 SECOND,"
        " created_at = created_at - INTERVAL 700 SECOND WHERE id = %s",
        (report.id,),
    )
    assert (reports.waiting().reports, reports.waiting().oldest_seconds) == (1, 0)


def _late_commit(connect: Connect, commits: list[Callable[[], None]]) -> Connect:
    """Connections of which the first loses the answer to its COMMIT, which the server gets in ``commits``."""

    def lost() -> None:
        raise pymysql.err.OperationalError(2013, "Lost connection to MySQL server during query")

    def connect_late() -> Any:
        connection = connect()
        if not commits:
            commits.append(connection.commit)
            # The server has not heard that its client has gone.
            connection.commit, connection.close = lost, lambda: None  # type: ignore[method-assign]
        return connection

    return connect_late


@pytest.mark.parametrize("key", [None, "k"])
@pytest.mark.parametrize("kept", ["in-the-database", "in-the-bucket"])
def test_a_commit_that_lands_while_the_report_is_stored_again_makes_one_report(
    database: Database, connect: Connect, mariadb_server: MariaDbServer, key: str | None, kept: str
) -> None:
    new = new_report(input_key="inputs/x.json" if kept == "in-the-bucket" else None)
    if new.input_key is not None:
        Discards(database).expect_input(new.input_key)
    bound = None if key is None else IdempotencyKey(tenant=new.tenant, key=key, body_hash="0" * 64)
    commits: list[Callable[[], None]] = []
    late = Reports(Database(_late_commit(connect, commits)))
    with pytest.raises(CommitUnknown):
        late.accept(new, first_message(new), key=bound)
    assert count(database, "reports") == 0, "nobody sees it yet"
    with ThreadPoolExecutor(1) as pool:
        second = pool.submit(late.accept, new, first_message(new), key=bound, again=True)
        waiting = "SELECT 1 FROM information_schema.processlist WHERE info LIKE 'INSERT INTO tenant_lanes%'"
        try:
            eventually(lambda: bool(mariadb_server.execute(waiting)), what="the wait for the first call")
        finally:
            commits[0]()
        accepted = second.result(timeout=30)
    assert (accepted.report.id, accepted.replayed, accepted.outgoing) == (new.id, False, [])
    assert [count(database, table) for table in ("reports", "outbox")] == [1, 1]


@pytest.mark.parametrize("again", [False, True])
def test_a_key_that_a_request_of_another_lane_takes_meanwhile_is_found(
    database: Database, connect: Connect, mariadb_server: MariaDbServer, again: bool
) -> None:
    mine, others = new_report(lane="interactive"), new_report(lane="bulk")
    key = IdempotencyKey(tenant=mine.tenant, key="k", body_hash="0" * 64)
    commits: list[Callable[[], None]] = []
    with pytest.raises(CommitUnknown):
        Reports(Database(_late_commit(connect, commits))).accept(others, first_message(others), key=key)
    with ThreadPoolExecutor(1) as pool:
        second = pool.submit(Reports(database).accept, mine, first_message(mine), key=key, again=again)
        waits = "info LIKE 'INSERT INTO idempotency_keys%'"
        waiting = f"SELECT 1 FROM information_schema.processlist WHERE {waits}"
        try:
            eventually(lambda: bool(mariadb_server.execute(waiting)), what="the wait for the other request")
        finally:
            commits[0]()
        accepted = second.result(timeout=30)
    assert (accepted.report.id, accepted.replayed) == (others.id, True)


def test_a_commit_that_was_lost_is_made_again(database: Database, connect: Connect) -> None:
    new = new_report()
    reports = Reports(database)
    accepted = reports.accept(new, first_message(new), key=None, again=True)
    assert (accepted.report.id, len(accepted.outgoing)) == (new.id, 1)
