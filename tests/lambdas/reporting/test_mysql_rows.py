"""Reading MySQL's packets in bulk: the values of PyMySQL's own cursor, and never a shorter result."""

import math
import random
import threading
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pymysql.constants import CLIENT
from pymysql.converters import conversions

from rendering.text import repair_surrogates
from reporting import mysql_rows
from reporting.errors import PrensaError
from reporting.mysql_rows import BulkRows
from reporting.mysql_values import bits
from reporting.observability import logger
from reporting.report_sql import BoundStatement
from reporting.sql_source import (
    QueryRefused,
    QueryTimeout,
    SourceCutShort,
    SourceDatabase,
    SourceInterrupted,
    SourceUnavailable,
    SqlSource,
)
from tests.parts.mariadb import MariaDbServer, mariadb_server
from tests.parts.packet_proxy import Edit, Last, PacketProxy
from tests.parts.processes import once_below

__all__ = ["mariadb_server"]

_ROWS = 2_000
_DEADLINE_SECONDS = 60
_EOF = b"\x05\x00\x00"

needs_native = pytest.mark.skipif(mysql_rows.native is None, reason="the C module has not been built")


@pytest.fixture(scope="module")
def server(mariadb_server: MariaDbServer) -> MariaDbServer:
    """The tests' server with a database ``bulk`` whose table ``numbers`` has 2,000 rows."""
    mariadb_server.execute(
        "CREATE OR REPLACE DATABASE bulk CHARACTER SET utf8mb4",
        "USE bulk",
        f"CREATE TABLE numbers (id INT PRIMARY KEY, label VARCHAR(200)) AS"
        f" SELECT seq AS id, CONCAT('row ', LPAD(seq, 5, '0'), '.') AS label FROM seq_1_to_{_ROWS}",
    )
    return mariadb_server


