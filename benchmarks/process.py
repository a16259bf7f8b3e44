"""Measurements in processes of their own, and what stands for the upload in them."""

import os
import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).parents[1]
#: The environment that has the peers.
PYTHON = _ROOT / ".local/venvs/benchmarks/bin/python"
_PART_BYTES = 8 << 20


def output_of(*arguments: str, python: Path | str = sys.executable) -> str:
    """What ``python`` prints, run with ``arguments`` on this project. A failure ends the run."""
    finished = subprocess.run(
        [str(python), *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=_ROOT,
        env={**os.environ, "PYTHONPATH": "lambdas:."},
    )
    if finished.returncode:
        raise SystemExit(f"{' '.join(arguments)[:200]} failed:\n{finished.stderr[-2000:]}")
    return finished.stdout


class Parts:
    """Gathers bytes to the size of a part, as the upload does, and forgets them."""

    def __init__(self) -> None:
        self._part = bytearray()

    def write(self, data: bytes, /) -> None:
        self._part += data
        if len(self._part) >= _PART_BYTES:
            self._part.clear()
