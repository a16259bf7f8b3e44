"""Rows from JSON Lines (https://jsonlines.org): one object or array a line, in UTF-8.

Numbers keep their digits: they are ``int`` or :class:`decimal.Decimal`, never a binary float.
"""

import json
from collections.abc import Iterable, Iterator, Sequence

from rendering.errors import BadData
from rendering.model import Batch, Column
from rendering.text import shorten
from reporting.errors import MalformedBody
from reporting.strict_json import json_kind, parse_value, said
from reporting.tabular_text import ReadLimits, decoded, line_blocks

#: White space of RFC 8259, section 2, which a blank line may hold.
_BLANKS = " \t\r"
_SHOWN_NAMES = 20


def json_lines(
    chunks: Iterable[bytes], *, columns: Sequence[Column], limits: ReadLimits | None = None
) -> Iterator[Batch]:
    """Rows in column order from the bytes of a file; a key that is left out is ``None``.

    Blank lines are passed over. Values are not looked at further than that they are scalars: the engine reads
    them by their column's type. Raises :class:`rendering.errors.BadData`, which names the line, for what is
    no JSON, a key that stands twice or is no column's, an array of another length than the table is wide, and
    beyond ``limits``.
    """
    limits = limits or ReadLimits()
    reader = _Lines(columns, limits)
    texts = decoded(chunks, encoding=None, total_bytes=limits.total_bytes, only_utf_8=True)
    for number, lines in line_blocks(texts, line_characters=limits.line_characters):
        rows = [reader.row(number + index, line) for index, line in enumerate(lines) if line.strip(_BLANKS)]
        if rows:
            yield rows


class _Lines:
    def __init__(self, columns: Sequence[Column], limits: ReadLimits) -> None:
        self._keys = [column.key for column in columns]
        self._known = frozenset(self._keys)
        self._most = limits.field_characters

    def row(self, number: int, line: str) -> list[object]:
        try:
            value = parse_value(line)
        except json.JSONDecodeError as error:
            raise BadData(f"line {number}, character {error.colno}: {said(error)}") from error
        except MalformedBody as error:
            raise BadData(f"line {number}: {error}") from error
        if isinstance(value, dict):
            cells = self._of_object(number, value)
        elif isinstance(value, list):
            if len(value) != len(self._keys):
                detail = f"the array has {len(value)} items, the table has {len(self._keys)} columns"
                raise BadData(f"line {number}: {detail}")
            cells = value
        else:
            raise BadData(f"line {number}: a row is an object or an array, got {json_kind(value)}")
        for key, cell in zip(self._keys, cells, strict=True):
            if isinstance(cell, dict | list):
                detail = f"a cell is a string, a number, a boolean or null, got {json_kind(cell)}"
                raise BadData(f"line {number}, column '{shorten(key)}': {detail}")
            if isinstance(cell, str) and len(cell) > self._most:
                detail = f"the text has {len(cell)} characters, the limit is {self._most}"
                raise BadData(f"line {number}, column '{shorten(key)}': {detail}")
        return cells

    def _of_object(self, number: int, value: dict[str, object]) -> list[object]:
        unknown = [name for name in value if name not in self._known]
        if unknown:
            allowed = ", ".join(f"'{shorten(key)}'" for key in self._keys[:_SHOWN_NAMES])
            raise BadData(f"line {number}: no column has the key '{shorten(unknown[0])}'; allowed: {allowed}")
        return [value.get(key) for key in self._keys]