@pytest.fixture(
    params=[pytest.param(True, marks=needs_native, id="native"), pytest.param(False, id="pymysql")]
)
def either(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once with the C module and once without it."""
    if not request.param:
        monkeypatch.setattr(mysql_rows, "native", None)


def source_of(
    server: MariaDbServer,
    sql: str,
    columns: Sequence[str],
    *,
    port: int | None = None,
    tls: bool = False,
    timeout: float = 60,
    batch_size: int = 100,
) -> SqlSource:
    return SqlSource(
        database=SourceDatabase(
            host="127.0.0.1",
            port=port or server.port,
            database="bulk",
            user="root",
            password="",
            ca_file=str(server.ca_file) if tls else None,
            connect_timeout_seconds=60,
        ),
        statement=BoundStatement(sql.replace("%", "%%"), ()),
        columns=columns,
        statement_timeout_seconds=timeout,
        batch_size=batch_size,
    )


def rows_of(source: SqlSource) -> list[tuple[Any, ...]]:
    with source:
        return [row for batch in source for row in batch]


def read_into(rows: list[Any], source: SqlSource) -> None:
    """The rows that come before an error stay."""
    with source:
        for batch in source:
            rows.extend(batch)


# --- the same values as PyMySQL -------------------------------------------------------------------------

#: Name -> (definition, values in SQL).
_EVERY_TYPE: dict[str, tuple[str, list[str]]] = {
    "tiny": ("TINYINT", ["-128", "127"]),
    "flag": ("TINYINT(1)", ["0", "1"]),
    "small": ("SMALLINT", ["-32768", "32767"]),
    "medium": ("MEDIUMINT", ["-8388608", "8388607"]),
    "filled": ("INT ZEROFILL", ["0", "42"]),
    "big": ("BIGINT", ["-9223372036854775808", "9223372036854775807", "999999999999999999"]),
    "positive": ("BIGINT UNSIGNED", ["0", "18446744073709551615"]),
    "exact": ("DECIMAL(65, 30)", ["-1e-30", "99999999999999999999999999999999999.5"]),
    "whole": ("DECIMAL(20, 0)", ["-7", "0"]),
    "single": ("FLOAT", ["0.1", "-3.4e38", "1e-38"]),
    "double_": ("DOUBLE", ["0.1", "-1.7976931348623157e308", "5e-324", "-0.0", "1e22", "123456789012345680"]),
    "bit1": ("BIT(1)", ["b'0'", "b'1'"]),
    "bit64": ("BIT(64)", ["0", "18446744073709551615"]),
    "year_": ("YEAR", ["0", "1901", "2155"]),
    "day": ("DATE", ["'0000-00-00'", "'2016-00-00'", "'2024-02-30'", "'2024-02-29'", "'9999-12-31'"]),
    "moment": ("DATETIME", ["'0000-00-00 00:00:00'", "'2016-00-01 10:00:00'", "'1000-01-01 23:59:59'"]),
    "moment3": ("DATETIME(3)", ["'2024-02-29 00:00:00.5'", "'9999-12-31 23:59:59.999'"]),
    "moment6": ("DATETIME(6)", ["'2024-02-29 00:00:00.000001'", "'0000-00-00 00:00:00'"]),
    "stamp": ("TIMESTAMP(2) NULL", ["'0000-00-00 00:00:00'", "'2026-07-01 00:00:00.25'"]),
    "span": ("TIME", ["'-838:59:59'", "'25:06:17'", "'00:00:00'", "'-00:00:01'"]),
    "span6": ("TIME(6)", ["'-838:59:58.999999'", "'00:00:00.000001'", "'-00:00:00.5'"]),
    "fixed": ("CHAR(5)", ["''", "' a '", "'é🫠'"]),
    "text_": ("TEXT", ["''", "REPEAT('ã', 32767)", "REPEAT('x', 250)", "REPEAT('x', 251)", "'\\0'"]),
    "long_": ("LONGTEXT", ["REPEAT('x', 65535)", "REPEAT('x', 65536)", "REPEAT('🫠', 20000)"]),
    "latin": ("VARCHAR(20) CHARACTER SET latin1", ["'São'", "'€'"]),
    "wide": ("VARCHAR(20) CHARACTER SET utf16", ["'São🫠'"]),
    "bytes_": ("BINARY(4)", ["X'00FF'", "X'FEFFFBFC'"]),
    "blob_": ("LONGBLOB", ["X''", "REPEAT(X'FF', 70000)", "X'FE'"]),
    "choice": ("ENUM('a', 'é', '')", ["'é'", "''"]),
    "choices": ("SET('a', 'b')", ["''", "'a,b'"]),
    "doc": ("JSON", ["'{\"a\": [1, \"é\"]}'", "'null'"]),
    "place": ("POINT", ["POINT(1, -2)"]),
    "address": ("INET6", ["'::1'"]),
    "id128": ("UUID", ["'01234567-89ab-cdef-0123-456789abcdef'"]),
}  # fmt: skip


@pytest.fixture(scope="module")
def every_type(server: MariaDbServer) -> list[str]:
    """The columns of the table ``every_type``: each odd value in a row, NULLs, and 150 random mixtures."""
    columns = ", ".join(f"{name} {definition}" for name, (definition, _) in _EVERY_TYPE.items())
    picked = random.Random(11)  # noqa: S311 - the same table at each run
    rows = [["NULL"] * len(_EVERY_TYPE)]
    for place, (_, values) in enumerate(_EVERY_TYPE.values()):
        rows += [["NULL"] * place + [value] + ["NULL"] * (len(_EVERY_TYPE) - place - 1) for value in values]
    rows += [[picked.choice(["NULL", *values]) for _, values in _EVERY_TYPE.values()] for _ in range(150)]
    numbered = [f"({number}, {', '.join(row)})" for number, row in enumerate(rows)]
    server.execute(
        "SET sql_mode = 'ALLOW_INVALID_DATES'",
        f"CREATE OR REPLACE TABLE bulk.every_type (number INT PRIMARY KEY, {columns}) CHARACTER SET utf8mb4",
        *(
            f"INSERT INTO bulk.every_type VALUES {', '.join(numbered[at : at + 50])}"
            for at in range(0, len(rows), 50)
        ),
    )
    return ["number", *_EVERY_TYPE]


@needs_native
@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("batch_size", [1, 7, 1000])
def test_every_type_comes_as_pymysqls_cursor_gives_it(
    server: MariaDbServer,
    every_type: list[str],
    monkeypatch: pytest.MonkeyPatch,
    batch_size: int,
    tls: bool,
) -> None:
    sql = "SELECT * FROM every_type ORDER BY number"
    found = rows_of(source_of(server, sql, every_type, tls=tls, batch_size=batch_size))
    monkeypatch.setattr(mysql_rows, "native", None)
    expected = rows_of(source_of(server, sql, every_type))
    # repr() tells -0.0 from 0.0, and Decimal("1") from Decimal("1.0").
    assert list(map(repr, found)) == list(map(repr, expected))


def test_the_odd_values_are_what_they_were_stored_as(
    server: MariaDbServer, every_type: list[str], either: None
) -> None:
    columns = ["bit64", "span", "span6", "exact", "positive", "day", "latin", "wide", "doc", "year_"]
    rows = rows_of(source_of(server, f"SELECT {', '.join(columns)} FROM every_type", columns))
    by_column = {name: {row[place] for row in rows} - {None} for place, name in enumerate(columns)}
    assert by_column["bit64"] == {0, (1 << 64) - 1}
    assert -timedelta(hours=838, minutes=59, seconds=59) in by_column["span"]
    assert -timedelta(seconds=1) in by_column["span"]
    assert -timedelta(microseconds=500_000) in by_column["span6"]
    assert Decimal("-1E-30") in by_column["exact"]
    assert by_column["positive"] == {0, 18446744073709551615}
    assert {"0000-00-00", "2016-00-00", "2024-02-30"} < by_column["day"]
    assert by_column["latin"] == {"São", "€"}
    assert by_column["wide"] == {"São🫠"}
    assert '{"a": [1, "é"]}' in by_column["doc"]
    assert by_column["year_"] == {0, 1901, 2155}


def test_characters_that_were_stored_as_surrogate_pairs_arrive(server: MariaDbServer, either: None) -> None:
    """CESU-8, as Java and Oracle write it: a server takes it into columns of UTF-8 and gives it back."""
    server.execute(
        "CREATE OR REPLACE TABLE bulk.pairs (id INT PRIMARY KEY, three VARCHAR(9) CHARACTER SET utf8mb3,"
        " four VARCHAR(9) CHARACTER SET utf8mb4, ucs2 VARCHAR(9) CHARACTER SET ucs2)",
        "INSERT INTO bulk.pairs VALUES (1, 'é', 'é', 'é'), (2, X'C3A9EDA0BDEDB880', X'C3A9EDA0BDEDB880',"
        " X'00E9D83DDE00'), (3, X'EDA0BD', X'EDB880', X'D83D'), (4, '', NULL, 'x')",
    )
    rows = rows_of(
        source_of(server, "SELECT three, four, ucs2 FROM pairs ORDER BY id", ["three", "four", "ucs2"])
    )
    pair = "é\ud83d\ude00"
    assert rows == [("é",) * 3, (pair,) * 3, ("\ud83d", "\ude00", "\ud83d"), ("", None, "x")]
    assert repair_surrogates(pair) == "é😀"


def test_a_text_that_is_not_utf8_fails_the_report_for_good(server: MariaDbServer, either: None) -> None:
    edit = _replaced(b"row 01500.", b"row \xff1500.")
    with PacketProxy(server.port, edit) as proxy, pytest.raises(QueryRefused, match="not UTF-8"):
        rows_of(source_of(server, "SELECT id, label FROM numbers", ["id", "label"], port=proxy.port))


def _replaced(what: bytes, by: bytes) -> Edit:
    return lambda packet: packet.replace(what, by)


@pytest.mark.parametrize(
    ("expression", "number"),
    [
        ("f", 1),
        ("g", 258),
        ("h", (1 << 64) - 1),
        # MariaDB gives bytes for these and digits for the others.
        ("LAG(g, 0) OVER (ORDER BY g)", 258),
        ("FIRST_VALUE(h) OVER (ORDER BY g)", (1 << 64) - 1),
        ("MAX(f)", 1),
        ("MIN(f & 0)", 0),
        ("MAX(g)", 258),
        ("MAX(h)", (1 << 64) - 1),
        ("NULLIF(g, 1)", 258),
        ("COALESCE(g)", 258),
        ("IF(f, f, f)", 1),
        ("(SELECT g FROM flags)", 258),
    ],
)
def test_bits_are_a_number_whatever_expression_they_come_from(
    server: MariaDbServer, either: None, expression: str, number: int
) -> None:
    server.execute(
        "CREATE OR REPLACE TABLE bulk.flags (f BIT(1), g BIT(16), h BIT(64))",
        "INSERT INTO bulk.flags VALUES (1, 258, 18446744073709551615)",
    )
    assert rows_of(source_of(server, f"SELECT {expression} AS a FROM flags", ["a"])) == [(number,)]


def test_bits_that_could_be_digits_stay_bytes() -> None:
    """MAX() of a BIT(16) gives "12" for 12, and a window function for 12594."""
    assert bits(b"12", length=16, computed=True) == b"12"
    assert bits(b"12", length=16, computed=False) == 12594
    assert bits(b"1", length=1, computed=True) == 1
    assert bits(b"7", length=5, computed=True) == 7
    assert bits(b"7", length=6, computed=True) == b"7"


# --- however the bytes come -----------------------------------------------------------------------------


def _packet(number: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "little") + bytes([number % 256]) + payload


def _value(value: bytes | None) -> bytes:
    """A length-encoded string (MySQL Reference, "Client/Server Protocol", "Basic Data Types")."""
    if value is None:
        return b"\xfb"
    size = len(value)
    if size < 0xFB:
        return bytes([size]) + value
    if size < 1 << 16:
        return b"\xfc" + size.to_bytes(2, "little") + value
    return (
        b"\xfc" + size.to_bytes(2, "little") if size < 1 << 16 else b"\xfd" + size.to_bytes(3, "little")
    ) + value


def _stream(rows: Sequence[Sequence[bytes | None]], first: int) -> bytes:
    return b"".join(_packet(first + at, b"".join(map(_value, row))) for at, row in enumerate(rows))


class _Arrives:
    """A file whose ``read1`` gives the next piece, and nothing after the last."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self._pieces = list(pieces)
        self.given = 0

    def read1(self, _: int) -> bytes:
        piece = self._pieces.pop(0) if self._pieces else b""
        self.given += len(piece)
        return piece


def _bulk(pieces: Sequence[bytes], converters: Sequence[tuple[str | None, Any]], first: int) -> BulkRows:
    result = SimpleNamespace(converters=converters, unbuffered_active=True)
    connection = SimpleNamespace(
        _next_seq_id=first % 256, _current_timeout=1, _read_timeout=1, _rfile=_Arrives(pieces)
    )
    return BulkRows(SimpleNamespace(_result=result, connection=connection))


@needs_native
@given(
    rows=st.lists(
        st.tuples(*[st.none() | st.binary(max_size=12) | st.sampled_from([b"x" * 251, b"y" * 70_000])] * 3),
        min_size=1,
        max_size=40,
    ),
    cuts=st.lists(st.floats(0, 1), max_size=30),
    first=st.integers(0, 255),
)
@settings(max_examples=150, deadline=None)
def test_rows_are_whole_wherever_the_stream_is_cut_into_pieces(
    rows: list[tuple[bytes | None, ...]], cuts: list[float], first: int
) -> None:
    data = _stream(rows, first)
    at = sorted({0, len(data), *(int(cut * len(data)) for cut in cuts)})
    pieces = [data[start:end] for start, end in pairwise(at)]
    assert _bulk(pieces, [(None, None)] * 3, first).fetch(len(rows)) == rows


@needs_native
def test_a_large_row_is_looked_at_once_it_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    native = mysql_rows.native
    assert native is not None
    looks: list[int] = []

    def counted(data: bytes, *arguments: Any) -> Any:
        looks.append(len(data))
        return native.take(data, *arguments)

    monkeypatch.setattr(mysql_rows, "native", SimpleNamespace(take=counted))
    data = _stream([[b"x" * 4_000_000]], 0)
    pieces = [data[at : at + 16_384] for at in range(0, len(data), 16_384)]
    assert _bulk(pieces, [(None, None)], 0).fetch(1) == [(b"x" * 4_000_000,)]
    assert looks == [0, 16_384, len(data)]


@needs_native
@given(data=st.binary(max_size=200), first=st.integers(0, 255), width=st.integers(1, 4))
@example(data=b"\x05\x00\x00\x00\xfd\xff\xff\xff\xff", first=0, width=1)
@example(data=b"\x0a\x00\x00\x00\xfe" + b"\xff" * 9, first=0, width=1)
@example(data=b"\x02\x00\x00\x00\x01", first=0, width=1)
@settings(max_examples=400, deadline=None)
def test_any_bytes_give_rows_of_full_width_and_stay_within_their_packets(
    data: bytes, first: int, width: int
) -> None:
    assert mysql_rows.native is not None
    kinds = [("s", None, True), ("b", None, False), ("i", int, True), ("f", float, True)]
    try:
        rows, start, _, why = mysql_rows.native.take(data, 0, first, tuple(kinds[:width]), 100)
    except ValueError:
        return  # Text that is not UTF-8, or an integer that is none: an error and no row.
    assert all(len(row) == width for row in rows)
    assert start <= len(data)
    assert start >= len(rows) * 5
    assert why in (0, 2, 3)


@needs_native
@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**30), 10**30).map(float))
@example(-1.0)
@example(-0.0)
def test_a_float_of_the_stream_is_pythons(number: float) -> None:
    text = repr(number).encode()
    [(found,)] = _bulk([_stream([[text]], 0)], [("ascii", conversions[5])], 0).fetch(1)
    assert repr(found) == repr(float(text))


