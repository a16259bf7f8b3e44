"""Reading a report's rows from a real server: all of them, or an error that says what happened."""

import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reporting import mysql_rows, sql_source
from reporting.errors import PermanentError, TransientError
from reporting.report_sql import BoundStatement, compile_statement
from reporting.sql_source import (
    QueryRefused,
    QueryTimeout,
    SourceCutShort,
    SourceDatabase,
    SourceInterrupted,
    SourceUnavailable,
    SqlSource,
    estimate,
)
from tests.parts.certificates import CertificateAuthority
from tests.parts.mariadb import MariaDbServer, mariadb_server
from tests.parts.processes import once_below

__all__ = ["mariadb_server"]

_ROWS = 20_000
_PASSWORD = "reader-password"
_DEADLINE_SECONDS = 60


@pytest.fixture(scope="module")
def database(mariadb_server: MariaDbServer) -> SourceDatabase:
    """A schema with 20,000 rows, and a user that may only read it, over TLS."""
    mariadb_server.execute(
        "CREATE OR REPLACE DATABASE source CHARACTER SET utf8mb4",
        "USE source",
        f"CREATE TABLE numbers (id INT PRIMARY KEY, label VARCHAR(200)) AS"
        f" SELECT seq AS id, CONCAT('row ', seq, REPEAT('·', 80)) AS label FROM seq_1_to_{_ROWS}",
        f"CREATE OR REPLACE USER source_reader@localhost IDENTIFIED BY '{_PASSWORD}' REQUIRE SSL",
        f"CREATE OR REPLACE USER source_reader@127.0.0.1 IDENTIFIED BY '{_PASSWORD}' REQUIRE SSL",
        "GRANT SELECT ON source.* TO source_reader@localhost",
        "GRANT SELECT ON source.* TO source_reader@127.0.0.1",
    )
    return SourceDatabase(
        host=mariadb_server.host,
        port=mariadb_server.port,
        database="source",
        user="source_reader",
        password=_PASSWORD,
        ca_file=str(mariadb_server.ca_file),
        connect_timeout_seconds=60,
    )


@pytest.fixture
def open_source(database: SourceDatabase) -> Iterator[Callable[..., SqlSource]]:
    opened: list[SqlSource] = []

    def open_one(sql: str, columns: Sequence[str], *, timeout: float = 30, **options: Any) -> SqlSource:
        source = SqlSource(
            database=database,
            statement=BoundStatement(sql.replace("%", "%%"), ()),
            columns=columns,
            statement_timeout_seconds=timeout,
            **options,
        )
        opened.append(source)
        return source

    yield open_one
    for source in opened:
        source.close()


type OpenSource = Callable[..., SqlSource]


def all_rows(source: SqlSource) -> list[tuple[object, ...]]:
    return [row for batch in source for row in batch]


def read_into(rows: list[Any], batches: Iterable[Sequence[Any]]) -> None:
    for batch in batches:
        rows.extend(batch)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _DEADLINE_SECONDS
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true"
        pause.wait(0.01)


def connections(server: MariaDbServer) -> list[int]:
    rows = server.execute("SELECT id FROM information_schema.processlist WHERE user = 'source_reader'")
    return [row[0] for row in rows]


# --- every row, in batches ------------------------------------------------------------------------------


def test_every_row_comes_once_and_in_order(open_source: OpenSource) -> None:
    batches = list(open_source("SELECT id FROM numbers ORDER BY id", ["id"], batch_size=999))
    assert [len(batch) for batch in batches] == [999] * 20 + [20]
    assert [row for batch in batches for row in batch] == [(number,) for number in range(1, _ROWS + 1)]


