"""Dead letters listed and sent again, on a real database."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from reporting.cache import NoCache
from reporting.database import Connect, Database
from reporting.dead_letters import DeadLetters
from reporting.dispatch import Dispatcher
from reporting.errors import InvalidRequest
from reporting.followups import dead_letter
from reporting.messages import ReportMessage
from reporting.outbox import Outbox
from reporting.redrive import NotRedrivable, Outcome, Redrive
from reporting.report import Report
from reporting.repository import Reports
from reporting.snapshots import Snapshots
from reporting.states import Status
from reporting.window import Window
from tests.parts.brokers import ConfirmingBroker
from tests.parts.domain import ERROR, QUEUE, accept, claimed, connect, database, reports
from tests.parts.mariadb import mariadb_server

__all__ = ["connect", "database", "mariadb_server", "reports"]


def made(database: Database, broker: ConfirmingBroker, *, tenant_window: Window | None = None) -> Redrive:
    return Redrive(
        database=database,
        dispatcher=Dispatcher(broker=broker, outbox=Outbox(database)),
        snapshots=Snapshots(reports=Reports(database), cache=NoCache()),
        tenant_window=tenant_window or Window({}),
    )


def letters_of(database: Database) -> DeadLetters:
    own = Reports(database)
    return DeadLetters(database=database, reports=own, snapshots=Snapshots(reports=own, cache=NoCache()))


def exhausted(
    database: Database,
    *,
    error: dict[str, object] = ERROR,
    message_id: str = "ID:1",
    priority: str = "normal",
) -> Report:
    """A report that failed for good, with its dead letter kept."""
    own = Reports(database)
    claim = claimed(own, max_attempts=1, priority=priority)
    failed = own.fail(claim.id, error=error, fencing_token=claim.fencing_token, outgoing=[dead_letter(claim)])
    letters_of(database).take(
        message_id=message_id, queue=f"DLQ.{QUEUE}", body=dead_letter(claim).message.to_json()
    )
    return failed.report


def letter_ids(redrive: Redrive) -> list[int]:
    return [letter["id"] for letter in redrive.page(limit=100, cursor=None).letters]


def test_a_failed_report_is_queued_again_with_all_of_its_attempts(
    reports: Reports, database: Database
) -> None:
    failed, broker = exhausted(database), ConfirmingBroker()
    redrive = made(database, broker)
    [letter] = letter_ids(redrive)
    [done] = redrive.redrive([letter])
    assert (done.outcome, done.report_id) == (Outcome.REDRIVEN, failed.id)
    now = reports.get(failed.id)
    assert (now.status, now.attempt, now.error, now.finished_at) == (Status.QUEUED, 0, None, None)
    assert now.version == failed.version + 1
    [message] = broker.messages
    assert (message.queue, ReportMessage.from_json(message.body).attempt) == (QUEUE, 1)
    assert reports.claim(failed.id, attempt=1, object_token="u", lease_seconds=60) is not None
    [listed] = redrive.page(limit=10, cursor=None).letters
    assert listed["redriven_at"] is not None
    assert (listed["tenant"], listed["report_status"]) == ("acme", "running")


def test_a_letter_is_sent_again_once_and_its_late_copy_fails_nothing(
    reports: Reports, database: Database
) -> None:
    failed, broker = exhausted(database), ConfirmingBroker()
    redrive = made(database, broker)
    [letter] = letter_ids(redrive)
    outcomes = [redrive.redrive([letter])[0].outcome for _ in range(2)]
    assert outcomes == [Outcome.REDRIVEN, Outcome.ALREADY_REDRIVEN]
    queued = reports.get(failed.id)
    body = redrive.page(limit=1, cursor=None).letters[0]["body"]
    letters_of(database).take(message_id="ID:1", queue=f"DLQ.{QUEUE}", body=body)
    assert reports.get(failed.id) == queued
    assert len(broker.messages) == 1


def test_reports_that_are_sent_again_keep_to_their_tenants_window(database: Database) -> None:
    """As many as an outage has left, they stand in front of nobody."""
    failed = [exhausted(database, message_id=f"ID:{n}", priority="high") for n in range(5)]
    broker, tenant_window = ConfirmingBroker(), Window({"interactive": 3})
    redrive = made(database, broker, tenant_window=tenant_window)
    assert {one.outcome for one in redrive.redrive(letter_ids(redrive))} == {Outcome.REDRIVEN}
    assert [message.priority for message in broker.messages] == [8, 8, 4]
    own = Reports(database, tenant_window=tenant_window)
    assert own.held_back() == 2
    out = {message.correlation_id for message in broker.messages}
    [claim] = [
        own.claim(report.id, attempt=1, object_token="t", lease_seconds=60)
        for report in failed
        if report.id == broker.messages[0].correlation_id
    ]
    assert claim is not None
    [following] = own.succeed(claim, result={}, row_count=1, keep_days=1).outgoing
    assert following.report_id not in out


def test_of_many_redrives_at_once_one_does_it(database: Database, connect: Connect) -> None:
    for number in range(10):
        failed = exhausted(database, message_id=f"ID:{number}:a")
        letters_of(database).keep(message_id=f"ID:{number}:b", queue="q", body="{}", report_id=failed.id)
        ids = made(database, ConfirmingBroker()).of_report(failed.id)
        assert len(ids) == 2
        start, broker = threading.Barrier(4), ConfirmingBroker()

        def run(letter: int, start: threading.Barrier = start, broker: ConfirmingBroker = broker) -> Outcome:
            own = Database(connect)
            try:
                Reports(own).check()
                start.wait(timeout=30)
                return made(own, broker).redrive([letter])[0].outcome
            finally:
                own.close()

        with ThreadPoolExecutor(4) as pool:
            outcomes = list(pool.map(run, ids * 2))
        assert sorted(outcomes) == [Outcome.ALREADY_REDRIVEN] * 3 + [Outcome.REDRIVEN]
        assert len(broker.messages) == 1


def test_what_can_not_be_sent_again_says_why(reports: Reports, database: Database) -> None:
    redrive = made(database, ConfirmingBroker())
    keeper = letters_of(database)
    keeper.take(message_id="ID:rubbish", queue="DLQ.x", body="rubbish")
    exhausted(database, error={**ERROR, "code": "bad_value", "retryable": False}, message_id="ID:bad")
    queued = accept(reports).report
    keeper.keep(message_id="ID:queued", queue="DLQ.x", body="{}", report_id=queued.id)
    ids = letter_ids(redrive)[::-1]
    with pytest.raises(NotRedrivable) as caught:
        redrive.redrive([*ids, 10**12])
    assert [(problem.pointer, problem.code) for problem in caught.value.problems] == [
        ("/ids/0", "malformed"),
        ("/ids/1", "not_retryable"),
        ("/ids/2", "not_failed"),
        ("/ids/3", "not_found"),
    ]
    with pytest.raises(NotRedrivable) as caught:
        redrive.redrive(redrive.of_report(queued.id), pointer="/report_id")
    assert [problem.pointer for problem in caught.value.problems] == ["/report_id"]
    assert reports.get(queued.id) == queued
    good = exhausted(database, message_id="ID:good")
    [letter] = redrive.of_report(good.id)
    mixed = redrive.redrive([ids[0], letter])
    assert [one.outcome for one in mixed] == [Outcome.REFUSED, Outcome.REDRIVEN]


@pytest.mark.parametrize("text", ["", "x", "é\x00\U0001f600", "' OR 1=1", "%"])
def test_what_is_no_id_has_no_dead_letters(database: Database, text: str) -> None:
    exhausted(database)
    assert made(database, ConfirmingBroker()).of_report(text) == []


def test_dead_letters_are_listed_by_pages(database: Database) -> None:
    redrive = made(database, ConfirmingBroker())
    for number in range(5):
        letters_of(database).take(message_id=f"ID:{number}", queue="DLQ.x", body="x" * 5000)
    first = redrive.page(limit=3, cursor=None)
    second = redrive.page(limit=3, cursor=first.next)
    ids = [letter["id"] for letter in (*first.letters, *second.letters)]
    assert ids == sorted(ids, reverse=True)
    assert (len(ids), second.next) == (5, None)
    assert {len(letter["body"]) for letter in first.letters} == {1000}
    with pytest.raises(InvalidRequest, match="not one that a listing has given out"):
        redrive.page(limit=3, cursor="ΑΒΓ")
