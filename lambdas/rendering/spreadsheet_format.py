"""Spreadsheet number formats: what is allowed.

The grammar is that of ECMA-376 part 1, section 18.8.31 (numFmts): up to four sections separated by
``;``, quoted or escaped literals, digit placeholders ``0 # ?``, and the letters of dates.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from itertools import pairwise

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
