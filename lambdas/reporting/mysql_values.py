"""How the values of a result's columns are read, where PyMySQL's own way would lose or change something."""

from collections.abc import Collection
from functools import partial
from typing import Any

from pymysql.constants import FIELD_TYPE, FLAG

_NUMBERS = frozenset(
    {
        FIELD_TYPE.TINY,
        FIELD_TYPE.SHORT,
        FIELD_TYPE.INT24,
        FIELD_TYPE.LONG,
        FIELD_TYPE.LONGLONG,
        FIELD_TYPE.FLOAT,
        FIELD_TYPE.DOUBLE,
        FIELD_TYPE.DECIMAL,
        FIELD_TYPE.NEWDECIMAL,
    }
)
_UTF8 = frozenset({"utf8", "utf8mb4"})

type _Reader = tuple[str | None, Any]


def as_text(data: bytes) -> str:
    """UTF-8 with halves of surrogate pairs, which a server takes and gives (CESU-8, Unicode TR 26)."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("utf-8", "surrogatepass")


def bits(data: bytes, *, length: int, computed: bool) -> int | bytes:
    """The number of a BIT(``length``) column: big-endian bytes.

    MariaDB gives the digits in their place for some expressions, such as ``MAX(flag)``. Bytes that could be
    either stay as they are.
    """
    number = int.from_bytes(data, "big")
    if len(data) == (length + 7) // 8 and number < 1 << length:
        return data if computed and data.isdigit() else number
    return int(data) if data.isdigit() else data


def set_readers(result: Any, *, texts: Collection[str]) -> None:
    """Read BIT as a number, text with halves of pairs, and numbers of the columns ``texts`` as they come.

    A number that becomes a text by way of Python loses the zeros of ZEROFILL and gets Python's spelling, such
    as ``0E-10`` and ``5.0``.
    """
    result.converters = [
        _reader(field, reader, wanted_as_text=field.name in texts)
        for field, reader in zip(result.fields, result.converters, strict=True)
    ]


def _reader(field: Any, reader: _Reader, *, wanted_as_text: bool) -> _Reader:
    if field.type_code == FIELD_TYPE.BIT:
        return None, partial(bits, length=field.length, computed=bool(field.flags & FLAG.BINARY))
    if wanted_as_text and field.type_code in _NUMBERS:
        return "ascii", None
    encoding, converter = reader
    return (None, as_text) if encoding in _UTF8 and converter is None else reader
