"""What the C module makes is what the same loops in Python make, byte for byte."""

import importlib.util
import struct
import sysconfig
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rendering.convert import whole_column
from rendering.model import Column, ColumnType, Format, Total
from rendering.native import native
from rendering.rows import ColumnCells
from rendering.totals import Accumulator

from .support import in_python, make

needs_native = pytest.mark.skipif(native is None, reason="the C module has not been built")
_TEXTS = st.text(max_size=10) | st.sampled_from(
    [
        "=1", "+", "-2", "@x", " x", "x ", "a\tb", "\t", "", "a\r\nb", "a\nb", "_x0041_", "_", "_x", "<&>",
        "]]>", "\u00a0x", "x\u2003", "x\u3000", "\u1680", "x\x85", "\u202fx", "x\u2028", "\x1c", "é",
        "\ufffe", "a\uffffb", "\ud800", "\U0001f600", "a" * 16_383, "a" * 16_384, "\U0001f600" * 16_384,
        "é" * 32_768, "x" * 101, "x" * 100,
    ]
)  # fmt: skip
_VALUES: dict[ColumnType, st.SearchStrategy[object]] = {
    ColumnType.STRING: _TEXTS,
    ColumnType.URL: _TEXTS | st.sampled_from(["https://example.com/?q=ã", "ftp://x"]),
    ColumnType.INTEGER: st.integers()
    | st.sampled_from([10**15, -(10**15), 10**15 - 1, 1 - 10**15, 1 << 63, -(1 << 63)]),
    ColumnType.DECIMAL: st.decimals()
    | st.decimals(-1000, 1000, places=2)
    | st.sampled_from(
        [
            Decimal(text)
            for text in ("-0.00", "-0", "-0.5", "0.000", "1E+3", "1E-7", "123456789012345.000", "1.50", "NaN")
        ]
        + [Decimal("9" * 15), Decimal("9" * 16), Decimal("0." + "0" * 5 + "9" * 15), Decimal("1" * 120)]
    ),
    ColumnType.FLOAT: st.floats() | st.floats(1e-5, 1e16) | st.integers(-(10**17), 10**17).map(float),
    ColumnType.BOOLEAN: st.booleans(),
    ColumnType.DATE: st.dates() | st.dates(date(1900, 1, 1), date(1900, 4, 1)) | st.datetimes(),
    ColumnType.DATETIME: st.datetimes()
    | st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1))
    | st.dates().map(lambda day: datetime.combine(day, time.max))
    | st.datetimes(timezones=st.just(UTC)),
    ColumnType.TIME: st.times(),
    ColumnType.DURATION: st.timedeltas(timedelta(days=-5), timedelta(days=400)),
}
_ODD = st.sampled_from(["x", 1, True, None, Decimal("1e400"), b"\x01", "2026-01-01", 1.5])
_TOTALS = {
    ColumnType.INTEGER: Total.SUM,
    ColumnType.DECIMAL: Total.SUM,
    ColumnType.FLOAT: Total.AVERAGE,
    ColumnType.DATETIME: Total.MAX,
}


def test_the_module_is_there_where_it_can_be_built() -> None:
    headers = Path(sysconfig.get_path("include"), "Python.h")
    if importlib.util.find_spec("ziglang") is None or not headers.is_file():
        pytest.skip("this Python has no headers, or there is no compiler")
    assert native is not None


@st.composite
def _tables(draw: st.DrawFn) -> tuple[list[Column], list[list[object]]]:
    kinds = draw(st.lists(st.sampled_from(sorted(_VALUES)), min_size=1, max_size=5))
    columns = [
        Column(key=f"c{index}", label=f"C{index}", type=kind, total=_TOTALS.get(kind))
        for index, kind in enumerate(kinds)
    ]
    odd = draw(st.integers(0, 9)) == 0
    values = [_VALUES[kind] | st.none() | _ODD if odd else _VALUES[kind] | st.none() for kind in kinds]
    repeated = st.sampled_from([draw(value) for value in values]) if draw(st.booleans()) else None
    rows = draw(st.lists(st.tuples(*values).map(list), min_size=1, max_size=8))
    if repeated is not None:
        rows = [rows[index % len(rows)] for index in range(len(rows) * 3)]
    return columns, rows


