"""Text on a page: what can be drawn, and where lines break."""

import re
import unicodedata
from collections.abc import Callable, Iterator

from rendering.pdf_shaping import base_level

_TAB = "    "
_MARKS = ("Mn", "Me")
_JOINERS = "\u200c\u200d"
#: Characters without a picture of their own: C1 controls, soft hyphen, zero-width and bidirectional
#: marks, variation selectors and tags.
INVISIBLE = re.compile(
    "[\x7f-\x9f\u00ad\u034f\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e0fff]"
)
_LETTERS = "\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff"
#: Hebrew, Arabic and their relatives with their presentation forms.
_RIGHT_TO_LEFT = re.compile(f"[{_LETTERS}]")
_PICTURE = "[\xa9\xae\u203c-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001f1e5\U0001f200-\U0001faff]"
_TONED = f"{_PICTURE}(?:\ufe0f|[\U0001f3fb-\U0001f3ff])?"
#: Several characters that are one picture (UTS 51): flags, keycaps, skin tones, and what is joined.
SEQUENCE = re.compile(
    "[\U0001f1e6-\U0001f1ff]{2}|[0-9#*]\ufe0f?\u20e3"
    f"|(?=..){_TONED}(?:[\U000e0020-\U000e007e]+\U000e007f|(?:\u200d{_TONED})+)"
    f"|{_PICTURE}(?:\ufe0f|[\U0001f3fb-\U0001f3ff])"
)
#: What is not drawn one character after the other.
_SHAPED = re.compile(
    f"[{_LETTERS}\u200c-\u200f\u20e3\ufe0f\U0001f1e6-\U0001f1ff\U0001f3fb-\U0001f3ff\U000e007f]"
)
#: Invisible characters, but for those that join and part letters of scripts which are written joined.
_DROPPED = re.compile(f"(?P<kept>{SEQUENCE.pattern}|(?<=[{_LETTERS}])[\u200c\u200d])|{INVISIBLE.pattern}")
#: Blanks, words, and single characters of scripts without blanks, with the signs that stay beside them.
_UNSPACED = "\u2e80-\u2fdf\u3005-\u3007\u3040-\u3098\u309b-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_OPENING = "\u3008\u300a\u300c\u300e\u3010\u3014\uff08"
_CLOSING = (
    "\u3001\u3002\u3009\u300b\u300d\u300f\u3011\u3015\u3099\u309a\uff01\uff09\uff0c\uff0e\uff1a\uff1b\uff1f"
)
_WORDS = re.compile(f" +|[{_OPENING}]*[{_UNSPACED}][{_CLOSING}]*|[^ {_UNSPACED}]+")


def drawable(text: str) -> str:
    """``text`` with LF line breaks, tabs as blanks, and without characters that have no picture.

    Several blanks in a row are kept.
    """
    if text.isprintable() and (text.isascii() or not INVISIBLE.search(text)):
        return text
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    return _DROPPED.sub(lambda match: match["kept"] or "", text.replace("\t", _TAB))


def is_right_to_left(text: str) -> bool:
    """Whether any letter belongs to a script that is written from right to left."""
    return not text.isascii() and _RIGHT_TO_LEFT.search(text) is not None


def is_shaped(text: str) -> bool:
    """Whether more goes into drawing ``text`` than its characters one after the other."""
    return not text.isascii() and _SHAPED.search(text) is not None


def wrap(text: str, *, width: Callable[[str], float], limit: float) -> list[str]:
    """Lines of ``text`` that are at most ``limit`` wide, as ``width`` measures.

    They are broken at blanks, between Chinese or Japanese characters, and inside words that are too long.
    A line that would run in another direction than its paragraph begins with a mark that keeps it.
    """
    lines: list[str] = []
    for paragraph in text.split("\n"):
        if width(paragraph) <= limit:
            lines.append(paragraph)
        else:
            broken = _wrap_paragraph(paragraph, width=width, limit=limit)
            lines += _directed(broken, paragraph) if is_right_to_left(paragraph) else broken
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


def _directed(lines: list[str], paragraph: str) -> list[str]:
    level = base_level(paragraph)
    mark = "\u200f" if level else "\u200e"
    return [line if base_level(line) == level else f"{mark}{line}" for line in lines]


def _pieces(word: str, *, width: Callable[[str], float], limit: float) -> list[str]:
    """``word`` in pieces at most ``limit`` wide, of at least one character with its marks each."""
    pieces: list[str] = []
    piece, used = "", 0.0
    for character in word if word.isascii() else _characters(word):
        advance = width(character)
        if used + advance > limit and piece:
            pieces.append(piece)
            piece, used = "", 0.0
        piece += character
        used += advance
    pieces.append(piece)
    return pieces


def _characters(word: str) -> Iterator[str]:
    """What a reader takes for one character: with its marks, or joined with others."""
    start = 0
    while start < len(word):
        sequence = SEQUENCE.match(word, start)
        end = sequence.end() if sequence else start + 1
        while end < len(word) and (unicodedata.category(word[end]) in _MARKS or word[end] in _JOINERS):
            end += 1
        yield word[start:end]
        start = end


def clip(lines: list[str], most: int) -> list[str]:
    """At most ``most`` lines; a cut ends in "…"."""
    if len(lines) <= most:
        return lines
    return [*lines[: most - 1], f"{lines[most - 1][:-1]}…"]
