"""Bytes of a file of rows become lines, strictly: what CSV and JSON Lines have in common."""

import codecs
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NoReturn, get_args

from rendering.errors import BadData
from rendering.text import shorten
from reporting.notation import Encoding

#: Longer ones first, should one ever begin with another.
_MARKS: tuple[tuple[bytes, Encoding, str], ...] = (
    (codecs.BOM_UTF8, "utf-8", "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16", "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16", "utf-16-be"),
)
_ENCODINGS = ", ".join(get_args(Encoding.__value__))
#: The little-endian one of these begins as that of UTF-16 does.
_UTF32_MARKS = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
_LONGEST_MARK = 4
#: How files begin that hold rows in some other form: RFC 1952, PKWARE's APPNOTE 4.3.7, RFC 8878.
_NO_TEXT = {
    b"\x1f\x8b": "a gzip file",
    b"PK\x03\x04": "a zip archive, or a workbook,",
    b"\x28\xb5\x2f\xfd": "a zstd file",
}
#: Rows handed on at once, at most: what follows works column by column.
BATCH_ROWS = 2000


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadLimits:
    """What a file may hold. A line of CSV is a record, which may have line breaks in quotes.

    ``field_characters`` is at most 131,072, where Python's own reader of CSV stops.
    """

    total_bytes: int = 500_000_000
    line_characters: int = 1_000_000
    field_characters: int = 131_072


def decoded(
    chunks: Iterable[bytes], *, encoding: Encoding | None, total_bytes: int, only_utf_8: bool = False
) -> Iterator[str]:
    """The text of ``chunks`` without its byte order mark, piece by piece.

    Without ``encoding`` the byte order mark decides, and UTF-8 is what has none. ``only_utf_8`` is for files
    whose encoding nobody can declare. Raises :class:`rendering.errors.BadData` for bytes that are not of the
    encoding, for a byte order mark of another one, for UTF-16 without a mark (RFC 2781, section 3.3, lets
    readers choose; this one does not guess), for a compressed file, and beyond ``total_bytes``.
    """
    counted = _counted(chunks, total_bytes)
    head = b""
    for chunk in counted:
        head += chunk
        if len(head) >= _LONGEST_MARK:
            break
    mark, codec = _codec(head, "utf-8" if only_utf_8 else encoding, only_utf_8=only_utf_8)
    choices = "send it as utf-8" if only_utf_8 else f"allowed encodings to declare: {_ENCODINGS}"
    decoder = codecs.getincrementaldecoder(codec)("strict")
    line, offset = 1, len(mark)
    for chunk in _chain(head[len(mark) :], counted):
        try:
            text = decoder.decode(chunk)
        except UnicodeDecodeError as error:
            # The decoder puts before the chunk what it could not read of the one before.
            start = offset + len(chunk) - len(error.object)
            _raise_undecodable(error, line=line, start=start, codec=codec, choices=choices)
        line += text.count("\n")
        offset += len(chunk)
        yield text
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        start = offset - len(error.object)
        _raise_undecodable(error, line=line, start=start, codec=codec, choices=choices)


def line_blocks(texts: Iterable[str], *, line_characters: int) -> Iterator[tuple[int, list[str]]]:
    """Lines without their LF, some at once, with the 1-based number of the first of them.

    Raises :class:`rendering.errors.BadData` for a line of more than ``line_characters``; the CR of a CR LF is
    none of them.
    """
    number, rest = 1, ""
    for text in texts:
        *lines, rest = (rest + text).split("\n")
        if lines:
            _check_lengths(number, lines, line_characters)
            for start in range(0, len(lines), BATCH_ROWS):
                yield number + start, lines[start : start + BATCH_ROWS]
            number += len(lines)
        _check_lengths(number, [rest], line_characters)
    if rest:
        yield number, [rest]


def _check_lengths(number: int, lines: list[str], most: int) -> None:
    if max(map(len, lines)) <= most:
        return
    for index, line in enumerate(lines, number):
        if len(line.removesuffix("\r")) > most:
            raise BadData(
                f"line {index}: the line has more than {most} characters; it begins with "
                f"'{shorten(line[:80])}'"
            )


def _counted(chunks: Iterable[bytes], most: int) -> Iterator[bytes]:
    total = 0
    for chunk in chunks:
        total += len(chunk)
        if total > most:
            raise BadData(f"the file has more than {most} bytes, which is the limit")
        yield chunk


def _chain(first: bytes, rest: Iterable[bytes]) -> Iterator[bytes]:
    if first:
        yield first
    yield from rest


def _codec(head: bytes, declared: Encoding | None, *, only_utf_8: bool) -> tuple[bytes, str]:
    """The byte order mark that ``head`` has, and the codec for what follows."""
    for beginning, form in _NO_TEXT.items():
        if head.startswith(beginning):
            raise BadData(f"the file begins as {form} does; send the rows as plain CSV or JSON Lines")
    if head.startswith(_UTF32_MARKS):
        raise BadData("line 1: the file begins with the byte order mark of utf-32; send it as utf-8")
    for mark, encoding, codec in _MARKS:
        if head.startswith(mark):
            if declared not in (None, encoding):
                wanted = "; send it as utf-8" if only_utf_8 else f", its encoding was declared as {declared}"
                raise BadData(f"line 1: the file begins with the byte order mark of {encoding}{wanted}")
            return mark, codec
    if declared == "utf-16":
        raise BadData("line 1: a file in utf-16 begins with a byte order mark; this one has none")
    return b"", declared or "utf-8"


def _raise_undecodable(
    error: UnicodeDecodeError, *, line: int, start: int, codec: str, choices: str
) -> NoReturn:
    """``line`` and ``start`` are where the bytes begin that the decoder was given."""
    before = error.object[: error.start].decode(codec, "replace")
    raise BadData(
        f"line {line + before.count(chr(10))}: the byte 0x{error.object[error.start]:02X}, number "
        f"{start + error.start + 1} of the file, is not {codec} "
        f"({error.reason}); {choices}"
    ) from error
