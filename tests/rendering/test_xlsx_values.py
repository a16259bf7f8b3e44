"""What a value becomes in a sheet: the type, the digits, the characters."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rendering.errors import BadValue
from rendering.model import Column, ColumnType, Format, Total

from .support import make, one

X = Format.XLSX
TEXT = Column(key="c", label="C")


def typed(column_type: ColumnType, **fields: object) -> Column:
    return Column(key="c", label="C", type=column_type, **fields)  # type: ignore[arg-type]


def texts(values: list[str]) -> list[str | None]:
    return [cell.value if cell else None for cell in one(X, TEXT, values).column()]


def test_control_characters_are_removed_and_counted() -> None:
    made = one(X, TEXT, ["kr 4\u001600 000", "tab\tok", "vt\u000bx", "nul\u0000x", "esc\u001b[0m", "ff\fx"])
    assert [cell and cell.value for cell in made.column()] == [
        "kr 400 000",
        "tab\tok",
        "vtx",
        "nulx",
        "esc[0m",
        "ffx",
    ]
    assert made.kinds == {("c", "control_characters"): 5}


def test_xml_non_characters_do_not_make_the_file_unreadable() -> None:
    made = one(X, TEXT, ["ok", "a\ufffeb", "c\uffffd"])
    assert [row[0].value for row in made.sheet().iter_rows(min_row=2)] == ["ok", "ab", "cd"]
    assert made.kinds == {("c", "control_characters"): 2}


def test_a_lone_surrogate_becomes_the_replacement_character_and_a_pair_its_emoji() -> None:
    made = one(X, TEXT, ["bad \ud83d end", "good \ud83d\ude00", "good \U0001f600"])
    assert [cell and cell.value for cell in made.column()] == [
        "bad \ufffd end",
        "good \U0001f600",
        "good \U0001f600",
    ]
    assert made.kinds == {("c", "invalid_unicode"): 1}


@pytest.mark.parametrize(
    "text", ["=1+1", "=cmd|' /C calc'!A0", "==", '=HYPERLINK("http://x.example","y")', "="]
)
def test_text_that_starts_with_an_equals_sign_stays_text(text: str) -> None:
    made = one(X, TEXT, [text])
    assert made.values() == [("inlineStr", text)]
    assert "<f" not in made.part("xl/worksheets/sheet1.xml")
    assert "quotePrefix" in made.style(made.column()[0])


def test_phone_numbers_and_other_injection_leads_are_unchanged_in_a_sheet() -> None:
    values = ["+55 11 90000-0000", "-10% off", "@SUM(1+1)", "\t=1+1", "-5", "＝1+1"]
    assert one(X, TEXT, values).values() == [("inlineStr", value) for value in values]


def test_negative_numbers_stay_numbers() -> None:
    made = one(X, typed(ColumnType.DECIMAL), [Decimal("-5"), Decimal("-0.5"), "-7.25"])
    assert made.values() == [("n", "-5"), ("n", "-0.5"), ("n", "-7.25")]


def test_text_is_cut_at_the_utf16_limit_of_a_cell_and_counted() -> None:
    rows = ["a" * 32767, "a" * 32768, "\U0001f600" * 20000, "a" * 32766 + "\U0001f600"]
    made = one(X, TEXT, rows)
    values = [cell.value for cell in made.column() if cell and cell.value]
    assert values[0] == rows[0]
    assert all(len(value.encode("utf-16-le")) // 2 <= 32767 for value in values)
    assert all(value.endswith("…") for value in values[1:])
    assert values[2].strip("…") == "\U0001f600" * 16383
    assert made.kinds == {("c", "truncated"): 3}


def test_dates_before_march_1900_are_iso_text_and_later_ones_serials() -> None:
    days = ["1900-01-01", "1900-02-28", "1900-03-01", "1899-12-31", "1756-01-27", "2024-02-29"]
    made = one(X, typed(ColumnType.DATE), days)
    assert made.values() == [
        ("inlineStr", "1900-01-01"),
        ("inlineStr", "1900-02-28"),
        ("n", "61"),
        ("inlineStr", "1899-12-31"),
        ("inlineStr", "1756-01-27"),
        ("n", "45351"),
    ]
    assert made.kinds == {("c", "text_date"): 4}


@pytest.mark.parametrize(
    ("zone", "serial"), [("America/Sao_Paulo", 45361.9791666667), ("UTC", 45362.1041666667)]
)
def test_an_instant_is_shown_on_the_wall_clock_of_the_reports_zone(zone: str, serial: float) -> None:
    values = [
        "2024-03-11T02:30:00Z",
        "2024-03-10T23:30:00-03:00",
        "2024-03-10T20:30:00-06:00",
        datetime(2024, 3, 11, 2, 30),
        datetime(2024, 3, 11, 2, 30, tzinfo=UTC),
    ]
    made = one(X, typed(ColumnType.DATETIME), values, timezone=zone)
    for cell in made.column():
        assert cell is not None
        assert cell.kind == "n"
        assert float(cell.value or "") == pytest.approx(serial, abs=1e-9)


@pytest.mark.parametrize("offset", ["+00:60", "-03:99", "+0075", "+24:00", "+03", "+03:00:00"])
def test_a_moment_with_an_offset_that_no_clock_shows_is_kept_as_text(offset: str) -> None:
    text = f"2024-03-11T02:30:00{offset}"
    made = one(X, typed(ColumnType.DATETIME), [text])
    assert made.values() == [("inlineStr", text)]
    assert made.kinds == {("c", "bad_value"): 1}


@pytest.mark.parametrize("year", [1900, 2026, 2257, 2258, 4000, 9998])
def test_the_last_microsecond_of_a_day_stays_in_its_day(year: int) -> None:
    last = datetime(year, 12, 31, 23, 59, 59, 999_999)
    ((kind, serial),) = filter(None, one(X, typed(ColumnType.DATETIME), [last]).values())
    assert kind == "n"
    assert int(float(serial or "")) == (last - datetime(1899, 12, 30)).days


def test_the_last_half_second_that_is_shown_as_the_year_10000_is_text() -> None:
    last = datetime(9999, 12, 31, 23, 59, 59, 999_999)
    made = one(X, typed(ColumnType.DATETIME), [last, last.replace(microsecond=0)])
    assert made.values() == [("inlineStr", "9999-12-31 23:59:59.999999"), ("n", "2958465.99998842599")]
    assert made.kinds == {("c", "text_date"): 1}


def test_durations_go_past_a_day_and_negative_ones_are_text() -> None:
    made = one(
        X, typed(ColumnType.DURATION), [5_400_000, 5_184_000, 90, 0, -90, "25:06:17", "PT1M30S", "-838:59:59"]
    )
    assert made.values() == [
        ("n", "62.5"),
        ("n", "60"),
        ("n", "0.00104166666666667"),
        ("n", "0"),
        ("inlineStr", "-0:01:30"),
        ("n", "1.04603009259259"),
        ("n", "0.00104166666666667"),
        ("inlineStr", "-838:59:59"),
    ]
    assert made.sheet()["A2"].number_format == "[h]:mm:ss"
    assert made.kinds == {("c", "text_duration"): 2}


def test_integers_of_more_than_15_digits_are_text_with_every_digit() -> None:
    numbers = [451408537017909248, 999999999999999, 1000000000000000, -9007199254740993, 10000000000000001]
    made = one(X, typed(ColumnType.INTEGER), [*numbers, 18446744073709551615])
    assert made.values() == [
        ("inlineStr", "451408537017909248"),
        ("n", "999999999999999"),
        ("inlineStr", "1000000000000000"),
        ("inlineStr", "-9007199254740993"),
        ("inlineStr", "10000000000000001"),
        ("inlineStr", "18446744073709551615"),
    ]
    assert made.kinds == {("c", "text_number"): 5}


def test_identifiers_keep_their_leading_zeros() -> None:
    values = ["01234567890", "02138", "00367901234567890323"]
    assert one(X, TEXT, values).values() == [("inlineStr", value) for value in values]


LENIENT = [
    "1_000",
    "nan",
    "Infinity",
    "١٢٣",
    "0x1F",
    " 5",
    "5 ",
    "",
    "None",
    "TRUE",
    ".5",
    "5.",
    "--1",
    "1e9999",
]


@pytest.mark.parametrize("column_type", [ColumnType.INTEGER, ColumnType.DECIMAL, ColumnType.FLOAT])
def test_what_python_would_leniently_take_for_a_number_is_a_bad_value(column_type: ColumnType) -> None:
    made = one(X, typed(column_type), LENIENT)
    assert made.values() == [("inlineStr", value) for value in LENIENT]
    assert made.kinds == {("c", "bad_value"): len(LENIENT)}


def test_text_columns_take_anything_unchanged() -> None:
    values = ["1_000", "nan", "Infinity", "1e5", "+5", "١٢٣", "0x1F", " TRUE ", "None"]
    assert one(X, TEXT, values).values() == [("inlineStr", value) for value in values]


def test_a_bad_value_fails_the_report_when_the_request_says_so() -> None:
    with pytest.raises(BadValue, match=r"row 2, column 'c': 'x{39}…' is not an integer"):
        one(X, typed(ColumnType.INTEGER), [1, "x" * 1000], on_bad_value="fail")


def test_a_boolean_is_no_number() -> None:
    made = make(
        X,
        [typed(ColumnType.INTEGER), Column(key="d", label="D", type=ColumnType.DECIMAL)],
        [[True, False]],
    )
    assert (made.values("A"), made.values("B")) == ([("inlineStr", "true")], [("inlineStr", "false")])


@pytest.mark.parametrize("value", [float("nan"), float("inf"), Decimal("NaN"), Decimal("-Infinity")])
@pytest.mark.parametrize(
    "column_type", [ColumnType.FLOAT, ColumnType.DECIMAL, ColumnType.INTEGER, ColumnType.DURATION]
)
def test_nan_and_infinity_leave_a_blank_cell_and_a_warning(value: object, column_type: ColumnType) -> None:
    made = one(X, typed(column_type, total=Total.SUM), [1, value, 2])
    first, second, third, *_ = made.values()
    assert first is not None
    assert second is None
    assert third is not None
    assert made.kinds == {("c", "blanked_number"): 1}
    assert made.result.totals == {"c": Decimal(3)}


def test_decimals_are_written_digit_by_digit() -> None:
    values = [
        Decimal("0.1"),
        "0.2",
        Decimal("1.005"),
        "12345678901234567.89",
        Decimal("0.1000000000"),
        Decimal("-0.00"),
    ]
    made = one(X, typed(ColumnType.DECIMAL), values)
    assert made.values() == [
        ("n", "0.1"),
        ("n", "0.2"),
        ("n", "1.005"),
        ("inlineStr", "12345678901234567.89"),
        ("n", "0.1"),
        ("n", "0"),
    ]


def test_floats_keep_the_shortest_digits_that_give_the_same_double() -> None:
    made = one(
        X, typed(ColumnType.FLOAT), [0.1, 0.1 + 0.2, -0.0, 1e22, Decimal("0.25"), "1.00000000000000000001"]
    )
    assert made.values() == [
        ("n", "0.1"),
        ("n", "0.30000000000000004"),
        ("n", "0"),
        ("n", "1e+22"),
        ("n", "0.25"),
        ("inlineStr", "1.00000000000000000001"),
    ]


@pytest.mark.parametrize("column_type", [ColumnType.FLOAT, ColumnType.DECIMAL])
def test_no_zero_is_negative(column_type: ColumnType) -> None:
    values = [-0.0, "-0", "-0.00", Decimal("-0.0"), Decimal("-0E-9")]
    assert one(X, typed(column_type), values).values() == [("n", "0")] * 5


@pytest.mark.parametrize("column_type", [ColumnType.FLOAT, ColumnType.DECIMAL])
def test_a_number_that_a_spreadsheet_reads_as_zero_is_text(column_type: ColumnType) -> None:
    made = one(X, typed(column_type), ["1E-310", "-1E-310", "2.3E-308"])
    assert [cell and (cell[0], float(cell[1] or "")) for cell in made.values()] == [
        ("inlineStr", 1e-310),
        ("inlineStr", -1e-310),
        ("n", 2.3e-308),
    ]
    assert made.kinds == {("c", "text_number"): 2}


def test_a_double_in_a_decimal_column_counts_to_its_15_digits() -> None:
    made = one(X, typed(ColumnType.DECIMAL, total=Total.SUM), [0.1 + 0.2, 0.1])
    assert made.values()[:2] == [("n", "0.3"), ("n", "0.1")]
    assert made.result.totals == {"c": Decimal("0.4")}


@pytest.mark.parametrize(
    ("text", "space"), [("  B-inline  ", 1), ("\tC\t", 1), ("\nD\n", 1), (" ", 1), ("a  b", 0)]
)
def test_white_space_is_preserved(text: str, space: int) -> None:
    made = one(X, TEXT, [text])
    assert made.values() == [("inlineStr", text)]
    assert made.part("xl/worksheets/sheet1.xml").count('xml:space="preserve"') == space


@pytest.mark.parametrize(
    ("text", "raw"),
    [
        ("_x0041_", "_x005F_x0041_"),
        ("SKU_x000D_9", "SKU_x005F_x000D_9"),
        ("_X0041_", "_X0041_"),
        ("valcheck_xa100_ev", "valcheck_x005F_xa100_ev"),
        ("_x004_", "_x004_"),
        ("plain_text", "plain_text"),
    ],
)
def test_text_that_looks_like_an_escape_is_escaped(text: str, raw: str) -> None:
    assert texts([text]) == [raw]


def test_line_breaks_become_lf_and_wrap() -> None:
    made = one(X, TEXT, ["a\r\nb", "a\rb", "a\nb"])
    assert made.values() == [("inlineStr", "a\nb")] * 3
    assert "_x000D_" not in made.part("xl/worksheets/sheet1.xml")
    sheet = made.sheet()
    assert all(sheet[f"A{row}"].alignment.wrap_text for row in (2, 3, 4))


def test_booleans_nulls_and_empty_texts_are_told_apart() -> None:
    columns = [
        Column(key="t", label="t", type=ColumnType.BOOLEAN),
        Column(key="n", label="n"),
        Column(key="e", label="e"),
        Column(key="w", label="w"),
        Column(key="z", label="z", type=ColumnType.INTEGER),
        Column(key="f", label="f", type=ColumnType.BOOLEAN),
    ]
    made = make(X, columns, [[True, None, "", "None", 0, False]])
    assert [made.values(letter)[0] for letter in "ABCDEF"] == [
        ("b", "1"),
        None,
        ("inlineStr", ""),
        ("inlineStr", "None"),
        ("n", "0"),
        ("b", "0"),
    ]


def test_values_of_a_mysql_cursor_become_what_their_columns_say() -> None:
    kinds = [
        (ColumnType.BOOLEAN, b"\x01", ("b", "1")),
        (ColumnType.INTEGER, b"\x01\x02", ("n", "258")),
        (ColumnType.INTEGER, bytes(8), ("n", "0")),
        # Digits, as AES_DECRYPT gives them, are no number of so many bits, and neither is nothing.
        (ColumnType.INTEGER, b"12", ("inlineStr", "0x3132")),
        (ColumnType.INTEGER, b"", ("inlineStr", "0x")),
        (ColumnType.BOOLEAN, 1, ("b", "1")),
        (ColumnType.STRING, b"\x00\xff", ("inlineStr", "0x00FF")),
        (ColumnType.STRING, '{"a":1}', ("inlineStr", '{"a":1}')),
        (ColumnType.TIME, timedelta(hours=6), ("n", "0.25")),
        (ColumnType.TIME, time(12), ("n", "0.5")),
        (ColumnType.DATE, date(2024, 2, 29), ("n", "45351")),
        (ColumnType.DATE, "0000-00-00", ("inlineStr", "0000-00-00")),
        (ColumnType.DATE, "2016-00-00", ("inlineStr", "2016-00-00")),
        (ColumnType.INTEGER, 2024, ("n", "2024")),
        (ColumnType.DATETIME, "2016-13-01 00:00:00", ("inlineStr", "2016-13-01 00:00:00")),
    ]
    for column_type, value, expected in kinds:
        assert one(X, typed(column_type), [value]).values() == [expected]


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("0.0000000000", "0.0000000000"),
        ("0.0000001", "0.0000001"),
        ("1e5", "100000"),
        ("-12.50", "-12.50"),
        ("-0.0", "-0.0"),
        ("1e-300", f"0.{'0' * 299}1"),
        ("1e308", f"1{'0' * 308}"),
        ("0e5000", "0"),
        ("0e-5000", "0"),
    ],
)
@pytest.mark.parametrize("file_format", list(Format))
def test_a_number_in_a_text_column_has_the_digits_that_are_meant(
    file_format: Format, number: str, text: str
) -> None:
    """Case E11: not Python's spelling, such as 0E-10."""
    found = make(file_format, [TEXT], [[Decimal(number)]])
    assert found.data == make(file_format, [TEXT], [[text]]).data


