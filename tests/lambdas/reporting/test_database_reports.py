"""Reports of a database: from the rows of a real server to the cells of a file in a real store."""

import csv
import io
import json
import threading
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pypdf
import pytest

from reporting.cache import NoCache
from reporting.database import Connect, Database
from reporting.dispatch import Dispatcher
from reporting.execution import Execution, Limits
from reporting.messages import ReportMessage
from reporting.outbox import Outbox
from reporting.report import Report
from reporting.report_types import load_report_types
from reporting.repository import Reports
from reporting.retries import Backoff
from reporting.settings import SourceSettings
from reporting.snapshots import Snapshots
from reporting.sources import SourceOpener
from reporting.sql_source import SqlSource
from reporting.states import Status
from reporting.storage import S3ResultStore
from tests.parts.brokers import ConfirmingBroker
from tests.parts.domain import PARENT, accept, connect, database, new_report
from tests.parts.mariadb import MariaDbServer, mariadb_server
from tests.parts.object_store import ObjectStore
from tests.parts.processes import eventually

__all__ = ["connect", "database", "mariadb_server"]

READER = "report_reader"
_PASSWORD = "reader-password"


class Secret:
    """The secret of the read-only user."""

    def text(self, arn: str) -> str:
        raise NotImplementedError

    def json(self, arn: str) -> dict[str, str]:
        return {"username": READER, "password": _PASSWORD}

    def refresh(self, arn: str) -> None:
        """It is never rotated."""


class Service:
    """A worker for one report type: ``columns`` as ``key:type`` and its SQL."""

    def __init__(
        self,
        *,
        database: Database,
        connect: Connect,
        store: S3ResultStore,
        object_store: ObjectStore,
        server: MariaDbServer,
        folder: Path,
    ) -> None:
        self.database = database
        self.reports = Reports(database)
        self.store = store
        self._connect = connect
        self._object_store = object_store
        self._server = server
        self._folder = folder

    def make(self, columns: str, sql: str, **more: Any) -> Report:
        """A report that was asked for and carried out."""
        report = self.ask(columns, sql, **more)
        self.carry_out(report)
        return self.reports.get(report.id)

    def ask(
        self,
        columns: str,
        sql: str,
        *,
        wanted: str = "csv",
        zone: str = "UTC",
        parameters: dict[str, Any] | None = None,
        schema: dict[str, Any] | None = None,
        timeout: int = 60,
        title: str = "Made",
    ) -> Report:
        declared = [dict(zip(("key", "type"), column.split(":"), strict=True)) for column in columns.split()]
        definition = {
            "name": "made",
            "title": title,
            "description": "Of a test.",
            "parameters": {"properties": schema or {}},
            "columns": declared,
            "source": {"sql": "made.sql", "timeout_seconds": timeout},
        }
        # JSON is YAML.
        (self._folder / "made.yaml").write_text(json.dumps(definition, ensure_ascii=False), encoding="utf-8")
        (self._folder / "made.sql").write_text(sql, encoding="utf-8")
        request = {
            **new_report().request,
            "report_type": "made",
            "parameters": parameters or {},
            "format": wanted,
            "timezone": zone,
        }
        return accept(
            self.reports,
            report_type="made",
            inline_rows=None,
            rows_total=None,
            format=wanted,
            request=request,
        ).report

    def carry_out(self, report: Report, *, longest: int = 600) -> None:
        catalogue = load_report_types(self._folder)
        settings = SourceSettings(
            source_host=self._server.host,
            source_port=self._server.port,
            source_name="report_source",
            source_secret_arn="s",
            source_ca_file=str(self._server.ca_file),
            statement_timeout_seconds=longest,
            report_types_path=str(self._folder),
        )
        Execution(
            reports=self.reports,
            dispatcher=Dispatcher(broker=ConfirmingBroker(), outbox=Outbox(self.database)),
            snapshots=Snapshots(reports=self.reports, cache=NoCache()),
            store=self.store,
            catalogue=catalogue,
            open_source=SourceOpener(settings=settings, secrets=Secret(), catalogue=catalogue),
            heartbeat_database=lambda: Database(self._connect),
            abandon=lambda: None,
            limits=Limits(
                lease_seconds=60, result_days=7, backoff=Backoff(base_seconds=0.01, cap_seconds=0.02)
            ),
        ).process(
            ReportMessage(report_id=report.id, attempt=1, traceparent=PARENT),
            seconds_left=120,
        )

    def file(self, report: Report) -> bytes:
        assert report.status is Status.SUCCEEDED, report.error
        assert report.object_key is not None
        return self.store.get_input(report.object_key)

    def rows(self, report: Report) -> list[list[str]]:
        """The rows of a CSV, without its header."""
        text = self.file(report).decode("utf-8-sig")
        return list(csv.reader(io.StringIO(text, newline="")))[1:]

    def cells(self, report: Report) -> list[list[Any]]:
        """The cells of a workbook below its header."""
        sheet = openpyxl.load_workbook(io.BytesIO(self.file(report))).worksheets[0]
        rows = [list(row) for row in sheet.iter_rows()]
        header = next(place for place, row in enumerate(rows) if row[0].font.b)
        return rows[header + 1 :]

    def left_behind(self) -> list[str]:
        """Keys of objects and of unfinished uploads."""
        s3, bucket = self._object_store.s3(), self.store._bucket
        found = s3.list_objects_v2(Bucket=bucket, Prefix="results/").get("Contents", [])
        unfinished = s3.list_multipart_uploads(Bucket=bucket).get("Uploads", [])
        return [item["Key"] for item in [*found, *unfinished]]

    def connections(self) -> Sequence[object]:
        """Those of the read-only user."""
        return self._server.execute(f"SELECT id FROM information_schema.processlist WHERE user = '{READER}'")


