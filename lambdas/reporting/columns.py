"""Columns as clients and report types write them: one model for both."""

from decimal import Decimal
from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from rendering.formats import check_column_format
from rendering.model import Align, Column, ColumnType, Total

#: What a worksheet holds (ECMA-376 part 1, 18.3.1.73 and Excel's own limits).
MAX_COLUMNS = 16_384
_NUMERIC = frozenset({ColumnType.INTEGER, ColumnType.DECIMAL, ColumnType.FLOAT, ColumnType.DURATION})
_ORDERED = _NUMERIC | {ColumnType.DATE, ColumnType.DATETIME, ColumnType.TIME}


def _number(value: object) -> object:
    """JSON numbers arrive as int or Decimal; a string or a boolean is not a number."""
    if isinstance(value, int | Decimal | float) and not isinstance(value, bool):
        return float(value)
    return value


class ColumnModel(BaseModel):
    """One column: ``key`` names it in rows, ``label`` heads it (the key by default)."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    key: Annotated[str, Field(min_length=1, max_length=100)]
    label: Annotated[str, Field(max_length=255)] | None = None
    type: Annotated[ColumnType, Field(strict=False)] = ColumnType.STRING
    format: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    width: Annotated[float, Field(gt=0, le=255), BeforeValidator(_number)] | None = None
    align: Annotated[Align, Field(strict=False)] | None = None
    wrap: bool = False
    total: Annotated[Total, Field(strict=False)] | None = None

    @model_validator(mode="after")
    def _fits_its_type(self) -> Self:
        if self.format is not None:
            check_column_format(self.type, self.format)
        if self.total in (Total.SUM, Total.AVERAGE) and self.type not in _NUMERIC:
            raise ValueError(f"total {self.total} needs a number or a duration, the column is {self.type}")
        if self.total in (Total.MIN, Total.MAX) and self.type not in _ORDERED:
            raise ValueError(f"total {self.total} needs values with an order, the column is {self.type}")
        return self

    def to_column(self) -> Column:
        return Column(
            key=self.key,
            label=self.key if self.label is None else self.label,
            type=self.type,
            format=self.format,
            width=self.width,
            align=self.align,
            wrap=self.wrap,
            total=self.total,
        )
