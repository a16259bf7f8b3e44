"""Sheets beside the rows: totals of the groups' sheets, charts with their numbers, and how it was made."""

import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal

from rendering.charts import ChartPoints
from rendering.formats import GENERAL, TEXT
from rendering.layout import ReportLayout
from rendering.model import Align, ChartKind, ColumnType
from rendering.rows import Cell
from rendering.totals import Summary
from rendering.warnings import WarningKind
from rendering.xlsx_cells import (
    MAX_DIGITS,
    Encoded,
    Text,
    cell_xml,
    column_letters,
    encode_total,
    float_value,
    limited,
)
from rendering.xlsx_charts import (
    CHART_TYPE,
    DRAWING_TYPE,
    Anchor,
    ChartSpec,
    Series,
    chart_xml,
    drawing_xml,
)
from rendering.xlsx_package import Relationship
from rendering.xlsx_sheet import PrintSetup, SheetEnd, SheetView
from rendering.xlsx_styles import Styles
from rendering.xlsx_workbook import Workbook, quoted_name

_DRAWING = "/xl/drawings/drawing1.xml"
_CHART_COLUMNS, _CHART_ROWS = 10, 20
#: Two fit on portrait paper of any size.
_CHARTS_ON_PAGE = 2
_LABEL_WIDTH, _NUMBER_WIDTH, _GAP_WIDTH = 26.0, 16.0, 4.0
_ABOUT_WIDTHS = (30.0, 24.0, 12.0, 14.0, 60.0)