@pytest.fixture(scope="module")
def source(mariadb_server: MariaDbServer) -> MariaDbServer:
    users = [f"{READER}@localhost", f"{READER}@127.0.0.1"]
    mariadb_server.execute(
        "CREATE OR REPLACE DATABASE report_source CHARACTER SET utf8mb4",
        *[f"CREATE OR REPLACE USER {user} IDENTIFIED BY '{_PASSWORD}' REQUIRE SSL" for user in users],
        *[f"GRANT SELECT ON report_source.* TO {user}" for user in users],
    )
    return mariadb_server


@pytest.fixture
def service(  # noqa: PLR0917 - fixtures
    database: Database,
    connect: Connect,
    store: S3ResultStore,
    object_store: ObjectStore,
    source: MariaDbServer,
    tmp_path: Path,
) -> Service:
    made = Service(
        database=database,
        connect=connect,
        store=store,
        object_store=object_store,
        server=source,
        folder=tmp_path,
    )
    s3 = object_store.s3()
    for entry in s3.list_objects_v2(Bucket=store._bucket).get("Contents", []):
        s3.delete_object(Bucket=store._bucket, Key=entry["Key"])
    return made


# --- all rows or none -----------------------------------------------------------------------------------


def test_every_row_is_in_the_file_while_progress_is_written_beside_the_stream(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Case E05: what is written of a report's progress has a connection of its own."""
    report = service.ask("id:integer", "SELECT seq AS id FROM seq_1_to_10000")
    batches = SqlSource._batches

    def held_up(source: SqlSource) -> Iterator[list[Any]]:
        """The rows, of which the last ones come once it is written that the first ones are done."""
        stream = batches(source)
        yield next(stream)
        yield next(stream)
        eventually(lambda: service.reports.get(report.id).rows_done > 0, what="progress")
        yield from stream

    monkeypatch.setattr(SqlSource, "_batches", held_up)
    service.carry_out(report)
    done = service.reports.get(report.id)
    assert done.result is not None
    assert done.result["row_count"] == 10_000
    assert [row[0] for row in service.rows(done)] == [str(number) for number in range(1, 10_001)]
    # Accepted, claimed and published are three versions: the others are progress.
    assert done.version > 3


def test_a_cancelled_report_drops_its_connection_without_reading_the_rest(service: Service) -> None:
    """Case E05."""
    report = service.ask(
        "t:string s:integer",
        "SELECT REPEAT('x', 500) AS t, SLEEP(0.01) AS s FROM seq_1_to_10000",
        timeout=300,
    )

    def work() -> None:
        service.carry_out(report)
        service.database.close()

    worker = threading.Thread(target=work)
    worker.start()
    eventually(lambda: bool(service.connections()), seconds=60, what="the query")
    service.reports.cancel(report.id)
    worker.join(timeout=50)
    assert not worker.is_alive(), "100 seconds of rows were read"
    eventually(lambda: not service.connections(), seconds=30, what="the end of the connection")
    ended = service.reports.get(report.id)
    assert (ended.status, ended.result) == (Status.CANCELLED, None)
    assert service.left_behind() == []


def test_a_query_that_its_limit_ends_in_the_middle_leaves_nothing(service: Service) -> None:
    """Case E06: 10 MB have come by then, and a part of them has been uploaded."""
    sql = (
        "SELECT seq AS id, REPEAT('x', 2000) AS t, SLEEP(IF(seq > 5000, 0.001, 0)) AS s FROM seq_1_to_100000"
    )
    ended = service.make("id:integer t:string s:integer", sql, timeout=2)
    assert (ended.status, ended.attempt, ended.object_key) == (Status.FAILED, 1, None)
    assert ended.error is not None
    assert (ended.error["code"], ended.error["retryable"]) == ("query_timeout", False)
    assert service.left_behind() == []


def test_a_report_type_can_not_lengthen_the_limit_of_the_environment(service: Service) -> None:
    sql = "SELECT seq AS id, SLEEP(0.01) AS s FROM seq_1_to_2000"
    report = service.ask("id:integer s:integer", sql, timeout=100)
    service.carry_out(report, longest=1)
    ended = service.reports.get(report.id)
    assert ended.error is not None
    assert ended.error["code"] == "query_timeout"


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT SLEEP(100000) AS a",
        "SELECT BENCHMARK(1000000000000, SHA2('a', 512)) AS a",
        "SELECT COUNT(*) AS a FROM seq_1_to_100000000 AS x JOIN seq_1_to_100000000 AS y",
    ],
)
def test_a_query_without_an_end_is_stopped_by_its_limit(service: Service, sql: str) -> None:
    """Case E17."""
    ended = service.make("a:integer", sql, timeout=1)
    assert ended.error is not None
    assert ended.error["code"] == "query_timeout"


