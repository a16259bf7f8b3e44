"""The engine beside other writers, side by side in one run: part of ``make bench``.

Each writer runs in a process of its own, the rounds are interleaved, and the figure is the median of CPU
seconds a row, so that a slow peer can have fewer rows. All write the same values: a title row, typed
columns with number and date formats, a frozen header and a filter; the PDFs a repeated header, stripes and
page numbers. The values of the XLSX files are compared before any figure is printed.
"""

import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from typing import Any

_ROUNDS = 3
_RESULTS = Path(__file__).parent
_BATCH = 1000
_SEED = 20_261_125
type Row = tuple[Any, ...]
type Batches = list[list[Row]]


@dataclass(frozen=True, slots=True)
class Contestant:
    """``rows`` is how many it is given: enough to time it, few enough to wait for."""

    name: str
    format: str
    rows: int
    #: Its name in results.json; ours has none.
    key: str = ""


CONTESTANTS = (
    Contestant("prensa", "xlsx", 100_000),
    Contestant("openpyxl write_only", "xlsx", 20_000, "vs_openpyxl_write_only"),
    Contestant("XlsxWriter constant_memory", "xlsx", 40_000, "vs_xlsxwriter_constant_memory"),
    Contestant("prensa", "pdf", 20_000),
    Contestant("reportlab LongTable, 500 rows each", "pdf", 4_000, "vs_reportlab_longtable_chunks"),
)
HEADER = ("Id", "Customer", "Amount", "Day", "Moment", "Active", "Score", "Tax id", "Region", "Note")
_DAY, _MOMENT, _AMOUNT = "yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss", "#,##0.00"


def make_rows(count: int) -> Batches:
    """Varied rows: unique texts, a third of them repeated, real decimals and dates, in batches."""
    chance = random.Random(_SEED)
    words = ("ação", "order", "north", "São Paulo", "delta", "A & B", "blue", "quarter")
    batches: Batches = []
    for number in range(count):
        if number % _BATCH == 0:
            batches.append([])
        batch = batches[-1]
        batch.append(
            (
                number,
                f"{chance.choice(words)} {chance.choice(words)} {number}",
                Decimal(chance.randrange(-(10**7), 10**7)).scaleb(-2),
                date(2026, 1, 1) + timedelta(days=chance.randrange(365)),
                datetime(2026, 1, 1) + timedelta(seconds=chance.randrange(31_000_000)),  # noqa: DTZ001
                chance.random() < 0.5,
                chance.random() * 1000,
                f"{chance.randrange(10**11):011d}",
                chance.choice(words),
                None if chance.random() < 0.2 else f"note {chance.randrange(10**9)}",
            )
        )
    return batches


def write_prensa(kind: str, batches: Batches, path: Path) -> None:
    from rendering.engine import render  # noqa: PLC0415 - each contestant loads its own
    from rendering.model import Column, ColumnType, Format, Options, Table  # noqa: PLC0415

    types = [
        "integer",
        "string",
        "decimal",
        "date",
        "datetime",
        "boolean",
        "float",
        "string",
        "string",
        "string",
    ]
    formats = {2: _AMOUNT, 3: _DAY, 4: _MOMENT}
    columns = tuple(
        Column(key=f"c{index}", label=label, type=ColumnType(kind_), format=formats.get(index))
        for index, (label, kind_) in enumerate(zip(HEADER, types, strict=True))
    )
    with path.open("wb") as file:
        render(
            table=Table(title="Rows", columns=columns),
            batches=batches,
            format=Format(kind),
            options=Options(created_at=datetime(2026, 1, 1, tzinfo=UTC)),
            sink=file,
        )


def write_openpyxl(batches: Batches, path: Path) -> None:
    from openpyxl import Workbook  # noqa: PLC0415
    from openpyxl.cell import WriteOnlyCell  # noqa: PLC0415

    book = Workbook(write_only=True)
    sheet: Any = book.create_sheet("Rows")
    sheet.freeze_panes = "A2"
    sheet.auto_filter.ref = f"A1:J{sum(map(len, batches)) + 1}"
    sheet.append(HEADER)
    formats = {2: _AMOUNT, 3: _DAY, 4: _MOMENT}
    for batch in batches:
        for row in batch:
            cells: list[Any] = list(row)
            for index, number_format in formats.items():
                cell = WriteOnlyCell(sheet, row[index])
                cell.number_format = number_format
                cells[index] = cell
            sheet.append(cells)
    book.save(path)


def write_xlsxwriter(batches: Batches, path: Path) -> None:
    import xlsxwriter  # noqa: PLC0415

    book = xlsxwriter.Workbook(path, {"constant_memory": True})
    sheet = book.add_worksheet("Rows")
    formats = {
        index: book.add_format({"num_format": text})
        for index, text in ((2, _AMOUNT), (3, _DAY), (4, _MOMENT))
    }
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, sum(map(len, batches)), len(HEADER) - 1)
    sheet.write_row(0, 0, HEADER)
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