class ExtraSheets:
    """Writes them behind the sheets with rows. ``name`` makes a sheet's name unique."""

    def __init__(
        self,
        workbook: Workbook,
        *,
        layout: ReportLayout,
        styles: Styles,
        name: Callable[[str], str],
        print_setup: PrintSetup,
    ) -> None:
        self._workbook = workbook
        self._layout = layout
        self._styles = styles
        self._name = name
        self._print_setup = print_setup

    def summaries(self, summaries: Sequence[Summary], *, widths: Sequence[float]) -> None:
        """The totals of each group that has a sheet, and those of the whole."""
        lines = _Lines()
        lines.add(
            [
                (style, limited(header))
                for style, header in zip(self._styles.headers, self._layout.headers, strict=True)
            ]
        )
        for summary in summaries:
            lines.add(self._styles.summary_cells(summary))
        self._write(self._name(self._layout.labels.total), lines, widths=widths, frozen_rows=1)

    def charts(self, charts: Sequence[ChartPoints]) -> None:
        """Each chart's numbers, and the chart beside them."""
        name = self._name(self._layout.labels.charts)
        lines = _Lines()
        specs: list[ChartSpec] = []
        anchors: list[Anchor] = []
        beside = max(len(points.values) for points in charts) + 2
        breaks: list[int] = []
        for number, points in enumerate(charts):
            top = lines.count
            if number and number % _CHARTS_ON_PAGE == 0:
                breaks.append(top)
            specs.append(self._chart(points, lines, sheet=quoted_name(name)))
            anchors.append(Anchor(beside, top, _CHART_COLUMNS, _CHART_ROWS))
            while lines.count < top + _CHART_ROWS + 2:
                lines.add([])
        widths = [_LABEL_WIDTH, *[_NUMBER_WIDTH] * (beside - 2), _GAP_WIDTH]
        self._write_drawing(specs, anchors)
        self._write(
            name,
            lines,
            widths=widths,
            # Charts below one another need height.
            print_setup=replace(self._print_setup, landscape=False),
            drawing=_DRAWING,
            breaks=breaks,
        )

    def about(self, *, row_count: int, totals: Summary | None) -> None:
        """Title, parameters, clock, locale, counts, totals and what had to change."""
        layout, labels = self._layout, self._layout.labels
        lines = _Lines()
        lines.add([(self._styles.title, limited(labels.about))])
        lines.add([])
        facts: list[tuple[str, int, Encoded | None]] = [
            (labels.sheet, self._styles.label(), limited(layout.title)),
            (
                labels.created,
                self._styles.label(),
                limited(f"{layout.created} ({layout.options.timezone})"),
            ),
            (labels.language, self._styles.label(), limited(layout.formatter.language)),
            (labels.rows, self._styles.number("#,##0", left=True), str(row_count)),
        ]
        facts += [(label, self._styles.label(), limited(value)) for label, value in layout.parameters]
        for label, style, value in facts:
            lines.add([(self._styles.label(bold=True), limited(label)), (style, value)])
        lines.add([])
        self._add_totals(lines, totals)
        self._add_warnings(lines)
        self._write(self._name(labels.about), lines, widths=_ABOUT_WIDTHS)

    def _add_totals(self, lines: "_Lines", totals: Summary | None) -> None:
        if totals is None or not self._layout.has_totals:
            return
        labels = self._layout.labels
        lines.add(
            [
                (self._styles.header(), limited(labels.column)),
                (self._styles.header(Align.RIGHT), limited(labels.total)),
            ]
        )
        for index, (column, value) in enumerate(zip(self._layout.columns, totals.values, strict=True)):
            if column.total is None:
                continue
            encoded = encode_total(value)
            number_format = self._layout.total_formats[index].number_format
            style = self._styles.number(TEXT if isinstance(encoded, Text) else number_format)
            lines.add([(self._styles.label(), limited(self._layout.headers[index])), (style, encoded)])
        lines.add([])

    def _add_warnings(self, lines: "_Lines") -> None:
        labels, warnings = self._layout.labels, self._layout.warnings.result()
        if not warnings:
            lines.add([(self._styles.label(), limited(labels.nothing_changed))])
            return
        names = {
            column.key: header
            for column, header in zip(self._layout.columns, self._layout.headers, strict=True)
        }
        heads = (labels.column, labels.change, labels.count, labels.first_row, labels.detail)
        lines.add([(self._styles.header(), limited(head)) for head in heads])
        for warning in warnings:
            lines.add(
                [
                    (self._styles.label(), limited(names.get(warning.column, warning.column))),
                    (self._styles.label(), limited(warning.kind)),
                    (self._styles.number("#,##0"), str(warning.count)),
                    (self._styles.number("#,##0"), str(warning.row)),
                    (self._styles.label(), limited(warning.detail)),
                ]
            )

    def _chart(self, points: ChartPoints, lines: "_Lines", *, sheet: str) -> ChartSpec:
        layout = self._layout
        lines.add([(self._styles.label(bold=True, wrap=False), limited(points.chart.title))])
        head = lines.count + 1
        lines.add(
            [
                (self._styles.header(), limited(layout.headers[points.category])),
                *(
                    (self._styles.header(Align.RIGHT), limited(layout.headers[index]))
                    for index in points.values
                ),
            ]
        )
        categories = layout.category_labels(points)
        formats = [layout.total_formats[index].number_format for index in points.values]
        encoded = [
            [self._point(value, index) for value in series]
            for index, series in zip(points.values, points.series, strict=True)
        ]
        for position, category in enumerate(categories):
            lines.add(
                [
                    (self._styles.label(), limited(category)),
                    *(
                        (self._styles.number(number_format), values[position])
                        for number_format, values in zip(formats, encoded, strict=True)
                    ),
                ]
            )
        first, last = head + 1, max(head + 1, head + len(categories))
        return ChartSpec(
            kind=points.chart.kind,
            title=points.chart.title,
            category_cells=f"{sheet}!$A${first}:$A${last}",
            categories=categories,
            series=[
                Series(
                    name=layout.headers[index],
                    name_cell=f"{sheet}!${letter}${head}",
                    cells=f"{sheet}!${letter}${first}:${letter}${last}",
                    values=[value if isinstance(value, str) else None for value in values],
                    number_format=GENERAL if points.chart.kind is ChartKind.PIE else number_format,
                )
                for index, letter, number_format, values in zip(
                    points.values,
                    map(column_letters, range(2, 2 + len(points.values))),
                    formats,
                    encoded,
                    strict=True,
                )
            ],
        )

    def _point(self, value: Cell, index: int) -> Encoded | None:
        """A number that a chart shows. Programs draw one that is text as 0: it has 15 digits here."""
        encoded = encode_total(value)
        if not isinstance(encoded, Text) or not isinstance(value, int | float | Decimal):
            return encoded
        column = self._layout.columns[index]
        exact = number = Decimal(value)
        if column.type is not ColumnType.FLOAT:
            number = Decimal(f"{exact:.{MAX_DIGITS}g}")
        double = float(number)
        if not math.isfinite(double):
            return encoded
        is_zero = abs(double) < sys.float_info.min
        if is_zero or number != exact:
            self._layout.warnings.add(
                column.key,
                WarningKind.ROUNDED_CHART,
                row=0,
                detail=f"a chart's number has {MAX_DIGITS} digits; totals have all of them",
            )
        return "0" if is_zero else float_value(double)

    def _write_drawing(self, specs: Sequence[ChartSpec], anchors: Sequence[Anchor]) -> None:
        package = self._workbook.package
        names = [f"/xl/charts/chart{number}.xml" for number in range(1, len(specs) + 1)]
        for name, spec in zip(names, specs, strict=True):
            package.write(name, CHART_TYPE, chart_xml(spec))
        package.write(_DRAWING, DRAWING_TYPE, drawing_xml(anchors, [spec.title for spec in specs]))
        package.relate(_DRAWING, [Relationship("chart", name) for name in names])

    def _write(
        self,
        name: str,
        lines: "_Lines",
        *,
        widths: Sequence[float],
        frozen_rows: int = 0,
        print_setup: PrintSetup | None = None,
        drawing: str | None = None,
        breaks: Sequence[int] = (),
    ) -> None:
        entry, part = self._workbook.open_sheet(name)
        view = SheetView(selected=False, frozen_rows=frozen_rows, widths=widths, grid=False)
        part.write(view.xml())
        part.write(lines.xml())
        end = SheetEnd(print_setup=print_setup or self._print_setup, drawing=drawing, breaks=breaks)
        relationships = end.write(part, ())
        part.close()
        self._workbook.package.relate(entry.part, relationships)


class _Lines:
    """Rows of single cells, one below the other."""

    def __init__(self) -> None:
        self._rows: list[str] = []

    @property
    def count(self) -> int:
        return len(self._rows)

    def add(self, cells: Sequence[tuple[int, Encoded | None]]) -> None:
        number = len(self._rows) + 1
        made = "".join(
            cell_xml(f"{column_letters(index)}{number}", style, encoded)
            for index, (style, encoded) in enumerate(cells, 1)
        )
        self._rows.append(f'<row r="{number}">{made}</row>')

    def xml(self) -> bytes:
        return "".join(self._rows).encode()
