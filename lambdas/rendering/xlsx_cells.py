"""Cells as SpreadsheetML (ECMA-376 part 1, section 18.3.1.4).

An encoder turns one cell of a column into the attributes and content of its ``c`` element. Numbers are
written digit by digit from their exact value; a value that a spreadsheet would change is written as text
and counted.
"""

import math
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, auto
from typing import Any
from urllib.parse import quote, urlsplit

from rendering.convert import decimal_text, duration_text, microseconds_of
from rendering.model import ColumnType
from rendering.rows import Cell
from rendering.sheet_names import cut_utf16, utf16_length
from rendering.text import normalize_newlines
from rendering.warnings import WarningKind

#: Excel specifications and limits (Microsoft Support): characters in a cell, in UTF-16 units.
MAX_TEXT_UNITS = 32_767
#: The same page: links in a sheet, and the longest address that Excel takes.
MAX_LINKS = 65_530
_MAX_LINK_LENGTH = 2_079
#: IEEE 754 doubles, and so spreadsheets, keep 15 digits.
MAX_DIGITS = 15
#: The same page: the smallest number. Excel reads what is nearer to zero, which doubles still have, as 0.
_LEAST = sys.float_info.min
_LEAST_DECIMAL = Decimal(_LEAST)
_TOO_SMALL = "nearer to zero than a spreadsheet's numbers"
_EPOCH = date(1899, 12, 30).toordinal()
#: Excel has a 29 February 1900: serials below 61 mean another day in other programs.
_FIRST_DATE = date(1900, 3, 1)
_EPOCH_MIDNIGHT = datetime(1899, 12, 30)  # noqa: DTZ001 - cells are on the report's wall clock
#: Shown in seconds this is rounded to a day that spreadsheets do not have.
_BEYOND_DATES = datetime(9999, 12, 31, 23, 59, 59, 500_000)  # noqa: DTZ001 - the same
_BEFORE_DATES = timedelta(days=_FIRST_DATE.toordinal() - _EPOCH)
#: 31 December 9999, the last serial that a number format shows.
_MAX_DURATION = timedelta(days=2_958_466)

_MARKUP = re.compile(r"[&<>\r]|_x[0-9A-Fa-f]{4}_")
_ESCAPED = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
_FORMULA_LEADS = ("=", "+", "-", "@")
_LINK_SCHEMES = ("http", "https", "mailto")
_LINK_SAFE = "%/:?#[]@!$&'()*+,;=~-._"
_BARE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")


class TextStyle(Enum):
    """The variants of a column's text style."""

    PLAIN = auto()
    WRAPPED = auto()
    QUOTED = auto()
    WRAPPED_QUOTED = auto()
    LINK = auto()


@dataclass(frozen=True, slots=True)
class Text:
    """A text cell. ``kind`` and ``detail`` say what had to change, if anything did."""

    value: str
    kind: WarningKind | None = None
    detail: str = ""


#: The content of ``v`` for a number, ``True`` and ``False``, or a text.
type Encoded = str | bool | Text


def escape(text: str) -> str:
    """``text`` as XML content. ``_xHHHH_``, which readers would decode, gets its ``_`` escaped.

    ECMA-376 part 1, section 22.9.2.19 (ST_Xstring). Line breaks become LF.
    """
    if not _MARKUP.search(text):
        return text
    text = escape_codes(normalize_newlines(text))
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def escape_codes(text: str) -> str:
    """``text`` with the ``_`` of what readers would decode escaped."""
    return _ESCAPED.sub("_x005F_", text)


def escape_attribute(text: str) -> str:
    """``text`` for a quoted XML attribute."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


def inline_string(text: str) -> str:
    """The ``is`` element for ``text``, with its white space."""
    space = ' xml:space="preserve"' if text != text.strip() or "\n" in text or "\r" in text else ""
    return f"<is><t{space}>{escape(text)}</t></is>"


def column_letters(number: int) -> str:
    """The letters of a column, which is 1 for A."""
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def cell_xml(reference: str, style: int, encoded: Encoded | None, *, formula: str | None = None) -> str:
    """The element of one cell. ``formula`` stands beside the value that it gives."""
    if encoded is None:
        return f'<c r="{reference}" s="{style}"/>'
    if isinstance(encoded, Text):
        return f'<c r="{reference}" s="{style}" t="inlineStr">{inline_string(encoded.value)}</c>'
    if isinstance(encoded, bool):
        return f'<c r="{reference}" s="{style}" t="b"><v>{encoded:d}</v></c>'
    written = f"<f>{escape(formula)}</f>" if formula else ""
    return f'<c r="{reference}" s="{style}">{written}<v>{encoded}</v></c>'


def text_style(text: str) -> TextStyle:
    """Line breaks need wrapping; a leading ``=`` needs quotePrefix to stay text when it is edited."""
    quoted = text.startswith(_FORMULA_LEADS)
    if "\n" in text or "\r" in text:
        return TextStyle.WRAPPED_QUOTED if quoted else TextStyle.WRAPPED
    return TextStyle.QUOTED if quoted else TextStyle.PLAIN


def limited(text: str) -> Text:
    """``text`` within the limit of a cell; a cut ends in "…"."""
    # A character is at most two units: most texts need no count.
    if len(text) * 2 <= MAX_TEXT_UNITS or utf16_length(text) <= MAX_TEXT_UNITS:
        return Text(text)
    return Text(
        f"{cut_utf16(text, MAX_TEXT_UNITS - 1)}…",
        WarningKind.TRUNCATED,
        f"a cell holds {MAX_TEXT_UNITS} UTF-16 units",
    )


def link_target(url: str) -> str | None:
    """``url`` as the target of a hyperlink, or ``None`` when it has to stay plain text."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    if parts.scheme.lower() not in _LINK_SCHEMES or not (parts.netloc or parts.scheme.lower() == "mailto"):
        return None
    if url != url.strip():
        return None
    target = quote(_BARE_PERCENT.sub("%25", url), safe=_LINK_SAFE)
    return target if len(target) <= _MAX_LINK_LENGTH else None


