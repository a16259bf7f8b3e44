"""CSV and JSON Lines: what is read, what is refused and how that is said."""

import csv
import gzip
import io
import tracemalloc
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rendering.convert import RawText
from rendering.engine import render
from rendering.errors import BadData, BadValue
from rendering.model import Column, ColumnType, Format, Options, Table
from reporting.delimited import DELIMITERS, delimited
from reporting.json_lines import json_lines
from reporting.notation import Notation
from reporting.report import dump_document
from reporting.tabular_text import ReadLimits

DATA = Path(__file__).parents[4] / "shared" / "data"
TWO = (
    Column(key="code", label="Code"),
    Column(key="total", label="Total", type=ColumnType.DECIMAL),
)


def pieces(data: bytes, size: int = 7) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))


def read(data: bytes | str, columns: Sequence[Column] = TWO, **more: Any) -> list[list[object]]:
    raw = data.encode() if isinstance(data, str) else data
    return [list(row) for batch in delimited(pieces(raw), columns=columns, **more) for row in batch]


def read_lines(data: bytes | str, columns: Sequence[Column] = TWO, **more: Any) -> list[list[object]]:
    raw = data.encode() if isinstance(data, str) else data
    return [list(row) for batch in json_lines(pieces(raw), columns=columns, **more) for row in batch]


def one(column_type: ColumnType, text: str, **notation: Any) -> object:
    """The value of one field of a column."""
    [[value]] = read(
        f"a\n{text}\n", [Column(key="a", label="a", type=column_type)], notation=Notation(**notation)
    )
    return value.text + "!" if isinstance(value, RawText) else value


def test_a_header_names_columns_by_key_or_label_in_any_order() -> None:
    assert read("Total,code\n1.50,007\n") == [["007", Decimal("1.50")]]


@pytest.mark.parametrize(
    ("header", "said"),
    [
        (
            "code,sum",
            "unknown: 'sum'; missing: 'total'; got: 'code', 'sum'; allowed: 'code (Code)', 'total (Total)'",
        ),
        ("code,total,Total", "twice: 'Total'"),
        ("code", "missing: 'total'"),
        ("", "unknown: ''; missing: 'code', 'total'"),
    ],
)
def test_a_header_that_does_not_name_each_column_once_is_refused(header: str, said: str) -> None:
    with pytest.raises(BadData, match="line 1: the header") as refused:
        read(f"{header}\n1,2\n")
    assert said in str(refused.value)


def test_labels_that_are_other_columns_keys_mean_what_the_whole_header_says() -> None:
    columns = (Column(key="a", label="b"), Column(key="b", label="c"))
    assert read("b,a\n1,2\n", columns) == [["2", "1"]]
    assert read("b,c\n1,2\n", columns) == [["1", "2"]]


@pytest.mark.parametrize("delimiter", DELIMITERS)
def test_the_delimiter_is_found_in_the_header_alone(delimiter: str) -> None:
    others = "".join(other for other in DELIMITERS if other != delimiter)
    assert read(f"code{delimiter}total\n{others}{delimiter}1\n") == [[others, Decimal(1)]]


def test_a_declared_delimiter_is_the_only_one() -> None:
    with pytest.raises(BadData, match="split at each semicolon"):
        read("code,total\n", delimiter=";")


@pytest.mark.parametrize(
    ("encoding", "written"),
    [
        (None, "utf-8"),
        (None, "utf-8-sig"),
        ("utf-8", "utf-8-sig"),
        (None, "utf-16"),
        ("utf-16", "utf-16"),
        ("windows-1252", "windows-1252"),
        ("iso-8859-1", "iso-8859-1"),
    ],
)
def test_text_is_read_in_its_encoding(encoding: str | None, written: str) -> None:
    assert read("code,total\nção,1\n".encode(written), encoding=encoding) == [["ção", Decimal(1)]]


def test_utf_16_of_either_byte_order_is_read() -> None:
    text = "\ufeffcode,total\n€😀,1\n"
    assert read(text.encode("utf-16-be")) == read(text.encode("utf-16-le")) == [["€😀", Decimal(1)]]