def test_a_decimal_whose_digits_would_fill_the_memory_keeps_its_exponent() -> None:
    made = one(X, TEXT, [Decimal("1e999999999"), Decimal("1e-999999999")])
    assert made.values() == [("inlineStr", "1E+999999999"), ("inlineStr", "1E-999999999")]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=30), min_size=1, max_size=5))
def test_any_text_reads_back_as_it_was_but_for_what_xml_cannot_hold(values: list[str]) -> None:
    made = one(X, TEXT, values)
    ET.fromstring(made.part("xl/worksheets/sheet1.xml"))  # noqa: S314 - our own file
    removed = {*map(chr, range(32)), "\ufffe", "\uffff"} - set("\t\n\r")
    for value, row in zip(values, made.sheet().iter_rows(min_row=2), strict=True):
        expected = "".join(character for character in value if character not in removed)
        # openpyxl decodes neither _x005F_ nor trims, and reads an empty text as nothing.
        found = str(row[0].value or "").replace("_x005F_", "_")
        assert found == expected.replace("\r\n", "\n").replace("\r", "\n")


@settings(max_examples=80, deadline=None)
@given(st.lists(st.decimals(allow_nan=False, allow_infinity=False, places=4), min_size=1, max_size=8))
def test_any_decimal_keeps_its_exact_value_and_totals_are_exact(values: list[Decimal]) -> None:
    made = one(X, typed(ColumnType.DECIMAL, total=Total.SUM), values)
    found = [Decimal(cell.value or "") for cell in made.column()[: len(values)] if cell]
    assert found == values
    exact = sum(map(Fraction, values))
    total = made.result.totals["c"]
    assert isinstance(total, Decimal)
    assert Fraction(total) == exact
