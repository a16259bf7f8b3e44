"""The parameters of a report type: a JSON Schema (draft 2020-12) that is checked and then applied.

A parameter is bound to SQL as one value or as a list of values, so each property is a scalar or an array
of scalars. Numbers are ``int`` and ``Decimal`` as the body's reader gives them; binary floats are taken
by their shortest decimal form.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from decimal import Context, Decimal, localcontext
from typing import Any, NamedTuple

from jsonschema import FormatChecker
from jsonschema.exceptions import SchemaError, ValidationError
from jsonschema.validators import Draft202012Validator, extend

from reporting.parameter_problems import (
    FORMAT_EXAMPLES,
    InvalidParameters,
    ParameterProblem,
    detail_of,
    problems_of,
)
from reporting.patterns import compiled
from reporting.rfc3339 import parse_date, parse_date_time
from reporting.strict_json import escape
from reporting.wording import as_json, listed

type Path = tuple[str | int, ...]

_SCALAR_TYPES = frozenset({"string", "integer", "number", "boolean", "null"})
# Keywords that would let in a name that `properties` does not declare, or a schema from elsewhere.
_REFUSED_KEYWORDS = ("patternProperties", "unevaluatedProperties", "$ref", "$dynamicRef", "$id", "$defs")
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
#: What DECIMAL of MySQL holds: 65 digits, 30 of them after the point.
_MAX_DIGITS = 65
_MAX_SCALE = 30
_INTEGER_LIMIT: int = 10**_MAX_DIGITS

_FORMATS = FormatChecker(formats=())


@_FORMATS.checks("date", raises=ValueError)
def _is_date(value: object) -> bool:
    return not isinstance(value, str) or bool(parse_date(value))


@_FORMATS.checks("date-time", raises=ValueError)
def _is_date_time(value: object) -> bool:
    return not isinstance(value, str) or bool(parse_date_time(value))


def _is_integer(_checker: object, value: object) -> bool:
    """JSON Schema counts 1.0 as an integer; a boolean is none."""
    if isinstance(value, bool):
        return False
    return isinstance(value, int) or (isinstance(value, Decimal) and value == value.to_integral_value())


def _pattern(_validator: object, pattern: str, value: object, _schema: object) -> Iterator[ValidationError]:
    if isinstance(value, str) and not compiled(pattern).search(value):
        yield ValidationError("the text does not match the pattern")


_Validator: Any = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    validators={"pattern": _pattern},
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_integer),
)


class SchemaProblem(NamedTuple):
    """``path`` leads into the schema."""

    path: Path
    detail: str


@dataclass(frozen=True, slots=True)
class ParameterSchema:
    """A checked schema. Build it with :func:`parameter_schema`."""

    schema: Mapping[str, Any]
    _validator: Any = field(repr=False, compare=False)

    @property
    def properties(self) -> Mapping[str, Mapping[str, Any]]:
        found: Mapping[str, Mapping[str, Any]] = self.schema["properties"]
        return found

    @property
    def lists(self) -> frozenset[str]:
        """The names of the parameters whose value is a list."""
        return frozenset(name for name, schema in self.properties.items() if "array" in _types(schema))

    def validate(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """A new dict of ``parameters`` in the schema's order, with its defaults filled in.

        Integers written as ``1.0`` come back as ``int``. Raises ``InvalidParameters`` with every problem.
        """
        properties = self.properties
        values = {name: schema["default"] for name, schema in properties.items() if "default" in schema}
        values |= {name: _exact(value) for name, value in parameters.items()}
        problems = list(_number_problems(values))
        # The schema's rules can't calculate with such numbers and see null in their place.
        told = {problem.pointer for problem in problems}
        readable = {name: None if f"/{escape(name)}" in told else value for name, value in values.items()}
        with _exact_arithmetic():
            for error in self._validator.iter_errors(readable):
                problems.extend(problem for problem in problems_of(error) if problem.pointer not in told)
        if problems:
            raise InvalidParameters(sorted(set(problems)))
        return {
            name: _with_integers(values[name], schema)
            for name, schema in properties.items()
            if name in values
        }

    def native(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Validated ``parameters`` as values to bind: strings with a date format become dates."""
        return {name: _native(value, self.properties[name]) for name, value in parameters.items()}


def parameter_schema(schema: Mapping[str, Any]) -> ParameterSchema:
    """Close ``schema`` (``type: object``, ``additionalProperties: false``) and compile it.

    Call it only on a schema in which :func:`schema_problems` finds none.
    """
    closed = {"type": "object", "properties": {}, **schema, "additionalProperties": False}
    return ParameterSchema(closed, _Validator(closed, format_checker=_FORMATS))


