"""How a column's cells are shown, by its format and the report's locale and time zone."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.numbers import get_currency_precision, get_currency_symbol, get_decimal_symbol, is_currency

from rendering.column_types import NUMBER_TYPES
from rendering.convert import duration_text, microseconds_of
from rendering.labels import Labels, labels_for
from rendering.model import Column, ColumnType, Total
from rendering.native import native
from rendering.numbers import DigitStyle, NumberStyle, digit_style, number_shower
from rendering.rows import Cell, ColumnCells
from rendering.spreadsheet_format import Family, family
from rendering.spreadsheet_moments import moment_formatter
from rendering.spreadsheet_numbers import number_digits, number_formatter
from rendering.text import quoted

_TEXTS = {str, type(None)}
GENERAL = "General"
TEXT = "@"
_TIME_FORMAT = "hh:mm:ss"
_DURATION_FORMAT = "[h]:mm:ss"
_ISO_DATE = "yyyy-mm-dd"
#: The most decimal places that a spreadsheet's number format shows.
MAX_PLACES = 30

_LOCALES = 'such as "en", "pt-BR" or "zh-Hans-CN"'
_LOCALE_NAME = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?")
_PLACES = re.compile(r"(decimal|percent):([0-9]{1,2})")
_CURRENCY = re.compile(r"currency:([A-Z]{3})")
_NAMED = re.compile(r"[a-z]+(:.*)?", re.DOTALL)
_NUMBER_NAMES = "integer, decimal:N or percent:N with N from 0 to 30, currency:ISO"
_KNOWN_MOMENTS = 4096
_MARKS = re.compile("[\u200e\u200f\u061c]")
_PLAIN_DATE_PATTERN = re.compile(r"(?:d{1,2}|M{1,2}|y{1,4}|[./\- ])+")

#: Language identifiers for ``[$symbol-LCID]`` ([MS-LCID] section 2.2), by locale and by language.
_LCIDS = {
    "ar": "401", "cs": "405", "da": "406", "de": "407", "de-AT": "C07", "de-CH": "807", "el": "408",
    "en": "409", "en-AU": "C09", "en-CA": "1009", "en-GB": "809", "en-IE": "1809", "en-IN": "4009",
    "en-NZ": "1409", "es": "C0A", "es-AR": "2C0A", "es-CL": "340A", "es-CO": "240A", "es-MX": "80A",
    "es-PE": "280A", "es-UY": "380A", "fi": "40B", "fr": "40C", "fr-BE": "80C", "fr-CA": "C0C",
    "fr-CH": "100C", "he": "40D", "hi": "439", "hu": "40E", "it": "410", "it-CH": "810", "ja": "411",
    "ko": "412", "nb": "414", "nl": "413", "nl-BE": "813", "pl": "415", "pt": "416", "pt-PT": "816",
    "ro": "418", "ru": "419", "sv": "41D", "th": "41E", "tr": "41F", "uk": "422", "vi": "42A",
    "zh": "804", "zh-Hant": "404",
}  # fmt: skip


@lru_cache(maxsize=64)
def _locale(name: str) -> Locale:
    if not _LOCALE_NAME.fullmatch(name):
        raise ValueError(f"must be a locale {_LOCALES}, got {quoted(name)}")
    try:
        return Locale.parse(name, sep="-")
    except UnknownLocaleError:
        raise ValueError(f"must be a known locale {_LOCALES}, got {quoted(name)}") from None


def check_locale(name: str) -> str:
    """``name`` if it is a BCP 47 tag of a known locale; else :class:`ValueError` with the allowed form."""
    _locale(name)
    return name


@lru_cache(maxsize=1)
def _zone_names() -> frozenset[str]:
    # The names of the tzdata package, so that what is allowed does not depend on the host.
    return frozenset(files("tzdata").joinpath("zones").read_text(encoding="ascii").split())


def check_timezone(name: str) -> str:
    """``name`` if it is an IANA time zone; else :class:`ValueError` with the allowed form."""
    if name not in _zone_names():
        raise ValueError(
            f'must be an IANA time zone such as "UTC" or "America/Sao_Paulo", got {quoted(name)}'
        )
    return name


def zone_for(name: str) -> ZoneInfo:
    """The zone called ``name``. Raises :class:`ValueError` when there is none."""
    return ZoneInfo(check_timezone(name))


def check_column_format(column_type: ColumnType, format: str | None) -> None:  # noqa: A002 - the model's name
    """Raise :class:`ValueError` when a column of ``column_type`` can't have ``format``."""
    if format is None:
        return
    allowed = _allowed(column_type)
    if _NAMED.fullmatch(format) and _named_fits(column_type, format):
        return
    try:
        found = family(format)
    except ValueError as error:
        # Of a name with a wrong number the spreadsheet's grammar would only find fault with the letters.
        reason = "" if _NAMED.fullmatch(format) else f" ({error})"
        raise ValueError(
            f"{quoted(format)} is not a format of a {column_type} column{reason}: {allowed}"
        ) from None
    if found is not Family.GENERAL and found is not _FAMILIES.get(column_type):
        raise ValueError(f"{quoted(format)} is not a format of a {column_type} column: {allowed}")


