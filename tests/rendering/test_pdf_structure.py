"""The structure of a PDF: every cell, heading and figure can be read out, and nothing else is."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pypdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf.generic import ByteStringObject, ContentStream, TextStringObject

from rendering import pdf_file, pdf_structure
from rendering.model import Chart, ChartKind, Column, ColumnType, Total
from rendering.pdf_text import INVISIBLE, drawable, is_right_to_left

from .support import Rendered, in_python, make, one
from .test_pdf_content import AMOUNT, CHARTS, REGION, TEXT, P, checked, image

_PAINTING = {b"Tj", b"TJ", b"f", b"S", b"b", b"Do"}
_UAID = "{http://www.aiim.org/pdfua/ns/id/}part"


@dataclass
class Element:
    """An element of the structure with the text of its marks. ``dictionary`` is how it stands in the file."""

    tag: str
    text: str
    dictionary: Any
    kids: list["Element"] = field(default_factory=list)

    def all(self, tag: str) -> Iterator["Element"]:
        if self.tag == tag:
            yield self
        for kid in self.kids:
            yield from kid.all(tag)


def texts_of_codes(page: pypdf.PageObject) -> dict[str, dict[int, str]]:
    """What each code of the page's fonts reads as, by the name of the font."""
    fonts: Any = page["/Resources"]["/Font"]  # type: ignore[index]
    found = {}
    for name, font in fonts.items():
        entries = re.findall(rb"<([0-9A-F]{4})> <([0-9A-F]+)>\n", font.get_object()["/ToUnicode"].get_data())
        found[name] = {
            int(code, 16): bytes.fromhex(text.decode()).decode("utf-16-be", "surrogatepass")
            for code, text in entries
        }
    return found


def marks(reader: pypdf.PdfReader, page: pypdf.PageObject) -> dict[int, str]:
    """The text of each mark of a page. All that is drawn has to be in one, or in an artifact."""
    found: dict[int, str] = defaultdict(str)
    stack: list[int | None] = []
    texts = texts_of_codes(page)
    font = ""
    for operands, operator in ContentStream(page.get_contents(), reader).operations:
        if operator in (b"BMC", b"BDC"):
            properties = operands[1] if operator == b"BDC" else {}
            stack.append(properties.get("/MCID"))
            if stack[-1] is not None:
                found[stack[-1]] += ""
        elif operator == b"EMC":
            stack.pop()
        elif operator in _PAINTING:
            assert stack, (operands, operator)
            if operator in (b"Tj", b"TJ") and stack[0] is not None:
                for part in operands[0] if operator == b"TJ" else operands:
                    if isinstance(part, (TextStringObject, ByteStringObject)):
                        codes = part.original_bytes
                        found[stack[0]] += "".join(
                            texts[font][high << 8 | low]
                            for high, low in zip(codes[::2], codes[1::2], strict=True)
                        )
        elif operator == b"Tf":
            font = operands[0]
    assert not stack
    return found


def structure(made: Rendered) -> Element:
    """The document's element. The tree has to agree with what the pages say."""
    reader = made.pdf()
    catalogue: Any = reader.trailer["/Root"]
    root = catalogue["/StructTreeRoot"]
    texts: dict[Any, dict[int, str]] = {page.indirect_reference: marks(reader, page) for page in reader.pages}
    parents: dict[int, Any] = {}
    for leaf in root["/ParentTree"]["/Kids"]:
        numbers = iter(leaf.get_object()["/Nums"])
        parents |= {int(key): value.get_object() for key, value in zip(numbers, numbers, strict=True)}
    owned: set[tuple[Any, int]] = set()
    pages: list[Any] = list(reader.pages)
    for page in pages:
        owners = parents[page["/StructParents"]]
        assert set(texts[page.indirect_reference]) == set(range(len(owners)))
        owned |= {(page.indirect_reference, mark) for mark in range(len(owners))}

    def element(reference: Any, parent: Any) -> Element:
        dictionary = reference.get_object()
        assert dictionary.raw_get("/P") == parent
        made = Element(dictionary["/S"][1:], "", dictionary)
        kids = dictionary.get("/K", [])
        for kid in kids if isinstance(kids, list) else [kids]:
            if isinstance(kid, int):
                page = dictionary.raw_get("/Pg")
                assert parents[page.get_object()["/StructParents"]][kid] == reference
                owned.remove((page, kid))
                made.text += texts[page][kid]
            else:
                made.kids.append(element(kid, reference))
        return made

    document = element(root.raw_get("/K"), catalogue.raw_get("/StructTreeRoot"))
    assert not owned
    return document


