"""What every writer needs to know about one report, and what a writer is."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from rendering.charts import ChartPoints
from rendering.column_types import ADDABLE_TYPES
from rendering.formats import ColumnFormat, Formatter, zone_for
from rendering.labels import Labels
from rendering.model import Align, Column, Options, Table
from rendering.rows import Rows
from rendering.text import clean, normalize_newlines
from rendering.totals import Summary
from rendering.warnings import Warnings


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportLayout:
    """One report's texts, columns and formats, ready to be written."""

    title: str
    subtitle: str | None
    parameters: tuple[tuple[str, str], ...]
    columns: tuple[Column, ...]
    headers: tuple[str, ...]
    formats: tuple[ColumnFormat, ...]
    total_formats: tuple[ColumnFormat, ...]
    formatter: Formatter
    options: Options
    warnings: Warnings
    table: Table
    #: The columns that rows are grouped by, when there are subtotals.
    groups: frozenset[int]
    #: The same in order, outermost first, when there are subtotals or sheets by group.
    grouping: tuple[int, ...]

    @classmethod
    def of(cls, *, table: Table, options: Options, warnings: Warnings) -> "ReportLayout":
        formatter = Formatter(locale=options.locale)
        has_totals = any(column.total for column in table.columns)
        grouping = table.indexes(table.group_by)
        return cls(
            title=_text(table.title),
            subtitle=_text(table.subtitle) if table.subtitle else None,
            parameters=tuple((_text(label), _text(value)) for label, value in options.parameters),
            columns=tuple(map(_with_readable_highlights, table.columns)),
            headers=tuple(_text(column.label) for column in table.columns),
            formats=tuple(formatter.column(column) for column in table.columns),
            total_formats=tuple(formatter.total(column) for column in table.columns),
            formatter=formatter,
            options=options,
            warnings=warnings,
            table=table,
            groups=frozenset(grouping) if has_totals else frozenset(),
            grouping=grouping if has_totals or table.sheet_by else (),
        )

    @property
    def has_totals(self) -> bool:
        return any(column.total for column in self.columns)

    @property
    def labels(self) -> Labels:
        return self.formatter.labels

    @property
    def created(self) -> str:
        """When the report was made, in its format and zone."""
        moment = self.options.created_at_utc.astimezone(zone_for(self.options.timezone))
        return self.formatter.datetime_format.text(moment)

    def category_labels(self, points: ChartPoints) -> list[str]:
        """What a chart calls its categories and, if there are further ones, their rest."""
        show = self.formats[points.category].text
        rest = [self.labels.other] if points.has_rest else []
        return [*(show(category) or "–" for category in points.categories), *rest]

    def align(self, index: int) -> Align:
        """The column's own alignment, or right for numbers and durations."""
        column = self.columns[index]
        return column.align or (Align.RIGHT if column.type in ADDABLE_TYPES else Align.LEFT)

    def summary_label(self, summary: Summary) -> tuple[int, str] | None:
        """Where a summary row says what it is, and the words.

        A group's label is in the grouping column; if that column has a total of its own, and for the
        table's totals, it is in the first column that has none. ``None`` when every column has one.
        """
        free = [index for index, column in enumerate(self.columns) if column.total is None]
        if not free:
            return None
        if summary.group is None:
            return free[0], self.labels.total
        index = summary.group if summary.group in free else free[0]
        key = self.formats[summary.group].text(summary.key)
        return index, self.labels.subtotal.format(group=key or "–")


def _with_readable_highlights(column: Column) -> Column:
    """``column`` with highlights for texts as its cells have them."""
    if all(not isinstance(highlight.value, str) for highlight in column.highlights):
        return column
    highlights = tuple(
        replace(highlight, value=clean(value)) if isinstance(value := highlight.value, str) else highlight
        for highlight in column.highlights
    )
    return replace(column, highlights=highlights)


def _text(text: str) -> str:
    return normalize_newlines(clean(text))


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """How many sheets or pages a writer made."""

    sheets: int | None = None
    pages: int | None = None


class Writer(Protocol):
    """Writes one report. Bytes go to the sink in order while rows come.

    ``begin`` gets the first rows, from which widths are measured; they come again through ``rows``.
    ``close`` is always called, after ``end`` or after a failure, and frees what the writer holds.
    """

    def begin(self, sample: Rows) -> None: ...

    def rows(self, rows: Rows, *, first_row: int) -> None: ...

    def summary(self, summary: Summary) -> None: ...

    def end(self, charts: Sequence[ChartPoints]) -> Written: ...

    def close(self) -> None: ...
