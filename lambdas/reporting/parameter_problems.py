"""Says what is wrong with a parameter: what the schema asks for, and the value that it got."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from jsonschema.exceptions import ValidationError

from reporting.strict_json import escape, json_kind
from reporting.wording import allowed, as_json, as_text

FORMAT_EXAMPLES = {"date": "2026-01-31", "date-time": "2026-01-31T12:00:00Z"}

_CODES = {
    "required": "required",
    "dependentRequired": "required",
    "additionalProperties": "unknown_field",
    "type": "wrong_type",
    "enum": "not_allowed",
    "const": "not_allowed",
    "minimum": "out_of_range",
    "maximum": "out_of_range",
    "exclusiveMinimum": "out_of_range",
    "exclusiveMaximum": "out_of_range",
    "minLength": "out_of_range",
    "maxLength": "out_of_range",
    "minItems": "out_of_range",
    "maxItems": "out_of_range",
}

# By keyword: jsonschema's own messages show Python's form of a value, at any length.
_DETAILS = {
    "type": "must be of type {limit}, got {got} ({kind})",
    "enum": "must be one of {limit}, got {got}",
    "const": "must be {limit}, got {got}",
    "format": "must be a {limit} such as {example}, got {got}",
    "pattern": "must match {limit}, got {got}",
    "minimum": "must be at least {limit}, got {got}",
    "maximum": "must be at most {limit}, got {got}",
    "exclusiveMinimum": "must be more than {limit}, got {got}",
    "exclusiveMaximum": "must be less than {limit}, got {got}",
    "multipleOf": "must be a multiple of {limit}, got {got}",
    "minLength": "must have at least {limit} characters, has {size}",
    "maxLength": "must have at most {limit} characters, has {size}",
    "minItems": "must have at least {limit} items, has {size}",
    "maxItems": "must have at most {limit} items, has {size}",
    "uniqueItems": "must not hold an item twice",
}


class ParameterProblem(NamedTuple):
    """``pointer`` is an RFC 6901 JSON Pointer into the parameters, ``code`` stable for programs."""

    pointer: str
    detail: str
    code: str


class InvalidParameters(ValueError):
    """Parameters that their schema refuses; ``problems`` holds every one that was found."""

    def __init__(self, problems: Sequence[ParameterProblem]) -> None:
        super().__init__("; ".join(f"{problem.pointer}: {problem.detail}" for problem in problems))
        self.problems = tuple(problems)


def problems_of(error: ValidationError) -> Iterator[ParameterProblem]:
    """One problem a field: ``required`` and ``additionalProperties`` can be about several."""
    pointer = "".join(f"/{escape(str(part))}" for part in error.absolute_path)
    keyword = str(error.validator)
    code = _CODES.get(keyword, "invalid_value")
    instance: Any = error.instance
    limit: Any = error.validator_value
    if keyword == "required":
        for name in limit:
            if name not in instance:
                yield ParameterProblem(f"{pointer}/{escape(name)}", "is required", code)
    elif keyword == "additionalProperties":
        schema: Any = error.schema
        for name in instance.keys() - schema["properties"].keys():
            names = allowed(schema["properties"], got=name, place="GET /report-types/{name}")
            detail = f"there is no such parameter; {names}"
            yield ParameterProblem(f"{pointer}/{escape(name)}", detail, code)
    else:
        yield ParameterProblem(pointer, detail_of(error), code)


def detail_of(error: ValidationError) -> str:
    """What was wrong, the value got and what is allowed."""
    keyword, limit, instance = str(error.validator), error.validator_value, error.instance
    template = _DETAILS.get(keyword, f"breaks the rule {keyword} of the schema")
    return template.format(
        limit=_limit(keyword, limit),
        got=as_json(instance),
        kind=json_kind(instance),
        size=len(instance) if isinstance(instance, str | list) else 0,
        example=FORMAT_EXAMPLES.get(str(limit), ""),
    )


def _limit(keyword: str, limit: object) -> str:
    if isinstance(limit, list):
        return " or ".join(limit) if keyword == "type" else ", ".join(as_json(item) for item in limit)
    return as_text(limit)
