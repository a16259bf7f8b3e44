"""What a report is made of: typed columns, a table, options, and what comes back.

The names here are the whole contract between callers and the engine. Nothing in this package knows
of AWS, of a database or of HTTP.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import StrEnum
from typing import Literal, Protocol


class Format(StrEnum):
    """The file formats a report can be rendered to."""

    XLSX = "xlsx"
    PDF = "pdf"
    CSV = "csv"

    @property
    def content_type(self) -> str:
        return _CONTENT_TYPES[self]


_CONTENT_TYPES = {
    Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    Format.PDF: "application/pdf",
    Format.CSV: "text/csv; charset=utf-8",
}


class ColumnType(StrEnum):
    """The types a column can have; they come from the schema and are never guessed."""

    STRING = "string"
    INTEGER = "integer"
    DECIMAL = "decimal"
    FLOAT = "float"
    BOOLEAN = "boolean"
    DATE = "date"
    TIME = "time"
    DATETIME = "datetime"
    DURATION = "duration"
    URL = "url"


class Align(StrEnum):
    LEFT = "left"
    CENTER = "center"
    RIGHT = "right"


class Total(StrEnum):
    """How a column is summed up in subtotal rows and in the totals row. Blank cells do not count."""

    SUM = "sum"
    COUNT = "count"
    AVERAGE = "average"
    MIN = "min"
    MAX = "max"


class ChartKind(StrEnum):
    """How a chart draws its values."""

    LINE = "line"
    BAR = "bar"
    PIE = "pie"


class Tone(StrEnum):
    """What a highlighted cell says; each format has its own colours for it."""

    GOOD = "good"
    BAD = "bad"
    WARNING = "warning"


class Orientation(StrEnum):
    AUTO = "auto"
    PORTRAIT = "portrait"
    LANDSCAPE = "landscape"


class PageSize(StrEnum):
    A3 = "A3"
    A4 = "A4"
    A5 = "A5"
    LETTER = "Letter"
    LEGAL = "Legal"


@dataclass(frozen=True, kw_only=True, slots=True)
class Highlight:
    """Cells of a column that stand out: those that are ``when`` the ``value``, in ``tone``.

    ``value`` is a number for number columns, else a text that the cell equals.
    """

    when: Literal["above", "below", "equal", "not_equal"]
    value: Decimal | str
    tone: Tone


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """One column.

    ``format`` is ``integer``, ``decimal:N``, ``currency:ISO``, ``percent:N``, ``date``, ``datetime``,
    or a raw spreadsheet number format; ``None`` picks the type's own. ``width`` is in characters of
    the default font, ``None`` measures a sample. ``align`` defaults to right for numbers. ``data_bar`` draws
    a bar behind each number, in proportion to the column's largest (spreadsheets only).
    """

    key: str
    label: str
    type: ColumnType = ColumnType.STRING
    format: str | None = None
    width: float | None = None
    align: Align | None = None
    wrap: bool = False
    total: Total | None = None
    data_bar: bool = False
    highlights: tuple[Highlight, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Chart:
    """A chart of the report's rows: ``values`` by ``category``, all of them column keys.

    Rows of one category are put together as the column's ``total`` says, or summed up.
    """

    kind: ChartKind
    title: str
    category: str
    values: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """The schema of one report: its title and columns, in order.

    ``group_by`` names column keys, outermost first. Rows must arrive ordered by them; a subtotal row
    follows each group when any column has a ``total``. ``sheet_by`` is the outermost of them, if each of its
    groups gets a sheet of its own. ``totals_as`` says whether a spreadsheet gets formulas, which hold the
    exact value as well, or just values. ``excel_table`` makes the rows of a sheet without groups a table
    with structured references.
    """

    title: str
    columns: tuple[Column, ...]
    subtitle: str | None = None
    group_by: tuple[str, ...] = ()
    sheet_by: str | None = None
    charts: tuple[Chart, ...] = ()
    totals_as: Literal["formula", "value"] = "formula"
    excel_table: bool = False

    def indexes(self, keys: Iterable[str]) -> tuple[int, ...]:
        """Where the columns of these keys stand. Raises :class:`KeyError` for one that is no column's."""
        positions = {column.key: index for index, column in enumerate(self.columns)}
        return tuple(positions[key] for key in keys)


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """Paper; ``margin`` is in millimetres and ``None`` is the format's own."""

    size: PageSize = PageSize.A4
    orientation: Orientation = Orientation.AUTO
    margin: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """How one request wants its report.

    ``created_at`` is the only clock of a rendering: two runs with the same input and clock give the
    same bytes. ``timezone`` is an IANA name; a datetime without an offset is taken as UTC.
    ``parameters`` are (label, shown value) pairs printed under the title. ``logo`` is a PNG or JPEG file
    that the report's owner ships, never one that data names. ``about`` adds a sheet that says how the report
    was made. ``tagged`` says in a PDF what is a heading, a cell or decoration, for those who have it read
    out; ``None`` does so up to 5,000 rows.
    """

    created_at: datetime
    locale: str = "en"
    timezone: str = "UTC"
    page: Page = field(default_factory=Page)
    on_bad_value: Literal["warn", "fail"] = "warn"
    on_overflow: Literal["split", "fail", "csv"] = "split"
    parameters: tuple[tuple[str, str], ...] = ()
    logo: bytes | None = None
    about: bool = False
    tagged: bool | None = None

    @property
    def created_at_utc(self) -> datetime:
        """``created_at`` with UTC as its offset."""
        moment = self.created_at
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class ValueWarning:
    """Values of one column that had to change for one reason.

    ``row`` is the 1-based data row where it happened first.
    """

    column: str
    kind: str
    count: int
    row: int
    detail: str


#: A total of a column.
type TotalValue = Decimal | date | datetime | time


@dataclass(frozen=True, kw_only=True, slots=True)
class RenderResult:
    """What was written.

    ``totals`` are exact, by column key: numbers as decimals, durations as seconds, and the least or greatest
    date, time or datetime as what it is. Without rows a sum or count is 0 and any other total is absent.
    """

    row_count: int
    size_bytes: int
    sha256: str
    sheets: int | None = None
    pages: int | None = None
    warnings: tuple[ValueWarning, ...] = ()
    totals: dict[str, TotalValue] = field(default_factory=dict)


class ByteSink(Protocol):
    """Takes the file's bytes in order. There is no seek: bytes leave the process as they come."""

    def write(self, data: bytes, /) -> object: ...


type Row = Sequence[object]
type Batch = Sequence[Row]
type Batches = Iterable[Batch]
#: Called after each batch with the rows done so far. What it raises ends the rendering.
type OnProgress = Callable[[int], None]
