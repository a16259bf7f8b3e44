"""XLSX: SpreadsheetML as of ECMA-376, within the limits of Excel.

The header is in row 1 and the title is the sheet's name, unless the report has a subtitle or parameters:
then a block of title, subtitle and parameters comes first. When a sheet is full the rows go on in
the next one, which has the same header, widths, panes and filter.
"""

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Literal

from openpyxl.utils import get_column_letter
from openpyxl.worksheet.header_footer import HeaderFooterItem
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from rendering.charts import ChartPoints
from rendering.errors import TooManyRows
from rendering.formats import zone_for
from rendering.layout import ReportLayout, Written
from rendering.model import ByteSink, ColumnType, Orientation, PageSize, Total
from rendering.rows import Cell, Rows
from rendering.sheet_names import sheet_name, unique_sheet_name
from rendering.totals import Summary
from rendering.warnings import WarningKind
from rendering.xlsx_cells import (
    ENCODERS,
    MAX_LINKS,
    Encoded,
    Text,
    TextStyle,
    encode_total,
    inline_string,
    limited,
    link_target,
    text_style,
)
from rendering.xlsx_columns import ColumnXml, RunXml
from rendering.xlsx_package import MAX_PART_BYTES, Package, SheetPart
from rendering.xlsx_styles import Styles

#: ST_PaperSize codes (ECMA-376 part 1, section 18.3.1.63).
_PAPER = {PageSize.LETTER: 1, PageSize.LEGAL: 5, PageSize.A3: 8, PageSize.A4: 9, PageSize.A5: 11}
_SAMPLE_ROWS = 200
#: XML is handed on in pieces of about this size, so that rows of very long texts don't add up.
_WRITE_BYTES = 1 << 20
#: Rows that are made at once: few before their size is known.
_FIRST_RUN, _LONGEST_RUN = 100, 1000
_MIN_WIDTH = 8.0
_MAX_MEASURED_WIDTH = 60.0
#: The widest column that Excel takes (ECMA-376 part 1, section 18.3.1.13).
_MAX_WIDTH = 255.0
_FILTER_BUTTON = 3
#: More characters than this across are easier to read on landscape paper.
_PORTRAIT_CHARACTERS = 95
#: Excel ends a print header or footer at 255 characters.
_MAX_PRINTED_TITLE = 100
#: A frozen block of more rows would leave no room to scroll.
_MAX_FROZEN_ROWS = 15


@dataclass(frozen=True, slots=True)
class _ColumnCells:
    key: str
    letter: str
    encode: Callable[[Any], Encoded]
    value_style: int
    typed: bool
    links: bool


