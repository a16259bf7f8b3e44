"""JSON Lines as a source of rows: one object by key, or one array in column order, on each line, in UTF-8.

Numbers are read exactly. A key that stands twice, one that no column has and a lone surrogate are errors, as
in a request's body. Empty lines are left out.
"""

from collections.abc import Iterable, Iterator, Sequence

from rendering.model import Batch, Column
from reporting.delimited import BadDataset
from reporting.errors import MalformedBody
from reporting.strict_json import json_kind, parse_value

_BATCH = 1000
_MOST_BYTES = 1 << 20


class JsonLinesRows:
    """The rows of a JSON Lines file, from its bytes in pieces of any size, in the order of ``columns``.

    Iterate it once. Raises :class:`BadDataset` with the line and the column.
    """

    def __init__(self, pieces: Iterable[bytes], *, columns: Sequence[Column]) -> None:
        self._pieces = pieces
        self._keys = [column.key for column in columns]
        self._known = frozenset(self._keys)

    def __iter__(self) -> Iterator[Batch]:
        batch: list[list[object]] = []
        for number, line in _lines(self._pieces):
            if line.strip():
                batch.append(self._row(number, line))
            if len(batch) == _BATCH:
                yield batch
                batch = []
        if batch:
            yield batch

    def _row(self, number: int, line: bytes) -> list[object]:
        try:
            value = parse_value(line)
        except MalformedBody as error:
            raise BadDataset(f"Line {number}: {error}") from error
        if isinstance(value, list):
            if len(value) != len(self._keys):
                raise BadDataset(
                    f"Line {number} has {len(value)} values, the table {len(self._keys)} columns."
                )
            row = value
        elif isinstance(value, dict):
            unknown = [key for key in value if key not in self._known]
            if unknown:
                allowed = ", ".join(self._keys)
                raise BadDataset(f"Line {number}: {unknown[0]!r} is no column; allowed: {allowed}.")
            row = [value.get(key) for key in self._keys]
        else:
            raise BadDataset(f"Line {number} is {json_kind(value)}; a row is an object or an array.")
        for key, cell in zip(self._keys, row, strict=True):
            if isinstance(cell, list | dict):
                raise BadDataset(
                    f"Line {number}, column {key}: a cell is a string, a number, a boolean or null, got "
                    f"{json_kind(cell)}."
                )
        return row


def _lines(pieces: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    held, number = b"", 0
    for piece in pieces:
        *lines, held = (held + piece).split(b"\n")
        for line in lines:
            number += 1
            yield number, line
        if len(held) > _MOST_BYTES:
            raise BadDataset(f"Line {number + 1} has more than {_MOST_BYTES} bytes.")
    if held:
        yield number + 1, held
