"""Groups in a workbook: outline, formulas that give the exact totals, a sheet for each group."""

from decimal import Decimal
from io import BytesIO

import pytest
from openpyxl import load_workbook
from openpyxl.worksheet.worksheet import Worksheet

from rendering.errors import RenderError
from rendering.model import Column, ColumnType, Format, Total

from .support import Rendered, make

X = Format.XLSX
REGION, CITY = Column(key="r", label="Region"), Column(key="c", label="City")
AMOUNT = Column(key="v", label="V", type=ColumnType.DECIMAL, total=Total.SUM)
ROWS = [["N", "a", "1.10"], ["N", "a", "2.20"], ["N", "b", "3"], ["S", "b", "4"]]


def cached(made: Rendered, sheet: int = 1) -> Worksheet:
    worksheet: Worksheet = load_workbook(BytesIO(made.data), data_only=True).worksheets[sheet - 1]
    return worksheet


def column(sheet: Worksheet, letter: str) -> list[object]:
    return [cell.value for cell in sheet[letter][1:]]


def test_rows_can_be_folded_up_to_each_subtotal() -> None:
    made = make(X, [REGION, CITY, AMOUNT], ROWS, group_by=("r", "c"))
    sheet = made.sheet()
    levels = [sheet.row_dimensions[row].outlineLevel for row in range(2, 11)]
    assert levels == [3, 3, 2, 3, 2, 1, 3, 2, 1]
    assert sheet.sheet_format.outlineLevelRow == 3
    assert '<outlinePr summaryBelow="1"/>' in made.part("xl/worksheets/sheet1.xml")


def test_a_total_is_a_formula_over_its_rows_with_the_exact_value_beside_it() -> None:
    made = make(X, [REGION, CITY, AMOUNT], ROWS, group_by=("r", "c"))
    assert column(made.sheet(), "C") == [
        1.1, 2.2, "=SUBTOTAL(9,C2:C3)", 3, "=SUBTOTAL(9,C5:C5)", "=SUBTOTAL(9,C2:C6)",
        4, "=SUBTOTAL(9,C8:C8)", "=SUBTOTAL(9,C8:C9)", "=SUBTOTAL(9,C2:C10)",
    ]  # fmt: skip
    assert column(cached(made), "C") == [1.1, 2.2, 3.3, 3, 3, 6.3, 4, 4, 4, 10.3]


@pytest.mark.parametrize(
    ("total", "number"),
    [(Total.SUM, 9), (Total.AVERAGE, 1), (Total.COUNT, 3), (Total.MIN, 5), (Total.MAX, 4)],
)
def test_each_total_has_its_function(total: Total, number: int) -> None:
    made = make(X, [Column(key="v", label="V", type=ColumnType.INTEGER, total=total)], [[1], [2]])
    assert made.sheet()["A4"].value == f"=SUBTOTAL({number},A2:A3)"


def test_totals_can_be_values() -> None:
    made = make(X, [REGION, AMOUNT], [["a", 1]], design={"totals_as": "value"})
    assert made.sheet()["B3"].value == 1


def test_a_formula_that_could_not_see_every_row_is_a_value() -> None:
    made = make(X, [REGION, AMOUNT], [["a", number] for number in range(8)], max_rows_per_sheet=6)
    assert made.result.sheets == 2
    assert column(made.sheet(2), "B") == [5, 6, 7, 28]


def test_a_group_that_begins_on_another_sheet_has_values_up_to_the_outermost() -> None:
    rows = [["N", "a", 1]] * 4 + [["N", "b", 2]]
    made = make(X, [REGION, CITY, AMOUNT], rows, group_by=("r", "c"), max_rows_per_sheet=4)
    assert column(made.sheet(2), "C") == [1, 4, 2]
    assert column(made.sheet(3), "C") == [2, 6, 6]


def test_a_number_that_is_text_makes_every_total_over_it_a_value() -> None:
    rows = [["N", Decimal("1234567890123456.5")], ["N", Decimal("0.5")], ["S", Decimal(2)]]
    made = make(X, [REGION, AMOUNT], rows, group_by=("r",))
    assert column(made.sheet(), "B") == [
        "1234567890123456.5", 0.5, "1234567890123457.0", 2, "=SUBTOTAL(9,B5:B5)", "1234567890123459.0",
    ]  # fmt: skip


def test_each_group_gets_its_sheet_and_the_totals_one_of_their_own() -> None:
    made = make(X, [REGION, CITY, AMOUNT], ROWS, group_by=("r", "c"), design={"sheet_by": "r"})
    book = made.workbook()
    assert book.sheetnames == ["N", "S", "Total"]
    assert column(book["N"], "C")[-1] == "=SUBTOTAL(9,C2:C6)"
    assert column(cached(made, 3), "C") == [6.3, 4, 10.3]
    assert column(cached(made, 3), "A") == ["Total N", "Total S", "Total"]