# --- values ---------------------------------------------------------------------------------------------

IMPOSSIBLE = ["0000-00-00", "2016-00-00", "2016-05-00", "0000-05-01", "2023-02-30", "2024-04-31"]


@pytest.fixture
def dates(source: MariaDbServer) -> int:
    """A table with each impossible date as DATE, DATETIME and TIMESTAMP; returns how many there are."""
    values = ", ".join(
        f"({place}, '{day}', '{day} 10:20:30', NULL)" for place, day in enumerate(IMPOSSIBLE, 1)
    )
    source.execute(
        "SET sql_mode = 'ALLOW_INVALID_DATES'",
        "CREATE OR REPLACE TABLE report_source.dates"
        " (id INT PRIMARY KEY, d DATE, m DATETIME, t TIMESTAMP NULL)",
        f"INSERT INTO report_source.dates VALUES {values}",
        "UPDATE report_source.dates SET t = '0000-00-00 00:00:00', m = '0000-00-00 00:00:00' WHERE id = 1",
        "INSERT INTO report_source.dates VALUES (98, '2024-02-29', '2024-02-29 12:00:00', NULL),"
        " (99, NULL, NULL, NULL)",
    )
    return len(IMPOSSIBLE)


DATES = ("d:date m:datetime t:datetime", "SELECT d, m, t FROM dates ORDER BY id")


