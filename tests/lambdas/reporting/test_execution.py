"""One attempt, its retries and its recovery, on a real database, broker and object store."""

import base64
import csv
import hashlib
import io
import json
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pymysql
import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

from rendering.engine import render
from rendering.model import Batch
from reporting import execution
from reporting.broker import Delivery, PublishFailed, StompBroker, parse_endpoints
from reporting.cache import NoCache
from reporting.database import Connect, Database
from reporting.dead_letters import DeadLetters
from reporting.discards import Discards
from reporting.dispatch import Dispatcher
from reporting.errors import LeaseLost, TransientError
from reporting.execution import Execution, Limits
from reporting.heartbeat import INTERVAL_SECONDS, Heartbeat
from reporting.identifiers import trace_id
from reporting.messages import ReportMessage
from reporting.observability import metrics
from reporting.outbox import Outbox
from reporting.recovery import Recovery
from reporting.report import Report
from reporting.report_types import load_report_types
from reporting.repository import Reports
from reporting.retries import Backoff
from reporting.secrets import SecretsUnavailable
from reporting.snapshots import Snapshots
from reporting.sql_source import QueryTimeout, SourceUnavailable
from reporting.states import Status
from reporting.status import status_document
from reporting.storage import S3ResultStore, StorageRefused, StorageUnavailable
from tests.parts.activemq import PASSWORD, USERNAME, ActiveMq
from tests.parts.domain import (
    PARENT,
    QUEUE,
    accept,
    claimed,
    connect,
    database,
    new_report,
    outbox,
    reports,
    retried,
)
from tests.parts.http_proxy import HttpProxy, Request
from tests.parts.mariadb import MariaDbServer, mariadb_server
from tests.parts.object_store import ObjectStore
from tests.parts.processes import eventually
from tests.parts.stomp_consumer import receive
from tests.parts.stomp_server import Frame, Hangup, Session, StompServer, confirming
from worker import handler as worker_handler
from worker.bootstrap import Worker
from worker.settings import WorkerSettings

__all__ = ["connect", "database", "mariadb_server", "outbox", "reports"]

BACKOFF = Backoff(base_seconds=0.01, cap_seconds=0.02)
type Wait = Callable[[], object]


class Rows:
    """A source whose batches are what a test wants them to be."""

    def __init__(self, batches: Callable[["Rows"], Iterator[Batch]]) -> None:
        self._batches = batches
        self.interrupted = threading.Event()
        self.closed = False

    def __iter__(self) -> Iterator[Batch]:
        return self._batches(self)

    def interrupt(self) -> None:
        self.interrupted.set()

    def close(self) -> None:
        self.closed = True


class Bench:
    """A worker and a relay over real parts, with a source of the test's own."""

    def __init__(
        self, *, database: Database, connect: Connect, store: S3ResultStore, broker: StompBroker
    ) -> None:
        self.database = database
        self.reports = Reports(database)
        self.store = store
        self.snapshots = Snapshots(reports=self.reports, cache=NoCache())
        self.dispatcher = Dispatcher(broker=broker, outbox=Outbox(database))
        self.abandoned = threading.Event()
        self.lease_seconds = 60
        self.rows: Rows | None = None
        self.opened = 0
        self._connect = connect

    def execution(self) -> Execution:
        return Execution(
            reports=self.reports,
            dispatcher=self.dispatcher,
            snapshots=self.snapshots,
            store=self.store,
            catalogue=load_report_types(Path(__file__).parents[3] / "report_types"),
            open_source=self._open,
            heartbeat_database=lambda: Database(self._connect),
            abandon=self.abandoned.set,
            limits=Limits(lease_seconds=self.lease_seconds, result_days=7, backoff=BACKOFF),
        )

    def recovery(self) -> Recovery:
        return Recovery(
            reports=self.reports,
            outbox=Outbox(self.database),
            dispatcher=self.dispatcher,
            snapshots=self.snapshots,
            store=self.store,
            discards=Discards(self.database),
            backoff=BACKOFF,
            resend_seconds=900,
        )

    def attempt(self, report: Report, *, number: int = 1, seconds_left: float = 800) -> Report:
        message = ReportMessage(report_id=report.id, attempt=number, traceparent=PARENT)
        self.execution().process(message, seconds_left=seconds_left)
        return self.reports.get(report.id)

    def _open(self, report_type: str, parameters: Mapping[str, Any], *, seconds_left: float) -> Rows:
        assert self.rows is not None
        self.opened += 1
        return self.rows


@pytest.fixture
def store(object_store: ObjectStore) -> S3ResultStore:
    bucket = f"results-{secrets.token_hex(4)}"
    object_store.s3().create_bucket(Bucket=bucket)
    return S3ResultStore(bucket=bucket, endpoint_url=object_store.url, region="us-east-1")


@pytest.fixture
def broker(activemq: ActiveMq, ca_file: str) -> Iterator[StompBroker]:
    broker = StompBroker(
        endpoints=parse_endpoints(f"stomp+ssl://127.0.0.1:{activemq.port}"),
        username=USERNAME,
        password=PASSWORD,
        ca_file=ca_file,
        # A busy machine holds a message up for longer than the usual times.
        connect_timeout=60.0,
        receipt_timeout=60.0,
    )
    yield broker
    broker.close()


@pytest.fixture
def bench(database: Database, connect: Connect, store: S3ResultStore, broker: StompBroker) -> Bench:
    # A hundred values of one metric are written at once, which needs a namespace.
    metrics.clear_metrics()
    return Bench(database=database, connect=connect, store=store, broker=broker)


LEDGER = {
    "report_type": "customer_list",
    "inline_rows": None,
    "request": {**new_report().request, "report_type": "customer_list", "parameters": {}},
}


def width() -> int:
    return len(load_report_types(Path(__file__).parents[3] / "report_types")["customer_list"].columns)


def objects_of(bench: Bench, object_store: ObjectStore) -> list[str]:
    """The keys of all objects and of all unfinished uploads of the bench's bucket."""
    s3, bucket = object_store.s3(), bench.store._bucket
    found = s3.list_objects_v2(Bucket=bucket).get("Contents", [])
    unfinished = s3.list_multipart_uploads(Bucket=bucket).get("Uploads", [])
    return [item["Key"] for item in [*found, *unfinished]]