@pytest.mark.parametrize(
    ("data", "encoding", "said"),
    [
        (b"code,total\na,1\n\xe7,1\n", None, "line 3: the byte 0xE7, number 16 of the file, is not utf-8"),
        (
            b"code,total\n\x81,1\n",
            "windows-1252",
            "line 2: the byte 0x81, number 12 of the file, is not windows-1252",
        ),
        ("\ufeffcode,total\n".encode("utf-32-le"), None, "the byte order mark of utf-32; send it as utf-8"),
        (
            "\ufeffcode,total\n".encode("utf-32-be"),
            "utf-8",
            "the byte order mark of utf-32; send it as utf-8",
        ),
        ("code".encode("utf-16-le"), "utf-16", "begins with a byte order mark; this one has none"),
        (
            "code".encode("utf-16"),
            "utf-8",
            "the byte order mark of utf-16, its encoding was declared as utf-8",
        ),
        (
            "\ufeffcode,total\na".encode("utf-16-le") + b"\x01",
            None,
            "line 2: the byte 0x01, number 27 of the file, is not utf-16-le",
        ),
    ],
)
def test_bytes_of_another_encoding_are_refused(data: bytes, encoding: Any, said: str) -> None:
    with pytest.raises(BadData, match="line") as refused:
        read(data, encoding=encoding)
    assert said in str(refused.value)


@pytest.mark.parametrize("encoding", [None, "windows-1252"])
@pytest.mark.parametrize(
    ("data", "form"),
    [
        (gzip.compress(b"code,total\na,1\n", mtime=0), "a gzip file"),
        (b"PK\x03\x04\x14\x00\x06\x00", "a zip archive, or a workbook,"),
        (b"\x28\xb5\x2f\xfd\x04\x58", "a zstd file"),
    ],
    ids=["gzip", "zip", "zstd"],
)
def test_a_compressed_file_is_told_as_such(data: bytes, form: str, encoding: Any) -> None:
    with pytest.raises(BadData) as refused:
        read(data, encoding=encoding)
    assert f"begins as {form} does; send the rows as plain CSV or JSON Lines" in str(refused.value)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 64])
def test_line_breaks_and_quotes_inside_quotes_belong_to_the_field(size: int) -> None:
    data = b'code,total\r\n"a\r\nb""c\n,d",1\r\n"",\r\nplain,"2"'
    found = [list(row) for batch in delimited(pieces(data, size), columns=TWO) for row in batch]
    assert found == [['a\r\nb"c\n,d', Decimal(1)], ["", None], ["plain", Decimal(2)]]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('x"y,1\n', "line 2, field 1: there is a quote in a field that does not begin with one"),
        ('x""y,1\n', "line 2, field 1: there is a quote in a field that does not begin with one"),
        ('a,1\n"x"y,1\n', "line 3, field 1: there is text after a closing quote"),
        ('a,1\n"x\ny"z,1\n', "line 4, field 1: there is text after a closing quote"),
        ('a,"1\n', "line 2: a quote is not closed before the end of the file"),
        ("a\rb,1\n", "line 2, field 1: there is a carriage return without a line feed"),
        ("a\r\r\n", "line 2, field 1: there is a carriage return without a line feed"),
        ('"a",b\r\r\n', "line 2, field 2: there is a carriage return without a line feed"),
        ("a\n", "line 2: the record has 1 fields, the header has 2"),
        ("a,1,\n", "line 2: the record has 3 fields, the header has 2"),
        ("a,1\n\n", "line 3: the record has 1 fields, the header has 2"),
    ],
)
def test_what_breaks_the_grammar_is_refused_with_its_place(body: str, said: str) -> None:
    with pytest.raises(BadData) as refused:
        read("code,total\n" + body)
    assert str(refused.value).startswith(said)


def test_an_empty_file_is_refused() -> None:
    with pytest.raises(BadData, match="the file is empty"):
        read("")


def test_a_file_of_a_header_alone_has_no_rows() -> None:
    assert read("code,total") == []


def test_an_empty_line_of_a_single_column_is_an_empty_field() -> None:
    assert read('a\n\nx\n""\n', [Column(key="a", label="a")]) == [[""], ["x"], [""]]


def test_empty_fields_are_blank_but_for_texts() -> None:
    assert read("code,total\n,\n") == [["", None]]
    assert read("code,total\n,\n", notation=Notation(empty_as_null=True)) == [[None, None]]


