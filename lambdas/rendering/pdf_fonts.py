"""A font of one PDF: widths, codes for its characters, and the embedded subset.

Text is written in two-byte codes of a Type 0 font with Identity-H encoding (ISO 32000-1, section 9.7). A code
is the character's own code point; one beyond the basic plane gets a code of the surrogates, which no
character has. Which glyph it is follows from CIDToGIDMap, and what it reads as when copied from ToUnicode. A
character that the font does not have shows the glyph of U+FFFD and can still be copied.
"""

import hashlib
import threading
from array import array
from collections.abc import Sequence

from reportlab.pdfbase.ttfonts import TTFontFile

from rendering.fonts import Face, load
from rendering.pdf_file import PdfFile

PLACEHOLDER = 0xFFFD
_BLOCK = 100
_FIRST_SURROGATE, _LAST_SURROGATE = 0xD800, 0xDFFF
_CODES = 1 << 16
#: Subsetting moves the read position of the shared font file.
_subsetting = threading.Lock()


class _Units(dict[str, int]):
    """Advance widths in units of the font by character, looked up once."""

    def __init__(self, face: Face) -> None:
        super().__init__()
        font = load(face)
        self._scale = font.unitsPerEm / 1000
        self._widths = font.charWidths
        self._missing = self._widths.get(PLACEHOLDER, font.defaultWidth)

    def __missing__(self, character: str) -> int:
        units = int(self._widths.get(ord(character), self._missing) * self._scale + 0.5)
        self[character] = units
        return units


