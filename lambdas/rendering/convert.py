"""Values of a source become cells of a typed column.

A value arrives from SQL (``int``, ``Decimal``, ``float``, ``str``, ``date``, naive ``datetime`` in UTC,
``timedelta`` for TIME, ``bytes``) or from JSON (numbers as ``Decimal`` or ``int``, ``str``, ``bool``). The
parsers here are strict: they take what the column's type means and nothing that Python's ``int()`` or
``float()`` would also let through. What doesn't fit stays in the file as text, and is counted.

Cells by type of column: string and url ``str``; integer ``int``; decimal ``Decimal``; float ``float``;
boolean ``bool``; date ``date``; time ``time``; datetime a naive ``datetime`` on the wall clock of the
report's zone; duration ``timedelta``. ``None`` is blank. A ``str`` in any other column is a value that did
not fit.
"""

import json
import math
import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from typing import Any, Literal, NamedTuple, cast
from zoneinfo import ZoneInfo

from rendering.errors import BadValue
from rendering.model import Column, ColumnType
from rendering.native import native
from rendering.numbers import EXACT
from rendering.rows import Cell, ColumnCells
from rendering.text import UNSAFE, remove_controls, repair_surrogates, shorten
from rendering.warnings import WarningKind, Warnings

#: Numbers beyond what a double can reach are refused, so that "1e999999999" can't fill the memory.
_MAX_EXPONENT = 308
_MIN_EXPONENT = -400

