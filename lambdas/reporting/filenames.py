"""File names that people ask for, made safe for their disks and for an HTTP header."""

import re
import unicodedata
from urllib.parse import quote

#: Most file systems hold 255 bytes; this leaves room for a browser's " (1)" and for a download's suffix.
MAX_BYTES = 200

_DEFAULT_STEM = "report"
#: Separators of Unix, macOS and Windows, and what else Windows does not take in a name.
#: https://learn.microsoft.com/windows/win32/fileio/naming-a-file
_FORBIDDEN = re.compile(r'[/\\:*?"<>|\u2044\u2215\u29f8\uff0f\uff3c]')
_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|clock\$|(com|lpt)[0-9¹²³])(\.|$)", re.IGNORECASE)
#: Joiners are part of how some scripts are written; every other format character only deceives
#: (overrides of the direction make "exe.pdf" out of "fdp.exe").
_JOINERS = "\u200c\u200d"
#: What may stand unescaped in ``filename*``: RFC 8187, section 3.2.1, attr-char.
_ATTR_CHARS = "!#$&+-.^_`|~"


def safe_filename(text: str, extension: str) -> str:
    """A file name of one path segment that shows ``text`` and ends in ``.extension``.

    Unicode stays, in NFC. Path separators and what Windows forbids become ``-``; control characters,
    format characters (bidirectional overrides), lone surrogates and noncharacters go. Names that Windows
    reserves get a ``_`` in front, an empty name becomes ``report``. At most :data:`MAX_BYTES` of UTF-8,
    cut between characters.
    """
    suffix = f".{extension.lstrip('.').lower()}"
    # What goes may have kept a letter and its accent apart: composed after that.
    stem = unicodedata.normalize("NFC", "".join(_visible(character) for character in text))
    stem = " ".join(_FORBIDDEN.sub("-", stem).split()).strip(". ")
    if stem.lower().endswith(suffix):
        stem = stem[: -len(suffix)].rstrip(". ")
    if _RESERVED.match(stem):
        stem = f"_{stem}"
    stem = _cut(stem, MAX_BYTES - len(suffix.encode())).rstrip(". " + _JOINERS)
    return (stem if stem.strip(_JOINERS) else _DEFAULT_STEM) + suffix


def content_disposition(filename: str) -> str:
    """The value of a ``Content-Disposition`` header that saves a download as ``filename``.

    Pure ASCII: ``filename`` for old clients and, if that loses something, ``filename*`` with the name in
    UTF-8 (RFC 6266, RFC 8187). Raises ``ValueError`` for a name with lone surrogates.
    """
    fallback = _ascii(filename)
    header = f'attachment; filename="{fallback}"'
    if fallback != filename:
        header += f"; filename*=UTF-8''{quote(filename, safe=_ATTR_CHARS)}"
    return header


def _visible(character: str) -> str:
    match unicodedata.category(character):
        case "Zs" | "Zl" | "Zp":
            return " "
        case "Cc":
            return " " if character in "\t\n\v\f\r" else ""
        case "Cf":
            return character if character in _JOINERS else ""
        case "Cs" | "Cn":
            return ""
    return character


def _cut(text: str, max_bytes: int) -> str:
    return text.encode()[:max_bytes].decode(errors="ignore")


def _ascii(filename: str) -> str:
    """Accents off, and ``_`` for what is left over and for what would need an escape in the header.

    Clients disagree on ``\\``-escapes, and some decode ``%`` (RFC 6266, appendix D).
    """
    plain = "".join(c for c in unicodedata.normalize("NFKD", filename) if not unicodedata.combining(c))
    return re.sub(r'[^ -~]|["\\%]', "_", plain)
