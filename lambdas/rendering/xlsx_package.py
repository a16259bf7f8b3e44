"""An XLSX package (ECMA-376 part 2) written in one pass to a sink that can't seek.

Parts go out as they come, so there are no temporary files and memory stays level. The zip entries have data
descriptors (APPNOTE.TXT section 4.3.9) and the report's clock; the content types, which name every part, come
last.
"""

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO, Any

from rendering.deflate import raw_compressor
from rendering.model import ByteSink
from rendering.xlsx_cells import escape_attribute

_COMPRESS_LEVEL = 4
RELATIONSHIPS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_PACKAGE_RELATIONSHIPS = "http://schemas.openxmlformats.org/package/2006/relationships"
_CONTENT_TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
#: ISA-L finds what repeats within what it is given at once: small pieces make files twice as large.
_COMPRESSED_AT_ONCE = 1 << 16
_DECLARATION = b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
#: A part of 2 GiB or more needs zip64, which not every reader of XLSX takes.
MAX_PART_BYTES = (1 << 31) - (1 << 26)


@dataclass(frozen=True, slots=True)
class Relationship:
    """From one part to ``target``: another part, by its absolute name, or an address outside."""

    kind: str
    target: str
    external: bool = False

    @property
    def type(self) -> str:
        return self.kind if "://" in self.kind else f"{RELATIONSHIPS}/{self.kind}"


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

    def open(self, *arguments: Any, **options: Any) -> Any:
        """An entry; what is written to one is compressed with :mod:`rendering.deflate`."""
        part = super().open(*arguments, **options)
        if hasattr(part, "_compressor"):
            part._compressor = raw_compressor()
        return part


class Part:
    """A part of the package while it is written."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._held: list[bytes] = []
        self._held_size = 0
        self.size = 0
        self.write(_DECLARATION)

    def write(self, data: bytes) -> None:
        self._held.append(data)
        self._held_size += len(data)
        self.size += len(data)
        if self._held_size >= _COMPRESSED_AT_ONCE:
            self._pass_on()

    def close(self) -> None:
        self._pass_on()
        self._file.close()

    def abandon(self) -> None:
        """Close it without what is held."""
        self._file.close()

    def _pass_on(self) -> None:
        self._file.write(b"".join(self._held))
        self._held, self._held_size = [], 0


class Package:
    """The parts, one after the other; only one is open at a time."""

    def __init__(self, sink: ByteSink, *, created_at: datetime) -> None:
        self._pipe = _Pipe(sink)
        self._archive = _Archive(self._pipe, created_at=created_at)
        self._types: dict[str, str] = {}
        self._open: Part | None = None
        self._ended = False

    def open(self, name: str, content_type: str) -> Part:
        """Begin the part ``name``, which starts with ``/``."""
        self._types[name] = content_type
        self._open = Part(self._archive.open(self._archive.entry(name[1:]), "w"))
        return self._open

    def write(self, name: str, content_type: str, xml: str) -> None:
        """Write a whole part."""
        part = self.open(name, content_type)
        part.write(xml.encode())
        part.close()

    def relate(self, name: str, relationships: Sequence[Relationship]) -> None:
        """Write the relationships of the part ``name``, ``rId1`` and on; ``/`` is the package itself."""
        if not relationships:
            return
        folder, _, file = name.rpartition("/")
        part = Part(self._archive.open(self._archive.entry(f"{folder}/_rels/{file}.rels"[1:]), "w"))
        part.write(f'<Relationships xmlns="{_PACKAGE_RELATIONSHIPS}">'.encode())
        for number, relationship in enumerate(relationships, 1):
            mode = ' TargetMode="External"' if relationship.external else ""
            part.write(
                f'<Relationship Id="rId{number}" Type="{relationship.type}"'
                f' Target="{escape_attribute(relationship.target)}"{mode}/>'.encode()
            )
        part.write(b"</Relationships>")
        part.close()

    def end(self) -> None:
        """Write the content types and the zip directory. Every part has to be closed."""
        overrides = "".join(
            f'<Override PartName="{name}" ContentType="{content_type}"/>'
            for name, content_type in self._types.items()
        )
        part = Part(self._archive.open(self._archive.entry("[Content_Types].xml"), "w"))
        part.write(
            f'<Types xmlns="{_CONTENT_TYPES}">'
            '<Default Extension="rels"'
            ' ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Default Extension="xml" ContentType="application/xml"/>{overrides}</Types>'.encode()
        )
        part.close()
        self._archive.close()
        self._ended = True

    def close(self) -> None:
        """Free everything; a package that has not been ended is abandoned, and no more bytes leave."""
        if self._ended:
            return
        self._pipe.abandon()
        if self._open is not None:
            self._open.abandon()
        self._archive.close()
