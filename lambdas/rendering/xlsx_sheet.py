"""What surrounds the rows of a sheet, in the order of CT_Worksheet (ECMA-376 part 1, section 18.3.1.99)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from rendering.model import ColumnType, Highlight, PageSize, Tone
from rendering.sheet_names import cut_utf16
from rendering.xlsx_cells import date_value, escape, escape_attribute, escape_codes
from rendering.xlsx_package import MAIN, RELATIONSHIPS, Part, Relationship
from rendering.xlsx_styles import differential_number

#: ST_PaperSize codes (section 18.3.1.63).
_PAPER = {PageSize.LETTER: 1, PageSize.LEGAL: 5, PageSize.A3: 8, PageSize.A4: 9, PageSize.A5: 11}
_MILLIMETRES = 25.4
#: Margins of the sides and of top and bottom in inches, unless the request gives its own.
_SIDE_MARGIN, _EDGE_MARGIN, _LINE_MARGIN = 0.75, 1.0, 0.5
#: The largest outline level that a row can have.
MAX_OUTLINE = 7
_OPERATORS = {"above": ">", "below": "<", "equal": "=", "not_equal": "<>"}
#: Characters of a text in a formula, and of a formula (Excel specifications and limits, Microsoft Support).
_MAX_LITERAL, _MAX_FORMULA = 255, 8192
_BAR_COLOR = "FF9CC2E5"


@dataclass(frozen=True, kw_only=True, slots=True)
class SheetView:
    """What a sheet looks like before it has rows. ``frozen_rows`` may be 0; widths are in characters."""

    selected: bool
    frozen_rows: int
    widths: Sequence[float]
    outline_levels: int = 0
    grid: bool = True

    def xml(self) -> bytes:
        pane = ""
        if self.frozen_rows:
            pane = (
                f'<pane ySplit="{self.frozen_rows}" topLeftCell="A{self.frozen_rows + 1}"'
                ' activePane="bottomLeft" state="frozen"/><selection pane="bottomLeft"/>'
            )
        marks = ("" if self.grid else ' showGridLines="0"') + (' tabSelected="1"' if self.selected else "")
        outline = f' outlineLevelRow="{self.outline_levels}"' if self.outline_levels else ""
        columns = "".join(
            f'<col min="{index}" max="{index}" width="{width:g}" customWidth="1"/>'
            for index, width in enumerate(self.widths, 1)
        )
        return (
            f'<worksheet xmlns="{MAIN}" xmlns:r="{RELATIONSHIPS}">'
            '<sheetPr><outlinePr summaryBelow="1"/><pageSetUpPr fitToPage="1"/></sheetPr>'
            f'<sheetViews><sheetView{marks} workbookViewId="0">{pane}</sheetView></sheetViews>'
            f'<sheetFormatPr baseColWidth="8" defaultRowHeight="15"{outline}/>'
            f"<cols>{columns}</cols><sheetData>"
        ).encode()


@dataclass(frozen=True, kw_only=True, slots=True)
class PrintSetup:
    """How a sheet is printed. ``margin`` is in millimetres; header and footer are as of section 18.3.1.46."""

    size: PageSize
    landscape: bool
    margin: float | None
    header: str
    footer: str

    def xml(self) -> str:
        if self.margin is None:
            side, edge, line = _SIDE_MARGIN, _EDGE_MARGIN, _LINE_MARGIN
        else:
            side = edge = self.margin / _MILLIMETRES
            line = edge / 2
        orientation = "landscape" if self.landscape else "portrait"
        header = f"<oddHeader>{escape(self.header)}</oddHeader>" if self.header else ""
        return (
            f'<pageMargins left="{side:.4g}" right="{side:.4g}" top="{edge:.4g}" bottom="{edge:.4g}"'
            f' header="{line:.4g}" footer="{line:.4g}"/>'
            f'<pageSetup paperSize="{_PAPER[self.size]}" fitToWidth="1" fitToHeight="0"'
            f' orientation="{orientation}"/>'
            f"<headerFooter>{header}<oddFooter>{escape(self.footer)}</oddFooter></headerFooter>"
        )


@dataclass(slots=True)
class SheetEnd:
    """What is known once all rows are written."""

    print_setup: PrintSetup
    filter: str | None = None
    conditions: list[str] = field(default_factory=list)
    text_numbers: str | None = None
    drawing: str | None = None
    #: Rows (from 1) behind which a new page begins when the sheet is printed.
    breaks: Sequence[int] = ()
    table: str | None = None

    def write(self, part: Part, links: Sequence[tuple[str, str]]) -> list[Relationship]:
        """Write what follows the rows; the relationships that it names are still to be written."""
        relationships = [Relationship("hyperlink", target, external=True) for _, target in links]
        part.write(b"</sheetData>")
        if self.filter:
            part.write(f'<autoFilter ref="{self.filter}"/>'.encode())
        part.write("".join(self.conditions).encode())
        if links:
            part.write(b"<hyperlinks>")
            for number, (reference, _) in enumerate(links, 1):
                part.write(f'<hyperlink ref="{reference}" r:id="rId{number}"/>'.encode())
            part.write(b"</hyperlinks>")
        part.write(self.print_setup.xml().encode())
        if self.breaks:
            made = "".join(f'<brk id="{row}" max="16383" man="1"/>' for row in self.breaks)
            count = len(self.breaks)
            part.write(f'<rowBreaks count="{count}" manualBreakCount="{count}">{made}</rowBreaks>'.encode())
        if self.text_numbers:
            ignored = f'<ignoredError sqref="{self.text_numbers}" numberStoredAsText="1"/>'
            part.write(f"<ignoredErrors>{ignored}</ignoredErrors>".encode())
        if self.drawing:
            relationships.append(Relationship("drawing", self.drawing))
            part.write(f'<drawing r:id="rId{len(relationships)}"/>'.encode())
        if self.table:
            relationships.append(Relationship("table", self.table))
            part.write(
                f'<tableParts count="1"><tablePart r:id="rId{len(relationships)}"/></tableParts>'.encode()
            )
        part.write(b"</worksheet>")
        return relationships


class Conditions:
    """Conditional formats of one sheet (section 18.3.1.18), with priorities in order."""

    def __init__(self) -> None:
        self.elements: list[str] = []
        self._rules = 0

    def add(
        self,
        ranges: str,
        *,
        first: str,
        type: ColumnType,  # noqa: A002 - the column's own word
        highlights: Sequence[Highlight],
        data_bar: bool,
    ) -> None:
        """Rules for the cells of ``ranges``, of which ``first`` is the one at the top."""
        rules = [
            self._highlight(highlight, condition)
            for highlight in highlights
            # No cell is as long as a text that makes a formula too long for Excel.
            if len(condition := _condition(first, type, highlight)) <= _MAX_FORMULA
        ]
        if data_bar:
            self._rules += 1
            rules.append(
                f'<cfRule type="dataBar" priority="{self._rules}"><dataBar><cfvo type="num" val="0"/>'
                f'<cfvo type="max"/><color rgb="{_BAR_COLOR}"/></dataBar></cfRule>'
            )
        if rules:
            self.elements.append(
                f'<conditionalFormatting sqref="{ranges}">{"".join(rules)}</conditionalFormatting>'
            )

    def _highlight(self, highlight: Highlight, condition: str) -> str:
        self._rules += 1
        tone: Tone = highlight.tone
        return (
            f'<cfRule type="expression" dxfId="{differential_number(tone)}" priority="{self._rules}">'
            f"<formula>{escape(condition)}</formula></cfRule>"
        )


def _condition(cell: str, type: ColumnType, highlight: Highlight) -> str:  # noqa: A002
    """A highlight as a formula.

    A rule of type ``cellIs`` would take a blank cell as 0, a text as more than any number, and "a" as "A".
    """
    value, operator = highlight.value, _OPERATORS[highlight.when]
    if not isinstance(value, str):
        return f"AND(ISNUMBER({cell}),{cell}{operator}{value:f})"
    if type is ColumnType.BOOLEAN and value.lower() in ("true", "false"):
        return f"AND(ISLOGICAL({cell}),{cell}{operator}{value.upper()})"
    if type is ColumnType.DATE and (serial := _serial(value)) is not None:
        return f"AND(ISNUMBER({cell}),{cell}{operator}{serial})"
    quoted = _text_literal(value)
    if highlight.when == "equal":
        return f"EXACT({cell},{quoted})"
    return f"AND(NOT(ISBLANK({cell})),NOT(EXACT({cell},{quoted})))"


def _text_literal(text: str) -> str:
    """``text`` in a formula, where a literal has at most 255 characters (Excel specifications and limits)."""
    pieces: list[str] = []
    while text or not pieces:
        piece = cut_utf16(text, _MAX_LITERAL)
        text = text[len(piece) :]
        pieces.append('"' + piece.replace('"', '""') + '"')
    return "&".join(pieces)


def _serial(text: str) -> str | None:
    """The number of an ISO 8601 date, if it is one that a spreadsheet has."""
    try:
        serial = date_value(date.fromisoformat(text))
    except ValueError:
        return None
    return serial if isinstance(serial, str) else None


def table_xml(
    *,
    number: int,
    reference: str,
    filter_reference: str,
    columns: Sequence[tuple[str, str | None, str | None]],
    totals: bool,
) -> str:
    """A table part (section 18.5.1.2). ``columns`` are (name, function of the totals row, its label)."""
    made = []
    for index, (name, function, label) in enumerate(columns, 1):
        marks = f' totalsRowFunction="{function}"' if function else ""
        if label:
            marks += f' totalsRowLabel="{escape_attribute(label)}"'
        made.append(f'<tableColumn id="{index}" name="{_table_text(name)}"{marks}/>')
    total_row = ' totalsRowCount="1"' if totals else ' totalsRowShown="0"'
    return (
        f'<table xmlns="{MAIN}" id="{number}" name="Table{number}" displayName="Table{number}"'
        f' ref="{reference}"{total_row}><autoFilter ref="{filter_reference}"/>'
        f'<tableColumns count="{len(made)}">{"".join(made)}</tableColumns>'
        '<tableStyleInfo name="TableStyleLight1" showFirstColumn="0" showLastColumn="0" showRowStripes="1"'
        ' showColumnStripes="0"/></table>'
    )


def _table_text(text: str) -> str:
    """A header as the name of a table's column.

    What an attribute would read as a blank is escaped (section 22.9.2.19).
    """
    return escape_attribute(escape_codes(text)).replace("\n", "_x000a_").replace("\t", "_x0009_")