@pytest.mark.parametrize("size", [1, 5, 10, 20])
def test_a_result_that_fills_its_batches_exactly_ends_there(open_source: OpenSource, size: int) -> None:
    batches = list(open_source("SELECT id FROM numbers ORDER BY id LIMIT 10", ["id"], batch_size=size))
    assert [len(batch) for batch in batches] == ([size] * (10 // size) or [10])


def test_no_rows_are_no_batches(open_source: OpenSource) -> None:
    assert list(open_source("SELECT id FROM numbers WHERE id < 0", ["id"])) == []


def test_columns_come_in_the_order_of_the_report_type(open_source: OpenSource) -> None:
    sql = "SELECT 1 AS a, 'x' AS b, 2 AS c"
    assert all_rows(open_source(sql, ["c", "a", "b"])) == [(2, 1, "x")]


def test_a_source_is_iterated_once(open_source: OpenSource) -> None:
    source = open_source("SELECT 1 AS a", ["a"])
    list(source)
    with pytest.raises(RuntimeError, match="iterated once"):
        iter(source)


# --- columns that do not match --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sql", "detail"),
    [
        ("SELECT 1 AS a", "it lacks b"),
        ("SELECT 1 AS a, 2 AS b, COUNT(*) FROM numbers", "has columns that the report type does not name"),
        ("SELECT 1 AS a, 2 AS b, 3 AS b", "it has more than one column b"),
        ("SELECT 1 AS a, 2 AS B", "it lacks b"),
    ],
)
def test_other_columns_than_the_report_types_are_refused(
    open_source: OpenSource, sql: str, detail: str
) -> None:
    with pytest.raises(QueryRefused, match=detail) as caught:
        list(open_source(sql, ["a", "b"]))
    assert "COUNT" not in str(caught.value)
    assert isinstance(caught.value, PermanentError)


# --- an early end is never a shorter report (cases E05, E06) --------------------------------------------


def test_a_time_limit_before_the_first_row_is_a_query_timeout(open_source: OpenSource) -> None:
    def read() -> float:
        started = time.monotonic()
        with pytest.raises(QueryTimeout) as caught:
            list(open_source("SELECT SLEEP(100000) AS a", ["a"], timeout=0.3))
        assert caught.value.code == "query_timeout"
        assert isinstance(caught.value, PermanentError)
        return time.monotonic() - started

    once_below(5, read)


def test_a_time_limit_in_the_middle_of_the_rows_is_a_query_timeout(open_source: OpenSource) -> None:
    sql = "SELECT label, SLEEP(IF(id > 5000, 0.001, 0)) AS s FROM numbers"
    received: list[Any] = []
    # On a busy machine the limit may be over before the first row comes: then a longer one.
    for limit in (0.5, 2, 10):
        with pytest.raises(QueryTimeout):
            read_into(received, open_source(sql, ["label", "s"], timeout=limit, batch_size=100))
        if received:
            break
    assert 0 < len(received) < _ROWS


def test_a_first_row_after_the_limit_is_a_query_timeout(open_source: OpenSource) -> None:
    # MySQL ends SELECT SLEEP(n) at the limit with a row and no error; here the server's limit is lifted.
    sql = "SET STATEMENT max_statement_time = 0 FOR SELECT SLEEP(0.4) AS a"
    with pytest.raises(QueryTimeout):
        list(open_source(sql, ["a"], timeout=0.2))


@pytest.mark.parametrize("kill", ["KILL CONNECTION", "KILL QUERY"])
def test_a_query_killed_in_the_middle_is_unavailable(
    open_source: OpenSource, mariadb_server: MariaDbServer, kill: str
) -> None:
    batches = iter(open_source("SELECT label, SLEEP(0.001) AS s FROM numbers", ["label", "s"], batch_size=10))
    received = list(next(batches))
    # The server may still be about to notice the ends of those before.
    wait_until(lambda: len(connections(mariadb_server)) == 1)
    (connection,) = connections(mariadb_server)
    mariadb_server.execute(f"{kill} {connection}")
    with pytest.raises(SourceUnavailable) as caught:
        read_into(received, batches)
    assert len(received) < _ROWS
    assert isinstance(caught.value, TransientError)


def test_a_disturbed_stream_is_an_error_and_no_end(open_source: OpenSource) -> None:
    source = open_source("SELECT id FROM numbers", ["id"], batch_size=100)
    batches = iter(source)
    next(batches)
    # What a second statement on the connection leaves behind in PyMySQL (PyMySQL/PyMySQL#1032).
    source._session._cursor._result.unbuffered_active = False
    with pytest.raises(SourceUnavailable, match="ended the query early"):
        next(batches)


def test_a_reader_that_stops_early_drops_the_connection_unread(
    open_source: OpenSource, mariadb_server: MariaDbServer
) -> None:
    source = open_source("SELECT label, SLEEP(0.001) AS s FROM numbers", ["label", "s"], batch_size=10)
    started = time.monotonic()
    with source:
        next(iter(source))
    assert time.monotonic() - started < 20, "all rows were read"
    wait_until(lambda: connections(mariadb_server) == [])


def test_a_source_that_is_read_to_its_end_leaves_no_connection(
    open_source: OpenSource, mariadb_server: MariaDbServer
) -> None:
    list(open_source("SELECT id FROM numbers", ["id"]))
    wait_until(lambda: connections(mariadb_server) == [])


def test_interrupting_ends_a_blocked_read_at_once(
    open_source: OpenSource, mariadb_server: MariaDbServer
) -> None:
    source = open_source("SELECT SLEEP(60) AS a", ["a"], timeout=120)
    raised: list[BaseException] = []

    def read() -> None:
        try:
            list(source)
        except SourceInterrupted as error:
            raised.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    running = (
        "SELECT 1 FROM information_schema.processlist WHERE user = 'source_reader' AND info LIKE '%SLEEP%'"
    )
    wait_until(lambda: bool(mariadb_server.execute(running)))
    source.interrupt()
    reader.join(timeout=_DEADLINE_SECONDS)
    assert not reader.is_alive()
    assert len(raised) == 1


def test_interrupting_between_batches_ends_the_next_read(open_source: OpenSource) -> None:
    source = open_source("SELECT id, label FROM numbers", ["id", "label"], batch_size=10)
    batches = iter(source)
    next(batches)
    source.interrupt()
    with pytest.raises(SourceInterrupted):
        list(batches)


def test_interrupting_before_the_first_read_ends_it(open_source: OpenSource) -> None:
    source = open_source("SELECT 1 AS a", ["a"])
    source.interrupt()
    with pytest.raises(SourceInterrupted):
        list(source)


# --- only reading (case E17) ----------------------------------------------------------------------------


@pytest.mark.parametrize("sql", ["UPDATE numbers SET id = -1", "DELETE FROM numbers", "CALL p()"])
def test_a_write_is_refused_by_the_server_too(
    open_source: OpenSource, mariadb_server: MariaDbServer, sql: str
) -> None:
    with pytest.raises(QueryRefused):
        list(open_source(sql, ["a"]))
    assert mariadb_server.execute("SELECT COUNT(*), MIN(id) FROM source.numbers") == ((_ROWS, 1),)


def test_the_transaction_is_read_only_whatever_the_user_may_do(
    database: SourceDatabase, mariadb_server: MariaDbServer
) -> None:
    root = SourceDatabase(host=database.host, port=database.port, database="source", user="root", password="")
    statement = BoundStatement("DELETE FROM numbers", ())
    source = SqlSource(database=root, statement=statement, columns=["a"], statement_timeout_seconds=60)
    with pytest.raises(QueryRefused, match="error 1792"):
        list(source)
    assert mariadb_server.execute("SELECT COUNT(*) FROM source.numbers") == ((_ROWS,),)


#: Each statement of case E17 with what becomes of it when the check of definitions is left out.
_REFUSED = "refused"
_E17 = (
    ("SELECT 1; DROP TABLE jobs", _REFUSED),
    ("UPDATE numbers SET id = 1", _REFUSED),
    ("SELECT * INTO OUTFILE '{file}' FROM numbers", _REFUSED),
    ("SELECT * FROM numbers INTO DUMPFILE '{file}'", _REFUSED),
    ("SELECT LOAD_FILE('/etc/passwd') AS a", [(None,)]),
    ("CALL p()", _REFUSED),
    # The semicolon alone does no harm to the server, and the definition is refused all the same.
    ("SELECT 1 AS a /*! ; */", [(1,)]),
    ("SELECT 1 AS a /*! INTO OUTFILE '{file}' */", _REFUSED),
    ("WITH x AS (SELECT 1 AS a) SELECT * FROM x", [(1,)]),
    ("SELECT 1 AS a", [(1,)]),
    ("CREATE TEMPORARY TABLE x (a INT)", _REFUSED),
    ("LOAD DATA INFILE '/etc/passwd' INTO TABLE numbers", _REFUSED),
    ("LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE numbers", _REFUSED),
    ("SELECT user AS a FROM mysql.global_priv", _REFUSED),
    ("SET GLOBAL max_statement_time = 0", _REFUSED),
)


@pytest.mark.parametrize(("sql", "outcome"), _E17, ids=[sql for sql, _ in _E17])
def test_e17_what_slips_through_every_check_finds_a_user_that_may_only_read(
    open_source: OpenSource, mariadb_server: MariaDbServer, tmp_path: Path, sql: str, outcome: object
) -> None:
    tmp_path.chmod(0o777)
    file = tmp_path / "written"
    if outcome == _REFUSED:
        with pytest.raises((QueryRefused, SourceUnavailable)):
            list(open_source(sql.format(file=file), ["a"]))
    else:
        assert all_rows(open_source(sql, ["a"])) == outcome
    assert not file.exists()
    assert mariadb_server.execute("SELECT COUNT(*), MIN(id) FROM source.numbers") == ((_ROWS, 1),)


def test_several_statements_are_refused_by_the_server_too(open_source: OpenSource) -> None:
    with pytest.raises(QueryRefused, match="error 1064"):
        list(open_source("SELECT 1 AS a; SELECT 2 AS a", ["a"]))


def test_a_query_that_the_server_does_not_take_at_once_is_refused(
    database: SourceDatabase, mariadb_server: MariaDbServer
) -> None:
    """Case E15: the server would end the connection, and the attempt would be made again."""
    statement = compile_statement("SELECT 1 AS a WHERE 1 IN (:ids)", parameters=["ids"], lists=["ids"])
    bound = statement.bind({"ids": list(range(1_000_000, 1_200_000))})
    [[before]] = mariadb_server.execute("SELECT @@GLOBAL.max_allowed_packet")
    mariadb_server.execute("SET GLOBAL max_allowed_packet = 1048576")
    source = SqlSource(database=database, statement=bound, columns=["a"], statement_timeout_seconds=60)
    try:
        with pytest.raises(QueryRefused, match="takes 1048575") as caught:
            list(source)
    finally:
        mariadb_server.execute(f"SET GLOBAL max_allowed_packet = {before}")
    assert isinstance(caught.value, PermanentError)


# --- errors are safe to show (case C20) -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("sql", "secret"),
    [
        ("SELECT hidden_column AS a FROM numbers", "hidden_column"),
        ("SELECT 1 AS a FROM hidden_table", "hidden_table"),
        ("SELECT EXTRACTVALUE('<a/>', CONCAT('hidden', '<')) AS a", "hidden"),
    ],
)
def test_a_refused_query_says_nothing_of_its_text(open_source: OpenSource, sql: str, secret: str) -> None:
    with pytest.raises(QueryRefused) as caught:
        list(open_source(sql, ["a"]))
    assert secret not in str(caught.value)
    assert "source_reader" not in str(caught.value)
    assert caught.value.__cause__ is not None


