"""The catalogue of report types: YAML definitions and their SQL, checked as a whole when loaded."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from rendering.model import Column, Format, Page, Table
from reporting.columns import table_problems
from reporting.definition import Definition, closed_parameters, field_problems, rule_problems
from reporting.parameter_problems import InvalidParameters, ParameterProblem
from reporting.parameters import ParameterSchema, parameter_schema, schema_problems
from reporting.positioned_yaml import Document, YamlProblem, read_yaml
from reporting.report_sql import BoundStatement, CompiledStatement, InvalidSql, compile_statement
from reporting.wording import as_text, listed

__all__ = [
    "Catalogue",
    "InvalidParameters",
    "InvalidReportTypes",
    "ParameterProblem",
    "ReportType",
    "load_report_types",
]

_MAX_LOGO_BYTES = 512 * 1024
_IMAGE_STARTS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")
_SLOT = re.compile(r"\{([a-z][a-z0-9_]*)\}")


class InvalidReportTypes(ValueError):
    """Definitions that can't be used; ``problems`` holds a line ``file:line: field: what`` for each."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportType:
    """One report type that is ready to run."""

    definition: Definition
    _parameters: ParameterSchema = field(repr=False)
    _statement: CompiledStatement = field(repr=False)
    _estimate: CompiledStatement | None = field(repr=False)
    #: The image file that the definition names.
    logo: bytes | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        return self.definition.name

    @property
    def title(self) -> str:
        return self.definition.title

    @property
    def description(self) -> str:
        return self.definition.description

    @property
    def default_format(self) -> Format:
        return self.definition.default_format

    @property
    def formats(self) -> tuple[Format, ...]:
        return tuple(self.definition.formats)

    @property
    def page(self) -> Page:
        return self.definition.layout.to_page()

    @property
    def about(self) -> bool:
        """Whether a workbook gets the sheet about the report."""
        return self.definition.about

    @property
    def timeout_seconds(self) -> int | None:
        """The report type's own statement time limit; ``None`` leaves that of the environment."""
        return self.definition.source.timeout_seconds

    @property
    def columns(self) -> tuple[Column, ...]:
        return tuple(column.to_column() for column in self.definition.columns)

    @property
    def parameter_schema(self) -> Mapping[str, Any]:
        """The JSON Schema (draft 2020-12) of the parameters, closed against unknown names."""
        return self._parameters.schema

    def validate_parameters(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Check ``parameters``, JSON values, and return them in the schema's order with defaults filled in.

        Raises ``InvalidParameters`` whose ``problems`` are (JSON pointer, detail, code), all at once.
        """
        return self._parameters.validate(parameters)

    def table(self, parameters: Mapping[str, Any]) -> Table:
        """The table that validated ``parameters`` give; they fill the subtitle."""
        subtitle = self.definition.subtitle
        if subtitle is not None:
            subtitle = _SLOT.sub(lambda slot: as_text(parameters.get(slot[1])), subtitle)
        return Table(
            title=self.title,
            subtitle=subtitle,
            columns=self.columns,
            **self.definition.design(),
        )

    def shown_parameters(self, parameters: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
        """(label, text) of each validated parameter that has a value, as ``Options.parameters`` has them."""
        return tuple(
            (str(schema.get("title", name)), as_text(parameters[name]))
            for name, schema in self._parameters.properties.items()
            if parameters.get(name) is not None
        )

    def statement(self, parameters: Mapping[str, Any]) -> BoundStatement:
        """The report's SQL with validated ``parameters`` bound."""
        return self._statement.bind(self._parameters.native(parameters))

    def estimate_statement(self, parameters: Mapping[str, Any]) -> BoundStatement | None:
        """The SQL that estimates the number of rows, or ``None`` for a report type without one."""
        if self._estimate is None:
            return None
        return self._estimate.bind(self._parameters.native(parameters))


class Catalogue(Mapping[str, ReportType]):
    """Report types by name, in order of their names. Immutable."""

    def __init__(self, report_types: Sequence[ReportType]) -> None:
        ordered = sorted(report_types, key=lambda report_type: report_type.name)
        self._by_name = {report_type.name: report_type for report_type in ordered}

    def __getitem__(self, name: str) -> ReportType:
        return self._by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)


