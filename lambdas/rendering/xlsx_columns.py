"""A run of cells of one column as SpreadsheetML, made at once.

What is ordinary (every value is encoded as a number, every text needs no escaping) is put together with one
format for the whole run; whatever is not goes through the caller's own way for single cells.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from rendering.convert import Cell
from rendering.xlsx_cells import MAX_TEXT_UNITS, Encoded, escape

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
        texts = [cell or "" for cell in cells]
        joined = "\0".join(["", *texts, ""])
        for index in _having(_MARKUP, texts, joined):
            made[index] = f"{begin}{numbers[index]}{middle}{escape(texts[index])}</t></is></c>"
        # After the markup: who needs both is made whole by the caller.
        for index in _having(_INSIDE, texts, joined) | _with_ends(texts, joined):
            made[index] = self._one(cells[index], index)
        return made


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
