"""``make bench``: every figure of the engine in one run, printed and written to RESULTS.md."""

import json
import os
import platform
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from benchmarks import cold_start, memory, pipeline, rendering, source
from benchmarks.process import PYTHON, output_of
from benchmarks.rendering import Figure
from benchmarks.results import FOLDER, write_section

_TITLE = "The engine beside other writers"
_PACKAGES = (
    "openpyxl", "xlsxwriter", "pyexcelerate", "rustpy-xlsxwriter", "reportlab", "rl-accel", "fpdf2", "isal",
)  # fmt: skip
_VERSIONS = (
    "from importlib.metadata import version\nimport sys\n"
    "print(*(f'{name} {version(name)}' for name in sys.argv[1:]), sep=', ')"
)


def main(arguments: Sequence[str]) -> int:
    quick = "--quick" in arguments
    figures = rendering.measure(quick=quick)
    read = source.measure(20_000 if quick else 200_000)
    piped = pipeline.measure(10_000 if quick else 100_000)
    used = memory.measure()
    cold = cold_start.measure()
    results = _results(figures, read, used)
    lines = [
        *_table(figures),
        "",
        f"Reading {read['rows']:,} rows of MySQL takes "
        + ", ".join(f"{name} {seconds:.2f} s" for name, seconds in read["seconds"].items())
        + f": {read['vs_pymysql_sscursor']} times.",
        "",
        f"From MySQL to an upload in parts, {piped['rows']:,} rows as XLSX: "
        + ", ".join(f"{name} {seconds:.2f} s" for name, seconds in piped["seconds"].items())
        + ".",
        "",
        f"A worker's memory grows by {used['growth_200k_to_1m_mb']} MB from 200,000 to 1,000,000 rows; its "
        f"peak is {used['worker_peak_mb']} MB.",
        "",
        "Importing a handler takes "
        + ", ".join(f"{name} {ms:.0f} ms" for name, ms in cold.items())
        + " of CPU.",
    ]
    print("\n".join(lines))
    if not quick:
        write_section(_TITLE, [*_head(), *lines])
        FOLDER.joinpath("results.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    return 0


def _results(figures: Sequence[Figure], read: dict[str, Any], used: dict[str, float]) -> dict[str, Any]:
    ours = {
        figure.contestant.format: figure for figure in reversed(figures) if figure.contestant.name == "prensa"
    }
    results: dict[str, Any] = {"xlsx": {}, "pdf": {}}
    for figure in figures:
        contestant = figure.contestant
        if contestant.key:
            ratio = figure.cpu / ours[contestant.format].cpu
            results[contestant.format][contestant.key] = round(ratio, 2)
    results["pdf"]["pages_per_second"] = round(ours["pdf"].pages_per_second or 0)
    results["source"] = {"vs_pymysql_sscursor": read["vs_pymysql_sscursor"]}
    results["memory"] = used
    return results


def _table(figures: Sequence[Figure]) -> list[str]:
    lines = ["| writer | CPU seconds a 100,000 rows | times ours | peak MB |", "|---|---|---|---|"]
    base: dict[str, float] = {}
    for figure in figures:
        contestant = figure.contestant
        own = base.setdefault(contestant.format, figure.cpu)
        name = f"{contestant.format.upper()}, {contestant.name}"
        if figure.pages_per_second:
            name += f" ({figure.pages_per_second:,.0f} pages a second)"
        lines.append(f"| {name} | {figure.cpu:.2f} | {figure.cpu / own:.1f} | {figure.peak_mb:.0f} |")
    return lines


def _head() -> list[str]:
    versions = output_of("-c", _VERSIONS, *_PACKAGES, python=PYTHON).strip()
    return [
        "Made by `make bench`: CPU time, medians of three interleaved rounds, every writer in a process of",
        "its own that has written a small file before. All write the same varied rows of ten columns with",
        "the same features, and their values are compared. The limit looks at each row and deflates and",
        "checks the bytes of our sheet. Peak memory includes the rows, which are made before the clock.",
        "",
        f"{datetime.now(UTC):%Y-%m-%d}, Python {platform.python_version()}, {platform.machine()}, "
        f"{os.cpu_count()} cores; {versions}.",
        "",
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