_NUMBER = re.compile(r"[+-]?[0-9]{1,400}(\.[0-9]{1,400})?([eE][+-]?[0-9]{1,3})?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(r"[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?")
_DATETIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?(Z|[+-][0-9]{2}:?[0-5][0-9])?"
)
#: Decimals of so many digits are looked at one by one.
_MOST_DIGITS = 100
_FINER_THAN_MICROSECONDS = re.compile(r"\.[0-9]{6}0*[1-9]")
_CLOCK_DURATION = re.compile(r"(-?)([0-9]{1,8}):([0-5][0-9]):([0-5][0-9](?:\.[0-9]{1,6})?)")
#: A byte that printed ASCII does not have.
_NO_TEXT = re.compile(rb"[^ -~]")
#: ISO 8601-1:2019 section 5.5.2.2, without years and months, whose length is not fixed.
_ISO_DURATION = re.compile(
    r"(-?)P(?=[0-9T])(?:([0-9]{1,9})W)?(?:([0-9]{1,9})D)?"
    r"(?:T(?=[0-9])(?:([0-9]{1,9})H)?(?:([0-9]{1,9})M)?(?:([0-9]{1,12}(?:\.[0-9]{1,6})?)S)?)?"
)


class _Unfit(Exception):
    """The value is not one of the column's type. ``text`` is how it is kept."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class _NotFinite(Exception):
    """NaN or an infinity: no cell of a number column can hold it."""


class RawText:
    """What a source wrote where a value of the column's type should be: kept as text, and counted.

    A plain ``str`` would be read again, by the rules of a program's numbers: "12.34" of a file whose decimals
    have commas is no 12.34.
    """

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __str__(self) -> str:
        return self.text


def duration_text(microseconds: int) -> str:
    """``[-]H:MM:SS`` with a fraction only if there is one."""
    seconds, fraction = divmod(abs(microseconds), 1_000_000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    sign = "-" if microseconds < 0 else ""
    tail = f".{fraction:06d}".rstrip("0") if fraction else ""
    return f"{sign}{hours}:{minutes:02d}:{seconds:02d}{tail}"


def microseconds_of(value: timedelta) -> int:
    return value // timedelta(microseconds=1)


def decimal_text(value: Decimal) -> str:
    """All digits of ``value``, without an exponent."""
    text = format(value, "f")
    return text.removeprefix("-") if not value else text


def _is_writable(value: Decimal) -> bool:
    """Whether all of its digits can be written without an exponent, or it has none at all."""
    exponent = value.as_tuple().exponent
    return not isinstance(exponent, int) or (exponent >= _MIN_EXPONENT and value.adjusted() <= _MAX_EXPONENT)


def _kept(value: object) -> str:  # noqa: PLR0911 - one for each type
    """``value`` as text, when its column can't hold it as what it is."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int():
            # Decimal has no limit on digits, str(int) has one.
            return str(Decimal(value))
        case Decimal() if _is_writable(value):
            # Not "1E-7": the digits that are meant.
            return format(value, "f")
        case Decimal() if not value:
            # An exponent says nothing of a zero.
            return "0"
        case bytes() | bytearray() | memoryview():
            return f"0x{bytes(value).hex().upper()}"
        case timedelta():
            return duration_text(microseconds_of(value))
        case datetime():
            return value.isoformat(sep=" ")
        case date() | time():
            return value.isoformat()
        case list() | dict() | tuple():
            return json.dumps(value, ensure_ascii=False, default=_kept)
        case _:
            return str(value)


def _string(value: object, zone: tzinfo) -> str:
    if type(value) is str:
        return value
    if isinstance(value, datetime):
        return _datetime(value, zone).isoformat(sep=" ")
    return _kept(value)


def _finite(value: Decimal, source: object) -> Decimal:
    if not value.is_finite():
        raise _NotFinite
    exponent = value.as_tuple().exponent
    if value.adjusted() > _MAX_EXPONENT or not isinstance(exponent, int) or exponent < _MIN_EXPONENT:
        if not value and isinstance(exponent, int) and abs(exponent) > _MAX_EXPONENT:
            return Decimal(0)
        raise _Unfit(_kept(source))
    return value


def _decimal(value: object, _zone: tzinfo) -> Decimal:
    match value:
        case Decimal():
            return _finite(value, value)
        case bool():
            raise _Unfit(_kept(value))
        case int():
            return _finite(Decimal(value), value)
        case float():
            # A double is only exact to 15 digits; more of them would be noise such as 0.30000000000000004.
            return _finite(Decimal(f"{value:.15g}"), value)
        case str() if _NUMBER.fullmatch(value):
            return _finite(Decimal(value), value)
        case _:
            raise _Unfit(_kept(value))


def _integer(value: object, _zone: tzinfo) -> int:
    if type(value) is int and -(1 << 63) <= value < 1 << 64:
        return value
    if isinstance(value, bytes | bytearray):
        # Bits, as of IFNULL(flag, b'0'), are big-endian bytes. What could be text is no number: the digits
        # that AES_DECRYPT gives would be another one.
        if len(value) > 8 or not _NO_TEXT.search(value):
            raise _Unfit(_kept(value))
        return int.from_bytes(value, "big")
    if isinstance(value, float) and not math.isfinite(value):
        raise _NotFinite
    exact = Decimal(value) if isinstance(value, float) else _decimal(value, _zone)
    if exact != exact.to_integral_value():
        raise _Unfit(_kept(value))
    return int(exact)


def _float(value: object, _zone: tzinfo) -> float:
    if type(value) is float:
        if not math.isfinite(value):
            raise _NotFinite
        return value + 0.0  # no negative zero
    exact = _decimal(value, _zone)
    number = float(exact)
    # A text of more digits than a double reproduces keeps its digits as text.
    if Decimal(repr(number)) != exact:
        raise _Unfit(_kept(value))
    return number + 0.0  # no negative zero


_BOOLEANS = {"true": True, "false": False, "1": True, "0": False}


def _boolean(value: object, _zone: tzinfo) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, int | Decimal) and value in (0, 1):
        return bool(value)
    if isinstance(value, bytes | bytearray) and bytes(value) in (b"\x00", b"\x01"):
        return bytes(value) == b"\x01"
    if isinstance(value, str) and value.lower() in _BOOLEANS:
        return _BOOLEANS[value.lower()]
    raise _Unfit(_kept(value))


def _date(value: object, zone: tzinfo) -> date:
    if isinstance(value, datetime):
        return _datetime(value, zone).date()
    if isinstance(value, date):
        return value
    if isinstance(value, str):
        if _DATE.fullmatch(value):
            try:
                return date.fromisoformat(value)
            except ValueError:
                raise _Unfit(value) from None
        return _datetime(value, zone).date()
    raise _Unfit(_kept(value))


