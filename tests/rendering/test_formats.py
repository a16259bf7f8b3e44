"""Formats, locales and zones: what is taken, what is refused, and how values read."""

import json
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rendering.formats import Formatter, check_column_format, check_locale, check_timezone
from rendering.model import Column, ColumnType, Total
from rendering.rows import ColumnCells
from rendering.totals import check_column_total


def shown(column_type: ColumnType, value: object, *, format: str | None = None, locale: str = "en") -> str:  # noqa: A002
    column = Column(key="c", label="C", type=column_type, format=format)
    return Formatter(locale=locale).column(column).text(value)  # type: ignore[arg-type]


def number_format(column_type: ColumnType, format: str, locale: str) -> str:  # noqa: A002
    return (
        Formatter(locale=locale)
        .column(Column(key="c", label="C", type=column_type, format=format))
        .number_format
    )


@pytest.mark.parametrize("name", ["en", "pt-BR", "zh-Hans-CN", "es-419", "de-CH"])
def test_known_locales_are_taken(name: str) -> None:
    assert check_locale(name) == name


@pytest.mark.parametrize(
    "name", ["pt_BR", "xx", "pt-XX", "", "../../etc/passwd", "en-us", "EN", "x" * 10_000]
)
def test_other_locales_are_refused_with_the_form_that_is_allowed(name: str) -> None:
    with pytest.raises(ValueError, match='"pt-BR"'):
        check_locale(name)


@pytest.mark.parametrize("name", ["UTC", "America/Sao_Paulo", "Asia/Kolkata"])
def test_known_zones_are_taken(name: str) -> None:
    assert check_timezone(name) == name


@pytest.mark.parametrize(
    "name", ["", "America", "Mars/Base", "../UTC", "localtime", "posix/UTC", "utc", "+03:00"]
)
def test_other_zones_are_refused_with_the_form_that_is_allowed(name: str) -> None:
    with pytest.raises(ValueError, match="America/Sao_Paulo"):
        check_timezone(name)


D, I, DT, DA, DU, TI, S, B = (  # noqa: E741
    ColumnType.DECIMAL,
    ColumnType.INTEGER,
    ColumnType.DATETIME,
    ColumnType.DATE,
    ColumnType.DURATION,
    ColumnType.TIME,
    ColumnType.STRING,
    ColumnType.BOOLEAN,
)


@pytest.mark.parametrize(
    ("column_type", "name"),
    [
        (D, None), (D, "integer"), (D, "decimal:0"), (D, "decimal:30"), (I, "currency:BRL"), (D, "percent:2"),
        (D, "#,##0.00;[Red](#,##0.00)"), (D, '0.0"kg"'), (D, "0.00E+00"), (D, "General"), (DA, "date"),
        (DT, "date"), (DT, "datetime"), (DT, "dd/mm/yyyy hh:mm"), (DA, 'd" de "mmmm'), (DU, "[h]:mm"),
        (TI, "hh:mm AM/PM"), (S, "@"), (D, "[$R$-416] #,##0.00"),
        (D, "[Red][<0]0;[Color 12]0"), (D, "[>=1000]0.0,;[DBNum1]0"), (DA, "dd.mm.yyyy"),
    ],
)  # fmt: skip
def test_formats_that_fit_their_column_are_taken(column_type: ColumnType, name: str | None) -> None:
    check_column_format(column_type, name)


@pytest.mark.parametrize(
    ("column_type", "name"),
    [
        (D, "decimal:x"), (D, "decimal:31"), (D, "decimal:-1"), (D, "currency:XXY"), (D, "currency:brl"),
        (D, "percent"), (D, "date"), (D, "yyyy"), (DA, "0.00"), (DA, "datetime"), (S, "0.00"), (S, "date"),
        (B, "integer"), (D, "banana"), (D, ""), (D, '0"x'), (D, "0;0;0;0;0"), (D, "0[x"), (D, "0" * 256),
        (D, "0\x00"), (D, "yyyy0.00"), (TI, "time"), (D, "decimal:2\n"), (D, "decimal:٢"), (D, "[blau]0"),
        (D, "[<x]0"), (D, "[Color57]0"),
        (D, "[<1][>0]0"), (D, "0;0;[>5]0"), (D, "0General"), (TI, "ss.0000"),
    ],
)  # fmt: skip
def test_formats_that_do_not_fit_are_refused_by_name_with_the_allowed_ones(
    column_type: ColumnType, name: str
) -> None:
    with pytest.raises(ValueError, match="is not a format of") as refused:
        check_column_format(column_type, name)
    assert "use " in str(refused.value) or "leave it out" in str(refused.value)
    assert json.dumps(name[:40], ensure_ascii=False) in str(refused.value)


