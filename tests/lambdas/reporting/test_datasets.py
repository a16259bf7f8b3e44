"""CSV and JSON Lines as sources: every row as it was written, or an error that says where."""

import csv
import io
import json
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rendering.engine import render
from rendering.errors import BadValue
from rendering.model import Column, ColumnType, Format, Options, RenderResult, Table, Total
from reporting.delimited import BadDataset, DelimitedRows, Dialect, Unread
from reporting.json_lines import JsonLinesRows

CODE = Column(key="code", label="Código")
TOTAL = Column(key="total", label="Total", type=ColumnType.DECIMAL, total=Total.SUM)
DAY = Column(key="day", label="Day", type=ColumnType.DATE)
COLUMNS = (CODE, TOTAL, DAY)
_DATA = Path(__file__).parents[4] / "shared" / "data"


def pieces(data: bytes, size: int) -> Iterable[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


def read(
    data: bytes, *, columns: tuple[Column, ...] = COLUMNS, size: int = 7, dialect: Dialect | None = None
) -> list[list[Any]]:
    rows = DelimitedRows(pieces(data, size), columns=columns, dialect=dialect or Dialect())
    return [list(row) for batch in rows for row in batch]


def read_lines(data: bytes, *, columns: tuple[Column, ...] = COLUMNS, size: int = 7) -> list[list[Any]]:
    return [list(row) for batch in JsonLinesRows(pieces(data, size), columns=columns) for row in batch]


def rendered(rows: Iterable[Any], **options: Any) -> RenderResult:
    class Sink:
        def write(self, data: bytes, /) -> None:
            del data

    return render(
        table=Table(title="T", columns=COLUMNS),
        batches=rows,
        format=Format.CSV,
        options=Options(created_at=datetime(2026, 1, 1, tzinfo=UTC), **options),
        sink=Sink(),
    )


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_fields_keep_zeros_quotes_and_line_ends(size: int) -> None:
    data = 'total,code,day\r\n1.50,"0042, ""é""\r\nsecond",2026-01-31\n,007,\r"2",x,2026-02-01'.encode()
    assert read(data, size=size) == [
        ['0042, "é"\r\nsecond', "1.50", "2026-01-31"],
        ["007", None, None],
        ["x", "2", "2026-02-01"],
    ]


def test_columns_are_named_by_key_or_label_in_any_order() -> None:
    assert read("Day, Total ,Código\n,1,a\n".encode()) == [["a", "1", None]]


@pytest.mark.parametrize(
    ("data", "dialect"),
    [
        ("código".encode("utf-8-sig"), Dialect()),
        ("código".encode("utf-16"), Dialect(encoding="utf-16")),
        (b"\xfe\xff" + "código".encode("utf-16-be"), Dialect(encoding="utf-16")),
        ("código".encode("windows-1252"), Dialect(encoding="windows-1252")),
        ("código".encode("latin-1"), Dialect(encoding="iso-8859-1")),
    ],
)
def test_encodings_and_byte_order_marks(data: bytes, dialect: Dialect) -> None:
    column = Column(key="código", label="C")
    assert read(data, columns=(column,), size=1, dialect=dialect) == []


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_that_of_the_header(delimiter: str) -> None:
    text = f"code{delimiter}total{delimiter}day\na,b{delimiter}1{delimiter}\n"
    if delimiter == ",":
        text = text.replace("a,b", '"a,b"')
    assert read(text.encode()) == [["a,b", "1", None]]


def test_numbers_and_dates_are_read_as_declared_and_never_guessed() -> None:
    dialect = Dialect(delimiter=";", decimal=",", thousands=".", date_format="DD/MM/YYYY")
    data = "code;total;day\na;1.234.567,89;31/12/2025\nb;-5;\nc;1.5;2025-12-31\nd;12.34,5;1/2/2025\n"
    assert read(data.encode(), dialect=dialect) == [
        ["a", "1234567.89", "2025-12-31"],
        ["b", "-5", None],
        ["c", Unread("1.5"), Unread("2025-12-31")],
        ["d", Unread("12.34,5"), Unread("1/2/2025")],
    ]


def test_what_is_not_written_as_declared_is_a_bad_value_with_its_row_and_column() -> None:
    dialect = Dialect(delimiter=";", decimal=",", thousands=".")
    data = b"code;total;day\na;1,5;\nb;1.5;\n"
    result = rendered(DelimitedRows([data], columns=COLUMNS, dialect=dialect))
    assert [(w.column, w.kind, w.row) for w in result.warnings] == [("total", "bad_value", 2)]
    with pytest.raises(BadValue, match=r"row 2, column 'total': '1\.5' is not a decimal number"):
        rendered(DelimitedRows([data], columns=COLUMNS, dialect=dialect), on_bad_value="fail")


def test_empty_texts_are_blank_unless_they_are_wanted() -> None:
    assert read(b"code,total,day\n,,\n", dialect=Dialect(empty_as_null=False)) == [["", None, None]]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty"),
        (b"code,total\n", "lacks the columns day"),
        (b"code,total,day,code\n", "code stands twice"),
        (b"code,total,dya\n", "'dya' is no column; allowed: code, total, day"),
        (b"code,total,day\na,1\n", "Line 2 has 2 fields, the header 3"),
        (b"code,total,day\na,1,,\n", "Line 2 has 4 fields"),
        (b'code,total,day\na"b,1,\n', "Line 2.*a quote"),
        (b'code,total,day\na,b"c"d,\n', "Line 2, field 2: a quote stands inside"),
        (b'code,total,day\n"a"b,1,\n', "Line 2, field 1: text follows a closing quote"),
        (b'code,total,day\n\n"a\n\nb,1,', "Line 3: a quote is not closed"),
        (b"code;total,day\n", "delimiter is not clear"),
        (b"code,total,day\n\xff,1,\n", "not utf-8.*byte 15"),
        (b"\xff\xfec\x00", "mark of utf-16-le, but utf-8 was declared"),
    ],
)
def test_a_fault_of_form_says_where_it_is(data: bytes, message: str) -> None:
    for size in (1, 1000):
        with pytest.raises(BadDataset, match=message):
            read(data, size=size)


