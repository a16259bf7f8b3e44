"""PDF: every value is on a page, inside it, once, and readable."""

import math
import re
import time
from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree as ET

import pypdf
import pytest

from rendering.model import Chart, ChartKind, Column, ColumnType, Format, Orientation, Page, PageSize, Total
from tests.parts.processes import once_below

from .support import make, one

P = Format.PDF
TEXT = Column(key="c", label="C")


@dataclass(frozen=True)
class Run:
    """One string that is drawn, with where it begins and ends, in points."""

    text: str
    x: float
    right: float
    y: float


_OPERATION = re.compile(
    rb"/(?P<font>F\d+) (?P<size>[0-9.]+) Tf|1 0 0 1 (?P<x>[0-9.]+) (?P<y>[0-9.]+) Tm"
    rb"|(?P<dx>-?[0-9.]+) (?P<dy>-?[0-9.]+) Td|\((?P<text>(?:\\.|[^\\()])*)\) Tj",
    re.DOTALL,
)


def runs(page: pypdf.PageObject) -> list[Run]:
    """What the page's content streams draw, by the embedded fonts' own widths and ToUnicode maps."""
    fonts: dict[bytes, tuple[dict[int, str], dict[int, float]]] = {}
    for name, reference in page["/Resources"]["/Font"].items():  # type: ignore[index]
        font = reference.get_object()
        entries = re.findall(rb"<([0-9A-F]{4})> <([0-9A-F]+)>\n", font["/ToUnicode"].get_data())
        letters = {int(code, 16): bytes.fromhex(text.decode()).decode("utf-16-be") for code, text in entries}
        pairs = iter(font["/DescendantFonts"][0].get_object()["/W"])
        widths = {int(code): float(width[0]) for code, width in zip(pairs, pairs, strict=True)}
        fonts[name[1:].encode()] = (letters, widths)
    found: list[Run] = []
    content = page.get_contents()
    assert content is not None
    font_name, size, x, y = b"", 0.0, 0.0, 0.0
    for operation in _OPERATION.finditer(content.get_data()):
        part = operation.groupdict()
        if part["font"]:
            font_name, size = part["font"], float(part["size"])
        elif part["x"]:
            x, y = float(part["x"]), float(part["y"])
        elif part["dx"]:
            x, y = x + float(part["dx"]), y + float(part["dy"])
        else:
            letters, widths = fonts[font_name]
            codes = re.sub(
                rb"\\(.)", lambda m: b"\r" if m[1] == b"r" else m[1], part["text"], flags=re.DOTALL
            )
            numbers = [code[0] << 8 | code[1] for code in zip(codes[::2], codes[1::2], strict=True)]
            right = x + sum(widths[number] for number in numbers) * size / 1000
            found.append(Run("".join(letters[number] for number in numbers), x, right, y))
    return found


def test_a_cell_taller_than_a_page_is_split_and_loses_nothing() -> None:
    words = [f"word{i}" for i in range(5000)]
    lines = [f"line{i}" for i in range(200)]
    rows = [["1", " ".join(words)], ["2", "\n".join(lines)], ["3", "ok"]]
    made = make(P, [Column(key="id", label="HEAD"), Column(key="n", label="NOTE")], rows)
    text = made.text()
    assert re.findall(r"word\d+", text) == words
    assert re.findall(r"line\d+", text) == lines
    assert all("HEAD" in page and "NOTE" in page for page in made.pages())
    assert re.search(r"3 ok", text)


LITERAL = [
    "AT&T",
    "S&P 500",
    "<Rua das Flores>",
    "0.1 <A <0.9",
    "<b>x",
    "a<br>b",
    "</para>",
    "&lt;b&gt;",
    "&copy; &amp; &nbsp;",
    "5 < 6 > 3",
    'hi <img src="http://127.0.0.1:8099/x.png"/>',
    '<img src="/etc/hostname" width="5" height="5"/>',
    '<font color="[[[1]]]">x</font>',
]