def _datetime(value: object, zone: tzinfo) -> datetime:
    if isinstance(value, str):
        if _DATE.fullmatch(value):
            # A day has no zone: it starts at midnight wherever it is read.
            return datetime.combine(_date(value, zone), time())
        if not _DATETIME.fullmatch(value):
            raise _Unfit(value)
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            raise _Unfit(value) from None
    elif isinstance(value, datetime):
        moment = value
    elif isinstance(value, date):
        return datetime.combine(value, time())
    else:
        raise _Unfit(_kept(value))
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(zone).replace(tzinfo=None, fold=0)
    except OverflowError:
        # Within a day of year 1 or 9999.
        raise _Unfit(_kept(value)) from None


def _time(value: object, _zone: tzinfo) -> time:
    if isinstance(value, time):
        return value.replace(tzinfo=None)
    if isinstance(value, timedelta):
        # PyMySQL gives TIME as a timedelta, and TIME goes from -838:59:59 to 838:59:59.
        if timedelta(0) <= value < timedelta(days=1):
            return (datetime(1970, 1, 1, tzinfo=UTC) + value).time()
        raise _Unfit(_kept(value))
    if isinstance(value, str) and _TIME.fullmatch(value):
        try:
            return time.fromisoformat(value)
        except ValueError:
            raise _Unfit(value) from None
    raise _Unfit(_kept(value))


def _duration(value: object, _zone: tzinfo) -> timedelta:
    if isinstance(value, timedelta):
        return value
    try:
        if isinstance(value, str):
            return _duration_from_text(value)
        return timedelta(microseconds=int(_decimal(value, _zone).scaleb(6, EXACT).to_integral_value()))
    except OverflowError:
        raise _Unfit(_kept(value)) from None


def _duration_from_text(text: str) -> timedelta:
    if found := _CLOCK_DURATION.fullmatch(text):
        sign, hours, minutes, seconds = found.groups()
        weeks = days = None
    elif found := _ISO_DURATION.fullmatch(text):
        sign, weeks, days, hours, minutes, seconds = found.groups()
    else:
        raise _Unfit(text)
    whole_seconds = int(weeks or 0) * 604_800 + int(days or 0) * 86_400 + int(hours or 0) * 3600
    whole_seconds += int(minutes or 0) * 60
    microseconds = whole_seconds * 1_000_000 + int(Decimal(seconds or 0) * 1_000_000)
    return timedelta(microseconds=-microseconds if sign else microseconds)


type _Parser = Callable[[object, tzinfo], Cell]
_PARSERS: dict[ColumnType, _Parser] = {
    ColumnType.STRING: _string,
    ColumnType.URL: _string,
    ColumnType.INTEGER: _integer,
    ColumnType.DECIMAL: _decimal,
    ColumnType.FLOAT: _float,
    ColumnType.BOOLEAN: _boolean,
    ColumnType.DATE: _date,
    ColumnType.DATETIME: _datetime,
    ColumnType.TIME: _time,
    ColumnType.DURATION: _duration,
}
_NOUNS = {
    ColumnType.STRING: "a text",
    ColumnType.URL: "an address",
    ColumnType.INTEGER: "an integer",
    ColumnType.DECIMAL: "a decimal number",
    ColumnType.FLOAT: "a number",
    ColumnType.BOOLEAN: "a boolean",
    ColumnType.DATE: "a date",
    ColumnType.DATETIME: "a date and time",
    ColumnType.TIME: "a time of day",
    ColumnType.DURATION: "a duration",
}


def fits(column_type: ColumnType, value: object) -> bool:
    """Whether a column of this type holds ``value`` as what it is."""
    try:
        _PARSERS[column_type](value, UTC)
    except (_Unfit, _NotFinite):
        return False
    return True


def noun(column_type: ColumnType) -> str:
    """What a value of this type is called in a sentence, with its article."""
    return _NOUNS[column_type]


