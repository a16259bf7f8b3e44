"""CSV as a source of rows (RFC 4180): strict about its form, typed by the columns and a declared notation.

Nothing is guessed but the delimiter, and that from the header line alone. A value that is not written as
declared is handed on as what it is, so that the engine counts it as a bad value or ends the report, as the
request says. A fault of form always ends it.
"""

import codecs
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Literal

from rendering.model import Batch, Column, ColumnType
from reporting.errors import PermanentError

_BATCH = 1000
_DELIMITERS = (",", ";", "\t", "|")
_MOST_CHARACTERS = 1 << 20
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_LINE_END = re.compile(r"\r\n|\n|\r")
_NUMBERS = frozenset({ColumnType.INTEGER, ColumnType.DECIMAL, ColumnType.FLOAT})
_DATE_PARTS = re.compile(r"DD|MM|YYYY")
_SHOWN = 40

type Encoding = Literal["utf-8", "utf-16", "windows-1252", "iso-8859-1"]


class BadDataset(PermanentError):
    """The file is not of the form that was declared; the text says where and what was found."""

    code = "bad_dataset"
    title = "The dataset can't be read"


@dataclass(frozen=True, kw_only=True, slots=True)
class Dialect:
    """How a CSV file is written.

    ``delimiter`` is one of comma, semicolon, tab and bar, ``None`` to take the only one that the header line
    has. ``decimal`` is the decimal point and ``thousands`` what stands between groups of three digits, if
    anything does. ``date_format`` is made of ``YYYY``, ``MM`` and ``DD``; ``None`` is ISO 8601.
    ``empty_as_null`` makes empty fields of text columns blank; those of other columns always are.
    """

    encoding: Encoding = "utf-8"
    delimiter: Literal[",", ";", "\t", "|"] | None = None
    decimal: Literal[".", ","] = "."
    thousands: Literal["", ",", ".", " ", "'"] = ""
    date_format: str | None = None
    empty_as_null: bool = True

    def __post_init__(self) -> None:
        if self.decimal == self.thousands:
            raise ValueError(f"decimal and thousands must differ, got {self.decimal!r} for both")
        if self.date_format is not None:
            parts = _DATE_PARTS.findall(self.date_format)
            if sorted(parts) != ["DD", "MM", "YYYY"]:
                raise ValueError(f"date_format must have YYYY, MM and DD once each, got {self.date_format!r}")


class Unread:
    """A value that is not written as declared: no column but one of texts takes it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __str__(self) -> str:
        return self._text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Unread) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)


class DelimitedRows:
    """The rows of a CSV file, from its bytes in pieces of any size, in the order of ``columns``.

    The first line names the columns by their keys or labels, each once and in any order. Iterate it once.
    Raises :class:`BadDataset` with the line and the column.
    """

    def __init__(self, pieces: Iterable[bytes], *, columns: Sequence[Column], dialect: Dialect) -> None:
        self._pieces = pieces
        self._columns = columns
        self._dialect = dialect
        self._readers = [_reader(column, dialect) for column in columns]

    def __iter__(self) -> Iterator[Batch]:
        records = _records(_decoded(self._pieces, self._dialect.encoding), self._dialect.delimiter)
        try:
            _, header = next(records)
        except StopIteration:
            raise BadDataset("The file is empty; its first line must name the columns.") from None
        order = self._order(header)
        batch: list[list[object]] = []
        for line, fields in records:
            if len(fields) != len(header):
                raise BadDataset(f"Line {line} has {len(fields)} fields, the header {len(header)}.")
            batch.append([read(fields[place]) for read, place in zip(self._readers, order, strict=True)])
            if len(batch) == _BATCH:
                yield batch
                batch = []
        if batch:
            yield batch

    def _order(self, header: Sequence[str]) -> list[int]:
        """Where each column stands in the file."""
        found: dict[str, int] = {}
        names = {name: column.key for column in self._columns for name in (column.label, column.key)}
        for place, name in enumerate(header):
            key = names.get(name.strip())
            if key is None:
                allowed = ", ".join(column.key for column in self._columns)
                raise BadDataset(f"Line 1: {_shown(name)} is no column; allowed: {allowed}.")
            if key in found:
                raise BadDataset(f"Line 1: the column {key} stands twice.")
            found[key] = place
        missing = [column.key for column in self._columns if column.key not in found]
        if missing:
            raise BadDataset(f"Line 1 lacks the columns {', '.join(missing)}.")
        return [found[column.key] for column in self._columns]


def _decoded(pieces: Iterable[bytes], encoding: Encoding) -> Iterator[str]:
    """The text; a byte order mark must not contradict the declared encoding."""
    pieces = iter(pieces)
    first = b""
    for piece in pieces:
        first += piece
        if len(first) >= len(codecs.BOM_UTF8):
            break
    name: str = encoding
    for mark, of in _BOMS:
        if first.startswith(mark):
            if not of.startswith(encoding):
                raise BadDataset(f"The file begins with the mark of {of}, but {encoding} was declared.")
            first, name = first[len(mark) :], of
            break
    else:
        if encoding == "utf-16":
            raise BadDataset("A UTF-16 file must begin with a byte order mark.")
    decoder = codecs.getincrementaldecoder(name)()
    position = 0
    for piece in chain([first], pieces):
        yield _decode(decoder, piece, position, name)
        position += len(piece)
    yield _decode(decoder, b"", position, name, final=True)


def _decode(
    decoder: codecs.IncrementalDecoder, piece: bytes, position: int, name: str, *, final: bool = False
) -> str:
    try:
        return decoder.decode(piece, final)
    except UnicodeDecodeError as error:
        raise BadDataset(
            f"The file is not {name}: what stands near byte {position + error.start} can't be read."
        ) from error


def _lines(texts: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Each line with its number. A line end between quotes does not end it."""
    held, number, first = "", 1, 1
    parts: list[str] = []
    open_quote = False

    def take(line: str) -> str | None:
        nonlocal open_quote
        if line.count('"') % 2:
            open_quote = not open_quote
        return None if open_quote else line

    def whole(line: str) -> str:
        return "".join([*parts, line]) if parts else line

    for text in texts:
        held += text
        start = 0
        for end in _LINE_END.finditer(held):
            # A CR at the very end may be half of a line end.
            if end.end() == len(held) and end[0] == "\r":
                break
            line = held[start : end.start()]
            if take(line) is None:
                parts.append(held[start : end.end()])
            else:
                yield first, whole(line)
                parts.clear()
                first = number + 1
            number += 1
            start = end.end()
        held = held[start:]
        if len(held) + sum(map(len, parts)) > _MOST_CHARACTERS:
            raise BadDataset(
                f"Line {first} has more than {_MOST_CHARACTERS} characters, or a quote that is not closed."
            )
    held = held.removesuffix("\r")
    if held or parts:
        if take(held) is None:
            raise BadDataset(f"Line {first}: a quote is not closed.")
        yield first, whole(held)


