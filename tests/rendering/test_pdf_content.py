"""Scripts, charts, logos, bookmarks and highlights in a PDF; and that qpdf finds nothing wrong."""

import io
import re
import shutil
import subprocess
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image

from rendering.errors import RenderError
from rendering.model import Chart, ChartKind, Column, ColumnType, Format, Highlight, Page, Tone, Total
from rendering.pdf_charts import nice_ticks
from rendering.pdf_shaping import runs_in_order
from rendering.pdf_text import wrap

from .support import Rendered, make, one
from .test_pdf import runs

P = Format.PDF
TEXT = Column(key="c", label="C")
REGION = Column(key="r", label="Region")
AMOUNT = Column(key="v", label="V", type=ColumnType.DECIMAL, total=Total.SUM)
CHARTS = tuple(Chart(kind=kind, title=kind.title(), category="r", values=("v",)) for kind in ChartKind)


def fonts(made: Rendered) -> set[str]:
    found = made.pdf().pages[0]["/Resources"]["/Font"]  # type: ignore[index]
    return {str(font.get_object()["/BaseFont"]).partition("+")[2] for font in found.values()}


def glyphs(made: Rendered, face: str = "DejaVuSansCondensed") -> set[int]:
    """The glyphs of shaped text in ``face``."""
    found: set[int] = set()
    for name, font in made.pdf().pages[0]["/Resources"]["/Font"].items():  # type: ignore[index]
        if name.startswith("/S") and font.get_object()["/BaseFont"].endswith(f"+{face}"):
            data = font.get_object()["/DescendantFonts"][0].get_object()["/CIDToGIDMap"].get_data()
            found |= {data[index] << 8 | data[index + 1] for index in range(2, len(data), 2)}
    return found


def poppler(made: Rendered, folder: Path) -> str:
    """What poppler reads, without the marks that it adds for directions."""
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext is not installed")
    (folder / "made.pdf").write_bytes(made.data)
    read = subprocess.run(
        ["pdftotext", str(folder / "made.pdf"), "-"], capture_output=True, text=True, check=True
    ).stdout
    return re.sub("[\u202a-\u202e]", "", read)


def checked(made: Rendered, folder: Path) -> None:
    if shutil.which("qpdf") is None:
        pytest.skip("qpdf is not installed")
    (folder / "made.pdf").write_bytes(made.data)
    finished = subprocess.run(
        ["qpdf", "--check", str(folder / "made.pdf")], capture_output=True, text=True, check=False
    )
    assert (finished.returncode, "WARNING" in finished.stdout) == (0, False), (
        finished.stdout + finished.stderr
    )


@pytest.mark.parametrize(
    ("text", "font"),
    [
        ("第一季度销售额", "DroidSansFallbackFull"),
        ("日本語のレポート", "DroidSansFallbackFull"),
        ("한국어 보고서", "NanumGothic"),
        ("👍 😀 🚀", "NotoEmoji"),
        ("Отчёт Αναφορά Báo cáo", "DejaVuSansCondensed"),
    ],
)
def test_each_script_has_its_font_and_can_be_copied(text: str, font: str, tmp_path: Path) -> None:
    made = one(P, TEXT, [text], title="T")
    assert made.result.warnings == ()
    assert fonts(made) <= {"DejaVuSansCondensed", "DejaVuSansCondensed-Bold", font}
    assert font in fonts(made)
    assert text.replace(" ", "") in made.text().replace(" ", "")
    checked(made, tmp_path)


def test_a_font_is_only_embedded_for_a_report_that_needs_it() -> None:
    assert fonts(one(P, TEXT, ["plain"])) == {"DejaVuSansCondensed", "DejaVuSansCondensed-Bold"}


def test_arabic_letters_are_joined_and_run_from_right_to_left(tmp_path: Path) -> None:
    made = one(P, TEXT, ["سلام"])
    content = made.pdf().pages[0].get_contents()
    assert content is not None
    shaped = [line for line in content.get_data().splitlines() if b"TJ" in line]
    assert len(shaped) == 1
    # Three glyphs, of which the last letter's stands first. Lam and alef are one, and a blank reads as alef.
    assert shaped[0].count(b"<") == 4
    assert len(glyphs(made)) == 4
    assert made.kinds == {}
    checked(made, tmp_path)


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("abc", ["abc"]),
        ("שלום", ["שלום"]),
        ("abc שלום def", ["abc ", "שלום", " def"]),
        ("שלום 12", ["12", "שלום "]),
        ("\U0001e8d7", ["\U0001e8d7"]),
        ("a\u0378\U0001e8d7", ["a\u0378", "\U0001e8d7"]),
        ("שלום abc עולם", [" עולם", "abc", "שלום "]),
    ],
)
def test_runs_come_in_the_order_in_which_they_are_drawn(text: str, order: list[str]) -> None:
    assert [run.text for run in runs_in_order(text)] == order