def _plain_texts(values: Sequence[Any]) -> Sequence[Cell] | None:
    # No text holds a tab that would hide what is unsafe: it is safe itself.
    return None if UNSAFE.search("\t".join(filter(None, values))) else values


def _plain_integers(values: Sequence[Any]) -> Sequence[Cell] | None:
    present = [value for value in values if value is not None]
    return values if min(present) >= -(1 << 63) and max(present) < 1 << 64 else None


def _digits(values: Sequence[Any]) -> Sequence[str | None] | None:
    """The text of each decimal; ``None`` when one is not finite, has an exponent or very many digits."""
    if native is not None:
        return native.digits(tuple(values))
    if not all(value is None or value.is_finite() for value in values):
        return None
    texts = [None if value is None else str(value) for value in values]
    plain = all(text is None or (len(text) < _MOST_DIGITS and "E" not in text) for text in texts)
    return texts if plain else None


def _plain_floats(values: Sequence[Any]) -> Sequence[Cell] | None:
    if not all(value is None or math.isfinite(value) for value in values):
        return None
    return [None if value is None else value + 0.0 for value in values]


def _has_clock(value: object, zone: tzinfo) -> bool:
    """A moment that is not the beginning of its day."""
    is_moment = isinstance(value, datetime) or (isinstance(value, str) and not _DATE.fullmatch(value))
    return is_moment and _datetime(value, zone).time() != time()


def _finer_text(value: object, _zone: tzinfo) -> bool:
    """A text with more of a second than a microsecond can tell."""
    return isinstance(value, str) and bool(_FINER_THAN_MICROSECONDS.search(value))


def _finer_seconds(value: object, _zone: tzinfo) -> bool:
    """Seconds as a number with such a fraction."""
    if not isinstance(value, float | Decimal):
        return False
    # A double's digits are those that its cell is made of.
    microseconds = _decimal(value, UTC).scaleb(6, EXACT)
    return microseconds != microseconds.to_integral_value()


class _Cut(NamedTuple):
    """What a cell can't hold of a value that fits: whether ``value`` has that, and what is said of it."""

    happens: Callable[[object, tzinfo], bool]
    kind: WarningKind
    detail: str


_SECONDS = "seconds are kept to a microsecond"
_CUTS = {
    ColumnType.DATE: _Cut(_has_clock, WarningKind.CUT_TIME, "a date is kept without its time of day"),
    ColumnType.TIME: _Cut(_finer_text, WarningKind.CUT_FRACTION, _SECONDS),
    ColumnType.DATETIME: _Cut(_finer_text, WarningKind.CUT_FRACTION, _SECONDS),
    ColumnType.DURATION: _Cut(_finer_seconds, WarningKind.CUT_FRACTION, _SECONDS),
}

#: For each type of column: the type of its ordinary values, and what takes all of them at once or declines.
_WHOLE: dict[ColumnType, tuple[type, Callable[[Sequence[Any]], Sequence[Cell] | None]]] = {
    ColumnType.STRING: (str, _plain_texts),
    ColumnType.URL: (str, _plain_texts),
    ColumnType.INTEGER: (int, _plain_integers),
    ColumnType.FLOAT: (float, _plain_floats),
    ColumnType.BOOLEAN: (bool, lambda values: values),
    ColumnType.DATE: (date, lambda values: values),
}
_BLANK = type(None)
_UTC = ZoneInfo("UTC")
#: What the native check calls the types whose ordinary values are their own cells.
_NATIVE = {
    ColumnType.STRING: "t",
    ColumnType.URL: "t",
    ColumnType.INTEGER: "i",
    ColumnType.FLOAT: "f",
    ColumnType.BOOLEAN: "b",
    ColumnType.DATE: "d",
    ColumnType.DATETIME: "m",
}


