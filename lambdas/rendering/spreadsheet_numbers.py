"""How a page shows a number in a spreadsheet's number format.

Sections, conditions and placeholders are those of ECMA-376 part 1, section 18.8.31 (numFmts). Colours and
fill characters are left out. In a format of fractions or exponents a number is shown with the digits that it
has.
"""

import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import NamedTuple

from babel import Locale
from babel.numbers import get_decimal_symbol, get_minus_sign_symbol

from rendering.numbers import DigitStyle, NumberStyle, digit_style, number_shower
from rendering.spreadsheet_conditions import Condition, chosen, conditions_of, sections_for_values
from rendering.spreadsheet_format import Token, literal_of, tokens_of

type _Show = Callable[[Decimal], str]
_PLACEHOLDERS = "0#?"
#: A digit with the group sign behind it.
_DIGIT = re.compile("[0-9][^0-9]*")
_MARKS = "\u200e\u200f\u061c"
#: By the number of sections, the numbers for which each is meant if none has a condition.
_DEFAULTS: dict[int, Sequence[Condition]] = {
    1: (),
    2: (Condition(">=", Decimal(0)),),
    3: (Condition(">", Decimal(0)), Condition("<", Decimal(0))),
}


def number_digits(number_format: str, *, locale: Locale) -> DigitStyle | None:
    """The same for the native loop; ``None`` when that can't write such numbers."""
    tokens = tokens_of(number_format)
    if any(token.kind in ("section", "condition") for token in tokens) or not _is_plain(tokens):
        return None
    return digit_style(style=_style(tokens), locale=locale)


def number_formatter(number_format: str, *, locale: Locale) -> _Show:
    """A function that shows a number as a spreadsheet would, with the locale's separators."""
    sections = sections_for_values(number_format)
    shows = [_section(section, locale=locale) for section in sections]
    conditions = conditions_of(sections) or _DEFAULTS[len(sections)]
    if not conditions:
        return shows[0]
    # What no section is meant for has the digits that it has, with its sign.
    shows.append(number_shower(style=NumberStyle(), locale=locale))
    unsigned = _only_negative(conditions, len(shows))

    def show(value: Decimal) -> str:
        number = chosen(conditions, value)
        return shows[number](value.copy_abs() if unsigned[number] else value)

    return show


def _only_negative(conditions: Sequence[Condition], sections: int) -> list[bool]:
    """Of each section, whether it says by itself that a number is negative: no other comes to it.

    That is found out with a number at and between all limits.
    """
    limits = sorted({Decimal(0), *(condition.limit for condition in conditions)})
    between = [(low + high) / 2 for low, high in pairwise(limits)]
    others = [value for value in [*limits, *between, limits[-1] + 1] if value >= 0]
    taken = {chosen(conditions, value) for value in others}
    return [number not in taken and number < sections - 1 for number in range(sections)]


def _section(tokens: Sequence[Token], *, locale: Locale) -> _Show:
    kinds = {token.kind for token in tokens}
    if not kinds & {"digits", "exponent", "general"}:
        text = "".join(map(literal_of, tokens))
        return lambda _value: text
    if _is_plain(tokens):
        return number_shower(style=_style(tokens), locale=locale)
    if kinds & {"exponent", "general"} or any(token.text == "/" for token in tokens):
        first, last = _ends(tokens, ("digits", "exponent", "general"))
        style = NumberStyle(
            shift=2 * sum(token.kind == "percent" for token in tokens),
            prefix="".join(map(literal_of, tokens[:first])),
            suffix="".join(map(literal_of, tokens[last + 1 :])),
        )
        return number_shower(style=style, locale=locale)
    return _spread(tokens, locale=locale)


def _ends(tokens: Sequence[Token], kinds: Sequence[str]) -> tuple[int, int]:
    """The first and the last token of these kinds."""
    found = [index for index, token in enumerate(tokens) if token.kind in kinds]
    return found[0], found[-1]