# --- level memory ---------------------------------------------------------------------------------------


@needs_native
def test_no_more_is_read_ahead_than_a_buffer_holds() -> None:
    one_row = _stream([[b"x" * 200]], 0)
    packets = [_packet(at, one_row[4:]) for at in range(200_000)]
    pieces = [b"".join(packets[at : at + 1280]) for at in range(0, len(packets), 1280)]
    bulk = _bulk(pieces, [(None, None)], 0)
    file = bulk._connection._rfile
    taken = 0
    for _ in range(20):
        taken += len(bulk.fetch(1000))
        assert file.given - taken * len(one_row) <= mysql_rows._READ_BYTES + len(one_row)


# --- an early end is never a shorter report (cases E05, E06) --------------------------------------------


class _From:
    """An edit of the packets from the row ``label`` on."""

    def __init__(self, edit: Edit, *, label: str = "row 01000.") -> None:
        self._edit = edit
        self._label = label.encode()
        self.seen = False

    def __call__(self, packet: bytes) -> bytes:
        self.seen = self.seen or self._label in packet
        return self._edit(packet) if self.seen else packet


def _once(change: Edit) -> Callable[[], Edit]:
    """A ``change`` of the first packet only."""

    def make() -> Edit:
        changes = iter([change])

        def edit(packet: bytes) -> bytes:
            return next(changes, bytes)(packet)

        return edit

    return make