def test_an_unreachable_server_is_unavailable_and_unnamed(database: SourceDatabase) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        nowhere = SourceDatabase(
            host="127.0.0.1", port=unused.getsockname()[1], database="d", user="u", password="p"
        )
        statement = BoundStatement("SELECT 1 AS a", ())
        source = SqlSource(database=nowhere, statement=statement, columns=["a"], statement_timeout_seconds=5)
        with pytest.raises(SourceUnavailable) as caught:
            list(source)
    assert "127.0.0.1" not in str(caught.value)


def test_a_server_that_never_greets_is_unavailable_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        nowhere = SourceDatabase(
            host="127.0.0.1",
            port=silent.getsockname()[1],
            database="d",
            user="u",
            password="p",
            connect_timeout_seconds=0.3,
        )

        def ask() -> float:
            started = time.monotonic()
            with pytest.raises(SourceUnavailable):
                estimate(database=nowhere, statement=BoundStatement("SELECT 1", ()))
            return time.monotonic() - started

        once_below(5, ask)


@pytest.mark.usefixtures("patience")
def test_a_certificate_of_another_authority_is_not_trusted(
    database: SourceDatabase, tmp_path_factory: pytest.TempPathFactory
) -> None:
    stranger = CertificateAuthority(tmp_path_factory.mktemp("stranger"))
    elsewhere = SourceDatabase(
        host=database.host,
        port=database.port,
        database="source",
        user="source_reader",
        password=_PASSWORD,
        ca_file=str(stranger.path),
        connect_timeout_seconds=60,
    )
    with pytest.raises(SourceUnavailable) as caught:
        estimate(database=elsewhere, statement=BoundStatement("SELECT 1", ()))
    assert "CERTIFICATE_VERIFY_FAILED" in str(caught.value.__cause__)