@pytest.mark.parametrize(
    ("locale", "text", "value"),
    [
        (None, "1234.50", Decimal("1234.50")),
        (None, "1,234.50", "1,234.50!"),
        (None, " 1", " 1!"),
        (None, "1e3", "1e3"),
        ("pt-BR", "1.234,50", Decimal("1234.50")),
        ("pt-BR", "-1.234.567,5", Decimal("-1234567.5")),
        ("pt-BR", "1234,5", Decimal("1234.5")),
        ("pt-BR", "12.34", "12.34!"),
        ("pt-BR", "1.234.56", "1.234.56!"),
        ("pt-BR", "1.234,5x", "1.234,5x!"),
        ("pt-BR", "1e3", "1e3!"),
        ("en", "1,234.50", Decimal("1234.50")),
        ("en", "1.234,50", "1.234,50!"),
        ("fr", "1\u202f234,5", Decimal("1234.5")),
        ("fr", "1\u00a0234,5", Decimal("1234.5")),
        ("fr", "1 234,5", Decimal("1234.5")),
        ("en-IN", "12,34,567.5", Decimal("1234567.5")),
        ("en-IN", "1,234,567.5", "1,234,567.5!"),
        ("sv", "\u22121,5", Decimal("-1.5")),
    ],
)
def test_numbers_are_read_as_the_declared_locale_writes_them(locale: str, text: str, value: object) -> None:
    quoted = f'"{text}"'
    assert one(ColumnType.DECIMAL, quoted, locale=locale) == value


@pytest.mark.parametrize(
    ("column_type", "text", "value"),
    [
        (ColumnType.STRING, "007", "007"),
        (ColumnType.INTEGER, "007", 7),
        (ColumnType.INTEGER, "1.5", "1.5!"),
        (ColumnType.INTEGER, "1_000", "1_000!"),
        (ColumnType.FLOAT, "0.1", "0.1"),
        (ColumnType.FLOAT, "NaN", "NaN!"),
        (ColumnType.DECIMAL, "1" * 400, "1" * 400 + "!"),
        (ColumnType.BOOLEAN, "true", True),
        (ColumnType.BOOLEAN, "0", False),
        (ColumnType.BOOLEAN, "yes", "yes!"),
        (ColumnType.DATE, "2026-02-28", date(2026, 2, 28)),
        (ColumnType.DATE, "2026-02-29", "2026-02-29!"),
        (ColumnType.DATE, "28/02/2026", "28/02/2026!"),
        (ColumnType.DATETIME, "2026-02-28T10:11:12.5", datetime(2026, 2, 28, 10, 11, 12, 500_000)),
        (ColumnType.DATETIME, "2026-02-28T25:11:12", "2026-02-28T25:11:12!"),
        (ColumnType.DATETIME, "2026-02-28 10:11Z", "2026-02-28 10:11Z"),
        (ColumnType.TIME, "13:45", "13:45"),
        (ColumnType.TIME, "24:45", "24:45!"),
        (ColumnType.DURATION, "27:30:00", "27:30:00"),
        (ColumnType.DURATION, "soon", "soon!"),
        (ColumnType.URL, "https://example.com/", "https://example.com/"),
    ],
)
def test_a_field_is_a_value_of_its_columns_type_or_raw_text(
    column_type: ColumnType, text: str, value: object
) -> None:
    found = one(column_type, text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("date_format", "text", "value"),
    [
        ("DD/MM/YYYY", "03/04/2026", date(2026, 4, 3)),
        ("MM/DD/YYYY", "03/04/2026", date(2026, 3, 4)),
        ("DD.MM.YYYY", "31.12.2026", date(2026, 12, 31)),
        ("D/M/YYYY", "3/4/2026", date(2026, 4, 3)),
        ("DD/MM/YYYY", "3/4/2026", "3/4/2026!"),
        ("DD/MM/YYYY", "31/02/2026", "31/02/2026!"),
        ("DD/MM/YYYY", "2026-04-03", "2026-04-03!"),
    ],
)
def test_dates_are_read_in_the_declared_order(date_format: str, text: str, value: object) -> None:
    assert one(ColumnType.DATE, text, date_format=date_format) == value


def test_a_datetime_has_its_day_in_the_declared_order() -> None:
    value = one(ColumnType.DATETIME, "03/04/2026 10:11:12", date_format="DD/MM/YYYY")
    assert value == datetime(2026, 4, 3, 10, 11, 12)


