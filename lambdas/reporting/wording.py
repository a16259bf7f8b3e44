"""Values and names as messages show them: values as JSON, names as they are written."""

from collections.abc import Iterable
from decimal import Decimal
from difflib import get_close_matches

import simplejson

_MOST_SHOWN = 40
_MOST_LISTED = 300
#: Comparing two names takes long if both are, and a request may hold many of either.
_MOST_COMPARED = 200
_NEAR = 0.7


def as_text(value: object) -> str:
    """A parameter for people: lists joined with commas, decimals without an exponent."""
    match value:
        case bool():
            return "true" if value else "false"
        case Decimal():
            return format(value, "f")
        case list() | tuple():
            return ", ".join(as_text(item) for item in value)
        case None:
            return ""
        case _:
            return str(value)


def as_json(value: object) -> str:
    """A value as JSON, cut to 40 characters, since errors are logged and shown."""
    text = simplejson.dumps(value, use_decimal=True, allow_nan=True, ensure_ascii=False, default=as_text)
    # A query can bring halves of surrogate pairs, which no answer can hold.
    text = text.encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= _MOST_SHOWN else f"{text[: _MOST_SHOWN - 1]}…"


def allowed(names: Iterable[str], *, got: str, place: str) -> str:
    """The names that can stand where ``got`` does; of a long list those near to it, and its ``place``."""
    names = sorted(names)
    text = listed(names)
    if len(text) <= _MOST_LISTED:
        return f"allowed: {text}"
    near = get_close_matches(got[:_MOST_SHOWN], names[:_MOST_COMPARED], cutoff=_NEAR)
    return f"{f'near ones: {listed(near)}; ' if near else ''}all {len(names)} are in {place}"


def listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"
