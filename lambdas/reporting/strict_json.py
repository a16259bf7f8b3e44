"""JSON as RFC 7493 (I-JSON) wants it: one meaning for every reader, or an error that says where.

Python's own reader takes NaN, the last of two equal keys and lone surrogates; each of them changes or
loses data later. Decimals are read exactly, as :class:`decimal.Decimal`.
"""

import json
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Never

from reporting.errors import MalformedBody

MAX_DEPTH = 32
#: The range of an IEEE 754 double, which is what other readers of the same body have (RFC 7493, 2.2).
_MAX_EXPONENT = 308
_MAX_DIGITS = 400
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")


def parse_object(data: bytes) -> dict[str, Any]:
    """Read a JSON object from UTF-8 bytes; a leading byte order mark is ignored (RFC 8259, 8.1).

    Raises :class:`MalformedBody` whose code is one of ``empty_body``, ``invalid_utf8``,
    ``invalid_json``, ``duplicate_key``, ``number_out_of_range``, ``invalid_unicode``,
    ``nesting_too_deep``, ``not_an_object``.
    """
    if not data.strip():
        raise MalformedBody("empty_body", "The body is empty; send a JSON object.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise MalformedBody(
            "invalid_utf8", f"The body is not UTF-8: byte {error.start} can't be read."
        ) from error
    try:
        value = parse_value(text)
    except json.JSONDecodeError as error:
        detail = f"{said(error)} at line {error.lineno}, column {error.colno}."
        raise MalformedBody("invalid_json", detail) from error
    if not isinstance(value, dict):
        raise MalformedBody("not_an_object", f"The body is {json_kind(value)}; send a JSON object.")
    return value


def parse_value(text: str) -> Any:
    """Read any JSON value.

    Raises :class:`json.JSONDecodeError`, and :class:`MalformedBody` with the codes of :func:`parse_object`
    that are about a value.
    """
    try:
        value = _DECODER.decode(text)
    except RecursionError as error:
        raise MalformedBody("nesting_too_deep", f"Values nest deeper than {MAX_DEPTH} levels.") from error
    _check(value, surrogates=_SURROGATE_ESCAPE.search(text) is not None)
    return value


def said(error: json.JSONDecodeError) -> str:
    """What is wrong; some of Python's words end in front of a place that is told in another way."""
    return error.msg.removesuffix(" at").removesuffix(" starting")


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                shown = name.encode("utf-8", "backslashreplace").decode()
                raise MalformedBody("duplicate_key", f"The key {shown!r} stands twice in one object.")
            seen.add(name)
    return members


def _integer(text: str) -> int:
    if len(text) > _MAX_EXPONENT:
        raise MalformedBody("number_out_of_range", f"A number with {len(text)} digits is out of range.")
    return int(text)


def _decimal(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = None
    if number is None or len(text) > _MAX_DIGITS or (number and abs(number.adjusted()) > _MAX_EXPONENT):
        raise MalformedBody("number_out_of_range", f"The number {text[:40]} is out of range.")
    return number


def _constant(name: str) -> Never:
    raise MalformedBody("invalid_json", f"{name} is not a JSON value.")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_members, parse_float=_decimal, parse_int=_integer, parse_constant=_constant
)


def _check(value: object, *, surrogates: bool) -> None:
    """Refuse what is too deep and, where the text had an escape that could be one, lone surrogates."""
    # A list instead of recursion, so that depth is counted and never the interpreter's stack.
    stack: list[tuple[object, str, int]] = [(value, "", 1)]
    while stack:
        item, pointer, depth = stack.pop()
        if depth > MAX_DEPTH:
            detail = f"Values nest deeper than {MAX_DEPTH} levels."
            raise MalformedBody("nesting_too_deep", detail, pointer=pointer)
        if isinstance(item, dict):
            for name, member in item.items():
                place = f"{pointer}/{escape(name)}"
                if surrogates:
                    _check_text(name, place)
                if surrogates or isinstance(member, dict | list):
                    stack.append((member, place, depth + 1))
        elif isinstance(item, list):
            for index, member in enumerate(item):
                if isinstance(member, dict | list) or (surrogates and isinstance(member, str)):
                    stack.append((member, f"{pointer}/{index}", depth + 1))
        elif isinstance(item, str):
            _check_text(item, pointer)


def _check_text(text: str, pointer: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        place = pointer.encode("utf-8", "backslashreplace").decode()
        detail = f"Half of a surrogate pair at character {error.start} is not a character."
        raise MalformedBody("invalid_unicode", detail, pointer=place) from error


def escape(token: str) -> str:
    """One reference token of a JSON Pointer (RFC 6901, section 3)."""
    return token.replace("~", "~0").replace("/", "~1")


def json_kind(value: object) -> str:
    """What JSON calls a value, for a sentence."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | Decimal():
            return "a number"
        case str():
            return "a string"
        case Mapping():
            return "an object"
        case _:
            return "an array"
