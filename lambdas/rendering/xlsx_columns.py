"""A run of rows as SpreadsheetML, made at once: in C where that has been built, else in Python.

What is ordinary (every value is encoded as a number, every text needs no escaping) is put together with one
format for the whole run; whatever is not goes through the caller's own way for single cells. Both ways ask
for the same cells in the same order and give the same bytes.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import Any

from rendering.model import ColumnType
from rendering.native import native
from rendering.rows import Cell, Rows
from rendering.shared_strings import LONGEST_SHARED, MOST_SHARED, SharedStrings, worth_sharing
from rendering.xlsx_cells import ENCODERS, MAX_TEXT_UNITS, escape

#: What XML writes otherwise, which changes nothing else about a cell.
_MARKUP = "&<>"
#: What a cell needs another style, or another look, for.
_INSIDE = ("\n", "\r", "_x")
_LEADS = ("=", "+", "-", "@")
#: Texts are searched joined by NUL, which none of them holds.
_ENDS = (*(f"\0{lead}" for lead in (*_LEADS, " ", "\t")), " \0", "\t\0")
_OTHER_SPACE = re.compile("[\x85\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]")
#: A character is at most two UTF-16 units.
_SHORT = MAX_TEXT_UNITS // 2
#: What the native encoder calls the types that it knows; every cell of another type is asked for.
_KINDS = {
    ColumnType.STRING: "t",
    ColumnType.INTEGER: "i",
    ColumnType.DECIMAL: "n",
    ColumnType.FLOAT: "f",
    ColumnType.BOOLEAN: "b",
    ColumnType.DATE: "d",
    ColumnType.DATETIME: "m",
}

type OneCell = Callable[[Any, int], str]


class ColumnXml:
    """Makes the ``c`` elements of one column.

    ``one`` makes the element of a single cell from its value and the index in the run. ``style`` is that
    of ordinary cells. Texts that repeat from the start are put among the ``shared`` ones.
    """

    def __init__(
        self,
        *,
        letter: str,
        style: int,
        type: ColumnType,  # noqa: A002 - the column's own word
        one: OneCell,
        shared: SharedStrings,
    ) -> None:
        self._letter = letter
        self._style = style
        self._type = type
        self._one = one
        self._shared = shared
        self._shares: bool | None = None if type is ColumnType.STRING else False
        self._open = f'<c r="{letter}'
        self._number = f'" s="{style}"><v>'
        self._boolean = f'" s="{style}" t="b"><v>'
        self._text = f'" s="{style}" t="inlineStr"><is><t>'
        self._shared_text = f'" s="{style}" t="s"><v>'

    def look(self, cells: Sequence[Cell]) -> None:
        """Decide by the first cells whether texts of this column are shared."""
        if self._shares is None:
            self._shares = worth_sharing(cells)

    def spec(self) -> tuple[str, str, int, dict[str, int] | None, OneCell]:
        """The column as the native encoder takes it."""
        numbers = self._shared.numbers if self._shares else None
        return self._letter, _KINDS.get(self._type, "o"), self._style, numbers, self._one

    def elements(self, cells: Sequence[Cell], numbers: Sequence[str]) -> list[str]:
        """An element for each cell, ``""`` for blank ones; ``numbers`` are the rows' numbers as text."""
        kinds = set(map(type, cells))
        made: list[str] | None = None
        if self._type is ColumnType.STRING:
            if kinds <= _TEXTS:
                made = self._texts(cells, numbers)
        elif self._type is not ColumnType.URL and str not in kinds:
            made = self._values(cells, numbers)
        if made is not None:
            return made
        return ["" if cell is None else self._one(cell, index) for index, cell in enumerate(cells)]

    def _values(self, cells: Sequence[Any], numbers: Sequence[str]) -> list[str] | None:
        encode = ENCODERS[self._type]
        encoded: list[Any] = [None if cell is None else encode(cell) for cell in cells]
        kinds = set(map(type, encoded)) - {_BLANK}
        if kinds == {str}:
            middle = self._number
        elif kinds == {bool}:
            middle = self._boolean
            encoded = [None if value is None else f"{value:d}" for value in encoded]
        elif kinds:
            return None
        else:
            return [""] * len(cells)
        begin = self._open
        return [
            "" if value is None else f"{begin}{number}{middle}{value}</v></c>"
            for number, value in zip(numbers, encoded, strict=True)
        ]

    def _texts(self, cells: Sequence[Any], numbers: Sequence[str]) -> list[str]:
        begin, middle = self._open, self._text
        texts = [cell or "" for cell in cells]
        joined = "\0".join(["", *texts, ""])
        odd = _having(_INSIDE, texts, joined) | _with_ends(texts, joined)
        if max(map(len, texts)) > _SHORT:
            odd |= {index for index, text in enumerate(texts) if len(text) > _SHORT}
        if self._shares:
            return self._shared_elements(cells, numbers, odd)
        made = [
            "" if cell is None else f"{begin}{number}{middle}{cell}</t></is></c>"
            for number, cell in zip(numbers, cells, strict=True)
        ]
        for index in _having(_MARKUP, texts, joined) - odd:
            made[index] = f"{begin}{numbers[index]}{middle}{escape(texts[index])}</t></is></c>"
        for index in sorted(odd):
            made[index] = self._one(cells[index], index)
        return made

    def _shared_elements(self, cells: Sequence[Any], numbers: Sequence[str], odd: set[int]) -> list[str]:
        begin, middle, shared_middle = self._open, self._text, self._shared_text
        known, number_of = self._shared.numbers.get, self._shared.number
        made = []
        for index, (cell, row) in enumerate(zip(cells, numbers, strict=True)):
            if cell is None:
                made.append("")
            elif index in odd:
                made.append(self._one(cell, index))
            elif (number := known(cell)) is not None or (number := number_of(cell)) is not None:
                made.append(f"{begin}{row}{shared_middle}{number}</v></c>")
            else:
                made.append(f"{begin}{row}{middle}{escape(cell)}</t></is></c>")
        return made