def write_longtables(batches: Batches, path: Path) -> None:
    from reportlab.lib import colors  # noqa: PLC0415
    from reportlab.lib.pagesizes import A4, landscape  # noqa: PLC0415
    from reportlab.platypus import LongTable, SimpleDocTemplate, TableStyle  # noqa: PLC0415

    style = TableStyle(
        [
            ("FONTSIZE", (0, 0), (-1, -1), 7),
            ("BACKGROUND", (0, 0), (-1, 0), colors.lightgrey),
            ("ROWBACKGROUNDS", (0, 1), (-1, -1), [colors.white, colors.whitesmoke]),
            ("LINEBELOW", (0, 0), (-1, -1), 0.4, colors.lightgrey),
        ]
    )
    tables: list[Any] = []
    for batch in batches:
        for start in range(0, len(batch), 500):
            part = [[("" if v is None else str(v)) for v in row] for row in batch[start : start + 500]]
            tables.append(LongTable([HEADER, *part], repeatRows=1, style=style))

    def footer(canvas: Any, document: Any) -> None:
        canvas.drawString(40, 20, f"page {document.page}")

    SimpleDocTemplate(str(path), pagesize=landscape(A4)).build(
        tables, onFirstPage=footer, onLaterPages=footer
    )


def run(name: str, kind: str, count: int, path: Path) -> None:
    """Write one file in this process and print what it took, after a small one that loads everything."""

    def write(batches: Batches) -> None:
        match name:
            case "prensa":
                write_prensa(kind, batches, path)
            case "openpyxl write_only":
                write_openpyxl(batches, path)
            case "XlsxWriter constant_memory":
                write_xlsxwriter(batches, path)
            case _:
                write_longtables(batches, path)

    write(make_rows(100))
    batches = make_rows(count)
    started = time.process_time()
    write(batches)
    print(json.dumps({"cpu": time.process_time() - started, "bytes": path.stat().st_size}))


def values(path: Path, count: int) -> list[Row]:
    """The first rows of an XLSX file, as openpyxl reads them."""
    from openpyxl import load_workbook  # noqa: PLC0415

    book = load_workbook(path, read_only=True)
    # A reader may leave out blank cells at the end of a row.
    found = [
        (*row, *(None,) * (len(HEADER) - len(row)))
        for row in book.worksheets[0].iter_rows(values_only=True, max_row=count)
    ]
    book.close()
    return found


def _same(one: Sequence[Any], other: Sequence[Any]) -> bool:
    for first, second in zip(one, other, strict=True):
        if isinstance(first, float | int) and isinstance(second, float | int):
            if abs(first - second) > 1e-9 * max(1.0, abs(first)):
                return False
        elif first != second:
            return False
    return True


def main() -> None:
    figures: dict[Contestant, list[dict[str, float]]] = {c: [] for c in CONTESTANTS}
    with tempfile.TemporaryDirectory() as folder:
        sheets = {}
        for round_ in range(_ROUNDS):
            for number, contestant in enumerate(CONTESTANTS):
                path = Path(folder) / f"{number}.{contestant.format}"
                words = [contestant.name, contestant.format, str(contestant.rows), str(path)]
                finished = subprocess.run(
                    [sys.executable, "-m", "benchmarks.rendering", *words],
                    capture_output=True,
                    text=True,
                    check=True,
                )
                figures[contestant].append(json.loads(finished.stdout))
                if round_ == 0 and contestant.format == "xlsx":
                    sheets[contestant.name] = values(path, 500)
        ours = sheets.pop("prensa")
        for name, theirs in sheets.items():
            wrong = next(
                (i for i, pair in enumerate(zip(ours, theirs, strict=True)) if not _same(*pair)), None
            )
            if wrong is not None:
                raise SystemExit(f"{name} differs in row {wrong}: {ours[wrong]} and {theirs[wrong]}")
    report(figures)


def report(figures: dict[Contestant, list[dict[str, float]]]) -> None:
    """Print the table and write it, with the ratios, to RESULTS.md and results.json."""
    lines = ["| writer | CPU seconds a 100,000 rows | times ours |", "|---|---|---|"]
    ratios: dict[str, dict[str, float]] = {}
    ours: dict[str, float] = {}
    for contestant, runs in figures.items():
        cpu = statistics.median(run_["cpu"] for run_ in runs) / contestant.rows * 100_000
        base = ours.setdefault(contestant.format, cpu)
        lines.append(f"| {contestant.format.upper()}, {contestant.name} | {cpu:.2f} | {cpu / base:.1f} |")
        if contestant.key:
            ratios.setdefault(contestant.format, {})[contestant.key] = round(cpu / base, 2)
    packages = ("openpyxl", "xlsxwriter", "reportlab", "isal")
    head = [
        "# The engine beside other writers",
        "",
        "Made by `python -m benchmarks.rendering`: CPU time, medians of "
        f"{_ROUNDS} interleaved rounds, every writer in a process of its own that has written a small file "
        "before.",
        "",
        f"{datetime.now(UTC):%Y-%m-%d}, Python {platform.python_version()}, {platform.machine()}, "
        f"{os.cpu_count()} cores; " + ", ".join(f"{name} {version(name)}" for name in packages) + ".",
        "",
    ]
    _RESULTS.joinpath("RESULTS.md").write_text("\n".join([*head, *lines]) + "\n")
    _RESULTS.joinpath("results.json").write_text(json.dumps(ratios, indent=2) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        run(sys.argv[1], sys.argv[2], int(sys.argv[3]), Path(sys.argv[4]))
    else:
        main()
