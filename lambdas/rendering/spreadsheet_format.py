"""Spreadsheet number formats: what is allowed, and how a page shows a value in one.

The grammar is that of ECMA-376 part 1, section 18.8.31 (numFmts): up to four sections separated by
``;``, quoted or escaped literals, digit placeholders ``0 # ?``, and the letters of dates.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import Enum, auto
from itertools import pairwise
from operator import attrgetter

from babel import Locale
from babel.dates import get_day_names, get_month_names

from rendering.text import quoted

_TOKEN = re.compile(
    r"""(?P<quoted>"[^"]*")|(?P<escaped>\\.)|(?P<space>_.)|(?P<fill>\*.)
    |(?P<elapsed>\[(?:h+|m+|s+)\])|(?P<currency>\[\$[^\]\[]*\])
    |(?P<color>\[(?i:black|blue|cyan|green|magenta|red|white|yellow|color\ ?(?:5[0-6]|[1-4][0-9]|[1-9]))\])
    |(?P<condition>\[(?:<=|>=|<>|[<>=])-?[0-9]+(?:\.[0-9]+)?\])|(?P<digit_names>\[DBNum[1-4]\])
    |(?P<general>General)|(?P<ampm>AM/PM|A/P)|(?P<exponent>[Ee][+-]0+)
    |(?P<fraction>(?<=[sS\]])\.0+)|(?P<digits>[0#?.,]+)|(?P<percent>%)|(?P<text>@)
    |(?P<date>[yY]+|[mM]+|[dD]+|[hH]+|[sS]+)|(?P<section>;)
    |(?P<literal>[\ $+\-/():!^&'~{}<>=\u00a0])""",
    re.VERBOSE,
)
_MOMENTS = frozenset({"date", "elapsed", "ampm", "fraction"})
_MAX_LENGTH = 255
_MAX_SECTIONS = 4
#: The sections that may have a condition, and the decimal places of a second in Excel.
_CONDITIONED, _SECOND_PLACES = 2, 3


class Family(Enum):
    """What a number format is for."""

    NUMBER = auto()
    MOMENT = auto()
    TEXT = auto()
    GENERAL = auto()


@dataclass(frozen=True, slots=True)
class Token:
    kind: str
    text: str


def tokens_of(number_format: str) -> list[Token]:
    tokens: list[Token] = []
    position = 0
    while position < len(number_format):
        found = _TOKEN.match(number_format, position)
        if found is None or not number_format.isprintable():
            raise ValueError(
                f"{quoted(number_format[position : position + 10])} is not part of a number format"
            )
        tokens.append(Token(found.lastgroup or "", found.group()))
        position = found.end()
    return [token for section in _split(tokens) for token in _with_points(section)]


def _with_points(section: Sequence[Token]) -> Iterator[Token]:
    """``section``; points and commas beside the letters of a date are texts, as in ``dd.mm.yyyy``."""
    is_moment = any(token.kind in _MOMENTS for token in section)
    for token in section:
        if is_moment and token.kind == "digits" and not token.text.strip(".,"):
            yield Token("literal", token.text)
        else:
            yield token


def _split(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    """The sections, each of which but the first begins with its sign."""
    starts = [0, *(index for index, token in enumerate(tokens) if token.kind == "section"), len(tokens)]
    return (list(tokens[start:stop]) for start, stop in pairwise(starts))


def _family(tokens: Sequence[Token]) -> Family | None:
    kinds = {token.kind for token in tokens}
    dates = bool(kinds & _MOMENTS)
    numbers = bool(kinds & {"digits", "percent", "exponent"})
    if dates and numbers:
        return None
    if dates:
        return Family.MOMENT
    if numbers:
        return Family.NUMBER
    if "text" in kinds:
        return Family.TEXT
    return Family.GENERAL if "general" in kinds else None


def family(number_format: str) -> Family:
    """What ``number_format`` is for. Raises :class:`ValueError` when a spreadsheet would refuse it."""
    if not number_format or len(number_format) > _MAX_LENGTH:
        raise ValueError(f"a number format has 1 to {_MAX_LENGTH} characters")
    tokens = tokens_of(number_format)
    if sum(token.kind == "section" for token in tokens) >= _MAX_SECTIONS:
        raise ValueError(f"a number format has at most {_MAX_SECTIONS} sections")
    for number, section in enumerate(sections_of(tokens)):
        _check_section(section, may_have_condition=number < _CONDITIONED)
    found = _family(tokens)
    if found is None:
        raise ValueError(
            "a number format has digit placeholders (0 # ?) or date letters (y m d h s), not both"
        )
    return found


def _check_section(section: Sequence[Token], *, may_have_condition: bool) -> None:
    """Raise :class:`ValueError` for what Excel takes for a broken file."""
    kinds = [token.kind for token in section]
    if kinds.count("condition") > may_have_condition:
        raise ValueError("each of the first two sections may have a condition")
    if kinds.count("general") > 1 or {"general", "digits"} <= set(kinds):
        raise ValueError("General stands without digit placeholders")
    if any(token.kind == "fraction" and len(token.text) > _SECOND_PLACES + 1 for token in section):
        raise ValueError(f"seconds have at most {_SECOND_PLACES} decimal places")


def literal_of(token: Token) -> str:
    match token.kind:
        case "quoted":
            return token.text[1:-1]
        case "escaped":
            return token.text[1]
        case "space":
            return " "
        case "currency":
            return token.text[2:-1].partition("-")[0]
        case "literal" | "percent":
            return token.text
        case _:
            return ""


def sections_of(tokens: Sequence[Token]) -> list[list[Token]]:
    sections: list[list[Token]] = [[]]
    for token in tokens:
        if token.kind == "section":
            sections.append([])
        else:
            sections[-1].append(token)
    return sections


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
    tokens = sections_of(tokens_of(number_format))[0]
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