@pytest.mark.parametrize(
    "text",
    [
        "שלום עולם",
        "مرحبا بالعالم",
        "لا إله",
        "می\u200cخواهم",
        "سلام 🚀 سلام",
        "👨\u200d👩\u200d👧 👍🏽 🇧🇷 ❤\ufe0f",
        "1\ufe0f\u20e3",
        "e\u0301a",
    ],
)
def test_text_that_is_shaped_reads_back_in_reading_order(text: str, tmp_path: Path) -> None:
    made = one(P, TEXT, [text], title="T")
    assert made.kinds == {}
    assert text in poppler(made, tmp_path)
    checked(made, tmp_path)


def test_a_glyph_reads_as_what_it_stands_for_each_time() -> None:
    # Letters with marks, and alone: the same glyph has different texts around it.
    made = one(P, TEXT, ["كَلِمَة", "كلمة", "بِسْمِ", "بسم"])
    read = made.text().replace("\u200b", "")
    assert [word in read for word in ("كَلِمَة", "كلمة", "بِسْمِ", "بسم")] == [True] * 4


def test_joined_emoji_are_one_picture() -> None:
    family = "👨\u200d👩\u200d👧"
    assert len(glyphs(one(P, TEXT, [family]), "NotoEmoji")) == 1
    assert glyphs(one(P, TEXT, [f"سلام {family}"]), "NotoEmoji") == glyphs(
        one(P, TEXT, [family]), "NotoEmoji"
    )


def test_what_the_shaped_font_lacks_comes_from_another_or_is_counted() -> None:
    made = one(P, TEXT, ["سلام 🚀 סלם", "\u0671لله"])
    assert 0 not in glyphs(made)
    assert [(w.kind, w.detail) for w in made.result.warnings] == [("missing_glyph", "U+0671")]


def test_brackets_turn_with_the_direction() -> None:
    turned = glyphs(one(P, TEXT, ["שלום (12)"]))
    assert glyphs(one(P, TEXT, ["שלום"])) < turned
    opening, closing = (one(P, TEXT, [f"שלום {bracket} שלום"]) for bracket in "()")
    assert len(glyphs(opening) & turned) == len(glyphs(closing) & turned)
    assert glyphs(opening) != glyphs(closing)


def test_lines_of_a_right_to_left_paragraph_come_in_reading_order(tmp_path: Path) -> None:
    words = [f"كلمة{'ابتثجحخ'[index % 7]}" for index in range(60)]
    column = Column(key="c", label="C", width=40)
    read = poppler(one(P, column, [" ".join(words)], title="T"), tmp_path)
    assert [word for word in read.split() if word.startswith("كلمة")] == words
    assert sum("كلمة" in line for line in read.split("\n")) >= 3


def _width(text: str) -> float:
    return float(len(text))


@pytest.mark.parametrize(
    ("text", "limit", "lines"),
    [
        ("שלום abc def", 8, ["שלום abc", "\u200fdef"]),
        ("abc def שלום", 8, ["abc def", "\u200eשלום"]),
        ("abc def", 3, ["abc", "def"]),
        ("今日は、雨。", 3, ["今日", "は、", "雨。"]),
        ("「今」日", 3, ["「今」", "日"]),
        ("か\u3099き", 2, ["か\u3099", "き"]),
        ("ae\u0301e\u0301", 2, ["a", "e\u0301", "e\u0301"]),
        ("x👨\u200d👩\u200d👧y", 2, ["x", "👨\u200d👩\u200d👧", "y"]),
    ],
)
def test_lines_keep_their_direction_and_what_belongs_together(
    text: str, limit: float, lines: list[str]
) -> None:
    assert wrap(text, width=_width, limit=limit) == lines


@given(
    st.lists(
        st.text(
            st.sampled_from("aé ñЖΩ漢あ한😀0.,-()\\<>&%")
            | st.characters(max_codepoint=0x17F, categories=("L", "N", "P")),
            max_size=30,
        ).map(str.strip),
        min_size=1,
        max_size=8,
    )
)
@settings(max_examples=60, deadline=None)
def test_any_table_reads_back(texts: list[str]) -> None:
    made = one(P, TEXT, texts)
    read = "".join(made.text().split())
    position = 0
    for text in texts:
        found = read.find("".join(text.split()), position)
        assert found >= 0, (text, read)
        position = found


