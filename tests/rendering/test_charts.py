"""What charts show is exact and bounded, whatever the rows."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from rendering.charts import ChartData, lone_points
from rendering.engine import render
from rendering.errors import RenderError
from rendering.model import Chart, ChartKind, Column, ColumnType, Format, Options, Table, Total
from rendering.rows import Cells, ColumnCells, Rows
from rendering.warnings import Warnings
from tests.rendering.support import Sink

COLUMNS = (
    Column(key="month", label="Month", type=ColumnType.DATE),
    Column(key="revenue", label="Revenue", type=ColumnType.DECIMAL),
    Column(key="best", label="Best", type=ColumnType.INTEGER, total=Total.MAX),
    Column(key="name", label="Name"),
)


def _table(*charts: Chart) -> Table:
    return Table(title="T", columns=COLUMNS, charts=charts)


def _chart(kind: ChartKind = ChartKind.BAR, values: tuple[str, ...] = ("revenue",)) -> Chart:
    return Chart(kind=kind, title="C", category="month", values=values)


def _rows(*rows: Cells) -> Rows:
    return Rows([ColumnCells(cells) for cells in zip(*rows, strict=True)])


def test_rows_of_one_category_are_put_together_exactly_across_batches() -> None:
    data = ChartData(_table(_chart(values=("revenue", "best"))), warnings=Warnings())
    may, june = date(2024, 5, 1), date(2024, 6, 1)
    data.add(_rows((june, Decimal("0.1"), 3, "a"), (may, Decimal("5.00"), 1, "b")))
    data.add(_rows((june, Decimal("0.2"), 7, "c"), (june, None, None, None)))
    (points,) = data.result()
    assert points.categories == (june, may)
    assert points.series == ((Decimal("0.3"), Decimal("5.00")), (7, 1))
    assert not points.has_rest


def test_a_category_without_a_number_is_no_zero() -> None:
    data = ChartData(_table(_chart(values=("revenue", "best"))), warnings=Warnings())
    may, june = date(2024, 5, 1), date(2024, 6, 1)
    data.add(_rows((may, None, 1, "a"), (june, Decimal(0), None, "b"), (None, "kept as text", None, "c")))
    (points,) = data.result()
    assert points.series == ((None, Decimal(0), None), (1, None, None))


def test_a_number_with_none_beside_it_is_a_point() -> None:
    assert lone_points([1]) == [0]
    assert lone_points([0, None, 2, 3, None, None, 6]) == [0, 6]
    assert lone_points([None, 1, 2]) == lone_points([]) == []


def test_categories_beyond_the_limit_are_one_and_counted() -> None:
    warnings = Warnings()
    data = ChartData(_table(_chart(ChartKind.PIE)), warnings=warnings)
    rows = [(date(2024, 1, 1 + day), Decimal(day), None, None) for day in range(15)]
    data.add(_rows(*rows))
    data.add(_rows(rows[0]))
    (points,) = data.result()
    assert len(points.categories) == 12
    assert points.series == ((*(Decimal(day) for day in range(12)), Decimal(12 + 13 + 14)),)
    assert points.has_rest
    (warning,) = warnings.result()
    assert (warning.column, warning.kind, warning.count, warning.row) == ("month", "chart_rest", 3, 13)


@pytest.mark.parametrize(
    ("chart", "message"),
    [
        (_chart(values=()), "no values"),
        (_chart(ChartKind.PIE, ("revenue", "best")), "shows one column"),
        (_chart(values=("nowhere",)), "'nowhere'"),
        (_chart(values=("name",)), "needs numbers"),
    ],
)
def test_a_chart_that_cannot_be_drawn_is_refused(chart: Chart, message: str) -> None:
    options = Options(created_at=datetime(2026, 1, 1, tzinfo=UTC))
    with pytest.raises(RenderError, match=message):
        render(table=_table(chart), batches=[], format=Format.CSV, options=options, sink=Sink())