def test_a_bad_value_is_named_with_line_column_and_what_is_allowed() -> None:
    with pytest.raises(BadValue) as refused:
        read('code;total\n"a\nb";1\nx;1.234,5x\n', on_bad_value="fail", notation=Notation(locale="pt-BR"))
    assert str(refused.value) == (
        "line 4, column 'total': '1.234,5x' is not a decimal number in pt-BR, such as 1.234,5"
    )


def test_raw_text_is_kept_and_counted_by_the_engine_even_where_a_program_would_read_a_number() -> None:
    rows = delimited(iter([b"code;total\na;12.34\nb;1,5\n"]), columns=TWO, notation=Notation(locale="pt-BR"))
    sink = io.BytesIO()
    result = render(
        table=Table(title="t", columns=TWO),
        batches=rows,
        format=Format.CSV,
        options=Options(created_at=datetime(2026, 1, 1, tzinfo=UTC)),
        sink=sink,
    )
    assert sink.getvalue().decode("utf-8-sig") == "Code,Total\r\na,12.34\r\nb,1.5\r\n"
    [warning] = result.warnings
    assert (warning.column, warning.kind, warning.count, warning.row) == ("total", "bad_value", 1, 1)


@pytest.mark.parametrize("column_type", ColumnType)
def test_every_type_of_column_keeps_raw_text_as_text(column_type: ColumnType) -> None:
    column = Column(key="a", label="a", type=column_type)
    sink = io.BytesIO()
    result = render(
        table=Table(title="t", columns=(column,)),
        batches=[[[RawText("1")], [RawText("x")]]],
        format=Format.CSV,
        options=Options(created_at=datetime(2026, 1, 1, tzinfo=UTC)),
        sink=sink,
    )
    assert sink.getvalue().decode("utf-8-sig") == "a\r\n1\r\nx\r\n"
    counted = sum(warning.count for warning in result.warnings if warning.kind == "bad_value")
    assert counted == (0 if column_type in (ColumnType.STRING, ColumnType.URL) else 2)


def test_digits_of_other_scripts_and_what_python_reads_as_a_number_are_no_numbers() -> None:
    for text in ("1_000", "nan", "Infinity", "\u0661\u0662\u0663", "0x1F", " 1 ", "None"):
        for column_type in (ColumnType.INTEGER, ColumnType.DECIMAL, ColumnType.FLOAT):
            for locale in (None, "en", "ar-EG"):
                assert one(column_type, text, locale=locale) == text + "!"
        assert one(ColumnType.STRING, text) == text


def test_no_locale_reads_the_number_of_another() -> None:
    data = "code;total\nA;163.563,08\nB;1.234\nC;-0,5\nD;12,34,5\n"
    rows = read(data, notation=Notation(locale="pt-BR"))
    assert [row[1] for row in rows[:3]] == [Decimal("163563.08"), Decimal(1234), Decimal("-0.5")]
    with pytest.raises(BadValue, match="line 5, column 'total': '12,34,5' is not a decimal number in pt-BR"):
        read(data, notation=Notation(locale="pt-BR"), on_bad_value="fail")
    with pytest.raises(BadValue, match=r"line 2, column 'total': '163\.563,08' is not"):
        read(data, notation=Notation(locale="en"), on_bad_value="fail")


SMALL = ReadLimits(total_bytes=100, line_characters=40, field_characters=10)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("a,1\n" * 30, "the file has more than 100 bytes"),
        ("a" * 41 + "\n", "line 2: the line has more than 40 characters"),
        ("a" * 60, "line 2: the line has more than 40 characters"),
        ('"' + "a\n" * 21 + '",1', "line 2: the record has more than 40 characters"),
        ("a" * 11 + ",1\n", "line 2: the record has a field of more than 10 characters"),
    ],
)
def test_a_file_beyond_a_limit_is_refused(body: str, said: str) -> None:
    with pytest.raises(BadData) as refused:
        read("code,total\n" + body, limits=SMALL)
    assert said in str(refused.value)


