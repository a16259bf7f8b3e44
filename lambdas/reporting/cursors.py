"""Cursors of listings: a position as text that callers hand back and need not understand."""

import base64

from reporting.errors import InvalidRequest, Problem


def encode_cursor(position: str) -> str:
    return base64.urlsafe_b64encode(position.encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> str:
    """The position; raises :class:`ValueError` for text that :func:`encode_cursor` has not made."""
    return base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()


def bad_cursor(detail: str = "cursor is not one that a listing has given out") -> InvalidRequest:
    return InvalidRequest([Problem(pointer="", detail=detail, code="invalid_cursor")])
