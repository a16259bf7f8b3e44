"""Objects that nothing refers to: gone from a real store, whatever fails on the way."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from reporting.cache import NoCache
from reporting.database import Connect, Database
from reporting.discards import ATTEMPT_SECONDS, Discards
from reporting.dispatch import Dispatcher
from reporting.errors import DatabaseUnavailable, LeaseLost
from reporting.outbox import Outbox
from reporting.recovery import Recovery
from reporting.report import Report
from reporting.repository import Reports
from reporting.retries import Backoff
from reporting.snapshots import Snapshots
from reporting.storage import ResultStore, S3ResultStore
from tests.parts.brokers import ConfirmingBroker
from tests.parts.domain import ERROR, accept, claimed, connect, database, new_report, reports, retried
from tests.parts.http_proxy import HttpProxy, Request
from tests.parts.mariadb import mariadb_server
from tests.parts.object_store import ObjectStore

__all__ = ["connect", "database", "mariadb_server", "reports"]

type Step = Callable[[Reports, Report], object]

ENDS: dict[str, Step] = {
    "retry": retried,
    "fail": lambda reports, claim: reports.fail(claim.id, error=ERROR, fencing_token=claim.fencing_token),
    "cancel": lambda reports, claim: (
        reports.cancel(claim.id),
        reports.stop(claim.id, fencing_token=claim.fencing_token),
    ),
    "expire": lambda reports, claim: (
        reports.succeed(claim, result={}, row_count=1, keep_days=1),
        reports.expire(claim.id),
    ),
    "overflow": lambda reports, claim: reports.move(claim, "results/another.csv"),
}


def relay(database: Database, store: ResultStore) -> None:
    """Let the relay come once."""
    reports, box = Reports(database), Outbox(database)
    Recovery(
        reports=reports,
        outbox=box,
        dispatcher=Dispatcher(broker=ConfirmingBroker(), outbox=box),
        snapshots=Snapshots(reports=reports, cache=NoCache()),
        store=store,
        discards=Discards(database),
        backoff=Backoff(base_seconds=1, cap_seconds=1),
        resend_seconds=900,
    ).run(seconds_left=30)


@dataclass(frozen=True)
class Files:
    """The bucket, as a test sees it."""

    store: S3ResultStore
    server: ObjectStore
    bucket: str

    def put(self, key: str | None) -> str:
        assert key is not None
        self.server.s3().put_object(Bucket=self.bucket, Key=key, Body=b"rows")
        return key

    def has(self, key: str) -> bool:
        return self.store.exists(key) is not None

    def through(self, proxy: HttpProxy) -> S3ResultStore:
        return S3ResultStore(bucket=self.bucket, endpoint_url=proxy.url)


@pytest.fixture
def files(store: S3ResultStore, object_store: ObjectStore, bucket: str) -> Files:
    return Files(store, object_store, bucket)


@pytest.mark.parametrize("end", ENDS)
def test_what_an_attempt_left_is_deleted_however_it_ended(
    end: str,
    reports: Reports,
    database: Database,
    files: Files,
) -> None:
    claim = claimed(reports)
    key = files.put(claim.object_key)
    ENDS[end](reports, claim)
    relay(database, files.store)
    assert not files.has(key)


def test_the_object_of_a_success_stays(reports: Reports, database: Database, files: Files) -> None:
    claim = claimed(reports)
    key = files.put(claim.object_key)
    reports.succeed(claim, result={}, row_count=1, keep_days=1)
    relay(database, files.store)
    assert files.has(key)
    assert database.query("SELECT * FROM discarded_objects") == ()


def test_what_reaches_the_store_after_its_attempt_is_deleted_too(
    reports: Reports, database: Database, files: Files
) -> None:
    claim = claimed(reports)
    retried(reports, claim)
    relay(database, files.store)
    key = files.put(claim.object_key)
    # Back to the moment of that look, and further: however long it was ago.
    wait(database, seconds=-600)
    relay(database, files.store)
    assert files.has(key), "it has just been looked for"
    wait(database, seconds=600 + 6)
    relay(database, files.store)
    assert not files.has(key)
    [[until_due, until_now]] = database.query(
        "SELECT TIMESTAMPDIFF(SECOND, noted_at, due_at), TIMESTAMPDIFF(SECOND, noted_at, UTC_TIMESTAMP(6))"
        " FROM discarded_objects"
    )
    age = int(str(until_now))
    assert 2 * 6 <= int(str(until_due)) <= 2 * age + 1, "the pauses grow with the time since the end"
    files.put(key)
    wait(database, seconds=ATTEMPT_SECONDS)
    relay(database, files.store)
    assert not files.has(key)
    assert database.query("SELECT * FROM discarded_objects") == (), "nobody can write to it any more"


def test_a_key_is_looked_for_last_when_nothing_can_be_written_to_it_any_more(
    reports: Reports, database: Database, files: Files
) -> None:
    retried(reports, claimed(reports))
    wait(database, seconds=ATTEMPT_SECONDS - 100)
    relay(database, files.store)
    assert database.query("SELECT due_at = watch_until FROM discarded_objects") == ((1,),)


def wait(database: Database, *, seconds: int) -> None:
    """Let ``seconds`` pass for all discarded objects."""
    database.execute(
        "UPDATE discarded_objects SET noted_at = noted_at - INTERVAL %s SECOND,"
        " due_at = due_at - INTERVAL %s SECOND, watch_until = watch_until - INTERVAL %s SECOND",
        (seconds,) * 3,
    )


def test_what_could_not_be_deleted_is_deleted_by_a_later_run(
    reports: Reports, database: Database, files: Files
) -> None:
    claims = [claimed(reports) for _ in range(3)]
    keys = [files.put(claim.object_key) for claim in claims]
    for claim in claims:
        retried(reports, claim)

    def busy(request: Request) -> tuple[int, str] | None:
        return (503, "SlowDown") if request.method == "DELETE" else None

    with HttpProxy(files.server.port, busy) as proxy:
        relay(database, files.through(proxy))
        tried = {request.target for request in proxy.requests if request.method == "DELETE"}
    assert len(tried) == 1, "a store that does not answer is not asked about each"
    wait(database, seconds=60)
    relay(database, files.store)
    assert [files.has(key) for key in keys] == [False] * 3


def test_one_that_can_not_be_deleted_keeps_none_of_the_others(
    reports: Reports,
    database: Database,
    files: Files,
    caplog: pytest.LogCaptureFixture,
) -> None:
    claims = [claimed(reports) for _ in range(3)]
    keys = [files.put(claim.object_key) for claim in claims]
    for claim in claims:
        retried(reports, claim)

    def locked(request: Request) -> tuple[int, str] | None:
        return (403, "AccessDenied") if request.method == "DELETE" and keys[0] in request.target else None

    with HttpProxy(files.server.port, locked) as proxy:
        relay(database, files.through(proxy))
    assert [files.has(key) for key in keys] == [True, False, False]
    assert "an object can't be deleted" in caplog.text


def test_two_relays_take_a_key_once(database: Database, reports: Reports, connect: Connect) -> None:
    for _ in range(4):
        retried(reports, claimed(reports))
    first, second = Discards(database), Discards(Database(connect))
    taken = [first.take_due(limit=2), second.take_due(limit=10)]
    assert [len(keys) for keys in taken] == [2, 2]
    assert not set(taken[0]) & set(taken[1])
    assert first.take_due(limit=10) == []


def test_an_attempt_that_was_taken_away_can_not_move_its_result(reports: Reports) -> None:
    claim = claimed(reports)
    retried(reports, claim)
    with pytest.raises(LeaseLost):
        reports.move(claim, "results/another.csv")


def test_rows_that_no_report_came_to_have_are_deleted(database: Database, files: Files) -> None:
    key = f"inputs/{new_report().id}.json"
    Discards(database).expect_input(key)
    files.put(key)
    relay(database, files.store)
    assert files.has(key), "its request may still be under way"
    wait(database, seconds=40)
    relay(database, files.store)
    assert not files.has(key)


def test_rows_of_a_report_stay(reports: Reports, database: Database, files: Files) -> None:
    new = new_report()
    key = f"inputs/{new.id}.json"
    Discards(database).expect_input(key)
    files.put(key)
    accept(reports, id=new.id, input_key=key, inline_rows=None)
    assert database.query("SELECT * FROM discarded_objects") == ()


def test_a_request_is_not_stored_once_its_rows_are_about_to_be_deleted(
    reports: Reports, database: Database
) -> None:
    new = new_report()
    key = f"inputs/{new.id}.json"
    Discards(database).expect_input(key)
    wait(database, seconds=40)
    assert Discards(database).take_due(limit=1) == [key]
    with pytest.raises(DatabaseUnavailable):
        accept(reports, id=new.id, input_key=key, inline_rows=None)
    assert database.query("SELECT * FROM reports") == ()