def test_the_password_is_not_in_the_representation(database: SourceDatabase) -> None:
    assert _PASSWORD not in repr(database)


# --- values (cases E10, E11, E16) -----------------------------------------------------------------------


def test_dates_that_no_calendar_has_come_as_text(
    open_source: OpenSource, mariadb_server: MariaDbServer
) -> None:
    mariadb_server.execute(
        "SET sql_mode = ''",
        "CREATE OR REPLACE TABLE source.dates (id INT PRIMARY KEY, d DATE, t DATETIME)",
        "INSERT INTO source.dates VALUES (1, '0000-00-00', '0000-00-00 00:00:00'), (2, '2016-00-00', NULL),"
        " (3, '2024-02-29', '2024-02-29 12:30:00')",
    )
    assert all_rows(open_source("SELECT d, t FROM dates ORDER BY id", ["d", "t"])) == [
        ("0000-00-00", "0000-00-00 00:00:00"),
        ("2016-00-00", None),
        (date(2024, 2, 29), datetime(2024, 2, 29, 12, 30)),
    ]


def test_values_of_every_type_keep_all_of_their_digits(
    open_source: OpenSource, mariadb_server: MariaDbServer
) -> None:
    mariadb_server.execute(
        "CREATE OR REPLACE TABLE source.types (time1 TIME, time2 TIME, bit1 BIT(1), bit16 BIT(16), doc JSON,"
        " bin VARBINARY(4), y YEAR, big BIGINT UNSIGNED, dec30 DECIMAL(30, 10), flag TINYINT(1))",
        "INSERT INTO source.types VALUES ('-838:59:59', '25:06:17', b'1', 258, '{\"a\":1}', X'00FF', 2024,"
        " 18446744073709551615, 0.1, 1)",
    )
    columns = ["time1", "time2", "bit1", "bit16", "doc", "bin", "y", "big", "dec30", "flag"]
    (row,) = all_rows(open_source("SELECT * FROM types", columns))
    assert row == (
        -timedelta(hours=838, minutes=59, seconds=59),
        timedelta(hours=25, minutes=6, seconds=17),
        1,
        258,
        '{"a":1}',
        b"\x00\xff",
        2024,
        18446744073709551615,
        Decimal("0.1000000000"),
        1,
    )
    assert str(row[8]) == "0.1000000000"


