"""The conditions of a number format's sections (ECMA-376 part 1, section 18.8.31)."""

import operator
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from rendering.spreadsheet_format import Token, sections_of, tokens_of

_CONDITION = re.compile(r"\[([<>=]+)(.+)\]")
_COMPARISONS = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "<>": operator.ne,
}
#: A fourth section is that of texts.
_MOST_SECTIONS = 3


class Condition(NamedTuple):
    comparison: str
    limit: Decimal

    def holds(self, value: Decimal) -> bool:
        return bool(_COMPARISONS[self.comparison](value, self.limit))


def sections_for_values(number_format: str) -> list[list[Token]]:
    """The sections for all that is no text; there is at least one."""
    sections = sections_of(tokens_of(number_format))
    if len(sections) > 1 and any(token.kind == "text" for token in sections[-1]):
        sections.pop()
    return sections[:_MOST_SECTIONS]


def conditions_of(sections: Sequence[Sequence[Token]]) -> Sequence[Condition]:
    """The conditions of the first one or two sections; the next section is meant for all other values.

    There are none if no section says one.
    """
    found = [_condition(section) for section in sections[:2]]
    if not any(found):
        return ()
    first = found[0] or Condition(">", Decimal(0))
    if len(sections) == 1 or (len(sections) == 2 and found[1] is None):
        return (first,)
    return first, found[1] or Condition("<", Decimal(0))


def _condition(section: Sequence[Token]) -> Condition | None:
    for token in section:
        if token.kind == "condition" and (found := _CONDITION.fullmatch(token.text)):
            return Condition(found[1], Decimal(found[2]))
    return None


def chosen(conditions: Sequence[Condition], value: Decimal) -> int:
    """The number of the section that is meant for ``value``; it may be one beyond the last."""
    return next((n for n, one in enumerate(conditions) if one.holds(value)), len(conditions))
