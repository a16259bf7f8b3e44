"""CSV: RFC 4180, safe to open in a spreadsheet, and the same data."""

import csv
import io
from contextlib import nullcontext
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rendering.model import Column, ColumnType, Format, Total

from .support import in_python, make, one

C = Format.CSV
TEXT = Column(key="c", label="C")


def lines(data: bytes) -> list[list[str]]:
    text = data.decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline="")))


def test_the_file_has_a_byte_order_mark_a_header_and_crlf() -> None:
    assert make(C, [TEXT, Column(key="d", label="D, E")], [["ação", None]]).data == (
        b'\xef\xbb\xbfC,"D, E"\r\n' + "ação,\r\n".encode()
    )


@pytest.mark.parametrize(
    "text",
    ["+55 11 90000-0000", "-10% off", "@SUM(1+1)", "\t=1+1", "\r=1+1", "-5", "＝1+1", "＠x", "=1", "\n=1"],
)
def test_text_that_a_spreadsheet_would_run_gets_an_apostrophe(text: str) -> None:
    assert lines(one(C, TEXT, [text]).data)[1] == [f"'{text}"]


@pytest.mark.parametrize("lead", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_no_text_of_a_file_begins_as_a_formula_does(lead: str) -> None:
    """Labels come from the request too; a workbook that becomes a CSV is one (``on_overflow``)."""
    attack = f"{lead}cmd|' /C calc'!A0"
    columns = [
        Column(key="s", label=attack),
        Column(key="u", label=attack, type=ColumnType.URL),
        Column(key="i", label=attack, type=ColumnType.INTEGER),
        Column(key="d", label=attack, type=ColumnType.DATE),
        Column(key="b", label=attack, type=ColumnType.BOOLEAN),
        Column(key="t", label=attack, type=ColumnType.DURATION),
    ]
    for native in (nullcontext(), in_python()):
        with native:
            made = make(
                C, columns, [[attack] * 6], title=attack, subtitle=attack, parameters=((attack, attack),)
            )
        header, row = lines(made.data)
        assert [field[:1] for field in (*header, *row)] == ["'"] * 12


def test_numbers_and_durations_get_no_apostrophe_and_no_locale() -> None:
    columns = [
        Column(key="i", label="I", type=ColumnType.INTEGER),
        Column(key="d", label="D", type=ColumnType.DECIMAL, format="currency:BRL", total=Total.SUM),
        Column(key="f", label="F", type=ColumnType.FLOAT),
        Column(key="u", label="U", type=ColumnType.DURATION),
    ]
    rows: list[list[object]] = [[-5, Decimal("-1234.50"), -0.5, timedelta(seconds=-90)]]
    assert lines(make(C, columns, rows, locale="pt-BR").data)[1:] == [["-5", "-1234.50", "-0.5", "-0:01:30"]]


def test_a_bad_value_in_a_number_column_is_neutralized_too() -> None:
    column = Column(key="i", label="I", type=ColumnType.INTEGER)
    assert lines(one(C, column, ["=cmd()"]).data)[1] == ["'=cmd()"]


def test_every_digit_stays_without_an_exponent() -> None:
    column = Column(key="d", label="D", type=ColumnType.DECIMAL)
    values = ["12345678901234567.89", "1e5", "0.00000001", "18446744073709551616"]
    assert lines(one(C, column, values).data)[1:] == [
        ["12345678901234567.89"],
        ["100000"],
        ["0.00000001"],
        ["18446744073709551616"],
    ]


def test_moments_are_iso_8601_on_the_reports_clock() -> None:
    columns = [
        Column(key="d", label="D", type=ColumnType.DATE),
        Column(key="t", label="T", type=ColumnType.DATETIME),
        Column(key="b", label="B", type=ColumnType.BOOLEAN),
    ]
    made = make(
        C, columns, [[date(1756, 1, 27), datetime(2024, 3, 11, 2, 30), True]], timezone="America/Sao_Paulo"
    )
    assert lines(made.data)[1] == ["1756-01-27", "2024-03-10 23:30:00", "true"]


def test_a_table_without_rows_is_a_header() -> None:
    made = one(C, TEXT, [])
    assert made.data == b"\xef\xbb\xbfC\r\n"
    assert made.result.row_count == 0


@given(st.lists(st.tuples(st.text(max_size=20), st.text(max_size=20)), max_size=6))
def test_any_text_reads_back(rows: list[tuple[str, str]]) -> None:
    made = make(C, [TEXT, Column(key="d", label="D")], rows)
    removed = {*map(chr, range(32)), "\ufffe", "\uffff"} - set("\t\n\r")
    expected = [["".join(c for c in text if c not in removed) for text in row] for row in rows]
    for found, wanted in zip(lines(made.data)[1:], expected, strict=True):
        assert [text in (value, f"'{value}") for text, value in zip(found, wanted, strict=True)] == [
            True,
            True,
        ]


def test_an_apostrophe_that_was_put_before_a_text_is_counted() -> None:
    made = one(C, TEXT, ["=1", "fine", None, "@x"])
    assert made.kinds == {("c", "guarded_formula"): 2}
    [warning] = made.result.warnings
    assert warning.row == 1


def test_a_negative_number_is_not_guarded_and_not_counted() -> None:
    assert one(C, Column(key="i", label="I", type=ColumnType.INTEGER), [-5]).kinds == {}
