"""How a page shows a date, a time or a duration in a spreadsheet's number format.

The letters are those of ECMA-376 part 1, section 18.8.31 (numFmts).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from operator import attrgetter

from babel import Locale
from babel.dates import get_day_names, get_month_names

from rendering.spreadsheet_conditions import chosen, conditions_of, sections_for_values
from rendering.spreadsheet_format import Token, literal_of

_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 - cells are on the report's wall clock
_DAY = Decimal(86_400_000_000)


@dataclass(frozen=True, slots=True)
class _Moment:
    """The parts of a date, a time or a duration that a format can show."""

    day: date
    hour: int
    minute: int
    second: int
    microsecond: int
    elapsed_seconds: int

    @classmethod
    def of(cls, value: date | time | timedelta) -> "_Moment":
        if isinstance(value, timedelta):
            seconds = value.days * 86_400 + value.seconds
            minutes, second = divmod(seconds, 60)
            hours, minute = divmod(minutes, 60)
            return cls(date(1900, 1, 1), hours % 24, minute, second, value.microseconds, seconds)
        day = value if isinstance(value, date) else date(1900, 1, 1)
        if isinstance(value, datetime | time):
            seconds = value.hour * 3600 + value.minute * 60 + value.second
            return cls(day, value.hour, value.minute, value.second, value.microsecond, seconds)
        return cls(day, 0, 0, 0, 0, 0)


type _Part = Callable[[_Moment], str]


def _hour(width: int, *, half_days: bool) -> _Part:
    if half_days:
        return lambda moment: f"{(moment.hour + 11) % 12 + 1:0{width}d}"
    return lambda moment: f"{moment.hour:0{width}d}"


def _elapsed(letters: str) -> _Part:
    width = len(letters) - 2
    unit = {"h": 3600, "m": 60, "s": 1}[letters[1].lower()]
    return lambda moment: f"{moment.elapsed_seconds // unit:0{width}d}"


def _calendar(letters: str, *, locale: Locale) -> _Part:
    width = len(letters)
    if letters[0] == "y":
        return (lambda m: f"{m.day.year:04d}") if width > 2 else (lambda m: f"{m.day.year % 100:02d}")
    if width > 2:
        if letters[0] == "m":
            months = get_month_names("wide" if width > 3 else "abbreviated", "format", locale)
            # Five letters are the first one of its name.
            end = 1 if width == 5 else None
            return lambda moment: months[moment.day.month][:end]
        days = get_day_names("wide" if width > 3 else "abbreviated", "format", locale)
        return lambda moment: days[moment.day.weekday()]
    if letters[0] == "m":
        return lambda moment: f"{moment.day.month:0{width}d}"
    return lambda moment: f"{moment.day.day:0{width}d}"


def _is_minutes(dates: Sequence[str], index: int) -> bool:
    """An ``m`` after hours or before seconds is minutes (ECMA-376 part 1, section 18.8.31)."""
    before = dates[index - 1].strip("[]")[0] if index else ""
    after = dates[index + 1].strip("[]")[0] if index + 1 < len(dates) else ""
    return before == "h" or after == "s"


def moment_formatter(number_format: str, *, locale: Locale) -> Callable[[date | time | timedelta], str]:
    """A function that shows a date, time or duration as a spreadsheet would, with the locale's names."""
    sections = sections_for_values(number_format)
    shows = [_section(section, locale=locale) for section in sections]
    conditions = conditions_of(sections)
    if not conditions:
        return shows[0]
    return lambda value: shows[min(chosen(conditions, _serial(value)), len(shows) - 1)](value)


def _serial(value: date | time | timedelta) -> Decimal:
    """The number that a spreadsheet has for ``value``: days since 30 December 1899."""
    match value:
        case timedelta():
            since = value
        case time():
            since = datetime.combine(_EPOCH, value) - _EPOCH
        case datetime():
            since = value - _EPOCH
        case _:
            since = datetime.combine(value, time()) - _EPOCH
    return Decimal(since // timedelta(microseconds=1)) / _DAY


def _section(tokens: Sequence[Token], *, locale: Locale) -> Callable[[date | time | timedelta], str]:
    half_days = any(token.kind == "ampm" for token in tokens)
    dates = [token.text.lower() for token in tokens if token.kind in ("date", "elapsed")]
    parts: list[_Part] = []
    seen = 0
    for token in tokens:
        letters = token.text.lower()
        if token.kind in ("date", "elapsed"):
            parts.append(_moment_part(dates, seen, kind=token.kind, half_days=half_days, locale=locale))
            seen += 1
        elif token.kind == "ampm":
            before, after = token.text.split("/")
            parts.append(lambda moment, before=before, after=after: before if moment.hour < 12 else after)  # type: ignore[misc]
        elif token.kind == "fraction":
            places = len(letters) - 1
            parts.append(lambda moment, places=places: f".{moment.microsecond:06d}"[: places + 1])  # type: ignore[misc]
        elif literal := literal_of(token):
            parts.append(lambda _moment, literal=literal: literal)  # type: ignore[misc]

    plain = None if half_days else _plain_moment(tokens, dates)

    def show(value: date | time | timedelta) -> str:
        if plain is not None and type(value) is datetime:
            return plain(value)
        moment = _Moment.of(value)
        return "".join([part(moment) for part in parts])

    return show


def _plain_moment(tokens: Sequence[Token], dates: Sequence[str]) -> Callable[[datetime], str] | None:
    """One template for a format of numbers alone; ``None`` for any other."""
    template, names = "", []
    seen = 0
    for token in tokens:
        letters = token.text.lower()
        if token.kind == "date":
            name = _plain_name(dates, seen)
            if name is None:
                return None
            template += "%04d" if name == "year" else f"%0{min(len(letters), 2)}d"
            names.append(name)
            seen += 1
        elif token.kind in ("elapsed", "fraction"):
            return None
        else:
            template += literal_of(token).replace("%", "%%")
    if len(names) < 2:
        return None
    values = attrgetter(*names)
    return lambda moment: template % values(moment)


def _plain_name(dates: Sequence[str], index: int) -> str | None:
    """The attribute of a datetime that a group of letters shows as a number."""
    letters = dates[index]
    if letters[0] == "m" and len(letters) <= 2 and _is_minutes(dates, index):
        return "minute"
    if letters[0] in "hs":
        return {"h": "hour", "s": "second"}[letters[0]]
    if letters[0] == "y":
        return "year" if len(letters) > 2 else None
    return {"m": "month", "d": "day"}[letters[0]] if len(letters) <= 2 else None


def _moment_part(dates: Sequence[str], index: int, *, kind: str, half_days: bool, locale: Locale) -> _Part:
    letters = dates[index]
    if kind == "elapsed":
        return _elapsed(letters)
    width = min(len(letters), 2)
    if letters[0] == "h":
        return _hour(width, half_days=half_days)
    if letters[0] == "s":
        return lambda moment: f"{moment.second:0{width}d}"
    if letters[0] == "m" and len(letters) <= 2 and _is_minutes(dates, index):
        return lambda moment: f"{moment.minute:0{width}d}"
    return _calendar(letters, locale=locale)