def _digits(value: Decimal) -> int:
    """How many digits it takes to write ``value``, without zeros at the start and behind the point."""
    whole, _, fraction = format(value.copy_abs(), "f").partition(".")
    return len(f"{whole}{fraction.rstrip('0')}".lstrip("0"))


def decimal_value(value: Decimal) -> Encoded:
    text = str(value)
    if "E" in text or text.startswith("-0"):
        text = decimal_text(value)
    if len(text) > MAX_DIGITS:
        if _digits(value) > MAX_DIGITS:
            return Text(text, WarningKind.TEXT_NUMBER, "more than 15 digits")
        if value and value.copy_abs() < _LEAST_DECIMAL:
            return Text(text, WarningKind.TEXT_NUMBER, _TOO_SMALL)
    return (text.rstrip("0").rstrip(".") or "0") if "." in text else text


def integer_value(value: int) -> Encoded:
    if -(10**MAX_DIGITS) < value < 10**MAX_DIGITS:
        return str(value)
    return Text(str(Decimal(value)), WarningKind.TEXT_NUMBER, "more than 15 digits")


def float_value(value: float) -> Encoded:
    if -_LEAST < value < _LEAST and value:
        return Text(repr(value), WarningKind.TEXT_NUMBER, _TOO_SMALL)
    return repr(value).removesuffix(".0")


def _fraction(day: float) -> str:
    """Part of a day to 15 significant digits, the most that a double keeps."""
    return format(day, ".15g")


def date_value(value: date) -> Encoded:
    if value < _FIRST_DATE:
        return Text(value.isoformat(), WarningKind.TEXT_DATE, "before 1 March 1900")
    return str(value.toordinal() - _EPOCH)


def datetime_value(value: datetime) -> Encoded:
    since = value - _EPOCH_MIDNIGHT
    if since < _BEFORE_DATES:
        return Text(value.isoformat(sep=" "), WarningKind.TEXT_DATE, "before 1 March 1900")
    if value >= _BEYOND_DATES:
        return Text(value.isoformat(sep=" "), WarningKind.TEXT_DATE, "in the last half second of 9999")
    seconds = since.seconds + since.microseconds / 1_000_000
    serial = since.days + seconds / 86_400
    if serial >= since.days + 1:
        # From 2258 on a double is too coarse for the last microseconds of a day, which are not the next one.
        serial = math.nextafter(since.days + 1, 0)
    # 11 decimals are what a double has room for beside five digits of days: about a microsecond.
    return f"{serial:.11f}".rstrip("0").rstrip(".")


def time_value(value: time) -> Encoded:
    microseconds = ((value.hour * 60 + value.minute) * 60 + value.second) * 1_000_000 + value.microsecond
    return _fraction(microseconds / 86_400_000_000)


def duration_value(value: timedelta) -> Encoded:
    if timedelta(0) <= value < _MAX_DURATION:
        return _fraction(microseconds_of(value) / 86_400_000_000)
    text = duration_text(microseconds_of(value))
    return Text(text, WarningKind.TEXT_DURATION, "negative or beyond what a spreadsheet shows")


ENCODERS: dict[ColumnType, Callable[[Any], Encoded]] = {
    ColumnType.STRING: limited,
    ColumnType.URL: limited,
    ColumnType.INTEGER: integer_value,
    ColumnType.DECIMAL: decimal_value,
    ColumnType.FLOAT: float_value,
    ColumnType.BOOLEAN: bool,
    ColumnType.DATE: date_value,
    ColumnType.DATETIME: datetime_value,
    ColumnType.TIME: time_value,
    ColumnType.DURATION: duration_value,
}


def encode_total(cell: Cell) -> Encoded | None:  # noqa: PLR0911 - one for each type
    """A total, whose type need not be that of its column; ``None`` is blank."""
    match cell:
        case None:
            return None
        case timedelta():
            return duration_value(cell)
        case datetime():
            return datetime_value(cell)
        case date():
            return date_value(cell)
        case time():
            return time_value(cell)
        case int():
            return integer_value(cell)
        case float():
            return float_value(cell)
        case Decimal():
            return decimal_value(cell)
        case _:
            return Text(str(cell))
