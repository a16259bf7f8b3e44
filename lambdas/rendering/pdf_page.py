"""The content stream of one page: fills and rules first, then all text in one text object.

In a tagged document everything is marked (ISO 32000-1, section 14.6): as the content of an element, or as an
artifact that is not read out.
"""

from collections.abc import Iterable, Sequence

from rendering.model import Tone
from rendering.pdf_geometry import Geometry
from rendering.pdf_rows import CELL_NUMBER, INK, Drawn
from rendering.pdf_typeset import Typesetter

MUTED = "0.37 0.42 0.48"
HEADER_FILL = "0.894 0.914 0.941"
ZEBRA_FILL = "0.969 0.975 0.982"
SUBTOTAL_FILL = "0.933 0.945 0.961"
RULE = "0.80 0.83 0.87"
STRONG_RULE = "0.45 0.51 0.58"
TONE_FILLS = {Tone.GOOD: "0.78 0.94 0.81", Tone.BAD: "1 0.78 0.81", Tone.WARNING: "1 0.92 0.61"}
#: Sine and cosine of the 45 degrees at which text is turned.
SLOPE = 0.7071
_ARTIFACT = b"/Artifact BMC"
_KNOWN_NUMBERS = [b" %d" % number for number in range(4096)]


class PageContent:
    """Collects what stands on a page; places are in points from its lower left corner."""

    def __init__(self, geometry: Geometry, *, tagged: bool, number: int = 0) -> None:
        self._geometry = geometry
        #: The number of the page's object, if the content is all of a page.
        self.number = number
        self._tagged = tagged
        self._inside = False
        #: References to the elements that the page's marks belong to, by their identifiers.
        self.parents: list[bytes] = []
        #: The identifiers of cells, in the order in which they are drawn.
        self._cells: list[bytes] = []
        self._fills: list[bytes] = []
        self._texts: list[bytes] = []
        self._font: tuple[str, float] | None = None
        self._color: str | None = None

    def text(self, text: str, *, x: float, y: float, size: float, setter: Typesetter, color: str) -> None:
        """One line with its baseline at ``y``."""
        if text:
            self._set(setter, size, color)
            self._add_text(f"1 0 0 1 {x:.2f} {y:.2f} Tm ".encode() + setter.operators(text, size))

    def turned_text(
        self, text: str, *, x: float, y: float, size: float, setter: Typesetter, color: str
    ) -> None:
        """One line that rises at 45 degrees and ends at the place."""
        back = setter.width(text) * size * SLOPE
        self._set(setter, size, color)
        matrix = f"{SLOPE} {SLOPE} -{SLOPE} {SLOPE} {x - back:.2f} {y - back:.2f} Tm "
        self._add_text(matrix.encode() + setter.operators(text, size))

    def row(self, drawn: Drawn, *, y: float, setter: Typesetter, repeated: bool = False) -> None:
        """A row with the baseline of its first line at ``y``.

        Its cells are marked already, if at all, unless it only repeats what was there before.
        """
        if drawn.operators:
            self._set(setter, self._geometry.font_size, INK)
            place = (drawn.x / 100, y + drawn.y / 100, drawn.operators)
            add = self._add_text if repeated else self._texts.append
            add(b"1 0 0 1 %.2f %.2f Tm\n%b" % place)

    def cells(self, parents: Iterable[bytes]) -> int:
        """Number the cells of rows that have been or will be drawn next; gives the first one's mark."""
        first = len(self.parents)
        self.parents += parents
        self._cells += _numbers(first, len(self.parents))
        return first

    def begin(self, tag: str, element: int) -> int:
        """Text from here on belongs to ``element``; gives its mark."""
        if not self._tagged:
            return 0
        self._inside = True
        self._texts.append(b"/%b <</MCID %d>> BDC" % (tag.encode(), len(self.parents)))
        self.parents.append(b"%d 0 R" % element)
        return len(self.parents) - 1

    def end(self) -> None:
        if self._tagged:
            self._inside = False
            self._texts.append(b"EMC")

    def begin_graphics(self, tag: str, element: int) -> int:
        """Graphics from here on belong to ``element``; gives its mark."""
        if not self._tagged:
            return 0
        self._fills.append(b"EMC\n/%b <</MCID %d>> BDC" % (tag.encode(), len(self.parents)))
        self.parents.append(b"%d 0 R" % element)
        return len(self.parents) - 1

    def end_graphics(self) -> None:
        if self._tagged:
            self._fills.append(b"EMC\n" + _ARTIFACT)

    def fill(self, color: str, *, x: float, y: float, width: float, height: float) -> None:
        """A rectangle with its lower left corner at the place."""
        self._fills.append(b"%b rg %.2f %.2f %.2f %.2f re f" % (color.encode(), x, y, width, height))

    def rules(self, color: str, heights: Sequence[float], *, width: float) -> None:
        """Thin lines across the table."""
        left, right = b"%.2f" % self._geometry.margin, b"%.2f" % (self._geometry.margin + width)
        lines = b" ".join([b"%b %.2f m %b %.2f l" % (left, y, right, y) for y in heights])
        if lines:
            self._fills.append(b"%b RG 0.4 w %b S" % (color.encode(), lines))

    def draw(self, operators: str) -> None:
        """Any other graphics; they stand before all text."""
        self._fills.append(operators.encode("ascii"))

    def content(self) -> bytes:
        if not self._tagged:
            return b"\n".join([*self._fills, b"BT", *self._texts, b"ET"])
        texts = b"\n".join(self._texts)
        if self._cells:
            parts = texts.split(CELL_NUMBER)
            whole = [b""] * (2 * len(parts) - 1)
            whole[::2] = parts
            whole[1::2] = self._cells
            texts = b"".join(whole)
        fills = [_ARTIFACT, *self._fills, b"EMC"] if self._fills else []
        return b"\n".join([*fills, b"BT", texts, b"ET"])

    def _add_text(self, operators: bytes) -> None:
        if self._tagged and not self._inside:
            operators = b"%b\n%b\nEMC" % (_ARTIFACT, operators)
        self._texts.append(operators)

    def _set(self, setter: Typesetter, size: float, color: str) -> None:
        if self._font != (setter.main.resource, size):
            self._font = (setter.main.resource, size)
            self._texts.append(f"/{setter.main.resource} {size:.2f} Tf".encode())
        if self._color != color:
            self._color = color
            self._texts.append(f"{color} rg".encode())


def _numbers(first: int, stop: int) -> Sequence[bytes]:
    """What stands in the place of :data:`rendering.pdf_rows.CELL_NUMBER`."""
    if stop <= len(_KNOWN_NUMBERS):
        return _KNOWN_NUMBERS[first:stop]
    return [b" %d" % number for number in range(first, stop)]
