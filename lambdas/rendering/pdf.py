"""PDF: one table over as many pages as it takes, each page written and forgotten.

Every page repeats the header and has "page x of y", a second content stream of each page that is written
when y is known. A row that doesn't fit goes to the next page, and one that is taller than a page is split
between lines. Text is drawn as it is: nothing in it is taken for markup.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from enum import Enum, auto
from typing import NamedTuple

from rendering.charts import ChartPoints
from rendering.fonts import Weight
from rendering.formats import TEXT_TYPES, zone_for
from rendering.layout import ReportLayout, Written
from rendering.model import Align, ByteSink, Total
from rendering.pdf_file import PdfFile, date, literal
from rendering.pdf_fonts import PdfFont
from rendering.pdf_geometry import MARGIN, PADDING_X, Block, Geometry, Measure, fit
from rendering.pdf_text import clip, drawable, is_right_to_left, missing_characters, wrap
from rendering.rows import Cell, Rows
from rendering.totals import Summary
from rendering.warnings import WarningKind

_SAMPLE_ROWS = 200
_LEADING = 1.32
_PADDING_Y = 3.2
_FOOTER_SIZE = 7.0
_FOOTER_GAP = 18.0
_TITLE_SIZE = 15.0
_SUBTITLE_SIZE = 9.5
_PARAMETER_SIZE = 8.0
_BLOCK_GAP = 10.0
_MAX_HEADER_LINES = 6
_MAX_TITLE_LINES = 4
_MAX_PARAMETER_LINES = 12
#: Limits in em of what a text column asks for: about 60 and 18 characters.
_MAX_NATURAL = 31.0
_MAX_MINIMUM = 9.5
_MIN_WIDTH = 2.0
#: A number that is wider than its column is set smaller, down to this share, before it is broken.
_MIN_SHRINK = 0.65
_ROUNDING = 1e-6

_INK = "0.12 0.16 0.20"
_MUTED = "0.37 0.42 0.48"
_HEADER_FILL = "0.894 0.914 0.941"
_ZEBRA_FILL = "0.969 0.975 0.982"
_SUBTOTAL_FILL = "0.933 0.945 0.961"
_RULE = "0.80 0.83 0.87"
_STRONG_RULE = "0.45 0.51 0.58"


class _Kind(Enum):
    ROW = auto()
    SUBTOTAL = auto()
    TOTAL = auto()


# Named tuples: a frozen dataclass takes four times as long to make, and there is one for every cell.
class _CellText(NamedTuple):
    """The lines of one cell and the size they are set in.

    For an ordinary cell of one line also its width in em, where it begins, and its codes.
    """

    lines: Sequence[str]
    size: float
    width: float | None = None
    x: str = ""
    codes: str | None = None


class _RowText(NamedTuple):
    """A row broken into lines, or some lines of it."""

    cells: tuple[_CellText, ...]
    kind: _Kind
    striped: bool
    line_count: int

    def part(self, start: int, stop: int) -> "_RowText":
        cells = tuple(_CellText(cell.lines[start:stop], cell.size) for cell in self.cells)
        return self._replace(cells=cells, line_count=stop - start)


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of the block above the table."""

    text: str
    size: float
    bold: bool
    color: str