def _at_the_end(change: Edit) -> Callable[[], Edit]:
    """A ``change`` of the packet that ends the result."""

    def edit(packet: bytes) -> bytes:
        return change(packet) if packet[:3] == _EOF else packet

    return lambda: edit


def _like(packet: bytes, payload: bytes) -> bytes:
    """A packet with the number of another one."""
    return _packet(packet[3], payload)


_SHUTDOWN = _packet(0, b"\xff\x1d\x04#08S01Server shutdown in progress")
_BROKEN: dict[str, Callable[[], Edit]] = {
    "the connection ends": _once(lambda _: Last()),
    "the connection ends within a packet": _once(lambda packet: Last(packet[:9])),
    "the connection ends before the last packet": _at_the_end(lambda _: Last()),
    "the connection ends within the last packet": _at_the_end(lambda packet: Last(packet[:7])),
    "a packet is lost": _once(lambda _: b""),
    "a row has no last value": _once(lambda packet: _like(packet, packet[4 : -len("row 01000.") - 1])),
    "a value is cut": _once(lambda packet: _like(packet, packet[4:-3])),
    "a packet is empty": _once(lambda packet: _like(packet, b"")),
    "the packet of the end is cut": _at_the_end(lambda packet: _like(packet, b"\xfe\x00")),
    "the packet of an error is cut": _once(lambda packet: _like(packet, b"\xff\x01")),
    "the server shuts down": _once(lambda _: Last(_SHUTDOWN)),
}


