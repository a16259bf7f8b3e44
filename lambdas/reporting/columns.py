"""Columns as clients and report types write them: one model for both."""

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from rendering.column_types import ADDABLE_TYPES, NUMBER_TYPES, totals_of
from rendering.formats import check_column_format
from rendering.model import Align, Chart, ChartKind, Column, ColumnType, Highlight, Tone, Total
from reporting.parameter_problems import as_json

#: What a worksheet holds (ECMA-376 part 1, 18.3.1.73 and Excel's own limits).
MAX_COLUMNS = 16_384
_NUMBER = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?")


def _number(value: object) -> object:
    """JSON numbers arrive as int or Decimal; a string or a boolean is not a number."""
    if isinstance(value, int | Decimal | float) and not isinstance(value, bool):
        return float(value)
    return value


def _exact(value: object) -> object:
    """A JSON number with its digits; YAML's floats by the shortest that read back."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        raise ValueError(f"must be a number or a text, got {as_json(value)}")
    return Decimal(repr(value)) if isinstance(value, int | float) else value


#: Millimetres on each side of a page.
Margin = Annotated[float, Field(ge=5, le=50), BeforeValidator(_number)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class HighlightModel(_Strict):
    """Cells that stand out: ``{when: below, value: 0, tone: bad}``."""

    when: Literal["above", "below", "equal", "not_equal"]
    value: Annotated[Decimal | str, BeforeValidator(_exact)]
    tone: Annotated[Tone, Field(strict=False)]

    def to_highlight(self, *, numeric: bool) -> Highlight:
        value = Decimal(self.value) if numeric else str(self.value)
        return Highlight(when=self.when, value=value, tone=self.tone)

    def problem(self, column_type: ColumnType) -> str | None:
        """What is wrong with it for a column of this type."""
        if column_type not in NUMBER_TYPES:
            if isinstance(self.value, Decimal):
                return f"a highlight of a {column_type} column compares with a text, got {self.value}"
            if self.when in ("above", "below"):
                return f"a highlight of a {column_type} column must be equal or not_equal, got {self.when}"
        elif isinstance(self.value, str) and not _NUMBER.fullmatch(self.value):
            return f"a highlight of a {column_type} column compares with a number, got {self.value!r}"
        return None


class ChartModel(_Strict):
    """A chart of the rows: the columns ``values`` by the column ``category``, all given by their keys."""

    kind: Annotated[ChartKind, Field(strict=False)]
    title: Annotated[str, Field(min_length=1, max_length=255)]
    category: Annotated[str, Field(min_length=1, max_length=100)]
    values: Annotated[list[str], Field(min_length=1, max_length=8)]

    def to_chart(self) -> Chart:
        return Chart(kind=self.kind, title=self.title, category=self.category, values=tuple(self.values))


class TableDesign(_Strict):
    """How a table is laid out, whoever brings it."""

    group_by: Annotated[list[str], Field(max_length=8)] = []
    sheet_by: Annotated[str, Field(max_length=100)] | None = None
    charts: Annotated[list[ChartModel], Field(max_length=12)] = []
    totals_as: Literal["formula", "value"] = "formula"
    excel_table: bool = False

    def design(self) -> dict[str, Any]:
        """The fields of :class:`rendering.model.Table` that are said here."""
        return {
            "group_by": tuple(self.group_by),
            "sheet_by": self.sheet_by,
            "charts": tuple(chart.to_chart() for chart in self.charts),
            "totals_as": self.totals_as,
            "excel_table": self.excel_table,
        }


def design_problems(
    design: TableDesign, columns: Sequence["ColumnModel"]
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """(path, detail) of what a design says against the columns."""
    types = {column.key: column for column in columns}
    known = ", ".join(types)
    for index, key in enumerate(design.group_by):
        if key not in types:
            yield ("group_by", index), f"must be the key of a column, got {as_json(key)}; allowed: {known}"
        elif key in design.group_by[:index]:
            yield ("group_by", index), f"the key {as_json(key)} stands twice"
    if design.sheet_by is not None and [design.sheet_by] != design.group_by[:1]:
        allowed = design.group_by[0] if design.group_by else "none without group_by"
        yield (
            ("sheet_by",),
            f"must be the first of group_by, got {as_json(design.sheet_by)}; allowed: {allowed}",
        )
    for index, chart in enumerate(design.charts):
        if chart.category not in types:
            detail = f"must be the key of a column, got {as_json(chart.category)}; allowed: {known}"
            yield ("charts", index, "category"), detail
        if chart.kind is ChartKind.PIE and len(chart.values) > 1:
            yield ("charts", index, "values"), f"a pie shows one column, got {len(chart.values)}"
        for position, key in enumerate(chart.values):
            column = types.get(key)
            if column is None:
                detail = f"must be the key of a column, got {as_json(key)}; allowed: {known}"
                yield ("charts", index, "values", position), detail
            elif column.type not in ADDABLE_TYPES and column.total is not Total.COUNT:
                detail = f"must be a number, a duration or counted, {as_json(key)} is {column.type}"
                yield ("charts", index, "values", position), detail


class ColumnModel(_Strict):
    """One column: ``key`` names it in rows, ``label`` heads it (the key by default)."""

    key: Annotated[str, Field(min_length=1, max_length=100)]
    label: Annotated[str, Field(max_length=255)] | None = None
    type: Annotated[ColumnType, Field(strict=False)] = ColumnType.STRING
    format: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    width: Annotated[float, Field(gt=0, le=255), BeforeValidator(_number)] | None = None
    align: Annotated[Align, Field(strict=False)] | None = None
    wrap: bool = False
    total: Annotated[Total, Field(strict=False)] | None = None
    data_bar: bool = False
    highlights: Annotated[list[HighlightModel], Field(max_length=8)] = []

    @model_validator(mode="after")
    def _fits_its_type(self) -> Self:
        if self.format is not None:
            check_column_format(self.type, self.format)
        allowed = totals_of(self.type)
        if self.total is not None and self.total not in allowed:
            added = self.total in (Total.SUM, Total.AVERAGE)
            needs = "a number or a duration" if added else "values with an order"
            detail = f"total {self.total} needs {needs}, the column is {self.type}"
            raise ValueError(f"{detail}; allowed: {', '.join(allowed)}")
        if self.data_bar and self.type not in ADDABLE_TYPES:
            raise ValueError(f"data_bar needs a number or a duration, the column is {self.type}")
        for problem in (highlight.problem(self.type) for highlight in self.highlights):
            if problem:
                raise ValueError(problem)
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
            data_bar=self.data_bar,
            highlights=tuple(
                highlight.to_highlight(numeric=self.type in NUMBER_TYPES) for highlight in self.highlights
            ),
        )
