"""Columns as clients and report types write them: one model for both."""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from rendering.column_types import ADDABLE_TYPES, NUMBER_TYPES, totals_of
from rendering.formats import check_column_format
from rendering.model import Align, Chart, ChartKind, Column, ColumnType, Highlight, Tone, Total
from reporting.wording import allowed, as_json

#: Where a value stands, and what is wrong with it.
type Found = tuple[tuple[str | int, ...], str]

#: What a worksheet holds (ECMA-376 part 1, 18.3.1.73 and Excel's own limits).
MAX_COLUMNS = 16_384
MAX_GROUPS = 8
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

    group_by: Annotated[list[str], Field(max_length=MAX_GROUPS)] = []
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


def table_problems(table: Mapping[str, Any]) -> Iterator[Found]:
    """What the fields of a table, a request's or a report type's, say against each other.

    These rules read what was written. What is wrong by itself is left to the models, so that neither a wrong
    value nor an unknown field hides what else is wrong.
    """
    columns = _objects(table.get("columns"))
    by_key: dict[str, Mapping[str, Any]] = {}
    for index, column in columns:
        for path, detail in _column_problems(column):
            yield ("columns", index, *path), detail
        if isinstance(key := column.get("key"), str):
            if key in by_key:
                yield ("columns", index, "key"), f"the key {as_json(key)} stands twice"
            by_key.setdefault(key, column)
    yield from _group_problems(table)
    # A column that can't be read may be the one that is meant.
    keys = [column.get("key") for _, column in columns]
    if keys and len(keys) == len(table["columns"]) and all(isinstance(key, str) for key in keys):
        yield from _reference_problems(table, by_key)


def _objects(value: object) -> list[tuple[int, Mapping[str, Any]]]:
    """The objects of a list, each with its index."""
    return [(index, item) for index, item in _entries(value) if isinstance(item, Mapping)]


def _entries(value: object) -> Iterator[tuple[int, Any]]:
    return enumerate(value if isinstance(value, list) else [])


def _column_problems(column: Mapping[str, Any]) -> Iterator[Found]:
    if (column_type := _type_of(column)) is None:
        return
    if isinstance(text := column.get("format"), str) and text:
        try:
            check_column_format(column_type, text)
        except ValueError as error:
            yield ("format",), str(error)
    totals, total = totals_of(column_type), column.get("total")
    if total in tuple(Total) and total not in totals:
        names = ", ".join(as_json(name) for name in totals)
        yield ("total",), f"must be one of {names} for a {column_type} column, got {as_json(total)}"
    if column.get("data_bar") is True and column_type not in ADDABLE_TYPES:
        yield ("data_bar",), f"must be false for a {column_type} column, which is no number or duration"
    for index, highlight in _objects(column.get("highlights")):
        for path, detail in _highlight_problems(highlight, column_type):
            yield ("highlights", index, *path), detail


def _type_of(column: Mapping[str, Any]) -> ColumnType | None:
    name = column.get("type", ColumnType.STRING)
    return ColumnType(name) if name in tuple(ColumnType) else None


def _highlight_problems(highlight: Mapping[str, Any], column_type: ColumnType) -> Iterator[Found]:
    when, value = highlight.get("when"), highlight.get("value")
    if column_type in NUMBER_TYPES:
        if isinstance(value, str) and not _NUMBER.fullmatch(value):
            yield ("value",), f"must be a number for a {column_type} column, got {as_json(value)}"
        return
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        yield ("value",), f"must be a text for a {column_type} column, got {as_json(value)}"
    if when in ("above", "below"):
        detail = f'must be one of "equal", "not_equal" for a {column_type} column, got {as_json(when)}'
        yield ("when",), detail


def _group_problems(table: Mapping[str, Any]) -> Iterator[Found]:
    groups = table.get("group_by", [])
    if not isinstance(groups, list):
        return
    groups = groups[:MAX_GROUPS]
    for index, key in enumerate(groups):
        if isinstance(key, str) and key in groups[:index]:
            yield ("group_by", index), f"the key {as_json(key)} stands twice"
    sheet_by = table.get("sheet_by")
    if isinstance(sheet_by, str) and [sheet_by] != groups[:1]:
        first = groups[0] if groups else "none without group_by"
        yield ("sheet_by",), f"must be the first of group_by, got {as_json(sheet_by)}; allowed: {first}"


def _reference_problems(
    table: Mapping[str, Any], columns: Mapping[str, Mapping[str, Any]]
) -> Iterator[Found]:
    """Of the keys of columns that a table names, those that are none or none of a fitting column."""

    def unknown(key: str) -> str:
        return (
            f"must be the key of a column, got {as_json(key)}; {allowed(columns, got=key, place='columns')}"
        )

    for index, key in _entries(table.get("group_by")):
        if isinstance(key, str) and key not in columns:
            yield ("group_by", index), unknown(key)
    for index, chart in _objects(table.get("charts")):
        category = chart.get("category")
        if isinstance(category, str) and category not in columns:
            yield ("charts", index, "category"), unknown(category)
        values = [key for _, key in _entries(chart.get("values"))]
        if chart.get("kind") == ChartKind.PIE and len(values) > 1:
            yield ("charts", index, "values"), f"a pie shows one column, got {len(values)}"
        for position, key in enumerate(values):
            path = ("charts", index, "values", position)
            if not isinstance(key, str):
                continue
            if key not in columns:
                yield path, unknown(key)
            elif not _can_be_drawn(columns[key]):
                detail = (
                    f"must be a number, a duration or counted, {as_json(key)} is {_type_of(columns[key])}"
                )
                yield path, detail


def _can_be_drawn(column: Mapping[str, Any]) -> bool:
    """Whether a chart can show the column; one whose type is wrong could be anything."""
    column_type = _type_of(column)
    return column_type is None or column_type in ADDABLE_TYPES or column.get("total") == Total.COUNT