_FAMILIES = {
    ColumnType.INTEGER: Family.NUMBER,
    ColumnType.DECIMAL: Family.NUMBER,
    ColumnType.FLOAT: Family.NUMBER,
    ColumnType.DATE: Family.MOMENT,
    ColumnType.DATETIME: Family.MOMENT,
    ColumnType.TIME: Family.MOMENT,
    ColumnType.DURATION: Family.MOMENT,
    ColumnType.STRING: Family.TEXT,
    ColumnType.URL: Family.TEXT,
}


def _allowed(column_type: ColumnType) -> str:
    if column_type in NUMBER_TYPES:
        return f'use {_NUMBER_NAMES} or a spreadsheet number format such as "#,##0.00"'
    match column_type:
        case ColumnType.DATE:
            return 'use date or a spreadsheet date format such as "dd/mm/yyyy"'
        case ColumnType.DATETIME:
            return 'use datetime, date or a spreadsheet date format such as "dd/mm/yyyy hh:mm"'
        case ColumnType.TIME | ColumnType.DURATION:
            return 'use a spreadsheet time format such as "hh:mm" or "[h]:mm:ss"'
        case _:
            return "leave it out"


def _named_fits(column_type: ColumnType, name: str) -> bool:
    if column_type in NUMBER_TYPES:
        if name == "integer":
            return True
        if found := _PLACES.fullmatch(name):
            return int(found[2]) <= MAX_PLACES
        found = _CURRENCY.fullmatch(name)
        return found is not None and is_currency(found[1])
    if column_type is ColumnType.DATE:
        return name == "date"
    return column_type is ColumnType.DATETIME and name in ("date", "datetime")


@dataclass(frozen=True, slots=True)
class ColumnFormat:
    """``number_format`` is the spreadsheet's; ``show`` gives a typed cell's text on a page."""

    number_format: str
    show: Callable[..., str]
    #: How the native loop writes such numbers, where it can.
    digits: DigitStyle | None = None

    def text(self, cell: Cell) -> str:
        """The cell as a reader sees it; blank for ``None``, and text as it is."""
        if cell is None:
            return ""
        return cell if type(cell) is str else self.show(cell)

    def texts(self, column: ColumnCells) -> list[str]:
        """The same for a run of cells, numbers at once where that can be done."""
        cells = column.cells
        kinds = set(map(type, cells))
        if kinds <= _TEXTS:
            return [cell or "" for cell in cells]  # type: ignore[misc]
        if native is None or self.digits is None or str in kinds:
            return list(map(self.text, cells))
        digits = column.digits
        if digits is None:
            # Digits of integers and doubles; what has an exponent is shown by itself.
            digits = [None if cell is None else _digits(cell) for cell in cells]
        shown = native.show_numbers(list(digits), *self.digits)
        return [self.text(cell) if text is None else text for cell, text in zip(cells, shown, strict=True)]