def schema_problems(schema: Mapping[str, Any]) -> Iterator[SchemaProblem]:
    """Everything that keeps ``schema`` from describing parameters."""
    try:
        _Validator.check_schema(schema)
    except SchemaError as error:
        yield SchemaProblem(tuple(error.absolute_path), f"is not JSON Schema: {error.message}")
        return
    for keyword, needed in (("type", "object"), ("additionalProperties", False), ("$schema", _DIALECT)):
        if (value := schema.get(keyword, needed)) != needed:
            yield SchemaProblem((keyword,), f"must be {as_json(needed)}, got {as_json(value)}")
    for path in _refused_keywords(schema, ()):
        yield SchemaProblem(path, f"{path[-1]} is not allowed: each parameter is declared by its name")
    properties = schema.get("properties", {})
    for name, definition in properties.items():
        yield from _property_problems(name, definition)
    for name in schema.get("required", []):
        if name not in properties:
            detail = f"{as_json(name)} is not declared; declared: {listed(properties)}"
            yield SchemaProblem(("required",), detail)


def _refused_keywords(schema: object, path: Path) -> Iterator[Path]:
    """Paths of refused keywords, also in ``allOf`` and the like; property names are no keywords."""
    if isinstance(schema, Mapping):
        for key, value in schema.items():
            if path[-1:] != ("properties",) and key in _REFUSED_KEYWORDS:
                yield (*path, key)
            elif key not in ("default", "enum", "const", "examples"):
                yield from _refused_keywords(value, (*path, key))
    elif isinstance(schema, Sequence) and not isinstance(schema, str):
        for index, value in enumerate(schema):
            yield from _refused_keywords(value, (*path, index))


def _property_problems(name: str, schema: object) -> Iterator[SchemaProblem]:
    path = ("properties", name)
    if not _NAME.fullmatch(name):
        yield SchemaProblem(path, f"a parameter's name must match [a-z][a-z0-9_]*, got {as_json(name)}")
    if not isinstance(schema, Mapping):
        yield SchemaProblem(path, f"must be a schema with a type, got {as_json(schema)}")
        return
    yield from _value_problems(path, schema, _SCALAR_TYPES | {"array"})
    if "array" in _types(schema):
        items = schema.get("items")
        if isinstance(items, Mapping):
            yield from _value_problems((*path, "items"), items, _SCALAR_TYPES)
        else:
            yield SchemaProblem((*path, "items"), "an array needs items with a scalar type")
        if scalars := _types(schema) & (_SCALAR_TYPES - {"null"}):
            yield SchemaProblem((*path, "type"), f"must be either array or {listed(scalars)}, not both")
    if "default" in schema:
        if unfit := list(_number_problems({name: _exact(schema["default"])})):
            # Each request that leaves the parameter out would be refused.
            yield from (SchemaProblem((*path, "default"), problem.detail) for problem in unfit)
            return
        with _exact_arithmetic():
            for error in _Validator(schema, format_checker=_FORMATS).iter_errors(schema["default"]):
                yield SchemaProblem((*path, "default"), detail_of(error))


def _value_problems(
    path: Path, schema: Mapping[str, Any], allowed: frozenset[str]
) -> Iterator[SchemaProblem]:
    types = _types(schema)
    if not types or not types <= allowed:
        detail = f"must be one of {listed(allowed)}, got {as_json(schema.get('type'))}"
        yield SchemaProblem((*path, "type"), detail)
    name = schema.get("format")
    if name is not None and name not in FORMAT_EXAMPLES:
        yield SchemaProblem(
            (*path, "format"), f"must be one of {listed(FORMAT_EXAMPLES)}, got {as_json(name)}"
        )


def _types(schema: Mapping[str, Any]) -> frozenset[str]:
    types = schema.get("type", ())
    return frozenset([types] if isinstance(types, str) else types)


def _exact(value: Any) -> Any:
    match value:
        case float():
            return Decimal(repr(value))
        case list() | tuple():
            return [_exact(item) for item in value]
        case _:
            return value


def _exact_arithmetic() -> AbstractContextManager[Context]:
    """``multipleOf`` divides: enough digits for any number that passes ``_number_problems``."""
    return localcontext(Context(prec=2 * (_MAX_DIGITS + _MAX_SCALE)))


def _number_problems(values: Mapping[str, Any]) -> Iterator[ParameterProblem]:
    for name, value in values.items():
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, int | Decimal) and not _fits(item):
                rule = f"must be a number of at most {_MAX_DIGITS} digits, {_MAX_SCALE} after the point"
                yield ParameterProblem(f"/{escape(name)}", f"{rule}, got {as_json(item)}", "out_of_range")


def _fits(number: int | Decimal) -> bool:
    if isinstance(number, int):
        return abs(number) < _INTEGER_LIMIT
    exponent = number.as_tuple().exponent
    return isinstance(exponent, int) and exponent >= -_MAX_SCALE and number.adjusted() < _MAX_DIGITS


def _with_integers(value: Any, schema: Mapping[str, Any]) -> Any:
    """Turn 1.0 into 1 where the schema asks for integers, so that equal requests are stored equal."""
    if isinstance(value, list):
        return [_with_integers(item, schema["items"]) for item in value]
    if isinstance(value, Decimal) and "integer" in _types(schema) and "number" not in _types(schema):
        return int(value)
    return value


def _native(value: Any, schema: Mapping[str, Any]) -> Any:
    if isinstance(value, list):
        return [_native(item, schema["items"]) for item in value]
    if isinstance(value, str):
        match schema.get("format"):
            case "date":
                return parse_date(value)
            case "date-time":
                return parse_date_time(value)
    return value
