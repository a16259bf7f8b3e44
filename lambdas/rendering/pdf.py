"""PDF: one table over as many pages as it takes, each page written and forgotten.

In a tagged document everything that is read out belongs to an element of the structure: the title, the cells
of the table, charts. Every page repeats the header and has "page x of y", a second content stream of each
page that is written when y is known. A row that doesn't fit goes to the next page, and one that is taller
than a page is split between lines. Text is drawn as it is: nothing in it is taken for markup.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Any, NamedTuple

from rendering.charts import ChartPoints
from rendering.column_types import NUMBER_TYPES, TEXT_TYPES
from rendering.fonts import Face
from rendering.layout import ReportLayout, Written
from rendering.model import Align, ByteSink, Highlight, Tone, Total
from rendering.pdf_charts import Area, ChartDrawer
from rendering.pdf_file import PdfFile, date, literal
from rendering.pdf_geometry import PADDING_X, Block, Geometry, Measure, fit
from rendering.pdf_image import PdfImage, add_image
from rendering.pdf_metadata import xmp
from rendering.pdf_outline import OUTLINE_LEVELS, Outline
from rendering.pdf_page import (
    HEADER_FILL,
    MUTED,
    RULE,
    STRONG_RULE,
    SUBTOTAL_FILL,
    TONE_FILLS,
    ZEBRA_FILL,
    PageContent,
)
from rendering.pdf_rows import INK, CellText, Drawn, RowSetter
from rendering.pdf_structure import PagePart, Structure, figure_entries
from rendering.pdf_text import clip, drawable, wrap
from rendering.pdf_typeset import Fonts, Typesetter
from rendering.rows import Rows
from rendering.totals import Summary, amount
from rendering.warnings import WarningKind

_SAMPLE_ROWS = 200
_LEADING = 1.32
_PADDING_Y = 3.2
_FOOTER_SIZE = 7.0
_FOOTER_GAP = 18.0
#: What the footer keeps free before its clock, and the least that it has room for before that.
_FOOTER_MINIMUM_GAP, _FOOTER_MINIMUM = 8.0, 40.0
_TITLE_SIZE = 15.0
_SUBTITLE_SIZE = 9.5
_PARAMETER_SIZE = 8.0
_BLOCK_GAP = 10.0
_MAX_HEADER_LINES = 6
_MAX_TITLE_LINES = 4
_MAX_PARAMETER_LINES = 12
#: On small paper with wide margins the header takes at most a third of a page, and what is above it leaves
#: room for a row.
_MAX_HEADER_SHARE = 1 / 3
#: Limits in em of what a text column asks for: about 60 and 18 characters.
_MAX_NATURAL = 31.0
_MAX_MINIMUM = 9.5
_MIN_WIDTH = 2.0
#: Numbers are aligned on their decimals up to so many places; more are too rare to keep room for.
_MOST_PLACES = 6
#: The room of a logo on the first page: 40 by 16 millimetres.
_LOGO_WIDTH, _LOGO_HEIGHT = 113.4, 45.4
#: Tags cost more than twice the time and the bytes of a plain table. A report of more rows than these, which
#: nobody has read out, is tagged only when that is asked for.
MOST_TAGGED_ROWS = 5000
_CHARTS_PER_PAGE = 2
_CHART_GAP = 24.0


class _Kind(Enum):
    ROW = auto()
    SUBTOTAL = auto()
    TOTAL = auto()


_FILLS = {_Kind.ROW: ZEBRA_FILL, _Kind.SUBTOTAL: SUBTOTAL_FILL, _Kind.TOTAL: HEADER_FILL}


# A named tuple: a frozen dataclass takes four times as long to make.
class _Row(NamedTuple):
    """A row that is set. ``drawn`` has what draws it for each block of columns.

    ``cells`` are there for rows that were set cell by cell, which alone can be split or stand out.
    """

    drawn: tuple[Drawn, ...]
    kind: _Kind
    striped: bool
    line_count: int
    cells: tuple[CellText, ...] | None = None


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of the block above the table."""

    text: str
    size: float
    setter: Typesetter
    color: str
    tag: str


