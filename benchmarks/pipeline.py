"""The whole way of a report, from MySQL to an upload in parts: ours beside what one would write oneself."""

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import source
from benchmarks.process import PYTHON, Parts, output_of

_ROUNDS = 3
_TYPES = (
    "integer", "string", "string", "string", "integer", "decimal", "decimal", "date", "datetime", "boolean",
    "float", "string",
)  # fmt: skip


def _prensa(server: dict[str, Any]) -> None:
    from rendering.engine import render  # noqa: PLC0415
    from rendering.model import Column, ColumnType, Format, Options, Table  # noqa: PLC0415

    columns = tuple(
        Column(key=key, label=key, type=ColumnType(of))
        for key, of in zip(source.COLUMNS, _TYPES, strict=True)
    )
    render(
        table=Table(title="Lines", columns=columns),
        batches=source.prensa(server),
        format=Format.XLSX,
        options=Options(created_at=datetime(2026, 1, 1, tzinfo=UTC)),
        sink=Parts(),
    )


def _send(path: Path) -> None:
    sink = Parts()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            sink.write(piece)


def _openpyxl(server: dict[str, Any]) -> None:
    from openpyxl import Workbook  # noqa: PLC0415

    book = Workbook(write_only=True)
    sheet = book.create_sheet("Lines")
    sheet.append(source.COLUMNS)
    for batch in source.pymysql(server):
        for row in batch:
            sheet.append(row)
    with tempfile.TemporaryDirectory() as folder:
        book.save(Path(folder) / "lines.xlsx")
        _send(Path(folder) / "lines.xlsx")


def _xlsxwriter(server: dict[str, Any]) -> None:
    import xlsxwriter  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "lines.xlsx"
        book = xlsxwriter.Workbook(path, {"constant_memory": True, "default_date_format": "yyyy-mm-dd"})
        sheet = book.add_worksheet("Lines")
        sheet.write_row(0, 0, source.COLUMNS)
        number = 0
        for batch in source.pymysql(server):
            for row in batch:
                number += 1
                sheet.write_row(number, 0, row)
        book.close()
        _send(path)


_WAYS: dict[str, Callable[[dict[str, Any]], None]] = {
    "prensa": _prensa,
    "PyMySQL and openpyxl": _openpyxl,
    "PyMySQL and XlsxWriter": _xlsxwriter,
}


def measure(rows: int) -> dict[str, Any]:
    """CPU seconds of each way for ``rows`` rows, medians of three interleaved rounds."""
    times: dict[str, list[float]] = {name: [] for name in _WAYS}
    with source.server(rows) as where:
        for _ in range(_ROUNDS):
            for name in _WAYS:
                printed = output_of("-m", "benchmarks.pipeline", name, json.dumps(where), python=PYTHON)
                times[name].append(float(printed))
    return {"rows": rows, "seconds": {name: statistics.median(found) for name, found in times.items()}}


if __name__ == "__main__":
    _way = _WAYS[sys.argv[1]]
    _started = time.process_time()
    _way(json.loads(sys.argv[2]))
    print(time.process_time() - _started)