@pytest.mark.parametrize("native", [True, False])
def test_a_number_in_a_column_of_text_is_the_servers_own(
    database: SourceDatabase, mariadb_server: MariaDbServer, native: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The zeros of ZEROFILL stay, and nothing is spelled as Python does."""
    if not native:
        monkeypatch.setattr(mysql_rows, "native", None)
    kinds = {
        "a": ("INT(6) ZEROFILL", "42", "000042"),
        "b": ("BIGINT ZEROFILL", "7", "00000000000000000007"),
        "c": ("DECIMAL(8, 2) ZEROFILL", "12.5", "000012.50"),
        "d": ("DECIMAL(20, 10)", "0", "0.0000000000"),
        "e": ("DOUBLE", "5", "5"),
        "f": ("DOUBLE", "1e16", "1e16"),
        "g": ("FLOAT", "0.1", "0.1"),
        "h": ("TINYINT(1)", "1", "1"),
        "i": ("BIGINT UNSIGNED", "18446744073709551615", "18446744073709551615"),
    }
    definitions = ", ".join(f"{name} {definition}" for name, (definition, _, _) in kinds.items())
    values = ", ".join(value for _, value, _ in kinds.values())
    mariadb_server.execute(
        f"CREATE OR REPLACE TABLE source.spelled ({definitions}, n INT(6) ZEROFILL, y YEAR, t TIME)",
        f"INSERT INTO source.spelled VALUES ({values}, 42, 2024, '25:06:17'), (NULL{', NULL' * 11})",
    )
    source = SqlSource(
        database=database,
        statement=BoundStatement("SELECT * FROM spelled ORDER BY a DESC", ()),
        columns=[*kinds, "n", "y", "t"],
        texts=[*kinds, "t"],
        statement_timeout_seconds=30,
    )
    with source:
        assert all_rows(source) == [
            (*[text for _, _, text in kinds.values()], 42, 2024, timedelta(hours=25, minutes=6, seconds=17)),
            (None,) * 12,
        ]


def test_a_timestamp_comes_in_utc_whatever_the_servers_zone(
    open_source: OpenSource, mariadb_server: MariaDbServer
) -> None:
    # The server of the tests runs at -03:00.
    mariadb_server.execute(
        "CREATE OR REPLACE TABLE source.moments (ts TIMESTAMP, dt DATETIME)",
        "INSERT INTO source.moments VALUES ('2026-07-01 00:00:00', '2026-07-01 00:00:00')",
    )
    assert all_rows(open_source("SELECT ts, dt FROM moments", ["ts", "dt"])) == [
        (datetime(2026, 7, 1, 3), datetime(2026, 7, 1, 0))
    ]


def test_a_decimal_is_bound_exactly(database: SourceDatabase) -> None:
    statement = compile_statement("SELECT :n AS n, :small AS s", parameters=["n", "small"])
    bound = statement.bind({"n": Decimal("1E+2"), "small": Decimal("1E-10")})
    source = SqlSource(database=database, statement=bound, columns=["n", "s"], statement_timeout_seconds=60)
    assert all_rows(source) == [(100, Decimal("0.0000000001"))]


def test_characters_of_four_bytes_arrive(open_source: OpenSource) -> None:
    assert all_rows(open_source("SELECT 'São 🫠' AS a", ["a"])) == [("São 🫠",)]


def test_a_limit_of_nothing_is_not_no_limit(open_source: OpenSource) -> None:
    with pytest.raises(QueryTimeout):
        list(open_source("SELECT SLEEP(30) AS a", ["a"], timeout=0))


def test_the_limit_of_the_session_is_set(open_source: OpenSource) -> None:
    sql = "SELECT @@max_statement_time AS t, @@net_write_timeout AS w, @@time_zone AS z"
    assert all_rows(open_source(sql, ["t", "w", "z"], timeout=90.5)) == [(90.5, 91, "+00:00")]


# --- estimates ------------------------------------------------------------------------------------------


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits for an estimate waits for a busy machine, too."""
    monkeypatch.setattr(sql_source, "_ESTIMATE_SILENCE_SECONDS", 60.0)


@pytest.mark.usefixtures("patience")
@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT COUNT(*) FROM numbers", _ROWS),
        ("SELECT SUM(1) FROM numbers", _ROWS),
        ("SELECT 12.7", 12),
        ("SELECT 1e3", 1000),
        ("SELECT NULL", None),
    ],
)
def test_an_estimate_is_a_number_or_none(database: SourceDatabase, sql: str, expected: int | None) -> None:
    assert estimate(database=database, statement=BoundStatement(sql, ()), timeout_seconds=60) == expected