@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
@pytest.mark.parametrize(
    "record", ['"{}",1', '"a\nb{}",1', '"a\r\n\r\nb{}",1', "{},1", '"{}\n",1', '"\n{}",1']
)
def test_a_record_may_be_as_long_as_the_limit_and_no_longer(record: str, end: str) -> None:
    limits = ReadLimits(line_characters=40)
    text = record.format("x" * (42 - len(record)))
    assert len(text) == 40
    [[_, total]] = read(f"code,total\n{text}{end}", limits=limits)
    assert total == Decimal(1)
    with pytest.raises(BadData, match=r"line 2: the (line|record) has more than 40 characters"):
        read(f"code,total\n{record.format('x' * (43 - len(record)))}{end}", limits=limits)


def test_a_name_of_a_header_that_looks_like_a_columns_shows_what_it_has_beside() -> None:
    with pytest.raises(BadData) as refused:
        read(b"code,total\na,1\n".decode().encode("utf-16-le"))
    assert r"unknown: 'c\x00o\x00d\x00e\x00', '\x00t\x00o\x00t\x00a\x00l\x00'" in str(refused.value)
    with pytest.raises(BadData) as refused:
        read("\ufeff\ufeffcode,total\u200b\n")
    assert r"unknown: '\ufeffcode', 'total\u200b'" in str(refused.value)


def test_a_label_that_two_columns_share_is_not_told_as_one_that_names_them() -> None:
    columns = [Column(key="a", label="Name"), Column(key="b", label="Name"), Column(key="c", label="City")]
    with pytest.raises(BadData) as refused:
        read("Name,Name,City\n", columns)
    assert str(refused.value).endswith("allowed: 'a', 'b', 'c (City)'")


def test_a_field_longer_than_the_reader_of_csv_takes_is_refused_by_its_line() -> None:
    with pytest.raises(BadData, match="line 3: the record has a field of more than 131072 characters"):
        read("code,total\na,1\n" + "x" * 131_073 + ",1\n")


def columns_of(*keys: str) -> list[Column]:
    return [Column(key=key, label=key) for key in keys]


