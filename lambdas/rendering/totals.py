"""Exact totals and group subtotals, while rows stream by."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal, Inexact
from functools import reduce
from typing import Any

from rendering.column_types import TEXT_TYPES, totals_of
from rendering.convert import duration_text, microseconds_of
from rendering.model import Column, ColumnType, Table, Total, TotalValue
from rendering.native import native
from rendering.numbers import EXACT
from rendering.rows import Cell, Cells, ColumnCells, Rows
from rendering.warnings import WarningKind, Warnings

#: A sum that would have to be rounded raises instead.
_SUMS = Context(prec=EXACT.prec, traps=[Inexact])
_AVERAGES = Context(prec=EXACT.prec, rounding=ROUND_HALF_EVEN)
_AVERAGE_DIGITS = 15
#: Ended groups that are remembered, to notice rows that are not sorted: about 2 MB.
_MOST_ENDED = 20_000


def check_column_total(column_type: ColumnType, total: Total | None) -> None:
    """Raise :class:`ValueError` when a column of ``column_type`` can't have ``total``."""
    allowed = totals_of(column_type)
    if total is not None and total not in allowed:
        raise ValueError(f"'{total}' is not a total of a {column_type} column: use {', '.join(allowed)}")


def amount(cell: Any) -> Decimal:
    """A number or a duration (in microseconds) without rounding. A double counts as its shortest digits."""
    if isinstance(cell, timedelta):
        return Decimal(microseconds_of(cell))
    return Decimal(repr(cell)) if isinstance(cell, float) else Decimal(cell)


class Accumulator:
    """The running total of one column over some rows. Text in a typed column only counts."""

    def __init__(self, column: Column) -> None:
        self._column = column
        self._typed = column.type not in TEXT_TYPES
        self._cells = 0
        self._count = 0
        self._sum = Decimal(0)
        self._scale = 0
        self._best: Any = None

    def add(self, column: ColumnCells) -> None:
        total = self._column.total
        blanks = column.cells.count(None)
        self._cells += len(column.cells) - blanks
        if total is Total.COUNT or self._add_digits(column, blanks):
            return
        present = [cell for cell in column.cells if cell is not None]
        values: list[Any] = [cell for cell in present if type(cell) is not str] if self._typed else []
        if not values:
            return
        self._count += len(values)
        if total in (Total.SUM, Total.AVERAGE):
            self._include([amount(value) for value in values])
        else:
            self._extend(min(values) if total is Total.MIN else max(values))

    def _add_digits(self, column: ColumnCells, blanks: int) -> bool:
        """Add up plain decimals in C; ``False`` when that can't be done."""
        if native is None or column.digits is None or self._column.total not in (Total.SUM, Total.AVERAGE):
            return False
        added = native.add_digits(list(column.digits))
        if added is None:
            return False
        digits, places = added
        self._count += len(column.cells) - blanks
        self._sum = _SUMS.add(self._sum, Decimal(f"{digits}E-{places}"))
        self._scale = max(self._scale, places)
        return True

    def merge(self, other: "Accumulator") -> None:
        """Add what ``other`` of the same column has seen."""
        self._cells += other._cells
        self._count += other._count
        self._sum = _SUMS.add(self._sum, other._sum)
        self._scale = max(self._scale, other._scale)
        if other._best is not None:
            self._extend(other._best)

    def _include(self, amounts: Sequence[Decimal]) -> None:
        self._sum = reduce(_SUMS.add, amounts, self._sum)
        if self._column.total is Total.AVERAGE:
            exponents = (amount.as_tuple().exponent for amount in amounts)
            self._scale = max(self._scale, *(-e for e in exponents if isinstance(e, int)))

    def _extend(self, value: Any) -> None:
        if self._best is None:
            self._best = value
        else:
            self._best = min(self._best, value) if self._column.total is Total.MIN else max(self._best, value)

    def result_of_any(self) -> Cell:
        """:meth:`result`, but ``None`` for the sum of nothing as well: a chart has no point to draw."""
        return self.result() if self._count or self._column.total is Total.COUNT else None

    def result(self) -> Cell:
        """The total as a cell: ``None`` for the average, minimum or maximum of nothing."""
        match self._column.total:
            case Total.COUNT:
                return self._cells
            case Total.SUM:
                return self._cell(self._sum)
            case Total.AVERAGE if self._count:
                return self._cell(self._average())
            case Total.MIN | Total.MAX:
                best: Cell = self._best
                return best
            case _:
                return None

    def _average(self) -> Decimal:
        """To 15 significant digits, and never to fewer places than the values have."""
        mean = _AVERAGES.divide(self._sum, Decimal(self._count))
        places = max(self._scale, _AVERAGE_DIGITS - 1 - mean.adjusted()) if mean else 0
        rounded = mean.quantize(Decimal(1).scaleb(-places), context=_AVERAGES)
        plain = format(rounded, "f")
        return Decimal(plain.rstrip("0").rstrip(".")) if "." in plain else rounded

    def _cell(self, amount: Decimal) -> Cell:
        if self._column.type is ColumnType.DURATION:
            microseconds = int(amount.to_integral_value())
            try:
                return timedelta(microseconds=microseconds)
            except OverflowError:
                return duration_text(microseconds)
        if self._column.type is ColumnType.INTEGER and amount == amount.to_integral_value():
            return int(amount)
        return amount


