"""The workbook around the values: sheets, header, panes, formats, totals, properties."""

import re
import zipfile
from decimal import Decimal
from io import BytesIO

import pytest
from openpyxl import load_workbook

from rendering.errors import TooManyColumns, TooManyRows
from rendering.model import Column, ColumnType, Format, Orientation, Page, PageSize, Total
from rendering.sheet_names import sheet_name, unique_sheet_name, utf16_length
from rendering.xlsx_cells import MAX_LINKS

from .support import make, one

X = Format.XLSX
TEXT = Column(key="c", label="C")
TWO = [Column(key="a", label="A"), Column(key="b", label="B", type=ColumnType.INTEGER)]
MONEY = Column(key="v", label="Valor", type=ColumnType.DECIMAL, format="currency:BRL", total=Total.SUM)
TITLES = [
    "Vendas/2024: [Q1]?*\\",
    "'quoted'",
    "History",
    "HISTORY",
    "",
    "   ",
    "'",
    "Relatorio Mensal de Vendas por Regiao",
    "\U0001f600" * 20,
    "a\x00b",
    "x" * 30 + "'y",
]


@pytest.mark.parametrize("title", TITLES)
def test_any_title_gives_a_sheet_name_that_excel_takes(title: str) -> None:
    made = one(X, TEXT, ["x"], title=title)
    name = made.workbook().sheetnames[0]
    assert 1 <= utf16_length(name) <= 31
    assert not re.search(r"[\[\]:*?/\\\x00-\x1f]", name)
    assert name == name.strip("' ")
    assert name.casefold() != "history"


def test_the_unmodified_title_is_a_document_property() -> None:
    assert one(X, TEXT, ["x"], title="Vendas/2024: [Q1]").workbook().properties.title == "Vendas/2024: [Q1]"


def test_sheet_names_that_differ_only_in_case_or_after_the_cut_become_unique() -> None:
    taken: set[str] = set()
    titles = ["Sales", "SALES", "sales", "A" * 36 + "-1", "A" * 36 + "-2"]
    names = [unique_sheet_name(sheet_name(title, fallback="Report"), taken) for title in titles]
    assert len({name.casefold() for name in names}) == 5
    assert all(utf16_length(name) <= 31 for name in names)
    assert names[:2] == ["Sales", "SALES (2)"]


@pytest.mark.parametrize(
    ("rows", "sheets"), [(8, [8]), (9, [9]), (10, [9, 1]), (18, [9, 9]), (19, [9, 9, 1])]
)
@pytest.mark.parametrize("batch", [1, 4, 1000])
def test_a_full_sheet_goes_on_in_the_next_one_and_no_row_is_lost(
    rows: int, sheets: list[int], batch: int
) -> None:
    made = make(X, TWO, [[f"r{i}", i] for i in range(rows)], max_rows_per_sheet=10, batch=batch)
    assert made.result.sheets == len(sheets)
    assert made.result.row_count == rows
    found = []
    for number, count in enumerate(sheets, 1):
        sheet = made.sheet(number)
        assert [cell.value for cell in sheet[1]] == ["A", "B"]
        assert sheet.freeze_panes == "A2"
        assert sheet.auto_filter.ref == f"A1:B{count + 1}"
        assert sheet.column_dimensions["A"].width > 0
        assert sheet.print_title_rows == "$1:$1"
        found += [row[1].value for row in sheet.iter_rows(min_row=2)]
        assert sheet.max_row == count + 1
    assert found == list(range(rows))


def test_the_totals_row_never_goes_beyond_a_full_sheet() -> None:
    columns = [TEXT, Column(key="n", label="N", type=ColumnType.INTEGER, total=Total.SUM)]
    made = make(X, columns, [["x", 1]] * 9, max_rows_per_sheet=10)
    assert made.result.sheets == 2
    assert [cell.value for cell in made.sheet(2)[2]] == ["Total", 9]


@pytest.mark.parametrize("on_overflow", ["fail", "csv"])
def test_too_many_rows_fail_when_they_may_not_be_split(on_overflow: str) -> None:
    with pytest.raises(TooManyRows):
        make(X, TWO, [["x", 1]] * 10, max_rows_per_sheet=10, on_overflow=on_overflow)
    make(X, TWO, [["x", 1]] * 9, max_rows_per_sheet=10, on_overflow=on_overflow)