class PdfWriter:
    """Writes a report as PDF."""

    def __init__(self, *, layout: ReportLayout, sink: ByteSink) -> None:
        self._layout = layout
        self._pdf = PdfFile(sink)
        self._structure: Structure | None = None
        #: Rows and summaries that have to wait until it is known whether the document is tagged.
        self._waiting: list[tuple[Rows, int] | Summary] | None = None
        self._waiting_rows = 0
        self._fonts = Fonts()
        self._regular = Typesetter(self._fonts, Face.REGULAR)
        self._bold = Typesetter(self._fonts, Face.BOLD)
        self._page_tree = self._pdf.reserve()
        self._resources = self._pdf.reserve()
        self._pages: list[int] = []
        self._page_labels: list[int] = []
        self._pending: list[_Row] = []
        self._used = 0.0
        #: The height that rows have on any page but the first, and on the page that is being filled.
        self._page_room = self._capacity = 0.0
        self._row_number = 0
        self._outline = Outline()
        self._grouping = layout.table.indexes(layout.table.group_by[:OUTLINE_LEVELS])
        self._logo: PdfImage | None = None
        self._highlighted = [
            (index, column.highlights) for index, column in enumerate(layout.columns) if column.highlights
        ]
        self._created = layout.created

    def begin(self, sample: Rows) -> None:
        if self._layout.options.logo is not None:
            self._logo = add_image(self._pdf, self._layout.options.logo)
        self._sample = sample.part(0, _SAMPLE_ROWS)
        if self._layout.options.tagged is None:
            self._waiting = []
        else:
            self._start(tagged=self._layout.options.tagged)

    def _start(self, *, tagged: bool) -> None:
        """Set up the pages, and put on them what has been waiting."""
        if tagged:
            self._structure = Structure(self._pdf)
        texts = [
            [drawable(text) for text in column_format.texts(column)]
            for column_format, column in zip(self._layout.formats, self._sample.columns, strict=True)
        ]
        measures = [self._measure(index, shown) for index, shown in enumerate(texts)]
        self._geometry: Geometry = fit(measures, page=self._layout.options.page)
        self._leading = self._geometry.font_size * _LEADING
        self._rows = RowSetter(
            layout=self._layout,
            geometry=self._geometry,
            leading=self._leading,
            regular=self._regular,
            bold=self._bold,
            places=[self._places(index, shown) for index, shown in enumerate(texts)],
            point=self._layout.formatter.decimal_point,
            tagged=self._structure is not None,
        )
        self._header = self._header_row()
        self._header_height = self._height(self._header.line_count)
        self._title_parts = self._title_block()
        _shorten(
            self._title_parts,
            room=self._content_height - self._header_height - _BLOCK_GAP - self._height(1),
        )
        title_height = sum(line.size * _LEADING for part in self._title_parts for line in part)
        self._title_height = max(title_height, _LOGO_HEIGHT if self._logo else 0.0) + _BLOCK_GAP
        self._footer_title = self._short_title()
        self._page_room = self._content_height - self._header_height
        self._capacity = self._page_room - self._title_height
        waiting, self._waiting = self._waiting or [], None
        for part in waiting:
            if isinstance(part, Summary):
                self.summary(part)
            else:
                self.rows(part[0], first_row=part[1])

    def rows(self, rows: Rows, *, first_row: int) -> None:
        if self._waiting is not None:
            self._waiting.append((rows, first_row))
            self._waiting_rows += len(rows)
            if self._waiting_rows > MOST_TAGGED_ROWS:
                self._start(tagged=False)
            return
        columns = [
            column_format.texts(column)
            for column_format, column in zip(self._layout.formats, rows.columns, strict=True)
        ]
        tones = self._tones(rows)
        groups = self._outline.begun([rows.columns[index].cells for index in self._grouping])
        tallest = self._most_lines(self._page_room)
        heights = [self._height(count) for count in range(tallest + 1)]
        special = {*tones, *groups}
        for position, made in enumerate(self._rows.rows(columns)):
            self._row_number += 1
            striped = self._row_number % 2 == 0
            if made is not None and made[1] <= tallest and position not in special:
                row, height = _Row(made[0], _Kind.ROW, striped, made[1]), heights[made[1]]
                if self._used + height <= self._capacity:
                    self._pending.append(row)
                    self._used += height
                else:
                    self._place(row)
                continue
            texts = [column[position] for column in columns]
            marks = tones.get(position, {})
            cells = tuple(
                self._rows.cell(
                    self._text(text, index=index, row=first_row + position), index, tone=marks.get(index)
                )
                for index, text in enumerate(texts)
            )
            page, used = self._place(self._row(cells, kind=_Kind.ROW, striped=striped))
            for level in groups.get(position, ()):
                title = columns[self._grouping[level]][position]
                self._add_bookmark(title, level=level, page=page, used=used)

    def summary(self, summary: Summary) -> None:
        if self._waiting is not None:
            self._waiting.append(summary)
            return
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
        cells = tuple(self._rows.cell(text, index, bold=True) for index, text in enumerate(texts))
        self._place(self._row(cells, kind=kind, striped=False))
        # Stripes start anew in each group.
        self._row_number = 0

    def end(self, charts: Sequence[ChartPoints]) -> Written:
        if self._waiting is not None:
            self._start(tagged=True)
        if self._pending or not self._pages:
            self._flush(no_data=not self._pending)
        self._write_charts(charts)
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
        missing = self._regular.missing(text)
        if missing:
            detail = " ".join(f"U+{ord(character):04X}" for character in missing[:8])
            self._layout.warnings.add(column, WarningKind.MISSING_GLYPH, row=row, detail=detail)

    def _tones(self, rows: Rows) -> dict[int, dict[int, Tone]]:
        """The cells that stand out, by their row's position and their column."""
        found: dict[int, dict[int, Tone]] = {}
        for index, highlights in self._highlighted:
            number = self._layout.columns[index].type in NUMBER_TYPES
            for position, cell in enumerate(rows.columns[index].cells):
                tone = _tone(cell, highlights, number=number)
                if tone is not None:
                    found.setdefault(position, {})[index] = tone
        return found

    # Widths

    def _measure(self, index: int, texts: Sequence[str]) -> Measure:
        column = self._layout.columns[index]
        regular, bold = self._regular.width, self._bold.width
        if column.width is not None:
            width = max(column.width * regular("0"), _MIN_WIDTH)
            return Measure(natural=width, minimum=width, widest=width)
        header = drawable(self._layout.headers[index])
        header_word = max(map(bold, header.split()), default=0.0)
        lines = [line for text in texts for line in text.split("\n")]
        widest = max(map(regular, lines), default=0.0)
        if column.type in TEXT_TYPES:
            word = max((regular(word) for line in lines for word in line.split()), default=0.0)
            least = word
        else:
            # Numbers and dates are not broken. Later numbers can have more digits than the first ones, and a
            # total more than what it adds up.
            extra = regular("00") if column.type in NUMBER_TYPES else 0.0
            extra = bold("00000") if column.total in (Total.SUM, Total.COUNT) else extra
            widest = least = widest + extra
        label = self._label_width(index, texts)
        widest, least = max(widest, label), max(least, label)
        natural = min(max(widest, min(bold(header), 12.0), _MIN_WIDTH), _MAX_NATURAL)
        cap = _MAX_MINIMUM if column.type in TEXT_TYPES else _MAX_NATURAL
        minimum = min(max(least, min(header_word, _MAX_MINIMUM), _MIN_WIDTH), cap, natural)
        # Room for the rounding of widths, so that a value never breaks in a column made for it.
        return Measure(natural=natural + 0.05, minimum=minimum + 0.05, widest=max(widest, natural) + 0.05)

    def _label_width(self, index: int, texts: Sequence[str]) -> float:
        """What the words of summary rows need in a column that can have them."""
        columns, labels = self._layout.columns, self._layout.labels
        if all(column.total is None for column in columns) or columns[index].total is not None:
            return 0.0
        found = [labels.subtotal.format(group=text) for text in texts] if index in self._layout.groups else []
        return max(map(self._bold.width, [*found, labels.total]))

    def _places(self, index: int, texts: Sequence[str]) -> int:
        """The most decimal places of a column whose numbers have different ones; -1 for any other."""
        column = self._layout.columns[index]
        if column.type not in NUMBER_TYPES or self._layout.align(index) is not Align.RIGHT:
            return -1
        point = self._layout.formatter.decimal_point
        places = set()
        for text in filter(None, texts):
            fraction = text.rpartition(point)[2] if point in text else ""
            if not (text[-1].isascii() and text[-1].isdigit() and (not fraction or fraction.isdigit())):
                return -1
            places.add(len(fraction))
        return min(max(places), _MOST_PLACES) if len(places) > 1 else -1

    def _row(self, cells: tuple[CellText, ...], *, kind: _Kind, striped: bool) -> _Row:
        bold = kind is not _Kind.ROW
        drawn = tuple(self._rows.draw(cells, block, bold=bold) for block in self._geometry.blocks)
        return _Row(drawn, kind, striped, max(len(cell.lines) for cell in cells), cells)

    def _header_row(self) -> _Row:
        size = self._geometry.font_size
        most = max(1, min(_MAX_HEADER_LINES, self._most_lines(self._content_height * _MAX_HEADER_SHARE)))
        cells = []
        for index, header in enumerate(self._layout.headers):
            text = drawable(header)
            self._check_glyphs(text, column=self._layout.columns[index].key, row=0)
            limit = self._geometry.text_widths[index] / size + 1e-6
            lines = wrap(text, width=self._bold.width, limit=limit)
            cells.append(CellText(clip(lines, most), size))
        made = tuple(cells)
        blocks = self._geometry.blocks
        drawn = tuple(self._rows.draw(made, block, bold=True) for block in blocks)
        self._repeated_header = tuple(
            self._rows.draw(made, block, bold=True, marked=False) for block in blocks
        )
        return _Row(drawn, _Kind.ROW, False, max(len(cell.lines) for cell in cells), made)

    def _title_block(self) -> list[list[_Line]]:
        layout = self._layout
        parts = [
            self._own_lines(
                layout.title, size=_TITLE_SIZE, setter=self._bold, color=INK, most=_MAX_TITLE_LINES, tag="H1"
            )
        ]
        if layout.subtitle:
            parts.append(
                self._own_lines(layout.subtitle, size=_SUBTITLE_SIZE, color=MUTED, most=_MAX_TITLE_LINES)
            )
        if layout.parameters:
            text = "   ·   ".join(f"{label}: {value}" for label, value in layout.parameters)
            parts.append(self._own_lines(text, size=_PARAMETER_SIZE, color=MUTED, most=_MAX_PARAMETER_LINES))
        return parts

    @property
    def _content_height(self) -> float:
        """The height of what stands above the footer."""
        return self._geometry.height - 2 * self._geometry.margin - _FOOTER_GAP

    @property
    def _middle(self) -> float:
        """Where the clock begins in the middle of the footer."""
        return (self._geometry.width - self._regular.width(self._created) * _FOOTER_SIZE) / 2

    def _short_title(self) -> str:
        """The title in the footer; none where it would have next to no room beside the clock."""
        room = self._middle - self._geometry.margin - _FOOTER_MINIMUM_GAP
        if room < _FOOTER_MINIMUM:
            return ""
        text = self._own_text(self._layout.title).replace("\n", " ")
        return clip(wrap(text, width=self._regular.width, limit=room / _FOOTER_SIZE), 1)[0]

    def _own_lines(
        self,
        text: str,
        *,
        size: float,
        color: str,
        most: int,
        setter: Typesetter | None = None,
        tag: str = "P",
    ) -> list[_Line]:
        setter = setter or self._regular
        room = self._geometry.content_width - (_LOGO_WIDTH + _BLOCK_GAP if self._logo else 0.0)
        lines = wrap(self._own_text(text), width=setter.width, limit=room / size)
        return [_Line(line, size, setter, color, tag) for line in clip(lines, most)]

    def _height(self, line_count: int) -> float:
        return max(line_count, 1) * self._leading + 2 * _PADDING_Y

    # Rows onto pages

    @property
    def _page_number(self) -> int:
        """The number of the page that is being filled, from 0. The pages of all blocks are one."""
        return len(self._pages) // len(self._geometry.blocks)

    def _most_lines(self, height: float) -> int:
        return int((height - 2 * _PADDING_Y) / self._leading)

    def _place(self, row: _Row) -> tuple[int, float]:
        """Put a row on this page or the next; gives the number of the page and how far down it begins."""
        begins: tuple[int, float] | None = None
        while True:
            height = self._height(row.line_count)
            if self._used + height <= self._capacity:
                begins = begins or (self._page_number, self._used)
                self._pending.append(row)
                self._used += height
                return begins
            if height > self._capacity and row.cells is not None:
                # Taller than a page: as many lines as there is room for, the rest on the next one.
                lines = self._most_lines(self._capacity - self._used)
                if lines >= 2 or not self._pending:
                    lines = max(lines, 1)
                    begins = begins or (self._page_number, self._used)
                    self._pending.append(self._part(row, 0, lines))
                    row = self._part(row, lines, row.line_count)
            self._flush()

    def _part(self, row: _Row, start: int, stop: int) -> _Row:
        cells = tuple(cell._replace(lines=cell.lines[start:stop]) for cell in row.cells or ())
        return self._row(cells, kind=row.kind, striped=row.striped)

    def _add_bookmark(self, title: str, *, level: int, page: int, used: float) -> None:
        """Remember where a group begins, ``used`` points below the header of the rows of ``page``."""
        top = self._geometry.height - self._geometry.margin - self._header_height - used
        if page == 0:
            top -= self._title_height
        self._outline.add(title or "–", level=level, page=page * len(self._geometry.blocks), top=top)

    def _flush(self, *, no_data: bool = False) -> None:
        """Write the pages of all blocks with the rows that are waiting."""
        first, structure = not self._pages, self._structure
        blocks = self._geometry.blocks
        pages = [
            PageContent(self._geometry, number=self._pdf.reserve(), tagged=structure is not None)
            for _ in blocks
        ]
        if first:
            for block_number, page in enumerate(pages):
                self._draw_title(page, repeated=block_number > 0)
            if structure is not None:
                structure.begin_table()
                headers = [self._pdf.reserve() for _ in self._layout.columns]
                references = [b"%d 0 R" % number for number in headers]
                parts = _page_parts(pages, blocks, lambda own: [references[index] for index in own])
                structure.header(parts, cells=headers)
        if structure is not None and self._pending:
            elements = structure.reserve_rows(len(self._pending), len(self._layout.columns))
            structure.rows(elements, _page_parts(pages, blocks, elements.of))
        for block_number, (page, block) in enumerate(zip(pages, blocks, strict=True)):
            self._draw_rows(page, block_number, block, first=first)
            if no_data:
                self._draw_no_data(page, repeated=block_number > 0)
            self._add_page(page)
        self._pending = []
        self._used = 0.0
        self._capacity = self._page_room

    def _draw_rows(self, page: PageContent, block_number: int, block: Block, *, first: bool) -> None:
        geometry = self._geometry
        top = geometry.height - geometry.margin - (self._title_height if first else 0.0)
        width = sum(block.widths)
        page.fill(
            HEADER_FILL,
            x=geometry.margin,
            y=top - self._header_height,
            width=width,
            height=self._header_height,
        )
        below = _PADDING_Y + geometry.font_size
        header = (self._header.drawn if first else self._repeated_header)[block_number]
        page.row(header, y=top - below, setter=self._bold, repeated=not first)
        top -= self._header_height
        rules, strong_rules = [], [top]
        regular, bold, left = self._regular, self._bold, geometry.margin
        for row in self._pending:
            _, kind, striped, line_count, cells = row
            height = self._height(line_count)
            if striped or kind is not _Kind.ROW:
                page.fill(_FILLS[kind], x=left, y=top - height, width=width, height=height)
            if cells is not None:
                self._fill_tones(page, cells, block, top=top, height=height)
            page.row(row.drawn[block_number], y=top - below, setter=regular if kind is _Kind.ROW else bold)
            if kind is _Kind.TOTAL:
                strong_rules.append(top)
            top -= height
            rules.append(top)
        page.rules(RULE, rules, width=width)
        page.rules(STRONG_RULE, strong_rules, width=width)

    def _draw_no_data(self, page: PageContent, *, repeated: bool) -> None:
        geometry = self._geometry
        top = geometry.height - geometry.margin - self._title_height - self._header_height
        line = _Line(self._layout.labels.no_data, geometry.font_size, self._regular, MUTED, "P")
        y = top - 2 * self._leading
        self._draw_part(page, [line], x=geometry.margin + PADDING_X, y=y, repeated=repeated)

    def _draw_title(self, page: PageContent, *, repeated: bool) -> None:
        geometry = self._geometry
        top = geometry.height - geometry.margin
        for part in self._title_parts:
            self._draw_part(page, part, x=geometry.margin, y=top - part[0].size, repeated=repeated)
            top -= sum(line.size * _LEADING for line in part)
        if self._logo is None or repeated:
            return
        scale = min(_LOGO_WIDTH / self._logo.width, _LOGO_HEIGHT / self._logo.height)
        width, height = self._logo.width * scale, self._logo.height * scale
        x = geometry.width - geometry.margin - width
        y = geometry.height - geometry.margin - height
        element = self._structure.element() if self._structure else 0
        mark = page.begin_graphics("Figure", element)
        page.draw(f"q {width:.2f} 0 0 {height:.2f} {x:.2f} {y:.2f} cm /L1 Do Q")
        page.end_graphics()
        if self._structure:
            entries = figure_entries("Logo", (x, y, x + width, y + height))
            self._structure.describe(element, "Figure", page=page.number, marks=[mark], entries=entries)

    def _draw_part(
        self, page: PageContent, lines: Sequence[_Line], *, x: float, y: float, repeated: bool
    ) -> None:
        """Lines of one paragraph, the first one with its baseline at ``y``."""
        tag = lines[0].tag
        element = self._structure.element() if self._structure and not repeated else 0
        mark = page.begin(tag, element) if element else 0
        for line in lines:
            page.text(line.text, x=x, y=y, size=line.size, setter=line.setter, color=line.color)
            y -= line.size * _LEADING
        if self._structure and element:
            page.end()
            self._structure.describe(element, tag, page=page.number, marks=[mark])

    def _fill_tones(
        self, page: PageContent, cells: Sequence[CellText], block: Block, *, top: float, height: float
    ) -> None:
        left = self._geometry.margin
        for index, width in zip(block.columns, block.widths, strict=True):
            tone = cells[index].tone
            if tone is not None:
                page.fill(TONE_FILLS[tone], x=left, y=top - height, width=width, height=height)
            left += width

    def _add_page(self, page: PageContent) -> None:
        self._footer(page)
        contents, page_label = self._pdf.add_stream(page.content()), self._pdf.reserve()
        self._page_labels.append(page_label)
        tags = ""
        if self._structure:
            tags = f" /StructParents {self._structure.add_page(page.parents)} /Tabs /S"
        self._pages.append(page.number)
        self._pdf.add(
            f"<< /Type /Page /Parent {self._page_tree} 0 R /Contents [{contents} 0 R {page_label} 0 R]"
            f" /MediaBox [0 0 {self._geometry.width:.2f} {self._geometry.height:.2f}]"
            f" /Resources {self._resources} 0 R{tags} >>",
            number=page.number,
        )

    def _footer(self, page: PageContent) -> None:
        y = x = self._geometry.margin
        regular = self._regular
        page.text(self._footer_title, x=x, y=y, size=_FOOTER_SIZE, setter=regular, color=MUTED)
        middle = self._middle if self._footer_title else x
        page.text(self._created, x=middle, y=y, size=_FOOTER_SIZE, setter=regular, color=MUTED)

    def _write_charts(self, charts: Sequence[ChartPoints]) -> None:
        """Two charts a page, behind the table."""
        geometry = self._geometry
        drawer = ChartDrawer(layout=self._layout, regular=self._regular, bold=self._bold)
        for start in range(0, len(charts), _CHARTS_PER_PAGE):
            page = PageContent(geometry, number=self._pdf.reserve(), tagged=self._structure is not None)
            room = geometry.height - 2 * geometry.margin - _FOOTER_GAP
            height = (room - _CHART_GAP * (_CHARTS_PER_PAGE - 1)) / _CHARTS_PER_PAGE
            for place, points in enumerate(charts[start : start + _CHARTS_PER_PAGE]):
                top = geometry.height - geometry.margin - place * (height + _CHART_GAP)
                area = Area(geometry.margin, top - height, geometry.content_width, height)
                element = self._structure.element() if self._structure else 0
                marks = [page.begin_graphics("Figure", element), page.begin("Figure", element)]
                read = drawer.draw(points, page, area)
                page.end()
                page.end_graphics()
                if self._structure:
                    box = (area.left, area.bottom, area.left + area.width, area.bottom + area.height)
                    self._structure.describe(
                        element, "Figure", page=page.number, marks=marks, entries=figure_entries(read, box)
                    )
            self._add_page(page)

    def _write_page_labels(self) -> None:
        for number, page_label in enumerate(self._page_labels, 1):
            text = self._layout.labels.page.format(page=number, pages=len(self._pages))
            x = self._geometry.width - self._geometry.margin - self._regular.width(text) * _FOOTER_SIZE
            page = PageContent(self._geometry, tagged=self._structure is not None)
            page.text(
                text, x=x, y=self._geometry.margin, size=_FOOTER_SIZE, setter=self._regular, color=MUTED
            )
            self._pdf.add_small_stream(page.content(), number=page_label)

    def _finish(self) -> None:
        pdf, layout = self._pdf, self._layout
        self._write_page_labels()
        images = f" /XObject << /L1 {self._logo.number} 0 R >>" if self._logo else ""
        pdf.add(f"<< /Font << {self._fonts.embed(pdf)} >>{images} >>", number=self._resources)
        kids = " ".join(f"{page} 0 R" for page in self._pages)
        pdf.add(f"<< /Type /Pages /Count {len(self._pages)} /Kids [{kids}] >>", number=self._page_tree)
        tags = self._structure.end() if self._structure else ""
        metadata = pdf.add_raw_stream(
            xmp(
                title=layout.title,
                language=layout.formatter.language,
                created=layout.options.created_at_utc,
                tagged=self._structure is not None,
            ),
            entries="/Type /Metadata /Subtype /XML",
        )
        root = pdf.add(
            f"<< /Type /Catalog /Pages {self._page_tree} 0 R /Lang ({layout.formatter.language})"
            f" /ViewerPreferences << /DisplayDocTitle true >>{tags}"
            f" /Metadata {metadata} 0 R{self._outline.write(pdf, self._pages)} >>"
        )
        created = date(layout.options.created_at_utc)
        info = pdf.add(
            f"<< /Title {literal(layout.title)} /Creator (Prensa) /Producer (Prensa)"
            f" /CreationDate {created} /ModDate {created} >>"
        )
        pdf.end(root=root, info=info)