def table(document: Element) -> list[list[str]]:
    [found] = document.all("Table")
    return [[cell.text for cell in row.kids] for row in found.all("TR")]


def columns(count: int) -> list[Column]:
    return [Column(key=f"c{index}", label=f"Head{index}") for index in range(count)]


@pytest.mark.parametrize(("width", "rows"), [(1, 3), (4, 120), (60, 30), (3, 0)])
def test_the_table_of_the_structure_is_the_table(width: int, rows: int, tmp_path: Path) -> None:
    data = [
        [f"r{row}c{index}" if (row + index) % 5 else None for index in range(width)] for row in range(rows)
    ]
    made = make(P, columns(width), data)
    head = [[f"Head{index}" for index in range(width)]]
    assert table(structure(made)) == head + [[cell or "" for cell in row] for row in data]
    checked(made, tmp_path)


def test_header_cells_say_that_they_are_of_columns() -> None:
    cells = list(structure(one(P, TEXT, ["x"])).all("TH"))
    assert [cell.dictionary["/A"] for cell in cells] == [{"/O": "/Table", "/Scope": "/Column"}]


def test_title_subtitle_and_parameters_come_before_the_table() -> None:
    made = make(P, [TEXT], [["x"]] * 100, title="T", subtitle="S", parameters=(("From", "1"),))
    document = structure(made)
    assert [(kid.tag, kid.text) for kid in document.kids] == [
        ("H1", "T"),
        ("P", "S"),
        ("P", "From: 1"),
        ("Table", ""),
    ]


def test_a_report_without_rows_says_so_behind_its_table() -> None:
    assert [kid.text for kid in structure(make(P, [TEXT], [])).kids] == ["Report", "", "No data"]


def test_figures_have_a_text_and_a_place(tmp_path: Path) -> None:
    made = make(P, [REGION, AMOUNT], [["a", 1], ["b", 2]], design={"charts": CHARTS}, logo=image("PNG"))
    figures = list(structure(made).all("Figure"))
    assert [figure.dictionary["/Alt"] for figure in figures] == [
        "Logo",
        *(f"{chart.title}. V: a 1, b 2" for chart in CHARTS),
    ]
    for figure in figures:
        left, bottom, right, top = figure.dictionary["/A"]["/BBox"]
        assert 0 < left < right
        assert 0 < bottom < top
    checked(made, tmp_path)


def test_a_long_series_is_read_out_in_part() -> None:
    rows: list[list[object]] = [[f"n{index}", index] for index in range(40)]
    chart = Chart(kind=ChartKind.LINE, title="L", category="r", values=("v",))
    [figure] = structure(make(P, [REGION, AMOUNT], rows, design={"charts": (chart,)})).all("Figure")
    assert figure.dictionary["/Alt"].endswith("n23 23, …")


def test_subtotals_wide_numbers_and_tall_rows_keep_their_cells(tmp_path: Path) -> None:
    number = Column(key="v", label="V", type=ColumnType.INTEGER, width=4, total=Total.SUM)
    rows: list[list[object]] = [
        ["a", 1, "x"],
        ["a", 123456, "\n".join(f"l{n}" for n in range(150))],
        ["b", 3, ""],
    ]
    made = make(P, [REGION, number, TEXT], rows, group_by=("r",), batch=1)
    found = table(structure(made))
    assert found[0] == ["Region", "V", "C"]
    # A row that is split between pages is a row on each.
    split = found[2:-4]
    assert len(split) >= 2
    assert "".join(row[2] for row in split) == "".join(f"l{n}" for n in range(150))
    assert [row[:2] for row in found[-4:]] == [
        ["Total a", "123457"],
        ["b", "3"],
        ["Total b", "3"],
        ["Total", "123460"],
    ]
    checked(made, tmp_path)


