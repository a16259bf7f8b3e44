"""Comma-separated values as of RFC 4180: CR LF, a header line, quotes where a field needs them.

UTF-8 with a byte order mark, without which Excel reads the file in the system's code page. Numbers are
never localised: ``.`` is the decimal point and there are no separators. Dates are ISO 8601, date-times are
``YYYY-MM-DD HH:MM:SS`` on the wall clock of the report's zone, durations ``[-]H:MM:SS``, booleans ``true``
and ``false``. Blank and empty text are both an empty field. There are no totals: the file is data.
"""

import csv
import io
from collections.abc import Callable, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from rendering.charts import ChartPoints
from rendering.convert import decimal_text, duration_text, microseconds_of
from rendering.layout import ReportLayout, Written
from rendering.model import ByteSink, ColumnType
from rendering.rows import ColumnCells, Rows
from rendering.totals import Summary
from rendering.warnings import WarningKind

#: A text that starts with one of these is run as a formula by spreadsheets that open the file; the
#: full-width forms of = + - @ are treated alike by some (OWASP, "CSV Injection").
_LEADS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def neutralize(text: str) -> str:
    """``text``, with a ``'`` before it if a spreadsheet would take it for a formula."""
    return f"'{text}" if text.startswith(_LEADS) else text


def _moment(value: date | time) -> str:
    return value.isoformat(sep=" ") if isinstance(value, datetime) else value.isoformat()


def _number(value: int | float | Decimal) -> str:
    return decimal_text(Decimal(repr(value)) if isinstance(value, float) else Decimal(value))


_ENCODERS: dict[ColumnType, Callable[[Any], str]] = {
    ColumnType.STRING: str,
    ColumnType.URL: str,
    ColumnType.INTEGER: _number,
    ColumnType.DECIMAL: _number,
    ColumnType.FLOAT: _number,
    ColumnType.BOOLEAN: lambda value: "true" if value else "false",
    ColumnType.DATE: _moment,
    ColumnType.DATETIME: _moment,
    ColumnType.TIME: _moment,
    ColumnType.DURATION: lambda value: duration_text(microseconds_of(value)),
}


class CsvWriter:
    """Writes a report as CSV."""

    def __init__(self, *, layout: ReportLayout, sink: ByteSink) -> None:
        self._layout = layout
        self._sink = sink
        self._encoders = [_ENCODERS[column.type] for column in layout.columns]
        self._text = io.StringIO(newline="")
        self._csv = csv.writer(self._text, lineterminator="\r\n")

    def begin(self, sample: Rows) -> None:
        del sample
        self._text.write("\ufeff")
        self._csv.writerow([neutralize(header) for header in self._layout.headers])
        self._flush()

    def rows(self, rows: Rows, *, first_row: int) -> None:
        columns = [
            self._column(index, column, first_row=first_row) for index, column in enumerate(rows.columns)
        ]
        self._csv.writerows(zip(*columns, strict=True))
        self._flush()

    def _column(self, index: int, column: ColumnCells, *, first_row: int) -> Sequence[str | None]:
        if column.digits is not None:
            # A plain decimal is written as it is, but for the sign of a zero.
            return [
                text and (text if text[0] != "-" else decimal_text(Decimal(text))) for text in column.digits
            ]
        encode = self._encoders[index]
        cells: Sequence[Any] = column.cells
        texts = [None if cell is None else cell if type(cell) is str else encode(cell) for cell in cells]
        for position, cell in enumerate(cells):
            # Numbers may start with a minus: only texts are guarded.
            if type(cell) is str and cell.startswith(_LEADS):
                texts[position] = neutralize(cell)
                self._layout.warnings.add(
                    self._layout.columns[index].key,
                    WarningKind.GUARDED_FORMULA,
                    row=first_row + position,
                    detail="a spreadsheet would run the text as a formula; ' is before it",
                )
        return texts

    def summary(self, summary: Summary) -> None:
        del summary

    def end(self, charts: Sequence[ChartPoints]) -> Written:
        del charts
        return Written()

    def close(self) -> None:
        self._text.close()

    def _flush(self) -> None:
        self._sink.write(self._text.getvalue().encode())
        self._text.seek(0)
        self._text.truncate()
