"""Bookmarks (ISO 32000-1, section 12.3.3): where each group of the two outermost levels begins."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from rendering.pdf_file import PdfFile, literal
from rendering.rows import Cell

#: How many of a table's levels of groups have bookmarks.
OUTLINE_LEVELS = 2
#: Bookmarks beyond these are of no use to anyone.
MOST_BOOKMARKS = 5000


@dataclass(frozen=True, slots=True)
class _Bookmark:
    title: str
    page: int
    top: float
    inner: "list[_Bookmark]" = field(default_factory=list)


class Outline:
    """Collects the bookmarks of one document."""

    def __init__(self) -> None:
        self._marks: list[_Bookmark] = []
        self._count = 0
        self._keys: tuple[Cell, ...] | None = None

    def begun(self, grouping: Sequence[Sequence[Cell]]) -> dict[int, range]:
        """The rows at which groups begin, with the levels that do, from the cells of the grouping columns."""
        found: dict[int, range] = {}
        for position, keys in enumerate(zip(*grouping, strict=True)):
            if keys != self._keys:
                pairs = enumerate(zip(keys, self._keys or (), strict=False))
                changed = next((level for level, (new, old) in pairs if new != old), 0)
                found[position] = range(changed, len(keys))
                self._keys = keys
        return found

    def add(self, title: str, *, level: int, page: int, top: float) -> None:
        """A group of ``level`` begins on ``page``, ``top`` points above the paper's lower edge."""
        if self._count == MOST_BOOKMARKS:
            return
        self._count += 1
        (self._marks[-1].inner if level else self._marks).append(_Bookmark(title, page, top))

    def write(self, pdf: PdfFile, pages: Sequence[int]) -> str:
        """Write the bookmarks to the objects ``pages``; gives the entry of the catalogue."""
        if not self._marks:
            return ""
        root = pdf.reserve()
        first, last = _write(pdf, self._marks, parent=root, pages=pages)
        # The inner ones are folded.
        pdf.add(
            f"<< /Type /Outlines /First {first} 0 R /Last {last} 0 R /Count {len(self._marks)} >>",
            number=root,
        )
        return f" /Outlines {root} 0 R"


def _write(pdf: PdfFile, marks: Sequence[_Bookmark], *, parent: int, pages: Sequence[int]) -> tuple[int, int]:
    """Write bookmarks of one level; gives the numbers of the first and the last."""
    numbers = [pdf.reserve() for _ in marks]
    for index, (number, mark) in enumerate(zip(numbers, marks, strict=True)):
        entries = "".join(_entries(pdf, mark, number=number, pages=pages))
        previous = f" /Prev {numbers[index - 1]} 0 R" if index else ""
        following = f" /Next {numbers[index + 1]} 0 R" if index + 1 < len(numbers) else ""
        pdf.add(
            f"<< /Title {literal(mark.title)} /Parent {parent} 0 R{previous}{following}{entries} >>",
            number=number,
        )
    return numbers[0], numbers[-1]


def _entries(pdf: PdfFile, mark: _Bookmark, *, number: int, pages: Sequence[int]) -> Iterator[str]:
    yield f" /Dest [{pages[mark.page]} 0 R /XYZ 0 {mark.top:.2f} 0]"
    if mark.inner:
        first, last = _write(pdf, mark.inner, parent=number, pages=pages)
        yield f" /First {first} 0 R /Last {last} 0 R /Count -{len(mark.inner)}"