@given(
    st.lists(
        st.lists(
            st.text(
                st.sampled_from("()\\/<>ab \u2828\u2929\u0128\u0129é漢\u5c28")
                | st.characters(codec="ascii", categories=("L", "P")),
                max_size=12,
            ),
            min_size=2,
            max_size=2,
        ),
        min_size=1,
        max_size=6,
    )
)
@settings(max_examples=40, deadline=None)
def test_any_text_is_read_out_of_its_own_cell(rows: list[list[str]]) -> None:
    found = table(structure(make(P, columns(2), rows)))
    assert [["".join(cell.split()) for cell in row] for row in found[1:]] == [
        ["".join(cell.split()) for cell in row] for row in rows
    ]


_SCRIPTS = st.sampled_from(
    "aéñßłżΩжЯ 0.,%€−אבגשָׁاللمحسرَِّ٣می漢字、かタ。한글😀🚀❤\u200d\ufe0f🏽🇧🇷👨👩()[]\u0301ก\ue000"
) | st.characters(exclude_categories=("Cs", "Cc"))


@given(
    st.lists(
        st.tuples(st.text(_SCRIPTS, max_size=24), st.text(_SCRIPTS, max_size=80)), min_size=1, max_size=5
    )
)
@settings(max_examples=60, deadline=None)
def test_text_of_any_script_can_be_read_out_of_its_cell(rows: list[tuple[str, str]]) -> None:
    cells = [Column(key="a", label="A", width=8), Column(key="b", label="B")]
    found = table(structure(make(P, cells, rows)))[1:]
    for texts, shown in zip(rows, found, strict=True):
        for text, read in zip(texts, shown, strict=True):
            wanted = visible(text)
            if is_right_to_left(text):
                # It is drawn from the left.
                assert Counter(visible(read)) == Counter(wanted)
            else:
                assert visible(read) == wanted


def visible(text: str) -> str:
    return "".join(c for c in drawable(text) if not (c.isspace() or INVISIBLE.match(c)))


def test_right_to_left_text_and_emoji_belong_to_their_cells(tmp_path: Path) -> None:
    made = make(P, [REGION, TEXT], [["שָׁלוֹם (12)", "👨\u200d👩\u200d👧 x"], ["plain", "بِسْمِ"]])
    [found] = structure(made).all("Table")
    assert [len(row.kids) for row in found.all("TR")] == [2, 2, 2]
    checked(made, tmp_path)


@pytest.mark.parametrize(
    ("rows", "asked", "tagged"),
    [(5000, None, True), (5001, None, False), (5001, True, True), (5, False, False)],
)
def test_reports_that_are_read_are_tagged(
    rows: int, asked: bool | None, tagged: bool, tmp_path: Path
) -> None:
    made = make(P, [TEXT], [[str(number)] for number in range(rows)], tagged=asked)
    catalogue: Any = made.pdf().trailer["/Root"]
    assert ("/StructTreeRoot" in catalogue, "/MarkInfo" in catalogue) == (tagged, tagged)
    packet = ET.fromstring(catalogue["/Metadata"].get_data())  # noqa: S314 - our own file
    assert [node.text for node in packet.iter(_UAID)] == (["1"] if tagged else [])
    assert made.text().count("\n") >= rows
    checked(made, tmp_path)


def test_the_structure_goes_over_many_pages(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(pdf_structure, "_LEAF", 3)
    monkeypatch.setattr(pdf_file, "_MOST_PACKED", 10)
    made = make(P, [TEXT], [[f"v{number}"] for number in range(400)])
    assert made.result.pages == 10
    assert [row[0] for row in table(structure(made))[1:]] == [f"v{number}" for number in range(400)]
    checked(made, tmp_path)


def test_metadata_says_the_same_twice() -> None:
    made = one(P, TEXT, ["x"], title="R&D <2026> 東京", locale="pt-BR")
    catalogue: Any = made.pdf().trailer["/Root"]
    text = "".join(ET.fromstring(catalogue["/Metadata"].get_data()).itertext())  # noqa: S314 - our own file
    assert "R&D <2026> 東京" in text
    assert "2026-01-02T03:04:05Z" in text
    assert "pt-BR" in text


def test_marks_are_the_same_with_and_without_the_native_loop() -> None:
    rows = [[f"r{row}", "é" * (row % 7), None, "two\nlines"] for row in range(90)]
    made = make(P, columns(4), rows)
    with in_python():
        assert make(P, columns(4), rows).data == made.data
