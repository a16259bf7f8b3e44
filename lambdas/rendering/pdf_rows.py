"""Rows of the table as text operators, independent of where on a page they come to stand.

A row is drawn from its own origin: the baseline of its first line at the left edge of the page. Ordinary rows
are made at once, in C where that has been built; others cell by cell.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rendering.column_types import TEXT_TYPES
from rendering.layout import ReportLayout
from rendering.model import Align, Tone
from rendering.native import native
from rendering.pdf_geometry import PADDING_X, Block, Geometry
from rendering.pdf_text import INVISIBLE, is_right_to_left, wrap
from rendering.pdf_typeset import Typesetter

ROUNDING = 1e-6
#: A number that is wider than its column is set smaller, down to this share, before it is broken.
_MIN_SHRINK = 0.65
#: Characters below this code point can be drawn by the native loop: Latin, Greek, Cyrillic, signs.
_KNOWN = 0x2200
_NO_WIDTH = 0xFFFF
#: More lines than a page takes: such a row is set cell by cell, so that it can be split.
_MOST_LINES = 400
#: The inks of highlighted cells; the papers are in :mod:`rendering.pdf_page`.
TONE_INKS = {Tone.GOOD: "0 0.38 0", Tone.BAD: "0.61 0 0.02", Tone.WARNING: "0.5 0.38 0"}
#: Stands for the number of a marked cell, which is known when its page is. Strings don't have it: a bracket
#: in them has a backslash before it, and none is empty.
CELL_NUMBER = b" ()"
#: How the cells of a column are marked: not at all, as cells of a table, as artifacts.
_UNMARKED, _CELL, _ARTIFACT = 0, 1, 2
_BEGIN = {_CELL: b"/TD<</MCID" + CELL_NUMBER + b">>BDC", _ARTIFACT: b"/Artifact BMC"}
INK = "0.12 0.16 0.20"


class Drawn(NamedTuple):
    """Text operators, and where their first line begins: hundredths of a point from the row's origin."""

    x: int
    y: int
    operators: bytes


class CellText(NamedTuple):
    """The lines of one cell, the size they are set in and how it stands out."""

    lines: Sequence[str]
    size: float
    tone: Tone | None = None


@dataclass(frozen=True, slots=True)
class _ColumnPlace:
    """Where the text of a column stands, in points. ``before`` is the share of the free room before it."""

    left: float
    room: float
    before: float
    wraps: bool
    places: int