@needs_native
@pytest.mark.parametrize("file_format", list(Format))
@given(table=_tables(), zone=st.sampled_from(["UTC", "America/Sao_Paulo"]), batch=st.integers(1, 9))
@settings(max_examples=150, deadline=None)
def test_a_file_is_the_same_to_the_byte(
    file_format: Format, table: tuple[list[Column], list[list[object]]], zone: str, batch: int
) -> None:
    columns, rows = table
    compiled = make(file_format, columns, rows, timezone=zone, batch=batch)
    with in_python():
        interpreted = make(file_format, columns, rows, timezone=zone, batch=batch)
    assert compiled.data == interpreted.data
    assert compiled.result == interpreted.result


@needs_native
@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False), min_size=1, max_size=50)
)
@example(
    [
        struct.unpack("d", struct.pack("Q", bits))[0]
        for bits in range(0x3F1A36E2EB1C432D, 0x3F1A36E2EB1C432D + 40)
    ]
)
@example([2.0**power for power in range(-20, 60)] + [10.0**power for power in range(-6, 23)])
@example(
    [
        2.2250738585072014e-308,
        1.7976931348623157e308,
        9007199254740993.0,
        0.1 + 0.2,
        999999999999999.9,
        1e15,
        123456789.125,
    ]
)
@settings(max_examples=500, deadline=None)
def test_a_double_is_written_as_python_writes_it(values: list[float]) -> None:
    assert native is not None
    spec = ("A", "f", 1, None, lambda cell, position: f"<{cell}>")
    xml = native.rows(
        (spec,), [values], [None], first_row=1, attributes="", most_shared=0, longest_shared=0
    ).decode()
    assert [cell.split("</v>")[0] for cell in xml.split("<v>")[1:]] == [
        repr(value).removesuffix(".0") for value in values
    ]


@needs_native
@given(
    st.lists(
        st.decimals(allow_nan=False, allow_infinity=False) | st.none() | st.decimals(-99, 99, places=3),
        max_size=20,
    )
)
@settings(max_examples=300, deadline=None)
def test_decimals_add_up_to_the_same_digits(values: list[Decimal | None]) -> None:
    column = whole_column(ColumnType.DECIMAL, tuple(values), UTC) or ColumnCells(values)
    for total in (Total.SUM, Total.AVERAGE):
        spec = Column(key="c", label="C", type=ColumnType.DECIMAL, total=total)
        compiled, interpreted = Accumulator(spec), Accumulator(spec)
        compiled.add(column)
        with in_python():
            interpreted.add(column)
        assert str(compiled.result()) == str(interpreted.result())


@needs_native
def test_what_a_callback_raises_comes_through() -> None:
    assert native is not None

    def fail(cell: object, position: int) -> str:
        raise LookupError(f"{cell} {position}")

    spec = ("A", "t", 1, None, fail)
    with pytest.raises(LookupError, match="=1 2"):
        native.rows(
            (spec,), [["a", "b", "=1"]], [None], first_row=1, attributes="", most_shared=0, longest_shared=0
        )


@needs_native
@pytest.mark.parametrize(
    ("columns", "texts"),
    [([], []), ([["a"]], []), ([["a"], ["b", "c"]], [None, None]), ([["a"], ["b"]], [None, ["c", "d"]])],
)
def test_columns_that_do_not_fit_together_are_refused(
    columns: list[list[object]], texts: list[Sequence[str | None] | None]
) -> None:
    assert native is not None
    specs = tuple(("A", "t", 1, None, lambda cell, position: "") for _ in columns)
    with pytest.raises(ValueError, match="same number"):
        native.rows(specs, [*columns], texts, first_row=1, attributes="", most_shared=0, longest_shared=0)
