"""Text that every format can hold."""

import json
import re

#: What XML 1.0 (section 2.2, Char) forbids: C0 controls but TAB, LF and CR, surrogates, U+FFFE, U+FFFF.
UNSAFE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_REMOVED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_SURROGATE = re.compile("[\ud800-\udfff]")


def repair_surrogates(text: str) -> str:
    """``text`` with U+FFFD for each lone surrogate; two that make a pair become their character."""
    if not _SURROGATE.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def remove_controls(text: str) -> str:
    """``text`` without control characters (but TAB, LF, CR) and without U+FFFE and U+FFFF."""
    return _REMOVED.sub("", text)


def clean(text: str) -> str:
    """``text`` without any character of :data:`UNSAFE`."""
    return remove_controls(repair_surrogates(text))


def shorten(text: str, limit: int = 40) -> str:
    """At most ``limit`` characters of ``text``, safe to put in a message."""
    text = clean(text)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def quoted(text: str) -> str:
    """``text`` in quotes as JSON writes it, at most 40 characters of it, to put in a message."""
    return json.dumps(text[:40], ensure_ascii=False)


def normalize_newlines(text: str) -> str:
    """``text`` with LF for every line break (CR LF, CR)."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
