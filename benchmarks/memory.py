"""Peak memory of a whole worker: its imports, an S3 client, and the engine with a sink for upload parts.

Each size runs in a process of its own. Rows are made as they are read.
"""

import json
import random
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from benchmarks.peak import peak_mb
from benchmarks.process import Parts, output_of

_SIZES = (("xlsx", 200_000), ("xlsx", 1_000_000), ("pdf", 200_000))


def _batches(rows: int) -> Iterator[list[tuple[Any, ...]]]:
    chance = random.Random(7)
    for start in range(0, rows, 1000):
        yield [
            (
                number,
                f"customer {chance.randrange(10**6)} São Paulo",
                Decimal(chance.randrange(-(10**7), 10**7)).scaleb(-2),
                date(2026, 1, 1) + timedelta(days=number % 365),
                datetime(2026, 1, 1) + timedelta(seconds=number * 31),  # noqa: DTZ001
                f"{chance.randrange(10**11):011d}",
                ("paid", "open", "late")[number % 3],
            )
            for number in range(start, min(start + 1000, rows))
        ]


def run(kind: str, rows: int) -> None:
    """Render in this process, which has loaded what a worker loads, and print its peak in MB."""
    import boto3  # noqa: PLC0415

    import worker.handler  # noqa: F401, PLC0415
    from rendering.engine import render  # noqa: PLC0415
    from rendering.model import Column, ColumnType, Format, Options, Table  # noqa: PLC0415

    boto3.client("s3", region_name="eu-west-1", aws_access_key_id="none", aws_secret_access_key="none")  # noqa: S106
    types = ("integer", "string", "decimal", "date", "datetime", "string", "string")
    columns = tuple(Column(key=f"c{i}", label=f"C{i}", type=ColumnType(of)) for i, of in enumerate(types))
    render(
        table=Table(title="Rows", columns=columns),
        batches=_batches(rows),
        format=Format(kind),
        options=Options(created_at=datetime(2026, 1, 1, tzinfo=UTC)),
        sink=Parts(),
    )
    print(json.dumps(peak_mb()))


def measure() -> dict[str, float]:
    """``growth_200k_to_1m_mb`` of XLSX and ``worker_peak_mb``, the most of all sizes."""
    peaks: dict[tuple[str, int], float] = {}
    for kind, rows in _SIZES:
        peaks[kind, rows] = json.loads(output_of("-m", "benchmarks.memory", kind, str(rows)))
    growth = peaks["xlsx", 1_000_000] - peaks["xlsx", 200_000]
    return {"growth_200k_to_1m_mb": round(growth, 1), "worker_peak_mb": round(max(peaks.values()), 1)}


if __name__ == "__main__":
    run(sys.argv[1], int(sys.argv[2]))