class XlsxWriter:
    """Writes a report as XLSX."""

    def __init__(self, *, layout: ReportLayout, sink: ByteSink, max_rows_per_sheet: int) -> None:
        self._layout = layout
        self._max_rows = max_rows_per_sheet
        self._package = Package(sink, created_at=_utc(layout.options.created_at))
        self._base_name = sheet_name(layout.title, fallback=layout.labels.sheet)
        self._taken: set[str] = set()
        self._widths: list[float] = []
        self._block = _title_block(layout)
        self._header_row = len(self._block) + 1
        self._run = _FIRST_RUN
        self._run_start = self._data_offset = 0
        if max_rows_per_sheet <= self._header_row:
            raise ValueError(f"max_rows_per_sheet must be more than {self._header_row}")

    def begin(self, sample: Rows) -> None:
        self._set_properties()
        self._widths = [
            self._width(index, column.cells)
            for index, column in enumerate(sample.part(0, _SAMPLE_ROWS).columns)
        ]
        self._worksheet = self._new_worksheet()
        self._styles = Styles(self._worksheet, layout=self._layout)
        self._columns = [
            _ColumnCells(
                key=column.key,
                letter=get_column_letter(index + 1),
                encode=ENCODERS[column.type],
                value_style=self._styles.values[index],
                typed=column.type not in (ColumnType.STRING, ColumnType.URL),
                links=column.type is ColumnType.URL,
            )
            for index, column in enumerate(self._layout.columns)
        ]
        self._run_xml = RunXml(
            [
                ColumnXml(
                    letter=column.letter,
                    style=column.value_style,
                    type=spec.type,
                    one=partial(self._one, index, column),
                    shared=self._package.shared_strings,
                )
                for index, (column, spec) in enumerate(zip(self._columns, self._layout.columns, strict=True))
            ]
        )
        self._open_sheet()

    def rows(self, rows: Rows, *, first_row: int) -> None:
        start = 0
        while start < len(rows):
            self._make_room()
            count = min(self._run, self._max_rows - self._row, len(rows) - start)
            self._write_run(rows.part(start, start + count), data_row=first_row + start)
            start += count

    def _write_run(self, rows: Rows, *, data_row: int) -> None:
        """Write rows that fit in the sheet."""
        first = self._row + 1
        self._row += len(rows)
        self._last_data_row = self._row
        self._data_offset = data_row - first
        self._run_start = first
        xml = self._run_xml.rows(rows, first_row=first)
        self._part.write_rows(xml)
        # Rows of very long texts come in shorter runs, so that they don't add up.
        self._run = max(1, min(_LONGEST_RUN, _WRITE_BYTES * len(rows) // len(xml)))

    def summary(self, summary: Summary) -> None:
        self._make_room()
        self._row += 1
        total = summary.group is None
        label = self._layout.summary_label(summary)
        cells = []
        for index, (column, value) in enumerate(zip(self._columns, summary.values, strict=True)):
            encoded: Encoded | None = None if value is None else encode_total(value)
            if label is not None and label[0] == index:
                encoded = limited(label[1])
            style = self._styles.summary(index, total=total, text=isinstance(encoded, Text))
            cells.append(_cell_xml(f"{column.letter}{self._row}", style, encoded))
        self._part.write_rows(f'<row r="{self._row}">{"".join(cells)}</row>'.encode())

    def end(self, charts: Sequence[ChartPoints]) -> Written:
        del charts
        self._close_sheet()
        self._package.end()
        return Written(sheets=self._package.sheets)

    def close(self) -> None:
        self._package.close()

    def _one(self, index: int, column: _ColumnCells, cell: Any, position: int) -> str:
        """The element of a single cell at ``position`` of the present run."""
        number = self._run_start + position
        reference = f"{column.letter}{number}"
        data_row = number + self._data_offset
        if type(cell) is str:
            return self._text_xml(cell, reference, index=index, column=column, data_row=data_row)
        encoded = column.encode(cell)
        style = column.value_style
        if isinstance(encoded, Text):
            self._warn(column.key, encoded, data_row=data_row)
            style = self._styles.text(index, TextStyle.PLAIN)
        return _cell_xml(reference, style, encoded)

    def _text_xml(
        self, value: str, reference: str, *, index: int, column: _ColumnCells, data_row: int
    ) -> str:
        text = limited(value)
        self._warn(column.key, text, data_row=data_row)
        kind = text_style(text.value)
        if column.links and value and self._link(value, reference, key=column.key, data_row=data_row):
            kind = TextStyle.LINK
        if kind is TextStyle.PLAIN and not column.typed:
            style = column.value_style
        else:
            style = self._styles.text(index, kind)
        return f'<c r="{reference}" s="{style}" t="inlineStr">{inline_string(text.value)}</c>'

    def _link(self, url: str, reference: str, *, key: str, data_row: int) -> bool:
        target = link_target(url)
        if target is None:
            detail = "not a web or mail address, or longer than a spreadsheet takes"
        elif self._part.link_count >= MAX_LINKS:
            detail = f"a sheet holds {MAX_LINKS} links"
        else:
            self._part.add_link(reference, target)
            return True
        self._layout.warnings.add(key, WarningKind.PLAIN_URL, row=data_row, detail=detail)
        return False

    def _warn(self, key: str, text: Text, *, data_row: int) -> None:
        if text.kind is not None:
            self._layout.warnings.add(key, text.kind, row=data_row, detail=text.detail)

    def _make_room(self) -> None:
        """Go on in a new sheet when this one is full."""
        if self._row < self._max_rows and self._part.size < MAX_PART_BYTES:
            return
        if self._layout.options.on_overflow != "split":
            raise TooManyRows(f"a sheet holds {self._max_rows} rows with its header")
        self._close_sheet()
        self._worksheet = self._new_worksheet()
        self._open_sheet()

    def _new_worksheet(self) -> Worksheet:
        layout = self._layout
        name = unique_sheet_name(self._base_name, self._taken)
        worksheet: Worksheet = self._package.workbook.create_sheet(name)
        for index, width in enumerate(self._widths, 1):
            worksheet.column_dimensions[get_column_letter(index)].width = width
        if self._header_row <= _MAX_FROZEN_ROWS:
            worksheet.freeze_panes = f"A{self._header_row + 1}"
        worksheet.sheet_view.tabSelected = self._package.sheets == 0
        worksheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
        worksheet.print_title_rows = f"{self._header_row}:{self._header_row}"
        worksheet.page_setup.paperSize = _PAPER[layout.options.page.size]
        worksheet.page_setup.orientation = self._orientation()
        worksheet.page_setup.fitToWidth = 1
        worksheet.page_setup.fitToHeight = 0
        self._set_printed_lines(worksheet)
        return worksheet

    def _set_printed_lines(self, worksheet: Worksheet) -> None:
        layout = self._layout
        title = _printed(layout.title)
        if title and not self._block:
            header = HeaderFooterItem()
            header.left.text = title
            worksheet.oddHeader = header
        created_at = _utc(layout.options.created_at).astimezone(zone_for(layout.options.timezone))
        footer = HeaderFooterItem()
        footer.left.text = layout.formatter.datetime_format.text(created_at)
        footer.right.text = layout.labels.page.format(page="&P", pages="&N")
        worksheet.oddFooter = footer
        # Of the six kinds only the odd ones count here; openpyxl would write the others empty.
        printed = worksheet.HeaderFooter
        printed.evenHeader = printed.evenFooter = printed.firstHeader = printed.firstFooter = None

    def _open_sheet(self) -> None:
        self._part: SheetPart = self._package.start_sheet(self._worksheet)
        lines = []
        for number, (text, is_title) in enumerate(self._block, 1):
            style = self._styles.title if is_title else self._styles.subtitle
            cell = _cell_xml(f"A{number}", style, limited(text)) if text else ""
            lines.append(f'<row r="{number}">{cell}</row>')
        headers = [
            _cell_xml(f"{column.letter}{self._header_row}", style, limited(header))
            for column, style, header in zip(
                self._columns, self._styles.headers, self._layout.headers, strict=True
            )
        ]
        lines.append(f'<row r="{self._header_row}">{"".join(headers)}</row>')
        self._part.write_rows("".join(lines).encode())
        self._row = self._header_row
        self._last_data_row = self._header_row

    def _close_sheet(self) -> None:
        # Sorting or filtering would tear subtotals from their groups.
        if not self._layout.groups:
            self._worksheet.auto_filter.ref = (
                f"A{self._header_row}:{self._columns[-1].letter}{self._last_data_row}"
            )
        self._part.close()

    def _set_properties(self) -> None:
        properties = self._package.workbook.properties
        properties.title = self._layout.title
        properties.creator = "Prensa"
        properties.language = self._layout.formatter.language
        moment = _utc(self._layout.options.created_at).replace(tzinfo=None, microsecond=0)
        properties.created = properties.modified = moment

    def _orientation(self) -> Literal["portrait", "landscape"]:
        wanted = self._layout.options.page.orientation
        wide = sum(self._widths) > _PORTRAIT_CHARACTERS
        if wanted is Orientation.LANDSCAPE or (wanted is Orientation.AUTO and wide):
            return "landscape"
        return "portrait"

    def _width(self, index: int, cells: Sequence[Cell]) -> float:
        """The column's own width, or that of its header and its first values, in characters."""
        column, column_format = self._layout.columns[index], self._layout.formats[index]
        if column.width is not None:
            return min(max(column.width, 1.0), _MAX_WIDTH)
        header = min(_characters(self._layout.headers[index]) + _FILTER_BUTTON, 30)
        values = max((_characters(column_format.text(cell)) for cell in cells), default=0)
        if column.total in (Total.SUM, Total.COUNT):
            values += 3
        return min(max(header, values + 2, _MIN_WIDTH), _MAX_MEASURED_WIDTH)


def _cell_xml(reference: str, style: int, encoded: Encoded | None) -> str:
    if encoded is None:
        return f'<c r="{reference}" s="{style}"/>'
    if isinstance(encoded, Text):
        return f'<c r="{reference}" s="{style}" t="inlineStr">{inline_string(encoded.value)}</c>'
    if isinstance(encoded, bool):
        return f'<c r="{reference}" s="{style}" t="b"><v>{encoded:d}</v></c>'
    return f'<c r="{reference}" s="{style}"><v>{encoded}</v></c>'


def _title_block(layout: ReportLayout) -> list[tuple[str, bool]]:
    """The lines above the header, with whether they are the title; none for a plain table."""
    if not layout.subtitle and not layout.parameters:
        return []
    lines = [(layout.title, True)]
    if layout.subtitle:
        lines.append((layout.subtitle, False))
    lines += [(f"{label}: {value}", False) for label, value in layout.parameters]
    return [*lines, ("", False)]


def _characters(text: str) -> int:
    """The width of the longest line; East Asian wide characters count twice."""
    if text.isascii() and "\n" not in text:
        return len(text)
    return max(
        sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in line)
        for line in text.split("\n")
    )


def _printed(text: str) -> str:
    """``text`` for a print header, where ``&`` begins a code (ECMA-376 part 1, section 18.3.1.46)."""
    line = " ".join(text.split())
    return line[:_MAX_PRINTED_TITLE].replace("&", "&&")


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