@dataclass(frozen=True, kw_only=True, slots=True)
class Summary:
    """A subtotal row, or the totals row when ``group`` is ``None``.

    ``group`` is the index of the grouping column and ``key`` the cell that its rows share; ``values``
    has a cell for each column of the table.
    """

    group: int | None
    key: Cell = None
    values: Cells


class _Level:
    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns = columns
        self.clear()

    def clear(self) -> None:
        self.accumulators = {
            index: Accumulator(column)
            for index, column in enumerate(self._columns)
            if column.total is not None
        }

    def merge(self, other: "_Level") -> None:
        for index, accumulator in other.accumulators.items():
            self.accumulators[index].merge(accumulator)

    def values(self) -> list[Cell]:
        found = {index: accumulator.result() for index, accumulator in self.accumulators.items()}
        return [found.get(index) for index in range(len(self._columns))]


class _EndedGroups:
    """The groups that have ended, as far as there is room: of each its keys down to the level that ended."""

    def __init__(self) -> None:
        self._seen: set[int] = set()

    def add(self, keys: tuple[Cell, ...], changed: int) -> None:
        """Every group from level ``changed`` inwards has ended."""
        if len(self._seen) < _MOST_ENDED:
            self._seen.update(_hash(keys[: level + 1]) for level in range(changed, len(keys)))

    def has(self, keys: tuple[Cell, ...], changed: int) -> bool:
        """Whether the group that begins at level ``changed`` has ended before."""
        return _hash(keys[: changed + 1]) in self._seen


def _hash(keys: tuple[Cell, ...]) -> int:
    # Python gives -1 the hash of -2, which would make two groups of numbers one.
    return hash(tuple("-1" if key == -1 else key for key in keys))


class Totals:
    """Follows the rows of a table and says where subtotals belong."""

    def __init__(self, table: Table, *, warnings: Warnings) -> None:
        self._columns = table.columns
        self._warnings = warnings
        self._ended = _EndedGroups()
        self._rows = 0
        self._any = any(column.total is not None for column in table.columns)
        grouped = self._any or table.sheet_by is not None
        self._groups = table.indexes(table.group_by) if grouped else ()
        # One level for each grouping column, outermost first, after the whole table.
        self._levels = [_Level(table.columns) for _ in range(len(self._groups) + 1)]
        self._keys: tuple[Cell, ...] | None = None

    def feed(self, rows: Rows) -> Iterator[Rows | Summary]:
        """The rows in parts, with the summaries of the groups that ended between them."""
        if not self._groups:
            self._add(rows)
            yield rows
            return
        start = 0
        grouping = (rows.columns[group].cells for group in self._groups)
        for index, keys in enumerate(zip(*grouping, strict=True)):
            if keys == self._keys:
                continue
            if index > start:
                part = rows.part(start, index)
                self._add(part)
                yield part
                start = index
            if self._keys is not None:
                changed = next(level for level, key in enumerate(keys) if key != self._keys[level])
                self._ended.add(self._keys, changed)
                yield from self._close(changed)
                self._count_repeated(keys, changed, row=self._rows + index + 1)
            self._keys = keys
        if len(rows) > start:
            part = rows.part(start, len(rows))
            self._add(part)
            yield part
        self._rows += len(rows)

    def finish(self) -> Iterator[Summary]:
        """The open groups' summaries and, when any column has a total, the table's."""
        if self._keys is not None:
            yield from self._close(0)
        if self._any or self._groups:
            yield Summary(group=None, values=self._levels[0].values())

    def result(self) -> dict[str, TotalValue]:
        """The table's totals by column key, as :class:`rendering.model.RenderResult` has them."""
        found: dict[str, TotalValue] = {}
        for column, value in zip(self._columns, self._levels[0].values(), strict=True):
            match value:
                case timedelta():
                    found[column.key] = Decimal(microseconds_of(value)).scaleb(-6, EXACT)
                case date() | time():
                    found[column.key] = value
                case int() | float() | Decimal():
                    found[column.key] = amount(value)
                case _:
                    pass
        return found

    def _count_repeated(self, keys: tuple[Cell, ...], changed: int, *, row: int) -> None:
        """Count a group that had ended before: its rows are not together."""
        if self._ended.has(keys, changed):
            self._warnings.add(
                self._columns[self._groups[changed]].key,
                WarningKind.REPEATED_GROUP,
                row=row,
                detail="a group comes again: rows must be sorted by the columns they are grouped by",
            )

    def _add(self, rows: Rows) -> None:
        for index, accumulator in self._levels[-1].accumulators.items():
            accumulator.add(rows.columns[index])

    def _close(self, outermost: int) -> Iterator[Summary]:
        """End the groups from the innermost to ``outermost``, handing their totals on to the level above."""
        if self._keys is None:
            return
        for position in reversed(range(outermost, len(self._groups))):
            level = self._levels[position + 1]
            yield Summary(group=self._groups[position], key=self._keys[position], values=level.values())
            self._levels[position].merge(level)
            level.clear()
