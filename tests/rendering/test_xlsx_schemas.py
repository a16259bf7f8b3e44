"""Every part of a workbook fits the schemas of Office Open XML and what its parts say of each other."""

from pathlib import Path

import pytest
from openxml_audit import FileFormat, OpenXmlValidator
from openxml_audit.errors import ValidationSeverity

from rendering.model import Column, ColumnType, Format, Total

from .support import Rendered, make
from .test_xlsx_extras import CHARTS, COLUMNS, ROWS, everything

X = Format.XLSX


def errors(made: Rendered, folder: Path, version: FileFormat) -> list[str]:
    (folder / "book.xlsx").write_bytes(made.data)
    found = OpenXmlValidator(file_format=version).validate(folder / "book.xlsx").errors
    # A warning says that a program will write texts of cells in another place when it saves the file.
    return [f"{e.part_uri}: {e.description}" for e in found if e.severity is not ValidationSeverity.WARNING]


def a_plain_table() -> Rendered:
    return make(X, COLUMNS, ROWS)


def no_rows() -> Rendered:
    return make(X, COLUMNS, [])


def groups_with_charts() -> Rendered:
    return make(
        X, COLUMNS, sorted(ROWS, key=lambda row: str(row[0])), group_by=("r",), design={"charts": CHARTS}
    )


def a_sheet_for_each_group() -> Rendered:
    rows = sorted(ROWS, key=lambda row: str(row[0]))
    return make(X, COLUMNS, rows, group_by=("r",), design={"sheet_by": "r"}, about=True)


def several_full_sheets() -> Rendered:
    column = Column(key="v", label="V", type=ColumnType.INTEGER, total=Total.SUM)
    return make(X, [column], [[number] for number in range(20)], max_rows_per_sheet=6)


def texts_that_need_care() -> Rendered:
    texts = [" x", "a\nb", "=1+1", "_x0041_", "<&>\"'", "\t", "😀", "x" * 40_000]
    return make(
        X, [Column(key="t", label="=T & <b>", wrap=True)], [[text] for text in texts] * 3, title="A & 'B'"
    )


def charts_of_one_row() -> Rendered:
    return make(X, COLUMNS, ROWS[:1], design={"charts": CHARTS})


@pytest.mark.parametrize("version", [FileFormat.OFFICE_2007, FileFormat.MICROSOFT_365])
@pytest.mark.parametrize(
    "workbook",
    [
        everything, a_plain_table, no_rows, groups_with_charts, a_sheet_for_each_group, several_full_sheets,
        texts_that_need_care, charts_of_one_row,
    ],
)  # fmt: skip
def test_a_workbook_fits_the_schemas(workbook: object, version: FileFormat, tmp_path: Path) -> None:
    assert callable(workbook)
    assert errors(workbook(), tmp_path, version) == []
