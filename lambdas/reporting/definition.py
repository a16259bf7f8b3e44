"""What a report type's YAML file may say. Rules that need its SQL are in :mod:`reporting.report_types`."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from rendering.model import Format, Orientation, Page, PageSize
from reporting.columns import (
    MAX_COLUMNS,
    ColumnModel,
    Margin,
    TableDesign,
)
from reporting.phrases import phrase
from reporting.wording import as_json

type Path = tuple[str | int, ...]

_Identifier = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)?$")
]
_LOGO_FILE = r"^[A-Za-z0-9_][A-Za-z0-9_.-]*\.(png|jpg|jpeg)$"
_SQL_FILE = r"^[A-Za-z0-9_][A-Za-z0-9_.-]*\.sql$"


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Layout(_Strict):
    """Paper of a PDF and of a printed workbook, unless the request says otherwise; margins in millimetres."""

    page_size: Annotated[PageSize, Field(strict=False)] = PageSize.A4
    orientation: Annotated[Orientation, Field(strict=False)] = Orientation.AUTO
    margin: Margin | None = None

    def to_page(self) -> Page:
        return Page(size=self.page_size, orientation=self.orientation, margin=self.margin)


class Source(_Strict):
    """Where the rows come from.

    ``sql`` names a file beside the YAML file. ``estimate_sql`` is such a file or the statement itself: one
    number, about how many rows the report will have, from the same parameters. ``timeout_seconds``
    shortens the time limit of the environment. ``identifiers`` lists, for each ``{name}`` of the SQL, the
    columns or aliases (or ``asc`` and ``desc``) that the parameter of that name may choose.
    """

    sql: Annotated[str, StringConstraints(pattern=_SQL_FILE)]
    estimate_sql: Annotated[str, Field(min_length=1)] | None = None
    timeout_seconds: Annotated[int, Field(gt=0, le=840)] | None = None
    identifiers: dict[str, Annotated[list[_Identifier], Field(min_length=1)]] = {}


class Definition(TableDesign):
    """One report type. ``name`` equals the file's name; ``parameters`` is a JSON Schema.

    ``logo`` names a PNG or JPEG file beside the YAML file; ``about`` adds the sheet about the report unless a
    request says otherwise.
    """

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=100)]
    title: Annotated[str, Field(min_length=1, max_length=255)]
    subtitle: Annotated[str, Field(max_length=500)] | None = None
    description: Annotated[str, Field(min_length=1, max_length=2000)]
    default_format: Annotated[Format, Field(strict=False)] = Format.XLSX
    formats: list[Annotated[Format, Field(strict=False)]] = Field(
        default_factory=lambda: list(Format), min_length=1
    )
    parameters: dict[str, Any] = Field(default_factory=dict)
    columns: Annotated[list[ColumnModel], Field(min_length=1, max_length=MAX_COLUMNS)]
    layout: Layout = Layout()
    logo: Annotated[str, StringConstraints(pattern=_LOGO_FILE)] | None = None
    about: bool = False
    source: Source


def field_problems(error: ValidationError) -> Iterator[tuple[Path, str]]:
    """(path, what was wrong, the value got and the values allowed) of each field."""
    for details in error.errors(include_url=False):
        yield details["loc"], phrase(details, Definition)


def rule_problems(definition: Definition) -> Iterator[tuple[Path, str]]:
    """(path, detail) of what the fields say against each other, but for those of a table."""
    if definition.default_format not in definition.formats:
        got, allowed = as_json(definition.default_format), _in_order(definition.formats)
        yield ("default_format",), f"must be one of formats, got {got}; allowed: {allowed}"
    for name in definition.source.identifiers:
        yield from _identifier_problems(name, definition)


def closed_parameters(definition: Definition) -> dict[str, Any]:
    """The parameters' schema, with the allow-list of each identifier as its ``enum``."""
    schema = dict(definition.parameters)
    if isinstance(schema.get("properties"), dict):
        schema["properties"] = {
            name: {**value, "enum": definition.source.identifiers[name]}
            if name in definition.source.identifiers and isinstance(value, dict)
            else value
            for name, value in schema["properties"].items()
        }
    return schema


def _identifier_problems(name: str, definition: Definition) -> Iterator[tuple[Path, str]]:
    path = ("source", "identifiers", name)
    properties = definition.parameters.get("properties")
    schema = properties.get(name) if isinstance(properties, dict) else None
    if not isinstance(schema, dict):
        yield path, "must be the name of a declared parameter"
        return
    if schema.get("type") != "string":
        got = as_json(schema.get("type"))
        yield ("parameters", "properties", name, "type"), f'must be "string" for an identifier, got {got}'
    if "enum" in schema:
        yield ("parameters", "properties", name, "enum"), "is given by source.identifiers and not stated here"
    required = definition.parameters.get("required")
    if "default" not in schema and not (isinstance(required, list) and name in required):
        yield (
            ("parameters", "properties", name),
            "needs a default or must be required, since it is an identifier",
        )


def _in_order(names: Sequence[str]) -> str:
    return ", ".join(names)
