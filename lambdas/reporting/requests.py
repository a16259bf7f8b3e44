"""A request for a report: its shape, and every problem in it at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails

from rendering.formats import check_locale, check_timezone
from rendering.model import Format, Orientation, Page, PageSize, Table
from reporting.columns import MAX_COLUMNS, ColumnModel, Margin, TableDesign, design_problems
from reporting.dataset_models import DatasetReference
from reporting.errors import InvalidRequest, Problem
from reporting.phrases import phrase, shown
from reporting.report_types import Catalogue, InvalidParameters, ReportType
from reporting.strict_json import escape

type Cell = str | int | float | bool | None
_LONGEST_NAME = 100
_MAX_PROBLEMS = 100


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

    @model_validator(mode="after")
    def _keys_are_unique(self) -> Self:
        keys = [column.key for column in self.columns]
        if twice := sorted(
            {key for key in keys if keys.count(key) > 1} if len(set(keys)) < len(keys) else ()
        ):
            raise ValueError(f"column keys stand twice: {', '.join(twice[:5])}")
        problems = [
            f"{'.'.join(map(str, path))} {detail}" for path, detail in design_problems(self, self.columns)
        ]
        if problems:
            raise ValueError("; ".join(problems[:5]))
        return self

    def to_table(self) -> Table:
        return Table(
            title=self.title,
            subtitle=self.subtitle,
            columns=tuple(column.to_column() for column in self.columns),
            **self.design(),
        )


class GenerateRequest(_Strict):
    """The body of ``POST /generate``: a ``report_type`` with ``parameters``, or a ``table``."""

    report_type: Annotated[str, Field(min_length=1, max_length=_LONGEST_NAME)] | None = None
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

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.report_type is None) == (self.table is None):
            raise ValueError("give either report_type or table")
        if self.parameters is not None and self.report_type is None:
            raise ValueError("parameters belong to a report_type")
        return self


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
    body: Mapping[str, Any], *, catalogue: Catalogue, locale: str, timezone: str
) -> ReportRequest:
    """Check a body and fill in defaults: ``locale`` and ``timezone`` of the environment, the type's format.

    Raises :class:`InvalidRequest` with all problems found.
    """
    problems: list[Problem] = []
    request = _validate(body, problems)
    rows = _rows(body, request, problems)
    report_type = parameters = None
    # What can be read is checked beside other problems, so that all of them are told at once.
    name, given = (request.report_type, request.parameters) if request else _readable(body)
    if name is not None:
        report_type = _report_type(name, catalogue, problems)
    if report_type is not None and (request is not None or given is not None):
        parameters = _parameters(report_type, given or {}, problems)
    if report_type is not None and request is not None:
        _check_format(report_type, request.format, problems)
    if problems or request is None:
        raise InvalidRequest(problems[:_MAX_PROBLEMS])
    document = request.model_dump(mode="json", exclude={"table": {"rows"}}, exclude_none=True)
    default_format = report_type.default_format if report_type else Format.XLSX
    document.setdefault("format", Format(default_format).value)
    document.setdefault("locale", locale)
    document.setdefault("timezone", timezone)
    if parameters is not None:
        document["parameters"] = parameters
    return ReportRequest(document=document, rows=rows)


def stored_table(document: Mapping[str, Any]) -> TableModel:
    """The table of a stored request, without its rows."""
    return TableModel.model_validate(document["table"])


def stored_dataset(document: Mapping[str, Any]) -> DatasetReference | None:
    """The dataset that the table of a stored request names, if it names one."""
    reference = document.get("table", {}).get("dataset")
    return None if reference is None else DatasetReference.model_validate(reference)


def validated[M: BaseModel](model: type[M], body: Mapping[str, Any]) -> M:
    """``body`` as ``model``. Raises :class:`InvalidRequest` with all problems found."""
    try:
        return model.model_validate(body)
    except ValidationError as error:
        raise InvalidRequest(_problems(error)) from error


def _problems(error: ValidationError) -> list[Problem]:
    """Every problem that a model found, with its pointer."""
    return [_problem(details) for details in error.errors(include_url=False, include_context=True)]


def _readable(body: Mapping[str, Any]) -> tuple[str | None, Mapping[str, Any] | None]:
    """The report type of a body that has other problems, and its parameters if they are an object or none."""
    name, given = body.get("report_type"), body.get("parameters", {})
    if not isinstance(name, str) or not 1 <= len(name) <= _LONGEST_NAME:
        return None, None
    return name, given if isinstance(given, dict) else None


def _validate(body: Mapping[str, Any], problems: list[Problem]) -> GenerateRequest | None:
    try:
        return GenerateRequest.model_validate(body)
    except ValidationError as error:
        problems.extend(_problems(error))
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


def _problem(details: ErrorDetails) -> Problem:
    kind = details["type"]
    location = details["loc"]
    if kind == "too_long" and location == ("table", "columns"):
        code = "too_many_columns"
    else:
        code = _CODES.get(kind, "wrong_type" if kind.endswith("_type") else "invalid_value")
    pointer = "".join(f"/{escape(str(part))}" for part in location)
    return Problem(pointer=pointer, detail=phrase(details), code=code)


def _report_type(name: str, catalogue: Catalogue, problems: list[Problem]) -> ReportType | None:
    found = catalogue.get(name)
    if found is None:
        detail = f"there is no report type {shown(name)}; known are: {', '.join(sorted(catalogue))}"
        problems.append(Problem(pointer="/report_type", detail=detail, code="unknown_report_type"))
    return found


def _parameters(
    report_type: ReportType, given: Mapping[str, Any], problems: list[Problem]
) -> dict[str, Any] | None:
    try:
        return report_type.validate_parameters(given)
    except InvalidParameters as error:
        problems.extend(
            Problem(pointer=f"/parameters{pointer}", detail=detail, code=code)
            for pointer, detail, code in error.problems
        )
        return None


def _check_format(report_type: ReportType, wanted: Format | None, problems: list[Problem]) -> None:
    if wanted is not None and wanted not in report_type.formats:
        allowed = ", ".join(Format(name).value for name in report_type.formats)
        detail = f"report type {report_type.name} can't be had as {wanted.value}; it comes as: {allowed}"
        problems.append(Problem(pointer="/format", detail=detail, code="not_allowed"))


def _rows(
    body: Mapping[str, Any], request: GenerateRequest | None, problems: list[Problem]
) -> list[list[Cell]] | None:
    """Rows in column order, checked beside other problems as far as the columns can be read."""
    if request is not None:
        if request.table is None:
            return None
        _check_source(request.table.rows, request.table.dataset, problems)
        if request.table.rows is None:
            return None
        return _ordered([column.key for column in request.table.columns], request.table.rows, problems)
    table = body.get("table")
    if isinstance(table, dict):
        _check_source(table.get("rows"), table.get("dataset"), problems)
    columns, rows = (table.get("columns"), table.get("rows")) if isinstance(table, dict) else (None, None)
    if not (isinstance(columns, list) and columns and isinstance(rows, list)):
        return None
    if not all(isinstance(column, dict) and isinstance(column.get("key"), str) for column in columns):
        return None
    return _ordered([column["key"] for column in columns], rows, problems)


def _check_source(rows: object, dataset: object, problems: list[Problem]) -> None:
    if rows is None and dataset is None:
        problems.append(Problem(pointer="/table/rows", detail="give rows or a dataset", code="required"))
    elif rows is not None and dataset is not None:
        detail = "give either rows or a dataset"
        problems.append(Problem(pointer="/table/dataset", detail=detail, code="not_allowed"))


def _ordered(keys: Sequence[str], rows: Sequence[Any], problems: list[Problem]) -> list[list[Cell]]:
    width, known = len(keys), set(keys)
    ordered: list[list[Cell]] = []
    for index, row in enumerate(rows):
        pointer = f"/table/rows/{index}"
        if isinstance(row, list):
            if len(row) != width:
                detail = f"the row has {len(row)} cells, the table has {width} columns"
                problems.append(Problem(pointer=pointer, detail=detail, code="wrong_cell_count"))
                continue
            cells = row
        elif isinstance(row, dict):
            if unknown := [name for name in row if name not in known]:
                problems.extend(
                    Problem(
                        pointer=f"{pointer}/{escape(name)}",
                        detail="no column has this key",
                        code="unknown_field",
                    )
                    for name in unknown
                )
                continue
            cells = [row.get(key) for key in keys]
        else:
            detail = f"a row is an array or an object, got {shown(row)}"
            problems.append(Problem(pointer=pointer, detail=detail, code="wrong_type"))
            continue
        for position, cell in enumerate(cells):
            if isinstance(cell, list | dict):
                place = position if isinstance(row, list) else escape(keys[position])
                detail = "a cell is a string, a number, a boolean or null"
                problems.append(Problem(pointer=f"{pointer}/{place}", detail=detail, code="wrong_type"))
        ordered.append(cells)
        if len(problems) >= _MAX_PROBLEMS:
            break
    return ordered