def test_sheets_by_group_need_no_totals() -> None:
    made = make(X, [REGION, CITY], [["N", "a"], ["S", "b"]], group_by=("r",), design={"sheet_by": "r"})
    assert made.workbook().sheetnames == ["N", "S"]
    assert column(made.sheet(2), "B") == ["b"]
    plain = make(
        Format.PDF, [REGION, CITY], [["N", "a"], ["S", "b"]], group_by=("r",), design={"sheet_by": "r"}
    )
    assert "Total" not in plain.text()


def test_a_groups_sheet_is_named_after_it_whatever_it_is_called() -> None:
    rows: list[list[object]] = [["a/b", 1], ["A?B", 2], [None, 3], ["x" * 40, 4]]
    made = make(X, [REGION, AMOUNT], rows, group_by=("r",), design={"sheet_by": "r"})
    assert made.workbook().sheetnames == ["a b", "A B (2)", "–", "x" * 31, "Total"]


def test_more_sheets_than_anyone_can_use_are_refused() -> None:
    rows = [[str(number), 1] for number in range(201)]
    with pytest.raises(RenderError, match="more than 200 sheets"):
        make(X, [REGION, AMOUNT], rows, group_by=("r",), design={"sheet_by": "r"})


def test_sheet_by_names_the_outermost_group() -> None:
    with pytest.raises(RenderError, match="first of group_by"):
        make(X, [REGION, CITY, AMOUNT], ROWS, group_by=("r", "c"), design={"sheet_by": "c"})


def test_an_empty_text_makes_a_count_a_value() -> None:
    columns = [REGION, Column(key="n", label="N", total=Total.COUNT)]
    made = make(X, columns, [["N", "x"], ["N", ""], ["S", "y"], ["S", None]], group_by=("r",), batch=1)
    assert column(made.sheet(), "B") == ["x", "", 2, "y", None, "=SUBTOTAL(3,B5:B6)", 3]
    assert made.result.row_count == 4


def test_an_empty_text_among_numbers_makes_their_count_a_value() -> None:
    columns = [Column(key="n", label="N", type=ColumnType.INTEGER, total=Total.COUNT)]
    assert column(make(X, columns, [[1], [""], [None]]).sheet(), "A") == [1, "", None, 2]


def test_a_sheet_of_one_group_can_be_filtered_without_its_totals_row() -> None:
    one = make(X, [REGION, AMOUNT], [["N", 1], ["N", 2]], group_by=("r",), design={"sheet_by": "r"})
    assert one.sheet().auto_filter.ref == "A1:B3"
    two = make(X, [REGION, CITY, AMOUNT], ROWS, group_by=("r", "c"), design={"sheet_by": "r"})
    assert two.sheet().auto_filter.ref is None


def test_groups_of_negative_numbers_are_told_apart() -> None:
    group = Column(key="g", label="G", type=ColumnType.INTEGER)
    assert make(X, [group, AMOUNT], [[-2, 1], [-1, 1], [0, 1]], group_by=("g",)).kinds == {}
    again = make(X, [group, AMOUNT], [[-1, 1], [0, 1], [-1, 1]], group_by=("g",))
    assert again.kinds == {("g", "repeated_group"): 1}


def test_columns_are_wide_enough_for_their_totals_and_what_these_are_called() -> None:
    amount = Column(key="v", label="V", type=ColumnType.DECIMAL, format="decimal:2", total=Total.SUM)
    rows = [["North and South", Decimal("999999.99")]] * 9
    widths = make(X, [REGION, amount], rows, group_by=("r",)).sheet().column_dimensions
    assert widths["A"].width > len("Total North and South")
    assert widths["B"].width > len("8,999,999.91")
    longer = make(X, [REGION, amount], rows * 100, group_by=("r",)).sheet().column_dimensions
    assert longer["B"].width > len("899,999,991.00")


def test_a_total_that_is_wider_than_its_column_shrinks() -> None:
    narrow = Column(key="v", label="V", type=ColumnType.INTEGER, total=Total.SUM, width=3)
    sheet = make(X, [REGION, narrow], [["N", 10**9]], group_by=("r",)).sheet()
    assert [cell.alignment.shrinkToFit for cell in sheet["B"]] == [None, None, True, True]


def test_a_group_that_comes_again_is_counted() -> None:
    rows = [["N", 1], ["S", 1], ["N", 1], ["N", 1], ["S", 2]]
    for file_format in Format:
        made = make(file_format, [REGION, AMOUNT], rows, group_by=("r",), batch=2)
        assert made.kinds == {("r", "repeated_group"): 2}
        assert made.result.warnings[0].row == 3
