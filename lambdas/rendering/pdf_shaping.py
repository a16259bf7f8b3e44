"""Arabic, Hebrew and their relatives, and joined emoji: glyphs in the order in which they are drawn.

HarfBuzz shapes, the Unicode bidirectional algorithm (UAX 9) orders. Both are loaded when the first such text
comes.
"""

import hashlib
from array import array
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


def base_level(text: str) -> int:
    """1 for text whose first letter with a direction is written from right to left, else 0."""
    from bidi import algorithm  # noqa: PLC0415 - only texts with such letters need it

    return int(algorithm.get_base_level(text))


def _default_class(character: str) -> str:
    """The class of a character that Unicode knows nothing of yet, by its block (UAX 9, table 4)."""
    point = ord(character)
    blocks = ((0x590, 0x8FF), (0xFB1D, 0xFDFF), (0xFE70, 0xFEFF), (0x10800, 0x10FFF), (0x1E800, 0x1EFFF))
    return "R" if any(first <= point <= last for first, last in blocks) else "L"


def runs_in_order(text: str) -> Iterator[Run]:
    """The runs of one line from left to right, each with its text in reading order."""
    from bidi import algorithm  # noqa: PLC0415 - only texts with such letters need it

    storage: dict[str, Any] = algorithm.get_empty_storage()
    level = base_level(text)
    storage["base_level"], storage["base_dir"] = level, ("L", "R")[level]
    algorithm.get_embedding_levels(text, storage)
    for character in storage["chars"]:
        if not character["type"]:
            character["type"] = character["orig"] = _default_class(character["ch"])
    algorithm.explicit_embed_and_overrides(storage)
    algorithm.resolve_weak_types(storage)
    algorithm.resolve_neutral_types(storage, False)
    algorithm.resolve_implicit_levels(storage, False)
    runs: list[Run] = []
    resolved = iter([*storage["chars"], None])
    following = next(resolved)
    for character in text:
        # The algorithm leaves out joiners (rule X9): they go with what is before them.
        if following is not None and following["ch"] == character:
            level = following["level"]
            following = next(resolved)
        if runs and runs[-1].level == level:
            runs[-1] = Run(runs[-1].text + character, level)
        else:
            runs.append(Run(character, level))
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
    """A glyph by its code, with its advance and how far it is moved, in units of the font."""

    code: int
    advance: int
    x_offset: int = 0
    y_offset: int = 0


@cache
def _harfbuzz(face: Face) -> tuple[Any, Any, Any]:
    import uharfbuzz  # noqa: PLC0415 - only texts with such letters need it

    data = path(face).read_bytes()
    loaded = uharfbuzz.Face(data)
    return uharfbuzz, loaded, uharfbuzz.Font(loaded)


