"""Cells of consecutive rows, column by column: what passes from the source's values to a writer."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import NamedTuple

#: What a column holds; :mod:`rendering.convert` says which of them for each type of column.
type Cell = str | int | Decimal | float | date | time | datetime | timedelta | None
type Cells = Sequence[Cell]


class ColumnCells(NamedTuple):
    """Cells of one column. ``digits`` has the text of each decimal, made once for all that need it.

    ``None`` where the column has none, or one that is written with an exponent.
    """

    cells: Sequence[Cell]
    digits: Sequence[str | None] | None = None

    def part(self, start: int, stop: int) -> "ColumnCells":
        return ColumnCells(self.cells[start:stop], self.digits and self.digits[start:stop])


class Rows:
    """Rows of a table; ``columns`` has the cells of each column, as many for each."""

    __slots__ = ("columns",)

    def __init__(self, columns: Sequence[ColumnCells]) -> None:
        self.columns = columns

    def __len__(self) -> int:
        return len(self.columns[0].cells)

    def part(self, start: int, stop: int) -> "Rows":
        """The rows from ``start`` to before ``stop``."""
        if start == 0 and stop >= len(self):
            return self
        return Rows([column.part(start, stop) for column in self.columns])

    def rows(self) -> Iterator[Cells]:
        return zip(*(column.cells for column in self.columns), strict=True)

    @classmethod
    def empty(cls, width: int) -> "Rows":
        return cls([ColumnCells(())] * width)