def test_a_sheet_takes_16384_columns_and_not_one_more() -> None:
    columns = [Column(key=str(i), label=str(i), type=ColumnType.INTEGER) for i in range(16385)]
    with pytest.raises(TooManyColumns, match="16384"):
        make(X, columns, [range(16385)])
    made = make(X, columns[:-1], [range(16384)])
    assert '<c r="XFD2"' in made.part("xl/worksheets/sheet1.xml")


def test_brazilian_money_and_percent_are_numbers_with_protected_formats() -> None:
    rate = Column(key="t", label="Taxa", type=ColumnType.DECIMAL, format="percent:1")
    made = make(X, [MONEY, rate], [["1234.56", "0.125"], ["-0.5", "-0.03"], [0, 0]], locale="pt-BR")
    assert made.values("A")[:3] == [("n", "1234.56"), ("n", "-0.5"), ("n", "0")]
    assert made.values("B")[:3] == [("n", "0.125"), ("n", "-0.03"), ("n", "0")]
    sheet = made.sheet()
    assert sheet["A2"].number_format == "[$R$-416] #,##0.00"
    assert sheet["B2"].number_format == "0.0%"


@pytest.mark.parametrize(
    ("locale", "date_format"),
    [
        ("pt-BR", "dd/mm/yyyy"),
        ("en-US", "m/d/yyyy"),
        ("de", "dd.mm.yyyy"),
        ("sv", "yyyy-mm-dd"),
        ("bg", "yyyy-mm-dd"),
    ],
)
def test_dates_have_the_locales_format_with_a_year_of_four_digits(locale: str, date_format: str) -> None:
    made = one(X, Column(key="d", label="D", type=ColumnType.DATE), ["2024-02-29"], locale=locale)
    assert made.sheet()["A2"].number_format == date_format


def test_a_sheet_without_rows_has_its_header_and_is_a_success() -> None:
    made = make(X, [TWO[0], MONEY], [])
    assert (made.result.row_count, made.result.sheets, made.result.totals) == (0, 1, {"v": Decimal(0)})
    assert [[cell.value for cell in row] for row in made.sheet().iter_rows()] == [["A", "Valor"]]
    assert not [name for name in made.parts() if "table" in name]


def test_columns_with_equal_blank_and_numeric_labels_keep_their_data() -> None:
    labels = ["id", "ID", "id", "", "2023"]
    columns = [Column(key=f"k{i}", label=label) for i, label in enumerate(labels)]
    made = make(X, columns, [["1", "2", "3", "x", "y"]])
    assert [cell.value for cell in made.sheet()[1]] == ["id", "ID", "id", "", "2023"]
    assert [cell.value for cell in made.sheet()[2]] == ["1", "2", "3", "x", "y"]


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("D'Alsace", "'D''Alsace'!$1:$1"),
        ("T&O", "'T&O'!$1:$1"),
        ("Norte-Sul", "'Norte-Sul'!$1:$1"),
        ("2024", "'2024'!$1:$1"),
        ("R1C1", "'R1C1'!$1:$1"),
    ],
)
def test_print_titles_quote_the_sheets_name(title: str, name: str) -> None:
    xml = one(X, TEXT, ["x"], title=title).part("xl/workbook.xml")
    found = re.search(r'<definedName name="_xlnm.Print_Titles" localSheetId="0">([^<]*)<', xml)
    assert found is not None
    assert found[1] == name.replace("&", "&amp;")


def test_the_header_is_frozen_and_widths_stay_within_excels_limit() -> None:
    columns = [TEXT, Column(key="w", label="W", width=4000)]
    made = make(X, columns, [["x" * 5000, "y"]] * 3)
    xml = made.part("xl/worksheets/sheet1.xml")
    assert re.search(r'<pane ySplit="1" topLeftCell="A2" [^>]*state="frozen"', xml)
    widths = [float(width) for width in re.findall(r'<col [^>]*width="([^"]+)"', xml)]
    assert widths == [60, 255]


def test_a_wide_batch_of_links_stops_at_excels_limit_and_every_text_stays() -> None:
    column = Column(key="u", label="U", type=ColumnType.URL)
    rows = [[f"https://e.example/i/{i}"] for i in range(MAX_LINKS + 70)]
    rows += [
        ["https://e.example/" + "x" * 2100],
        ["javascript:alert(1)"],
        ["https://e.example/a b?q=ação&x=<"],
    ]
    made = make(X, [column], rows[-3:] + rows[:-3])
    xml = made.part("xl/worksheets/sheet1.xml")
    assert xml.count("<hyperlink ") == MAX_LINKS
    assert made.kinds == {("u", "plain_url"): 2 + 71}
    assert [value and value[1] for value in made.values()] == [row[0] for row in rows[-3:] + rows[:-3]]
    relationships = made.part("xl/worksheets/_rels/sheet1.xml.rels")
    assert 'Target="https://e.example/a%20b?q=a%C3%A7%C3%A3o&amp;x=%3C"' in relationships


