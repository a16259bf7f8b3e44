"""Numbers as people of a locale write them, exactly, however many digits they have."""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import lru_cache

from babel import Locale
from babel.numbers import get_decimal_symbol, get_group_symbol, get_minus_sign_symbol

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


def number_text(value: Decimal, *, style: NumberStyle, locale: Locale) -> str:
    """``value`` rounded half away from zero to the style's places, as a spreadsheet rounds its display.

    A number that rounds to zero has no minus sign.
    """
    symbols = _symbols(locale)
    if style.shift:
        value = value.scaleb(style.shift, EXACT)
    if style.max_places is not None:
        value = value.quantize(Decimal(1).scaleb(-style.max_places), context=EXACT)
    text = format(value.copy_abs(), "f")
    whole, _, fraction = text.partition(".")
    if style.max_places is not None and len(fraction) > style.min_places:
        fraction = fraction.rstrip("0").ljust(style.min_places, "0")
    whole = whole.lstrip("0").rjust(style.min_digits, "0")
    if style.grouping:
        whole = _grouped(whole, symbols)
    body = f"{whole}{symbols.decimal}{fraction}" if fraction else whole
    if value < 0:
        prefix = symbols.minus + style.prefix if style.negative_prefix is None else style.negative_prefix
        return f"{prefix}{body}{style.suffix if style.negative_suffix is None else style.negative_suffix}"
    return f"{style.prefix}{body}{style.suffix}"
