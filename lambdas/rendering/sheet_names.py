"""Names of sheets that Excel takes.

A name has 1 to 31 UTF-16 units, none of ``[ ] : * ? / \\`` or a control character, no apostrophe at its
ends, is not "History", and is unique in its workbook ignoring case (Microsoft Support, "Rename a
worksheet"; ECMA-376 part 1, section 18.2.19).
"""

import re

from rendering.text import clean

_MAX_UNITS = 31
_FORBIDDEN = re.compile(r"[\[\]:*?/\\\x00-\x1f\x7f-\x9f]+")


def utf16_length(text: str) -> int:
    """The length of ``text`` in UTF-16 units, as Excel counts."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2


def cut_utf16(text: str, units: int) -> str:
    """The longest start of ``text`` within ``units`` UTF-16 units; no surrogate pair is split."""
    if utf16_length(text) <= units:
        return text
    return text.encode("utf-16-le")[: units * 2].decode("utf-16-le", "ignore")


def sheet_name(title: str, *, fallback: str) -> str:
    """A name for a sheet about ``title``, or ``fallback`` when nothing of it can be kept."""
    name = re.sub(r"\s+", " ", _FORBIDDEN.sub(" ", clean(title)))
    # Cutting can leave a blank or an apostrophe at the end: strip once more.
    name = cut_utf16(name.strip(" '"), _MAX_UNITS).strip(" '")
    if not name:
        return fallback
    return f"{name}_" if name.casefold() == "history" else name


def unique_sheet_name(name: str, taken: set[str]) -> str:
    """``name``, with " (2)", " (3)" … after it when ``taken`` (names in casefold) has it; it is added."""
    candidate, number = name, 1
    while candidate.casefold() in taken:
        number += 1
        suffix = f" ({number})"
        candidate = f"{cut_utf16(name, _MAX_UNITS - len(suffix)).rstrip(' ' + chr(39))}{suffix}"
    taken.add(candidate.casefold())
    return candidate