def test_a_line_that_never_ends_is_refused_before_it_fills_the_memory() -> None:
    endless = (b"x" * 100_000 for _ in range(1000))
    with pytest.raises(BadDataset, match="Line 1 has more than"):
        list(DelimitedRows(endless, columns=COLUMNS, dialect=Dialect()))
    with pytest.raises(BadDataset, match="Line 1 has more than"):
        list(JsonLinesRows((b"x" * 100_000 for _ in range(1000)), columns=COLUMNS))


@pytest.mark.parametrize(
    "options", [{"decimal": ",", "thousands": ","}, {"date_format": "DD/MM"}, {"date_format": "DD/DD/YYYY"}]
)
def test_a_dialect_that_cannot_be_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must"):
        Dialect(**options)


_TEXT = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=12)


@given(
    rows=st.lists(st.tuples(_TEXT, _TEXT), max_size=12),
    size=st.integers(1, 40),
    end=st.sampled_from(["\n", "\r\n"]),
)
@settings(max_examples=200)
def test_any_table_reads_back(rows: list[tuple[str, str]], size: int, end: str) -> None:
    columns = (Column(key="a", label="A"), Column(key="b", label="B"))
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator=end, quoting=csv.QUOTE_ALL).writerows([("a", "b"), *rows])
    found = read(out.getvalue().encode(), columns=columns, size=size, dialect=Dialect(empty_as_null=False))
    assert found == [list(row) for row in rows]


@given(st.binary(max_size=60) | st.text('",\n\r;a1é', max_size=40).map(str.encode), st.integers(1, 9))
@example(b"\xef\xbb", 1)
@example(b'code\r\n"\r', 3)
@settings(max_examples=400)
def test_any_bytes_are_rows_or_a_named_fault(data: bytes, size: int) -> None:
    for source in (
        DelimitedRows(pieces(data, size), columns=(CODE,), dialect=Dialect()),
        DelimitedRows(pieces(b"code\n" + data, size), columns=(CODE,), dialect=Dialect()),
        DelimitedRows(pieces(data, size), columns=(CODE,), dialect=Dialect(encoding="utf-16")),
        JsonLinesRows(pieces(data, size), columns=(CODE,)),
    ):
        with suppress(BadDataset):
            assert all(len(row) == 1 for batch in source for row in batch)


def test_lines_are_objects_or_arrays_with_exact_numbers() -> None:
    data = (
        '{"total": 0.10, "code": "007"}\n\n["x", 12345678901234567890, "2026-01-31"]\r\n'
        '{"day": null, "code": "é\\u00e9"}'
    ).encode()
    for size in (1, 1000):
        assert read_lines(data, size=size) == [
            ["007", Decimal("0.10"), None],
            ["x", 12345678901234567890, "2026-01-31"],
            ["éé", None, None],
        ]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b'{"code": 1}\n{"code": ', "Line 2: "),
        (b'{"cod": 1}', "Line 1: 'cod' is no column; allowed: code, total, day"),
        (b'{"code": 1, "code": 2}', "Line 1: .*twice"),
        (b"[1, 2]", "Line 1 has 2 values, the table 3 columns"),
        (b'"x"', "Line 1 is a string; a row is an object or an array"),
        (b'{"code": [1]}', "Line 1, column code: .* got an array"),
        (b'{"total": NaN}', "Line 1: NaN"),
        (b'{"code": "\\ud800"}', "Line 1: Half of a surrogate"),
        (b"\n\n\xff", "Line 3: .*UTF-8"),
    ],
)
def test_a_line_that_is_no_row_says_where_it_is(data: bytes, message: str) -> None:
    with pytest.raises(BadDataset, match=message):
        read_lines(data)


@given(
    st.lists(st.tuples(st.none() | _TEXT, st.none() | st.integers() | st.booleans()), max_size=10),
    st.integers(1, 30),
)
def test_any_objects_read_back(rows: list[tuple[Any, Any]], size: int) -> None:
    columns = (Column(key="a", label="A"), Column(key="b", label="B"))
    data = "\n".join(json.dumps({"a": a, "b": b}) for a, b in rows).encode()
    assert read_lines(data, columns=columns, size=size) == [list(row) for row in rows]


@pytest.mark.skipif(not _DATA.is_dir(), reason="the real data is not there")
def test_real_data_reads_as_the_standard_library_reads_it() -> None:
    for name in ("municipios.csv", "world-cities.csv", "country-codes.csv"):
        data = (_DATA / name).read_bytes()
        expected = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
        columns = tuple(Column(key=key, label=key) for key in expected[0])
        found = read(data, columns=columns, size=4096, dialect=Dialect(delimiter=",", empty_as_null=False))
        assert found == [row for row in expected[1:] if row]
