"""The looks of a workbook's cells, as style numbers, and the part that holds them.

ECMA-376 part 1, section 18.8.
"""

from dataclasses import dataclass, replace

from rendering.formats import GENERAL, TEXT
from rendering.layout import ReportLayout
from rendering.model import Align, Tone
from rendering.totals import Summary
from rendering.xlsx_cells import Encoded, Text, TextStyle, encode_total, escape_attribute, limited
from rendering.xlsx_package import MAIN

_INK, _MUTED, _RULE_COLOR = "FF1F2933", "FF5F6B7A", "FF9AA5B1"
_FONT = '<name val="Calibri"/><family val="2"/>'
_PLAIN = f'<sz val="11"/><color rgb="FF000000"/>{_FONT}'
_BOLD = f'<b/><sz val="11"/><color rgb="{_INK}"/>{_FONT}'
_LINK = f'<u/><sz val="11"/><color rgb="FF0563C1"/>{_FONT}'
_TITLE = f'<b/><sz val="14"/><color rgb="{_INK}"/>{_FONT}'
_SUBTITLE = f'<sz val="11"/><color rgb="{_MUTED}"/>{_FONT}'
_HEADER_FILL, _SUBTOTAL_FILL = "FFE4E9F0", "FFF3F5F8"
_RULE_BELOW = f'<left/><right/><top/><bottom style="thin"><color rgb="{_RULE_COLOR}"/></bottom><diagonal/>'
_RULE_ABOVE = f'<left/><right/><top style="thin"><color rgb="{_RULE_COLOR}"/></top><bottom/><diagonal/>'
#: Formats that have a number of their own (section 18.8.30) in every locale alike.
_BUILT_IN = {GENERAL: 0, "0": 1, "0.00": 2, "#,##0": 3, "#,##0.00": 4, "0%": 9, "0.00%": 10, TEXT: 49}
_FIRST_CUSTOM = 164
#: Ink and paper of highlighted cells.
_TONES = {
    Tone.GOOD: ("FF006100", "FFC6EFCE"),
    Tone.BAD: ("FF9C0006", "FFFFC7CE"),
    Tone.WARNING: ("FF7F6000", "FFFFEB9C"),
}


@dataclass(frozen=True, slots=True)
class _Look:
    font: str = _PLAIN
    fill: str | None = None
    border: str | None = None
    horizontal: str | None = None
    vertical: str | None = None
    wrap: bool = False
    shrink: bool = False
    number_format: str = GENERAL
    quote_prefix: bool = False


class StyleSheet:
    """Gives each look its number when it is first asked for."""

    def __init__(self) -> None:
        self._looks: dict[_Look, int] = {}
        self.number(_Look())

    def number(self, look: _Look) -> int:
        return self._looks.setdefault(look, len(self._looks))

    def xml(self) -> str:
        """The part ``styles.xml``."""
        fonts, fills, borders = _Numbers([_PLAIN]), _Numbers(["none", "gray125"]), _Numbers([_NO_BORDER])
        formats = _Numbers([])
        cells = "".join(
            _cell_format(
                look,
                font=fonts.of(look.font),
                fill=fills.of(look.fill or "none"),
                border=borders.of(look.border or _NO_BORDER),
                number_format=_BUILT_IN.get(look.number_format)
                if look.number_format in _BUILT_IN
                else _FIRST_CUSTOM + formats.of(look.number_format),
            )
            for look in self._looks
        )
        custom = "".join(
            f'<numFmt numFmtId="{_FIRST_CUSTOM + number}" formatCode="{escape_attribute(code)}"/>'
            for number, code in enumerate(formats.items)
        )
        return (
            f'<styleSheet xmlns="{MAIN}">'
            + (f'<numFmts count="{len(formats.items)}">{custom}</numFmts>' if custom else "")
            + _listed("fonts", [f"<font>{font}</font>" for font in fonts.items])
            + _listed("fills", [_fill(fill) for fill in fills.items])
            + _listed("borders", [f"<border>{border}</border>" for border in borders.items])
            + '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
            + f'<cellXfs count="{len(self._looks)}">{cells}</cellXfs>'
            + '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles>'
            + _listed("dxfs", [_differential(tone) for tone in Tone])
            + '<tableStyles count="0" defaultTableStyle="TableStyleMedium9"'
            ' defaultPivotStyle="PivotStyleLight16"/></styleSheet>'
        )


_NO_BORDER = "<left/><right/><top/><bottom/><diagonal/>"


class _Numbers:
    """Numbers of things in order of appearance."""

    def __init__(self, first: list[str]) -> None:
        self.items = list(first)
        self._numbers = {item: number for number, item in enumerate(first)}

    def of(self, item: str) -> int:
        number = self._numbers.setdefault(item, len(self.items))
        if number == len(self.items):
            self.items.append(item)
        return number


def _listed(name: str, elements: list[str]) -> str:
    return f'<{name} count="{len(elements)}">{"".join(elements)}</{name}>'


def _fill(fill: str) -> str:
    if fill in ("none", "gray125"):
        return f'<fill><patternFill patternType="{fill}"/></fill>'
    return (
        f'<fill><patternFill patternType="solid"><fgColor rgb="{fill}"/><bgColor indexed="64"/>'
        "</patternFill></fill>"
    )


