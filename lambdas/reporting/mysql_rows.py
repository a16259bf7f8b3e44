"""Reads the rows of a PyMySQL result in bulk: many packets with one read, many rows with one call.

PyMySQL sends the query, reads the columns, and reads every packet that is no ordinary row: the end of the
result, an error, a row of 16 MB and more. So what these mean is decided in one place. Where the C module has
not been built, or a column is of a kind that it does not know, PyMySQL reads all.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from pymysql.converters import convert_date, convert_datetime

try:
    from reporting import _mysql_rows as native
except ImportError:
    native = None  # type: ignore[assignment]

type Row = tuple[object, ...]

_READ_BYTES = 1 << 18
_OTHER_PACKET = 2
_UTF8 = frozenset({"utf8", "utf8mb4", "ascii"})
_KINDS: dict[Any, str] = {int: "i", Decimal: "n", convert_date: "d", convert_datetime: "m"}


class _Rest:
    """Bytes that were read already, and then the connection's own."""

    def __init__(self, first: bytes, then: Any) -> None:
        self.first = memoryview(first)
        self._then = then

    def read(self, size: int = -1) -> bytes:
        data = bytes(self.first[:size])
        self.first = self.first[size:]
        return data + self._then.read(size - len(data)) if len(data) < size else data

    def close(self) -> None:
        self._then.close()


class BulkRows:
    """Rows of an unbuffered cursor whose query has been sent. Raises what PyMySQL raises."""

    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor
        self._result = cursor._result
        self._connection = cursor.connection
        self._columns = _columns(self._result.converters)
        self._data = b""
        self._start = 0

    @property
    def ended(self) -> bool:
        """Whether the server has ended the result."""
        return not self._result.unbuffered_active

    def fetch(self, size: int) -> list[Row]:
        """Up to ``size`` rows; fewer at the end of the result and only there."""
        if native is None or self._columns is None:
            return list(self._cursor.fetchmany(size)) if not self.ended else []
        rows: list[Row] = []
        while len(rows) < size and not self.ended:
            found, self._start, self._connection._next_seq_id, why = native.take(
                self._data, self._start, self._connection._next_seq_id, self._columns, size - len(rows)
            )
            rows += found
            if len(rows) >= size:
                break
            if why == _OTHER_PACKET or not self._read():
                rows += self._ask()
        return rows

    def _read(self) -> bool:
        """Read what has come, waiting for at least a byte; ``False`` when the connection has ended."""
        connection = self._connection
        if connection._current_timeout != connection._read_timeout:
            connection._sock.settimeout(connection._read_timeout)
            connection._current_timeout = connection._read_timeout
        more = connection._rfile.read1(_READ_BYTES)
        self._data = self._data[self._start :] + more
        self._start = 0
        return bool(more)

    def _ask(self) -> list[Row]:
        """Let PyMySQL read one packet from where this reader is."""
        own = self._connection._rfile
        rest = _Rest(self._data[self._start :], own)
        self._connection._rfile = rest
        try:
            row = self._cursor.fetchone()
        finally:
            self._data, self._start = bytes(rest.first), 0
            if self._connection._rfile is rest:
                # Otherwise an error has closed the connection, and its file with it.
                self._connection._rfile = own
        return [] if row is None else [row]


def _columns(converters: Sequence[tuple[str | None, Any]]) -> tuple[Any, ...] | None:
    """How the C module takes each column apart; ``None`` when it can't."""
    columns = []
    for encoding, converter in converters:
        if encoding is not None and encoding not in _UTF8:
            return None
        kind = _KINDS.get(converter, "o") if converter is not None else "b" if encoding is None else "s"
        columns.append((kind, converter, encoding is not None))
    return tuple(columns)