def whole_column(column_type: ColumnType, values: Sequence[object], zone: tzinfo) -> ColumnCells | None:
    """Cells of a run of ordinary values, made at once; ``None`` when a value needs a look of its own."""
    if native is not None and column_type in _NATIVE:
        if not native.ordinary(_NATIVE[column_type], tuple(values)):
            return None
        if column_type is not ColumnType.DATETIME or zone is _UTC:
            return ColumnCells(cast("Sequence[Cell]", values))
    kinds = set(map(type, values)) - {_BLANK}
    if not kinds:
        return ColumnCells([None] * len(values))
    if column_type is ColumnType.DECIMAL:
        digits = _digits(values) if kinds == {Decimal} else None
        return None if digits is None else ColumnCells(cast("Sequence[Cell]", values), digits)
    cells: Sequence[Cell] | None = None
    if column_type is ColumnType.DATETIME and kinds == {datetime}:
        cells = _wall_clocks(values, zone)
    elif column_type in _WHOLE and kinds == {_WHOLE[column_type][0]}:
        cells = _WHOLE[column_type][1](values)
    return None if cells is None else ColumnCells(cells)


def _wall_clocks(values: Sequence[Any], zone: tzinfo) -> list[Cell] | None:
    if any(value is not None and (value.tzinfo is not None or value.fold) for value in values):
        return None
    if zone is _UTC:
        return list(values)
    try:
        return [
            None if value is None else value.replace(tzinfo=UTC).astimezone(zone).replace(tzinfo=None, fold=0)
            for value in values
        ]
    except OverflowError:
        return None


class ColumnConverter:
    """Turns the values of one column into cells."""

    def __init__(
        self, *, column: Column, zone: tzinfo, on_bad_value: Literal["warn", "fail"], warnings: Warnings
    ) -> None:
        self._column = column
        self._zone = zone
        self._fail = on_bad_value == "fail"
        self._warnings = warnings
        self._parse = _PARSERS[column.type]

    def convert(self, values: Sequence[object], *, first_row: int) -> ColumnCells:
        """Cells for ``values``; the first of them is of data row ``first_row`` (1-based).

        Raises :class:`BadValue` at the first value that doesn't fit when the request said
        ``on_bad_value: fail``.
        """
        whole = whole_column(self._column.type, values, self._zone)
        if whole is not None:
            return whole
        parse, zone = self._parse, self._zone
        cut = _CUTS.get(self._column.type)
        cells: list[Cell] = []
        for row, value in enumerate(values, first_row):
            cell: Cell
            if value is None:
                cell = None
            else:
                try:
                    cell = parse(value, zone)
                except _Unfit as unfit:
                    cell = self._unfit(unfit.text, row=row)
                except _NotFinite:
                    self._not_finite(value, row=row)
                    cell = None
                if cut is not None and not isinstance(cell, str | None) and cut.happens(value, zone):
                    self._warnings.add(self._column.key, cut.kind, row=row, detail=cut.detail)
                if type(cell) is str and UNSAFE.search(cell):
                    cell = self._clean(cell, row=row)
            cells.append(cell)
        return ColumnCells(cells)

    def _unfit(self, text: str, *, row: int) -> str:
        problem = f"'{shorten(text)}' is not {_NOUNS[self._column.type]}"
        if self._fail:
            raise BadValue(f"row {row}, column '{shorten(self._column.key)}': {problem}")
        self._warnings.add(
            self._column.key,
            WarningKind.BAD_VALUE,
            row=row,
            detail=f"kept as text: not {_NOUNS[self._column.type]}",
        )
        return text

    def _not_finite(self, value: object, *, row: int) -> None:
        if self._fail:
            raise BadValue(
                f"row {row}, column '{shorten(self._column.key)}': '{value}' is not a finite number"
            )
        self._warnings.add(
            self._column.key, WarningKind.BLANKED_NUMBER, row=row, detail="NaN and infinities are left blank"
        )

    def _clean(self, text: str, *, row: int) -> str:
        repaired = repair_surrogates(text)
        if repaired.count("\ufffd") > text.count("\ufffd"):
            self._warnings.add(
                self._column.key, WarningKind.INVALID_UNICODE, row=row, detail="lone surrogates became U+FFFD"
            )
        cleaned = remove_controls(repaired)
        if cleaned != repaired:
            self._warnings.add(
                self._column.key,
                WarningKind.CONTROL_CHARACTERS,
                row=row,
                detail="control characters were removed",
            )
        return cleaned
