"""Cursors of listings: a position as text that callers hand back and need not understand."""

import base64

from reporting.errors import InvalidRequest, Problem
from reporting.wording import as_json


def encode_cursor(position: str) -> str:
    return base64.urlsafe_b64encode(position.encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> str:
    """The position; raises :class:`ValueError` for text that :func:`encode_cursor` can't have made."""
    return base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()


def unknown_cursor(cursor: str) -> ValueError:
    return ValueError(f"is not one that a listing has given out, got {as_json(cursor)}")


def bad_cursor(detail: str) -> InvalidRequest:
    return InvalidRequest([Problem(pointer="", detail=f"cursor: {detail}", code="invalid_cursor")])