@pytest.mark.parametrize("how", _BROKEN)
def test_a_stream_that_breaks_is_unavailable_and_no_end(
    server: MariaDbServer, either: None, how: str
) -> None:
    edit = _From(_BROKEN[how]())
    received: list[Any] = []
    sql = "SELECT id, label FROM numbers ORDER BY id"
    with PacketProxy(server.port, edit) as proxy, pytest.raises(SourceUnavailable):
        read_into(received, source_of(server, sql, ["id", "label"], port=proxy.port))
    assert edit.seen
    assert received == [(number, f"row {number:05}.") for number in range(1, len(received) + 1)]


@needs_native
def test_a_row_with_more_than_its_values_is_unavailable(server: MariaDbServer) -> None:
    edit = _From(_once(lambda packet: _like(packet, packet[4:] + b"\x00"))())
    with PacketProxy(server.port, edit) as proxy, pytest.raises(SourceUnavailable):
        rows_of(source_of(server, "SELECT id, label FROM numbers", ["id", "label"], port=proxy.port))


@pytest.mark.parametrize("number", [1040, 1129, 1135, 1203, 1226, 1317, 1927])
def test_a_server_that_can_not_just_now_is_unavailable(server: MariaDbServer, number: int) -> None:
    """1135 is a thread that could not be made, 1129 a host that had too many errors."""

    def edit(packet: bytes) -> bytes:
        refused = packet[4:7] == b"\xff" + (1146).to_bytes(2, "little")
        return packet[:5] + number.to_bytes(2, "little") + packet[7:] if refused else packet

    with PacketProxy(server.port, edit) as proxy, pytest.raises(SourceUnavailable):
        rows_of(source_of(server, "SELECT id FROM no_such_table", ["id"], port=proxy.port))


