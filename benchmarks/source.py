"""Reading rows from MySQL: ours beside PyMySQL's own unbuffered cursor. Part of ``make bench``.

Each reads the same 200,000 rows of 12 columns from the local server in a process of its own, in interleaved
rounds; the figure is the median of CPU seconds. Both must give the same values.
"""

import hashlib
import json
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.process import output_of

_ROWS = 200_000
_ROUNDS = 3
_BATCH = 1000
COLUMNS = (
    "id", "code", "name", "note", "quantity", "price", "total", "day", "moment", "active", "share", "country",
)  # fmt: skip
_TABLE = """
CREATE OR REPLACE TABLE bench.`lines` CHARACTER SET utf8mb4 AS SELECT
  seq AS id, LPAD(seq * 7919, 11, '0') AS code, CONCAT('Cliente São ', seq MOD 997) AS name,
  IF(seq MOD 5 = 0, NULL, CONCAT('note ', seq)) AS note, CAST(seq MOD 90 + 1 AS SIGNED) AS quantity,
  CAST(seq * 0.37 AS DECIMAL(12, 2)) AS price, CAST(seq * 3.91 AS DECIMAL(14, 4)) AS total,
  DATE('2024-01-01') + INTERVAL seq MOD 700 DAY AS day,
  TIMESTAMP('2024-01-01') + INTERVAL seq * 37 SECOND AS moment,
  seq MOD 2 AS active, seq / 7e0 AS share, ELT(seq MOD 4 + 1, 'BR', 'DE', 'JP', 'US') AS country
FROM bench.numbers
"""


def pymysql(server: dict[str, Any]) -> Iterator[Sequence[tuple[Any, ...]]]:
    from pymysql import connect  # noqa: PLC0415 - each contestant loads its own
    from pymysql.cursors import SSCursor  # noqa: PLC0415

    connection = connect(
        host="127.0.0.1", port=server["port"], user=server["user"], password=server["password"],
        database="bench", charset="utf8mb4", cursorclass=SSCursor, ssl_disabled=True,
    )  # fmt: skip
    with connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(COLUMNS)} FROM `lines` ORDER BY id")
        while rows := cursor.fetchmany(_BATCH):
            yield rows


def prensa(server: dict[str, Any]) -> Iterator[Sequence[tuple[Any, ...]]]:
    from reporting.report_sql import BoundStatement  # noqa: PLC0415
    from reporting.sql_source import SourceDatabase, SqlSource  # noqa: PLC0415

    source = SqlSource(
        database=SourceDatabase(
            host="127.0.0.1",
            port=server["port"],
            user=server["user"],
            password=server["password"],
            database="bench",
        ),
        statement=BoundStatement(f"SELECT {', '.join(COLUMNS)} FROM `lines` ORDER BY id", ()),
        columns=COLUMNS,
        statement_timeout_seconds=300,
    )
    with source:
        yield from source


_READERS = {"prensa": prensa, "PyMySQL SSCursor": pymysql}


def _run(name: str, server: dict[str, Any], *, check: bool) -> dict[str, Any]:
    started = time.process_time()
    digest = hashlib.sha256()
    rows = 0
    for batch in _READERS[name](server):
        rows += len(batch)
        if check:
            digest.update(repr([tuple(row) for row in batch]).encode())
    return {"rows": rows, "cpu": time.process_time() - started, "values": digest.hexdigest() if check else ""}


def _measured(name: str, server: dict[str, Any], *, check: bool = False) -> dict[str, Any]:
    printed = output_of("-m", "benchmarks.source", name, json.dumps(server), str(int(check)))
    measured: dict[str, Any] = json.loads(printed)
    return measured


@contextmanager
def server(rows: int) -> Iterator[dict[str, Any]]:
    """A real server with the table, and where it is."""
    from tests.parts.mariadb import started  # noqa: PLC0415 - as the tests start it

    database = started()
    try:
        database.execute(
            "CREATE OR REPLACE DATABASE bench",
            "USE bench",
            f"CREATE TABLE bench.numbers AS SELECT seq FROM seq_1_to_{rows}",
            _TABLE,
            "ALTER TABLE bench.`lines` ADD PRIMARY KEY (id)",
        )
        yield {"port": database.port, "user": database.user, "password": database.password}
    finally:
        database.stop()
        started.cache_clear()


def measure(rows: int = _ROWS) -> dict[str, Any]:
    """``vs_pymysql_sscursor``, the ratio of CPU seconds a row, and the seconds themselves."""
    with server(rows) as where:
        checked = {name: _measured(name, where, check=True) for name in _READERS}
        if len({(found["rows"], found["values"]) for found in checked.values()}) != 1:
            raise SystemExit("the readers gave different values")
        times: dict[str, list[float]] = {name: [] for name in _READERS}
        for _ in range(_ROUNDS):
            for name in _READERS:
                times[name].append(_measured(name, where)["cpu"])
    seconds = {name: statistics.median(found) for name, found in times.items()}
    return {
        "vs_pymysql_sscursor": round(seconds["PyMySQL SSCursor"] / seconds["prensa"], 1),
        "seconds": seconds,
        "rows": rows,
    }


def main(arguments: Sequence[str]) -> int:
    if arguments:
        name, where, check = arguments
        print(json.dumps(_run(name, json.loads(where), check=check == "1")))
        return 0
    found = measure()
    print(f"Reading {found['rows']:,} rows of {len(COLUMNS)} columns from MySQL")
    for name, seconds in found["seconds"].items():
        print(f"  {name:24} {seconds:8.2f} CPU s")
    print(f"  ratio {found['vs_pymysql_sscursor']}")
    return 0


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    sys.exit(main(sys.argv[1:]))