def test_charts_come_behind_the_table_two_a_page(tmp_path: Path) -> None:
    rows: list[list[object]] = [["N", 10], ["S", -5], ["中", "2.5"]]
    made = make(P, [REGION, AMOUNT], rows, design={"charts": CHARTS})
    assert made.result.pages == 3
    first, second, third = made.pages()
    assert "Line" not in first
    assert ("Line" in second, "Bar" in second, "Pie" in third) == (True, True, True)
    assert "80.0%" in third
    for page in made.pdf().pages:
        assert all(0 < run.x < run.right <= float(page.mediabox.width) - 36 for run in runs(page))
    checked(made, tmp_path)


_FEW: list[list[list[object]]] = [[], [[None, None]], [["x", 0]], [[str(n), n] for n in range(70)]]


@pytest.mark.parametrize("rows", _FEW, ids=["none", "blank", "zero", "many"])
def test_a_chart_of_anything_is_drawn(rows: list[list[object]], tmp_path: Path) -> None:
    made = make(P, [REGION, AMOUNT], rows, design={"charts": CHARTS})
    assert made.result.pages is not None
    assert "Bar" in made.text()
    checked(made, tmp_path)


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (ColumnType.DECIMAL, ["1E308", "-1E308"]),
        (ColumnType.INTEGER, [Decimal("1E308")] * 20),
        (ColumnType.FLOAT, [5e-324]),
        (ColumnType.DECIMAL, ["1E20", "1.00000000000000000001E20"]),
        (ColumnType.DURATION, [timedelta.max, timedelta.min]),
        (ColumnType.DURATION, [timedelta.max, timedelta.max]),
    ],
)
def test_a_chart_of_numbers_of_any_size_is_drawn(
    kind: ColumnType, values: list[object], tmp_path: Path
) -> None:
    amounts = replace(AMOUNT, type=kind, format=None, total=None)
    for rows in ([["x", value] for value in values], [[str(n), value] for n, value in enumerate(values)]):
        made = make(P, [REGION, amounts], rows, design={"charts": CHARTS})
        assert "Bar" in made.text()
        checked(made, tmp_path)


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0, 10, [0, 2, 4, 6, 8, 10]),
        (0, 0, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (-3, 7, [-4, -2, 0, 2, 4, 6, 8]),
        (0, 12_345, [0, 2500, 5000, 7500, 10_000, 12_500]),
    ],
)
def test_axes_have_round_numbers_that_cover_the_values(low: float, high: float, ticks: list[float]) -> None:
    assert nice_ticks(low, high) == pytest.approx(ticks)


@given(st.floats(-1e12, 0), st.floats(0, 1e12))
def test_axes_cover_any_values(low: float, high: float) -> None:
    assume(high - low > 1e-9)
    ticks = nice_ticks(low, high)
    nothing = (high - low) * 1e-6
    assert ticks[0] <= low + nothing
    assert ticks[-1] >= high - nothing
    assert 2 <= len(ticks) <= 9


def image(kind: str, mode: str = "RGBA", size: tuple[int, int] = (40, 20)) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size).save(out, kind)
    return out.getvalue()


def pixels(made: Rendered) -> Image.Image:
    """The logo as it is in the file, in grey."""
    logo = made.pdf().pages[0]["/Resources"]["/XObject"]["/L1"].get_object()  # type: ignore[index]
    return Image.frombytes("RGB", (logo["/Width"], logo["/Height"]), logo.get_data()).convert("L")


def test_a_logo_of_16_bits_keeps_its_greys() -> None:
    out = io.BytesIO()
    Image.new("I;16", (40, 20), 0x8000).save(out, "PNG")
    assert pixels(one(P, TEXT, ["x"], logo=out.getvalue())).getpixel((0, 0)) == 0x80


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_logo_is_turned_as_its_camera_says(kind: str) -> None:
    picture, out, note = Image.new("RGB", (40, 20)), io.BytesIO(), Image.Exif()
    picture.paste("white", (0, 0, 20, 20))
    note[0x0112] = 6  # to be turned clockwise
    picture.save(out, kind, exif=note)
    upright = pixels(one(P, TEXT, ["x"], logo=out.getvalue()))
    assert upright.size == (20, 40)
    assert upright.getpixel((10, 5)) > 200  # type: ignore[operator]
    assert upright.getpixel((10, 35)) < 50  # type: ignore[operator]


