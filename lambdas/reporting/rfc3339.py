"""Dates and times as RFC 3339, section 5.6, writes them."""

import re
from datetime import UTC, date, datetime

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DATE_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-5][0-9])"
)


def parse_date(text: str) -> date:
    """A full-date: ``2026-01-31``. Raises ``ValueError``."""
    if not _DATE.fullmatch(text):
        raise ValueError("not a date of the form YYYY-MM-DD")
    return date.fromisoformat(text)


def parse_date_time(text: str) -> datetime:
    """A date-time, converted to UTC; its offset is required.

    Digits after the sixth of a fraction are dropped. Raises ``ValueError``.
    """
    if not _DATE_TIME.fullmatch(text):
        raise ValueError("not a date-time of the form YYYY-MM-DDThh:mm:ssZ")
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except OverflowError as error:
        raise ValueError("outside the years 0001 to 9999") from error