@pytest.mark.parametrize(
    ("column_type", "total", "allowed"),
    [
        (D, Total.SUM, True), (I, Total.AVERAGE, True), (DU, Total.MAX, True), (DA, Total.MIN, True),
        (S, Total.COUNT, True), (B, Total.COUNT, True), (S, Total.SUM, False), (DA, Total.SUM, False),
        (B, Total.SUM, False), (TI, Total.AVERAGE, False),
    ],
)  # fmt: skip
def test_totals_fit_their_column(column_type: ColumnType, total: Total, allowed: bool) -> None:
    if allowed:
        check_column_total(column_type, total)
    else:
        with pytest.raises(ValueError, match="count"):
            check_column_total(column_type, total)


@pytest.mark.parametrize(
    ("name", "locale", "spreadsheet", "text"),
    [
        ("currency:BRL", "pt-BR", "[$R$-416] #,##0.00", "-R$\u00a01.234,50"),
        ("currency:EUR", "de-DE", "#,##0.00 [$€-407]", "-1.234,50\u00a0€"),
        ("currency:USD", "en-US", "[$$-409]#,##0.00", "-$1,234.50"),
        ("currency:CHF", "en", "[$CHF-409] #,##0.00", "-CHF\u00a01,234.50"),
        ("currency:JPY", "ja", "[$￥-411]#,##0", "-￥1,235"),
        ("currency:INR", "hi", "[$₹-439]#,##0.00", "-₹1,234.50"),
        ("percent:1", "fr", "0.0%", "-123\u202f450,0\u00a0%"),
        ("decimal:2", "fr", "#,##0.00", "-1\u202f234,50"),
        ("integer", "en", "#,##0", "-1,235"),
        ("#,##0.00;(#,##0.00)", "pt-BR", "#,##0.00;(#,##0.00)", "(1.234,50)"),
        ('0.0" kg"', "en", '0.0" kg"', "-1234.5 kg"),
        ("#,##0,", "en", "#,##0,", "-1"),
    ],
)
def test_a_number_reads_as_in_the_locale(name: str, locale: str, spreadsheet: str, text: str) -> None:
    assert number_format(D, name, locale) == spreadsheet
    assert shown(D, Decimal("-1234.5"), format=name, locale=locale) == text


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("000-00-0000", "1310100", "001-31-0100"),
        ("(00) 0000-0000", "-1112345678", "-(11) 1234-5678"),
        ('0"x"00.0"y"0', "12.34", "0x12.3y4"),
        ("#,##0-00", "1234567", "1,234,5-67"),
        ("#-##", "5", "-5"),
        ('0.0,,"M"', "123456789", "123.5M"),
        ("#,##0.00,", "-1310100", "-1,310.10"),
        ("# ?/?", "0.5", "0.5"),
        ("0.00E+00", "1234567", "1234567"),
        ('General" kg"', "-0.5", "-0.5 kg"),
        ('0;"less"', "-5", "less"),
        ("0;;", "-5", ""),
        ("0.00;@", "-5", "-5.00"),
        ("0;-0;0;@", "0", "0"),
        ("0;-General", "-0.5", "-0.5"),
    ],
)
def test_a_number_reads_as_a_spreadsheet_shows_it(name: str, value: str, text: str) -> None:
    assert shown(D, Decimal(value), format=name) == text
    column_format = Formatter(locale="en").column(Column(key="c", label="C", type=D, format=name))
    assert column_format.texts(ColumnCells([Decimal(value)], [value])) == [text]


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        # At -50, -5, 0, 1, 50 and 2500000.
        ('[>=1000000]0.0,,"M";[>=10]0.0,"K";0', ["-50", "-5", "0", "1", "0.1K", "2.5M"]),
        ("[<10]0;0.0", ["-50", "-5", "0", "1", "50.0", "2500000.0"]),
        ('[Red][<0]"-"0;0', ["-50", "-5", "0", "1", "50", "2500000"]),
        ("[>=0]0;(0)", ["(50)", "(5)", "0", "1", "50", "2500000"]),
        ('[=1]"one";[=0]"none";0', ["-50", "-5", "none", "one", "50", "2500000"]),
        ("[>10]0.0", ["-50", "-5", "0", "1", "50.0", "2500000.0"]),
        ('0;[<-10]"low";0.0', ["low", "-5.0", "0.0", "1", "50", "2500000"]),
    ],
)
def test_a_section_is_for_the_numbers_of_its_condition(name: str, texts: list[str]) -> None:
    values = [Decimal(value) for value in (-50, -5, 0, 1, 50, 2_500_000)]
    assert [shown(D, value, format=name) for value in values] == texts