def test_dates_that_no_calendar_has_are_text_and_counted_in_a_workbook(service: Service, dates: int) -> None:
    """Case E10."""
    done = service.make(*DATES, wanted="xlsx", zone="America/Sao_Paulo")
    found = service.cells(done)
    assert [(row[0].value, row[0].data_type) for row in found[:dates]] == [(day, "s") for day in IMPOSSIBLE]
    assert [row[1].value for row in found[:dates]] == [
        "0000-00-00 00:00:00",
        *[f"{day} 10:20:30" for day in IMPOSSIBLE[1:]],
    ]
    assert found[0][2].value == "0000-00-00 00:00:00"
    assert [cell.value for cell in found[dates]] == [datetime(2024, 2, 29), datetime(2024, 2, 29, 9), None]
    assert found[dates][0].is_date
    assert not [cell.value for row in found[dates + 1 :] for cell in row if cell.value is not None]
    assert done.result is not None
    assert done.result["row_count"] == dates + 2
    assert counted(done) == {"d": dates, "m": dates, "t": 1}


def test_dates_that_no_calendar_has_read_the_same_in_a_pdf_and_a_csv(service: Service, dates: int) -> None:
    """Case E10."""
    pdf = service.make(*DATES, wanted="pdf")
    text = "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(service.file(pdf))).pages)
    assert all(day in text for day in IMPOSSIBLE)
    made = service.make(*DATES)
    assert [row[0] for row in service.rows(made)] == [*IMPOSSIBLE, "2024-02-29", ""]
    assert counted(pdf) == counted(made) == {"d": dates, "m": dates, "t": 1}


def counted(report: Report) -> dict[str, int]:
    """The number of bad values of each column; there are no other warnings."""
    assert report.result is not None
    assert {warning["kind"] for warning in report.result["warnings"]} <= {"bad_value"}
    return {warning["column"]: warning["count"] for warning in report.result["warnings"]}


TYPES = (
    "time1:duration time2:duration bit1:boolean bit16:integer doc:string bin:string y:integer"
    " big:integer dec30:decimal flag:integer yes:boolean",
    "SELECT *, flag AS yes FROM types",
)


def test_values_of_every_type_are_in_their_cells(service: Service, source: MariaDbServer) -> None:
    """Case E11."""
    source.execute(
        "CREATE OR REPLACE TABLE report_source.types (time1 TIME, time2 TIME, bit1 BIT(1), bit16 BIT(16),"
        " doc JSON, bin VARBINARY(4), y YEAR, big BIGINT UNSIGNED, dec30 DECIMAL(30, 10), flag TINYINT(1))",
        "INSERT INTO report_source.types VALUES ('-838:59:59', '25:06:17', b'1', 258, '{\"a\":1}', X'00FF',"
        " 2024, 18446744073709551615, 0.1, 1)",
    )
    made = service.make(*TYPES, wanted="xlsx")
    (cells,) = service.cells(made)
    assert [cell.value for cell in cells] == [
        "-838:59:59",
        timedelta(hours=25, minutes=6, seconds=17),
        True,
        258,
        '{"a":1}',
        "0x00FF",
        2024,
        "18446744073709551615",
        0.1,
        1,
        True,
    ]
    assert cells[1].number_format == "[h]:mm:ss"
    assert cells[6].number_format in {"0", "General"}, "a year has no thousands"
    (row,) = service.rows(service.make(*TYPES))
    assert row == [
        *["-838:59:59", "25:06:17", "true", "258", '{"a":1}', "0x00FF"],
        *["2024", "18446744073709551615", "0.1000000000", "1", "true"],
    ]