@pytest.mark.parametrize(
    "logo",
    [image("PNG"), image("PNG", "L"), image("PNG", "P"), image("JPEG", "RGB"), image("JPEG", "CMYK")],
    ids=["png", "grey png", "palette png", "jpeg", "cmyk jpeg"],
)
def test_a_logo_stands_on_the_first_page_within_its_room(logo: bytes, tmp_path: Path) -> None:
    made = one(P, TEXT, ["x"] * 80, logo=logo)
    first, second, *_ = (page.get_contents() for page in made.pdf().pages)
    assert first is not None
    assert second is not None
    [line] = [line for line in first.get_data().splitlines() if line.endswith(b"/L1 Do Q")]
    width, _, _, height, x, y = map(float, line.split()[1:7])
    assert width / height == pytest.approx(2, rel=0.01)
    assert height == pytest.approx(45.4, abs=0.1)
    page = made.pdf().pages[0].mediabox
    assert x + width == pytest.approx(float(page.width) - 40)
    assert y + height == pytest.approx(float(page.height) - 40)
    assert b"/L1 Do" not in second.get_data()
    checked(made, tmp_path)


@pytest.mark.parametrize(
    "logo",
    [b"", b"GIF89a", b"a text", b"<svg/>", b"\x89PNG\r\n\x1a\n broken", image("PNG")[:40]],
    ids=["empty", "gif", "text", "svg", "broken", "cut"],
)
def test_a_logo_that_cannot_be_read_is_named(logo: bytes) -> None:
    with pytest.raises(RenderError, match="logo"):
        one(P, TEXT, ["x"], logo=logo)


def test_a_logo_of_too_many_pixels_is_refused_before_it_is_opened() -> None:
    with pytest.raises(RenderError, match="5000 x 4000 pixels"):
        one(P, TEXT, ["x"], logo=image("PNG", "1", (5000, 4000)))


def test_each_outermost_group_has_a_bookmark_on_its_page() -> None:
    rows = [[region, number] for region in ("N", "Süd", "中") for number in range(60)]
    made = make(P, [REGION, AMOUNT], rows, group_by=("r",))
    reader = made.pdf()
    marks: list[Any] = list(reader.outline)
    assert [mark["/Title"] for mark in marks] == ["N", "Süd", "中"]
    pages = [reader.get_destination_page_number(mark) or 0 for mark in marks]
    assert pages == sorted(pages)
    for mark, number in zip(marks, pages, strict=True):
        assert f"\n{mark['/Title']} 0" in made.pages()[number]


def test_groups_have_bookmarks_without_totals_and_on_two_levels() -> None:
    columns = [REGION, Column(key="s", label="Shop"), Column(key="x", label="X"), TEXT]
    rows = [[r, s, f"x{n // 9}", f"{r}{s}{n}"] for r in "ab" for s in "ABC" for n in range(30)]
    made = make(P, columns, rows, group_by=("r", "s", "x"), batch=50)
    reader = made.pdf()
    outline: list[Any] = list(reader.outline)
    assert [mark["/Title"] for mark in outline[::2]] == ["a", "b"]
    assert [[mark["/Title"] for mark in inner] for inner in outline[1::2]] == [["A", "B", "C"]] * 2
    for region, inner in zip("ab", outline[1::2], strict=True):
        for mark in inner:
            page = reader.pages[reader.get_destination_page_number(mark) or 0]
            [first] = [run for run in runs(page) if run.text == f"{region}{mark['/Title']}0"]
            assert 0 < mark["/Top"] - first.y < 15


def test_a_bookmark_goes_with_a_tall_row_to_the_next_page() -> None:
    rows = [["a", "x"]] * 33 + [["b", "\n".join(["line"] * 20)]]
    made = make(P, [REGION, TEXT], rows, group_by=("r",))
    marks: list[Any] = list(made.pdf().outline)
    assert [made.pdf().get_destination_page_number(mark) for mark in marks] == [0, 1]


def test_bookmarks_end_at_a_number_that_readers_can_open() -> None:
    rows = [[number, number] for number in range(6000)]
    made = make(P, [REGION, AMOUNT], rows, group_by=("r",))
    assert len(made.pdf().outline) == 5000


def test_a_column_of_long_texts_gets_the_room_that_others_do_not_need() -> None:
    columns = [Column(key="i", label="I", type=ColumnType.INTEGER), TEXT, Column(key="s", label="S")]
    made = make(P, columns, [[1, "some words " * 30, "open"]] * 3)
    found = runs(made.pdf().pages[0])
    page = float(made.pdf().pages[0].mediabox.width)
    text = max(run.right for run in found if run.text.startswith("some")) - min(
        run.x for run in found if run.text.startswith("some")
    )
    assert text > 0.75 * (page - 80)


