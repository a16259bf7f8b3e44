"""Regular expressions of JSON Schema, which are those of ECMA-262, for Python's ``re``.

JSON Schema Core 2020-12, section 6.4. Python's ``$`` also matches before a line feed at the end, its ``.``
takes every line break but that one, and its ``\\d`` and ``\\w`` know the digits and letters of all scripts.
"""

import re
from functools import lru_cache

#: An escape, the beginning of a class with a bracket that is its first member, or a character.
_TOKEN = re.compile(r"\\.|\[\^?\]?|.", re.DOTALL)
_PLACES = {"$": r"\Z", ".": r"[^\n\r\u2028\u2029]"}
#: The members of a class, and whether it is all but those.
_CLASSES = {
    r"\d": ("0-9", False),
    r"\D": ("0-9", True),
    r"\w": ("A-Za-z0-9_", False),
    r"\W": ("A-Za-z0-9_", True),
}


@lru_cache(maxsize=256)
def compiled(pattern: str) -> re.Pattern[str]:
    """``pattern`` of a schema that was checked to be a regular expression."""
    return re.compile("".join(_translated(pattern)))


def _translated(pattern: str) -> list[str]:
    parts: list[str] = []
    in_class = False
    for found in _TOKEN.finditer(pattern):
        token = found.group()
        if token in _CLASSES:
            members, negated = _CLASSES[token]
            if not in_class:
                token = f"[{'^' if negated else ''}{members}]"
            elif not negated:
                token = members
        elif in_class:
            in_class = token[0] == "\\" or token[-1] != "]"
            # Python would warn of a class in a class.
            token = f"\\{token}" if token[0] == "[" else token
        elif token[0] == "[":
            in_class = True
        else:
            token = _PLACES.get(token, token)
        parts.append(token)
    return parts