def _page_parts(
    pages: Sequence[PageContent], blocks: Sequence[Block], cells: Callable[[Sequence[int]], Sequence[bytes]]
) -> list[PagePart]:
    """The columns that each page has for its own, with references to their ``cells`` marked on it."""
    return [
        PagePart(page.number, block.own_columns, page.cells(cells(block.own_columns)))
        for page, block in zip(pages, blocks, strict=True)
    ]


def _shorten(parts: Sequence[list[_Line]], *, room: float) -> None:
    """Take lines from the last of ``parts`` that has more than one, until all are at most ``room`` high."""
    while sum(line.size * _LEADING for part in parts for line in part) > room:
        part = next((part for part in reversed(parts) if len(part) > 1), None)
        if part is None:
            return
        part.pop()
        part[-1] = replace(part[-1], text=f"{part[-1].text[:-1]}…")


def _tone(cell: Any, highlights: Sequence[Highlight], *, number: bool) -> Tone | None:
    """The tone of the first highlight that fits; a number column's text fits none."""
    if cell is None or (number and isinstance(cell, str)):
        return None
    value = amount(cell) if number else _words(cell)
    for highlight in highlights:
        wanted: Any = highlight.value
        match highlight.when:
            case "above":
                fits = value > wanted
            case "below":
                fits = value < wanted
            case "equal":
                fits = value == wanted
            case _:
                fits = value != wanted
        if fits:
            return highlight.tone
    return None


def _words(cell: object) -> str:
    return str(cell).lower() if isinstance(cell, bool) else str(cell)
