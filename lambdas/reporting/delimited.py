"""Rows from CSV as RFC 4180 has it, and from its relatives with another delimiter.

Python's C reader splits the records; it takes quotes and carriage returns in places where they are a mistake,
so each record that has one is compared with the grammar first (RFC 4180, section 2). A record ends with LF or
CR LF; a line break inside quotes belongs to its field and stays as it is.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple, NoReturn

from rendering.convert import RawText
from rendering.errors import BadData, BadValue
from rendering.model import Batch, Column
from rendering.text import shorten
from reporting.delimited_values import field_reader
from reporting.notation import Delimiter, Encoding, Notation
from reporting.tabular_text import ReadLimits, decoded, line_blocks

DELIMITERS: tuple[Delimiter, ...] = (",", ";", "\t", "|")
_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}
_SHOWN_NAMES = 20
#: One more than are shown, so that what is left out is told.
_SHOWN_CHARACTERS = 41


def delimited(
    chunks: Iterable[bytes],
    *,
    columns: Sequence[Column],
    delimiter: Delimiter | None = None,
    encoding: Encoding | None = None,
    notation: Notation | None = None,
    on_bad_value: Literal["warn", "fail"] = "warn",
    limits: ReadLimits | None = None,
) -> Iterator[Batch]:
    """Rows in column order from the bytes of a file whose first record names the columns.

    The header has each column's key or label once, in any order. Without ``delimiter`` the header decides: it
    is the one with which the header names the columns.

    Raises :class:`rendering.errors.BadData`, which names the line, for what breaks the grammar, a header that
    does not name the columns, a record of another number of fields, and beyond ``limits``; and
    :class:`rendering.errors.BadValue` for the first field that is no value of its column under
    ``on_bad_value="fail"``. Otherwise such a field is a :class:`rendering.convert.RawText`.
    """
    limits = limits or ReadLimits()
    texts = decoded(chunks, encoding=encoding, total_bytes=limits.total_bytes)
    assembly = _Assembly(limits)
    table: _Table | None = None
    for number, lines in line_blocks(texts, line_characters=limits.line_characters):
        first = 0
        if table is None:
            for first, line in enumerate(lines, 1):
                if (header := assembly.add(number + first - 1, line)) is not None:
                    grammar, order = _read_header(header, columns, delimiter)
                    table = _Table(
                        columns,
                        order,
                        grammar,
                        notation=notation or Notation(),
                        on_bad_value=on_bad_value,
                        limits=limits,
                    )
                    assembly.grammar = grammar
                    break
        if table is not None and (records := assembly.records(number + first, lines[first:])):
            yield table.rows(records)
    assembly.finish()
    if table is None:
        raise BadData("line 1: the file is empty; its first line must name the columns")


class _Record(NamedTuple):
    line: int
    text: str


class _Grammar:
    """RFC 4180 with one delimiter."""

    def __init__(self, delimiter: Delimiter) -> None:
        self.delimiter = delimiter
        quoted, plain = r'"(?:[^"]++|"")*+"', rf'[^"\r\n{re.escape(delimiter)}]*+'
        field = f"(?:{quoted}|{plain})"
        self._quoted = re.compile(quoted)
        self._plain = re.compile(plain)
        self._record = re.compile(f"{field}(?:{re.escape(delimiter)}{field})*+")
        #: A record up to a quote that its line does not close.
        self._open = re.compile(rf'(?:{field}{re.escape(delimiter)})*"(?:[^"]++|"")*+')

    def check(self, record: _Record) -> None:
        """Raise :class:`BadData` with the place of what is wrong, if anything is."""
        if self._record.fullmatch(record.text) is None:
            self._explain(record)

    def check_open(self, record: _Record) -> None:
        """The same for the first line of a record that goes on."""
        if self._open.fullmatch(record.text) is None:
            self._explain(record)

    def split(self, texts: Sequence[str]) -> Iterator[list[str]]:
        return csv.reader(texts, delimiter=self.delimiter, strict=True)

    def _explain(self, record: _Record) -> NoReturn:
        text, position, field = record.text, 0, 1
        while True:
            if text.startswith('"', position):
                found = self._quoted.match(text, position)
                if found is None:
                    self._refuse(record, position, field, "a quote is not closed")
                fault = "there is text after a closing quote"
            else:
                found = self._plain.match(text, position)
                fault = "there is a quote in a field that does not begin with one"
            assert found is not None, "the pattern of a plain field matches anything"  # noqa: S101
            end = found.end()
            if not text.startswith(self.delimiter, end):
                if text.startswith("\r", end):
                    fault = "there is a carriage return without a line feed, outside of quotes"
                self._refuse(record, end, field, fault)
            position, field = end + 1, field + 1

    def _refuse(self, record: _Record, position: int, field: int, fault: str) -> NoReturn:
        line = record.line + record.text.count("\n", 0, position)
        before = record.text[max(0, position - 20) : position + 20]
        raise BadData(f"line {line}, field {field}: {fault}, at '{shorten(before)}'; see RFC 4180")


class _Assembly:
    """Puts lines together to records: a record goes on while its quotes are odd in number."""

    def __init__(self, limits: ReadLimits) -> None:
        self.grammar: _Grammar | None = None
        self._most = limits.line_characters
        self._parts: list[str] = []
        self._line = 0
        self._size = 0

    def records(self, number: int, lines: list[str]) -> list[_Record]:
        """The records that end in ``lines``, the first of which is line ``number``."""
        assert self.grammar is not None, "the header comes first"  # noqa: S101
        made = []
        for line_number, line in enumerate(lines, number):
            if not self._parts and '"' not in line:
                text = line.removesuffix("\r")
                record = _Record(line_number, text)
                if "\r" in text:
                    self.grammar.check(record)
                made.append(record)
            elif (found := self.add(line_number, line)) is not None:
                self.grammar.check(found)
                made.append(found)
        return made

    def add(self, number: int, line: str) -> _Record | None:
        """Add a line; the record that it ends, if it ends one."""
        closes = line.count('"') % 2 == (1 if self._parts else 0)
        if not self._parts:
            self._line, self._size = number, 0
        self._parts.append(line)
        self._size += len(line) + 1
        if closes:
            text = "\n".join(self._parts).removesuffix("\r")
            self._parts = []
            if len(text) > self._most:
                raise BadData(f"line {self._line}: the record has more than {self._most} characters")
            return _Record(self._line, text)
        if len(self._parts) == 1 and self.grammar is not None:
            self.grammar.check_open(_Record(number, line))
        if self._size > self._most:
            raise BadData(
                f"line {self._line}: the record has more than {self._most} characters; a quote in it may not "
                "be closed"
            )
        return None

    def finish(self) -> None:
        """Nothing more comes."""
        if self._parts:
            raise BadData(
                f"line {self._line}: a quote is not closed before the end of the file, "
                f"at '{shorten(self._parts[0])}'; see RFC 4180"
            )


class _Table:
    """Turns records into rows; ``order`` has the field's index for each column."""

    def __init__(
        self,
        columns: Sequence[Column],
        order: Sequence[int],
        grammar: _Grammar,
        *,
        notation: Notation,
        on_bad_value: Literal["warn", "fail"],
        limits: ReadLimits,
    ) -> None:
        self._columns = columns
        self._order = order
        self._grammar = grammar
        self._readers = [field_reader(column, notation) for column in columns]
        self._fail = on_bad_value == "fail"
        self._most = limits.field_characters

    def rows(self, records: list[_Record]) -> Batch:
        split = self._split(records)
        fields = list(zip(*split, strict=True))
        values: list[list[object]] = []
        for column, reader, index in zip(self._columns, self._readers, self._order, strict=True):
            read = reader.read
            made = [read(text) for text in fields[index]]
            if self._fail:
                for row, value in enumerate(made):
                    if type(value) is RawText:
                        raise BadValue(
                            f"line {records[row].line}, column '{shorten(column.key)}': "
                            f"'{shorten(value.text)}' is not {reader.expected}"
                        )
            values.append(made)
        return list(zip(*values, strict=True))

    def _split(self, records: list[_Record]) -> list[list[str]]:
        split: list[list[str]] = []
        width = len(self._columns)
        reader = self._grammar.split([record.text for record in records])
        try:
            for row in reader:
                # An empty line is one empty field.
                fields = row or [""]
                if len(fields) != width:
                    self._refuse(records[len(split)], f"has {len(fields)} fields, the header has {width}")
                split.append(fields)
        except csv.Error:
            # The grammar holds: what is left is a field that is longer than the reader takes.
            self._refuse(records[len(split)], f"has a field of more than {self._most} characters")
        for record, fields in zip(records, split, strict=True):
            if len(record.text) > self._most and max(map(len, fields)) > self._most:
                self._refuse(record, f"has a field of more than {self._most} characters")
        return split

    def _refuse(self, record: _Record, what: str) -> NoReturn:
        raise BadData(f"line {record.line}: the record {what}; it begins with '{shorten(record.text[:80])}'")