@pytest.mark.usefixtures("patience")
def test_an_estimate_that_takes_long_is_none_soon(database: SourceDatabase) -> None:
    def ask() -> float:
        started = time.monotonic()
        assert estimate(database=database, statement=BoundStatement("SELECT SLEEP(30)", ())) is None
        return time.monotonic() - started

    once_below(5, ask)


@pytest.mark.usefixtures("patience")
@pytest.mark.parametrize(
    "sql", ["SELECT 1, 2", "SELECT 1 UNION SELECT 2", "SELECT 'x'", "SELECT -1", "SELECT x"]
)
def test_an_estimate_of_anything_else_is_refused(database: SourceDatabase, sql: str) -> None:
    with pytest.raises(QueryRefused):
        estimate(database=database, statement=BoundStatement(sql, ()), timeout_seconds=60)


_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "i": st.integers(-(2**63), 2**63 - 1),
    "u": st.integers(0, 2**64 - 1),
    "n": st.decimals(-(10**20), 10**20, places=5),
    "f": st.floats(-1e300, 1e300),
    "s": st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
    "x": st.binary(max_size=40),
    "d": st.dates(date(1000, 1, 1)),
    "m": st.datetimes(datetime(1000, 1, 1)),
    "t": st.timedeltas(timedelta(hours=-838), timedelta(hours=838)),
    "j": st.sampled_from(['{"a": [1, "é"]}', "[]", '"x"']),
}
_ROWS_OF_EVERY_TYPE = st.tuples(*(st.none() | values for values in _VALUES.values()))