def load_report_types(path: str | Path) -> Catalogue:
    """Load every ``*.yaml`` file of the folder ``path`` with the SQL files that they name.

    Raises ``InvalidReportTypes`` with the problems of all files at once. The rules about SQL are checked
    for a definition once its fields are right.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise InvalidReportTypes([f"{folder}: the folder of report types does not exist"])
    problems = [f"{file}:1: the file's name must end in .yaml" for file in sorted(folder.glob("*.yml"))]
    report_types: list[ReportType] = []
    for file in sorted(folder.glob("*.yaml")):
        try:
            report_types.append(_load(file))
        except InvalidReportTypes as error:
            problems.extend(error.problems)
    if problems:
        raise InvalidReportTypes(problems)
    return Catalogue(report_types)


class _Problems:
    """Collects the problems of one definition, each with the line of its field."""

    def __init__(self, file: Path, document: Document) -> None:
        self._file = file
        self._document = document
        self.lines: list[str] = []

    def add(self, path: tuple[str | int, ...], detail: str) -> None:
        self.add_at(self._file, self._document.line(path), path, detail)

    def add_at(self, file: Path, line: int, path: tuple[str | int, ...], detail: str) -> None:
        name = ".".join(str(part) for part in path)
        self.lines.append(f"{file}:{line}: {name}: {detail}" if name else f"{file}:{line}: {detail}")

    def check(self) -> None:
        if self.lines:
            raise InvalidReportTypes(self.lines)


def _load(file: Path) -> ReportType:
    document = _read(file)
    problems = _Problems(file, document)
    try:
        definition = Definition.model_validate(document.value)
    except ValidationError as error:
        for path, detail in field_problems(error):
            problems.add(path, detail)
        if isinstance(document.value, dict):
            _check_table(document.value, problems)
            if isinstance(schema := document.value.get("parameters"), dict):
                _check_schema(schema, problems)
        raise InvalidReportTypes(problems.lines) from error
    if definition.name != file.stem:
        problems.add(("name",), f"must equal the file's name, got {definition.name}; allowed: {file.stem}")
    _check_table(document.value, problems)
    for path, detail in rule_problems(definition):
        problems.add(path, detail)
    closed = closed_parameters(definition)
    _check_schema(closed, problems)
    problems.check()

    parameters = parameter_schema(closed)
    _check_subtitle(definition, parameters, problems)
    statement, estimate = _compile(file, definition, parameters, problems)
    logo = _logo(file, definition, problems)
    problems.check()
    assert statement is not None  # noqa: S101 - a statement that does not compile is a problem
    return ReportType(
        definition=definition, _parameters=parameters, _statement=statement, _estimate=estimate, logo=logo
    )


def _read(file: Path) -> Document:
    try:
        return read_yaml(file.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise InvalidReportTypes([f"{file}:1: the file is not UTF-8: byte {error.start}"]) from error
    except YamlProblem as error:
        raise InvalidReportTypes([f"{file}:{error.line}: {error.detail}"]) from error


def _check_table(table: Mapping[str, Any], problems: _Problems) -> None:
    for path, detail in table_problems(table):
        problems.add(path, detail)


def _check_schema(schema: Mapping[str, Any], problems: _Problems) -> None:
    for path, detail in schema_problems(schema):
        problems.add(("parameters", *path), detail)


def _logo(file: Path, definition: Definition, problems: _Problems) -> bytes | None:
    if definition.logo is None:
        return None
    try:
        data = (file.parent / definition.logo).read_bytes()
    except FileNotFoundError:
        problems.add(("logo",), f"there is no file {definition.logo} beside the definition")
        return None
    if len(data) > _MAX_LOGO_BYTES:
        problems.add(
            ("logo",), f"must have at most {_MAX_LOGO_BYTES} bytes, {definition.logo} has {len(data)}"
        )
    elif not data.startswith(_IMAGE_STARTS):
        problems.add(("logo",), f"must be a PNG or JPEG file, {definition.logo} is neither")
    return data


def _check_subtitle(definition: Definition, parameters: ParameterSchema, problems: _Problems) -> None:
    for name in _SLOT.findall(definition.subtitle or ""):
        if name not in parameters.properties:
            detail = f"{{{name}}} is no parameter; declared: {listed(parameters.properties)}"
            problems.add(("subtitle",), detail)


def _compile(
    file: Path, definition: Definition, parameters: ParameterSchema, problems: _Problems
) -> tuple[CompiledStatement | None, CompiledStatement | None]:
    """The statement and its estimate, each ``None`` if it has problems."""
    source, declared = definition.source, parameters.properties.keys()
    statement = estimate = None
    sql = _sql(file, source.sql, ("source", "sql"), problems)
    if sql is not None:
        statement = _checked(definition, parameters, sql, problems)
    if statement is not None:
        used = statement.parameters | statement.slots
        for name in sorted(declared - used):
            detail = f"is not used in {source.sql}: it would have no effect"
            problems.add(("parameters", "properties", name), detail)
        for name in sorted(source.identifiers.keys() - statement.slots):
            problems.add(("source", "identifiers", name), f"{{{name}}} is not used in {source.sql}")
    if source.estimate_sql is not None:
        sql = _sql(file, source.estimate_sql, ("source", "estimate_sql"), problems)
        if sql is not None:
            estimate = _checked(definition, parameters, sql, problems)
    return statement, estimate


@dataclass(frozen=True, slots=True)
class _Sql:
    """``file`` is ``None`` for a statement that stands in the YAML file itself."""

    text: str
    path: tuple[str, ...]
    file: Path | None


def _sql(definition_file: Path, value: str, path: tuple[str, ...], problems: _Problems) -> _Sql | None:
    if any(character.isspace() for character in value):
        return _Sql(value, path, None)
    file = definition_file.parent / value
    try:
        return _Sql(file.read_text(encoding="utf-8"), path, file)
    except FileNotFoundError:
        problems.add(path, f"there is no file {value} beside the definition")
    except UnicodeDecodeError as error:
        problems.add_at(file, 1, path, f"the file is not UTF-8: byte {error.start}")
    return None


def _checked(
    definition: Definition, parameters: ParameterSchema, sql: _Sql, problems: _Problems
) -> CompiledStatement | None:
    try:
        return compile_statement(
            sql.text,
            parameters=parameters.properties,
            lists=parameters.lists,
            identifiers=definition.source.identifiers,
        )
    except InvalidSql as error:
        for problem in error.problems:
            if sql.file is None:
                problems.add(sql.path, problem.detail)
            else:
                problems.add_at(sql.file, problem.line, sql.path, problem.detail)
    return None