def test_c18_odd_files_are_read_as_they_are() -> None:
    assert read(b"\xef\xbb\xbfcountry,name\nBR,A\n", columns_of("country", "name")) == [["BR", "A"]]
    cities = read(
        b"nome;cidade\nJo\xe3o;S\xe3o Paulo\n", columns_of("nome", "cidade"), encoding="windows-1252"
    )
    assert cities == [["João", "São Paulo"]]
    assert read("a,b\n", columns_of("a", "b")) == []
    assert read_lines('\n["x"]\r\n  \r\n{"a":"y"}', columns_of("a")) == [["x"], ["y"]]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (
            b"nome;cidade\nJo\xe3o;S\xe3o Paulo\n",
            "line 2: the byte 0xE3, number 15 of the file, is not utf-8",
        ),
        (b"a,b\n1\n1,2,3\n", "line 2: the record has 1 fields, the header has 2"),
        (b"a,b\n1,2\n1,2,3\n", "line 3: the record has 3 fields, the header has 2"),
        (b'a,b\n1,"unclosed\n2,3\n', "line 2: a quote is not closed before the end of the file"),
        (
            b"a,b\n1," + b"x" * 200_000 + b"\n",
            "line 2: the record has a field of more than 131072 characters",
        ),
        (b'a,b\n1,"' + b"x" * 200_000 + b'"\n', "line 2: the record has a field of more than 131072"),
        (b"", "the file is empty"),
        (b"\xef\xbb\xbf", "the file is empty"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_c18_what_can_not_be_read_for_certain_is_refused_with_its_line(data: bytes, said: str) -> None:
    header = data.split(b"\n")[0].decode()
    columns = columns_of("nome", "cidade") if header.startswith("nome") else columns_of("a", "b")
    with pytest.raises(BadData) as refused:
        read(data, columns)
    assert said in str(refused.value)


def test_c18_a_line_of_json_of_another_width_is_refused_with_its_number() -> None:
    with pytest.raises(BadData, match="line 4: the array has 1 items, the table has 2 columns"):
        read_lines('["x", 1]\r\n\r\n{"total": 2}\n[1]')


def test_json_lines_are_objects_or_arrays_with_exact_numbers() -> None:
    data = '\ufeff{"total": 12345678901234567.890, "code": "007"}\r\n\n[null, 1]\n  \n{}'
    assert read_lines(data) == [["007", Decimal("12345678901234567.890")], [None, 1], [None, None]]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"code": "a", "code": "b"}', "line 2: The key 'code' stands twice in one object."),
        ('{"kode": "a"}', "line 2: no column has the key 'kode'; allowed: 'code', 'total'"),
        ('{"code": }', "line 2, character 10: Expecting value"),
        ('{"code": "a"} x', "line 2, character 15: Extra data"),
        ('{"total": NaN}', "line 2: NaN is not a JSON value."),
        ('{"total": 1e999}', "line 2: The number 1e999 is out of range."),
        ('{"code": "\\ud800"}', "line 2: Half of a surrogate pair"),
        ('["a"]', "line 2: the array has 1 items, the table has 2 columns"),
        ('"a"', "line 2: a row is an object or an array, got a string"),
        (
            '["a", [1]]',
            "line 2, column 'total': a cell is a string, a number, a boolean or null, got an array",
        ),
        ("[" * 100_000, "line 2: Values nest deeper than 32 levels."),
    ],
)
def test_a_line_that_is_no_row_is_refused_with_its_place(line: str, said: str) -> None:
    with pytest.raises(BadData) as refused:
        read_lines(f'["a", 1]\n{line}\n')
    assert str(refused.value).startswith(said)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('["a", 1]\n' * 20, "the file has more than 100 bytes"),
        (" " * 41, "line 1: the line has more than 40 characters"),
        (f'["{"a" * 11}", 1]', "line 1, column 'code': the text has 11 characters, the limit is 10"),
    ],
)
def test_json_lines_beyond_a_limit_are_refused(body: str, said: str) -> None:
    with pytest.raises(BadData) as refused:
        read_lines(body, limits=SMALL)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ('["a", 1]'.encode("utf-16"), "the byte order mark of utf-16; send it as utf-8"),
        ('["ção", 1]'.encode("iso-8859-1"), "is not utf-8 (invalid continuation byte); send it as utf-8"),
        (b'["a", 1]\n"\xc3', "is not utf-8 (unexpected end of data); send it as utf-8"),
    ],
)
def test_json_lines_of_another_encoding_are_not_told_of_one_to_declare(data: bytes, said: str) -> None:
    with pytest.raises(BadData) as refused:
        read_lines(data)
    assert str(refused.value).endswith(said)


def test_a_line_that_never_ends_is_refused_before_it_fills_the_memory() -> None:
    for reader in (delimited, json_lines):
        sent = 0

        def endless() -> Iterator[bytes]:
            nonlocal sent
            while True:
                sent += 1
                yield b"x" * 100_000

        with pytest.raises(BadData, match="line 1: the line has more than 1000000 characters"):
            list(reader(endless(), columns=TWO))
        assert sent == 11


@pytest.mark.skipif(not DATA.is_dir(), reason="the real data is not there")
def test_real_data_reads_as_the_standard_library_reads_it() -> None:
    for name in ("municipios.csv", "world-cities.csv", "country-codes.csv"):
        data = (DATA / name).read_bytes()
        expected = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
        columns = [Column(key=key, label=key) for key in expected[0]]
        rows = [list(row) for batch in delimited(pieces(data, 4096), columns=columns) for row in batch]
        assert rows == expected[1:]


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
VALUES: dict[ColumnType, st.SearchStrategy[Any]] = {
    ColumnType.STRING: TEXTS,
    ColumnType.INTEGER: st.integers(-(10**17), 10**17) | st.none(),
    ColumnType.DECIMAL: st.decimals(
        allow_nan=False, allow_infinity=False, places=3, min_value=-(10**12), max_value=10**12
    )
    | st.none(),
    ColumnType.BOOLEAN: st.booleans() | st.none(),
    ColumnType.DATE: st.dates() | st.none(),
    ColumnType.DATETIME: st.datetimes() | st.none(),
}


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[Column], list[list[Any]]]:
    kinds = draw(st.lists(st.sampled_from(list(VALUES)), min_size=1, max_size=5))
    names = draw(st.lists(TEXTS.filter(bool), min_size=len(kinds), max_size=len(kinds), unique=True))
    columns = [Column(key=name, label=name, type=kind) for name, kind in zip(names, kinds, strict=True)]
    return columns, draw(st.lists(st.tuples(*(VALUES[kind] for kind in kinds)).map(list), max_size=8))