def _cell_format(look: _Look, *, font: int, fill: int, border: int, number_format: int | None) -> str:
    marks = "".join(
        f' {name}="1"'
        for name, wanted in (
            ("quotePrefix", look.quote_prefix),
            ("applyNumberFormat", number_format),
            ("applyFont", font),
            ("applyFill", fill),
            ("applyBorder", border),
        )
        if wanted
    )
    start = (
        f'<xf numFmtId="{number_format}" fontId="{font}" fillId="{fill}" borderId="{border}" xfId="0"{marks}'
    )
    alignment = "".join(
        f' {name}="{value}"'
        for name, value in (
            ("horizontal", look.horizontal),
            ("vertical", look.vertical),
            ("wrapText", "1" if look.wrap else None),
            ("shrinkToFit", "1" if look.shrink else None),
        )
        if value
    )
    return f'{start} applyAlignment="1"><alignment{alignment}/></xf>' if alignment else f"{start}/>"


def _differential(tone: Tone) -> str:
    ink, paper = _TONES[tone]
    return (
        f'<dxf><font><color rgb="{ink}"/></font><fill><patternFill patternType="solid">'
        f'<fgColor rgb="{paper}"/><bgColor rgb="{paper}"/></patternFill></fill></dxf>'
    )


def differential_number(tone: Tone) -> int:
    """The number of a highlight's look (section 18.8.14)."""
    return list(Tone).index(tone)


class Styles:
    """Style numbers by role and column. Each is made once, when it is first asked for."""

    def __init__(self, sheet: StyleSheet, *, layout: ReportLayout) -> None:
        self._sheet = sheet
        self._layout = layout
        self._texts: dict[tuple[int, TextStyle], int] = {}
        self._summaries: dict[tuple[int, bool, bool], int] = {}
        self.title = sheet.number(_Look(font=_TITLE))
        self.subtitle = sheet.number(_Look(font=_SUBTITLE))
        self.headers = [self.header(layout.align(index)) for index in range(len(layout.columns))]
        self.values = [
            sheet.number(replace(self._value(index), number_format=column_format.number_format))
            for index, column_format in enumerate(layout.formats)
        ]

    def text(self, index: int, style: TextStyle) -> int:
        """The style of a text in a column: its own alignment, and text for good when it is edited."""
        key = (index, style)
        found = self._texts.get(key)
        if found is None:
            look = self._value(index)
            found = self._texts[key] = self._sheet.number(
                replace(
                    look,
                    font=_LINK if style is TextStyle.LINK else _PLAIN,
                    wrap=look.wrap or style in (TextStyle.WRAPPED, TextStyle.WRAPPED_QUOTED),
                    number_format=TEXT,
                    quote_prefix=style in (TextStyle.QUOTED, TextStyle.WRAPPED_QUOTED),
                )
            )
        return found

    def summary_cells(self, summary: Summary) -> list[tuple[int, Encoded | None]]:
        """Style and content of each cell of a totals or subtotal row."""
        label = self._layout.summary_label(summary)
        cells: list[tuple[int, Encoded | None]] = []
        for index, value in enumerate(summary.values):
            encoded = encode_total(value)
            if label is not None and label[0] == index:
                encoded = limited(label[1])
            style = self._summary(index, total=summary.group is None, text=isinstance(encoded, Text))
            cells.append((style, encoded))
        return cells

    def _summary(self, index: int, *, total: bool, text: bool) -> int:
        key = (index, total, text)
        found = self._summaries.get(key)
        if found is None:
            found = self._summaries[key] = self._sheet.number(
                _Look(
                    font=_BOLD,
                    fill=_HEADER_FILL if total else _SUBTOTAL_FILL,
                    border=_RULE_ABOVE,
                    horizontal=self._layout.align(index),
                    vertical="top",
                    # A number that is wider than its column would be shown as ####.
                    shrink=not text,
                    number_format=TEXT if text else self._layout.total_formats[index].number_format,
                )
            )
        return found

    def header(self, side: Align = Align.LEFT) -> int:
        """The style of a heading."""
        return self._sheet.number(
            _Look(
                font=_BOLD,
                fill=_HEADER_FILL,
                border=_RULE_BELOW,
                horizontal=side,
                vertical="center",
                wrap=True,
                number_format=TEXT,
            )
        )

    def label(self, *, bold: bool = False, wrap: bool = True) -> int:
        """The style of a text that belongs to no column; without ``wrap`` it goes on over blank cells."""
        font = _BOLD if bold else _PLAIN
        return self._sheet.number(
            _Look(font=font, horizontal="left", vertical="top", wrap=wrap, number_format=TEXT)
        )

    def number(self, number_format: str, *, left: bool = False) -> int:
        """The style of a number that belongs to no column."""
        side = "left" if left else "right"
        return self._sheet.number(_Look(horizontal=side, vertical="top", number_format=number_format))

    def _value(self, index: int) -> _Look:
        return _Look(
            horizontal=self._layout.align(index), vertical="top", wrap=self._layout.columns[index].wrap
        )
