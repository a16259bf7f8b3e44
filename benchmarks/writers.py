"""One function for each writer. All write the same values with the same features.

XLSX: a styled header, number and date formats, widths, a frozen header and a filter. PDF: the header on each
page, stripes, lines, page numbers and an embedded font. Each imports what it needs itself.
"""

import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.data import FORMATS, HEADER, Batches, texts

_FONT = Path(__file__).parents[1] / "lambdas/rendering/fonts/DejaVuSansCondensed.ttf"
_TYPES = (
    "integer", "string", "decimal", "date", "datetime", "boolean", "float", "string", "string", "string",
)  # fmt: skip
_WIDTHS = (10, 28, 14, 12, 20, 8, 22, 14, 14, 18)
_ROWS_OF_A_TABLE = 500
_ROWS_OF_A_PAGE = 36


def prensa(kind: str, batches: Batches, path: Path) -> int | None:
    from rendering.engine import render  # noqa: PLC0415
    from rendering.model import Column, ColumnType, Format, Options, Table  # noqa: PLC0415

    columns = tuple(
        Column(key=f"c{index}", label=label, type=ColumnType(of), format=FORMATS.get(index))
        for index, (label, of) in enumerate(zip(HEADER, _TYPES, strict=True))
    )
    with path.open("wb") as file:
        return render(
            table=Table(title="Rows", columns=columns),
            batches=batches,
            format=Format(kind),
            options=Options(created_at=datetime(2026, 1, 1, tzinfo=UTC)),
            sink=file,
        ).pages


def prensa_in_python(kind: str, batches: Batches, path: Path) -> int | None:
    """The engine without its C module."""
    from rendering import convert, formats, totals, xlsx_columns  # noqa: PLC0415

    modules: list[Any] = [convert, formats, totals, xlsx_columns]
    if kind == "pdf":
        from rendering import pdf_rows  # noqa: PLC0415

        modules.append(pdf_rows)
    for module in modules:
        module.native = None
    return prensa(kind, batches, path)


def limit(_kind: str, batches: Batches, path: Path) -> None:
    """What no writer can do without: to look at each row, and to deflate and check the bytes of the sheet.

    The bytes must be in a file beside ``path`` already.
    """
    from rendering.deflate import raw_compressor  # noqa: PLC0415

    sheet = path.with_suffix(".sheet").read_bytes()
    compressor = raw_compressor()
    checksum = 0
    with path.open("wb") as file:
        for batch in batches:
            for _row in batch:
                pass
        for start in range(0, len(sheet), 1 << 19):
            piece = sheet[start : start + (1 << 19)]
            checksum = zlib.crc32(piece, checksum)
            file.write(compressor.compress(piece))
        file.write(compressor.flush())


def openpyxl(_kind: str, batches: Batches, path: Path) -> None:
    from openpyxl import Workbook  # noqa: PLC0415
    from openpyxl.cell import WriteOnlyCell  # noqa: PLC0415
    from openpyxl.styles import Font  # noqa: PLC0415
    from openpyxl.utils import get_column_letter  # noqa: PLC0415

    book = Workbook(write_only=True)
    sheet: Any = book.create_sheet("Rows")
    for index, width in enumerate(_WIDTHS, 1):
        sheet.column_dimensions[get_column_letter(index)].width = width
    sheet.freeze_panes = "A2"
    sheet.auto_filter.ref = f"A1:J{sum(map(len, batches)) + 1}"
    header = [WriteOnlyCell(sheet, label) for label in HEADER]
    for cell in header:
        cell.font = Font(bold=True)
    sheet.append(header)
    for batch in batches:
        for row in batch:
            cells: list[Any] = list(row)
            for index, number_format in FORMATS.items():
                cell = WriteOnlyCell(sheet, row[index])
                cell.number_format = number_format
                cells[index] = cell
            sheet.append(cells)
    book.save(path)


def xlsxwriter(_kind: str, batches: Batches, path: Path) -> None:
    import xlsxwriter as library  # noqa: PLC0415

    book = library.Workbook(path, {"constant_memory": True})
    sheet = book.add_worksheet("Rows")
    formats = {index: book.add_format({"num_format": text}) for index, text in FORMATS.items()}
    for index, width in enumerate(_WIDTHS):
        sheet.set_column(index, index, width)
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, sum(map(len, batches)), len(HEADER) - 1)
    sheet.write_row(0, 0, HEADER, book.add_format({"bold": True}))
    number = 0
    for batch in batches:
        for row in batch:
            number += 1
            for index, value in enumerate(row):
                if value is None:
                    continue
                if index in (3, 4):
                    sheet.write_datetime(number, index, value, formats[index])
                elif type(value) is str:
                    sheet.write_string(number, index, value)
                elif type(value) is bool:
                    sheet.write_boolean(number, index, value)
                else:
                    sheet.write_number(number, index, value, formats.get(index))
    book.close()


def pyexcelerate(_kind: str, batches: Batches, path: Path) -> None:
    from pyexcelerate import Font, Format, Style, Workbook  # noqa: PLC0415

    book = Workbook()
    rows = [HEADER, *(row for batch in batches for row in batch)]
    sheet = book.new_sheet("Rows", data=rows)
    for index, width in enumerate(_WIDTHS):
        number_format = FORMATS.get(index)
        style = Style(size=width, format=Format(number_format)) if number_format else Style(size=width)
        sheet.set_col_style(index + 1, style)
    sheet.set_row_style(1, Style(font=Font(bold=True)))
    book.save(str(path))


