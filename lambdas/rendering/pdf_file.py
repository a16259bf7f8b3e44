"""A PDF file (ISO 32000-1) written object by object to a sink that can't seek.

Only the offsets of objects are kept, and for many small ones the stream that they are packed in. Numbers
are reserved for objects that others name before they are written.
"""

import hashlib
import sys
import zlib
from array import array
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import accumulate

from rendering.deflate import compressed
from rendering.model import ByteSink

#: Objects in one stream; a reader opens all of them for one.
_MOST_PACKED = 5000
#: The entry of object 0.
_FREE = 0xFFFF


def literal(text: str) -> str:
    """A text string object: UTF-16BE with a byte order mark (section 7.9.2.2), in hexadecimal."""
    return f"<{(b'\xfe\xff' + text.encode('utf-16-be')).hex().upper()}>"


def date(moment: datetime) -> str:
    """A date object (section 7.9.4) of a moment with an offset."""
    return f"(D:{moment.astimezone(UTC):%Y%m%d%H%M%S}Z)"


class PdfFile:
    """Writes indirect objects, and at the end where each of them is."""

    def __init__(self, sink: ByteSink) -> None:
        self._sink = sink
        self._position = 0
        self._count = 0
        self._offsets: dict[int, int] = {}
        #: Packed objects: the first one's number, how many, and the number of their stream.
        self._packed: list[tuple[int, int, int]] = []
        self._digest = hashlib.sha256()
        # The comment tells transfer programs that the file is binary (section 7.5.2).
        self._write(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")

    def reserve(self, count: int = 1) -> int:
        """The number of an object that is written later, or of the first of ``count`` in a row."""
        first = self._count + 1
        self._count += count
        return first

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

    def add_packed(self, bodies: Sequence[bytes], *, first: int) -> None:
        """Write objects with numbers in a row, from ``first`` on, into object streams (section 7.5.7)."""
        for start in range(0, len(bodies), _MOST_PACKED):
            part = bodies[start : start + _MOST_PACKED]
            places = accumulate((len(body) + 1 for body in part[:-1]), initial=0)
            numbers = range(first + start, first + start + len(part))
            heads = b" ".join(map(b"%d %d".__mod__, zip(numbers, places, strict=True)))
            stream = self.add_stream(
                b"%b\n%b" % (heads, b"\n".join(part)),
                entries=f"/Type /ObjStm /N {len(part)} /First {len(heads) + 1}",
            )
            self._packed.append((first + start, len(part), stream))

    def end(self, *, root: int, info: int) -> None:
        """Write the cross-reference stream (section 7.5.8), which is the trailer too."""
        start = self._position
        # The two identifiers are the same for the same content and clock.
        identifier = self._digest.hexdigest()[:32].upper()
        number = self.reserve()
        self._offsets[number] = start
        packer = zlib.compressobj(1)
        packed = b"".join([*map(packer.compress, self._entries()), packer.flush()])
        head = (
            f"<< /Type /XRef /Size {self._count + 1} /W [1 5 2] /Root {root} 0 R /Info {info} 0 R"
            f" /ID [<{identifier}> <{identifier}>] /Filter /FlateDecode /Length {len(packed)} >>\nstream\n"
        )
        self._add(b"".join((head.encode("ascii"), packed, b"\nendstream")), number=number)
        self._write(f"startxref\n{start}\n%%EOF\n".encode("ascii"))

    def _entries(self) -> Iterator[bytes]:
        """Eight bytes for each object in order: type, offset or stream, and place in the stream."""
        yield _FREE.to_bytes(8, "big")
        number = 1
        for first, length, stream in [*sorted(self._packed), (self._count + 1, 0, 0)]:
            for single in range(number, first):
                offset = self._offsets.get(single)
                if offset is None:
                    raise RuntimeError(f"object {single} was reserved and never written")
                yield (1 << 56 | offset << 16).to_bytes(8, "big")
            base = 2 << 56 | stream << 16
            entries = array("Q", range(base, base + length))
            if sys.byteorder == "little":
                entries.byteswap()
            yield entries.tobytes()
            number = first + length

    def _add(self, body: bytes, *, number: int | None) -> int:
        if number is None:
            number = self.reserve()
        self._offsets[number] = self._position
        self._write(b"".join((f"{number} 0 obj\n".encode("ascii"), body, b"\nendobj\n")))
        return number

    def _write(self, data: bytes) -> None:
        self._sink.write(data)
        self._digest.update(data)
        self._position += len(data)
