"""A font of one PDF: widths, codes for its characters as they come up, and the embedded subset.

Text is written in two-byte codes of a Type 0 font with Identity-H encoding (ISO 32000-1, section 9.7).
Each character that is used gets the next code; which glyph it is follows from CIDToGIDMap, and what it
reads as when copied from ToUnicode. A character that the font does not have shows the glyph of U+FFFD and
can still be copied.
"""

import hashlib
import threading
from collections.abc import Sequence

from rendering.fonts import Weight, load
from rendering.pdf_file import PdfFile

PLACEHOLDER = 0xFFFD
_MAX_CODE = 0xFFFF
_BLOCK = 100
#: Subsetting moves the read position of the shared font file.
_subsetting = threading.Lock()


class _Widths(dict[str, float]):
    """Advance widths in em by character, looked up in the font once."""

    def __init__(self, weight: Weight) -> None:
        super().__init__()
        self._widths = load(weight).charWidths

    def __missing__(self, character: str) -> float:
        width: float = self._widths.get(ord(character), self._widths[PLACEHOLDER]) / 1000
        self[character] = width
        return width


class _Codes(dict[int, str]):
    """Codes in hexadecimal by code point, given out in order of appearance."""

    def __missing__(self, code_point: int) -> str:
        if len(self) == _MAX_CODE:
            # More different characters than a font has codes, of which only the last ones lose theirs.
            return self[PLACEHOLDER]
        code = self[code_point] = f"{len(self) + 1:04X}"
        return code


class PdfFont:
    """One weight of the font, as far as one document uses it."""

    def __init__(self, weight: Weight, *, resource: str) -> None:
        self.resource = resource
        self._weight = weight
        self._file = load(weight)
        self._widths = _Widths(weight)
        self._codes = _Codes()
        self._present: set[str] = set()
        self.encode("\ufffd")

    def width(self, text: str) -> float:
        """The width of ``text`` in em."""
        return sum(map(self._widths.__getitem__, text))

    def has_all(self, text: str) -> bool:
        """Whether the font has every character of ``text``; those that it has are remembered."""
        unknown = set(text).difference(self._present)
        if all(map(self.has, unknown)):
            self._present |= unknown
            return True
        return False

    def has(self, character: str) -> bool:
        return ord(character) in self._file.charToGlyph

    def encode(self, text: str) -> str:
        """``text`` as the inside of a hexadecimal string."""
        return text.translate(self._codes)

    def embed(self, pdf: PdfFile) -> int:
        """Write the font's objects, with the glyphs that were used; gives the number of the font."""
        points = list(self._codes)
        known = [point if point in self._file.charToGlyph else PLACEHOLDER for point in points]
        with _subsetting:
            program = self._file.makeSubset(list(dict.fromkeys(known)))
        tag = "".join(chr(65 + byte % 26) for byte in hashlib.sha256(repr(points).encode()).digest()[:6])
        name = f"{tag}+{self._weight}"
        font_file = pdf.add_stream(program, entries=f"/Length1 {len(program)}")
        descriptor = pdf.add(self._descriptor(name, font_file=font_file))
        glyphs = pdf.add_stream(self._glyph_map(known))
        widths = " ".join(f"{self._widths[chr(point)] * 1000:.0f}" for point in points)
        descendant = pdf.add(
            f"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /{name} /FontDescriptor {descriptor} 0 R"
            f" /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >>"
            f" /DW 1000 /W [1 [{widths}]] /CIDToGIDMap {glyphs} 0 R >>"
        )
        unicode_map = pdf.add_stream(_to_unicode(points))
        return pdf.add(
            f"<< /Type /Font /Subtype /Type0 /BaseFont /{name} /Encoding /Identity-H"
            f" /DescendantFonts [{descendant} 0 R] /ToUnicode {unicode_map} 0 R >>"
        )

    def _descriptor(self, name: str, *, font_file: int) -> str:
        font = self._file
        box = " ".join(f"{value:.0f}" for value in font.bbox)
        return (
            f"<< /Type /FontDescriptor /FontName /{name} /Flags {font.flags} /FontBBox [{box}]"
            f" /ItalicAngle {font.italicAngle:.0f} /Ascent {font.ascent:.0f} /Descent {font.descent:.0f}"
            f" /CapHeight {font.capHeight:.0f} /StemV {font.stemV:.0f} /FontFile2 {font_file} 0 R >>"
        )

    def _glyph_map(self, known: Sequence[int]) -> bytes:
        """CIDToGIDMap: the subset numbers glyphs in the order in which their characters are first named."""
        numbers = {0: 0}
        glyphs = [0]
        for point in known:
            glyphs.append(numbers.setdefault(self._file.charToGlyph[point], len(numbers)))
        return b"".join(glyph.to_bytes(2, "big") for glyph in glyphs)


def _to_unicode(points: Sequence[int]) -> bytes:
    """A ToUnicode CMap (section 9.10.3)."""
    lines = [
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap",
        "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def",
        "/CMapName /Adobe-Identity-UCS def /CMapType 2 def",
        "1 begincodespacerange <0000> <FFFF> endcodespacerange",
    ]
    for start in range(0, len(points), _BLOCK):
        block = points[start : start + _BLOCK]
        lines.append(f"{len(block)} beginbfchar")
        lines += [
            f"<{code:04X}> <{chr(point).encode('utf-16-be').hex().upper()}>"
            for code, point in enumerate(block, start + 1)
        ]
        lines.append("endbfchar")
    lines.append("endcmap CMapName currentdict /CMap defineresource pop end end")
    return "\n".join(lines).encode("ascii")