class RowSetter:
    """Sets rows of one report. ``places`` has the most decimal places of each column, -1 for none."""

    def __init__(
        self,
        *,
        layout: ReportLayout,
        geometry: Geometry,
        leading: float,
        regular: Typesetter,
        bold: Typesetter,
        places: Sequence[int],
        point: str,
        tagged: bool,
    ) -> None:
        self._geometry = geometry
        self._size = geometry.font_size
        self._leading = round(leading * 100)
        self._regular, self._bold = regular, bold
        self._point = point
        self._tagged = tagged
        self._columns = [
            _ColumnPlace(
                left + PADDING_X,
                geometry.text_widths[index],
                {Align.LEFT: 0.0, Align.CENTER: 0.5, Align.RIGHT: 1.0}[layout.align(index)],
                column.type in TEXT_TYPES,
                places[index],
            )
            for index, (column, left) in enumerate(zip(layout.columns, geometry.lefts(), strict=True))
        ]
        main = regular.main
        self._units = main.units_per_em
        self._limits = [int((place.room + ROUNDING) / self._size * self._units) for place in self._columns]
        self._drawn = [
            character if self._is_drawn(character) else None for character in map(chr, range(_KNOWN))
        ]
        self._widths = main.unit_widths(self._drawn)
        self._known = frozenset(character for character in self._drawn if character) | {"\n"}

    def rows(self, columns: Sequence[Sequence[str]]) -> list[tuple[tuple[Drawn, ...], int] | None]:
        """For each row what draws it, one for each block of columns, and its number of lines.

        ``None`` for a row with a cell that needs a look of its own.
        """
        made = [self._block_rows(block, columns) for block in self._geometry.blocks]
        if len(made) == 1:
            return [None if row is None else ((Drawn(*row[:3]),), row[3]) for row in made[0]]
        return [
            None
            if None in parts
            else (tuple(Drawn(*part[:3]) for part in parts if part), max(part[3] for part in parts if part))
            for parts in zip(*made, strict=True)
        ]

    def _block_rows(
        self, block: Block, columns: Sequence[Sequence[str]]
    ) -> list[tuple[int, int, bytes, int] | None]:
        if native is not None:
            point = ord(self._point)
            return native.page_rows(
                tuple(
                    (
                        place.left,
                        place.room,
                        place.before,
                        self._limits[index],
                        place.wraps,
                        place.places,
                        point,
                        mark,
                    )
                    for index, place, mark in (
                        (index, self._columns[index], self._mark(block, index)) for index in block.columns
                    )
                ),
                [columns[index] for index in block.columns],
                self._widths,
                self._regular.main.used,
                size=self._size,
                units=self._units,
                leading=self._leading,
                resource=self._regular.main.resource,
            )
        return [
            self._plain_row(block, [columns[index][position] for index in block.columns])
            for position in range(len(columns[0]))
        ]

    def _mark(self, block: Block, index: int) -> int:
        """How a column is marked in a block. The first column is only repeated in further blocks."""
        if not self._tagged:
            return _UNMARKED
        return _ARTIFACT if block.is_repeated(index) else _CELL

    def _plain_row(self, block: Block, texts: Sequence[str]) -> tuple[int, int, bytes, int] | None:
        """What the native loop does for one row."""
        known, width = self._known, self._regular.main.width
        pen = _Pen()
        most = 0
        for index, text in zip(block.columns, texts, strict=True):
            if not known.issuperset(text):
                return None
            pen.mark(self._mark(block, index))
            if not text:
                continue
            limit = self._limits[index] / self._units
            lines = text.split("\n")
            if any(width(line) > limit for line in lines):
                if not self._columns[index].wraps:
                    if len(lines) > 1 or not self._draw_smaller(pen, text, index):
                        return None
                    most = max(most, 1)
                    continue
                lines = wrap(text, width=width, limit=limit)
            if len(lines) > _MOST_LINES:
                return None
            most = max(most, len(lines))
            for number, line in enumerate(lines):
                if line:
                    x = self._x(index, line, width(line), self._size, limit)
                    pen.draw(x, -number * self._leading, self._regular.main.string(line) + b" Tj")
        pen.mark(_UNMARKED)
        return *pen.drawn(), most

    def _draw_smaller(self, pen: "_Pen", text: str, index: int) -> bool:
        """Draw a number that is too wide in a smaller size; ``False`` when it would be too small."""
        room = self._columns[index].room + ROUNDING
        main = self._regular.main
        needed = main.width(text)
        if needed * self._size * _MIN_SHRINK > room:
            return False
        size = room / needed
        pen.add(f"/{main.resource} {size:.2f} Tf".encode())
        pen.draw(self._x(index, text, needed, size, 0.0), 0, main.string(text) + b" Tj")
        pen.add(f"/{main.resource} {self._size:.2f} Tf".encode())
        return True

    def cell(self, text: str, index: int, *, bold: bool = False, tone: Tone | None = None) -> CellText:
        """One cell broken into lines, whatever is in it."""
        setter = self._bold if bold else self._regular
        place = self._columns[index]
        if not text:
            return CellText((), self._size, tone)
        if "\n" not in text:
            needed = setter.width(text)
            if needed <= (place.room + ROUNDING) / self._size:
                return CellText((text,), self._size, tone)
            if not place.wraps and needed * self._size * _MIN_SHRINK <= place.room + ROUNDING:
                return CellText((text,), (place.room + ROUNDING) / needed, tone)
        limit = (place.room + ROUNDING) / self._size
        return CellText(wrap(text, width=setter.width, limit=limit), self._size, tone)

    def draw(
        self, cells: Sequence[CellText], block: Block, *, bold: bool = False, marked: bool = True
    ) -> Drawn:
        """What draws a row that was set cell by cell, for one block of columns."""
        setter = self._bold if bold else self._regular
        pen = _Pen()
        for index in block.columns:
            cell = cells[index]
            if marked:
                pen.mark(self._mark(block, index))
            limit = (self._columns[index].room + ROUNDING) / cell.size
            if cell.tone is not None:
                pen.add(f"{TONE_INKS[cell.tone]} rg".encode())
            if cell.size != self._size:
                pen.add(f"/{setter.main.resource} {cell.size:.2f} Tf".encode())
            for number, line in enumerate(cell.lines):
                if line:
                    x = self._x(index, line, setter.width(line), cell.size, limit)
                    pen.draw(x, -number * self._leading, setter.operators(line, cell.size))
            if cell.size != self._size:
                pen.add(f"/{setter.main.resource} {self._size:.2f} Tf".encode())
            if cell.tone is not None:
                pen.add(f"{INK} rg".encode())
        pen.mark(_UNMARKED)
        return pen.drawn()

    def _x(self, index: int, line: str, em: float, size: float, limit: float) -> float:
        place = self._columns[index]
        free = self._missing_places(line, place.places) if place.places >= 0 else 0.0
        if em + free > limit:
            free = 0.0
        units = (em + free) * self._units
        return place.left + place.before * (place.room - units * size / self._units)

    def _missing_places(self, text: str, places: int) -> float:
        """What a number with fewer places than its column's leaves free at its end, in em."""
        _, point, fraction = text.rpartition(self._point)
        own = len(fraction) if point and fraction.isascii() and (fraction.isdigit() or not fraction) else 0
        if own >= places:
            return 0.0
        width = self._regular.main.width
        return (places - own) * width("0") + (width(self._point) if own == 0 else 0.0)

    def _is_drawn(self, character: str) -> bool:
        return (
            character.isprintable()
            and not INVISIBLE.match(character)
            and not is_right_to_left(character)
            and self._regular.main.has(character)
        )


class _Pen:
    """Collects operators, each moving from where the last line began. Places are rounded to hundredths."""

    def __init__(self) -> None:
        self._made: list[bytes] = []
        self._first: tuple[int, int] | None = None
        self._x = self._y = 0
        self._marked = False

    def mark(self, mark: int) -> None:
        """End the cell before, and begin one that is marked."""
        if self._marked:
            self._made.append(b"EMC")
        if mark:
            self._made.append(_BEGIN[mark])
        self._marked = mark != _UNMARKED

    def draw(self, x: float, y: int, operators: bytes) -> None:
        place = int(x * 100 + 0.5)
        if self._first is None:
            self._first = (place, y)
            self._made.append(operators)
        else:
            move = f"{hundredths(place - self._x)} {hundredths(y - self._y)} Td ".encode()
            self._made.append(move + operators)
        self._x, self._y = place, y

    def add(self, operator: bytes) -> None:
        self._made.append(operator)

    def drawn(self) -> Drawn:
        return Drawn(*(self._first or (0, 0)), b"".join(line + b"\n" for line in self._made))


def hundredths(value: int) -> str:
    """``value`` hundredths with no more digits than it takes."""
    sign = "-" if value < 0 else ""
    whole, rest = divmod(abs(value), 100)
    if not rest:
        return f"{sign}{whole}"
    return f"{sign}{whole}.{rest // 10}" if rest % 10 == 0 else f"{sign}{whole}.{rest:02d}"
