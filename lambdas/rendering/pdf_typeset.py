"""Text as drawing operators, with a font for each of its characters.

Text of the main font alone is one string. Whatever that font lacks is looked for in the others, run by run,
and right-to-left runs are shaped. Fonts are opened when a character needs them.
"""

from collections.abc import Iterator
from typing import NamedTuple

from rendering.fonts import FALLBACKS, Face
from rendering.pdf_file import PdfFile
from rendering.pdf_fonts import PdfFont
from rendering.pdf_shaping import Run, ShapedFont, runs_in_order
from rendering.pdf_text import INVISIBLE, SEQUENCE, is_right_to_left, is_shaped

_JOINERS = "\u200c\u200d"


class Fonts:
    """Every font of one document, each made when it is first needed."""

    def __init__(self) -> None:
        self._main: dict[Face, PdfFont] = {}
        self._shaped: dict[tuple[Face, bool], ShapedFont] = {}

    def font(self, face: Face) -> PdfFont:
        found = self._main.get(face)
        if found is None:
            found = self._main[face] = PdfFont(face, resource=f"F{len(self._main) + 1}")
        return found

    def shaped(self, face: Face, *, right_to_left: bool) -> ShapedFont:
        found = self._shaped.get((face, right_to_left))
        if found is None:
            resource = f"S{len(self._shaped) + 1}"
            found = ShapedFont(face, resource=resource, right_to_left=right_to_left)
            self._shaped[face, right_to_left] = found
        return found

    def fallback(self, character: str) -> PdfFont | None:
        """The first of the further fonts that has ``character``."""
        return next((font for font in map(self.font, FALLBACKS) if font.has(character)), None)

    def embed(self, pdf: PdfFile) -> str:
        """Write all fonts; gives the entries of a resource dictionary."""
        # A font that was only asked for a character has no code in use.
        main = [font for font in self._main.values() if any(font.used)]
        fonts: list[PdfFont | ShapedFont] = [*main, *self._shaped.values()]
        return " ".join(f"/{font.resource} {font.embed(pdf)} 0 R" for font in fonts)


class _Span(NamedTuple):
    """A part of a line in one font."""

    font: PdfFont | ShapedFont
    text: str


class Typesetter:
    """Sets text in one face of the main font and whatever else it needs."""

    def __init__(self, fonts: Fonts, face: Face) -> None:
        self._fonts = fonts
        self._face = face
        self.main = fonts.font(face)
        self._known: dict[str, PdfFont | None] = {}

    def is_plain(self, text: str) -> bool:
        """Whether the main font has all of ``text``, and nothing in it is shaped."""
        return text.isascii() or (self.main.has_all(text) and not is_shaped(text))

    def width(self, text: str) -> float:
        """The width of ``text`` in em."""
        if self.is_plain(text):
            return self.main.width(text)
        return sum(span.font.width(span.text) for span in self._spans(text))

    def operators(self, text: str, size: float) -> bytes:
        """What draws ``text`` from where the pen is. The main font is set before and after."""
        if self.is_plain(text):
            return self.main.string(text) + b" Tj"
        made: list[bytes] = []
        present = self.main.resource
        for span in self._spans(text):
            if span.font.resource != present:
                present = span.font.resource
                made.append(f"/{present} {size:.2f} Tf".encode())
            if isinstance(span.font, ShapedFont):
                made.append(span.font.operators(span.text, size))
            else:
                made.append(span.font.string(span.text) + b" Tj")
        if present != self.main.resource:
            made.append(f"/{self.main.resource} {size:.2f} Tf".encode())
        return b" ".join(made)

    def missing(self, text: str) -> list[str]:
        """The different characters of ``text`` that no font has, in order."""
        if text.isascii() or self.main.has_all(text):
            return []
        return [
            character
            for character in dict.fromkeys(text)
            if not self.main.has(character)
            and character != "\n"
            and not INVISIBLE.match(character)
            and self._fallback(character) is None
        ]

    def _fallback(self, character: str) -> PdfFont | None:
        if character not in self._known:
            self._known[character] = self._fonts.fallback(character)
        return self._known[character]

    def _spans(self, text: str) -> Iterator[_Span]:
        """The parts of one line from left to right."""
        if not is_shaped(text):
            yield from self._by_font(text)
            return
        runs: Iterator[Run] = runs_in_order(text) if is_right_to_left(text) else iter([Run(text, 0)])
        for run in runs:
            parts = list(self._parts(run))
            yield from reversed(parts) if run.level % 2 else parts

    def _parts(self, run: Run) -> Iterator[_Span]:
        """The parts of a run in reading order."""
        start = 0
        for sequence in SEQUENCE.finditer(run.text):
            emoji = self._fonts.font(Face.EMOJI)
            if all(emoji.has(character) or INVISIBLE.match(character) for character in sequence[0]):
                yield from self._letters(run.text[start : sequence.start()], run.level)
                yield _Span(self._fonts.shaped(Face.EMOJI, right_to_left=False), sequence[0])
                start = sequence.end()
        yield from self._letters(run.text[start:], run.level)

    def _letters(self, text: str, level: int) -> Iterator[_Span]:
        if level % 2 == 0:
            yield from self._by_font("".join(c for c in text if not INVISIBLE.match(c)))
            return
        start = 0
        for index, character in enumerate(text):
            if self.main.has(character) and (character in _JOINERS or not INVISIBLE.match(character)):
                continue
            if index > start:
                yield _Span(self._fonts.shaped(self._face, right_to_left=True), text[start:index])
            if not INVISIBLE.match(character):
                yield from self._by_font(character)
            start = index + 1
        if start < len(text):
            yield _Span(self._fonts.shaped(self._face, right_to_left=True), text[start:])

    def _by_font(self, text: str) -> Iterator[_Span]:
        start = 0
        present: PdfFont | None = None
        for index, character in enumerate(text):
            font = self.main if self.main.has(character) else self._fallback(character) or self.main
            # A blank goes with what is before it.
            if character == " " and present is not None and present.has(" "):
                font = present
            if font is not present:
                if present is not None:
                    yield _Span(present, text[start:index])
                start, present = index, font
        if present is not None:
            yield _Span(present, text[start:])
