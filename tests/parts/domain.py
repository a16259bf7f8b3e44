"""Prensa's own tables on a real MariaDB, in a schema of their own for each test module."""

import secrets
from collections.abc import Iterator

import pytest

from migrator.migrate import migrate
from reporting.database import Connect, Database, connector
from reporting.followups import next_attempt
from reporting.idempotency import IdempotencyKey
from reporting.identifiers import new_report_id
from reporting.lanes import message_priority
from reporting.messages import ReportMessage
from reporting.outbox import Outbox, OutboxMessage
from reporting.report import Report
from reporting.repository import Accepted, Changed, NewReport, Reports
from tests.parts.mariadb import MariaDbServer

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
QUEUE = "open.reports-interactive-0"
#: Why an attempt failed, when that is not what a test is about.
ERROR: dict[str, object] = {"code": "source_unavailable", "title": "X", "detail": "x", "retryable": True}


@pytest.fixture(scope="module")
def connect(mariadb_server: MariaDbServer) -> Iterator[Connect]:
    """Connects to a fresh, migrated schema."""
    schema = f"prensa_{secrets.token_hex(4)}"
    mariadb_server.execute(
        f"CREATE DATABASE {schema} CHARACTER SET utf8mb4",
        "CREATE USER IF NOT EXISTS prensa@localhost IDENTIFIED BY 'of-a-test'",
        "CREATE USER IF NOT EXISTS prensa@'127.0.0.1' IDENTIFIED BY 'of-a-test'",
        f"GRANT ALL ON {schema}.* TO prensa@localhost",
        f"GRANT ALL ON {schema}.* TO prensa@'127.0.0.1'",
    )
    connect = connector(
        host=mariadb_server.host,
        port=mariadb_server.port,
        name=schema,
        user="prensa",
        password="of-a-test",
        ca_file=None,
    )
    migrate(connect)
    yield connect
    mariadb_server.execute(f"DROP DATABASE {schema}")


@pytest.fixture
def database(connect: Connect) -> Iterator[Database]:
    """A database whose tables are empty."""
    database = Database(connect)
    for table in (
        "reports",
        "attempts",
        "outbox",
        "idempotency_keys",
        "dead_letters",
        "datasets",
        "window_entries",
        "tenant_lanes",
        "tenant_rates",
        "discarded_objects",
    ):
        database.execute(f"DELETE FROM {table}")
    yield database
    database.close()


@pytest.fixture
def reports(database: Database) -> Reports:
    return Reports(database)


@pytest.fixture
def outbox(database: Database) -> Outbox:
    return Outbox(database)


def new_report(**changes: object) -> NewReport:
    """A report of an inline table, as the API stores it."""
    values: dict[str, object] = {
        "id": new_report_id(),
        "tenant": "acme",
        "report_type": None,
        "format": "csv",
        "priority": "normal",
        "lane": "interactive",
        "queue": QUEUE,
        "request": {
            "table": {"title": "Clientes 🫠 São", "columns": [{"key": "a"}]},
            "format": "csv",
            "locale": "en",
            "timezone": "UTC",
            "priority": "normal",
            "on_overflow": "split",
            "on_bad_value": "warn",
        },
        "inline_rows": '[["01"],["02"]]',
        "input_key": None,
        "rows_total": 2,
        "max_attempts": 3,
        "traceparent": PARENT,
    }
    return NewReport(**{**values, **changes})  # type: ignore[arg-type]


def first_message(new: NewReport) -> OutboxMessage:
    message = ReportMessage(report_id=new.id, attempt=1, traceparent=new.traceparent)
    return OutboxMessage(queue=new.queue, priority=message_priority(new.priority), message=message)


def accept(reports: Reports, **changes: object) -> Accepted:
    new = new_report(**changes)
    return reports.accept(new, first_message(new), key=None)


def accept_with_key(reports: Reports, key: str) -> Accepted:
    new = new_report()
    bound = IdempotencyKey(tenant=new.tenant, key=key, body_hash="0" * 64)
    return reports.accept(new, first_message(new), key=bound)


def claimed(reports: Reports, *, lease_seconds: int = 60, **changes: object) -> Report:
    """A report that a worker has just claimed."""
    report = accept(reports, **changes).report
    claim = reports.claim(report.id, attempt=1, object_token="t" * 32, lease_seconds=lease_seconds)
    assert claim is not None
    return claim


def retried(reports: Reports, claim: Report, *, delay_seconds: int = 0) -> Changed:
    """The claim fails and the report waits for its next attempt."""
    return reports.retry(
        claim.id,
        fencing_token=claim.fencing_token,
        error=ERROR,
        delay_seconds=delay_seconds,
        message=next_attempt(claim, delay_seconds=delay_seconds),
    )
