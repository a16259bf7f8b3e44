"""What is wrong with a value, in the project's words: the rule, the values allowed and the value got."""

from collections.abc import Mapping
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from reporting.wording import allowed, as_json

#: By pydantic's kinds of errors (https://docs.pydantic.dev/latest/errors/validation_errors/); the fields are
#: those of the error's context. The value is added to all but the first two, what is allowed to the second.
_RULES = {
    "missing": "is required",
    "extra_forbidden": "there is no such field",
    "string_type": "must be a string",
    "string_unicode": "must be a string of Unicode characters",
    "string_too_short": "must have {min_length} or more characters",
    "string_too_long": "must have {max_length} or fewer characters",
    "string_pattern_mismatch": "must match {pattern}",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "int_parsing_size": "must be a shorter number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "list_type": "must be an array",
    "tuple_type": "must be an array",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "dataclass_type": "must be an object",
    "too_short": "must have {min_length} or more entries",
    "too_long": "must have {max_length} or fewer entries",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "enum": "must be one of {expected}",
    "literal_error": "must be one of {expected}",
}


def phrase(details: ErrorDetails, model: type[BaseModel] | None = None) -> str:
    """The rule that the value of ``details`` breaks, and the value. ``model`` is the one that found it."""
    kind = details["type"]
    context = dict(details.get("ctx", {}))
    if "expected" in context:
        # Pydantic quotes as Python does: 'xlsx', 'pdf' or 'csv'.
        context["expected"] = context["expected"].replace("'", '"').replace(" or ", ", ")
    if kind == "extra_forbidden" and model is not None:
        *path, name = details["loc"]
        if (holder := _model_at(model, path)) is not None:
            names = allowed(holder.model_fields, got=str(name), place="the OpenAPI document")
            return f"there is no such field; {names}"
    if kind == "value_error":
        # Raised by a model of ours, whose text says all.
        return str(context["error"])
    rule = _RULES.get(kind)
    # A kind that is not listed keeps its own words rather than losing them.
    text = details["msg"] if rule is None else rule.format_map(context)
    if kind in ("missing", "extra_forbidden"):
        return text
    return f"{text}, got {_got(kind, details['input'], context)}"


def _got(kind: str, value: object, context: Mapping[str, Any]) -> str:
    if kind in ("too_short", "too_long"):
        return str(context["actual_length"])
    if kind in ("string_too_short", "string_too_long") and isinstance(value, str):
        return str(len(value))
    return shown(value)


def shown(value: object) -> str:
    """A value as JSON, and short: an error repeats only what the client itself has sent."""
    if isinstance(value, list | tuple | dict):
        return "an object" if isinstance(value, dict) else "an array"
    return as_json(value)


def _model_at(model: type[BaseModel], path: list[int | str]) -> type[BaseModel] | None:
    """The model of the object at ``path`` of what ``model`` describes."""
    found: type[BaseModel] | None = model
    for name in path:
        if isinstance(name, str) and found is not None:
            field = found.model_fields.get(name)
            found = None if field is None else _model_in(field.annotation)
    return found


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model that a field of this type holds, also as one of several or in a list."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_model_in, get_args(annotation))), None)
