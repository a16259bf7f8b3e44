"""Reads the rows of a PyMySQL result in bulk: many packets with one read, many rows with one call.

PyMySQL sends the query, reads the columns, and reads every packet that is no ordinary row: the end of the
result, an error, a row of 16 MB and more. So what these mean is decided in one place. Where the C module
has not been built, or a column is in a charset that it does not know, PyMySQL reads all, and the log says
so.
"""

import struct
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from pymysql.converters import convert_date, convert_datetime
from pymysql.err import OperationalError

from reporting.mysql_values import as_text
from reporting.observability import logger

try:
    from reporting import _mysql_rows as native
except ImportError:
    native = None  # type: ignore[assignment]

__all__ = ["BulkRows", "fetch_one", "native"]

type Row = tuple[object, ...]

_READ_BYTES = 1 << 18
_HEADER_BYTES = 4
_OTHER_PACKET = 2
_TORN_ROW = 3
#: CR_MALFORMED_PACKET of MySQL's client errors.
_MALFORMED = 2027
_UTF8 = frozenset({"utf8", "utf8mb4", "ascii"})
_KINDS: dict[Any, str] = {
    as_text: "s",
    int: "i",
    Decimal: "n",
    convert_date: "d",
    convert_datetime: "m",
    float: "f",
}


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


def fetch_one(cursor: Any) -> Row | None:
    """The next row as PyMySQL reads it; ``None`` at the end of the result.

    Raises what PyMySQL raises. It takes a row that lacks values for a shorter row, and fails on other broken
    packets with errors of Python's: these are ``OperationalError`` 2027 here.
    """
    try:
        row: Row | None = cursor.fetchone()
    except (AssertionError, IndexError, struct.error) as error:
        raise OperationalError(_MALFORMED, f"a packet is malformed: {error}") from error
    if row is not None and len(row) != len(cursor.description):
        raise _torn(len(cursor.description), got=len(row))
    return row


def _torn(width: int, *, got: int | None = None) -> OperationalError:
    found = "other bytes" if got is None else f"{got} values"
    return OperationalError(_MALFORMED, f"a row's packet holds {found}, its columns are {width}")


class BulkRows:
    """Rows of an unbuffered cursor whose query has been sent. Raises what PyMySQL raises.

    At most ``_READ_BYTES`` and one row are read ahead.
    """

    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor
        self._result = cursor._result
        self._connection = cursor.connection
        self._columns = _columns(self._result.converters)
        if native is None or self._columns is None:
            reason = (
                "the C module has not been built" if native is None else "a column's charset is not UTF-8"
            )
            logger.info("rows are read one by one", reason=reason)
        self._data = b""
        self._start = 0

    @property
    def ended(self) -> bool:
        """Whether the server has ended the result."""
        return not self._result.unbuffered_active

    def fetch(self, size: int) -> list[Row]:
        """Up to ``size`` rows; fewer at the end of the result and only there."""
        rows: list[Row] = []
        if native is None or self._columns is None:
            while len(rows) < size and not self.ended and (row := fetch_one(self._cursor)) is not None:
                rows.append(row)
            return rows
        while len(rows) < size and not self.ended:
            found, self._start, self._connection._next_seq_id, why = native.take(
                self._data, self._start, self._connection._next_seq_id, self._columns, size - len(rows)
            )
            rows += found
            if len(rows) >= size:
                break
            if why == _TORN_ROW:
                raise _torn(len(self._columns))
            if why == _OTHER_PACKET or not self._read():
                rows += self._ask()
        return rows

    def _read(self) -> bool:
        """Read what has come, waiting for a whole packet; ``False`` when the connection has ended before."""
        connection = self._connection
        if connection._current_timeout != connection._read_timeout:
            connection._sock.settimeout(connection._read_timeout)
            connection._current_timeout = connection._read_timeout
        pieces = [self._data[self._start :]]
        have = len(pieces[0])
        # The rest of a large row comes in many pieces: they are joined, and looked at, once.
        wanted = _HEADER_BYTES + int.from_bytes(pieces[0][:3], "little") if have >= _HEADER_BYTES else 0
        while more := connection._rfile.read1(_READ_BYTES):
            pieces.append(more)
            have += len(more)
            if have >= wanted:
                break
        self._data, self._start = b"".join(pieces), 0
        return bool(more)

    def _ask(self) -> list[Row]:
        """Let PyMySQL read one packet from where this reader is."""
        own = self._connection._rfile
        rest = _Rest(self._data[self._start :], own)
        self._connection._rfile = rest
        try:
            row = fetch_one(self._cursor)
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