class PdfWriter:
    """Writes a report as PDF."""

    def __init__(self, *, layout: ReportLayout, sink: ByteSink) -> None:
        self._layout = layout
        self._pdf = PdfFile(sink)
        self._regular = PdfFont(Weight.REGULAR, resource="F1")
        self._bold = PdfFont(Weight.BOLD, resource="F2")
        self._page_tree = self._pdf.reserve()
        self._resources = self._pdf.reserve()
        self._pages: list[int] = []
        self._page_labels: list[int] = []
        self._pending: list[_RowText] = []
        self._used = 0.0
        self._row_number = 0
        self._aligns = [layout.align(index) for index in range(len(layout.columns))]
        created_at = layout.options.created_at
        aware = created_at.replace(tzinfo=UTC) if created_at.tzinfo is None else created_at
        self._created = layout.formatter.datetime_format.text(
            aware.astimezone(zone_for(layout.options.timezone))
        )

    def begin(self, sample: Rows) -> None:
        measures = [
            self._measure(index, column.cells)
            for index, column in enumerate(sample.part(0, _SAMPLE_ROWS).columns)
        ]
        self._geometry: Geometry = fit(measures, page=self._layout.options.page)
        self._lefts = self._geometry.lefts()
        self._leading = self._geometry.font_size * _LEADING
        self._header = self._header_text()
        self._header_height = self._height(self._header.line_count)
        self._title_lines = self._title_block()
        self._title_height = sum(line.size * _LEADING for line in self._title_lines) + _BLOCK_GAP
        self._footer_title = clip(
            wrap(
                self._own_text(self._layout.title).replace("\n", " "),
                font=self._regular,
                limit=self._geometry.content_width * 0.45 / _FOOTER_SIZE,
            ),
            1,
        )[0]

    def rows(self, rows: Rows, *, first_row: int) -> None:
        columns = [
            self._column(index, column.cells, first_row=first_row)
            for index, column in enumerate(rows.columns)
        ]
        for cells in zip(*columns, strict=True):
            self._row_number += 1
            most = max([len(cell.lines) for cell in cells])
            self._place(_RowText(cells, _Kind.ROW, self._row_number % 2 == 0, most))

    def _column(self, index: int, cells: Sequence[Cell], *, first_row: int) -> list[_CellText]:
        """A run of cells of one column, set in lines."""
        font, size = self._regular, self._geometry.font_size
        text_of, width_of, encode = self._layout.formats[index].text, font.width, font.encode
        limit = (self._geometry.text_widths[index] + _ROUNDING) / size
        left = self._lefts[index] + PADDING_X
        # The share of the free room that stands before the text.
        before = {Align.LEFT: 0.0, Align.CENTER: 0.5, Align.RIGHT: 1.0}[self._aligns[index]]
        room = self._geometry.text_widths[index]
        empty = _CellText((), size)
        at_left = f"{left:.2f}"
        made = []
        for row, cell in enumerate(cells, first_row):
            text = text_of(cell)
            if not (text.isascii() and text.isprintable()):
                text = self._text(text, index=index, row=row)
            if not text:
                made.append(empty)
                continue
            if "\n" not in text:
                em = width_of(text)
                if em <= limit:
                    x = f"{left + before * (room - em * size):.2f}" if before else at_left
                    made.append(_CellText((text,), size, em, x, encode(text)))
                    continue
            made.append(self._cell(text, index=index, font=font))
        return made

    def summary(self, summary: Summary) -> None:
        if not self._layout.has_totals:
            return
        texts = [
            drawable(column_format.text(value))
            for column_format, value in zip(self._layout.total_formats, summary.values, strict=True)
        ]
        label = self._layout.summary_label(summary)
        if label is not None:
            texts[label[0]] = drawable(label[1])
        kind = _Kind.TOTAL if summary.group is None else _Kind.SUBTOTAL
        self._place(self._break(texts, kind=kind, striped=False))
        # Stripes start anew in each group.
        self._row_number = 0

    def end(self, charts: Sequence[ChartPoints]) -> Written:
        del charts
        if self._pending or not self._pages:
            self._flush()
        self._finish()
        return Written(pages=len(self._pages))

    def close(self) -> None:
        """Nothing is held outside the process's memory."""

    # What a text becomes on the page

    def _text(self, text: str, *, index: int, row: int) -> str:
        """``text`` as it is drawn; what can't be drawn as it is gets counted."""
        if text.isascii() and text.isprintable():
            return text
        text = drawable(text)
        self._check_glyphs(text, column=self._layout.columns[index].key, row=row)
        return text

    def _own_text(self, text: str) -> str:
        """The same for a text that belongs to no column."""
        text = drawable(text)
        self._check_glyphs(text, column="", row=0)
        return text

    def _check_glyphs(self, text: str, *, column: str, row: int) -> None:
        missing = missing_characters(text, font=self._regular)
        if missing:
            detail = " ".join(f"U+{ord(character):04X}" for character in missing[:8])
            self._layout.warnings.add(column, WarningKind.MISSING_GLYPH, row=row, detail=detail)
        if is_right_to_left(text):
            detail = "right-to-left text is drawn without joining or reordering"
            self._layout.warnings.add(column, WarningKind.UNSHAPED_TEXT, row=row, detail=detail)

    # Widths and line breaks

    def _measure(self, index: int, cells: Sequence[Cell]) -> Measure:
        column, column_format = self._layout.columns[index], self._layout.formats[index]
        if column.width is not None:
            width = max(column.width * self._regular.width("0"), _MIN_WIDTH)
            return Measure(natural=width, minimum=width)
        header = drawable(self._layout.headers[index])
        header_word = max(map(self._bold.width, header.split()), default=0.0)
        texts = [drawable(column_format.text(cell)) for cell in cells]
        lines = [line for text in texts for line in text.split("\n")]
        widest = max(map(self._regular.width, lines), default=0.0)
        if column.type in TEXT_TYPES:
            word = max((self._regular.width(word) for line in lines for word in line.split()), default=0.0)
            least = word
        else:
            # Numbers and dates are not broken; a total can have more digits than what it adds up.
            extra = self._bold.width("00000") if column.total in (Total.SUM, Total.COUNT) else 0.0
            widest = least = widest + extra
        label = self._label_width(index, texts)
        widest, least = max(widest, label), max(least, label)
        natural = min(max(widest, min(self._bold.width(header), 12.0), _MIN_WIDTH), _MAX_NATURAL)
        cap = _MAX_MINIMUM if column.type in TEXT_TYPES else _MAX_NATURAL
        minimum = min(max(least, min(header_word, _MAX_MINIMUM), _MIN_WIDTH), cap, natural)
        # Room for the rounding of widths, so that a value never breaks in a column made for it.
        return Measure(natural=natural + 0.05, minimum=minimum + 0.05)

    def _label_width(self, index: int, texts: Sequence[str]) -> float:
        """What the words of summary rows need in a column that can have them."""
        columns, labels = self._layout.columns, self._layout.labels
        if all(column.total is None for column in columns) or columns[index].total is not None:
            return 0.0
        found = [labels.subtotal.format(group=text) for text in texts] if index in self._layout.groups else []
        return max(map(self._bold.width, [*found, labels.total]))

    def _break(self, texts: Sequence[str], *, kind: _Kind, striped: bool) -> _RowText:
        font = self._regular if kind is _Kind.ROW else self._bold
        cells = tuple(self._cell(text, index=index, font=font) for index, text in enumerate(texts))
        return _RowText(cells, kind, striped, max(len(cell.lines) for cell in cells))

    def _cell(self, text: str, *, index: int, font: PdfFont) -> _CellText:
        size = self._geometry.font_size
        width = self._geometry.text_widths[index] + _ROUNDING
        if not text:
            return _CellText((), size)
        if "\n" not in text:
            needed = font.width(text)
            if needed <= width / size:
                return _CellText((text,), size, needed)
            if self._layout.columns[index].type not in TEXT_TYPES and needed * size * _MIN_SHRINK <= width:
                return _CellText((text,), width / needed, needed)
        return _CellText(wrap(text, font=font, limit=width / size), size)

    def _header_text(self) -> _RowText:
        size = self._geometry.font_size
        cells = []
        for index, header in enumerate(self._layout.headers):
            text = drawable(header)
            self._check_glyphs(text, column=self._layout.columns[index].key, row=0)
            lines = wrap(text, font=self._bold, limit=(self._geometry.text_widths[index] + _ROUNDING) / size)
            cells.append(_CellText(clip(lines, _MAX_HEADER_LINES), size))
        return _RowText(tuple(cells), _Kind.ROW, False, max(len(cell.lines) for cell in cells))

    def _title_block(self) -> list[_Line]:
        layout = self._layout
        lines = self._own_lines(layout.title, size=_TITLE_SIZE, bold=True, color=_INK, most=_MAX_TITLE_LINES)
        if layout.subtitle:
            lines += self._own_lines(
                layout.subtitle, size=_SUBTITLE_SIZE, bold=False, color=_MUTED, most=_MAX_TITLE_LINES
            )
        if layout.parameters:
            text = "   ·   ".join(f"{label}: {value}" for label, value in layout.parameters)
            lines += self._own_lines(
                text, size=_PARAMETER_SIZE, bold=False, color=_MUTED, most=_MAX_PARAMETER_LINES
            )
        return lines

    def _own_lines(self, text: str, *, size: float, bold: bool, color: str, most: int) -> list[_Line]:
        font = self._bold if bold else self._regular
        lines = wrap(self._own_text(text), font=font, limit=self._geometry.content_width / size)
        return [_Line(line, size, bold, color) for line in clip(lines, most)]

    def _height(self, line_count: int) -> float:
        return max(line_count, 1) * self._leading + 2 * _PADDING_Y

    # Rows onto pages

    @property
    def _capacity(self) -> float:
        """The height that rows have on the page that is being filled."""
        fresh = self._geometry.height - 2 * MARGIN - _FOOTER_GAP - self._header_height
        return fresh if self._pages else fresh - self._title_height

    def _place(self, row: _RowText) -> None:
        while True:
            height = self._height(row.line_count)
            if self._used + height <= self._capacity:
                self._pending.append(row)
                self._used += height
                return
            if height > self._capacity:
                # Taller than a page: as many lines as there is room for, the rest on the next one.
                lines = int((self._capacity - self._used - 2 * _PADDING_Y) / self._leading)
                if lines >= 2 or not self._pending:
                    lines = max(lines, 1)
                    self._pending.append(row.part(0, lines))
                    row = row.part(lines, row.line_count)
            self._flush()

    def _flush(self) -> None:
        first = not self._pages
        for block in self._geometry.blocks:
            self._write_page(block, first=first)
        self._pending = []
        self._used = 0.0

    def _write_page(self, block: Block, *, first: bool) -> None:
        page = _PageContent(self._geometry, regular=self._regular, bold=self._bold)
        top = self._geometry.height - MARGIN
        if first:
            for line in self._title_lines:
                font = self._bold if line.bold else self._regular
                page.text(line.text, x=MARGIN, y=top - line.size, size=line.size, font=font, color=line.color)
                top -= line.size * _LEADING
            top -= _BLOCK_GAP
        page.row(
            self._header,
            block,
            top=top,
            height=self._header_height,
            fill=_HEADER_FILL,
            font=self._bold,
            aligns=self._aligns,
            leading=self._leading,
        )
        top -= self._header_height
        page.rule(block, y=top, color=_STRONG_RULE)
        for row in self._pending:
            height = self._height(row.line_count)
            font = self._regular if row.kind is _Kind.ROW else self._bold
            page.row(
                row,
                block,
                top=top,
                height=height,
                fill=_fill(row),
                font=font,
                aligns=self._aligns,
                leading=self._leading,
            )
            if row.kind is _Kind.TOTAL:
                page.rule(block, y=top, color=_STRONG_RULE)
            top -= height
            page.rule(block, y=top, color=_RULE)
        if not self._pending:
            page.text(
                self._layout.labels.no_data,
                x=MARGIN + PADDING_X,
                y=top - 2 * self._leading,
                size=self._geometry.font_size,
                font=self._regular,
                color=_MUTED,
            )
        self._footer(page)
        contents, page_label = self._pdf.add_stream(page.content()), self._pdf.reserve()
        self._page_labels.append(page_label)
        self._pages.append(
            self._pdf.add(
                f"<< /Type /Page /Parent {self._page_tree} 0 R /Contents [{contents} 0 R {page_label} 0 R]"
                f" /MediaBox [0 0 {self._geometry.width:.2f} {self._geometry.height:.2f}]"
                f" /Resources {self._resources} 0 R >>"
            )
        )

    def _footer(self, page: "_PageContent") -> None:
        page.text(self._footer_title, x=MARGIN, y=MARGIN, size=_FOOTER_SIZE, font=self._regular, color=_MUTED)
        middle = (self._geometry.width - self._regular.width(self._created) * _FOOTER_SIZE) / 2
        page.text(self._created, x=middle, y=MARGIN, size=_FOOTER_SIZE, font=self._regular, color=_MUTED)

    def _write_page_labels(self) -> None:
        for number, page_label in enumerate(self._page_labels, 1):
            text = self._layout.labels.page.format(page=number, pages=len(self._pages))
            x = self._geometry.width - MARGIN - self._regular.width(text) * _FOOTER_SIZE
            page = _PageContent(self._geometry, regular=self._regular, bold=self._bold)
            page.text(text, x=x, y=MARGIN, size=_FOOTER_SIZE, font=self._regular, color=_MUTED)
            self._pdf.add_small_stream(page.content(), number=page_label)

    def _finish(self) -> None:
        pdf, layout = self._pdf, self._layout
        self._write_page_labels()
        regular, bold = self._regular.embed(pdf), self._bold.embed(pdf)
        pdf.add(f"<< /Font << /F1 {regular} 0 R /F2 {bold} 0 R >> >>", number=self._resources)
        kids = " ".join(f"{page} 0 R" for page in self._pages)
        pdf.add(f"<< /Type /Pages /Count {len(self._pages)} /Kids [{kids}] >>", number=self._page_tree)
        root = pdf.add(
            f"<< /Type /Catalog /Pages {self._page_tree} 0 R /Lang ({layout.formatter.language})"
            f" /ViewerPreferences << /DisplayDocTitle true >> >>"
        )
        created = date(layout.options.created_at)
        info = pdf.add(
            f"<< /Title {literal(layout.title)} /Creator (Prensa) /Producer (Prensa)"
            f" /CreationDate {created} /ModDate {created} >>"
        )
        pdf.end(root=root, info=info)