def test_markup_in_any_text_is_printed_as_it_is() -> None:
    made = make(
        P,
        [Column(key="c", label="R&D <h>")],
        [[text] for text in LITERAL],
        title="R&D <2024>",
        parameters=(("<p>", "&amp;"),),
    )
    page = made.pages()[0].split("\n")
    assert page[:3] == ["R&D <2024>", "<p>: &amp;", "R&D <h>"]
    assert page[3 : 3 + len(LITERAL)] == LITERAL


def test_no_text_becomes_an_action_a_link_or_a_file_of_a_document() -> None:
    attack = (
        ") /OpenAction << /S /JavaScript /JS (app.alert(1)) >> endobj ( \\) << /S /URI /URI (http://e.x) >>"
    )
    names = [
        attack,
        "https://e.example/",
        "javascript:alert(1)",
        "file:///etc/passwd",
        'x"><rdf:li>&lt;</rdf:li>',
    ]
    columns = [
        Column(key="g", label=attack),
        Column(key="u", label=attack, type=ColumnType.URL),
        Column(key="n", label=attack, type=ColumnType.INTEGER, total=Total.SUM),
    ]
    chart = Chart(kind=ChartKind.BAR, title=attack, category="g", values=("n",))
    made = make(
        P,
        columns,
        [[name, name, 1] for name in names],
        title=names[-1],
        subtitle=attack,
        group_by=("g",),
        parameters=((attack, attack),),
        design={"charts": (chart,)},
    )
    reader = made.pdf()
    # ISO 32000-1, sections 7.11 and 12.6: what does something, and what brings or names a file.
    active = {"/OpenAction", "/AA", "/JS", "/URI", "/EF", "/Annots", "/AcroForm", "/F", "/EmbeddedFiles"}
    kinds: set[str] = set()
    for number in range(1, int(reader.trailer["/Size"])):  # type: ignore[call-overload]
        value = reader.get_object(number)
        if isinstance(value, dict):
            kinds |= value.keys() & active
            kinds |= {str(value.get("/S"))} & {"/JavaScript", "/Launch", "/URI", "/GoToR", "/SubmitForm"}
    assert kinds == set()
    assert reader.metadata is not None
    assert reader.metadata.title == names[-1]
    catalogue: Any = reader.trailer["/Root"]
    packet = ET.fromstring(catalogue["/Metadata"].get_data())  # noqa: S314 - our own file
    lists = [node.text for node in packet.iter("{http://www.w3.org/1999/02/22-rdf-syntax-ns#}li")]
    assert lists == [names[-1], "en"]


@pytest.mark.parametrize(
    "text", ["São Paulo – ação", "łódź ş ğ", "Привет", "漢字 テスト", "₹ € ₿", "H₂O −5 Δ", "\U0001f9ff"]
)
def test_any_text_can_be_read_out_of_the_file(text: str) -> None:
    assert text in one(P, TEXT, [text]).pages()[0]


def test_fonts_are_embedded_subsets() -> None:
    page = one(P, TEXT, ["Привет"]).pdf().pages[0]
    fonts = page["/Resources"]["/Font"]  # type: ignore[index]
    for font in fonts.values():
        descriptor = font.get_object()["/DescendantFonts"][0].get_object()["/FontDescriptor"]
        assert re.fullmatch(r"/[A-Z]{6}\+DejaVuSansCondensed(-Bold)?", descriptor["/FontName"])
        assert len(descriptor["/FontFile2"].get_data()) < 100_000


def test_a_character_without_a_glyph_is_counted_with_its_code_point() -> None:
    made = make(P, [TEXT, Column(key="d", label="D")], [["ไทย", "ok"], ["ok", "ok"], ["ཀ", "ไ"]])
    warnings = {(w.column, w.kind): (w.count, w.row, w.detail) for w in made.result.warnings}
    assert warnings == {
        ("c", "missing_glyph"): (2, 1, "U+0E44 U+0E17 U+0E22; U+0F40"),
        ("d", "missing_glyph"): (1, 3, "U+0E44"),
    }