@pytest.fixture(params=["-03:00", "+00:00", "SYSTEM"])
def server_zone(request: pytest.FixtureRequest, source: MariaDbServer) -> Iterator[str]:
    """The zone of the server, for new connections."""
    [[before]] = source.execute("SELECT @@GLOBAL.time_zone")
    source.execute(f"SET GLOBAL time_zone = '{request.param}'")
    yield request.param
    source.execute(f"SET GLOBAL time_zone = '{before}'")


@pytest.mark.usefixtures("server_zone")
def test_a_timestamp_is_on_the_reports_clock_whatever_the_servers_zone(
    service: Service, source: MariaDbServer
) -> None:
    """Case E16."""
    source.execute(
        "SET time_zone = '+00:00'",
        "CREATE OR REPLACE TABLE report_source.moments (t TIMESTAMP)",
        "INSERT INTO report_source.moments VALUES ('2026-07-01 03:00:00')",
    )
    done = service.make("t:datetime", "SELECT t FROM moments", wanted="xlsx", zone="America/Sao_Paulo")
    assert [[cell.value for cell in row] for row in service.cells(done)] == [[datetime(2026, 7, 1)]]


def test_characters_of_four_bytes_come_back_from_title_filter_and_rows(
    service: Service, source: MariaDbServer
) -> None:
    """Case E12."""
    source.execute(
        "SET NAMES utf8mb4",
        "CREATE OR REPLACE TABLE report_source.names (n VARCHAR(20))",
        "INSERT INTO report_source.names VALUES ('x😀y'), ('x🫠y'), ('x?y')",
    )
    done = service.make(
        "n:string",
        "SELECT n FROM names WHERE CAST(n AS BINARY) = CAST(:f AS BINARY)",
        title="Vendas 🫠 São",
        schema={"f": {"type": "string"}},
        parameters={"f": "x😀y"},
    )
    assert service.rows(done) == [["x😀y"]]
    assert done.result is not None
    assert done.result["filename"] == "Vendas 🫠 São.csv"
    assert done.request["parameters"] == {"f": "x😀y"}


# --- SQL ------------------------------------------------------------------------------------------------

PERCENT: list[tuple[str, str]] = [
    ("SELECT DATE_FORMAT('2024-05-06', '%Y-%m') AS r {}", "2024-05"),
    ("SELECT DATE_FORMAT('2024-05-06 07:08:09', '%H:%i:%s') AS r {}", "07:08:09"),
    ("SELECT 'a giraffe' LIKE '%giraffe%' AS r {}", "1"),
    ("SELECT '10%' AS r {}", "10%"),
    ("SELECT 10 % 3 AS r {}", "1"),
    ("SELECT 10 %3 AS r {}", "1"),
    ("SELECT '%%' AS r {}", "%%"),
    ("SELECT '50%' LIKE '50\\%' AS r {}", "1"),
    ("SELECT '%s %d %(a)s :a :b' AS r {}", "%s %d %(a)s :a :b"),
    ('SELECT ":a %" AS r {}', ":a %"),
    ("SELECT 'it''s :a' AS r {}", "it's :a"),
    ("SELECT `100%` AS r FROM (SELECT 7 AS `100%`) AS t {}", "7"),
    ("SELECT 'r' AS r -- 5% of :b, isn't it\n {}", "r"),
    ("SELECT 'r' AS r # 5% of :b\n {}", "r"),
    ("SELECT 'r' AS r /* 5% %s :b ' \" */ {}", "r"),
    ("SELECT CONCAT('%', 'x') AS r {}", "%x"),
]


@pytest.mark.parametrize("given", [False, True], ids=["without", "with"])
@pytest.mark.parametrize(("sql", "expected"), PERCENT)
def test_percent_signs_mean_what_they_say_with_parameters_and_without(
    service: Service, sql: str, expected: str, *, given: bool
) -> None:
    """Case E08."""
    made = service.make(
        "r:string",
        sql.format("HAVING 5 = :a" if given else "HAVING 5 = 5"),
        schema={"a": {"type": "integer"}} if given else {},
        parameters={"a": 5} if given else {},
    )
    assert service.rows(made) == [[expected]]