@pytest.mark.parametrize(
    ("value", "text"),
    [("1.005", "1.01"), ("2.5", "2.50"), ("-0.005", "-0.01"), ("0.004", "0.00"), ("-0.004", "0.00")],
)
def test_display_rounds_half_away_from_zero_as_a_spreadsheet_does(value: str, text: str) -> None:
    assert shown(D, Decimal(value), format="decimal:2") == text


def test_indian_numbers_are_grouped_by_lakh() -> None:
    assert shown(D, Decimal("12345678.9"), format="decimal:2", locale="en-IN") == "1,23,45,678.90"


def test_an_integer_without_a_format_is_not_grouped_since_it_may_be_a_year() -> None:
    assert shown(I, 2024) == "2024"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("dd/mm/yyyy hh:mm", "05/03/2024 14:07"),
        ("d mmm yy", "5 mars 24"),
        ('d" de "mmmm', "5 de mars"),
        ("dddd", "mardi"),
        ("h:mm AM/PM", "2:07 PM"),
        ("h A/P", "2 P"),
        ("mmmmm yy", "m 24"),
        ("mm:ss.000", "07:09.120"),
        ("yyyy-mm", "2024-03"),
        ("dd.mm.yyyy hh.mm", "05.03.2024 14.07"),
        ("d. mmmm yyyy", "5. mars 2024"),
        ("mmmm d, yyyy", "mars 5, 2024"),
        ("d.m.yy;@", "5.3.24"),
        ("datetime", "05/03/2024 14:07:09"),
        ("date", "05/03/2024"),
    ],
)
def test_a_moment_reads_as_a_spreadsheet_shows_it(name: str, text: str) -> None:
    assert shown(DT, datetime(2024, 3, 5, 14, 7, 9, 120_000), format=name, locale="fr") == text


@pytest.mark.parametrize(
    ("locale", "text"),
    [
        ("de", "05.03.2024"), ("fi", "5.3.2024"), ("tr", "5.03.2024"), ("hu", "2024. 03. 05."),
        ("en", "3/5/2024"), ("nl", "05-03-2024"), ("sv", "2024-03-05"), ("ja", "2024/03/05"),
        ("ko", "2024. 3. 5."),
    ],
)  # fmt: skip
def test_a_day_reads_as_in_the_locale(locale: str, text: str) -> None:
    assert shown(DA, date(2024, 3, 5), locale=locale) == text
    assert shown(DT, datetime(2024, 3, 5, 14, 7, 9), locale=locale) == f"{text} 14:07:09"


@pytest.mark.parametrize(
    ("column_type", "value", "name", "text"),
    [
        (DU, timedelta(hours=25, minutes=6, seconds=17), None, "25:06:17"),
        (DU, timedelta(seconds=-90), None, "-0:01:30"),
        (DU, timedelta(hours=25, minutes=6), "[h]:mm", "25:06"),
        (DU, timedelta(minutes=-90), "[mm]:ss", "-90:00"),
        (DU, timedelta(minutes=59), "[<0.04]mm:ss;[h]:mm:ss", "0:59:00"),
        (DU, timedelta(minutes=50), "[<0.04]mm:ss;[h]:mm:ss", "50:00"),
        (DU, timedelta(hours=-2), "[<0.04]mm:ss;[h]:mm:ss;@", "-2:00:00"),
        (TI, time(13, 0), '[<0.5]h" a";[>=0.5]h" p"', "13 p"),
        (DA, date(1999, 12, 31), "[<36526]dd/mm/yy;dd/mm/yyyy", "31/12/99"),
        (DT, datetime(2000, 1, 1), "[<36526]dd/mm/yy;dd/mm/yyyy", "01/01/2000"),
        (TI, time(9, 5), None, "09:05:00"),
        (TI, time(9, 5, 0, 500_000), None, "09:05:00.5"),
        (TI, time(9, 5, 0, 500_000), "hh:mm:ss", "09:05:00"),
        (DT, datetime(2024, 3, 5, 9, 5, 0, 12), None, "3/5/2024 09:05:00.000012"),
        (DT, datetime(2024, 3, 5, 9, 5, 0, 12), "datetime", "3/5/2024 09:05:00"),
        (DA, date(2024, 2, 29), None, "2/29/2024"),
        (B, True, None, "Yes"),
        (S, None, None, ""),
        (D, "not a number", None, "not a number"),
    ],
)
def test_other_values_read_as_expected(
    column_type: ColumnType, value: object, name: str | None, text: str
) -> None:
    assert shown(column_type, value, format=name) == text


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**40), max_value=10**40, places=6))
def test_a_shown_number_reads_back_as_the_same_number(value: Decimal) -> None:
    text = shown(D, value, locale="pt-BR")
    assert Fraction(text.replace(".", "").replace(",", ".")) == Fraction(value)