def written(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else value.isoformat() if isinstance(value, date) else str(value)


@given(
    tables(), st.sampled_from(DELIMITERS), st.sampled_from(["\n", "\r\n"]), st.integers(1, 50), st.booleans()
)
def test_any_table_written_as_csv_reads_back_equal(
    made: tuple[list[Column], list[list[Any]]], delimiter: Any, end: str, size: int, quote: bool
) -> None:
    columns, rows = made
    text = io.StringIO(newline="")
    writer = csv.writer(
        text, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL if quote else csv.QUOTE_MINIMAL
    )
    writer.writerow([column.key for column in columns])
    writer.writerows([written(value) for value in row] for row in rows)
    chunks = pieces(text.getvalue().encode(), size)
    found = [list(row) for batch in delimited(chunks, columns=columns, delimiter=delimiter) for row in batch]
    assert found == rows


@given(tables(), st.integers(1, 50), st.booleans())
def test_any_table_written_as_json_lines_reads_back_equal(
    made: tuple[list[Column], list[list[Any]]], size: int, objects: bool
) -> None:
    columns, rows = made
    keys = [column.key for column in columns]
    plain = [[value.isoformat() if isinstance(value, date) else value for value in row] for row in rows]
    lines = [dump_document(dict(zip(keys, row, strict=True)) if objects else row) for row in plain]
    data = "\n".join(lines).encode()
    assert [list(r) for batch in json_lines(pieces(data, size), columns=columns) for r in batch] == plain


#: What files are made of, so that random bytes get past the header.
SCRAPS = st.sampled_from(
    [
        b'"',
        b",",
        b"\n",
        b"\r",
        b"\r\n",
        b"1",
        b"a",
        b"\xc3\xa7",
        b"\xff",
        b"\x00",
        b"[",
        b"{",
        b'"code"',
        b":",
        b"]",
        b"}",
    ]
)
BYTES = st.binary(max_size=60) | st.lists(SCRAPS, max_size=40).map(b"".join)


@given(
    BYTES, st.booleans(), st.integers(1, 9), st.sampled_from([None, "utf-16", "windows-1252", "iso-8859-1"])
)
def test_any_bytes_are_csv_or_refused(body: bytes, header: bool, size: int, encoding: Any) -> None:
    data = b"code,total\n" + body if header else body
    with suppress(BadData, BadValue):
        for batch in delimited(pieces(data, size), columns=TWO, encoding=encoding, on_bad_value="fail"):
            assert all(len(row) == 2 for row in batch)


@given(BYTES, st.integers(1, 9))
def test_any_bytes_are_json_lines_or_refused(data: bytes, size: int) -> None:
    with suppress(BadData):
        for batch in json_lines(pieces(data, size), columns=TWO):
            assert all(len(row) == 2 for row in batch)


@given(st.lists(SCRAPS, max_size=40).map(b"".join))
def test_what_is_accepted_is_what_the_grammar_says(body: bytes) -> None:
    """Each accepted file comes out of the reader the same when it is written anew, quotes around all."""
    columns = (Column(key="code", label="code"), Column(key="b", label="b"))
    try:
        rows = read(b"code,b\n" + body, columns)
    except BadData:
        return
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows([["code", "b"], *rows])
    assert read(text.getvalue(), columns) == rows
    records = body.decode().replace("\r\n", "\n").count("\n")
    assert len(rows) <= records + 1


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_memory_is_level_however_many_rows(kind: str) -> None:
    def chunks(rows: int) -> Iterator[bytes]:
        yield b"code,total\n" if kind == "csv" else b""
        for start in range(0, rows, 1000):
            numbers = range(start, start + 1000)
            if kind == "csv":
                yield "".join(f'"{n:07d}",{n}.25\n' for n in numbers).encode()
            else:
                yield "".join(f'["{n:07d}",{n}.25]\n' for n in numbers).encode()

    def peak(rows: int) -> int:
        reader = delimited if kind == "csv" else json_lines
        tracemalloc.start()
        try:
            assert sum(len(batch) for batch in reader(chunks(rows), columns=TWO)) == rows
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(2000)
    assert peak(200_000) < peak(4000) * 1.5