@pytest.mark.parametrize("orientation", list(Orientation))
def test_sixty_columns_stay_inside_the_page_with_the_first_one_repeated(orientation: Orientation) -> None:
    columns = [Column(key=f"c{i}", label=f"Head{i:02d}") for i in range(60)]
    rows = [[f"v{i:02d}r{row}" for i in range(60)] for row in range(2)]
    made = make(P, columns, rows, page=Page(orientation=orientation))
    for page, text in zip(made.pdf().pages, made.pages(), strict=True):
        assert "Head00" in text
        assert "v00r1" in text
        assert all(36 <= run.x < run.right <= float(page.mediabox.width) - 36 for run in runs(page))
        assert all(36 <= run.y <= float(page.mediabox.height) - 36 for run in runs(page))
    text = made.text()
    assert all(f"Head{i:02d}" in text for i in range(60))
    assert all(text.count(f"v{i:02d}r{row}") == 1 for i in range(1, 60) for row in range(2))


def test_long_words_are_broken_inside_their_column() -> None:
    url = "https://example.test/" + "a" * 120 + "?b=c&d=e"
    columns = [Column(key="u", label="U", width=20), Column(key="x", label="X", width=10)]
    made = make(P, columns, [[url, "R"], ["x" * 300, "R"]])
    found = runs(made.pdf().pages[0])
    left = {run.text: run.x for run in found}
    pieces = [run for run in found if run.x == left["U"]]
    assert "".join(run.text for run in pieces).startswith(f"U{url}{'x' * 300}")
    assert all(run.right < left["X"] for run in pieces)
    assert [run.x for run in found if run.text == "R"] == [left["X"]] * 2


def test_time_grows_linearly_with_rows() -> None:
    columns = [TEXT, Column(key="d", label="D"), Column(key="v", label="V", type=ColumnType.INTEGER)]

    def seconds(count: int) -> float:
        rows = [[f"text {i}", "another text", i] for i in range(count)]
        # Of this thread alone: others of this process may be at work.
        started = time.thread_time()
        make(P, columns, rows)
        return time.thread_time() - started

    least = dict.fromkeys((2000, 4000, 8000), math.inf)

    def growth() -> float:
        """The greater of two ratios. What disturbs a measurement makes it longer: the shortest is right."""
        for count, before in least.items():
            least[count] = min(before, seconds(count))
        return max(least[4000] / least[2000], least[8000] / least[4000])

    once_below(2.6, growth)


def test_columns_stay_where_they_are_from_the_first_page_to_the_last() -> None:
    columns = [Column(key="n", label="NNN"), Column(key="t", label="TTT"), Column(key="z", label="ZZZ")]
    rows = [[f"n{i}", "short" if i != 1299 else "much longer " * 9, f"z{i}"] for i in range(1, 1301)]
    made = make(P, columns, rows, batch=500)
    places: dict[str, set[float]] = defaultdict(set)
    for page in made.pdf().pages:
        found = runs(page)
        for run in found:
            if run.text in ("NNN", "TTT", "ZZZ", "short") or re.fullmatch(r"[nz]\d+", run.text):
                places[run.text[0].lower().replace("s", "t")].add(run.x)
        assert sum(run.text.startswith("n") for run in found) > 1
    assert {letter: len(xs) for letter, xs in places.items()} == {"n": 1, "t": 1, "z": 1}
    assert re.findall(r"\bz(\d+)", made.text()) == [str(i) for i in range(1, 1301)]


@pytest.mark.parametrize(
    ("locale", "pattern"), [("en", "Page {} of {}"), ("pt-BR", "Página {} de {}"), ("ja", "Page {} of {}")]
)
def test_every_page_says_which_of_how_many_it_is(locale: str, pattern: str) -> None:
    made = one(P, TEXT, [str(i) for i in range(200)], locale=locale)
    pages = made.pages()
    assert made.result.pages == len(pages) > 1
    for number, page in enumerate(pages, 1):
        assert page.endswith(pattern.format(number, len(pages)))


