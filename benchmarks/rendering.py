"""The engine beside other writers: each in a process of its own, in interleaved rounds, by CPU time.

The figure is the median of CPU seconds a row, so that a slow peer can have fewer rows. The values of all
files are compared before any figure is given.
"""

import json
import statistics
import sys
import tempfile
import time
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.data import Row, make_rows, texts
from benchmarks.peak import peak_mb
from benchmarks.process import PYTHON, output_of
from benchmarks.writers import WRITERS

_ROUNDS = 3
_COMPARED = 500


@dataclass(frozen=True, slots=True)
class Contestant:
    """``rows`` is how many it is given: enough to time it, few enough to wait for."""

    name: str
    format: str
    rows: int
    #: Its name in results.json; ours has none.
    key: str = ""


CONTESTANTS = (
    Contestant("prensa", "xlsx", 200_000),
    Contestant("prensa in Python alone", "xlsx", 100_000),
    Contestant("limit", "xlsx", 200_000, "fraction_of_limit"),
    Contestant("openpyxl write_only", "xlsx", 20_000, "vs_openpyxl_write_only"),
    Contestant("XlsxWriter constant_memory", "xlsx", 40_000, "vs_xlsxwriter_constant_memory"),
    Contestant("PyExcelerate", "xlsx", 40_000, "vs_pyexcelerate"),
    Contestant("rustpy-xlsxwriter", "xlsx", 200_000, "vs_rustpy_xlsxwriter"),
    Contestant("prensa", "pdf", 40_000),
    Contestant("prensa in Python alone", "pdf", 20_000),
    Contestant("LongTable", "pdf", 6_000, "vs_reportlab_longtable"),
    Contestant("LongTable, 500 rows each", "pdf", 6_000, "vs_reportlab_longtable_chunks"),
    Contestant("canvas with rl_accel", "pdf", 20_000, "vs_reportlab_canvas_accel"),
    Contestant("fpdf2", "pdf", 1_500, "vs_fpdf2"),
)


@dataclass(frozen=True, slots=True)
class Figure:
    """What one contestant took: CPU seconds for 100,000 rows, peak memory and, for ours, pages a second."""

    contestant: Contestant
    cpu: float
    peak_mb: float
    pages_per_second: float | None


def run(name: str, kind: str, count: int, path: Path) -> None:
    """Write one file in this process and print what it took, after a small one that loads everything."""
    writer = WRITERS[name]
    if name != "limit":
        writer(kind, make_rows(100), path)
    batches = make_rows(count)
    started = time.process_time()
    pages = writer(kind, batches, path)
    cpu = time.process_time() - started
    print(json.dumps({"cpu": cpu, "peak": peak_mb(), "pages": pages}))


def measure(*, quick: bool = False) -> list[Figure]:
    """The figures of all contestants, in their order. Ends the program when two files differ."""
    rounds = 1 if quick else _ROUNDS
    runs: dict[Contestant, list[dict[str, Any]]] = {contestant: [] for contestant in CONTESTANTS}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(rounds):
            print(f"round {number + 1} of {rounds}:", end="", flush=True)
            for place, contestant in enumerate(CONTESTANTS):
                path = Path(folder) / f"{place}.{contestant.format}"
                if contestant.name == "limit":
                    _sheet_for_limit(Path(folder) / "0.xlsx", path)
                print(f" {contestant.name};", end="", flush=True)
                runs[contestant].append(_started(contestant, path, divide=10 if quick else 1))
            print()
        _compare(Path(folder))
    return [_figure(contestant, found, divide=10 if quick else 1) for contestant, found in runs.items()]


def _started(contestant: Contestant, path: Path, *, divide: int) -> dict[str, Any]:
    words = [contestant.name, contestant.format, str(contestant.rows // divide), str(path)]
    found: dict[str, Any] = json.loads(output_of("-m", "benchmarks.rendering", *words, python=PYTHON))
    return found


def _figure(contestant: Contestant, runs: Sequence[dict[str, Any]], *, divide: int) -> Figure:
    cpu = statistics.median(run_["cpu"] for run_ in runs)
    pages = runs[0]["pages"]
    return Figure(
        contestant,
        cpu / (contestant.rows / divide) * 100_000,
        statistics.median(run_["peak"] for run_ in runs),
        pages / cpu if pages else None,
    )


def _sheet_for_limit(workbook: Path, path: Path) -> None:
    """The bytes of our sheet, which the limit deflates and checks."""
    with zipfile.ZipFile(workbook) as archive:
        path.with_suffix(".sheet").write_bytes(archive.read("xl/worksheets/sheet1.xml"))


def _compare(folder: Path) -> None:
    """Every XLSX has the values of the first one; every PDF shows those of the rows."""
    sheets = {
        contestant.name: _cells(folder / f"{place}.xlsx")
        for place, contestant in enumerate(CONTESTANTS)
        if contestant.format == "xlsx" and contestant.name != "limit"
    }
    ours = sheets["prensa"]
    for name, theirs in sheets.items():
        for number, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            if not _same(one, other):
                raise SystemExit(f"{name} differs in row {number}: {one} and {other}")
    for place, contestant in enumerate(CONTESTANTS):
        if contestant.format == "pdf":
            _compare_page(contestant.name, folder / f"{place}.pdf")


def _cells(path: Path) -> list[Row]:
    from openpyxl import load_workbook  # noqa: PLC0415

    book = load_workbook(path, read_only=True)
    found = []
    for row in book.worksheets[0].iter_rows(values_only=True, max_row=_COMPARED):
        # A reader may leave out blank cells at the end of a row.
        cells = (*row, *(None,) * (10 - len(row)))
        found.append(tuple(cells[:10]))
    book.close()
    return found


def _compare_page(name: str, path: Path) -> None:
    from pypdf import PdfReader  # noqa: PLC0415

    shown = "".join(PdfReader(path).pages[0].extract_text().split())
    for row in make_rows(8)[0]:
        # Ours writes dates and numbers as a reader expects them; texts are the same in all.
        for index in (1, 7, 9):
            wanted = "".join(texts(row)[index].split())
            if wanted not in shown:
                raise SystemExit(f"{name} does not show {wanted!r} on its first page")


def _same(one: Sequence[Any], other: Sequence[Any]) -> bool:
    for first, second in zip(one, other, strict=True):
        if isinstance(first, float | int) and isinstance(second, float | int):
            if abs(first - second) > 1e-9 * max(1.0, abs(first)):
                return False
        elif first != second and not (hasattr(first, "year") and str(first)[:19] == str(second)[:19]):
            return False
    return True


if __name__ == "__main__":
    run(sys.argv[1], sys.argv[2], int(sys.argv[3]), Path(sys.argv[4]))
