"""A request for a report: its shape, and every problem in it at once."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_core import ErrorDetails

from rendering.formats import check_locale, check_timezone
from rendering.model import Format, Orientation, Page, PageSize, Table
from reporting.columns import MAX_COLUMNS, ColumnModel, Margin, TableDesign, table_problems
from reporting.dataset_models import DatasetReference
from reporting.errors import MAX_PROBLEMS, InvalidRequest, Problem
from reporting.phrases import phrase, shown
from reporting.report import dump_document
from reporting.report_types import Catalogue, InvalidParameters, ReportType
from reporting.strict_json import escape
from reporting.wording import allowed

#: A status is a function's answer, of 6 MB at most (AWS Lambda, "Quotas"): less than half of it for each of
#: what a request brings into it.
_MOST_BYTES = 2_000_000

type Cell = str | int | float | bool | None


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class PageModel(_Strict):
    """Paper of a PDF and the print set-up of a workbook."""

    size: Annotated[PageSize, Field(strict=False)] = PageSize.A4
    orientation: Annotated[Orientation, Field(strict=False)] = Orientation.AUTO
    margin: Margin | None = None

    def to_page(self) -> Page:
        return Page(size=self.size, orientation=self.orientation, margin=self.margin)


class TableModel(TableDesign):
    """A table that the request brings along, with its ``rows`` or a ``dataset`` that has them.

    A row is an array in column order, or an object by key.
    """

    title: Annotated[str, Field(min_length=1, max_length=255)]
    subtitle: Annotated[str, Field(max_length=500)] | None = None
    columns: Annotated[list[ColumnModel], Field(min_length=1, max_length=MAX_COLUMNS)]
    dataset: DatasetReference | None = None
    rows: (
        Annotated[
            list[Any],
            Field(
                json_schema_extra={
                    "items": {
                        "anyOf": [
                            {"type": "array", "items": {"type": ["string", "number", "boolean", "null"]}},
                            {
                                "type": "object",
                                "additionalProperties": {"type": ["string", "number", "boolean", "null"]},
                            },
                        ]
                    }
                }
            ),
        ]
        | None
    ) = None

    def to_table(self) -> Table:
        return Table(
            title=self.title,
            subtitle=self.subtitle,
            columns=tuple(column.to_column() for column in self.columns),
            **self.design(),
        )


class GenerateRequest(_Strict):
    """The body of ``POST /generate``: a ``report_type`` with ``parameters``, or a ``table``."""

    report_type: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    parameters: dict[str, Any] | None = None
    table: TableModel | None = None
    format: Annotated[Format, Field(strict=False)] | None = None
    priority: Literal["low", "normal", "high"] = "normal"
    locale: Annotated[str, Field(max_length=35)] | None = None
    timezone: Annotated[str, Field(max_length=64)] | None = None
    filename: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    on_overflow: Literal["split", "fail", "csv"] = "split"
    on_bad_value: Literal["warn", "fail"] = "warn"
    page: PageModel | None = None
    about: bool | None = None

    @field_validator("locale")
    @classmethod
    def _known_locale(cls, value: str | None) -> str | None:
        return None if value is None else check_locale(value)

    @field_validator("timezone")
    @classmethod
    def _known_timezone(cls, value: str | None) -> str | None:
        return None if value is None else check_timezone(value)


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportRequest:
    """A checked request with every default filled in.

    ``document`` is what is stored: the request without its rows. ``rows`` are in column order, for a
    request that brings its table, else ``None``.
    """

    document: dict[str, Any]
    rows: list[list[Cell]] | None

    @property
    def report_type(self) -> str | None:
        name: str | None = self.document.get("report_type")
        return name

    @property
    def parameters(self) -> dict[str, Any]:
        found: dict[str, Any] = self.document.get("parameters") or {}
        return found

    @property
    def dataset(self) -> DatasetReference | None:
        """The dataset that has the rows, if one has."""
        return stored_dataset(self.document)

    @property
    def format(self) -> Format:
        return Format(self.document["format"])

    @property
    def priority(self) -> str:
        return str(self.document["priority"])


def parse_request(
    body: Mapping[str, Any],
    *,
    catalogue: Catalogue,
    locale: str,
    timezone: str,
    others: Sequence[Problem] = (),
) -> ReportRequest:
    """Check a body and fill in defaults: ``locale`` and ``timezone`` of the environment, the type's format.

    Raises :class:`InvalidRequest` with all problems found; ``others`` are told beside them. The rules that
    are about several fields read the body itself, so that a wrong field does not hide them.
    """
    problems = [*others, *_source_problems(body)]
    request = checked(GenerateRequest, body, problems)
    report_type = _report_type(body, catalogue, problems)
    parameters = None
    if report_type is not None:
        parameters = _parameters(report_type, body, problems)
        problems += _format_problems(report_type, body)
    if isinstance(table := body.get("table"), dict):
        problems += islice(_table_problems(table), MAX_PROBLEMS)
    problems += _size_problems(parameters, request)
    if problems or request is None:
        raise InvalidRequest(problems)
    document = request.model_dump(mode="json", exclude={"table": {"rows"}}, exclude_none=True)
    default_format = report_type.default_format if report_type else Format.XLSX
    document.setdefault("format", Format(default_format).value)
    document.setdefault("locale", locale)
    document.setdefault("timezone", timezone)
    if parameters is not None:
        document["parameters"] = parameters
    return ReportRequest(document=document, rows=_in_column_order(request.table))


def stored_table(document: Mapping[str, Any]) -> TableModel:
    """The table of a stored request, without its rows."""
    return TableModel.model_validate(document["table"])


def stored_dataset(document: Mapping[str, Any]) -> DatasetReference | None:
    """The dataset that the table of a stored request names, if it names one."""
    reference = document.get("table", {}).get("dataset")
    return None if reference is None else DatasetReference.model_validate(reference)


def checked[M: BaseModel](model: type[M], body: Mapping[str, Any], problems: list[Problem]) -> M | None:
    """``body`` as ``model``, or ``None`` with what is wrong with each of its fields added to ``problems``."""
    try:
        return model.model_validate(body)
    except ValidationError as error:
        found = error.errors(include_url=False)
        problems += [_problem(details, model) for details in found[:MAX_PROBLEMS]]
        return None


_CODES = {
    "missing": "required",
    "extra_forbidden": "unknown_field",
    "enum": "not_allowed",
    "literal_error": "not_allowed",
    "value_error": "invalid_value",
    "too_long": "out_of_range",
    "too_short": "out_of_range",
    "string_too_long": "out_of_range",
    "string_too_short": "out_of_range",
    "greater_than": "out_of_range",
    "greater_than_equal": "out_of_range",
    "less_than": "out_of_range",
    "less_than_equal": "out_of_range",
}


def _problem(details: ErrorDetails, model: type[BaseModel]) -> Problem:
    kind = details["type"]
    location = details["loc"]
    if kind == "too_long" and location == ("table", "columns"):
        code = "too_many_columns"
    else:
        code = _CODES.get(kind, "wrong_type" if kind.endswith("_type") else "invalid_value")
    return Problem(pointer=_pointer(location), detail=phrase(details, model), code=code)


def _pointer(path: Iterable[str | int]) -> str:
    return "".join(f"/{escape(str(part))}" for part in path)


def _source_problems(body: Mapping[str, Any]) -> Iterator[Problem]:
    typed, table = body.get("report_type") is not None, body.get("table") is not None
    if not typed and not table:
        yield Problem(pointer="", detail="give a report_type or a table", code="required")
    if typed and table:
        detail = "give either a report_type or a table"
        yield Problem(pointer="/table", detail=detail, code="not_allowed")
    if not typed and body.get("parameters") is not None:
        detail = "parameters belong to a report_type"
        yield Problem(pointer="/parameters", detail=detail, code="not_allowed")


def _report_type(body: Mapping[str, Any], catalogue: Catalogue, problems: list[Problem]) -> ReportType | None:
    name = body.get("report_type")
    if not isinstance(name, str) or not name:
        return None
    found = catalogue.get(name)
    if found is None:
        names = allowed(catalogue, got=name, place="GET /report-types")
        detail = f"there is no report type {shown(name)}; {names}"
        problems.append(Problem(pointer="/report_type", detail=detail, code="unknown_report_type"))
    return found


def _parameters(
    report_type: ReportType, body: Mapping[str, Any], problems: list[Problem]
) -> dict[str, Any] | None:
    given = body.get("parameters")
    if not isinstance(given, dict | None):
        return None
    try:
        return report_type.validate_parameters(given or {})
    except InvalidParameters as error:
        problems.extend(
            Problem(pointer=f"/parameters{pointer}", detail=detail, code=code)
            for pointer, detail, code in error.problems
        )
        return None


def _format_problems(report_type: ReportType, body: Mapping[str, Any]) -> Iterator[Problem]:
    wanted = body.get("format")
    if wanted in tuple(Format) and wanted not in report_type.formats:
        formats = ", ".join(Format(name).value for name in report_type.formats)
        detail = f"report type {report_type.name} can't be had as {wanted}; allowed: {formats}"
        yield Problem(pointer="/format", detail=detail, code="not_allowed")


def _size_problems(
    parameters: Mapping[str, Any] | None, request: GenerateRequest | None
) -> Iterator[Problem]:
    """Of what stands in each status of the report: parameters, and keys of columns in totals and warnings."""
    table = None if request is None else request.table
    keys = [] if table is None else [column.key for column in table.columns]
    for pointer, what, value in (("/parameters", "", parameters), ("/table/columns", " in their keys", keys)):
        # An answer is a text in the JSON of a function's own answer: quotes count twice.
        size = len(json.dumps(dump_document(value), ensure_ascii=False).encode())
        if size > _MOST_BYTES:
            detail = f"must have {_MOST_BYTES} or fewer bytes as JSON{what}, got {size}"
            yield Problem(pointer=pointer, detail=detail, code="out_of_range")


def _table_problems(table: Mapping[str, Any]) -> Iterator[Problem]:
    for path, detail in table_problems(table):
        yield Problem(pointer=_pointer(("table", *path)), detail=detail, code="invalid_value")
    rows, dataset, columns = table.get("rows"), table.get("dataset"), table.get("columns")
    if rows is None and dataset is None:
        yield Problem(pointer="/table/rows", detail="give rows or a dataset", code="required")
    if rows is not None and dataset is not None:
        detail = "give either rows or a dataset"
        yield Problem(pointer="/table/dataset", detail=detail, code="not_allowed")
    if isinstance(rows, list) and isinstance(columns, list) and columns:
        yield from _row_problems(rows, columns)


def _row_problems(rows: Sequence[Any], columns: Sequence[Any]) -> Iterator[Problem]:
    width = len(columns)
    keys = [column.get("key") for column in columns if isinstance(column, dict)]
    known = {key for key in keys if isinstance(key, str)}
    # A column that can't be read may be the one that is meant.
    readable = len(keys) == width and all(isinstance(key, str) for key in keys)
    for index, row in enumerate(rows):
        if isinstance(row, list):
            cells: Iterable[tuple[int | str, Any]] = enumerate(row)
            if len(row) != width:
                detail = f"the row has {len(row)} cells, the table has {width} columns"
                yield Problem(pointer=f"/table/rows/{index}", detail=detail, code="wrong_cell_count")
        elif isinstance(row, dict):
            cells = row.items()
            for name in row if readable else ():
                if name not in known:
                    detail = f"no column has this key; {allowed(known, got=name, place='columns')}"
                    pointer = f"/table/rows/{index}/{escape(name)}"
                    yield Problem(pointer=pointer, detail=detail, code="unknown_field")
        else:
            detail = f"a row is an array or an object, got {shown(row)}"
            yield Problem(pointer=f"/table/rows/{index}", detail=detail, code="wrong_type")
            continue
        for place, cell in cells:
            if isinstance(cell, list | dict):
                detail = f"a cell is a string, a number, a boolean or null, got {shown(cell)}"
                pointer = f"/table/rows/{index}/{escape(str(place))}"
                yield Problem(pointer=pointer, detail=detail, code="wrong_type")


def _in_column_order(table: TableModel | None) -> list[list[Cell]] | None:
    if table is None or table.rows is None:
        return None
    keys = [column.key for column in table.columns]
    return [row if isinstance(row, list) else [row.get(key) for key in keys] for row in table.rows]
