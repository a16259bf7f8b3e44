"""Text on a page: what can be drawn, and where lines break."""

import re
import unicodedata
from collections.abc import Callable

_TAB = "    "
#: Characters without a picture of their own: C1 controls, soft hyphen, zero-width and bidirectional
#: marks, variation selectors and tags.
INVISIBLE = re.compile(
    "[\x7f-\x9f\u00ad\u034f\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e0fff]"
)
#: Hebrew, Arabic and their relatives with their presentation forms.
_RIGHT_TO_LEFT = re.compile(
    "[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]"
)
#: Blanks, single characters of scripts without blanks, and words.
_UNSPACED = "\u2e80-\u2fdf\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORDS = re.compile(f" +|[{_UNSPACED}]|[^ {_UNSPACED}]+")


def drawable(text: str) -> str:
    """``text`` with LF line breaks, tabs as blanks, and without characters that have no picture.

    Several blanks in a row are kept.
    """
    if text.isprintable() and (text.isascii() or not INVISIBLE.search(text)):
        return text
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    return INVISIBLE.sub("", text.replace("\t", _TAB))


def is_right_to_left(text: str) -> bool:
    """Whether any letter belongs to a script that is written from right to left."""
    return not text.isascii() and _RIGHT_TO_LEFT.search(text) is not None


def wrap(text: str, *, width: Callable[[str], float], limit: float) -> list[str]:
    """Lines of ``text`` that are at most ``limit`` wide, as ``width`` measures.

    They are broken at blanks, between Chinese or Japanese characters, and inside words that are too long.
    """
    lines: list[str] = []
    for paragraph in text.split("\n"):
        if width(paragraph) <= limit:
            lines.append(paragraph)
        else:
            lines += _wrap_paragraph(paragraph, width=width, limit=limit)
    return lines


def _wrap_paragraph(text: str, *, width: Callable[[str], float], limit: float) -> list[str]:
    lines: list[str] = []
    line, used = "", 0.0
    for word in _WORDS.findall(text):
        needed = width(word)
        if used + needed <= limit:
            line, used = line + word, used + needed
            continue
        if word.isspace():
            # The blanks at which a line breaks are not drawn.
            lines.append(line)
            line, used = "", 0.0
            continue
        if line:
            lines.append(line.rstrip(" "))
        pieces = [word] if needed <= limit else _pieces(word, width=width, limit=limit)
        lines += pieces[:-1]
        line, used = pieces[-1], width(pieces[-1])
    if line:
        lines.append(line)
    return lines


def _pieces(word: str, *, width: Callable[[str], float], limit: float) -> list[str]:
    """``word`` in pieces at most ``limit`` wide, of at least one character with its marks each."""
    pieces: list[str] = []
    start, used = 0, 0.0
    for index, character in enumerate(word):
        advance = width(character)
        if used + advance > limit and index > start and not unicodedata.combining(character):
            pieces.append(word[start:index])
            start, used = index, 0.0
        used += advance
    pieces.append(word[start:])
    return pieces


def clip(lines: list[str], most: int) -> list[str]:
    """At most ``most`` lines; a cut ends in "…"."""
    if len(lines) <= most:
        return lines
    return [*lines[: most - 1], f"{lines[most - 1][:-1]}…"]