def test_a_report_without_rows_is_one_page_that_says_so() -> None:
    made = make(
        P, [Column(key="a", label="Código"), Column(key="b", label="Nome")], [], title="Vazio", locale="pt-BR"
    )
    assert made.result.pages == 1
    lines = made.pages()[0].split("\n")
    assert lines[:3] == ["Vazio", "Código Nome", "Sem dados"]
    assert lines[-1].endswith("Página 1 de 1")


def test_line_breaks_blanks_and_invisible_characters() -> None:
    made = one(P, TEXT, ["A\nB", "A2\r\nB2", "a  b   c", "tab\tx", "a\u0000b", "\u200bz", "so\u00adft"])
    lines = made.pages()[0].split("\n")[2:11]
    assert lines == ["A", "B", "A2", "B2", "a  b   c", "tab    x", "ab", "z", "soft"]
    assert made.kinds == {("c", "control_characters"): 1}


def test_metadata_says_what_the_report_is_and_nothing_else() -> None:
    title = "Relatório – São Paulo 東京 \U0001f600"
    made = one(P, TEXT, ["x"], title=title, locale="pt-BR")
    reader = made.pdf()
    assert reader.metadata == {
        "/Title": title,
        "/Creator": "Prensa",
        "/Producer": "Prensa",
        "/CreationDate": "D:20260102030405Z",
        "/ModDate": "D:20260102030405Z",
    }
    assert reader.trailer["/Root"]["/Lang"] == "pt-BR"  # type: ignore[index]


def test_a_header_taller_than_a_page_is_cut_with_a_mark() -> None:
    columns = [Column(key="a", label="word " * 5000, width=20), Column(key="b", label="b")]
    made = make(P, columns, [["1", "2"]])
    assert made.result.pages == 1
    assert made.pages()[0].count("word") < 100
    assert "…" in made.pages()[0]


_LONG = "a rather long text "


@pytest.mark.parametrize("size", [PageSize.A5, PageSize.A4])
@pytest.mark.parametrize("orientation", [Orientation.PORTRAIT, Orientation.LANDSCAPE])
@pytest.mark.parametrize("margin", [5.0, None, 50.0])
def test_all_of_the_longest_texts_stand_above_the_footer(
    size: PageSize, orientation: Orientation, margin: float | None
) -> None:
    made = make(
        P,
        [TEXT, Column(key="d", label="D", type=ColumnType.INTEGER)],
        [["word " * 40, number] for number in range(50)],
        title=(_LONG * 20)[:255],
        subtitle=(_LONG * 40)[:500],
        parameters=tuple((f"parameter {number}", _LONG) for number in range(40)),
        page=Page(size=size, orientation=orientation, margin=margin),
        locale="pt-BR",
    )
    edge = 40.0 if margin is None else margin * 72 / 25.4
    for page in made.pdf().pages:
        found = runs(page)
        footer = sorted(
            (run for run in found if run.y == pytest.approx(edge, abs=0.1)), key=lambda run: run.x
        )
        assert len(footer) in (2, 3)
        assert all(one.right < other.x for one, other in pairwise(footer))
        assert all(run.y > edge + 12 for run in found if run not in footer)
    assert len(made.pages()) > 1
    numbers = [int(line) for line in made.text().split() if line.isdigit() and int(line) < 50]
    assert set(range(50)) <= set(numbers)


def test_a_first_row_that_begins_on_the_second_page_is_data() -> None:
    parameters = tuple((f"parameter {number}", _LONG) for number in range(40))
    page = Page(size=PageSize.A5, orientation=Orientation.LANDSCAPE)
    rows = ["word " * 100]
    made = one(
        P, TEXT, rows, title=(_LONG * 20)[:255], subtitle=(_LONG * 40)[:500], parameters=parameters, page=page
    )
    assert len(made.pages()) == 2
    assert "No data" not in made.text()
    assert made.text().count("word") == 100