class Formatter:
    """Formats of one report.

    Raises :class:`ValueError` for an unknown locale.
    """

    def __init__(self, *, locale: str) -> None:
        self._name = locale
        self._locale = _locale(locale)
        self.labels: Labels = labels_for(self._locale)

    @property
    def language(self) -> str:
        """The BCP 47 tag of the report's language."""
        return self._name

    @property
    def decimal_point(self) -> str:
        """What stands before the decimal places of a number."""
        return get_decimal_symbol(self._locale)

    @property
    def datetime_format(self) -> ColumnFormat:
        return self._moment(f"{self._date_format()} {_TIME_FORMAT}")

    def column(self, column: Column) -> ColumnFormat:
        """How the cells of ``column`` are shown."""
        if column.type in NUMBER_TYPES:
            return self._number(column)
        match column.type:
            case ColumnType.BOOLEAN:
                return ColumnFormat(GENERAL, lambda value: self.labels.yes if value else self.labels.no)
            case ColumnType.DATE | ColumnType.DATETIME:
                return self._date(column)
            case ColumnType.TIME:
                return self._moment(column.format) if column.format else self._exact_moment(_TIME_FORMAT)
            case ColumnType.DURATION:
                return self._duration(column.format)
            case _:
                return ColumnFormat(TEXT, str)

    def total(self, column: Column) -> ColumnFormat:
        """How the total of ``column`` is shown: like its cells, but a count is a plain integer."""
        if column.total is Total.COUNT:
            return self._styled("#,##0", NumberStyle(max_places=0, grouping=True))
        if column.total is Total.AVERAGE and column.type is ColumnType.INTEGER and column.format is None:
            return self._styled(GENERAL, NumberStyle(grouping=False))
        return self.column(column)

    def _styled(self, number_format: str, style: NumberStyle) -> ColumnFormat:
        show = number_shower(style=style, locale=self._locale)
        digits = digit_style(style=style, locale=self._locale)
        return ColumnFormat(number_format, lambda value: show(_exact(value)), digits)

    def _number(self, column: Column) -> ColumnFormat:  # noqa: PLR0911 - one for each kind of format
        name = column.format
        if name is None:
            if column.type is ColumnType.INTEGER:
                # Years and other integers that are names read wrong with a separator.
                return self._styled("0", NumberStyle(max_places=0))
            return self._styled(GENERAL, NumberStyle(grouping=True))
        if name == "integer":
            return self._styled("#,##0", NumberStyle(max_places=0, grouping=True))
        if found := _PLACES.fullmatch(name):
            places = int(found[2])
            zeros = f".{'0' * places}" if places else ""
            if found[1] == "percent":
                return self._percent(f"0{zeros}%", places)
            style = NumberStyle(min_places=places, max_places=places, grouping=True)
            return self._styled(f"#,##0{zeros}", style)
        if found := _CURRENCY.fullmatch(name):
            return self._currency(found[1])
        show = number_formatter(name, locale=self._locale)
        digits = number_digits(name, locale=self._locale)
        return ColumnFormat(name, lambda value: show(_exact(value)), digits)

    def _percent(self, number_format: str, places: int) -> ColumnFormat:
        pattern = self._locale.percent_formats[None]
        style = NumberStyle(
            min_places=places,
            max_places=places,
            grouping=True,
            shift=2,
            prefix=_MARKS.sub("", pattern.prefix[0]),
            suffix=_MARKS.sub("", pattern.suffix[0]),
        )
        return self._styled(number_format, style)

    def _currency(self, code: str) -> ColumnFormat:
        symbol = _MARKS.sub("", get_currency_symbol(code, self._locale))
        places = get_currency_precision(code)
        pattern = self._locale.currency_formats["standard"]
        prefixes = [_spaced(_MARKS.sub("", text), symbol, at_end=True) for text in pattern.prefix]
        suffixes = [_spaced(_MARKS.sub("", text), symbol, at_end=False) for text in pattern.suffix]
        style = NumberStyle(
            min_places=places,
            max_places=places,
            grouping=True,
            prefix=prefixes[0].replace("¤", symbol),
            suffix=suffixes[0].replace("¤", symbol),
            negative_prefix=prefixes[1].replace("¤", symbol),
            negative_suffix=suffixes[1].replace("¤", symbol),
        )
        lcid = _LCIDS.get(self._name) or _LCIDS.get(self._locale.language)
        protected = f"[${symbol}-{lcid}]" if lcid else f"[${symbol}]"
        digits = f"#,##0.{'0' * places}" if places else "#,##0"
        number_format = f"{prefixes[0]}{digits}{suffixes[0]}".replace("¤", protected).replace("\u00a0", " ")
        return self._styled(number_format.replace("\u202f", " "), style)

    def _date_format(self) -> str:
        """The locale's short numeric date, with the year in four digits, as a spreadsheet format."""
        pattern = _MARKS.sub("", self._locale.date_formats["short"].pattern)
        if not _PLAIN_DATE_PATTERN.fullmatch(pattern):
            return _ISO_DATE
        return re.sub("y+", "yyyy", pattern).replace("M", "m")

    def _date(self, column: Column) -> ColumnFormat:
        if column.format is None and column.type is ColumnType.DATETIME:
            return self._exact_moment(self.datetime_format.number_format)
        name = column.format or "date"
        if name == "date":
            return self._moment(self._date_format())
        if name == "datetime":
            return self.datetime_format
        return self._moment(name)

    def _exact_moment(self, number_format: str) -> ColumnFormat:
        """A format of seconds, to which a page adds their fraction if there is one, as for durations."""
        show = moment_formatter(number_format, locale=self._locale)

        def exact(value: time | datetime) -> str:
            fraction = f".{value.microsecond:06d}".rstrip("0") if value.microsecond else ""
            return f"{show(value)}{fraction}"

        return ColumnFormat(number_format, lru_cache(maxsize=_KNOWN_MOMENTS)(exact))

    def _moment(self, number_format: str) -> ColumnFormat:
        show = moment_formatter(number_format, locale=self._locale)
        # Days come again and again, and so do times of a day.
        return ColumnFormat(number_format, lru_cache(maxsize=_KNOWN_MOMENTS)(show))

    def _duration(self, number_format: str | None) -> ColumnFormat:
        if number_format is None:
            return ColumnFormat(_DURATION_FORMAT, lambda value: duration_text(microseconds_of(value)))
        show = moment_formatter(number_format, locale=self._locale)

        def signed(value: timedelta) -> str:
            return f"-{show(-value)}" if value < timedelta(0) else show(value)

        return ColumnFormat(number_format, signed)


def _exact(value: int | float | Decimal) -> Decimal:
    return Decimal(_digits(value)) if isinstance(value, float) else Decimal(value)


def _digits(value: object) -> str:
    """The digits of an integer or a double, which has none behind the point if it is whole."""
    return repr(value).removesuffix(".0")


def _spaced(affix: str, symbol: str, *, at_end: bool) -> str:
    """A currency code in letters is set apart from its digits (UTS 35 part 3, currency spacing)."""
    if at_end and affix.endswith("¤") and symbol[-1:].isalpha():
        return f"{affix}\u00a0"
    if not at_end and affix.startswith("¤") and symbol[:1].isalpha():
        return f"\u00a0{affix}"
    return affix