def test_links_open_where_their_text_says() -> None:
    made = one(
        X, Column(key="u", label="U", type=ColumnType.URL), ["https://a.example/1", None, "https://b.example"]
    )
    sheet = made.sheet()
    assert {ref: link.target for ref in ("A2", "A4") if (link := sheet[ref].hyperlink)} == {
        "A2": "https://a.example/1",
        "A4": "https://b.example",
    }


def test_the_total_of_exact_decimals_is_exact() -> None:
    column = Column(key="v", label="V", type=ColumnType.DECIMAL, total=Total.SUM)
    assert one(X, column, ["0.1", "0.2"]).values()[-1] == ("n", "0.3")
    made = one(X, column, ["0.1", "0.2", "1.005", "12345678901234567.89"])
    assert made.values()[-1] == ("inlineStr", "12345678901234569.195")
    assert str(made.result.totals["v"]) == "12345678901234569.195"


def test_subtotals_follow_their_groups_and_totals_come_last() -> None:
    columns = [
        Column(key="region", label="Region"),
        Column(key="city", label="City"),
        Column(key="v", label="V", type=ColumnType.DECIMAL, total=Total.SUM),
        Column(key="n", label="N", type=ColumnType.INTEGER, total=Total.AVERAGE),
    ]
    rows = [["N", "a", "1.10", 1], ["N", "a", "2.20", 2], ["N", "b", "3", 4], ["S", "b", "4", 5]]
    for batch in (1, 2, 1000):
        made = make(X, columns, rows, group_by=("region", "city"), batch=batch)
        sheet = load_workbook(BytesIO(made.data), data_only=True).worksheets[0]
        found = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=2)]
        assert found == [
            ["N", "a", 1.1, 1],
            ["N", "a", 2.2, 2],
            [None, "Total a", 3.3, 1.5],
            ["N", "b", 3, 4],
            [None, "Total b", 3, 4],
            ["Total N", None, 6.3, 2.33333333333333],
            ["S", "b", 4, 5],
            [None, "Total b", 4, 5],
            ["Total S", None, 4, 5],
            ["Total", None, 10.3, 3],
        ]
        # Sorting would tear the subtotals from their rows.
        assert made.sheet().auto_filter.ref is None


def test_a_subtitle_or_parameters_come_above_the_header() -> None:
    made = make(
        X, TWO, [["x", 1]], title="Sales", subtitle="First quarter", parameters=(("From", "2026-01-01"),)
    )
    sheet = made.sheet()
    assert [row[0].value for row in sheet.iter_rows()] == [
        "Sales",
        "First quarter",
        "From: 2026-01-01",
        None,
        "A",
        "x",
    ]
    assert sheet.freeze_panes == "A6"
    assert sheet.auto_filter.ref == "A5:B6"
    assert sheet.print_title_rows == "$5:$5"


def test_paper_and_printed_lines_follow_the_options() -> None:
    made = one(
        X,
        TEXT,
        ["x"],
        title="R&D",
        locale="pt-BR",
        page=Page(size=PageSize.A3, orientation=Orientation.LANDSCAPE),
    )
    sheet = made.sheet()
    assert (sheet.page_setup.paperSize, sheet.page_setup.orientation) == (8, "landscape")
    assert (sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight) == (1, 0)
    xml = made.part("xl/worksheets/sheet1.xml")
    assert "<oddHeader>&amp;LR&amp;&amp;D</oddHeader>" in xml
    assert "Página &amp;P de &amp;N" in xml


def test_entries_have_data_descriptors_and_the_reports_clock() -> None:
    made = one(X, TEXT, ["x"])
    with zipfile.ZipFile(BytesIO(made.data)) as archive:
        for info in archive.infolist():
            # Zip times have steps of two seconds.
            assert info.date_time == (2026, 1, 2, 3, 4, 4)
            assert info.flag_bits & 0x08
    properties = load_workbook(BytesIO(made.data)).properties
    assert properties.creator == "Prensa"
    assert str(properties.created) == str(properties.modified) == "2026-01-02 03:04:05"
