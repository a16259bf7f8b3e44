"""The one way into the engine."""

import hashlib
from collections.abc import Callable, Sequence

from rendering.charts import ChartData, check_charts
from rendering.convert import ColumnConverter
from rendering.csv import CsvWriter
from rendering.errors import BadValue, RenderError, TooManyColumns
from rendering.formats import check_column_format, zone_for
from rendering.layout import ReportLayout, Writer
from rendering.model import (
    Batch,
    Batches,
    ByteSink,
    Format,
    OnProgress,
    Options,
    RenderResult,
    Table,
)
from rendering.rows import Rows
from rendering.totals import Summary, Totals, check_column_total
from rendering.warnings import Warnings

#: ECMA-376 leaves it open; Excel's limits are 1,048,576 rows by 16,384 columns.
MAX_SHEET_ROWS = 1_048_576
MAX_SHEET_COLUMNS = 16_384


class _CountingSink:
    """Hands bytes on to the caller's sink, counting and hashing them."""

    def __init__(self, sink: ByteSink) -> None:
        self._sink = sink
        self._hash = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes, /) -> int:
        self._sink.write(data)
        self._hash.update(data)
        self.size += len(data)
        return len(data)

    def hexdigest(self) -> str:
        return self._hash.hexdigest()


def _ignore(rows_done: int) -> None:
    del rows_done


def render(
    *,
    table: Table,
    batches: Batches,
    format: Format,  # noqa: A002 - the contract's name
    options: Options,
    sink: ByteSink,
    on_progress: OnProgress = _ignore,
    max_rows_per_sheet: int = MAX_SHEET_ROWS,
) -> RenderResult:
    """Write ``table`` with the rows of ``batches`` to ``sink`` in ``format``.

    A row is a sequence with a value for each column, in order. ``on_progress`` is called after each batch
    with the rows done so far. ``max_rows_per_sheet`` counts every row of a sheet, the header among them;
    less than Excel's limit is for tests.

    Raises :class:`TooManyColumns`, :class:`TooManyRows` or :class:`BadValue` as the options say,
    :class:`RenderError` for a table that can't be, and :class:`ValueError` for an unknown locale or zone.
    Whatever the sink, the batches or ``on_progress`` raise comes through unchanged. What was written before
    an error is not a file.
    """
    _check(table, format=format)
    warnings = Warnings()
    zone = zone_for(options.timezone)
    layout = ReportLayout.of(table=table, options=options, warnings=warnings)
    counting = _CountingSink(sink)
    converters = [
        ColumnConverter(column=column, zone=zone, on_bad_value=options.on_bad_value, warnings=warnings)
        for column in table.columns
    ]
    totals = Totals(table, warnings=warnings)
    charts = ChartData(table, warnings=warnings)
    writer = _writer(format, layout=layout, sink=counting, max_rows_per_sheet=max_rows_per_sheet)
    try:
        rows_done = _write(
            writer, batches, converters=converters, totals=totals, charts=charts, on_progress=on_progress
        )
        written = writer.end(charts.result())
    finally:
        writer.close()
    return RenderResult(
        row_count=rows_done,
        size_bytes=counting.size,
        sha256=counting.hexdigest(),
        sheets=written.sheets,
        pages=written.pages,
        warnings=warnings.result(),
        totals=totals.result(),
    )


def _write(
    writer: Writer,
    batches: Batches,
    *,
    converters: Sequence[ColumnConverter],
    totals: Totals,
    charts: ChartData,
    on_progress: Callable[[int], None],
) -> int:
    rows_done = 0
    begun = False
    for batch in batches:
        if not batch:
            continue
        rows = _convert(batch, converters=converters, first_row=rows_done + 1)
        if not begun:
            writer.begin(rows)
            begun = True
        charts.add(rows)
        for part in totals.feed(rows):
            if isinstance(part, Summary):
                writer.summary(part)
            else:
                writer.rows(part, first_row=rows_done + 1)
                rows_done += len(part)
        on_progress(rows_done)
    if not begun:
        writer.begin(Rows.empty(len(converters)))
    if rows_done:
        for summary in totals.finish():
            writer.summary(summary)
    return rows_done


def _convert(batch: Batch, *, converters: Sequence[ColumnConverter], first_row: int) -> Rows:
    width = len(converters)
    if set(map(len, batch)) != {width}:
        row, values = next((row, v) for row, v in enumerate(batch, first_row) if len(v) != width)
        raise BadValue(f"row {row} has {len(values)} values, the table has {width} columns")
    columns = zip(*batch, strict=True)
    return Rows(
        [
            converter.convert(values, first_row=first_row)
            for converter, values in zip(converters, columns, strict=True)
        ]
    )


def _check(table: Table, *, format: Format) -> None:  # noqa: A002
    keys = [column.key for column in table.columns]
    if not keys:
        raise RenderError("a table has at least one column")
    if len(set(keys)) != len(keys):
        raise RenderError("two columns of a table have the same key")
    if format is Format.XLSX and len(keys) > MAX_SHEET_COLUMNS:
        raise TooManyColumns(f"{len(keys)} columns; a sheet holds {MAX_SHEET_COLUMNS}")
    unknown = [key for key in table.group_by if key not in keys]
    if unknown:
        raise RenderError(f"group_by names {unknown[0]!r}, which is no column")
    if table.sheet_by is not None and table.sheet_by != (table.group_by or (None,))[0]:
        raise RenderError(f"sheet_by must be the first of group_by, got {table.sheet_by!r}")
    try:
        for column in table.columns:
            check_column_format(column.type, column.format)
            check_column_total(column.type, column.total)
        check_charts(table)
    except ValueError as error:
        raise RenderError(str(error)) from error


def _writer(
    format: Format,  # noqa: A002
    *,
    layout: ReportLayout,
    sink: ByteSink,
    max_rows_per_sheet: int,
) -> Writer:
    # Each format's libraries are imported when they are first needed: a cold start pays for one only.
    match format:
        case Format.XLSX:
            from rendering.xlsx import XlsxWriter  # noqa: PLC0415

            return XlsxWriter(layout=layout, sink=sink, max_rows_per_sheet=max_rows_per_sheet)
        case Format.PDF:
            from rendering.pdf import PdfWriter  # noqa: PLC0415

            return PdfWriter(layout=layout, sink=sink)
        case Format.CSV:
            return CsvWriter(layout=layout, sink=sink)