def test_a_line_of_one_number_has_a_mark() -> None:
    chart = (Chart(kind=ChartKind.LINE, title="Line", category="r", values=("v",)),)
    marks = []
    for rows in ([["x", 5]], [["x", 5], ["y", 6]]):
        content = make(P, [REGION, AMOUNT], rows, design={"charts": chart}).pdf().pages[-1].get_contents()
        assert content is not None
        marks.append(content.get_data().count(b" 4.00 4.00 re"))
    assert marks == [1, 0]


def test_turned_labels_of_a_chart_begin_inside_the_page() -> None:
    rows: list[list[object]] = [[f"A rather long name {n}", n] for n in range(40)]
    made = make(P, [REGION, AMOUNT], rows, design={"charts": CHARTS[1:2]})
    content = made.pdf().pages[-1].get_contents()
    assert content is not None
    turned = re.findall(rb"0.7071 0.7071 -0.7071 0.7071 (-?[0-9.]+) ", content.get_data())
    assert len(turned) == 40
    assert all(float(x) >= 40 for x in turned)


def test_shares_of_a_pie_are_written_as_in_the_locale() -> None:
    pie = [chart for chart in CHARTS if chart.kind is ChartKind.PIE]
    made = make(P, [REGION, AMOUNT], [["a", 1], ["b", 2]], design={"charts": pie}, locale="pt-BR")
    assert "33,3%" in made.pages()[-1]


def test_the_rest_of_a_pie_has_a_colour_of_its_own() -> None:
    rows: list[list[object]] = [[str(n), 1] for n in range(20)]
    pie = [chart for chart in CHARTS if chart.kind is ChartKind.PIE]
    content = make(P, [REGION, AMOUNT], rows, design={"charts": pie}).pdf().pages[-1].get_contents()
    assert content is not None
    fills = re.findall(rb"^(\S+ \S+ \S+) rg 1 1 1 RG", content.get_data(), re.MULTILINE)
    assert len(set(fills)) == len(fills) == 13


def test_highlighted_cells_have_their_paper_and_ink() -> None:
    column = Column(
        key="v",
        label="V",
        type=ColumnType.INTEGER,
        highlights=(Highlight(when="below", value=Decimal(0), tone=Tone.BAD),),
    )
    content = one(P, column, [5, -5, None, "x"]).pdf().pages[0].get_contents()
    assert content is not None
    data = content.get_data()
    assert data.count(b"1 0.78 0.81 rg") == data.count(b"0.61 0 0.02 rg") == 1


def test_a_highlight_names_a_boolean_as_json_does() -> None:
    highlights = (Highlight(when="equal", value="false", tone=Tone.BAD),)
    column = Column(key="v", label="V", type=ColumnType.BOOLEAN, highlights=highlights)
    content = one(P, column, [True, False, None]).pdf().pages[0].get_contents()
    assert content is not None
    assert content.get_data().count(b"1 0.78 0.81 rg") == 1


def test_numbers_of_different_places_are_aligned_on_their_decimals() -> None:
    column = Column(key="v", label="V", type=ColumnType.DECIMAL)
    made = one(P, column, ["1", "2.5", "3.25", "-400.125"])
    found = {run.text: run for run in runs(made.pdf().pages[0])}
    digit = (found["2.5"].right - found["2.5"].x) / 2.6
    points = [
        found[text].right - digit * places for text, places in (("2.5", 1), ("3.25", 2), ("-400.125", 3))
    ]
    assert max(points) - min(points) < digit * 0.3
    assert found["1"].right < min(points) + digit * 0.3


def test_margins_are_in_millimetres() -> None:
    made = one(P, TEXT, ["x" * 30] * 3, page=Page(margin=20))
    assert min(run.x for run in runs(made.pdf().pages[0])) == pytest.approx(20 * 72 / 25.4, abs=0.1)


def test_everything_at_once_is_a_sound_file(tmp_path: Path) -> None:
    columns = [REGION, Column(key="d", label="D", type=ColumnType.DATE), TEXT, AMOUNT]
    rows = [[r, date(2026, 1, 1), "漢字 שלום 😀 é", 1] for r in ("a", "b") for _ in range(50)]
    made = make(
        P, columns, rows, group_by=("r",), design={"charts": CHARTS}, logo=image("PNG"), subtitle="Sub"
    )
    checked(made, tmp_path)
    assert (
        make(
            P, columns, rows, group_by=("r",), design={"charts": CHARTS}, logo=image("PNG"), subtitle="Sub"
        ).data
        == made.data
    )
