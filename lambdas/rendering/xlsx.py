"""XLSX: SpreadsheetML as of ECMA-376, within the limits of Excel.

The header is in row 1 and the title is the sheet's name, unless the report has a subtitle or parameters:
then a block of title, subtitle and parameters comes first. When a sheet is full the rows go on in
another one, with the header again.
"""

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from rendering.charts import ChartPoints
from rendering.column_types import TEXT_TYPES
from rendering.errors import RenderError, SheetFull, TooManyRows
from rendering.layout import ReportLayout, Written
from rendering.model import ByteSink, Column, ColumnType, Orientation, Total
from rendering.rows import ColumnCells, Rows
from rendering.sheet_names import cut_utf16, sheet_name, unique_sheet_name, utf16_length
from rendering.totals import Accumulator, Summary
from rendering.warnings import WarningKind
from rendering.xlsx_cells import (
    ENCODERS,
    MAX_LINKS,
    Encoded,
    Text,
    TextStyle,
    cell_xml,
    column_letters,
    inline_string,
    limited,
    link_target,
    text_style,
)
from rendering.xlsx_columns import ColumnXml, RunXml
from rendering.xlsx_extra import ExtraSheets
from rendering.xlsx_formulas import Extents, table_formula
from rendering.xlsx_package import MAX_PART_BYTES, Part
from rendering.xlsx_sheet import MAX_OUTLINE, Conditions, PrintSetup, SheetEnd, SheetView, table_xml
from rendering.xlsx_styles import Styles
from rendering.xlsx_workbook import TABLE_TYPE, SheetEntry, Workbook

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
#: Bold letters are wider.
_BOLD = 1
#: A total over all rows may have three digits and a separator more than that of the sample.
_MORE_DIGITS = 4
#: More characters than this across are easier to read on landscape paper.
_PORTRAIT_CHARACTERS = 95
#: Excel ends a print header or footer at 255 characters.
_MAX_PRINTED_TITLE = 100
#: Excel ends the name of a table's column, which is its header, at so many UTF-16 units.
_MAX_TABLE_HEADER = 255
#: A frozen block of more rows would leave no room to scroll.
_MAX_FROZEN_ROWS = 15
#: Sheets by group: nobody finds anything among more tabs.
_MAX_GROUP_SHEETS = 200
#: With more runs of rows between subtotals than these a conditional format takes the subtotals in.
_MAX_RANGES = 200


