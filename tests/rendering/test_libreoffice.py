"""LibreOffice reads the same values from our workbooks, and calculates the same totals itself."""

import csv
import io
import re
import shutil
import subprocess
import zipfile
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rendering.model import Column, ColumnType, Format, Total

from .support import Rendered, make

pytestmark = pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")
X = Format.XLSX
#: UTF-8, comma, quotes; formatted as shown: no; all sheets: the first.
_CSV = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,false,false,false,false,1"


def sheet_as_csv(made: bytes, folder: Path) -> list[list[str]]:
    (folder / "book.xlsx").write_bytes(made)
    subprocess.run(
        ["soffice", f"-env:UserInstallation=file://{folder}/profile", "--headless", "--convert-to", _CSV,
         "--outdir", str(folder), str(folder / "book.xlsx")],
        check=True, capture_output=True, timeout=100,
    )  # fmt: skip
    (written,) = folder.glob("*.csv")
    text = written.read_text("utf-8")
    written.unlink()
    return list(csv.reader(io.StringIO(text)))


def without_cached_totals(made: Rendered) -> bytes:
    """The workbook with formulas alone, which makes a program calculate them."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(made.data)) as source, zipfile.ZipFile(out, "w") as target:
        for name in source.namelist():
            data = source.read(name)
            if name.startswith("xl/worksheets/sheet"):
                data = re.sub(rb"(</f>)<v>[^<]*</v>", rb"\1", data)
            target.writestr(name, data)
    return out.getvalue()


def test_totals_are_what_a_spreadsheet_program_calculates(tmp_path: Path) -> None:
    columns = [
        Column(key="r", label="R"),
        Column(key="c", label="C"),
        *(
            Column(key=total, label=total, type=ColumnType.DECIMAL, total=total)
            for total in (Total.SUM, Total.AVERAGE, Total.COUNT, Total.MIN, Total.MAX)
        ),
        Column(key="d", label="D", type=ColumnType.DATE, total=Total.MAX),
    ]
    rows = [
        [region, city, *[Decimal(number * 7 - 20).scaleb(-2)] * 5, date(2026, 1, 1 + number)]
        for number, (region, city) in enumerate(
            [("N", "a"), ("N", "a"), ("N", "b"), ("S", "b"), ("S", "c")] * 2
        )
    ]
    rows = sorted(rows, key=lambda row: row[:2])
    rows[3][2:6] = [None] * 4
    made = make(X, columns, rows, group_by=("r", "c"))
    assert made.part("xl/worksheets/sheet1.xml").count("<f>SUBTOTAL") == 6 * 7
    calculated, kept = sheet_as_csv(without_cached_totals(made), tmp_path), sheet_as_csv(made.data, tmp_path)
    assert [row[:2] + row[7:] for row in calculated] == [row[:2] + row[7:] for row in kept]
    for line, expected in zip(calculated[1:], kept[1:], strict=True):
        for index in range(2, 7):
            assert float(line[index] or 0) == pytest.approx(float(expected[index] or 0), rel=1e-12)


def test_a_tables_totals_row_is_calculated_too(tmp_path: Path) -> None:
    columns = [
        Column(key="r", label="R [x]"),
        Column(key="v", label="V # 1", type=ColumnType.INTEGER, total=Total.SUM),
    ]
    made = make(X, columns, [["a", 1], ["b", 41]], design={"excel_table": True})
    assert sheet_as_csv(without_cached_totals(made), tmp_path)[-1] == ["Total", "42"]


@given(
    st.lists(
        st.tuples(
            st.text(st.characters(exclude_categories=("Cs", "Cc", "Cn", "Co")), max_size=20),
            st.integers(-(10**15) + 1, 10**15 - 1),
            st.decimals(-(10**9), 10**9, places=4),
            st.dates(date(1900, 3, 1), date(9999, 12, 31)),
            st.booleans(),
        ),
        min_size=1,
        max_size=60,
    )
)
@settings(
    max_examples=3,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_any_table_reads_back_cell_by_cell(tmp_path: Path, table: list[tuple[object, ...]]) -> None:
    columns = [
        Column(key="t", label="T"),
        Column(key="i", label="I", type=ColumnType.INTEGER),
        Column(key="d", label="D", type=ColumnType.DECIMAL, format="0.0000"),
        Column(key="y", label="Y", type=ColumnType.DATE, format="yyyy-mm-dd"),
        Column(key="b", label="B", type=ColumnType.BOOLEAN),
    ]
    read = sheet_as_csv(make(X, columns, [list(row) for row in table]).data, tmp_path)
    assert read[0] == ["T", "I", "D", "Y", "B"]
    for (text, integer, number, day, yes), line in zip(table, read[1:], strict=True):
        assert isinstance(day, date)
        assert line[0] == text
        assert int(line[1]) == integer
        assert Decimal(line[2]) == number
        assert datetime.strptime(line[3], "%Y-%m-%d").date() == day  # noqa: DTZ007
        assert line[4] == ("TRUE" if yes else "FALSE")