def _is_plain(tokens: Sequence[Token]) -> bool:
    """Whether all digits stand together."""
    kinds = {token.kind for token in tokens}
    if "digits" not in kinds or kinds & {"exponent", "general"}:
        return False
    first, last = _ends(tokens, ("digits",))
    return not any(literal_of(token) for token in tokens[first : last + 1])


def _style(tokens: Sequence[Token]) -> NumberStyle:
    first, last = _ends(tokens, ("digits",))
    pattern = "".join(token.text for token in tokens if token.kind == "digits")
    whole, _, fraction = pattern.partition(".")
    # Commas behind the last digit, or that of the whole part, divide by a thousand each.
    thousands = len(whole) - len(whole.rstrip(",")) + len(fraction) - len(fraction.rstrip(","))
    return NumberStyle(
        min_places=fraction.count("0") + fraction.count("?"),
        max_places=sum(map(fraction.count, _PLACEHOLDERS)),
        min_digits=whole.count("0"),
        grouping="," in whole.rstrip(","),
        shift=2 * sum(token.kind == "percent" for token in tokens) - 3 * thousands,
        prefix="".join(map(literal_of, tokens[:first])),
        suffix="".join(map(literal_of, tokens[last + 1 :])),
    )


class _Slot(NamedTuple):
    """A placeholder for a digit, or a text."""

    placeholder: str
    text: str = ""


def _slots(tokens: Sequence[Token]) -> tuple[list[_Slot], list[_Slot]]:
    """What stands between the first and the last digit, before and behind the decimal point."""
    parts: tuple[list[_Slot], list[_Slot]] = [], []
    behind = 0
    first, last = _ends(tokens, ("digits",))
    for token in tokens[first : last + 1]:
        if token.kind != "digits":
            parts[behind].append(_Slot("", literal_of(token)))
            continue
        for character in token.text:
            if character == "." and not behind:
                behind = 1
            elif character != ",":
                is_digit = character in _PLACEHOLDERS
                parts[behind].append(_Slot(character) if is_digit else _Slot("", character))
    return parts


def _spread(tokens: Sequence[Token], *, locale: Locale) -> _Show:
    """Numbers with texts between their digits, such as telephone numbers."""
    style = _style(tokens)
    digits = number_shower(
        style=NumberStyle(
            min_places=style.min_places,
            max_places=style.max_places,
            min_digits=style.min_digits,
            grouping=style.grouping,
            shift=style.shift,
        ),
        locale=locale,
    )
    point, minus = get_decimal_symbol(locale), get_minus_sign_symbol(locale).strip(_MARKS)
    before, behind = _slots(tokens)

    def show(value: Decimal) -> str:
        shown = digits(value.copy_abs())
        whole, _, fraction = shown.partition(point)
        sign = minus if value < 0 and shown.strip("0" + point) else ""
        made = _whole(before, _DIGIT.findall(whole))
        if places := _fraction(behind, fraction):
            made += point + places
        return f"{sign}{style.prefix}{made}{style.suffix}"

    return show


def _whole(slots: Sequence[_Slot], digits: list[str]) -> str:
    """Digits from the right; the first placeholder takes all that are left."""
    first = next((index for index, slot in enumerate(slots) if slot.placeholder), None)
    made: list[str] = []
    for index in reversed(range(len(slots))):
        slot = slots[index]
        if not slot.placeholder:
            made.append(slot.text)
        elif index == first:
            made.append("".join(digits) or slot.placeholder.strip("#?"))
        else:
            made.append(digits.pop() if digits else slot.placeholder.strip("#?"))
    return "".join(reversed(made))


def _fraction(slots: Sequence[_Slot], digits: str) -> str:
    left = iter(digits)
    return "".join(
        slot.text if not slot.placeholder else next(left, slot.placeholder.strip("#?")) for slot in slots
    )