class ShapedFont:
    """The glyphs of one face and direction that shaped text uses.

    A code stands for a glyph together with what it reads as: one glyph can come from different texts.
    """

    def __init__(self, face: Face, *, resource: str, right_to_left: bool) -> None:
        self.face = face
        self.resource = resource
        self._right_to_left = right_to_left
        #: Codes by glyph and text. Code 0 would be the glyph of a missing character.
        self._codes: dict[tuple[int, str], int] = {}
        #: The own advance of each code's glyph.
        self._own: list[int] = [0]
        self._shaped: dict[str, tuple[_Glyph, ...]] = {}

    def width(self, text: str) -> float:
        """The width of ``text`` in em."""
        _, face, _ = _harfbuzz(self.face)
        return sum(glyph.advance for glyph in self._shape(text)) / float(face.upem)

    def operators(self, text: str, size: float) -> bytes:
        """The operators that draw ``text`` from its left end."""
        _, face, _ = _harfbuzz(self.face)
        scale = 1000 / face.upem
        made: list[str] = []
        pieces: list[str] = []

        def flush() -> None:
            if pieces:
                made.append(f"[{''.join(pieces)}] TJ")
                pieces.clear()

        for glyph in self._shape(text):
            if glyph.y_offset:
                flush()
                made.append(f"/Span << /ActualText <> >> BDC {glyph.y_offset * size / face.upem:.3f} Ts")
            if glyph.x_offset:
                pieces.append(f"{-glyph.x_offset * scale:.0f}")
            pieces.append(f"<{glyph.code:04X}>")
            if rest := glyph.advance - self._own[glyph.code] - glyph.x_offset:
                pieces.append(f"{-rest * scale:.0f}")
            if glyph.y_offset:
                flush()
                made.append("0 Ts EMC")
        flush()
        return " ".join(made).encode("ascii")

    def embed(self, pdf: PdfFile) -> int:
        """Write the font's objects, with the glyphs that were used; gives the number of the font."""
        uharfbuzz, face, _ = _harfbuzz(self.face)
        wanted = uharfbuzz.SubsetInput()
        wanted.glyph_set.update({glyph for glyph, _ in self._codes})
        wanted.flags = uharfbuzz.SubsetFlags.RETAIN_GIDS | uharfbuzz.SubsetFlags.NO_LAYOUT_CLOSURE
        program = bytes(uharfbuzz.subset(face, wanted).blob.data)
        tag = "".join(
            chr(65 + b % 26) for b in hashlib.sha256(repr(sorted(self._codes)).encode()).digest()[:6]
        )
        name = f"{tag}+{self.face}"
        font_file = pdf.add_stream(program, entries=f"/Length1 {len(program)}")
        descriptor = pdf.add(font_descriptor(load(self.face), name, font_file=font_file))
        widths = " ".join(f"{advance * 1000 / face.upem:.0f}" for advance in self._own)
        glyphs = array("H", [0, *(glyph for glyph, _ in self._codes)])
        glyphs.byteswap()
        glyph_map = pdf.add_stream(glyphs.tobytes())
        descendant = pdf.add(
            f"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /{name} /FontDescriptor {descriptor} 0 R"
            f" /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >>"
            f" /DW 1000 /W [0 [{widths}]] /CIDToGIDMap {glyph_map} 0 R >>"
        )
        unicode_map = pdf.add_stream(to_unicode({code: text for (_, text), code in self._codes.items()}))
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

    def _glyphs(self, text: str) -> list[_Glyph]:
        """The glyphs from left to right."""
        uharfbuzz, _, font = _harfbuzz(self.face)
        buffer = uharfbuzz.Buffer()
        buffer.cluster_level = uharfbuzz.BufferClusterLevel.MONOTONE_CHARACTERS
        buffer.add_str(text)
        buffer.guess_segment_properties()
        buffer.direction = "rtl" if self._right_to_left else "ltr"
        uharfbuzz.shape(font, buffer, {})
        infos, positions = buffer.glyph_infos, buffer.glyph_positions
        starts = sorted({info.cluster for info in infos})
        ends = dict(zip(starts, [*starts[1:], len(text)], strict=True))
        read = dict.fromkeys(starts, False)
        blank = font.get_nominal_glyph(ord(" "))
        made: list[_Glyph] = []
        # In reading order, so that a cluster's first glyph carries its text.
        order = range(len(infos) - 1, -1, -1) if self._right_to_left else range(len(infos))
        for index in order:
            info, position = infos[index], positions[index]
            cluster = text[info.cluster : ends[info.cluster]]
            if read[info.cluster]:
                if not position.x_advance and info.codepoint == blank:
                    # What is left of a joiner.
                    continue
                cluster = _NOTHING
            read[info.cluster] = True
            # Readers turn right-to-left text around character by character. So a glyph stands for one
            # character alone, and blanks without a width for the others that are joined in it.
            own, rest = (cluster[:1], cluster[1:]) if self._right_to_left else (cluster, "")
            if position.y_offset:
                # A mark that is moved up or down would be read as a line of its own.
                own, rest = _NOTHING, own + rest
            made.append(
                _Glyph(
                    self._code(info.codepoint, own), position.x_advance, position.x_offset, position.y_offset
                )
            )
            made += [_Glyph(self._code(blank, character), 0) for character in rest]
        return made[::-1] if self._right_to_left else made

    def _code(self, glyph: int, text: str) -> int:
        found = self._codes.get((glyph, text))
        if found is None:
            _, _, font = _harfbuzz(self.face)
            # More glyphs with different texts than there are codes: the last ones read as nothing else.
            found = self._codes[glyph, text] = min(len(self._codes) + 1, _CODES - 1)
            if found == len(self._own):
                self._own.append(int(font.get_glyph_h_advance(glyph)))
        return found


#: Words that come again are shaped once, as long as there is room.
_KNOWN_SHAPES = 20_000
_CODES = 1 << 16
#: What a glyph reads as that only adds to the one before: a zero-width space.
_NOTHING = "\u200b"
