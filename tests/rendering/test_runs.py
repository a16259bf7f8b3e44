"""Runs of cells that are made at once are the same as cells that are made one by one."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rendering import convert, xlsx_columns
from rendering.model import Column, ColumnType, Format
from rendering.rows import Cell

from .support import in_python, make, one

X = Format.XLSX
_TEXTS = st.text(max_size=12) | st.sampled_from(
    ["=1", " x", "x ", "a\tb", "\t", "", "a\r\nb", "_x0041_", "<&>", "\u00a0x", "x\u2003", "-", "a" * 20_000]
)
_VALUES: dict[ColumnType, st.SearchStrategy[object]] = {
    ColumnType.STRING: _TEXTS,
    ColumnType.URL: _TEXTS | st.sampled_from(["https://example.com/?q=ã", "ftp://x"]),
    ColumnType.INTEGER: st.integers() | st.integers(-5, 5),
    ColumnType.DECIMAL: st.decimals() | st.decimals(-1000, 1000, places=2) | st.just(Decimal("-0.00")),
    ColumnType.FLOAT: st.floats(),
    ColumnType.BOOLEAN: st.booleans(),
    ColumnType.DATE: st.dates(),
    ColumnType.DATETIME: st.datetimes() | st.datetimes(timezones=st.just(UTC)),
    ColumnType.TIME: st.times(),
    ColumnType.DURATION: st.timedeltas(timedelta(days=-5), timedelta(days=400)),
}


def _one_by_one(xml: xlsx_columns.ColumnXml, cells: Sequence[Cell], numbers: Sequence[str]) -> list[str]:
    return ["" if cell is None else xml._one(cell, index) for index, cell in enumerate(cells)]


@pytest.mark.parametrize("kind", _VALUES)
@given(data=st.data())
@settings(max_examples=60)
def test_a_run_is_the_same_as_its_cells_one_by_one(kind: ColumnType, data: st.DataObject) -> None:
    ordinary = st.lists(_VALUES[kind] | st.none(), min_size=1, max_size=12)
    odd = st.sampled_from(["x", 1, None, Decimal("1e400"), b"\x01", "2026-01-01"])
    values = data.draw(ordinary | st.lists(_VALUES[kind] | odd, min_size=1, max_size=12))
    column = Column(key="c", label="C", type=kind)
    with in_python(), pytest.MonkeyPatch.context() as patch:
        # Whether a text is shared depends on the column: a single cell can't tell.
        patch.setattr(xlsx_columns, "worth_sharing", lambda _: False)
        together = one(X, column, values, timezone="America/Sao_Paulo")
        patch.setattr(convert, "whole_column", lambda *_: None)
        patch.setattr(xlsx_columns.ColumnXml, "_texts", _one_by_one)
        patch.setattr(xlsx_columns.ColumnXml, "_values", lambda *_: None)
        single = one(X, column, values, timezone="America/Sao_Paulo")
    assert together.part("xl/worksheets/sheet1.xml") == single.part("xl/worksheets/sheet1.xml")
    assert together.result.warnings == single.result.warnings


@pytest.mark.parametrize("rows", [1, 99, 100, 101, 1000, 1001, 2500])
def test_rows_are_numbered_through_every_run_and_sheet(rows: int) -> None:
    column = Column(key="n", label="N", type=ColumnType.INTEGER)
    made = make(X, [column], [[number] for number in range(rows)], max_rows_per_sheet=700)
    cells = [cell for sheet in range(1, (made.result.sheets or 0) + 1) for cell in made.column(sheet=sheet)]
    assert [cell and cell.value for cell in cells] == list(map(str, range(rows)))


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (ColumnType.DATETIME, "2026-01-02T03:04:05.1234567Z", 1),
        (ColumnType.DATETIME, "2026-01-02T03:04:05.1234560Z", 0),
        (ColumnType.DATETIME, "2026-01-02T03:04:05.123456Z", 0),
        (ColumnType.TIME, "03:04:05.123456789", 1),
        (ColumnType.TIME, "03:04:05.5", 0),
        (ColumnType.DURATION, Decimal("1.0000001"), 1),
        (ColumnType.DURATION, Decimal("1.000001"), 0),
        (ColumnType.DURATION, Decimal("1.0000000000000000000000000000001"), 1),
        (ColumnType.DURATION, 1.000001, 0),
        (ColumnType.DURATION, 1.0000001, 1),
    ],
)
def test_a_fraction_below_a_microsecond_is_counted(kind: ColumnType, value: object, expected: int) -> None:
    made = one(X, Column(key="c", label="C", type=kind), [value])
    assert made.kinds == ({("c", "cut_fraction"): 1} if expected else {})


@pytest.mark.parametrize(
    ("value", "day", "cut"),
    [
        ("2026-01-31T23:45:00Z", "2026-01-31", True),
        ("2026-01-31T21:00:00-03:00", "2026-02-01", False),
        (datetime(2026, 1, 31), "2026-01-31", False),
        (datetime(2026, 1, 31, 0, 0, 0, 1), "2026-01-31", True),
        ("2026-01-31", "2026-01-31", False),
        ("2026-01-31 25:00", "2026-01-31 25:00", False),
    ],
)
def test_a_time_of_day_that_a_date_does_not_keep_is_counted(value: object, day: str, cut: bool) -> None:
    made = one(Format.CSV, Column(key="c", label="C", type=ColumnType.DATE), [value])
    assert made.data.decode("utf-8-sig").split() == ["C", *day.split()]
    assert (("c", "cut_time") in made.kinds) is cut


def test_a_bad_value_that_looks_like_a_fine_fraction_is_only_bad() -> None:
    made = one(X, Column(key="c", label="C", type=ColumnType.TIME), ["25:04:05.123456789"])
    assert made.kinds == {("c", "bad_value"): 1}