def rustpy(_kind: str, batches: Batches, path: Path) -> None:
    from rustpy_xlsxwriter import FastExcel, Format  # noqa: PLC0415

    # It takes no Decimal.
    rows = (
        dict(zip(HEADER, (*row[:2], float(row[2]), *row[3:]), strict=True))
        for batch in batches
        for row in batch
    )
    (
        FastExcel(str(path))
        .freeze(row=1)
        .sheet(
            "Rows",
            rows,
            column_formats={HEADER[index]: Format().set_num_format(text) for index, text in FORMATS.items()},
            column_widths=dict(zip(HEADER, _WIDTHS, strict=True)),
            header_format=Format().set_bold(),
            autofilter=True,
        )
        .save()
    )


def long_table(_kind: str, batches: Batches, path: Path) -> None:
    _platypus([[texts(row) for batch in batches for row in batch]], path)


def long_tables(_kind: str, batches: Batches, path: Path) -> None:
    rows = [texts(row) for batch in batches for row in batch]
    _platypus(
        [rows[start : start + _ROWS_OF_A_TABLE] for start in range(0, len(rows), _ROWS_OF_A_TABLE)], path
    )


def _platypus(parts: list[list[list[str]]], path: Path) -> None:
    from reportlab.lib import colors  # noqa: PLC0415
    from reportlab.lib.pagesizes import A4, landscape  # noqa: PLC0415
    from reportlab.platypus import LongTable, SimpleDocTemplate, TableStyle  # noqa: PLC0415

    _register_font()
    style = TableStyle(
        [
            ("FONT", (0, 0), (-1, -1), "DejaVu", 7),
            ("BACKGROUND", (0, 0), (-1, 0), colors.lightgrey),
            ("ROWBACKGROUNDS", (0, 1), (-1, -1), [colors.white, colors.whitesmoke]),
            ("LINEBELOW", (0, 0), (-1, -1), 0.4, colors.lightgrey),
        ]
    )
    tables: list[Any] = [LongTable([HEADER, *part], repeatRows=1, style=style) for part in parts]

    def footer(canvas: Any, document: Any) -> None:
        canvas.drawString(40, 20, f"page {document.page}")

    SimpleDocTemplate(str(path), pagesize=landscape(A4)).build(
        tables, onFirstPage=footer, onLaterPages=footer
    )


def canvas(_kind: str, batches: Batches, path: Path) -> None:
    """reportlab's canvas with its C accelerator, every string drawn at its place."""
    from reportlab.lib import rl_accel  # noqa: PLC0415
    from reportlab.lib.pagesizes import A4, landscape  # noqa: PLC0415
    from reportlab.pdfgen.canvas import Canvas  # noqa: PLC0415

    if type(rl_accel.fp_str).__name__ != "builtin_function_or_method":
        raise SystemExit("reportlab runs without rl_accel")
    _register_font()
    width, height = landscape(A4)
    lefts = [40 + index * (width - 80) / len(HEADER) for index in range(len(HEADER))]
    page = Canvas(str(path), pagesize=(width, height))
    rows = [texts(row) for batch in batches for row in batch]
    for number, start in enumerate(range(0, len(rows), _ROWS_OF_A_PAGE), 1):
        page.setFont("DejaVu", 7)
        y = height - 50
        page.setFillGray(0.9)
        page.rect(40, y - 4, width - 80, 13, stroke=0, fill=1)
        page.setFillGray(0)
        for left, label in zip(lefts, HEADER, strict=True):
            page.drawString(left, y, label)
        for striped, row in enumerate(rows[start : start + _ROWS_OF_A_PAGE]):
            y -= 13
            if striped % 2:
                page.setFillGray(0.97)
                page.rect(40, y - 4, width - 80, 13, stroke=0, fill=1)
                page.setFillGray(0)
            for left, text in zip(lefts, row, strict=True):
                page.drawString(left, y, text)
            page.line(40, y - 4, width - 40, y - 4)
        page.drawRightString(width - 40, 25, f"page {number}")
        page.showPage()
    page.save()


def fpdf2(_kind: str, batches: Batches, path: Path) -> None:
    from fpdf import FPDF, FontFace  # noqa: PLC0415

    class Numbered(FPDF):  # type: ignore[misc]
        def footer(self) -> None:
            self.set_y(-12)
            self.cell(0, 8, f"page {self.page_no()}", align="R")

    document = Numbered(orientation="landscape", format="A4")
    document.add_font("DejaVu", fname=str(_FONT))
    document.set_font("DejaVu", size=7)
    document.add_page()
    with document.table(
        cell_fill_color=247, cell_fill_mode="ROWS", headings_style=FontFace(fill_color=(230, 230, 230))
    ) as table:
        table.row(HEADER)
        for batch in batches:
            for row in batch:
                table.row(texts(row))
    document.output(str(path))


def _register_font() -> None:
    from reportlab.pdfbase import pdfmetrics  # noqa: PLC0415
    from reportlab.pdfbase.ttfonts import TTFont  # noqa: PLC0415

    pdfmetrics.registerFont(TTFont("DejaVu", str(_FONT)))


WRITERS: dict[str, Callable[[str, Batches, Path], int | None]] = {
    "prensa": prensa,
    "prensa in Python alone": prensa_in_python,
    "limit": limit,
    "openpyxl write_only": openpyxl,
    "XlsxWriter constant_memory": xlsxwriter,
    "PyExcelerate": pyexcelerate,
    "rustpy-xlsxwriter": rustpy,
    "LongTable": long_table,
    "LongTable, 500 rows each": long_tables,
    "canvas with rl_accel": canvas,
    "fpdf2": fpdf2,
}