def test_an_attempt_publishes_one_whole_object(bench: Bench) -> None:
    done = bench.attempt(accept(bench.reports).report)
    assert done.status is Status.SUCCEEDED
    assert done.result is not None
    assert done.object_key is not None
    data = bench.store.get_input(done.object_key)
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    assert rows[1:] == [["01"], ["02"]]
    assert (done.result["row_count"], done.result["size_bytes"]) == (2, len(data))


def test_a_message_that_comes_again_makes_nothing_twice(bench: Bench) -> None:
    report = accept(bench.reports).report
    first = bench.attempt(report)
    assert bench.attempt(report) == first


def _unsure(connect: Connect, *, commits: bool, away: int) -> Connect:
    """The first connection loses the answer to its COMMIT; the ``away`` that follow can't be opened."""
    opened = 0

    def connect_unsure() -> Any:
        nonlocal opened
        opened += 1
        if 1 < opened <= 1 + away:
            raise ConnectionRefusedError
        connection = connect()
        if opened == 1:
            whole = connection.commit

            def lost() -> None:
                (whole if commits else connection.rollback)()
                raise pymysql.err.OperationalError(2013, "Lost connection to MySQL server during query")

            connection.commit = lost  # type: ignore[method-assign]
        return connection

    return connect_unsure


@pytest.mark.parametrize("away", [0, 4])
@pytest.mark.parametrize("commits", [True, False])
def test_a_claim_whose_answer_was_lost_is_made_by_its_worker(
    bench: Bench, connect: Connect, commits: bool, away: int
) -> None:
    """Also as the last attempt, which would otherwise fail without having been made."""
    report = accept(bench.reports, max_attempts=1).report
    bench.reports = Reports(Database(_unsure(connect, commits=commits, away=away)))
    done = bench.attempt(report)
    assert (done.status, done.attempt, done.fencing_token) == (Status.SUCCEEDED, 1, 1)
    assert bench.database.query("SELECT attempt, outcome FROM attempts") == ((1, "succeeded"),)


def test_c09_of_two_workers_with_one_message_at_once_one_makes_the_report(
    bench: Bench, connect: Connect, object_store: ObjectStore
) -> None:
    for _ in range(5):
        report = accept(bench.reports, **LEDGER).report
        both_are_here = threading.Barrier(2)
        bench.rows = Rows(lambda _: iter([[["x"] * width()] * 3]))

        def work(report: Report = report, both_are_here: threading.Barrier = both_are_here) -> int:
            own = Bench(database=Database(connect), connect=connect, store=bench.store, broker=_NO_BROKER)
            own.rows = bench.rows
            try:
                own.reports.check()
                both_are_here.wait(timeout=30)
                own.attempt(report)
                return own.opened
            finally:
                own.database.close()

        with ThreadPoolExecutor(2) as pool:
            opened = [done.result() for done in [pool.submit(work) for _ in range(2)]]
        after = bench.reports.get(report.id)
        assert (after.status, after.attempt, sum(opened)) == (Status.SUCCEEDED, 1, 1)
        assert [key for key in objects_of(bench, object_store) if report.id in key] == [after.object_key]


def test_c09_a_message_that_comes_while_its_report_is_made_is_done_with_at_once(bench: Bench) -> None:
    report = accept(bench.reports, **LEDGER).report
    meanwhile = []

    def delivered_again(_: Rows) -> Iterator[Batch]:
        bench.attempt(report)
        meanwhile.append(bench.reports.get(report.id).status)
        yield [["x"] * width()]

    bench.rows = Rows(delivered_again)
    done = bench.attempt(report)
    assert (meanwhile, bench.opened) == ([Status.RUNNING], 1)
    assert (done.status, done.attempt) == (Status.SUCCEEDED, 1)


def test_d10_an_error_that_goes_away_costs_attempts_and_no_dead_letter(
    bench: Bench, activemq: ActiveMq, ca_file: str
) -> None:
    queue = "open.goes-away"
    report = accept(bench.reports, **LEDGER, queue=queue).report
    fails = iter([True, True, False])

    def away_twice(_: Rows) -> Iterator[Batch]:
        if next(fails):
            raise SourceUnavailable("The source database did not answer.")
        yield [["x"] * width()]

    bench.rows = Rows(away_twice)
    seen = [bench.attempt(report, number=number).status for number in (1, 2, 3)]
    assert seen == [Status.RETRYING, Status.RETRYING, Status.SUCCEEDED]
    # Each attempt after the first came as a message of its own: the one before was acknowledged.
    again = receive(activemq, queue, ca_file=ca_file, count=2)
    assert sorted(ReportMessage.from_json(message.body).attempt for message in again) == [2, 3]
    assert receive(activemq, f"DLQ.{queue}", ca_file=ca_file, count=1, seconds=0.5) == []


def test_a_transient_error_is_tried_again_and_ends_in_the_dead_letter_queue(
    bench: Bench, activemq: ActiveMq, ca_file: str
) -> None:
    def gone(_: Rows) -> Iterator[Batch]:
        raise SourceUnavailable("The source database did not answer.")
        yield []

    queue = "open.gone"
    report = accept(bench.reports, **LEDGER, queue=queue).report
    seen = []
    for number in (1, 2, 3):
        bench.rows = Rows(gone)
        after = bench.attempt(report, number=number)
        seen.append(after.status)
        assert bench.rows.closed
    assert seen == [Status.RETRYING, Status.RETRYING, Status.FAILED]
    assert after.error is not None
    assert (after.error["code"], after.error["retryable"]) == ("source_unavailable", True)
    assert after.attempt == 3
    [letter] = receive(activemq, f"DLQ.{queue}", ca_file=ca_file, count=1)
    assert report.id in letter.body


def test_rows_that_fit_in_no_sheet_become_csv_when_the_request_says_so(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execution, "render", partial(render, max_rows_per_sheet=3))
    request = {**new_report().request, "format": "xlsx", "on_overflow": "csv"}
    rows = [[str(number)] for number in range(5)]
    report = accept(bench.reports, request=request, format="xlsx", inline_rows=json.dumps(rows)).report
    done = bench.attempt(report)
    assert done.status is Status.SUCCEEDED
    assert done.result is not None
    assert done.object_key is not None
    data = bench.store.get_input(done.object_key)
    found = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    assert found[1:] == rows
    assert done.result["content_type"] == "text/csv; charset=utf-8"
    assert done.result["filename"].endswith(".csv")
    assert done.object_key.endswith(".csv")
    stored = bench.store.exists(done.object_key)
    assert stored is not None
    assert stored.content_type == "text/csv; charset=utf-8"
    assert bench.store.exists(f"{done.object_key.removesuffix('csv')}xlsx") is None
    assert done.result["sha256"] == hashlib.sha256(data).hexdigest()
    [warning] = done.result["warnings"]
    assert warning == {
        "column": "",
        "kind": "overflow_csv",
        "count": 5,
        "row": 3,
        "detail": "a sheet holds 3 rows with its header: the file is CSV",
    }


