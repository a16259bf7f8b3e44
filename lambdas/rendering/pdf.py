"""PDF: one table over as many pages as it takes, each page written and forgotten.

Every page repeats the header and has "page x of y", a second content stream of each page that is written
when y is known. A row that doesn't fit goes to the next page, and one that is taller than a page is split
between lines. Text is drawn as it is: nothing in it is taken for markup.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from decimal import Decimal
from enum import Enum, auto
from typing import Any, NamedTuple

from rendering.charts import ChartPoints
from rendering.fonts import Face
from rendering.formats import NUMBER_TYPES, TEXT_TYPES, zone_for
from rendering.layout import ReportLayout, Written
from rendering.model import Align, ByteSink, Highlight, Tone, Total
from rendering.pdf_charts import Area, ChartDrawer
from rendering.pdf_file import PdfFile, date, literal
from rendering.pdf_geometry import PADDING_X, Block, Geometry, Measure, fit
from rendering.pdf_image import PdfImage, add_image
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
from rendering.pdf_text import clip, drawable, wrap
from rendering.pdf_typeset import Fonts, Typesetter
from rendering.rows import Rows
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
#: Numbers are aligned on their decimals up to so many places; more are too rare to keep room for.
_MOST_PLACES = 6
#: The room of a logo on the first page: 40 by 16 millimetres.
_LOGO_WIDTH, _LOGO_HEIGHT = 113.4, 45.4
_CHARTS_PER_PAGE = 2
_CHART_GAP = 24.0


class _Kind(Enum):
    ROW = auto()
    SUBTOTAL = auto()
    TOTAL = auto()


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


class PdfWriter:
    """Writes a report as PDF."""

    def __init__(self, *, layout: ReportLayout, sink: ByteSink) -> None:
        self._layout = layout
        self._pdf = PdfFile(sink)
        self._fonts = Fonts()
        self._regular = Typesetter(self._fonts, Face.REGULAR)
        self._bold = Typesetter(self._fonts, Face.BOLD)
        self._page_tree = self._pdf.reserve()
        self._resources = self._pdf.reserve()
        self._pages: list[int] = []
        self._page_labels: list[int] = []
        self._pending: list[_Row] = []
        self._used = 0.0
        self._row_number = 0
        self._outline = Outline()
        positions = {column.key: index for index, column in enumerate(layout.columns)}
        self._grouping = tuple(positions[key] for key in layout.table.group_by[:OUTLINE_LEVELS])
        self._logo: PdfImage | None = None
        self._highlighted = [
            (index, column.highlights) for index, column in enumerate(layout.columns) if column.highlights
        ]
        created_at = layout.options.created_at
        aware = created_at.replace(tzinfo=UTC) if created_at.tzinfo is None else created_at
        self._created = layout.formatter.datetime_format.text(
            aware.astimezone(zone_for(layout.options.timezone))
        )

    def begin(self, sample: Rows) -> None:
        if self._layout.options.logo is not None:
            self._logo = add_image(self._pdf, self._layout.options.logo)
        texts = [
            [drawable(text) for text in column_format.texts(column)]
            for column_format, column in zip(
                self._layout.formats, sample.part(0, _SAMPLE_ROWS).columns, strict=True
            )
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
        )
        self._header = self._header_row()
        self._header_height = self._height(self._header.line_count)
        self._title_lines = self._title_block()
        title_height = sum(line.size * _LEADING for line in self._title_lines)
        self._title_height = max(title_height, _LOGO_HEIGHT if self._logo else 0.0) + _BLOCK_GAP
        self._footer_title = clip(
            wrap(
                self._own_text(self._layout.title).replace("\n", " "),
                width=self._regular.width,
                limit=self._geometry.content_width * 0.45 / _FOOTER_SIZE,
            ),
            1,
        )[0]

    def rows(self, rows: Rows, *, first_row: int) -> None:
        columns = [
            column_format.texts(column)
            for column_format, column in zip(self._layout.formats, rows.columns, strict=True)
        ]
        tones = self._tones(rows)
        groups = self._outline.begun([rows.columns[index].cells for index in self._grouping])
        tallest = self._most_lines(self._page_room)
        place = self._place
        for position, made in enumerate(self._rows.rows(columns)):
            self._row_number += 1
            striped = self._row_number % 2 == 0
            if made is not None and made[1] <= tallest and position not in tones and position not in groups:
                place(_Row(made[0], _Kind.ROW, striped, made[1]))
                continue
            texts = [column[position] for column in columns]
            marks = tones.get(position, {})
            cells = tuple(
                self._rows.cell(
                    self._text(text, index=index, row=first_row + position), index, tone=marks.get(index)
                )
                for index, text in enumerate(texts)
            )
            page, used = place(self._row(cells, kind=_Kind.ROW, striped=striped))
            for level in groups.get(position, ()):
                title = columns[self._grouping[level]][position]
                self._add_bookmark(title, level=level, page=page, used=used)

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
        cells = tuple(self._rows.cell(text, index, bold=True) for index, text in enumerate(texts))
        self._place(self._row(cells, kind=kind, striped=False))
        # Stripes start anew in each group.
        self._row_number = 0

    def end(self, charts: Sequence[ChartPoints]) -> Written:
        if self._pending or not self._pages:
            self._flush()
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
        drawn = tuple(self._rows.draw(cells, block.columns, bold=bold) for block in self._geometry.blocks)
        return _Row(drawn, kind, striped, max(len(cell.lines) for cell in cells), cells)

    def _header_row(self) -> _Row:
        size = self._geometry.font_size
        cells = []
        for index, header in enumerate(self._layout.headers):
            text = drawable(header)
            self._check_glyphs(text, column=self._layout.columns[index].key, row=0)
            limit = self._geometry.text_widths[index] / size + 1e-6
            lines = wrap(text, width=self._bold.width, limit=limit)
            cells.append(CellText(clip(lines, _MAX_HEADER_LINES), size))
        made = tuple(cells)
        drawn = tuple(self._rows.draw(made, block.columns, bold=True) for block in self._geometry.blocks)
        return _Row(drawn, _Kind.ROW, False, max(len(cell.lines) for cell in cells), made)

    def _title_block(self) -> list[_Line]:
        layout = self._layout
        lines = self._own_lines(
            layout.title, size=_TITLE_SIZE, setter=self._bold, color=INK, most=_MAX_TITLE_LINES
        )
        if layout.subtitle:
            lines += self._own_lines(
                layout.subtitle, size=_SUBTITLE_SIZE, setter=self._regular, color=MUTED, most=_MAX_TITLE_LINES
            )
        if layout.parameters:
            text = "   ·   ".join(f"{label}: {value}" for label, value in layout.parameters)
            lines += self._own_lines(
                text, size=_PARAMETER_SIZE, setter=self._regular, color=MUTED, most=_MAX_PARAMETER_LINES
            )
        return lines

    def _own_lines(self, text: str, *, size: float, setter: Typesetter, color: str, most: int) -> list[_Line]:
        room = self._geometry.content_width - (_LOGO_WIDTH + _BLOCK_GAP if self._logo else 0.0)
        lines = wrap(self._own_text(text), width=setter.width, limit=room / size)
        return [_Line(line, size, setter, color) for line in clip(lines, most)]

    def _height(self, line_count: int) -> float:
        return max(line_count, 1) * self._leading + 2 * _PADDING_Y

    # Rows onto pages

    @property
    def _page_room(self) -> float:
        """The height that rows have on any page but the first."""
        geometry = self._geometry
        return geometry.height - 2 * geometry.margin - _FOOTER_GAP - self._header_height

    @property
    def _capacity(self) -> float:
        """The height that rows have on the page that is being filled."""
        return self._page_room if self._pages else self._page_room - self._title_height

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

    def _flush(self) -> None:
        first = not self._pages
        for block_number, block in enumerate(self._geometry.blocks):
            self._write_page(block_number, block, first=first)
        self._pending = []
        self._used = 0.0

    def _write_page(self, block_number: int, block: Block, *, first: bool) -> None:
        geometry = self._geometry
        page = PageContent(geometry)
        top = geometry.height - geometry.margin
        width = sum(block.widths)
        if first:
            self._draw_title(page, top, logo=block_number == 0)
            top -= self._title_height
        page.fill(
            HEADER_FILL,
            x=geometry.margin,
            y=top - self._header_height,
            width=width,
            height=self._header_height,
        )
        below = _PADDING_Y + geometry.font_size
        page.row(self._header.drawn[block_number], y=top - below, setter=self._bold)
        top -= self._header_height
        page.rule(STRONG_RULE, y=top, width=width)
        for row in self._pending:
            height = self._height(row.line_count)
            if row.striped or row.kind is not _Kind.ROW:
                page.fill(_fill(row.kind), x=geometry.margin, y=top - height, width=width, height=height)
            if row.cells is not None:
                self._fill_tones(page, row.cells, block, top=top, height=height)
            setter = self._regular if row.kind is _Kind.ROW else self._bold
            page.row(row.drawn[block_number], y=top - below, setter=setter)
            if row.kind is _Kind.TOTAL:
                page.rule(STRONG_RULE, y=top, width=width)
            top -= height
            page.rule(RULE, y=top, width=width)
        if not self._pending:
            page.text(
                self._layout.labels.no_data,
                x=geometry.margin + PADDING_X,
                y=top - 2 * self._leading,
                size=geometry.font_size,
                setter=self._regular,
                color=MUTED,
            )
        self._add_page(page)

    def _draw_title(self, page: PageContent, top: float, *, logo: bool) -> None:
        geometry = self._geometry
        for line in self._title_lines:
            page.text(
                line.text,
                x=geometry.margin,
                y=top - line.size,
                size=line.size,
                setter=line.setter,
                color=line.color,
            )
            top -= line.size * _LEADING
        if logo and self._logo is not None:
            scale = min(_LOGO_WIDTH / self._logo.width, _LOGO_HEIGHT / self._logo.height)
            width, height = self._logo.width * scale, self._logo.height * scale
            x = geometry.width - geometry.margin - width
            y = geometry.height - geometry.margin - height
            page.draw(f"q {width:.2f} 0 0 {height:.2f} {x:.2f} {y:.2f} cm /L1 Do Q")

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
        self._pages.append(
            self._pdf.add(
                f"<< /Type /Page /Parent {self._page_tree} 0 R /Contents [{contents} 0 R {page_label} 0 R]"
                f" /MediaBox [0 0 {self._geometry.width:.2f} {self._geometry.height:.2f}]"
                f" /Resources {self._resources} 0 R >>"
            )
        )

    def _footer(self, page: PageContent) -> None:
        y = x = self._geometry.margin
        regular = self._regular
        page.text(self._footer_title, x=x, y=y, size=_FOOTER_SIZE, setter=regular, color=MUTED)
        middle = (self._geometry.width - regular.width(self._created) * _FOOTER_SIZE) / 2
        page.text(self._created, x=middle, y=y, size=_FOOTER_SIZE, setter=regular, color=MUTED)

    def _write_charts(self, charts: Sequence[ChartPoints]) -> None:
        """Two charts a page, behind the table."""
        geometry = self._geometry
        drawer = ChartDrawer(layout=self._layout, regular=self._regular, bold=self._bold)
        for start in range(0, len(charts), _CHARTS_PER_PAGE):
            page = PageContent(geometry)
            room = geometry.height - 2 * geometry.margin - _FOOTER_GAP
            height = (room - _CHART_GAP * (_CHARTS_PER_PAGE - 1)) / _CHARTS_PER_PAGE
            for place, points in enumerate(charts[start : start + _CHARTS_PER_PAGE]):
                top = geometry.height - geometry.margin - place * (height + _CHART_GAP)
                drawer.draw(points, page, Area(geometry.margin, top - height, geometry.content_width, height))
            self._add_page(page)

    def _write_page_labels(self) -> None:
        for number, page_label in enumerate(self._page_labels, 1):
            text = self._layout.labels.page.format(page=number, pages=len(self._pages))
            x = self._geometry.width - self._geometry.margin - self._regular.width(text) * _FOOTER_SIZE
            page = PageContent(self._geometry)
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
        root = pdf.add(
            f"<< /Type /Catalog /Pages {self._page_tree} 0 R /Lang ({layout.formatter.language})"
            f" /ViewerPreferences << /DisplayDocTitle true >>{self._outline.write(pdf, self._pages)} >>"
        )
        created = date(layout.options.created_at)
        info = pdf.add(
            f"<< /Title {literal(layout.title)} /Creator (Prensa) /Producer (Prensa)"
            f" /CreationDate {created} /ModDate {created} >>"
        )
        pdf.end(root=root, info=info)


def _fill(kind: _Kind) -> str:
    return {_Kind.ROW: ZEBRA_FILL, _Kind.SUBTOTAL: SUBTOTAL_FILL, _Kind.TOTAL: HEADER_FILL}[kind]


def _tone(cell: Any, highlights: Sequence[Highlight], *, number: bool) -> Tone | None:
    """The tone of the first highlight that fits; a number column's text fits none."""
    if cell is None or (number and isinstance(cell, str)):
        return None
    value = (Decimal(repr(cell)) if isinstance(cell, float) else Decimal(cell)) if number else str(cell)
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