def _records(texts: Iterable[str], delimiter: str | None) -> Iterator[tuple[int, list[str]]]:
    """Each record with the number of its first line; empty lines are left out."""
    field: re.Pattern[str] | None = None
    for number, line in _lines(texts):
        if not line:
            continue
        if delimiter is None:
            delimiter = _delimiter_of(line)
        if '"' not in line:
            yield number, line.split(delimiter)
            continue
        if field is None:
            field = re.compile(
                f'(?:"((?:[^"]|"")*)"|([^"{re.escape(delimiter)}]*))({re.escape(delimiter)}|$)', re.DOTALL
            )
        yield number, _fields(line, field, number)


def _fields(line: str, field: re.Pattern[str], number: int) -> list[str]:
    fields: list[str] = []
    position = 0
    while True:
        found = field.match(line, position)
        if found is None:
            rest = line[position:]
            what = (
                "text follows a closing quote"
                if rest.startswith('"')
                else "a quote stands inside a field without quotes"
            )
            raise BadDataset(f"Line {number}, field {len(fields) + 1}: {what}: {_shown(rest)}.")
        quoted, plain, end = found.groups()
        fields.append(plain if quoted is None else quoted.replace('""', '"'))
        position = found.end()
        if not end:
            return fields


def _delimiter_of(header: str) -> str:
    bare = re.sub(r'"[^"]*"', "", header)
    present = [delimiter for delimiter in _DELIMITERS if delimiter in bare]
    if len(present) > 1:
        raise BadDataset(
            f"The delimiter is not clear: the header has {' and '.join(map(repr, present))}; declare it."
        )
    return present[0] if present else ","


def _reader(column: Column, dialect: Dialect) -> Callable[[str], object]:
    """What reads one field of a column."""
    if column.type in (ColumnType.STRING, ColumnType.URL):
        return (lambda text: text or None) if dialect.empty_as_null else (lambda text: text)
    if column.type in _NUMBERS and (dialect.decimal, dialect.thousands) != (".", ""):
        return _number_reader(dialect)
    if column.type is ColumnType.DATE and dialect.date_format is not None:
        return _date_reader(dialect.date_format)
    return lambda text: text.strip() or None


def _number_reader(dialect: Dialect) -> Callable[[str], object]:
    group, point = re.escape(dialect.thousands), re.escape(dialect.decimal)
    grouped = rf"|[0-9]{{1,3}}(?:{group}[0-9]{{3}})+" if dialect.thousands else ""
    pattern = re.compile(rf"([+-]?(?:[0-9]+{grouped}))(?:{point}([0-9]+))?")

    def read(text: str) -> object:
        text = text.strip()
        if not text:
            return None
        found = pattern.fullmatch(text)
        if found is None:
            return Unread(text)
        whole = found[1].replace(dialect.thousands, "") if dialect.thousands else found[1]
        return f"{whole}.{found[2]}" if found[2] else whole

    return read


def _date_reader(date_format: str) -> Callable[[str], object]:
    names = {"YYYY": "(?P<year>[0-9]{4})", "MM": "(?P<month>[0-9]{2})", "DD": "(?P<day>[0-9]{2})"}
    pieces = _DATE_PARTS.split(date_format)
    parts = _DATE_PARTS.findall(date_format)
    pattern = re.compile(
        re.escape(pieces[0])
        + "".join(names[part] + re.escape(piece) for part, piece in zip(parts, pieces[1:], strict=True))
    )

    def read(text: str) -> object:
        text = text.strip()
        if not text:
            return None
        found = pattern.fullmatch(text)
        return Unread(text) if found is None else f"{found['year']}-{found['month']}-{found['day']}"

    return read


def _shown(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…")
