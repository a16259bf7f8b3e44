"""The content stream of one page: fills and rules first, then all text in one text object."""

from rendering.model import Tone
from rendering.pdf_geometry import Geometry
from rendering.pdf_rows import INK, Drawn
from rendering.pdf_typeset import Typesetter

MUTED = "0.37 0.42 0.48"
HEADER_FILL = "0.894 0.914 0.941"
ZEBRA_FILL = "0.969 0.975 0.982"
SUBTOTAL_FILL = "0.933 0.945 0.961"
RULE = "0.80 0.83 0.87"
STRONG_RULE = "0.45 0.51 0.58"
TONE_FILLS = {Tone.GOOD: "0.78 0.94 0.81", Tone.BAD: "1 0.78 0.81", Tone.WARNING: "1 0.92 0.61"}


class PageContent:
    """Collects what stands on a page; places are in points from its lower left corner."""

    def __init__(self, geometry: Geometry) -> None:
        self._geometry = geometry
        self._fills: list[bytes] = []
        self._texts: list[bytes] = []
        self._font: tuple[str, float] | None = None
        self._color: str | None = None

    def text(self, text: str, *, x: float, y: float, size: float, setter: Typesetter, color: str) -> None:
        """One line with its baseline at ``y``."""
        if text:
            self._set(setter, size, color)
            self._texts.append(f"1 0 0 1 {x:.2f} {y:.2f} Tm ".encode() + setter.operators(text, size))

    def turned_text(
        self, text: str, *, x: float, y: float, size: float, setter: Typesetter, color: str
    ) -> None:
        """One line that rises at 45 degrees and ends at the place."""
        slope = 0.7071
        back = setter.width(text) * size * slope
        self._set(setter, size, color)
        matrix = f"{slope} {slope} -{slope} {slope} {x - back:.2f} {y - back:.2f} Tm "
        self._texts.append(matrix.encode() + setter.operators(text, size))

    def row(self, drawn: Drawn, *, y: float, setter: Typesetter) -> None:
        """A row with the baseline of its first line at ``y``."""
        if drawn.operators:
            self._set(setter, self._geometry.font_size, INK)
            place = (drawn.x / 100, y + drawn.y / 100, drawn.operators)
            self._texts.append(b"1 0 0 1 %.2f %.2f Tm\n%b" % place)

    def fill(self, color: str, *, x: float, y: float, width: float, height: float) -> None:
        """A rectangle with its lower left corner at the place."""
        self._fills.append(b"%b rg %.2f %.2f %.2f %.2f re f" % (color.encode(), x, y, width, height))

    def rule(self, color: str, *, y: float, width: float) -> None:
        """A thin line across the table."""
        margin = self._geometry.margin
        self._fills.append(
            b"%b RG 0.4 w %.2f %.2f m %.2f %.2f l S" % (color.encode(), margin, y, margin + width, y)
        )

    def draw(self, operators: str) -> None:
        """Any other graphics; they stand before all text."""
        self._fills.append(operators.encode("ascii"))

    def content(self) -> bytes:
        return b"\n".join([*self._fills, b"BT", *self._texts, b"ET"])

    def _set(self, setter: Typesetter, size: float, color: str) -> None:
        if self._font != (setter.main.resource, size):
            self._font = (setter.main.resource, size)
            self._texts.append(f"/{setter.main.resource} {size:.2f} Tf".encode())
        if self._color != color:
            self._color = color
            self._texts.append(f"{color} rg".encode())
