"""Text as drawing operators, with a font for each of its characters.

Text of the main font alone is one string. Whatever that font lacks is looked for in the others, run by run,
and right-to-left runs are shaped. Fonts are opened when a character needs them.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from rendering.fonts import FALLBACKS, Face
from rendering.pdf_file import PdfFile
from rendering.pdf_fonts import PdfFont
from rendering.pdf_shaping import Run, ShapedFont, runs_in_order
from rendering.pdf_text import is_right_to_left

#: Scripts that are written from right to left, with the marks and digits between their letters.
_RIGHT_TO_LEFT_RUN = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff]")


class Fonts:
    """Every font of one document, each made when it is first needed."""

    def __init__(self) -> None:
        self._main: dict[Face, PdfFont] = {}
        self._shaped: dict[Face, ShapedFont] = {}

    def font(self, face: Face) -> PdfFont:
        found = self._main.get(face)
        if found is None:
            found = self._main[face] = PdfFont(face, resource=f"F{len(self._main) + 1}")
        return found

    def shaped(self, face: Face) -> ShapedFont:
        found = self._shaped.get(face)
        if found is None:
            found = self._shaped[face] = ShapedFont(face, resource=f"S{len(self._shaped) + 1}")
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
        return text.isascii() or (self.main.has_all(text) and not is_right_to_left(text))

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
            if character != "\n" and not self.main.has(character) and self._fallback(character) is None
        ]

    def _fallback(self, character: str) -> PdfFont | None:
        if character not in self._known:
            self._known[character] = self._fonts.fallback(character)
        return self._known[character]

    def _spans(self, text: str) -> Iterator[_Span]:
        runs: Iterator[Run] = runs_in_order(text) if is_right_to_left(text) else iter([Run(text, 0)])
        for run in runs:
            if run.level % 2 and _RIGHT_TO_LEFT_RUN.search(run.text):
                yield _Span(self._fonts.shaped(self._face), run.text)
            else:
                yield from self._by_font(run.text[::-1] if run.level % 2 else run.text)

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