def test_warnings_of_very_many_columns_are_counted_in_few_entries(bench: Bench) -> None:
    columns = [{"key": f"c{number}", "type": "integer"} for number in range(1_200)]
    request = {**new_report().request, "table": {"title": "wide", "columns": columns}}
    rows = [[1] * 1_200, ["x"] * 1_200, ["y"] * 1_200]
    report = accept(bench.reports, request=request, inline_rows=json.dumps(rows)).report
    done = bench.attempt(report)
    assert done.result is not None
    *told, further = done.result["warnings"]
    assert [warning["column"] for warning in told] == [f"c{number}" for number in range(1_000)]
    assert {(warning["kind"], warning["count"]) for warning in told} == {("bad_value", 2)}
    assert further == {
        "column": "",
        "kind": "further",
        "count": 400,
        "row": 2,
        "detail": "200 more columns and kinds",
    }


def of_dataset(bench: Bench, data: bytes, **request: object) -> Report:
    """An accepted report whose rows are the file ``data``."""
    key = f"datasets/{secrets.token_hex(4)}/x.csv"
    bench.store.put_input(key, data)
    found = bench.store.find(key)
    assert found is not None
    document = new_report().request
    table = {**document["table"], "dataset": {"id": "x"}}
    bound = {
        "key": key,
        "format": "csv",
        "etag": found.etag,
        "size_bytes": found.size_bytes,
        "sha256": hashlib.sha256(data).hexdigest(),
    }
    document = {**document, "table": table, "dataset": bound, **request}
    return accept(bench.reports, request=document, inline_rows=None, rows_total=None).report


def test_rows_of_a_dataset_are_read_anew_when_a_sheet_is_full(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execution, "render", partial(render, max_rows_per_sheet=3))
    report = of_dataset(bench, b"a\n01\n02\n03\n04\n05\n", format="xlsx", on_overflow="csv")
    bench.database.execute("UPDATE reports SET format = 'xlsx' WHERE id = %s", (report.id,))
    done = bench.attempt(report)
    assert done.result is not None
    assert done.object_key is not None
    found = bench.store.get_input(done.object_key).decode("utf-8-sig").split()
    assert found == ["a", "01", "02", "03", "04", "05"]
    assert (done.result["row_count"], done.rows_total) == (5, 5)


def test_a_dataset_that_was_replaced_or_deleted_since_fails_at_once(bench: Bench) -> None:
    codes = []
    changes: tuple[Callable[[str], None], ...] = (
        lambda key: bench.store.put_input(key, b"a\n03\n02\n"),
        bench.store.delete,
    )
    for change in changes:
        report = of_dataset(bench, b"a\n01\n02\n")
        change(report.request["dataset"]["key"])
        after = bench.attempt(report)
        assert after.status is Status.FAILED
        assert after.error is not None
        codes.append(after.error["code"])
    assert codes == ["object_changed", "dataset_expired"]


