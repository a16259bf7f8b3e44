"""A run of cells of one column as SpreadsheetML, made at once.

What is ordinary (every value is encoded as a number, every text needs no escaping) is put together with one
format for the whole run; whatever is not goes through the caller's own way for single cells.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any

from rendering.convert import Cell
from rendering.xlsx_cells import MAX_TEXT_UNITS, Encoded

#: What texts, joined by tabs, have that is more than text: markup, line breaks, white space at an end, the
#: lead of a formula.
_SPECIAL = re.compile(r"[&<>\r\n]|_x[0-9A-Fa-f]{4}_|(?:\A|(?<=\t))[=+\-@\s]|\s(?=\t|\Z)")
#: A character is at most two UTF-16 units.
_SHORT = MAX_TEXT_UNITS // 2

type OneCell = Callable[[Any, int], str]


class ColumnXml:
    """Makes the ``c`` elements of one column.

    ``one`` makes the element of a single cell from its value and the index in the run. ``style`` is that
    of ordinary cells; ``encode`` is ``None`` for texts. Without ``plain`` every cell needs a look of its own.
    """

    def __init__(
        self, *, letter: str, style: int, encode: Callable[[Any], Encoded] | None, one: OneCell, plain: bool
    ) -> None:
        self._plain = plain
        self._encode = encode
        self._one = one
        self._open = f'<c r="{letter}'
        self._number = f'" s="{style}"><v>'
        self._boolean = f'" s="{style}" t="b"><v>'
        self._text = f'" s="{style}" t="inlineStr"><is><t>'

    def elements(self, cells: Sequence[Cell], numbers: Sequence[str]) -> list[str]:
        """An element for each cell, ``""`` for blank ones; ``numbers`` are the rows' numbers as text."""
        kinds = set(map(type, cells))
        made: list[str] | None = None
        if self._encode is None:
            if self._plain and kinds <= _TEXTS:
                made = self._texts(cells, numbers)
        elif str not in kinds:
            made = self._values(cells, numbers)
        if made is not None:
            return made
        return ["" if cell is None else self._one(cell, index) for index, cell in enumerate(cells)]

    def _values(self, cells: Sequence[Any], numbers: Sequence[str]) -> list[str] | None:
        if self._encode is None:
            raise AssertionError("texts have no encoder")
        encode = self._encode
        encoded = [None if cell is None else encode(cell) for cell in cells]
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

    def _texts(self, cells: Sequence[Any], numbers: Sequence[str]) -> list[str] | None:
        present = [cell for cell in cells if cell is not None]
        if present and max(map(len, present)) > _SHORT:
            return None
        begin, middle = self._open, self._text
        made = [
            "" if cell is None else f"{begin}{number}{middle}{cell}</t></is></c>"
            for number, cell in zip(numbers, cells, strict=True)
        ]
        for index in self._special(cells):
            made[index] = self._one(cells[index], index)
        return made

    def _special(self, cells: Sequence[str | None]) -> set[int]:
        """The indexes of texts that need more than to be put in."""
        texts = [cell or "" for cell in cells]
        found = [match.start() for match in _SPECIAL.finditer("\t".join(texts))]
        if not found:
            return set()
        # Where each text ends in the joined ones; a match at a tab belongs to the text before it.
        ends = list(accumulate(len(text) + 1 for text in texts))
        indexes = {bisect_right(ends, position) for position in found}
        return {index for index in indexes if cells[index] is not None}


_BLANK = type(None)
_TEXTS = {str, _BLANK}