def test_an_unedited_stream_comes_whole_through_the_proxy(server: MariaDbServer, either: None) -> None:
    with PacketProxy(server.port, _From(bytes)) as proxy:
        rows = rows_of(source_of(server, "SELECT id, label FROM numbers", ["id", "label"], port=proxy.port))
    assert len(rows) == _ROWS


def test_a_server_that_falls_silent_between_rows_is_unavailable_in_time(
    server: MariaDbServer, either: None
) -> None:
    def read() -> float:
        with PacketProxy(server.port, _From(_at_the_end(lambda _: b"")())) as proxy:
            source = source_of(
                server, "SELECT id, label FROM numbers", ["id", "label"], port=proxy.port, timeout=0.5
            )
            source._session._silence = 0.1
            started = time.monotonic()
            with pytest.raises((SourceUnavailable, QueryTimeout)) as caught:
                rows_of(source)
            # A busy machine may spend the query's own time before its first row.
            return time.monotonic() - started if caught.type is SourceUnavailable else math.inf

    once_below(5, read)


def test_a_read_that_is_blocked_between_rows_can_be_interrupted(server: MariaDbServer, either: None) -> None:
    silent = threading.Event()

    def swallow(_: bytes) -> bytes:
        silent.set()
        return b""

    raised: list[BaseException] = []
    with PacketProxy(server.port, _From(_at_the_end(swallow)())) as proxy:
        source = source_of(server, "SELECT id, label FROM numbers", ["id", "label"], port=proxy.port)

        def read() -> None:
            try:
                rows_of(source)
            except SourceInterrupted as error:
                raised.append(error)

        reader = threading.Thread(target=read)
        reader.start()
        assert silent.wait(_DEADLINE_SECONDS)
        source.interrupt()
        reader.join(_DEADLINE_SECONDS)
        assert not reader.is_alive()
    assert len(raised) == 1


@pytest.mark.parametrize(
    ("number", "error"),
    [
        (1969, QueryTimeout),
        (3024, QueryTimeout),
        (1317, SourceUnavailable),
        (1028, SourceCutShort),
        (1260, SourceCutShort),
        (1301, SourceCutShort),
        (1931, SourceCutShort),
    ],
)
def test_a_warning_that_rows_are_missing_fails_the_report(
    server: MariaDbServer, either: None, number: int, error: type[PrensaError]
) -> None:
    def edit(packet: bytes) -> bytes:
        return packet.replace(b"\x041365", b"\x04" + str(number).encode())

    with PacketProxy(server.port, edit) as proxy, pytest.raises(error):
        rows_of(source_of(server, "SELECT 1 / 0 AS a", ["a"], port=proxy.port))