class PdfFont:
    """One face, as far as one document uses it. ``resource`` is its name in content streams."""

    def __init__(self, face: Face, *, resource: str) -> None:
        self.face = face
        self.resource = resource
        self._file = load(face)
        self.units_per_em = int(self._file.unitsPerEm)
        self._units = _Units(face)
        #: A bit for each code that is used; the native loops set them too.
        self.used = bytearray(_CODES // 8)
        self._present: set[str] = set()
        self._beyond: dict[str, int] = {}

    def units(self, text: str) -> int:
        """The width of ``text`` in units of the font."""
        return sum(map(self._units.__getitem__, text))

    def width(self, text: str) -> float:
        """The width of ``text`` in em."""
        return self.units(text) / self.units_per_em

    def unit_widths(self, characters: Sequence[str | None]) -> bytes:
        """An array of 16 bit with the width of each character, 0xFFFF for ``None``."""
        return array("H", [0xFFFF if c is None else self._units[c] for c in characters]).tobytes()

    def has_all(self, text: str) -> bool:
        """Whether the font has every character of ``text``; those that it has are remembered."""
        unknown = set(text).difference(self._present)
        if all(map(self.has, unknown)):
            self._present |= unknown
            return True
        return False

    def has(self, character: str) -> bool:
        return ord(character) in self._file.charToGlyph

    def string(self, text: str) -> bytes:
        """``text`` as a string object (section 7.3.4.2)."""
        try:
            codes = text.encode("utf-16-be")
            beyond = len(codes) != 2 * len(text)
        except UnicodeEncodeError:
            beyond = True
        if beyond:
            codes = b"".join(self._code(character).to_bytes(2, "big") for character in text)
        used = self.used
        for code in set(zip(codes[::2], codes[1::2], strict=True)):
            number = code[0] << 8 | code[1]
            used[number >> 3] |= 1 << (number & 7)
        for byte in (b"\\", b"(", b")"):
            codes = codes.replace(byte, b"\\" + byte)
        return b"(" + codes.replace(b"\r", b"\\r") + b")"

    def embed(self, pdf: PdfFile) -> int:
        """Write the font's objects, with the glyphs that were used; gives the number of the font."""
        points = {point: character for character, point in self._beyond.items()}
        codes = [code for code in range(_CODES) if self.used[code >> 3] & 1 << (code & 7)]
        characters = [points.get(code) or chr(code) for code in codes]
        glyph_of = self._file.charToGlyph
        known = [ord(c) if ord(c) in glyph_of else PLACEHOLDER for c in characters]
        with _subsetting:
            program = self._file.makeSubset(
                list(dict.fromkeys(point for point in known if point in glyph_of))
            )
        tag = "".join(chr(65 + byte % 26) for byte in hashlib.sha256(repr(characters).encode()).digest()[:6])
        name = f"{tag}+{self.face}"
        font_file = pdf.add_stream(program, entries=f"/Length1 {len(program)}")
        descriptor = pdf.add(font_descriptor(self._file, name, font_file=font_file))
        glyphs = pdf.add_stream(self._glyph_map(codes, known))
        scale = 1000 / self.units_per_em
        widths = " ".join(
            f"{code} [{self._units[character] * scale:.0f}]"
            for code, character in zip(codes, characters, strict=True)
        )
        descendant = pdf.add(
            f"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /{name} /FontDescriptor {descriptor} 0 R"
            f" /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >>"
            f" /DW 1000 /W [{widths}] /CIDToGIDMap {glyphs} 0 R >>"
        )
        unicode_map = pdf.add_stream(to_unicode(dict(zip(codes, characters, strict=True))))
        return pdf.add(
            f"<< /Type /Font /Subtype /Type0 /BaseFont /{name} /Encoding /Identity-H"
            f" /DescendantFonts [{descendant} 0 R] /ToUnicode {unicode_map} 0 R >>"
        )

    def _code(self, character: str) -> int:
        point = ord(character)
        if point < _CODES and not _FIRST_SURROGATE <= point <= _LAST_SURROGATE:
            return point
        found = self._beyond.get(character)
        if found is None:
            if len(self._beyond) > _LAST_SURROGATE - _FIRST_SURROGATE:
                # More characters beyond the basic plane than there are codes: the last ones lose theirs.
                return PLACEHOLDER
            found = self._beyond[character] = _FIRST_SURROGATE + len(self._beyond)
        return found

    def _glyph_map(self, codes: Sequence[int], known: Sequence[int]) -> bytes:
        """CIDToGIDMap: the subset numbers glyphs in the order in which their characters are first named."""
        numbers = {0: 0}
        glyphs = array("H", bytes(2 * (codes[-1] + 1)) if codes else b"\0\0")
        for code, point in zip(codes, known, strict=True):
            if point in self._file.charToGlyph:
                glyphs[code] = numbers.setdefault(self._file.charToGlyph[point], len(numbers))
        glyphs.byteswap()
        return glyphs.tobytes()


def font_descriptor(file: TTFontFile, name: str, *, font_file: int) -> str:
    """A font descriptor (section 9.8) of a parsed font file."""
    box = " ".join(f"{value:.0f}" for value in file.bbox)
    return (
        f"<< /Type /FontDescriptor /FontName /{name} /Flags {file.flags} /FontBBox [{box}]"
        f" /ItalicAngle {file.italicAngle:.0f} /Ascent {file.ascent:.0f} /Descent {file.descent:.0f}"
        f" /CapHeight {file.capHeight:.0f} /StemV {file.stemV:.0f} /FontFile2 {font_file} 0 R >>"
    )


def to_unicode(texts: dict[int, str]) -> bytes:
    """A ToUnicode CMap (section 9.10.3) for codes with their texts."""
    lines = [
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap",
        "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def",
        "/CMapName /Adobe-Identity-UCS def /CMapType 2 def",
        "1 begincodespacerange <0000> <FFFF> endcodespacerange",
    ]
    items = list(texts.items())
    for start in range(0, len(items), _BLOCK):
        block = items[start : start + _BLOCK]
        lines.append(f"{len(block)} beginbfchar")
        lines += [f"<{code:04X}> <{text.encode('utf-16-be').hex().upper()}>" for code, text in block]
        lines.append("endbfchar")
    lines.append("endcmap CMapName currentdict /CMap defineresource pop end end")
    return "\n".join(lines).encode("ascii")
