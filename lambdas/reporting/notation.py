"""How the values of a CSV file are written, as a client declares it: never guessed."""

import re
from dataclasses import dataclass
from typing import Literal

type Delimiter = Literal[",", ";", "\t", "|"]
type Encoding = Literal["utf-8", "utf-16", "windows-1252", "iso-8859-1"]

#: Orders of day, month and year, and their separators. ``D`` and ``M`` take one digit or two.
DATE_FORMAT = re.compile(
    r"(?:DD?([/.-])MM?\1YYYY|MM?([/.-])DD?\2YYYY|YYYY([/.-])MM?\3DD?)",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Notation:
    """How values are written. ``None`` is the notation of programs: ``-1234.5`` and ISO 8601.

    ``locale`` is a BCP 47 tag and decides on the signs of numbers; ``date_format`` is like ``DD/MM/YYYY`` and
    is how dates, and the days of datetimes, are written. ``empty_as_null`` makes an empty field of a string
    column blank, where it is a text of no characters otherwise.
    """

    locale: str | None = None
    date_format: str | None = None
    empty_as_null: bool = False