def test_a_limit_of_examined_rows_is_seen_behind_many_other_warnings(
    server: MariaDbServer, either: None
) -> None:
    sql = "SELECT id / 0 AS a FROM numbers LIMIT ROWS EXAMINED 500"
    with pytest.raises(SourceCutShort) as caught:
        rows_of(source_of(server, sql, ["a"]))
    assert caught.value.code == "incomplete"


def test_a_limit_of_examined_rows_behind_more_warnings_than_are_kept_is_incomplete(
    server: MariaDbServer,
) -> None:
    sql = "SELECT seq / 0 AS a FROM seq_1_to_200000 LIMIT ROWS EXAMINED 70000"
    with pytest.raises(SourceCutShort):
        rows_of(source_of(server, sql, ["a"]))


def test_more_warnings_than_are_kept_are_no_error_where_nothing_limits_the_rows(
    server: MariaDbServer,
) -> None:
    rows = rows_of(source_of(server, "SELECT seq / 0 AS a FROM seq_1_to_70000", ["a"], batch_size=1000))
    assert len(rows) == 70_000


def test_a_limit_that_the_server_sets_on_every_result_does_not_hold(server: MariaDbServer) -> None:
    server.execute("SET GLOBAL sql_select_limit = 10")
    try:
        rows = rows_of(source_of(server, "SELECT id FROM numbers", ["id"]))
    finally:
        server.execute("SET GLOBAL sql_select_limit = DEFAULT")
    assert len(rows) == _ROWS


def test_a_value_that_the_server_cuts_is_incomplete(server: MariaDbServer) -> None:
    sql = "SELECT GROUP_CONCAT(REPEAT('x', 2000)) AS a FROM numbers"
    with pytest.raises(SourceCutShort):
        rows_of(source_of(server, sql, ["a"]))


@pytest.mark.parametrize(("set_to", "expected"), [(1024, 1 << 20), (1 << 22, 1 << 22)])
def test_values_of_groups_have_room_whatever_the_servers_default(
    server: MariaDbServer, set_to: int, expected: int
) -> None:
    (before,) = server.execute("SELECT @@global.group_concat_max_len")[0]
    server.execute(f"SET GLOBAL group_concat_max_len = {set_to}")
    try:
        rows = rows_of(source_of(server, "SELECT @@group_concat_max_len AS n", ["n"]))
    finally:
        server.execute(f"SET GLOBAL group_concat_max_len = {before}")
    assert rows == [(expected,)]


def test_results_end_with_the_packet_whose_warnings_are_counted(
    server: MariaDbServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CLIENT, "CAPABILITIES", CLIENT.CAPABILITIES | CLIENT.DEPRECATE_EOF)
    assert len(rows_of(source_of(server, "SELECT id FROM numbers", ["id"]))) == _ROWS
    with pytest.raises(SourceCutShort):
        rows_of(source_of(server, "SELECT id FROM numbers LIMIT ROWS EXAMINED 500", ["id"]))


# --- where the C module is of no use --------------------------------------------------------------------


def test_the_log_says_why_rows_are_read_one_by_one(
    server: MariaDbServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(logger, "info", lambda message, **keys: said.append((message, keys)))
    monkeypatch.setattr(mysql_rows, "native", None)
    assert len(rows_of(source_of(server, "SELECT id FROM numbers", ["id"]))) == _ROWS
    assert said == [("rows are read one by one", {"reason": "the C module has not been built"})]


@needs_native
def test_a_charset_that_the_c_module_does_not_know_is_left_to_pymysql(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said: list[dict[str, Any]] = []
    monkeypatch.setattr(logger, "info", lambda _, **keys: said.append(keys))
    bulk = _bulk([], [("utf8", None), ("latin1", None)], 0)
    assert bulk._columns is None
    assert said == [{"reason": "a column's charset is not UTF-8"}]