def test_what_a_dataset_holds_does_not_reach_the_log(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    after = bench.attempt(of_dataset(bench, b'a\nvery"secret\n'))
    assert after.error is not None
    assert "secret" in after.error["detail"]
    assert "attempt failed" in caplog.text
    assert "secret" not in caplog.text


def test_an_error_that_will_not_go_away_fails_at_once(bench: Bench) -> None:
    request = {**new_report().request, "on_bad_value": "fail"}
    request["table"] = {"title": "t", "columns": [{"key": "a", "type": "integer"}]}
    report = accept(bench.reports, request=request, inline_rows='[["1_000"]]').report
    after = bench.attempt(report)
    assert (after.status, after.attempt) == (Status.FAILED, 1)
    assert after.error is not None
    assert (after.error["code"], after.error["retryable"]) == ("bad_value", False)
    assert after.object_key is None


def test_a_query_that_ends_in_the_middle_of_its_rows_leaves_nothing_behind(
    bench: Bench, object_store: ObjectStore
) -> None:
    # Case E06, with so many rows that a part of the file has been uploaded.
    def limited(_: Rows) -> Iterator[Batch]:
        for _batch in range(20):
            yield [["x" * 1000] * width()] * 1000
        raise QueryTimeout("The query took longer than its time limit.")

    bench.rows = Rows(limited)
    after = bench.attempt(accept(bench.reports, **LEDGER).report)
    assert (after.status, after.attempt, after.object_key) == (Status.FAILED, 1, None)
    assert after.error is not None
    assert (after.error["code"], after.error["retryable"]) == ("query_timeout", False)
    assert objects_of(bench, object_store) == []


def test_a_file_that_lacks_rows_fails_as_incomplete(
    bench: Bench, object_store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Case E05: whatever loses a row between the source and the file.
    def losing(*, batches: Iterator[Batch], **options: Any) -> Any:
        return render(batches=(batch[1:] for batch in batches), **options)

    monkeypatch.setattr(execution, "render", losing)
    bench.rows = Rows(lambda _: iter([[["x"] * width()] * 3]))
    after = bench.attempt(accept(bench.reports, **LEDGER).report)
    assert (after.status, after.attempt, after.object_key) == (Status.FAILED, 1, None)
    assert after.error is not None
    assert (after.error["code"], after.error["retryable"]) == ("incomplete", False)
    assert objects_of(bench, object_store) == []


def test_a_file_of_no_bytes_fails_as_empty(
    bench: Bench, object_store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Case F10."""

    class Nothing:
        def write(self, data: bytes, /) -> None:
            """A renderer that writes nothing."""

    monkeypatch.setattr(execution, "render", lambda **options: render(**{**options, "sink": Nothing()}))
    after = bench.attempt(accept(bench.reports).report)
    assert (after.status, after.attempt, after.object_key) == (Status.FAILED, 1, None)
    assert after.error is not None
    assert (after.error["code"], after.error["retryable"]) == ("empty_result", False)
    assert objects_of(bench, object_store) == []


def test_a_renderer_that_fails_behind_its_third_part_leaves_nothing(
    bench: Bench, object_store: ObjectStore
) -> None:
    """Case F09."""

    def failing(_: Rows) -> Iterator[Batch]:
        for _batch in range(4):
            yield [["x" * 1000] * width()] * 1000
        assert unfinished(bench, object_store), "no part was sent yet"
        raise ZeroDivisionError

    bench.rows = Rows(failing)
    after = bench.attempt(accept(bench.reports, **LEDGER).report)
    assert (after.status, after.object_key) == (Status.RETRYING, None)
    assert objects_of(bench, object_store) == []


def unfinished(bench: Bench, object_store: ObjectStore) -> list[str]:
    """The keys of uploads that have begun and not ended."""
    uploads = object_store.s3().list_multipart_uploads(Bucket=bench.store._bucket).get("Uploads", [])
    return [upload["Key"] for upload in uploads]


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("password=hunter2 at /var/task/x.py"),
        pymysql.err.ProgrammingError(1146, "Table 'shop.hunter2' doesn't exist"),
        FileNotFoundError(2, "No such file or directory", "/opt/fonts/hunter2.ttf"),
        ValueError("invalid literal for int() with base 10: 'hunter2'"),
        UnicodeEncodeError("latin-1", "hunter2€", 7, 8, "ordinal not in range(256)"),
        KeyError("hunter2"),
        MemoryError("hunter2"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_c20_an_unexpected_error_is_told_without_its_insides_and_logged_once(
    error: Exception, bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_: Rows) -> Iterator[Batch]:
        raise error
        yield []

    bench.rows = Rows(broken)
    after = bench.attempt(accept(bench.reports, max_attempts=1, queue="open.unexpected", **LEDGER).report)
    assert after.error is not None
    assert after.error["code"] == "internal"
    shown = json.dumps(status_document(after))
    assert trace_id(PARENT) in shown, "what the log is searched by"
    for inside in ("hunter2", "Traceback", "shop", "/var/task", "/opt", type(error).__name__):
        assert inside not in shown
    with_detail = [record for record in caplog.records if record.exc_info and record.exc_info[1] is error]
    assert len(with_detail) == 1


def test_a_report_type_that_is_gone_is_a_clear_failure(bench: Bench) -> None:
    request = {**new_report().request, "report_type": "gone", "parameters": {}}
    after = bench.attempt(accept(bench.reports, report_type="gone", request=request).report)
    assert after.error is not None
    assert after.error["code"] == "bad_definition"


def test_what_can_not_be_finished_in_the_time_left_is_handed_back_as_a_clear_failure(bench: Bench) -> None:
    after = bench.attempt(accept(bench.reports).report, seconds_left=1)
    assert after.status is Status.FAILED
    assert after.error is not None
    assert after.error["code"] == "time_limit"


def test_a_cancel_stops_the_work_and_leaves_no_object(bench: Bench, object_store: ObjectStore) -> None:
    report = accept(bench.reports, **LEDGER).report

    def cancelled_meanwhile(rows: Rows) -> Iterator[Batch]:
        bench.reports.cancel(report.id)
        assert rows.interrupted.wait(timeout=30), "the heartbeat wakes a blocked read"
        yield [["x"] * width()]

    bench.rows = Rows(cancelled_meanwhile)
    after = bench.attempt(report)
    assert (after.status, after.object_key, after.result) == (Status.CANCELLED, None, None)


def test_a_cancel_between_the_upload_and_the_commit_wins(bench: Bench) -> None:
    report = accept(bench.reports, **LEDGER).report

    def late_cancel(_: Rows) -> Iterator[Batch]:
        yield [["x"] * width()]
        bench.reports.cancel(report.id)

    bench.rows = Rows(late_cancel)
    after = bench.attempt(report)
    assert after.status is Status.CANCELLED
    assert after.result is None


def test_a_zombie_publishes_nothing_and_its_object_is_deleted(bench: Bench) -> None:
    report = accept(bench.reports, **LEDGER).report
    keys = []

    def taken_over(_: Rows) -> Iterator[Batch]:
        keys.append(bench.reports.get(report.id).object_key)
        bench.database.execute("UPDATE reports SET fencing_token = fencing_token + 1, attempt = 2")
        yield [["x"] * width()]

    bench.rows = Rows(taken_over)
    after = bench.attempt(report)
    assert after.status is Status.RUNNING, "the report belongs to the other worker"
    [key] = keys
    assert key is not None
    assert bench.store.exists(key) is None


@pytest.mark.parametrize("error", [StorageRefused, StorageUnavailable])
def test_a_zombie_whose_object_can_not_be_deleted_is_done_with_its_message(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    """The key is noted: an error would only bring the message again and count as a fault of the worker."""
    report = accept(bench.reports, **LEDGER).report

    def taken_over(_: Rows) -> Iterator[Batch]:
        bench.database.execute("UPDATE reports SET fencing_token = fencing_token + 1, attempt = 2")
        yield [["x"] * width()]

    def fail(_: str) -> None:
        raise error("no")

    bench.rows = Rows(taken_over)
    monkeypatch.setattr(bench.store, "delete", fail)
    assert bench.attempt(report).status is Status.RUNNING


def test_c10_a_zombie_that_wakes_after_another_has_made_its_report_changes_nothing(
    bench: Bench, object_store: ObjectStore
) -> None:
    report = accept(bench.reports, **LEDGER).report
    second = Rows(lambda _: iter([[["second"] * width()]]))
    made = []

    def frozen_meanwhile(_: Rows) -> Iterator[Batch]:
        bench.database.execute("UPDATE reports SET lease_until = UTC_TIMESTAMP(6) - INTERVAL 1 SECOND")
        assert bench.recovery().run(seconds_left=30).leases == 1
        bench.rows = second
        made.append(bench.attempt(report, number=2))
        yield [["first"] * width()]

    bench.rows = Rows(frozen_meanwhile)
    after = bench.attempt(report)
    [done] = made
    assert (done.status, done.attempt) == (Status.SUCCEEDED, 2)
    assert after == done, "not one column was changed"
    assert objects_of(bench, object_store) == [done.object_key]
    assert done.object_key is not None
    assert b"second" in bench.store.get_input(done.object_key)


def test_a_lost_lease_is_taken_up_until_the_attempts_are_used_up(
    bench: Bench, activemq: ActiveMq, ca_file: str
) -> None:
    # Case C07.
    queue = "open.lost-leases"
    claim = claimed(bench.reports, lease_seconds=-1, queue=queue)
    statuses = []
    for number in (1, 2, 3):
        assert bench.recovery().run(seconds_left=30).leases == 1
        statuses.append(bench.reports.get(claim.id).status)
        if number < 3:
            again = bench.reports.claim(claim.id, attempt=number + 1, object_token="u" * 32, lease_seconds=-1)
            assert again is not None
    assert statuses == [Status.RETRYING, Status.RETRYING, Status.FAILED]
    error = bench.reports.get(claim.id).error
    assert error is not None
    assert error["code"] == "max_attempts"
    [letter] = receive(activemq, f"DLQ.{queue}", ca_file=ca_file, count=1)
    assert claim.id in letter.body
    assert receive(activemq, f"DLQ.{queue}", ca_file=ca_file, count=1, seconds=0.5) == []


def test_what_a_killed_worker_has_stored_is_taken_away_with_its_lease(
    bench: Bench, object_store: ObjectStore
) -> None:
    """Cases C07 and F09: the bucket's own rule takes what the relay can not see."""
    claim = claimed(bench.reports, lease_seconds=-1)
    bucket, key = bench.store._bucket, claim.object_key
    assert key is not None
    s3 = object_store.s3()
    started = s3.create_multipart_upload(Bucket=bucket, Key=key)
    s3.upload_part(Bucket=bucket, Key=key, UploadId=started["UploadId"], PartNumber=1, Body=b"rows")
    s3.put_object(Bucket=bucket, Key=key, Body=b"rows")
    other = f"results/{new_report().id}/{'t' * 32}.csv"
    s3.create_multipart_upload(Bucket=bucket, Key=other)
    assert bench.recovery().run(seconds_left=30).leases == 1
    assert objects_of(bench, object_store) == [other]


def test_an_object_whose_answer_was_lost_does_not_stay(bench: Bench, object_store: ObjectStore) -> None:
    """S3 stores the file and answers too late, as often as it is asked."""

    def fault(request: Request) -> tuple[int, str] | None:
        if request.method == "PUT" and "/results/" in request.target:
            key = request.target.partition("?")[0].split("/", 2)[2]
            object_store.s3().put_object(Bucket=bench.store._bucket, Key=key, Body=b"stored")
            return 500, "InternalError"
        return None

    straight = bench.store
    with HttpProxy(object_store.port, fault) as proxy:
        bench.store = S3ResultStore(bucket=straight._bucket, endpoint_url=proxy.url, region="us-east-1")
        after = bench.attempt(accept(bench.reports).report)
    assert (after.status, after.error and after.error["code"]) == (Status.RETRYING, "storage_unavailable")
    bench.store = straight
    bench.recovery().run(seconds_left=30)
    assert objects_of(bench, object_store) == []


def test_a_cancelled_report_whose_worker_died_ends_as_cancelled(bench: Bench) -> None:
    claim = claimed(bench.reports, lease_seconds=-1)
    bench.reports.cancel(claim.id)
    bench.recovery().run(seconds_left=30)
    assert bench.reports.get(claim.id).status is Status.CANCELLED


def test_a_message_that_could_not_be_sent_is_sent_by_the_relay(
    bench: Bench, activemq: ActiveMq, ca_file: str
) -> None:
    # Case C05: whoever stored it died before it was sent.
    report = accept(bench.reports, queue="open.relay-test").report
    bench.database.execute("UPDATE outbox SET available_at = UTC_TIMESTAMP(6)")
    assert bench.recovery().run(seconds_left=30).sent == 1
    [message] = receive(activemq, "open.relay-test", ca_file=ca_file, count=1)
    assert ReportMessage.from_json(message.body).report_id == report.id
    assert bench.recovery().run(seconds_left=30).sent == 0


def test_what_a_broker_did_not_take_is_sent_as_soon_as_it_is_back(
    bench: Bench, activemq: ActiveMq, ca_file: str, dead_port: int
) -> None:
    queue = "open.broker-back"
    accepted = accept(bench.reports, queue=queue)
    away = StompBroker(
        endpoints=parse_endpoints(f"stomp+ssl://127.0.0.1:{dead_port}"),
        username=USERNAME,
        password=PASSWORD,
        ca_file=ca_file,
    )
    without = Dispatcher(broker=away, outbox=Outbox(bench.database))
    assert without.send(accepted.outgoing) == 0, "the sender could not"
    box = Outbox(bench.database)
    due = box.take_due(limit=10)
    assert [row.report_id for row in due] == [accepted.report.id]
    assert without.send(due) == 0, "and neither could a relay"
    assert bench.recovery().run(seconds_left=30).sent == 1
    [message] = receive(activemq, queue, ca_file=ca_file, count=1)
    assert ReportMessage.from_json(message.body).report_id == accepted.report.id


def test_a_silent_broker_is_asked_once_for_all_leases_that_were_lost(bench: Bench) -> None:
    """So that it does not use up the time of what else a relay has to do."""
    claims = [claimed(bench.reports, lease_seconds=-1) for _ in range(5)]
    asked: list[int] = []

    class Silent:
        def publish_many(self, messages: Any) -> list[PublishFailed]:
            asked.append(len(messages))
            return [PublishFailed("no answer", delivery=Delivery.UNKNOWN) for _ in messages]

    broker: Any = Silent()
    bench.dispatcher = Dispatcher(broker=broker, outbox=Outbox(bench.database))
    assert bench.recovery().run(seconds_left=30).leases == len(claims)
    assert asked[0] == len(claims)


def test_the_report_that_has_waited_longest_is_sent_again_first(bench: Bench) -> None:
    """The others may stand in the queue all the same, more of them than a run sends."""
    accept(bench.reports)
    lost = claimed(bench.reports)
    retried(bench.reports, lost)
    bench.database.execute("UPDATE outbox SET sent_at = UTC_TIMESTAMP(6) - INTERVAL 3 HOUR")
    bench.database.execute(
        "UPDATE reports SET created_at = UTC_TIMESTAMP(6) - INTERVAL 2 HOUR,"
        " next_retry_at = IF(id = %s, UTC_TIMESTAMP(6) - INTERVAL 3 HOUR, NULL)",
        (lost.id,),
    )
    assert [report.id for report in bench.reports.forgotten(older_than_seconds=900, limit=1)] == [lost.id]


def test_a_report_whose_message_is_gone_from_the_broker_is_sent_again(
    bench: Bench, activemq: ActiveMq, ca_file: str
) -> None:
    queue = "open.emptied"
    report = accept(bench.reports, queue=queue).report
    bench.database.execute("UPDATE outbox SET sent_at = UTC_TIMESTAMP(6) - INTERVAL 20 MINUTE")
    assert bench.recovery().run(seconds_left=30).sent_again == 0, "it has not waited for long"
    bench.database.execute("UPDATE reports SET created_at = UTC_TIMESTAMP(6) - INTERVAL 20 MINUTE")
    assert bench.recovery().run(seconds_left=30).sent_again == 1
    assert bench.recovery().run(seconds_left=30).sent_again == 0, "once is enough for a while"
    [message] = receive(activemq, queue, ca_file=ca_file, count=1)
    again = ReportMessage.from_json(message.body)
    assert (again.report_id, again.attempt) == (report.id, 1)
    done = bench.attempt(report)
    assert done.status is Status.SUCCEEDED


def test_an_old_result_expires_with_its_object_and_the_row_stays(bench: Bench) -> None:
    done = bench.attempt(accept(bench.reports).report)
    assert done.object_key is not None
    bench.database.execute("UPDATE reports SET expires_at = UTC_TIMESTAMP(6) - INTERVAL 1 SECOND")
    assert bench.recovery().run(seconds_left=30).expired == 1
    after = bench.reports.get(done.id)
    assert (after.status, after.object_key) == (Status.EXPIRED, None)
    assert bench.store.exists(done.object_key) is None


def test_a_dead_letter_fails_its_report_and_is_kept_once(bench: Bench, database: Database) -> None:
    report = accept(bench.reports).report
    letters = DeadLetters(database=database, reports=bench.reports, snapshots=bench.snapshots)
    body = ReportMessage(report_id=report.id, attempt=1, traceparent=PARENT).to_json()
    for _ in range(2):
        letters.take(message_id="ID:1", queue=f"DLQ.{QUEUE}", body=body)
    after = bench.reports.get(report.id)
    assert (after.status, after.error and after.error["code"]) == (Status.FAILED, "dead_letter")
    assert database.query("SELECT queue, body, redriven_at FROM dead_letters") == (
        (f"DLQ.{QUEUE}", body, None),
    )


def test_a_dead_letter_that_was_sent_twice_is_kept_once_by_two_functions_at_once(
    bench: Bench, database: Database, connect: Connect
) -> None:
    for number in range(10):
        report = accept(bench.reports).report
        body = ReportMessage(report_id=report.id, attempt=1, traceparent=PARENT).to_json()
        start = threading.Barrier(4)

        def take(copy: int, body: str = body, number: int = number, start: threading.Barrier = start) -> None:
            own = Database(connect)
            reports = Reports(own)
            snapshots = Snapshots(reports=reports, cache=NoCache())
            letters = DeadLetters(database=own, reports=reports, snapshots=snapshots)
            try:
                reports.check()
                start.wait(timeout=30)
                # The broker gave the two copies ids of their own, and delivered each of them twice.
                letters.take(message_id=f"ID:{number}:{copy % 2}", queue=f"DLQ.{QUEUE}", body=body)
            finally:
                own.close()

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(take, range(4)))
        assert bench.reports.get(report.id).status is Status.FAILED
        kept = database.query("SELECT COUNT(*) FROM dead_letters WHERE report_id = %s", (report.id,))
        assert kept == ((1,),)


def test_a_dead_letter_of_an_attempt_that_is_under_way_changes_nothing(
    bench: Bench, database: Database
) -> None:
    claim = claimed(bench.reports)
    letters = DeadLetters(database=database, reports=bench.reports, snapshots=bench.snapshots)
    body = ReportMessage(report_id=claim.id, attempt=1, traceparent=PARENT).to_json()
    letters.take(message_id="ID:2", queue=f"DLQ.{QUEUE}", body=body)
    assert bench.reports.get(claim.id) == claim


def beating(bench: Bench, claim: Report, connect: Connect, *, interval: float = 0.05) -> Heartbeat:
    """The heartbeat of a lease of one minute."""
    return Heartbeat(
        claim,
        database=Database(connect),
        snapshots=bench.snapshots,
        lease_seconds=60,
        deadline=float("inf"),
        abandon=bench.abandoned.set,
        interval=interval,
    )


#: Whether a lease of one minute was renewed not long ago.
LONGER = "SELECT lease_until > UTC_TIMESTAMP(6) + INTERVAL 30 SECOND FROM reports"


def pass_time(bench: Bench, heartbeat: Heartbeat, *, seconds: int) -> None:
    """Let so many seconds of a lease pass at once, for the database and for the worker that holds it."""
    bench.database.execute("UPDATE reports SET lease_until = lease_until - INTERVAL %s SECOND", (seconds,))
    heartbeat._renewed_at -= seconds


def test_a_heartbeat_keeps_a_lease_that_is_shorter_than_the_work(bench: Bench, connect: Connect) -> None:
    claim = claimed(bench.reports, lease_seconds=60)
    heartbeat = beating(bench, claim, connect)

    with heartbeat:
        for _ in range(4):
            pass_time(bench, heartbeat, seconds=40)
            eventually(lambda: bench.database.query(LONGER) == ((1,),), what="a longer lease")
            assert not bench.reports.lease_is_lost(claim.id, claim.fencing_token)
    assert not bench.abandoned.is_set()


def test_a_worker_that_can_not_renew_is_woken_before_its_lease_ends(bench: Bench) -> None:
    def unreachable() -> Any:
        raise ConnectionRefusedError

    claim = claimed(bench.reports, lease_seconds=60)
    woken = threading.Event()
    heartbeat = beating(bench, claim, unreachable)
    with heartbeat:
        heartbeat.on_interrupt(woken.set)
        pass_time(bench, heartbeat, seconds=43)
        assert woken.wait(timeout=60)
        assert not bench.reports.lease_is_lost(claim.id, claim.fencing_token), "the lease still holds"
        pass_time(bench, heartbeat, seconds=12)
        assert bench.abandoned.wait(timeout=60), "work that does not stop takes its process along"


def test_a_heartbeat_outlives_whatever_its_connection_raises(bench: Bench, connect: Connect) -> None:
    """As a password that is being rotated, or the store of secrets that does not answer just then."""
    claim = claimed(bench.reports, lease_seconds=60)
    tries = iter([SecretsUnavailable("away"), RuntimeError("a fault of its own")])

    def late() -> Any:
        if (error := next(tries, None)) is not None:
            raise error
        return connect()

    heartbeat = beating(bench, claim, late)
    with heartbeat:
        pass_time(bench, heartbeat, seconds=40)
        eventually(lambda: bench.database.query(LONGER) == ((1,),), what="a longer lease")
    assert next(tries, None) is None


def test_work_stops_before_its_lease_ends_while_the_database_keeps_the_heartbeat_waiting(
    bench: Bench, connect: Connect
) -> None:
    claim = claimed(bench.reports, lease_seconds=60)
    asked, answered = threading.Event(), threading.Event()

    def hanging() -> Any:
        asked.set()
        answered.wait(timeout=60)
        return connect()

    heartbeat = beating(bench, claim, hanging)
    with heartbeat:
        assert asked.wait(timeout=60)
        heartbeat.check()
        pass_time(bench, heartbeat, seconds=55)
        with pytest.raises(LeaseLost):
            heartbeat.check()
        assert not bench.reports.lease_is_lost(claim.id, claim.fencing_token), "the lease still holds"
        answered.set()


def test_two_relays_at_once_take_a_lost_lease_up_once(bench: Bench, connect: Connect) -> None:
    claims = [claimed(bench.reports, lease_seconds=-1, max_attempts=1) for _ in range(10)]
    start = threading.Barrier(2)
    failures: list[BaseException] = []

    def run() -> None:
        own = Database(connect)
        relay = Recovery(
            reports=Reports(own),
            outbox=Outbox(own),
            dispatcher=bench.dispatcher,
            snapshots=bench.snapshots,
            store=bench.store,
            discards=Discards(own),
            backoff=BACKOFF,
            resend_seconds=900,
        )
        start.wait(timeout=30)
        try:
            relay.run(seconds_left=30)
        except TransientError as error:
            failures.append(error)
        finally:
            own.close()

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert failures == []
    assert {bench.reports.get(claim.id).status for claim in claims} == {Status.FAILED}
    marks = ", ".join(f"'{claim.id}'" for claim in claims)
    [[letters]] = bench.database.query(
        f"SELECT COUNT(*) FROM outbox WHERE queue LIKE 'DLQ.%%' AND report_id IN ({marks})"
    )
    assert letters == len(claims)


class _NoBroker:
    """Takes every message and delivers none."""

    def publish_many(self, messages: Any) -> list[None]:
        return [None for _ in messages]


_NO_BROKER: Any = _NoBroker()


@pytest.mark.parametrize("limit", [1, 100, 250], ids=lambda limit: f"{limit} bytes")
def test_d05_what_a_broker_takes_for_too_large_stays_in_the_outbox(
    limit: int, bench: Bench, tmp_path: Path
) -> None:
    """As ActiveMQ has it: an ERROR without a receipt, and the connection is closed."""

    def small(session: Session, frame: Frame) -> None:
        if frame.command == "SEND" and len(frame.raw) > limit:
            session.answer("ERROR", message="The maximum frame size was exceeded")
            raise Hangup
        confirming(session, frame)

    with StompServer(small, folder=tmp_path) as server:
        broker = StompBroker(
            endpoints=parse_endpoints(f"stomp://127.0.0.1:{server.port}", allow_plain=True),
            username=USERNAME,
            password=PASSWORD,
            receipt_timeout=5.0,
        )
        accepted = accept(bench.reports)
        assert Dispatcher(broker=broker, outbox=Outbox(bench.database)).send(accepted.outgoing) == 0
        broker.close()
        assert all(len(frame.raw) < 4096 for frame in server.frames)
    assert bench.database.query("SELECT sent_at FROM outbox") == ((None,),)
    assert [row.report_id for row in Outbox(bench.database).take_due(limit=10)] == [accepted.report.id]


def test_c06_no_lock_is_held_and_all_is_stored_while_the_broker_is_talked_to(
    bench: Bench, mariadb_server: MariaDbServer
) -> None:
    [[schema]] = bench.database.query("SELECT DATABASE()")
    seen: list[str] = []

    class Looking(_NoBroker):
        def publish_many(self, messages: Any) -> list[None]:
            for message in messages:
                [[status]] = mariadb_server.execute(
                    f"SELECT status FROM reports WHERE id = '{message.correlation_id}' FOR UPDATE NOWAIT",
                    database=str(schema),
                )
                seen.append(str(status))
            return [None for _ in messages]

    looking: Any = Looking()
    bench.dispatcher = Dispatcher(broker=looking, outbox=Outbox(bench.database))
    accepted = accept(bench.reports, **LEDGER)
    bench.dispatcher.send(accepted.outgoing)

    def away(_: Rows) -> Iterator[Batch]:
        raise SourceUnavailable("The source database did not answer.")
        yield []

    bench.rows = Rows(away)
    for number in (1, 2, 3):
        bench.attempt(accepted.report, number=number)
    assert seen == ["queued", "retrying", "retrying", "failed"]


_MORTAL = """
import os, sys
from pathlib import Path
from reporting.cache import NoCache
from reporting.database import Database, connector
from reporting.dispatch import Dispatcher
from reporting.execution import Execution, Limits
from reporting.messages import ReportMessage
from reporting.outbox import Outbox
from reporting.report_types import load_report_types
from reporting.repository import Reports
from reporting.retries import Backoff
from reporting.snapshots import Snapshots
_, port, schema, types, body = sys.argv
connect = connector(
    host="127.0.0.1", port=int(port), name=schema, user="prensa", password="of-a-test", ca_file=None
)
database = Database(connect)
reports = Reports(database)

def deadly(*_, **__):
    os.kill(os.getpid(), 9)

Execution(
    reports=reports,
    dispatcher=Dispatcher(broker=None, outbox=Outbox(database)),
    snapshots=Snapshots(reports=reports, cache=NoCache()),
    store=None,
    catalogue=load_report_types(Path(types)),
    open_source=deadly,
    heartbeat_database=lambda: Database(connect),
    abandon=deadly,
    limits=Limits(lease_seconds=60, result_days=7, backoff=Backoff(base_seconds=0.01, cap_seconds=0.02)),
).process(ReportMessage.from_json(body), seconds_left=800)
"""


def test_c08_a_report_that_kills_each_worker_is_failed_after_its_attempts(
    bench: Bench, mariadb_server: MariaDbServer
) -> None:
    """Case D11 too: nobody says how often a message was delivered, the row counts the attempts."""
    [[schema]] = bench.database.query("SELECT DATABASE()")
    report = accept(bench.reports, **LEDGER, queue="open.deadly").report
    types = Path(__file__).parents[3] / "report_types"

    def deliver(number: int) -> int:
        body = ReportMessage(report_id=report.id, attempt=number, traceparent=PARENT).to_json()
        done = subprocess.run(
            [sys.executable, "-c", _MORTAL, str(mariadb_server.port), str(schema), str(types), body],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
            check=False,
            timeout=90,
        )
        return done.returncode

    for number in (1, 2, 3):
        assert deliver(number) == -signal.SIGKILL
        held = bench.reports.get(report.id)
        assert (held.status, held.attempt) == (Status.RUNNING, number), "counted before the work began"
        # The broker delivers again what was not acknowledged, as often as it likes.
        for _ in range(10):
            bench.attempt(report, number=number)
        assert bench.reports.get(report.id) == held
        other = bench.attempt(accept(bench.reports).report)
        assert other.status is Status.SUCCEEDED, "the others go on"
        bench.database.execute(
            "UPDATE reports SET lease_until = UTC_TIMESTAMP(6) - INTERVAL 1 SECOND WHERE id = %s",
            (report.id,),
        )
        assert bench.recovery().run(seconds_left=30).leases == 1
    after = bench.reports.get(report.id)
    assert (after.status, after.attempt, after.lease_until) == (Status.FAILED, 3, None)
    assert after.error is not None
    assert after.error["code"] == "max_attempts"
    assert bench.opened == 0


def test_c19_progress_of_every_row_is_written_once_an_interval(bench: Bench, connect: Connect) -> None:
    assert INTERVAL_SECONDS == 1.0
    claim = claimed(bench.reports)
    interval = 0.1
    started = time.monotonic()
    with beating(bench, claim, connect, interval=interval) as heartbeat:
        for row in range(1, 100_001):
            heartbeat.progress(row)
    most = (time.monotonic() - started) / interval + 1
    assert bench.reports.get(claim.id).version - claim.version <= most


@pytest.fixture
def deliver(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Calls the worker's handler with messages as the event source mapping of Amazon MQ puts them."""
    worker = Worker(
        settings=WorkerSettings.model_construct(database_wait_seconds=0.0),
        execution=bench.execution(),
        dead_letters=DeadLetters(database=bench.database, reports=bench.reports, snapshots=bench.snapshots),
    )
    monkeypatch.setattr(worker_handler, "bootstrap", lambda: worker)
    monkeypatch.setattr(metrics, "namespace", "test")

    def call(*messages: object) -> None:
        worker_handler.handler({"eventSource": "aws:mq", "messages": list(messages)}, _Call())

    return call


class _Call(LambdaContext):
    _function_name = "worker"
    _memory_limit_in_mb = 512
    _invoked_function_arn = "arn:aws:lambda:us-east-1:000000000000:function:worker"
    _aws_request_id = "00000000-0000-0000-0000-000000000000"

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        return 800_000


def encoded(body: str) -> str:
    return base64.b64encode(body.encode()).decode()


def asking_for(report: Report) -> str:
    return encoded(ReportMessage(report_id=report.id, attempt=1, traceparent=PARENT).to_json())


_UNKNOWN = ReportMessage(report_id="0190f5fe-7c00-7a00-8000-000000000000", attempt=1, traceparent=PARENT)


# A delivery that changes nothing counts nothing.
@pytest.mark.filterwarnings("ignore:No application metrics")
@pytest.mark.parametrize(
    ("bad", "kept"),
    [
        ({"messageID": "2", "data": encoded("not json")}, "not json"),
        ({"messageID": "2", "data": "%%% not base64 %%%"}, "%%% not base64 %%%"),
        ({"messageID": "2", "data": encoded("")}, ""),
        ({"messageID": "2", "data": base64.b64encode(b"\xff\x00").decode()}, "\\xff\x00"),
        ({"messageID": "2", "data": None}, "null"),
        ({"messageID": "2", "data": 5}, "5"),
        ({"messageID": "2"}, '{"messageID": "2"}'),
        ({"data": encoded("no id")}, "no id"),
        ({"messageID": None, "destination": None, "data": encoded("no id")}, "no id"),
        ({"messageID": "x" * 300, "destination": {}, "data": encoded("long id")}, "long id"),
        ({"messageID": "2", "destination": {"physicalName": "q" * 300}, "data": encoded("x")}, "x"),
        ({"messageID": "\ud800", "data": "\ud800"}, "\\ud800"),
        (None, "null"),
        ("text", '"text"'),
        (
            {"messageID": "2", "data": encoded(_UNKNOWN.to_json().replace(PARENT, "no trace"))},
            _UNKNOWN.to_json().replace(PARENT, "no trace"),
        ),
        ({"messageID": "2", "data": encoded(_UNKNOWN.to_json())}, _UNKNOWN.to_json()),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_d14_one_bad_message_of_several_is_put_aside_and_the_others_are_made_once(
    bad: object, kept: str, bench: Bench, deliver: Callable[..., None], database: Database
) -> None:
    bench.rows = Rows(lambda _: iter([[["x"] * width()]]))
    first, last = (accept(bench.reports, **LEDGER).report for _ in range(2))
    for _ in range(2):
        deliver(
            {"messageID": "1", "messageType": "jms/text-message", "data": asking_for(first)},
            bad,
            {"messageID": "3", "messageType": "jms/text-message", "data": asking_for(last)},
        )
    assert bench.opened == 2
    for report in (first, last):
        after = bench.reports.get(report.id)
        assert (after.status, after.attempt) == (Status.SUCCEEDED, 1)
    assert database.query("SELECT body FROM dead_letters") == ((kept,),)


# A delivery that changes nothing counts nothing.
@pytest.mark.filterwarnings("ignore:No application metrics")
@pytest.mark.parametrize("kind", ["jms/text-message", "jms/bytes-message"])
def test_d03_a_text_and_a_bytes_message_say_the_same(
    kind: str, bench: Bench, deliver: Callable[..., None], database: Database
) -> None:
    report = accept(bench.reports).report
    message = json.loads(ReportMessage(report_id=report.id, attempt=1, traceparent=PARENT).to_json())
    body = json.dumps({**message, "title": "Relatório 😀"}, ensure_ascii=False)
    deliver({"messageID": "1", "messageType": kind, "data": encoded(body)})
    assert bench.reports.get(report.id).status is Status.SUCCEEDED
    deliver({"messageID": "2", "messageType": kind, "data": encoded("Relatório 😀")})
    assert database.query("SELECT body FROM dead_letters") == (("Relatório 😀",),)