class RunXml:
    """Makes the ``row`` elements of a run (ECMA-376 part 1, section 18.3.1.73)."""

    def __init__(self, columns: Sequence[ColumnXml]) -> None:
        self._columns = columns

    def rows(self, rows: Rows, *, first_row: int, attributes: str = "") -> bytes:
        """The rows of ``rows``, the first of which is number ``first_row`` of its sheet.

        ``attributes`` are further ones of each row, with a blank before them.
        """
        for xml, column in zip(self._columns, rows.columns, strict=True):
            xml.look(column.cells)
        if native is not None:
            return native.rows(
                tuple(xml.spec() for xml in self._columns),
                [column.cells for column in rows.columns],
                [column.digits for column in rows.columns],
                first_row=first_row,
                attributes=attributes,
                most_shared=MOST_SHARED,
                longest_shared=LONGEST_SHARED,
            )
        numbers = list(map(str, range(first_row, first_row + len(rows))))
        elements = [
            xml.elements(column.cells, numbers)
            for xml, column in zip(self._columns, rows.columns, strict=True)
        ]
        heads = [f'<row r="{number}"{attributes}>' for number in numbers]
        ends = ["</row>"] * len(rows)
        return "".join(chain.from_iterable(zip(heads, *elements, ends, strict=True))).encode()


def _having(marks: Iterable[str], texts: Sequence[str], joined: str) -> set[int]:
    """The indexes of texts that hold one of ``marks``."""
    return {index for mark in marks if mark in joined for index, text in enumerate(texts) if mark in text}


def _with_ends(texts: Sequence[str], joined: str) -> set[int]:
    """The indexes of texts with white space at an end or the lead of a formula."""
    if not any(end in joined for end in _ENDS) and (joined.isascii() or not _OTHER_SPACE.search(joined)):
        return set()
    return {index for index, text in enumerate(texts) if text != text.strip() or text.startswith(_LEADS)}


_BLANK = type(None)
_TEXTS = {str, _BLANK}