def test_numbers_are_localised_right_aligned_and_never_minus_zero() -> None:
    column = Column(key="v", label="V", type=ColumnType.DECIMAL, format="decimal:2")
    shown = ["-1.234,50", "0,00", "1.000.000,00"]
    made = one(P, column, ["-1234.5", 0, 1000000, "-0.004"], locale="pt-BR")
    assert made.pages()[0].split("\n")[2:6] == [*shown, "0,00"]
    edges = [run.right for run in runs(made.pdf().pages[0]) if run.text in shown]
    assert len(edges) == 4
    assert max(edges) - min(edges) < 0.5


def test_money_percent_and_booleans_read_as_in_the_locale() -> None:
    columns = [
        Column(key="v", label="V", type=ColumnType.DECIMAL, format="currency:BRL", total=Total.SUM),
        Column(key="t", label="T", type=ColumnType.DECIMAL, format="percent:1"),
        Column(key="b", label="B", type=ColumnType.BOOLEAN),
        Column(key="n", label="N"),
    ]
    rows: list[list[object]] = [[Decimal("1234.56"), "0.125", True, None], ["-0.5", "-0.03", False, "None"]]
    lines = make(P, columns, rows, locale="pt-BR").pages()[0].split("\n")
    assert lines[2:5] == [
        "R$\u00a01.234,56 12,5% Sim",
        "-R$\u00a00,50 -3,0% Não None",
        "R$\u00a01.234,06 Total",
    ]


def test_numbers_of_any_length_keep_every_digit() -> None:
    numbers = ["451408537017909248", "12345678901234567.89"]
    columns = [
        Column(key="i", label="I", type=ColumnType.INTEGER),
        Column(key="d", label="D", type=ColumnType.DECIMAL),
        Column(key="u", label="U", type=ColumnType.DURATION),
    ]
    text = make(P, columns, [[*numbers, timedelta(hours=1500)]], locale="en").pages()[0]
    assert "451408537017909248 12,345,678,901,234,567.89 1500:00:00" in text


def test_a_number_wider_than_its_column_is_set_smaller_and_not_broken() -> None:
    columns = [Column(key="n", label="N", type=ColumnType.INTEGER, width=8), TEXT]
    rows = [[1, "x"], [1234567890, "y"]]
    assert "1234567890 y" in make(P, columns, rows, batch=1).pages()[0]


@pytest.mark.parametrize(
    ("size", "orientation", "box"),
    [
        (PageSize.A4, Orientation.PORTRAIT, (595.28, 841.89)),
        (PageSize.A4, Orientation.AUTO, (595.28, 841.89)),
        (PageSize.LETTER, Orientation.LANDSCAPE, (792, 612)),
    ],
)
def test_paper_follows_the_options(
    size: PageSize, orientation: Orientation, box: tuple[float, float]
) -> None:
    made = one(P, TEXT, ["x"], page=Page(size=size, orientation=orientation))
    media = made.pdf().pages[0].mediabox
    assert (float(media.width), float(media.height)) == box


def test_auto_turns_the_paper_for_a_wide_table() -> None:
    columns = [Column(key=str(i), label=str(i)) for i in range(8)]
    media = make(P, columns, [["a text of some length"] * 8]).pdf().pages[0].mediabox
    assert media.width > media.height


def test_subtotals_and_totals_are_rows_of_the_table() -> None:
    columns = [TEXT, Column(key="v", label="V", type=ColumnType.DECIMAL, format="decimal:2", total=Total.SUM)]
    made = make(P, columns, [["a", "1"], ["a", "2"], ["b", "3.5"]], group_by=("c",))
    assert made.pages()[0].split("\n")[2:8] == [
        "a 1.00",
        "a 2.00",
        "Total a 3.00",
        "b 3.50",
        "Total b 3.50",
        "Total 6.50",
    ]
