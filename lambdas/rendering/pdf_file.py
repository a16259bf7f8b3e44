"""A PDF file (ISO 32000-1) written object by object to a sink that can't seek.

Only the offsets of objects are kept. Numbers are reserved for objects that others name before they are
written.
"""

import hashlib
from datetime import UTC, datetime

from rendering.deflate import compressed
from rendering.model import ByteSink


def literal(text: str) -> str:
    """A text string object: UTF-16BE with a byte order mark (section 7.9.2.2), in hexadecimal."""
    return f"<{(b'\xfe\xff' + text.encode('utf-16-be')).hex().upper()}>"


def date(moment: datetime) -> str:
    """A date object (section 7.9.4)."""
    utc = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return f"(D:{utc:%Y%m%d%H%M%S}Z)"


class PdfFile:
    """Writes indirect objects, and at the end the cross-reference table."""

    def __init__(self, sink: ByteSink) -> None:
        self._sink = sink
        self._position = 0
        self._offsets: list[int | None] = []
        self._digest = hashlib.sha256()
        # The comment tells transfer programs that the file is binary (section 7.5.2).
        self._write(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")

    def reserve(self) -> int:
        """The number of an object that is written later."""
        self._offsets.append(None)
        return len(self._offsets)

    def add(self, body: str, *, number: int | None = None) -> int:
        """Write an object and give its number."""
        return self._add(body.encode("ascii"), number=number)

    def add_small_stream(self, data: bytes, *, number: int) -> int:
        """Write a stream object that is too short to gain from compression."""
        head = f"<< /Length {len(data)} >>\nstream\n".encode("ascii")
        return self._add(b"".join((head, data, b"\nendstream")), number=number)

    def add_raw_stream(self, data: bytes, *, entries: str) -> int:
        """Write a stream object that is encoded already, as ``entries`` say."""
        head = f"<< {entries} /Length {len(data)} >>\nstream\n".encode("ascii")
        return self._add(b"".join((head, data, b"\nendstream")), number=None)

    def add_stream(self, data: bytes, *, entries: str = "") -> int:
        """Write a stream object, compressed; ``entries`` are more of its dictionary."""
        packed = compressed(data)
        head = f"<< {entries} /Filter /FlateDecode /Length {len(packed)} >>\nstream\n".encode("ascii")
        return self._add(b"".join((head, packed, b"\nendstream")), number=None)

    def end(self, *, root: int, info: int) -> None:
        """Write the cross-reference table and the trailer."""
        start = self._position
        # The two identifiers are the same for the same content and clock.
        identifier = self._digest.hexdigest()[:32].upper()
        size = len(self._offsets) + 1
        lines = [f"xref\n0 {size}\n0000000000 65535 f \n"]
        for number, offset in enumerate(self._offsets, 1):
            if offset is None:
                raise RuntimeError(f"object {number} was reserved and never written")
            lines.append(f"{offset:010d} 00000 n \n")
        lines.append(
            f"trailer\n<< /Size {size} /Root {root} 0 R /Info {info} 0 R"
            f" /ID [<{identifier}> <{identifier}>] >>\n"
            f"startxref\n{start}\n%%EOF\n"
        )
        self._write("".join(lines).encode("ascii"))

    def _add(self, body: bytes, *, number: int | None) -> int:
        if number is None:
            number = self.reserve()
        self._offsets[number - 1] = self._position
        self._write(b"".join((f"{number} 0 obj\n".encode("ascii"), body, b"\nendobj\n")))
        return number

    def _write(self, data: bytes) -> None:
        self._sink.write(data)
        self._digest.update(data)
        self._position += len(data)
