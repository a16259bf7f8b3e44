"""Which cells a total adds up, and so its formula.

A formula must give what the exact total is. Where it could not (rows on another sheet, cells that had to be
text), there is none, and the value stands alone.
"""

from dataclasses import dataclass, field

from rendering.model import Total

#: Function numbers of SUBTOTAL (ECMA-376 part 1, section 18.17.7.315), which leaves nested subtotals out.
_FUNCTIONS = {Total.AVERAGE: 1, Total.COUNT: 3, Total.MAX: 4, Total.MIN: 5, Total.SUM: 9}
#: The same in the totals row of a table, where hidden rows don't count either, and ST_TotalsRowFunction.
_TABLE_FUNCTIONS = {
    Total.AVERAGE: (101, "average"),
    Total.COUNT: (103, "count"),
    Total.MAX: (104, "max"),
    Total.MIN: (105, "min"),
    Total.SUM: (109, "sum"),
}


@dataclass(slots=True)
class _Extent:
    """The rows of one group, as far as they are known. ``texts`` are columns with a number that is text."""

    first: int | None = None
    elsewhere: bool = False
    texts: set[int] = field(default_factory=set)


class Extents:
    """Follows the rows of the whole table (level 0) and of the open groups (level 1 is the outermost)."""

    def __init__(self, groups: int) -> None:
        self._levels = [_Extent() for _ in range(groups + 1)]

    def add_rows(self, first: int) -> None:
        """Rows from number ``first`` on have been written."""
        for extent in self._levels:
            if extent.first is None:
                extent.first = first

    def add_text(self, column: int) -> None:
        """A cell of a number column had to be text."""
        for extent in self._levels:
            extent.texts.add(column)

    def leave_sheet(self) -> None:
        """What follows is on another sheet."""
        for extent in self._levels:
            extent.elsewhere = extent.elsewhere or extent.first is not None
            extent.first = None

    def close(self, level: int) -> None:
        self._levels[level] = _Extent()

    def formula(self, level: int, *, column: int, letter: str, last: int, total: Total) -> str | None:
        """The formula of a total over the rows of ``level`` up to number ``last``."""
        extent = self._levels[level]
        if extent.first is None or extent.elsewhere or column in extent.texts:
            return None
        return f"SUBTOTAL({_FUNCTIONS[total]},{letter}{extent.first}:{letter}{last})"


def table_formula(total: Total, *, table: int, column: str) -> tuple[str, str]:
    """The formula of a table's totals row, with a structured reference, and the name of its function."""
    number, name = _TABLE_FUNCTIONS[total]
    escaped = "".join(f"'{character}" if character in "[]#'@" else character for character in column)
    return f"SUBTOTAL({number},Table{table}[{escaped}])", name