@given(rows=st.lists(_ROWS_OF_EVERY_TYPE, min_size=1, max_size=30), batch=st.integers(1, 12))
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_rows_read_in_bulk_are_those_that_pymysql_reads(
    database: SourceDatabase, mariadb_server: MariaDbServer, rows: list[tuple[Any, ...]], batch: int
) -> None:
    mariadb_server.execute(
        "CREATE OR REPLACE TABLE source.bulk (id INT PRIMARY KEY, i BIGINT, u BIGINT UNSIGNED,"
        " n DECIMAL(30, 5), f DOUBLE, s VARCHAR(60), x VARBINARY(60), d DATE, m DATETIME(6), t TIME(6),"
        " j JSON) CHARACTER SET utf8mb4"
    )
    with mariadb_server.connect() as connection, connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO source.bulk VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [(number, *row) for number, row in enumerate(rows)],
        )
        cursor.execute("SELECT * FROM source.bulk ORDER BY id")
        expected = list(cursor.fetchall())
    columns = ["id", *_VALUES]
    source = SqlSource(
        database=database,
        statement=BoundStatement("SELECT * FROM bulk ORDER BY id", ()),
        columns=columns,
        statement_timeout_seconds=60,
        batch_size=batch,
    )
    found = all_rows(source)
    assert found == expected
    assert [list(map(type, row)) for row in found] == [list(map(type, row)) for row in expected]


def test_rows_beyond_one_packet_and_around_them_arrive(open_source: OpenSource) -> None:
    sql = (
        "SELECT id, IF(id = 3, REPEAT('é', 4200000), 'a') AS a, IF(id = 3, REPEAT('b', 8400000), 'b') AS b"
        " FROM numbers WHERE id <= 5 ORDER BY id"
    )
    rows = all_rows(open_source(sql, ["id", "a", "b"], batch_size=2))
    assert [row[0] for row in rows] == [1, 2, 3, 4, 5]
    assert rows[2] == (3, "é" * 4_200_000, "b" * 8_400_000)
    assert rows[3:] == [(4, "a", "b"), (5, "a", "b")]


def test_a_result_that_a_limit_cut_short_is_incomplete(open_source: OpenSource) -> None:
    source = open_source("SELECT id FROM numbers LIMIT ROWS EXAMINED 500", ["id"])
    with pytest.raises(SourceCutShort) as raised:
        all_rows(source)
    assert raised.value.code == "incomplete"


def test_a_warning_that_takes_no_row_away_is_no_error(open_source: OpenSource) -> None:
    assert all_rows(open_source("SELECT 1 / 0 AS a, CAST('x' AS SIGNED) AS b", ["a", "b"])) == [(None, 0)]


def test_pymysql_reads_what_the_bulk_reader_does_not_know(
    open_source: OpenSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mysql_rows, "native", None)
    rows = all_rows(open_source("SELECT id FROM numbers ORDER BY id", ["id"], batch_size=999))
    assert rows == [(number,) for number in range(1, _ROWS + 1)]