def _read_header(
    header: _Record, columns: Sequence[Column], declared: Delimiter | None
) -> tuple[_Grammar, list[int]]:
    """The grammar that the header is written in, and the index of each column's field."""
    attempts: list[tuple[int, _Grammar, BadData]] = []
    for delimiter in DELIMITERS if declared is None else (declared,):
        grammar = _Grammar(delimiter)
        width = 0
        try:
            grammar.check(header)
            names = _split_header(grammar, header)
            width = len(names)
            return grammar, _order(header.line, names, columns, delimiter)
        except BadData as error:
            attempts.append((width, grammar, error))
    # The delimiter that the header has most of is the one that was meant.
    raise max(attempts, key=lambda attempt: attempt[0])[2]


def _split_header(grammar: _Grammar, header: _Record) -> list[str]:
    try:
        return next(iter(grammar.split([header.text]))) or [""]
    except csv.Error as error:
        raise BadData(f"line {header.line}: the header has a name of more than 131072 characters") from error


def _order(line: int, names: Sequence[str], columns: Sequence[Column], delimiter: Delimiter) -> list[int]:
    by_key = {column.key: index for index, column in enumerate(columns)}
    by_label: dict[str, int | None] = {}
    for index, column in enumerate(columns):
        # A label that two columns share names neither.
        by_label[column.label] = None if column.label in by_label else index
    keys_only = all(name in by_key for name in names)
    fields: dict[int, int] = {}
    unknown, twice = [], []
    for field, name in enumerate(names):
        # Labels come first where not every name is a key: a header of labels may hold a word that is one.
        column_index = by_key[name] if keys_only else by_label.get(name)
        if column_index is None:
            column_index = by_key.get(name)
        if column_index is None:
            unknown.append(name)
        elif column_index in fields:
            twice.append(name)
        else:
            fields[column_index] = field
    missing = [column.key for index, column in enumerate(columns) if index not in fields]
    if unknown or twice or missing:
        faults = [
            f"{what}: {_listed(found)}"
            for what, found in (("unknown", unknown), ("twice", twice), ("missing", missing))
            if found
        ]
        allowed = [
            f"{column.key} ({column.label})"
            if column.key != column.label and by_label[column.label] is not None
            else column.key
            for column in columns
        ]
        raise BadData(
            f"line {line}: the header, split at each {_NAMES[delimiter]}, does not name each column once; "
            f"{'; '.join(faults)}; got: {_listed(names)}; allowed: {_listed(allowed)}"
        )
    return [fields[index] for index in range(len(columns))]


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(f"'{_visible(name)}'" for name in names[:_SHOWN_NAMES])
    rest = len(names) - _SHOWN_NAMES
    return f"{shown} and {rest} more" if rest > 0 else shown


def _visible(name: str) -> str:
    """``name`` with an escape for what shows no sign: a name that is not taken should look different."""
    signs = (c if c.isprintable() else c.encode("unicode_escape").decode() for c in name[:_SHOWN_CHARACTERS])
    return shorten("".join(signs))
