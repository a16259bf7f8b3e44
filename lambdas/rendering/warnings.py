"""What had to change in a report's values, counted per column and kind."""

from dataclasses import dataclass, field
from enum import StrEnum

from rendering.model import ValueWarning

_MAX_DETAILS = 8


class WarningKind(StrEnum):
    """Every reason for which a value in the file can differ from the value of the source."""

    #: Characters that XML 1.0 (section 2.2) and the page can't hold were removed.
    CONTROL_CHARACTERS = "control_characters"
    #: A lone UTF-16 surrogate became U+FFFD.
    INVALID_UNICODE = "invalid_unicode"
    #: The value does not fit the column's type; it is kept as text.
    BAD_VALUE = "bad_value"
    #: NaN or an infinity; the cell is blank.
    BLANKED_NUMBER = "blanked_number"
    #: A cell text was cut at the format's limit, with "…" at its end.
    TRUNCATED = "truncated"
    #: A number of more than 15 digits, or too near to zero, is text in a spreadsheet, with every digit.
    TEXT_NUMBER = "text_number"
    #: A date before 1 March 1900, or in the last half second of 9999, is ISO 8601 text in a spreadsheet.
    TEXT_DATE = "text_date"
    #: A negative or very long duration is text in a spreadsheet.
    TEXT_DURATION = "text_duration"
    #: A fraction of a second below a microsecond was cut.
    CUT_FRACTION = "cut_fraction"
    #: A date and time in a column of dates is kept as its day on the report's wall clock.
    CUT_TIME = "cut_time"
    #: A text that a spreadsheet would run as a formula has a ``'`` before it in CSV.
    GUARDED_FORMULA = "guarded_formula"
    #: An address is text without a hyperlink: not a web or mail address, too long, or one too many.
    PLAIN_URL = "plain_url"
    #: A character that no font has is drawn as U+FFFD; its text can still be copied.
    MISSING_GLYPH = "missing_glyph"
    #: A chart shows rows of the categories beyond its limit together.
    CHART_REST = "chart_rest"
    #: A number of a chart in a workbook has 15 digits: more would be text, which charts draw as 0.
    ROUNDED_CHART = "rounded_chart"
    #: Rows of a group that had ended already make another group: they were not sorted by it.
    REPEATED_GROUP = "repeated_group"
    #: The rows did not fit in a sheet and the request said ``on_overflow: csv``: the file is CSV.
    OVERFLOW_CSV = "overflow_csv"


@dataclass(slots=True)
class _Entry:
    row: int
    count: int = 0
    details: list[str] = field(default_factory=list)


class Warnings:
    """Collects warnings; :meth:`result` gives one per column and kind, in order of appearance."""

    def __init__(self) -> None:
        self._entries: dict[tuple[str, WarningKind], _Entry] = {}

    def add(self, column: str, kind: WarningKind, *, row: int, detail: str, count: int = 1) -> None:
        """Count a value, or ``count`` of them.

        ``row`` is the first one's 1-based data row; the first few different details are kept.
        """
        entry = self._entries.get((column, kind))
        if entry is None:
            entry = self._entries[column, kind] = _Entry(row=row)
        entry.count += count
        if len(entry.details) < _MAX_DETAILS and detail not in entry.details:
            entry.details.append(detail)

    def result(self) -> tuple[ValueWarning, ...]:
        return tuple(
            ValueWarning(
                column=column,
                kind=kind.value,
                count=entry.count,
                row=entry.row,
                detail="; ".join(entry.details),
            )
            for (column, kind), entry in self._entries.items()
        )