@dataclass(frozen=True, slots=True)
class _SheetColumn:
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
        self._workbook = Workbook(
            sink,
            created_at=layout.options.created_at_utc,
            title=layout.title,
            language=layout.formatter.language,
        )
        self._base_name = sheet_name(layout.title, fallback=layout.labels.sheet)
        self._taken: set[str] = set()
        self._widths: list[float] = []
        self._block = _title_block(layout)
        self._header_row = len(self._block) + 1
        self._run = _FIRST_RUN
        self._run_start = self._data_offset = 0
        self._row_count = self._group_sheets = self._tables = 0
        self._part: Part | None = None
        self._row = self._last_data_row = 0
        self._links: list[tuple[str, str]] = []
        self._ranges: list[tuple[int, int]] = []
        self._table_totals: list[tuple[str | None, str | None]] | None = None
        self._extents = Extents(len(layout.grouping))
        self._summaries: list[Summary] = []
        self._totals: Summary | None = None
        # Detail rows are one level below the innermost subtotal, and that of the table has none.
        self._levels = min(len(layout.grouping) + 1, MAX_OUTLINE) if layout.groups else 0
        self._outline = f' outlineLevel="{self._levels}"' if self._levels else ""
        if max_rows_per_sheet <= self._header_row:
            raise ValueError(f"max_rows_per_sheet must be more than {self._header_row}")

    def begin(self, sample: Rows) -> None:
        measured = sample.part(0, _SAMPLE_ROWS)
        self._widths = [self._width(index, measured) for index in range(len(self._layout.columns))]
        self._styles = Styles(self._workbook.styles, layout=self._layout)
        self._columns = [
            _SheetColumn(
                key=column.key,
                letter=column_letters(index + 1),
                encode=ENCODERS[column.type],
                value_style=self._styles.values[index],
                typed=column.type not in TEXT_TYPES,
                links=column.type is ColumnType.URL,
            )
            for index, column in enumerate(self._layout.columns)
        ]
        self._counted_texts = [
            index
            for index, (column, spec) in enumerate(zip(self._columns, self._layout.columns, strict=True))
            if spec.total is Total.COUNT and not column.typed
        ]
        self._headers = self._layout.headers
        if self._makes_tables:
            self._headers = _unique_headers(self._headers)
        self._run_xml = RunXml(
            [
                ColumnXml(
                    letter=column.letter,
                    style=column.value_style,
                    type=spec.type,
                    one=partial(self._one, index, column),
                    shared=self._workbook.shared_strings,
                )
                for index, (column, spec) in enumerate(zip(self._columns, self._layout.columns, strict=True))
            ]
        )
        self._open_group_sheet(sample)

    def rows(self, rows: Rows, *, first_row: int) -> None:
        if self._part is None:
            self._open_group_sheet(rows)
        start = 0
        while start < len(rows):
            self._make_room(first_row + start)
            count = min(self._run, self._max_rows - self._row, len(rows) - start)
            self._write_run(rows.part(start, start + count), data_row=first_row + start)
            start += count
        self._row_count += len(rows)

    def _write_run(self, rows: Rows, *, data_row: int) -> None:
        """Write rows that fit in the sheet."""
        first = self._row + 1
        self._row += len(rows)
        self._last_data_row = self._row
        self._data_offset = data_row - first
        self._run_start = first
        self._extents.add_rows(first)
        for index in self._counted_texts:
            if "" in rows.columns[index].cells:
                # Programs differ in whether an empty text counts.
                self._extents.add_text(index)
        if self._ranges and self._ranges[-1][1] == first - 1:
            self._ranges[-1] = (self._ranges[-1][0], self._row)
        else:
            self._ranges.append((first, self._row))
        xml = self._run_xml.rows(rows, first_row=first, attributes=self._outline)
        self._open_part.write(xml)
        # Rows of very long texts come in shorter runs, so that they don't add up.
        self._run = max(1, min(_LONGEST_RUN, _WRITE_BYTES * len(rows) // len(xml)))

    def summary(self, summary: Summary) -> None:
        level = 0 if summary.group is None else self._layout.grouping.index(summary.group) + 1
        by_sheet = self._layout.table.sheet_by is not None
        if level == 0:
            self._totals = summary
        if by_sheet and level <= 1:
            self._summaries.append(summary)
        if self._layout.has_totals and not (by_sheet and level == 0):
            self._write_summary(summary, level)
        self._extents.close(level)
        if by_sheet and level == 1:
            self._close_sheet()

    def _write_summary(self, summary: Summary, level: int) -> None:
        self._make_room(self._row_count)
        last = self._row
        self._row += 1
        label = self._layout.summary_label(summary)
        cells = []
        functions: list[tuple[str | None, str | None]] = []
        plain = False
        row = zip(self._columns, self._styles.summary_cells(summary), strict=True)
        for index, (column, (style, encoded)) in enumerate(row):
            formula = name = words = None
            if label is not None and label[0] == index:
                words = label[1]
            elif encoded is not None:
                formula, name = self._formula(index, level=level, last=last, encoded=encoded)
                plain = plain or name is None
            cells.append(cell_xml(f"{column.letter}{self._row}", style, encoded, formula=formula))
            functions.append((name, words))
        outline = f' outlineLevel="{min(level, self._levels)}"' if level and self._levels else ""
        self._open_part.write(f'<row r="{self._row}"{outline}>{"".join(cells)}</row>'.encode())
        if self._makes_tables and not plain and self._last_data_row == last > self._header_row:
            self._table_totals = functions

    def _formula(
        self, index: int, *, level: int, last: int, encoded: Encoded
    ) -> tuple[str | None, str | None]:
        """A total's formula, if it has one that gives the same, and what a table calls its function."""
        total = self._layout.columns[index].total
        if self._layout.table.totals_as != "formula" or isinstance(encoded, Text) or total is None:
            return None, None
        formula = self._extents.formula(
            level, column=index, letter=self._columns[index].letter, last=last, total=total
        )
        if formula is None or not self._makes_tables:
            return formula, None
        return table_formula(total, table=self._tables + 1, column=self._headers[index])

    def end(self, charts: Sequence[ChartPoints]) -> Written:
        if self._part is not None:
            self._close_sheet()
        extra = ExtraSheets(
            self._workbook,
            layout=self._layout,
            styles=self._styles,
            name=self._new_name,
            print_setup=self._print_setup,
        )
        if self._layout.table.sheet_by is not None and self._layout.has_totals:
            extra.summaries(self._summaries, widths=self._widths)
        if charts:
            extra.charts(charts)
        if self._layout.options.about:
            extra.about(row_count=self._row_count, totals=self._totals)
        self._workbook.end()
        return Written(sheets=len(self._workbook.sheets))

    def close(self) -> None:
        self._workbook.package.close()

    @property
    def _open_part(self) -> Part:
        assert self._part is not None  # noqa: S101 - rows come only after begin
        return self._part

    @property
    def _is_sheet_of_one_group(self) -> bool:
        """Whether each sheet has rows of one group and no subtotal among them."""
        return self._layout.table.sheet_by is not None and len(self._layout.grouping) == 1

    @property
    def _makes_tables(self) -> bool:
        return self._layout.table.excel_table and not self._layout.grouping

    def _one(self, index: int, column: _SheetColumn, cell: Any, position: int) -> str:
        """The element of a single cell at ``position`` of the present run."""
        number = self._run_start + position
        reference = f"{column.letter}{number}"
        data_row = number + self._data_offset
        if type(cell) is str:
            if not cell and column.typed and self._layout.columns[index].total is Total.COUNT:
                self._extents.add_text(index)
            return self._text_xml(cell, reference, index=index, column=column, data_row=data_row)
        encoded = column.encode(cell)
        style = column.value_style
        if isinstance(encoded, Text):
            self._extents.add_text(index)
            self._warn(column.key, encoded, data_row=data_row)
            style = self._styles.text(index, TextStyle.PLAIN)
        return cell_xml(reference, style, encoded)

    def _text_xml(
        self, value: str, reference: str, *, index: int, column: _SheetColumn, data_row: int
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
        elif len(self._links) >= MAX_LINKS:
            detail = f"a sheet holds {MAX_LINKS} links"
        else:
            self._links.append((reference, target))
            return True
        self._layout.warnings.add(key, WarningKind.PLAIN_URL, row=data_row, detail=detail)
        return False

    def _warn(self, key: str, text: Text, *, data_row: int) -> None:
        if text.kind is not None:
            self._layout.warnings.add(key, text.kind, row=data_row, detail=text.detail)

    # Sheets

    def _make_room(self, data_row: int) -> None:
        """Go on in a new sheet when this one is full, before ``data_row`` or a summary behind it."""
        if self._row < self._max_rows and self._open_part.size < MAX_PART_BYTES:
            return
        detail = f"a sheet holds {self._max_rows} rows with its header"
        match self._layout.options.on_overflow:
            case "split":
                name = self._entry.name
                self._close_sheet()
                self._extents.leave_sheet()
                self._open_sheet(name)
            case "csv":
                raise SheetFull(detail, row=data_row)
            case _:
                raise TooManyRows(detail)

    def _open_group_sheet(self, rows: Rows) -> None:
        """Open the sheet that ``rows`` begin: that of their group, or that of the whole table."""
        if self._layout.table.sheet_by is None or not len(rows):
            self._open_sheet(self._base_name)
            return
        self._group_sheets += 1
        if self._group_sheets > _MAX_GROUP_SHEETS:
            raise RenderError(
                f"sheet_by {self._layout.table.sheet_by!r} makes more than {_MAX_GROUP_SHEETS} sheets; "
                "group by it without sheet_by"
            )
        index = self._layout.grouping[0]
        key = self._layout.formats[index].text(rows.columns[index].cells[0])
        self._extents.leave_sheet()
        self._open_sheet(sheet_name(key, fallback="–"))

    def _new_name(self, wanted: str) -> str:
        return unique_sheet_name(wanted, self._taken)

    def _open_sheet(self, name: str) -> None:
        self._entry: SheetEntry
        self._entry, self._part = self._workbook.open_sheet(self._new_name(name))
        view = SheetView(
            selected=len(self._workbook.sheets) == 1,
            frozen_rows=self._header_row if self._header_row <= _MAX_FROZEN_ROWS else 0,
            widths=self._widths,
            outline_levels=self._levels,
        )
        self._part.write(view.xml())
        lines = []
        for number, (text, is_title) in enumerate(self._block, 1):
            style = self._styles.title if is_title else self._styles.subtitle
            cell = cell_xml(f"A{number}", style, limited(text)) if text else ""
            lines.append(f'<row r="{number}">{cell}</row>')
        headers = [
            cell_xml(f"{column.letter}{self._header_row}", style, limited(header))
            for column, style, header in zip(self._columns, self._styles.headers, self._headers, strict=True)
        ]
        lines.append(f'<row r="{self._header_row}">{"".join(headers)}</row>')
        self._part.write("".join(lines).encode())
        self._row = self._last_data_row = self._header_row
        self._links = []
        self._ranges = []
        self._table_totals = None

    def _close_sheet(self) -> None:
        header, last = self._header_row, self._last_data_row
        end = SheetEnd(print_setup=self._print_setup)
        self._entry.printed_titles = f"${header}:${header}"
        reference = f"A{header}:{self._columns[-1].letter}{last}"
        has_rows = last > header
        if self._makes_tables and has_rows:
            self._tables += 1
            end.table = f"/xl/tables/table{self._tables}.xml"
        elif not self._layout.groups or self._is_sheet_of_one_group:
            # Sorting or filtering would tear subtotals among the rows from their groups.
            end.filter = reference
            self._entry.filter = f"$A${header}:${self._columns[-1].letter}${last}"
        if has_rows:
            end.conditions = self._conditions()
            end.text_numbers = self._text_ranges(header + 1, last)
        relationships = end.write(self._open_part, self._links)
        self._open_part.close()
        self._part = None
        if end.table:
            self._write_table(end.table, filter_reference=reference, last=last)
        self._workbook.package.relate(self._entry.part, relationships)

    def _write_table(self, name: str, *, filter_reference: str, last: int) -> None:
        totals = self._table_totals
        rows = last + (1 if totals else 0)
        self._workbook.package.write(
            name,
            TABLE_TYPE,
            table_xml(
                number=self._tables,
                reference=f"A{self._header_row}:{self._columns[-1].letter}{rows}",
                filter_reference=filter_reference,
                columns=[
                    (header, *(totals[index] if totals else (None, None)))
                    for index, header in enumerate(self._headers)
                ],
                totals=totals is not None,
            ),
        )

    def _conditions(self) -> list[str]:
        conditions = Conditions()
        ranges = self._ranges
        if len(ranges) > _MAX_RANGES:
            ranges = [(ranges[0][0], ranges[-1][1])]
        for column, spec in zip(self._columns, self._layout.columns, strict=True):
            cells = " ".join(f"{column.letter}{first}:{column.letter}{last}" for first, last in ranges)
            conditions.add(
                cells,
                first=f"{column.letter}{ranges[0][0]}",
                type=spec.type,
                highlights=spec.highlights,
                data_bar=spec.data_bar,
            )
        return conditions.elements

    def _text_ranges(self, first: int, last: int) -> str | None:
        """The columns of texts, in which Excel need not mark what looks like a number."""
        runs: list[list[str]] = []
        before = False
        for column, spec in zip(self._columns, self._layout.columns, strict=True):
            is_text = spec.type is ColumnType.STRING
            if is_text and before:
                runs[-1][1] = column.letter
            elif is_text:
                runs.append([column.letter, column.letter])
            before = is_text
        return " ".join(f"{start}{first}:{end}{last}" for start, end in runs) or None

    @property
    def _print_setup(self) -> PrintSetup:
        layout = self._layout
        page = layout.labels.page.format(page="&P", pages="&N")
        title = _printed(layout.title)
        return PrintSetup(
            size=layout.options.page.size,
            landscape=self._landscape(),
            margin=layout.options.page.margin,
            header=f"&L{title}" if title and not self._block else "",
            footer=f"&L{layout.created}&R{page}",
        )

    def _landscape(self) -> bool:
        wanted = self._layout.options.page.orientation
        wide = sum(self._widths) > _PORTRAIT_CHARACTERS
        return wanted is Orientation.LANDSCAPE or (wanted is Orientation.AUTO and wide)

    def _width(self, index: int, sample: Rows) -> float:
        """The column's own width, or that of its header, first values and totals, in characters."""
        column, column_format = self._layout.columns[index], self._layout.formats[index]
        if column.width is not None:
            return min(max(column.width, 1.0), _MAX_WIDTH)
        header = min(characters(self._layout.headers[index]) + _FILTER_BUTTON, 30)
        cells = sample.columns[index]
        values = max((characters(column_format.text(cell)) for cell in cells.cells), default=0)
        values = max(values, self._total_width(column, index, cells), self._label_width(index, sample))
        return min(max(header, values + 2, _MIN_WIDTH), _MAX_MEASURED_WIDTH)

    def _total_width(self, column: Column, index: int, cells: ColumnCells) -> int:
        """The width of a total that grows with the rows, of which more than the sample may come."""
        if column.total not in (Total.SUM, Total.COUNT):
            return 0
        accumulator = Accumulator(column)
        accumulator.add(cells)
        text = self._layout.total_formats[index].text(accumulator.result())
        return characters(text) + _BOLD + (_MORE_DIGITS if len(cells.cells) == _SAMPLE_ROWS else 0)

    def _label_width(self, index: int, sample: Rows) -> int:
        """The width of the words of summary rows, where the cell beside them leaves no room."""
        layout = self._layout
        if not layout.has_totals or not any(column.total for column in layout.columns[index + 1 : index + 2]):
            return 0
        summaries = [Summary(group=None, values=())]
        summaries += [
            Summary(group=group, key=key, values=())
            for group in layout.grouping
            for key in dict.fromkeys(sample.columns[group].cells)
        ]
        labels = filter(None, map(layout.summary_label, summaries))
        return max((characters(text) + _BOLD for place, text in labels if place == index), default=0)


def _title_block(layout: ReportLayout) -> list[tuple[str, bool]]:
    """The lines above the header, with whether they are the title; none for a plain table."""
    if not layout.subtitle and not layout.parameters:
        return []
    lines = [(layout.title, True)]
    if layout.subtitle:
        lines.append((layout.subtitle, False))
    lines += [(f"{label}: {value}", False) for label, value in layout.parameters]
    return [*lines, ("", False)]


def _unique_headers(headers: Sequence[str]) -> tuple[str, ...]:
    """Headers as a table wants them: none empty, none too long, none twice in whatever case."""
    taken: set[str] = set()
    made = []
    for number, header in enumerate(headers, 1):
        wanted = header or f"#{number}"
        candidate = _cut_header(wanted, "")
        count = 1
        while candidate.casefold() in taken:
            count += 1
            candidate = _cut_header(wanted, f" ({count})")
        taken.add(candidate.casefold())
        made.append(candidate)
    return tuple(made)


def _cut_header(header: str, end: str) -> str:
    if utf16_length(header) + len(end) <= _MAX_TABLE_HEADER:
        return f"{header}{end}"
    return f"{cut_utf16(header, _MAX_TABLE_HEADER - len(end) - 1)}…{end}"


def characters(text: str) -> int:
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
