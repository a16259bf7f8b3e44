"""What the types of columns have in common: which hold numbers, which can be added up or put in order."""

from rendering.model import ColumnType, Total

TEXT_TYPES = frozenset({ColumnType.STRING, ColumnType.URL})
NUMBER_TYPES = frozenset({ColumnType.INTEGER, ColumnType.DECIMAL, ColumnType.FLOAT})
ADDABLE_TYPES = NUMBER_TYPES | {ColumnType.DURATION}
ORDERED_TYPES = ADDABLE_TYPES | {ColumnType.DATE, ColumnType.DATETIME, ColumnType.TIME}


def totals_of(column_type: ColumnType) -> tuple[Total, ...]:
    """The totals that a column of this type can have."""
    if column_type in ADDABLE_TYPES:
        return tuple(Total)
    if column_type in ORDERED_TYPES:
        return (Total.COUNT, Total.MIN, Total.MAX)
    return (Total.COUNT,)
