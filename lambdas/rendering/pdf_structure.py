"""What a page's content means (ISO 32000-1, section 14.7): headings, paragraphs, figures, cells of a table.

Elements are written with the pages that show them. For each page there remain two numbers: of the part of the
table that stands on it, and of the list of its elements.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from rendering.pdf_file import PdfFile, literal

#: As many pages in each leaf of the parent tree.
_LEAF = 500


@dataclass(frozen=True, slots=True)
class PagePart:
    """The columns of the table that one page shows, and the identifier of the first cell among its marks."""

    page: int
    columns: tuple[int, ...]
    first_mark: int


@dataclass(frozen=True, slots=True)
class RowElements:
    """Elements that have been reserved for rows: the number of the first, and references to all cells."""

    first: int
    rows: int
    columns: int
    cells: Sequence[bytes]

    def of(self, columns: Sequence[int]) -> Sequence[bytes]:
        """References to the cells of some columns, row by row."""
        if len(columns) == self.columns:
            return self.cells
        return [
            self.cells[start + column]
            for start in range(0, len(self.cells), self.columns)
            for column in columns
        ]


class Structure:
    """Writes the structure tree of one document."""

    def __init__(self, pdf: PdfFile) -> None:
        self._pdf = pdf
        self._root, self._document, self._table = pdf.reserve(), pdf.reserve(), pdf.reserve()
        self._kids: list[int] = []
        self._sections: list[int] = []
        self._parents: list[int] = []

    def element(self) -> int:
        """The number of an element of the document, in the order of reading, to be described later."""
        number = self._pdf.reserve()
        self._kids.append(number)
        return number

    def describe(self, number: int, tag: str, *, page: int, marks: Sequence[int], entries: str = "") -> None:
        """Write an element of the document that is shown by ``marks`` of ``page``."""
        kids = " ".join(map(str, marks))
        self._pdf.add(
            f"<< /S /{tag} /P {self._document} 0 R /Pg {page} 0 R /K [{kids}]{entries} >>", number=number
        )

    def header(self, parts: Sequence[PagePart], *, cells: Sequence[int]) -> None:
        """Write the table's head with its ``cells``, which have been reserved."""
        pdf = self._pdf
        head, row = pdf.reserve(), pdf.reserve()
        self._sections.append(head)
        pdf.add(f"<< /S /THead /P {self._table} 0 R /K [{row} 0 R] >>", number=head)
        pdf.add(f"<< /S /TR /P {head} 0 R /K [{_references(cells)}] >>", number=row)
        for part in parts:
            for mark, column in enumerate(part.columns, part.first_mark):
                pdf.add(
                    f"<< /S /TH /P {row} 0 R /Pg {part.page} 0 R /K {mark}"
                    " /A << /O /Table /Scope /Column >> >>",
                    number=cells[column],
                )

    def reserve_rows(self, rows: int, columns: int) -> RowElements:
        """The elements of so many rows: their section, then the rows, then the cells."""
        first = self._pdf.reserve(1 + rows + rows * columns)
        cells = range(first + 1 + rows, first + 1 + rows + rows * columns)
        return RowElements(first, rows, columns, [b"%d 0 R" % number for number in cells])

    def rows(self, elements: RowElements, parts: Sequence[PagePart]) -> None:
        """Write the elements of rows that stand on the pages of ``parts``."""
        first, rows, columns = elements.first, elements.rows, elements.columns
        self._sections.append(first)
        references = b" ".join(b"%d 0 R" % number for number in range(first + 1, first + 1 + rows))
        bodies = [b"<</S/TBody/P %d 0 R/K[%b]>>" % (self._table, references)]
        bodies += [
            b"<</S/TR/P %d 0 R/K[%b]>>" % (first, b" ".join(elements.cells[start : start + columns]))
            for start in range(0, rows * columns, columns)
        ]
        places = sorted(
            (column, part.page, part.first_mark + index, len(part.columns))
            for part in parts
            for index, column in enumerate(part.columns)
        )
        for position in range(rows):
            row = first + 1 + position
            bodies += [
                b"<</S/TD/P %d 0 R/Pg %d 0 R/K %d>>" % (row, page, mark + position * width)
                for _, page, mark, width in places
            ]
        self._pdf.add_packed(bodies, first=first)

    def add_page(self, parents: Sequence[bytes]) -> int:
        """Write which elements the marks of a page belong to; gives the page's key (/StructParents)."""
        number = self._pdf.reserve()
        self._pdf.add_packed([b"[%b]" % b" ".join(parents)], first=number)
        self._parents.append(number)
        return len(self._parents) - 1

    def end(self) -> str:
        """Write the tree; gives the entries of the catalogue."""
        pdf = self._pdf
        leaves = []
        for start in range(0, len(self._parents), _LEAF):
            numbers = self._parents[start : start + _LEAF]
            pairs = " ".join(f"{key} {number} 0 R" for key, number in enumerate(numbers, start))
            limits = f"{start} {start + len(numbers) - 1}"
            leaves.append(pdf.add(f"<< /Limits [{limits}] /Nums [{pairs}] >>"))
        tree = pdf.add(f"<< /Kids [{_references(leaves)}] >>")
        pdf.add(
            f"<< /S /Table /P {self._document} 0 R /K [{_references(self._sections)}] >>", number=self._table
        )
        pdf.add(
            f"<< /S /Document /P {self._root} 0 R /K [{_references(self._kids)}] >>", number=self._document
        )
        pdf.add(
            f"<< /Type /StructTreeRoot /K {self._document} 0 R /ParentTree {tree} 0 R"
            f" /ParentTreeNextKey {len(self._parents)} >>",
            number=self._root,
        )
        return f" /MarkInfo << /Marked true >> /StructTreeRoot {self._root} 0 R"

    def begin_table(self) -> None:
        """Say that the table comes here in the order of reading."""
        self._kids.append(self._table)


def figure_entries(text: str, box: tuple[float, float, float, float]) -> str:
    """What a figure element says: its text for those who can't see it, and where it stands on its page."""
    corners = " ".join(f"{value:.2f}" for value in box)
    return f" /Alt {literal(text)} /A << /O /Layout /Placement /Block /BBox [{corners}] >>"


def _references(numbers: Sequence[int]) -> str:
    return " ".join(f"{number} 0 R" for number in numbers)
