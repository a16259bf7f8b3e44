"""Fields of CSV become values of a column's type, as the client declared that they are written."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from babel import Locale

from rendering.column_types import NUMBER_TYPES
from rendering.convert import RawText, fits, noun
from rendering.model import Column, ColumnType
from rendering.numbers import NumberReader
from reporting.notation import Notation

#: Numbers that are taken at once; longer ones and those with exponents are looked at one by one.
_PLAIN_INTEGER = re.compile(r"-?[0-9]{1,18}")
_PLAIN_DECIMAL = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?")
_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_ISO_DATETIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?")
_BOOLEANS = {"true": True, "false": False, "1": True, "0": False}
_DAYS = frozenset({ColumnType.DATE, ColumnType.DATETIME})

_TOKENS = {
    "DD": r"(?P<day>[0-9]{2})",
    "D": r"(?P<day>[0-9]{1,2})",
    "MM": r"(?P<month>[0-9]{2})",
    "M": r"(?P<month>[0-9]{1,2})",
    "YYYY": r"(?P<year>[0-9]{4})",
}


@dataclass(frozen=True, slots=True)
class FieldReader:
    """``read`` gives a field's value, or :class:`rendering.convert.RawText` where there is none.

    ``expected`` ends the sentence "'x' is not …".
    """

    read: Callable[[str], object]
    expected: str


def field_reader(column: Column, notation: Notation) -> FieldReader:
    """How the fields of one column are read. An empty field is ``None``, and ``""`` in a string column."""
    expected = noun(column.type)
    if column.type is ColumnType.STRING:
        read = _text_or_null if notation.empty_as_null else str
        return FieldReader(read, expected)
    canonical = _CANONICAL.get(column.type, _other)
    rewrite: Callable[[str], str | None] | None = None
    if column.type in NUMBER_TYPES and notation.locale is not None:
        numbers = NumberReader(Locale.parse(notation.locale, sep="-"))
        rewrite = numbers.read
        expected += f" in {notation.locale}, such as {numbers.example}"
    elif column.type in _DAYS and notation.date_format is not None:
        rewrite = _day_rewriter(notation.date_format, clock=column.type is ColumnType.DATETIME)
        expected += f" of the form {notation.date_format}"
        expected += " and a time such as 13:45:00" if column.type is ColumnType.DATETIME else ""
    else:
        expected += _EXAMPLES.get(column.type, "")

    def value(text: str) -> object:
        if not text:
            return None
        plain = text if rewrite is None else rewrite(text)
        found = None if plain is None else canonical(column.type, plain)
        return RawText(text) if found is None else found

    return FieldReader(value, expected)


def _text_or_null(text: str) -> str | None:
    return text or None


# Each of these reads a text of a program's notation and gives None where it is no such value. What is not of
# the ordinary form stays a text, which the engine reads by the rules it has for all sources.


def _integer(column_type: ColumnType, text: str) -> object:
    return int(text) if _PLAIN_INTEGER.fullmatch(text) else _other(column_type, text)


def _decimal(column_type: ColumnType, text: str) -> object:
    return Decimal(text) if _PLAIN_DECIMAL.fullmatch(text) else _other(column_type, text)


def _boolean(_column_type: ColumnType, text: str) -> object:
    return _BOOLEANS.get(text.lower())


def _date(column_type: ColumnType, text: str) -> object:
    if not _ISO_DATE.fullmatch(text):
        return _other(column_type, text)
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _datetime(column_type: ColumnType, text: str) -> object:
    if not _ISO_DATETIME.fullmatch(text):
        return _other(column_type, text)
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _other(column_type: ColumnType, text: str) -> object:
    return text if fits(column_type, text) else None


_CANONICAL: dict[ColumnType, Callable[[ColumnType, str], object]] = {
    ColumnType.INTEGER: _integer,
    ColumnType.DECIMAL: _decimal,
    ColumnType.BOOLEAN: _boolean,
    ColumnType.DATE: _date,
    ColumnType.DATETIME: _datetime,
}
_EXAMPLES = {
    ColumnType.INTEGER: " such as 1234",
    ColumnType.DECIMAL: " such as 1234.5",
    ColumnType.FLOAT: " such as 1234.5",
    ColumnType.BOOLEAN: "; allowed: true, false, 1, 0",
    ColumnType.DATE: " such as 2026-01-31",
    ColumnType.TIME: " such as 13:45:00",
    ColumnType.DATETIME: " such as 2026-01-31T13:45:00Z",
    ColumnType.DURATION: " such as 27:30:00",
}


def _day_rewriter(date_format: str, *, clock: bool) -> Callable[[str], str | None]:
    """From ``date_format`` to ISO 8601; ``clock`` lets a time follow."""
    parts = [_TOKENS.get(part, re.escape(part)) for part in re.split(r"([/.-])", date_format)]
    pattern = re.compile("".join(parts) + ("(?P<clock>[T ].*)?" if clock else "(?P<clock>)"), re.DOTALL)

    def rewrite(text: str) -> str | None:
        found = pattern.fullmatch(text)
        if found is None:
            return None
        year, month, day, rest = found.group("year", "month", "day", "clock")
        return f"{year}-{month:0>2}-{day:0>2}{rest or ''}"

    return rewrite
