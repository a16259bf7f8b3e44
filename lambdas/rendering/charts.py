"""What charts show, gathered while rows stream by."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from rendering.column_types import ADDABLE_TYPES
from rendering.errors import RenderError
from rendering.model import Chart, ChartKind, Table, Total
from rendering.rows import Cell, ColumnCells, Rows
from rendering.text import clean, normalize_newlines
from rendering.totals import Accumulator
from rendering.warnings import WarningKind, Warnings

#: Colours that can be told apart on screen and in print, in order of the series or slices.
COLORS = (
    "2F6DB5", "E07B39", "3A9B6F", "C0453F", "7D62B3", "8A6A4B",
    "D070A5", "5F6B7A", "B5A52F", "2FA7B5", "94B847", "1F3A5F",
)  # fmt: skip
#: More than these can't be told apart. What is beyond is put together as one.
_MOST_CATEGORIES = {ChartKind.LINE: 1000, ChartKind.BAR: 60, ChartKind.PIE: 12}


@dataclass(frozen=True, kw_only=True, slots=True)
class ChartPoints:
    """One chart's numbers. ``category`` and ``values`` are indexes of columns.

    ``categories`` come in the order of their first rows; ``series`` has for each of ``values`` a number for
    each category, ``None`` where there is none. ``has_rest`` says that one more number of each series stands
    for all categories beyond the limit.
    """

    chart: Chart
    category: int
    values: tuple[int, ...]
    categories: tuple[Cell, ...]
    series: tuple[tuple[Cell, ...], ...]
    has_rest: bool


def check_charts(table: Table) -> None:
    """Raise :class:`RenderError` when a chart of ``table`` can't be drawn from its columns."""
    columns = {column.key: column for column in table.columns}
    for chart in table.charts:
        if not chart.values:
            raise RenderError(f"the chart {chart.title!r} names no values")
        if chart.kind is ChartKind.PIE and len(chart.values) > 1:
            raise RenderError(f"the pie chart {chart.title!r} shows one column, got {len(chart.values)}")
        for key in (chart.category, *chart.values):
            if key not in columns:
                raise RenderError(f"the chart {chart.title!r} names {key!r}, which is no column")
        for key in chart.values:
            if columns[key].type not in ADDABLE_TYPES and columns[key].total is not Total.COUNT:
                raise RenderError(f"the chart {chart.title!r} needs numbers, {key!r} is {columns[key].type}")


def lone_points(values: Sequence[object]) -> list[int]:
    """The numbers without one beside them, which a line alone does not show."""
    around = [None, *values, None]
    return [
        index
        for index, value in enumerate(values)
        if value is not None and around[index] is None and around[index + 2] is None
    ]


class ChartData:
    """Follows the rows of a table and keeps what its charts show: memory is bounded by the limits."""

    def __init__(self, table: Table, *, warnings: Warnings) -> None:
        self._warnings = warnings
        self._charts = [_Gathered(chart, table) for chart in table.charts]

    def add(self, rows: Rows) -> None:
        for gathered in self._charts:
            gathered.add(rows)

    def result(self) -> tuple[ChartPoints, ...]:
        """Each chart's numbers; categories beyond a chart's limit are counted as a warning."""
        for gathered in self._charts:
            if gathered.rest_rows:
                detail = f"the chart {gathered.chart.title!r} shows rows of further categories together"
                self._warnings.add(
                    gathered.chart.category,
                    WarningKind.CHART_REST,
                    row=gathered.first_rest_row,
                    detail=detail,
                    count=gathered.rest_rows,
                )
        return tuple(gathered.result() for gathered in self._charts)


class _Gathered:
    def __init__(self, chart: Chart, table: Table) -> None:
        self.chart = replace(chart, title=normalize_newlines(clean(chart.title)))
        self._category, *values = table.indexes((chart.category, *chart.values))
        self._values = tuple(values)
        # A column without a total of its own is summed up.
        self._columns = [
            column if column.total else replace(column, total=Total.SUM)
            for column in (table.columns[index] for index in self._values)
        ]
        self._found: dict[Cell, list[Accumulator]] = {}
        self._rest: list[Accumulator] | None = None
        self._rows = 0
        self.rest_rows = 0
        self.first_rest_row = 0

    def add(self, rows: Rows) -> None:
        by_category: dict[Cell, list[int]] = {}
        for position, category in enumerate(rows.columns[self._category].cells):
            by_category.setdefault(category, []).append(position)
        for category, members in by_category.items():
            accumulators = self._of(category)
            if accumulators is self._rest:
                if not self.rest_rows:
                    self.first_rest_row = self._rows + 1 + members[0]
                self.rest_rows += len(members)
            for accumulator, index in zip(accumulators, self._values, strict=True):
                cells = rows.columns[index].cells
                accumulator.add(ColumnCells([cells[member] for member in members]))
        self._rows += len(rows)

    def _of(self, category: Cell) -> list[Accumulator]:
        found = self._found.get(category)
        if found is not None:
            return found
        if len(self._found) < _MOST_CATEGORIES[self.chart.kind]:
            made = self._found[category] = self._accumulators()
            return made
        if self._rest is None:
            self._rest = self._accumulators()
        return self._rest

    def _accumulators(self) -> list[Accumulator]:
        return [Accumulator(column) for column in self._columns]

    def result(self) -> ChartPoints:
        all_of_them = [*self._found.values(), *([self._rest] if self._rest else [])]
        series = tuple(
            tuple(accumulators[position].result_of_any() for accumulators in all_of_them)
            for position in range(len(self._values))
        )
        return ChartPoints(
            chart=self.chart,
            category=self._category,
            values=self._values,
            categories=tuple(self._found),
            series=series,
            has_rest=self._rest is not None,
        )