def _fill(row: _RowText) -> str | None:
    match row.kind:
        case _Kind.TOTAL:
            return _HEADER_FILL
        case _Kind.SUBTOTAL:
            return _SUBTOTAL_FILL
        case _:
            return _ZEBRA_FILL if row.striped else None


class _PageContent:
    """The content stream of one page: fills and rules first, then all text in one text object."""

    def __init__(self, geometry: Geometry, *, regular: PdfFont, bold: PdfFont) -> None:
        self._geometry = geometry
        self._regular = regular
        self._bold = bold
        self._fills: list[str] = []
        self._rules: list[str] = []
        self._texts: list[str] = []
        self._font: tuple[str, float] | None = None
        self._color: str | None = None

    def text(self, text: str, *, x: float, y: float, size: float, font: PdfFont, color: str) -> None:
        """One line with its baseline at ``y``."""
        self._line(text, x=x, y=f"{y:.2f}", size=size, font=font, color=color)

    def _line(self, text: str, *, x: float, y: str, size: float, font: PdfFont, color: str) -> None:
        if text:
            self._set(font, size, color)
            self._texts.append(f"1 0 0 1 {x:.2f} {y} Tm <{font.encode(text)}> Tj")

    def _set(self, font: PdfFont, size: float, color: str) -> None:
        if self._font != (font.resource, size):
            self._font = (font.resource, size)
            self._texts.append(f"/{font.resource} {size:.2f} Tf")
        if self._color != color:
            self._color = color
            self._texts.append(f"{color} rg")

    def row(
        self,
        row: _RowText,
        block: Block,
        *,
        top: float,
        height: float,
        fill: str | None,
        font: PdfFont,
        aligns: Sequence[Align],
        leading: float,
    ) -> None:
        """The cells of one row that belong to ``block``."""
        if fill is not None:
            width = sum(block.widths)
            self._fills.append(f"{fill} rg {MARGIN:.2f} {top - height:.2f} {width:.2f} {height:.2f} re f")
        left = MARGIN
        baselines = self._baselines(top, leading, row.line_count)
        for column, width in zip(block.columns, block.widths, strict=True):
            cell = row.cells[column]
            if cell.codes is not None:
                self._set(font, cell.size, _INK)
                self._texts.append(f"1 0 0 1 {cell.x} {baselines[0]} Tm <{cell.codes}> Tj")
                left += width
                continue
            for line, y in zip(cell.lines, baselines, strict=False):
                x = left + PADDING_X
                if aligns[column] is not Align.LEFT:
                    em = font.width(line) if cell.width is None else cell.width
                    room = width - 2 * PADDING_X - em * cell.size
                    x += room if aligns[column] is Align.RIGHT else room / 2
                self._line(line, x=x, y=y, size=cell.size, font=font, color=_INK)
            left += width

    def _baselines(self, top: float, leading: float, lines: int) -> list[str]:
        first = top - _PADDING_Y - self._geometry.font_size
        return [f"{first - number * leading:.2f}" for number in range(lines)]

    def rule(self, block: Block, *, y: float, color: str) -> None:
        """A thin line across the table."""
        right = MARGIN + sum(block.widths)
        self._rules.append(f"{color} RG 0.4 w {MARGIN:.2f} {y:.2f} m {right:.2f} {y:.2f} l S")

    def content(self) -> bytes:
        lines = [*self._fills, *self._rules, "BT", *self._texts, "ET"]
        return "\n".join(lines).encode("ascii")
