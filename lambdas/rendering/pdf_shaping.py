"""Arabic, Hebrew and their relatives: letters joined and put in the order in which they are drawn.

HarfBuzz shapes, the Unicode bidirectional algorithm (UAX 9) orders. Both are loaded when the first such text
comes.
"""

import hashlib
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from rendering.fonts import Face, load, path
from rendering.pdf_file import PdfFile
from rendering.pdf_fonts import font_descriptor, to_unicode


class Run(NamedTuple):
    """Text of one direction. ``level`` is odd for right to left."""

    text: str
    level: int


def runs_in_order(text: str) -> Iterator[Run]:
    """The runs of one line from left to right, each with its text in reading order."""
    from bidi import algorithm  # noqa: PLC0415 - only texts with such letters need it

    storage: dict[str, Any] = algorithm.get_empty_storage()
    level = algorithm.get_base_level(text)
    storage["base_level"], storage["base_dir"] = level, ("L", "R")[level]
    algorithm.get_embedding_levels(text, storage)
    algorithm.explicit_embed_and_overrides(storage)
    algorithm.resolve_weak_types(storage)
    algorithm.resolve_neutral_types(storage, False)
    algorithm.resolve_implicit_levels(storage, False)
    runs: list[Run] = []
    for character in storage["chars"]:
        if runs and runs[-1].level == character["level"]:
            runs[-1] = Run(runs[-1].text + character["ch"], runs[-1].level)
        else:
            runs.append(Run(character["ch"], character["level"]))
    # Rule L2: from the highest level down, sequences of that level or above are reversed.
    levels = [run.level for run in runs]
    for level in range(max(levels, default=0), 0, -1):
        start = 0
        while start < len(runs):
            stop = start
            while stop < len(runs) and runs[stop].level >= level:
                stop += 1
            if stop > start:
                runs[start:stop] = runs[start:stop][::-1]
            start = max(stop, start + 1)
    yield from runs


class _Glyph(NamedTuple):
    number: int
    advance: int
    x_offset: int
    y_offset: int


@cache
def _harfbuzz(face: Face) -> tuple[Any, Any, Any]:
    import uharfbuzz  # noqa: PLC0415 - only texts with such letters need it

    data = path(face).read_bytes()
    loaded = uharfbuzz.Face(data)
    return uharfbuzz, loaded, uharfbuzz.Font(loaded)


class ShapedFont:
    """The glyphs of one face that shaped text uses; a code is the number of a glyph."""

    def __init__(self, face: Face, *, resource: str) -> None:
        self.face = face
        self.resource = resource
        self._texts: dict[int, str] = {}
        self._advances: dict[int, int] = {}
        self._shaped: dict[str, tuple[_Glyph, ...]] = {}

    def width(self, text: str) -> float:
        """The width of right-to-left ``text`` in em."""
        _, face, _ = _harfbuzz(self.face)
        return sum(glyph.advance for glyph in self._shape(text)) / float(face.upem)

    def operators(self, text: str, size: float) -> bytes:
        """The operators that draw right-to-left ``text`` from its left end."""
        _, face, font = _harfbuzz(self.face)
        scale = 1000 / face.upem
        made: list[str] = []
        pieces: list[str] = []

        def flush() -> None:
            if pieces:
                made.append(f"[{''.join(pieces)}] TJ")
                pieces.clear()

        for glyph in self._shape(text):
            self._advances.setdefault(glyph.number, int(font.get_glyph_h_advance(glyph.number)))
            own = self._advances[glyph.number]
            if glyph.y_offset:
                flush()
                made.append(f"{glyph.y_offset * size / face.upem:.3f} Ts")
            if glyph.x_offset:
                pieces.append(f"{-glyph.x_offset * scale:.0f}")
            pieces.append(f"<{glyph.number:04X}>")
            if rest := glyph.advance - own - glyph.x_offset:
                pieces.append(f"{-rest * scale:.0f}")
            if glyph.y_offset:
                flush()
                made.append("0 Ts")
        flush()
        return " ".join(made).encode("ascii")

    def embed(self, pdf: PdfFile) -> int:
        """Write the font's objects, with the glyphs that were used; gives the number of the font."""
        uharfbuzz, face, _ = _harfbuzz(self.face)
        wanted = uharfbuzz.SubsetInput()
        wanted.glyph_set.update(self._advances)
        wanted.flags = uharfbuzz.SubsetFlags.RETAIN_GIDS | uharfbuzz.SubsetFlags.NO_LAYOUT_CLOSURE
        program = bytes(uharfbuzz.subset(face, wanted).blob.data)
        tag = "".join(
            chr(65 + b % 26) for b in hashlib.sha256(repr(sorted(self._advances)).encode()).digest()[:6]
        )
        name = f"{tag}+{self.face}"
        font_file = pdf.add_stream(program, entries=f"/Length1 {len(program)}")
        descriptor = pdf.add(font_descriptor(load(self.face), name, font_file=font_file))
        widths = " ".join(
            f"{number} [{advance * 1000 / face.upem:.0f}]"
            for number, advance in sorted(self._advances.items())
        )
        descendant = pdf.add(
            f"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /{name} /FontDescriptor {descriptor} 0 R"
            f" /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >>"
            f" /DW 1000 /W [{widths}] /CIDToGIDMap /Identity >>"
        )
        unicode_map = pdf.add_stream(to_unicode(dict(sorted(self._texts.items()))))
        return pdf.add(
            f"<< /Type /Font /Subtype /Type0 /BaseFont /{name} /Encoding /Identity-H"
            f" /DescendantFonts [{descendant} 0 R] /ToUnicode {unicode_map} 0 R >>"
        )

    def _shape(self, text: str) -> tuple[_Glyph, ...]:
        found = self._shaped.get(text)
        if found is None:
            found = tuple(self._glyphs(text))
            if len(self._shaped) < _KNOWN_SHAPES:
                self._shaped[text] = found
        return found

    def _glyphs(self, text: str) -> Iterator[_Glyph]:
        uharfbuzz, _, font = _harfbuzz(self.face)
        buffer = uharfbuzz.Buffer()
        buffer.add_str(text)
        buffer.guess_segment_properties()
        buffer.direction = "rtl"
        uharfbuzz.shape(font, buffer, {})
        infos, positions = buffer.glyph_infos, buffer.glyph_positions
        starts = sorted({info.cluster for info in infos})
        ends = dict(zip(starts, [*starts[1:], len(text)], strict=True))
        seen: set[int] = set()
        # In reading order, so that a cluster's first glyph carries its text.
        for info in reversed(infos):
            if info.cluster not in seen:
                seen.add(info.cluster)
                self._texts.setdefault(info.codepoint, text[info.cluster : ends[info.cluster]])
        for info, position in zip(infos, positions, strict=True):
            yield _Glyph(info.codepoint, position.x_advance, position.x_offset, position.y_offset)


#: Words that come again are shaped once, as long as there is room.
_KNOWN_SHAPES = 20_000
