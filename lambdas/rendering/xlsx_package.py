"""An XLSX package written in one pass to a sink that can't seek.

openpyxl makes what surrounds the rows (styles, panes, widths, filter, print set-up, properties); rows are
streamed into each sheet's part as they come, so there are no temporary files and memory stays level. The
zip entries have data descriptors (APPNOTE.TXT section 4.3.9) and the report's clock.
"""

import io
import zipfile
from datetime import UTC, datetime
from typing import Any

from openpyxl import Workbook
from openpyxl.utils.indexed_list import IndexedList
from openpyxl.worksheet._writer import WorksheetWriter
from openpyxl.worksheet.worksheet import Worksheet
from openpyxl.writer.excel import ExcelWriter

from rendering.deflate import raw_compressor
from rendering.model import ByteSink
from rendering.shared_strings import SharedStrings
from rendering.xlsx_cells import escape_attribute

_COMPRESS_LEVEL = 4
_RELATIONSHIPS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE_RELATIONSHIPS = "http://schemas.openxmlformats.org/package/2006/relationships"
#: A part of 2 GiB or more needs zip64, which not every reader of XLSX takes.
MAX_PART_BYTES = (1 << 31) - (1 << 26)


class _Pipe:
    """The file object that zipfile writes to. After ``abandon`` it takes no more bytes to the sink."""

    def __init__(self, sink: ByteSink) -> None:
        self._sink: ByteSink | None = sink

    def write(self, data: bytes, /) -> int:
        if self._sink is not None:
            self._sink.write(bytes(data))
        return len(data)

    def flush(self) -> None:
        """zipfile asks for it; bytes are never held back here."""

    def abandon(self) -> None:
        self._sink = None


class _Archive(zipfile.ZipFile):
    """A zip archive whose entries all have one time."""

    def __init__(self, pipe: _Pipe, *, created_at: datetime) -> None:
        super().__init__(pipe, "w", zipfile.ZIP_DEFLATED, compresslevel=_COMPRESS_LEVEL)  # type: ignore[call-overload]
        self._created_at = created_at

    def entry(self, name: str) -> zipfile.ZipInfo:
        moment = max(self._created_at, datetime(1980, 1, 1, tzinfo=UTC))
        info = zipfile.ZipInfo(name, date_time=moment.timetuple()[:6])
        info.compress_type = zipfile.ZIP_DEFLATED
        info.compress_level = _COMPRESS_LEVEL
        return info

    def writestr(
        self,
        zinfo_or_arcname: str | zipfile.ZipInfo,
        data: Any,
        compress_type: int | None = None,
        compresslevel: int | None = None,
    ) -> None:
        if isinstance(zinfo_or_arcname, str):
            zinfo_or_arcname = self.entry(zinfo_or_arcname)
        super().writestr(zinfo_or_arcname, data, compress_type, compresslevel)

    def open(self, *arguments: Any, **options: Any) -> Any:
        """An entry; what is written to one is compressed with :mod:`rendering.deflate`."""
        part = super().open(*arguments, **options)
        if hasattr(part, "_compressor"):
            part._compressor = raw_compressor()
        return part


class _Parts(ExcelWriter):
    """Writes every part but the sheets, which are in the archive already."""

    def _write_worksheets(self) -> None:
        for worksheet in self.workbook.worksheets:
            self.manifest.append(worksheet)


class SheetPart:
    """One sheet's part while rows are streamed into it."""

    def __init__(self, worksheet: Worksheet, *, archive: _Archive, number: int) -> None:
        self._worksheet = worksheet
        self._archive = archive
        self._name = f"xl/worksheets/sheet{number}.xml"
        worksheet._id = number  # type: ignore[attr-defined]  # openpyxl names the part after it
        self._links: list[tuple[str, str]] = []
        self._part = archive.open(archive.entry(self._name), "w")
        self.size = 0
        self._write(self._skeleton()[0])
        self._write(b"<sheetData>")

    @property
    def link_count(self) -> int:
        return len(self._links)

    def add_link(self, reference: str, target: str) -> None:
        self._links.append((reference, target))

    def write_rows(self, xml: bytes) -> None:
        self._write(xml)

    def close(self) -> None:
        """End the part. Set what follows the rows (filter, print set-up) on the worksheet before."""
        self._write(b"</sheetData>")
        before, margins, after = self._skeleton()[1].partition(b"<pageMargins")
        self._write(before)
        if self._links:
            self._write(f'<hyperlinks xmlns:r="{_RELATIONSHIPS}">'.encode())
            for number, (reference, _) in enumerate(self._links, 1):
                self._write(f'<hyperlink ref="{reference}" r:id="rId{number}"/>'.encode())
            self._write(b"</hyperlinks>")
        self._write(margins + after)
        self._part.close()
        if self._links:
            self._write_relationships()

    def abandon(self) -> None:
        self._part.close()

    def _write(self, data: bytes) -> None:
        self._part.write(data)
        self.size += len(data)

    def _skeleton(self) -> tuple[bytes, bytes]:
        """What openpyxl writes before and after the rows."""
        out = io.BytesIO()
        writer = WorksheetWriter(self._worksheet, out)
        writer.write()
        before, _, after = out.getvalue().partition(b"<sheetData")
        return before, after.partition(b">")[2].removeprefix(b"</sheetData>")

    def _write_relationships(self) -> None:
        path, _, name = self._name.rpartition("/")
        with self._archive.open(self._archive.entry(f"{path}/_rels/{name}.rels"), "w") as part:
            part.write(f'<Relationships xmlns="{_PACKAGE_RELATIONSHIPS}">'.encode())
            for number, (_, target) in enumerate(self._links, 1):
                part.write(
                    f'<Relationship Id="rId{number}" Type="{_RELATIONSHIPS}/hyperlink"'
                    f' Target="{escape_attribute(target)}" TargetMode="External"/>'.encode()
                )
            part.write(b"</Relationships>")


class Package:
    """The workbook, sheet after sheet."""

    def __init__(self, sink: ByteSink, *, created_at: datetime) -> None:
        self.workbook = Workbook(write_only=True)
        self._pipe = _Pipe(sink)
        self._archive = _Archive(self._pipe, created_at=created_at)
        self._part: SheetPart | None = None
        self._ended = False
        self.shared_strings = SharedStrings()
        self.sheets = 0

    def start_sheet(self, worksheet: Worksheet) -> SheetPart:
        """Begin the next sheet's part. What comes before the rows must be set on ``worksheet``."""
        self.sheets += 1
        self._part = SheetPart(worksheet, archive=self._archive, number=self.sheets)
        return self._part

    def end(self) -> None:
        """Write the other parts and the zip directory. The last sheet has to be closed."""
        self.workbook.shared_strings = IndexedList(self.shared_strings.numbers)
        _Parts(self.workbook, self._archive).write_data()
        self._archive.close()
        self._ended = True

    def close(self) -> None:
        """Free everything; a package that has not been ended is abandoned, and no more bytes leave."""
        if self._ended:
            return
        self._pipe.abandon()
        if self._part is not None:
            self._part.abandon()
        self._archive.close()
