"""Numbers as people of a locale write them, exactly, however many digits they have."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import lru_cache
from typing import NamedTuple

from babel import Locale
from babel.numbers import get_decimal_symbol, get_group_symbol, get_minus_sign_symbol

_THOUSANDS = 3
_SPACES = " \u00a0\u202f"
#: Holds every number that a column takes, so that nothing but a wanted place is ever rounded.
EXACT = Context(prec=1500, rounding=ROUND_HALF_UP)


@dataclass(frozen=True, kw_only=True, slots=True)
class NumberStyle:
    """How numbers are shown.

    ``max_places=None`` shows the places that the number has. ``shift`` moves the decimal point to the
    right (2 for percent). ``negative_prefix`` and ``negative_suffix`` replace the minus sign before the
    prefix.
    """

    min_places: int = 0
    max_places: int | None = None
    min_digits: int = 1
    grouping: bool = False
    shift: int = 0
    prefix: str = ""
    suffix: str = ""
    negative_prefix: str | None = None
    negative_suffix: str | None = None


@dataclass(frozen=True, slots=True)
class _Symbols:
    decimal: str
    group: str
    minus: str
    primary: int
    secondary: int


@lru_cache(maxsize=64)
def _symbols(locale: Locale) -> _Symbols:
    # Babel's grouping for a pattern such as #,##,##0.### is (primary, secondary) = (3, 2).
    primary, secondary = locale.decimal_formats[None].grouping
    return _Symbols(
        get_decimal_symbol(locale),
        get_group_symbol(locale),
        get_minus_sign_symbol(locale).strip("\u200e\u200f\u061c"),
        primary,
        secondary,
    )


def _grouped(digits: str, symbols: _Symbols) -> str:
    if len(digits) <= symbols.primary:
        return digits
    groups = [digits[-symbols.primary :]]
    rest = digits[: -symbols.primary]
    while rest:
        groups.append(rest[-symbols.secondary :])
        rest = rest[: -symbols.secondary]
    return symbols.group.join(reversed(groups))


class DigitStyle(NamedTuple):
    """The same for the native loop, which neither rounds nor shifts the point.

    ``places`` is -1 for those that a number has.
    """

    places: int
    least: int
    group: str
    point: str
    before: str
    after: str
    minus_before: str
    minus_after: str


def digit_style(*, style: NumberStyle, locale: Locale) -> DigitStyle | None:
    """``style`` for the native loop; ``None`` when that can't write it."""
    symbols = _symbols(locale)
    thousands = symbols.primary == symbols.secondary == _THOUSANDS
    if style.shift or style.min_digits != 1 or (style.grouping and not thousands):
        return None
    return DigitStyle(
        -1 if style.max_places is None else style.max_places,
        style.min_places,
        symbols.group if style.grouping else "",
        symbols.decimal,
        style.prefix,
        style.suffix,
        symbols.minus + style.prefix if style.negative_prefix is None else style.negative_prefix,
        style.suffix if style.negative_suffix is None else style.negative_suffix,
    )


class NumberReader:
    """Reads numbers as people of a locale write them; says nothing else is one.

    Digits 0 to 9, the locale's decimal sign, and its group signs either at every place or at none. Locales
    that group with a space are written with any of U+0020, U+00A0 and U+202F.
    """

    def __init__(self, locale: Locale) -> None:
        symbols = _symbols(locale)
        group = _SPACES if symbols.group in _SPACES else symbols.group
        self._drop = dict.fromkeys(map(ord, group))
        self._decimal = symbols.decimal
        self._minus = symbols.minus
        sign, one = f"[-+{re.escape(symbols.minus)}]?", f"[{re.escape(group)}]"
        primary, secondary = symbols.primary, symbols.secondary
        grouped = rf"[0-9]{{1,{secondary}}}({one}[0-9]{{{secondary}}})*{one}[0-9]{{{primary}}}"
        point = re.escape(symbols.decimal)
        self._number = re.compile(rf"{sign}([0-9]{{1,400}}|{grouped})({point}[0-9]{{1,400}})?")
        #: How a number looks there, for a sentence.
        self.example = _grouped("1234", symbols) + symbols.decimal + "5"

    def read(self, text: str) -> str | None:
        """``text`` with a point for decimals and without group signs; ``None`` if it is no number."""
        if self._number.fullmatch(text) is None:
            return None
        plain = text.translate(self._drop).replace(self._decimal, ".")
        return plain.replace(self._minus, "-", 1)


def number_shower(*, style: NumberStyle, locale: Locale) -> Callable[[Decimal], str]:
    """A function that writes a number in ``style``.

    It rounds half away from zero to the style's places, as a spreadsheet rounds its display. A number that
    rounds to zero has no minus sign.
    """
    symbols = _symbols(locale)
    quantum = None if style.max_places is None else Decimal(1).scaleb(-style.max_places)
    least, digits = style.min_places, style.min_digits
    by_thousands = style.grouping and symbols.primary == symbols.secondary == _THOUSANDS
    separators = str.maketrans({",": symbols.group, ".": symbols.decimal})
    minus = symbols.minus + style.prefix if style.negative_prefix is None else style.negative_prefix
    minus_end = style.suffix if style.negative_suffix is None else style.negative_suffix
    fixed = by_thousands and quantum is not None and least == style.max_places and digits == 1

    def body(value: Decimal) -> str:
        if fixed:
            return format(value, ",f").translate(separators)
        whole, _, fraction = format(value, "f").partition(".")
        if quantum is not None and len(fraction) > least:
            fraction = fraction.rstrip("0").ljust(least, "0")
        whole = whole.lstrip("0").rjust(digits, "0")
        if style.grouping:
            whole = _grouped(whole, symbols)
        return f"{whole}{symbols.decimal}{fraction}" if fraction else whole

    def show(value: Decimal) -> str:
        if style.shift:
            value = value.scaleb(style.shift, EXACT)
        if quantum is not None:
            value = value.quantize(quantum, context=EXACT)
        text = body(value.copy_abs())
        if value < 0:
            return f"{minus}{text}{minus_end}"
        return f"{style.prefix}{text}{style.suffix}"

    return show
