"""The looks of a workbook's cells, as style numbers."""

from copy import copy

from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.worksheet.worksheet import Worksheet

from rendering.formats import GENERAL, TEXT
from rendering.layout import ReportLayout
from rendering.xlsx_cells import TextStyle

_INK = "FF1F2933"
_MUTED = "FF5F6B7A"
_RULE = Side(style="thin", color="FF9AA5B1")
_HEADER_FILL = PatternFill("solid", fgColor="FFE4E9F0")
_SUBTOTAL_FILL = PatternFill("solid", fgColor="FFF3F5F8")
_BOLD = Font(name="Calibri", size=11, bold=True, color=_INK)
_LINK = Font(name="Calibri", size=11, color="FF0563C1", underline="single")
_TITLE = Font(name="Calibri", size=14, bold=True, color=_INK)
_SUBTITLE = Font(name="Calibri", size=11, color=_MUTED)


class Styles:
    """Style numbers by role and column. Each is made once, when it is first asked for."""

    def __init__(self, worksheet: Worksheet, *, layout: ReportLayout) -> None:
        self._worksheet = worksheet
        self._layout = layout
        self._texts: dict[tuple[int, TextStyle], int] = {}
        self._summaries: dict[tuple[int, bool, bool], int] = {}
        self.title = self._make(font=_TITLE)
        self.subtitle = self._make(font=_SUBTITLE)
        self.headers = [
            self._make(
                font=_BOLD,
                fill=_HEADER_FILL,
                border=Border(bottom=_RULE),
                alignment=Alignment(horizontal=layout.align(index), vertical="center", wrap_text=True),
                number_format=TEXT,
            )
            for index in range(len(layout.columns))
        ]
        self.values = [
            self._make(alignment=self._alignment(index), number_format=column_format.number_format)
            for index, column_format in enumerate(layout.formats)
        ]

    def text(self, index: int, style: TextStyle) -> int:
        """The style of a text in a column: its own alignment, and text for good when it is edited."""
        key = (index, style)
        found = self._texts.get(key)
        if found is None:
            wrapped = style in (TextStyle.WRAPPED, TextStyle.WRAPPED_QUOTED)
            found = self._texts[key] = self._make(
                font=_LINK if style is TextStyle.LINK else None,
                alignment=self._alignment(index, wrap=wrapped),
                number_format=TEXT,
                quote_prefix=style in (TextStyle.QUOTED, TextStyle.WRAPPED_QUOTED),
            )
        return found

    def summary(self, index: int, *, total: bool, text: bool) -> int:
        """The style of a cell in the totals row (``total``) or in a subtotal row."""
        key = (index, total, text)
        found = self._summaries.get(key)
        if found is None:
            number_format = TEXT if text else self._layout.total_formats[index].number_format
            found = self._summaries[key] = self._make(
                font=_BOLD,
                fill=_HEADER_FILL if total else _SUBTOTAL_FILL,
                border=Border(top=_RULE),
                alignment=Alignment(horizontal=self._layout.align(index), vertical="top"),
                number_format=number_format,
            )
        return found

    def _alignment(self, index: int, *, wrap: bool = False) -> Alignment:
        wrap = wrap or self._layout.columns[index].wrap
        return Alignment(horizontal=self._layout.align(index), vertical="top", wrap_text=wrap or None)

    def _make(
        self,
        *,
        font: Font | None = None,
        fill: PatternFill | None = None,
        border: Border | None = None,
        alignment: Alignment | None = None,
        number_format: str = GENERAL,
        quote_prefix: bool = False,
    ) -> int:
        cell = WriteOnlyCell(self._worksheet)
        if font is not None:
            cell.font = copy(font)
        if fill is not None:
            cell.fill = copy(fill)
        if border is not None:
            cell.border = border
        if alignment is not None:
            cell.alignment = alignment
        cell.number_format = number_format
        if quote_prefix:
            cell.quotePrefix = True
        return int(cell.style_id)
