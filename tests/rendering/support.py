"""Rendering in memory, and reading back what was rendered."""

import io
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import pypdf
import pytest
from openpyxl import Workbook, load_workbook
from openpyxl.worksheet.worksheet import Worksheet

from rendering import convert, formats, pdf_rows, totals, xlsx_columns
from rendering.engine import render
from rendering.model import Column, Format, Options, RenderResult, Table

CLOCK = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
OPTIONS = Options(created_at=CLOCK)
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


class Sink:
    """Keeps what is written; like a pipe it has neither seek nor tell."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []

    def write(self, data: bytes, /) -> None:
        assert type(data) is bytes
        self.parts.append(data)

    @property
    def data(self) -> bytes:
        return b"".join(self.parts)


@dataclass(frozen=True)
class RawCell:
    """A cell as it stands in the sheet's XML. ``kind`` is its ``t``, ``value`` the text of ``v`` or ``t``.

    A shared text is shown as if it stood in the cell: which of the two it is depends on its neighbours.
    """

    kind: str
    value: str | None
    style: int


@dataclass(frozen=True)
class Rendered:
    data: bytes
    result: RenderResult
    kinds: dict[tuple[str, str], int] = field(default_factory=dict)

    def part(self, name: str) -> str:
        with zipfile.ZipFile(io.BytesIO(self.data)) as archive:
            assert archive.testzip() is None
            return archive.read(name).decode()

    def parts(self) -> list[str]:
        with zipfile.ZipFile(io.BytesIO(self.data)) as archive:
            return archive.namelist()

    def workbook(self) -> Workbook:
        return load_workbook(io.BytesIO(self.data))

    def sheet(self, number: int = 1) -> Worksheet:
        return self.workbook().worksheets[number - 1]

    def cells(self, sheet: int = 1) -> dict[str, RawCell]:
        """Cells by reference, read with a strict XML parser."""
        root = ET.fromstring(self.part(f"xl/worksheets/sheet{sheet}.xml"))  # noqa: S314 - our own file
        shared = self.shared_strings()
        found = {}
        for cell in root.iter(f"{_MAIN}c"):
            text = cell.find(f"{_MAIN}is/{_MAIN}t")
            number = cell.find(f"{_MAIN}v")
            node = text if text is not None else number
            value = None if node is None else node.text or ""
            kind = cell.get("t", "n")
            if kind == "s":
                kind, value = "inlineStr", shared[int(value or "")]
            found[cell.get("r", "")] = RawCell(kind, value, int(cell.get("s", "0")))
        return found

    def shared_strings(self) -> list[str]:
        if "xl/sharedStrings.xml" not in self.parts():
            return []
        root = ET.fromstring(self.part("xl/sharedStrings.xml"))  # noqa: S314 - our own file
        return ["".join(item.itertext()) for item in root.iter(f"{_MAIN}si")]

    def column(self, letter: str = "A", *, sheet: int = 1) -> list[RawCell | None]:
        """The column's cells below the header in row 1."""
        cells = self.cells(sheet)
        last = max(int(reference.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")) for reference in cells)
        return [cells.get(f"{letter}{row}") for row in range(2, last + 1)]

    def style(self, cell: RawCell | None) -> dict[str, str]:
        """What is set in the format of ``cell`` (``xf`` of styles.xml); absent is "0"."""
        assert cell is not None
        root = ET.fromstring(self.part("xl/styles.xml"))  # noqa: S314 - our own file
        formats = root.find(f"{_MAIN}cellXfs")
        assert formats is not None
        return {name: value for name, value in formats[cell.style].attrib.items() if value != "0"}

    def values(self, letter: str = "A", *, sheet: int = 1) -> list[tuple[str, str | None] | None]:
        return [
            None if cell is None else (cell.kind, cell.value) for cell in self.column(letter, sheet=sheet)
        ]

    def pdf(self) -> pypdf.PdfReader:
        return pypdf.PdfReader(io.BytesIO(self.data), strict=True)

    def pages(self) -> list[str]:
        return [page.extract_text() for page in self.pdf().pages]

    def text(self) -> str:
        return "\n".join(self.pages())


@contextmanager
def in_python() -> Iterator[None]:
    """The engine without its C module, as it runs where that has not been built."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (convert, formats, pdf_rows, totals, xlsx_columns):
            patch.setattr(module, "native", None)
        yield


def in_batches(rows: Sequence[Sequence[object]], size: int = 1000) -> Iterable[Sequence[Sequence[object]]]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def make(
    file_format: Format,
    columns: Sequence[Column],
    rows: Sequence[Sequence[object]],
    *,
    title: str = "Report",
    subtitle: str | None = None,
    group_by: tuple[str, ...] = (),
    options: Options = OPTIONS,
    max_rows_per_sheet: int = 1_048_576,
    batch: int = 1000,
    design: Mapping[str, object] | None = None,
    **changes: object,
) -> Rendered:
    """Render ``rows`` and give the file with the result.

    ``design`` has further fields of the table, ``changes`` those of the options.
    """
    sink = Sink()
    result = render(
        table=Table(
            title=title,
            subtitle=subtitle,
            columns=tuple(columns),
            group_by=group_by,
            **(design or {}),  # type: ignore[arg-type]
        ),
        batches=in_batches(rows, batch),
        format=file_format,
        options=replace(options, **changes),  # type: ignore[arg-type]
        sink=sink,
        max_rows_per_sheet=max_rows_per_sheet,
    )
    assert result.size_bytes == len(sink.data)
    kinds = {(warning.column, warning.kind): warning.count for warning in result.warnings}
    return Rendered(sink.data, result, kinds)


def one(
    file_format: Format, column: Column, values: Sequence[object], *, title: str = "Report", **changes: object
) -> Rendered:
    """Render a table of one column."""
    return make(file_format, [column], [[value] for value in values], title=title, **changes)  # type: ignore[arg-type]
