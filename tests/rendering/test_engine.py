"""What every format has in common."""

import hashlib
import socket
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from rendering.engine import render
from rendering.errors import BadValue, RenderError
from rendering.model import Column, ColumnType, Format, Table, Total

from .support import OPTIONS, Sink, make, one

TEXT = Column(key="c", label="C")
TABLE = Table(title="Report", columns=(TEXT,))
FORMATS = pytest.mark.parametrize("file_format", list(Format))


class Broken(Exception):
    """Raised by a test's own source, sink or progress."""


@FORMATS
def test_the_same_input_and_clock_give_the_same_bytes(file_format: Format) -> None:
    columns = [
        TEXT,
        Column(key="v", label="V", type=ColumnType.DECIMAL, format="currency:EUR", total=Total.SUM),
    ]
    first, second = (make(file_format, columns, [["São Paulo", "1.5"]] * 300, locale="fr") for _ in range(2))
    assert first.data == second.data
    assert first.result.sha256 == hashlib.sha256(first.data).hexdigest()


@FORMATS
def test_bytes_leave_while_rows_still_come(file_format: Format) -> None:
    sink = Sink()
    seen = []

    def batches() -> Iterator[Sequence[Sequence[object]]]:
        for start in range(0, 40_000, 1000):
            yield [[hashlib.sha256(str(i).encode()).hexdigest()] for i in range(start, start + 1000)]
            seen.append(len(sink.data))

    render(table=TABLE, batches=batches(), format=file_format, options=OPTIONS, sink=sink)
    assert seen[-1] > 0.8 * len(sink.data)


@FORMATS
def test_progress_counts_the_rows_after_each_batch(file_format: Format) -> None:
    done: list[int] = []
    render(
        table=TABLE,
        batches=[[["a"], ["b"]], [], [["c"]]],
        format=file_format,
        options=OPTIONS,
        sink=Sink(),
        on_progress=done.append,
    )
    assert done == [2, 3]


@FORMATS
def test_what_progress_raises_comes_through_and_nothing_is_written_after_it(file_format: Format) -> None:
    sink = Sink()
    size = -1

    def stop(rows_done: int) -> None:
        nonlocal size
        size = len(sink.data)
        raise Broken(rows_done)

    with pytest.raises(Broken):
        render(
            table=TABLE, batches=[[["a"]]], format=file_format, options=OPTIONS, sink=sink, on_progress=stop
        )
    assert len(sink.data) == size


@FORMATS
def test_what_the_source_raises_comes_through(file_format: Format) -> None:
    def batches() -> Iterator[Sequence[Sequence[object]]]:
        yield [["a"]]
        raise Broken

    with pytest.raises(Broken):
        render(table=TABLE, batches=batches(), format=file_format, options=OPTIONS, sink=Sink())


@FORMATS
@pytest.mark.parametrize("after", [0, 3])
def test_what_the_sink_raises_comes_through(file_format: Format, after: int) -> None:
    class Full(Sink):
        def write(self, data: bytes, /) -> None:
            if len(self.parts) >= after:
                raise Broken
            super().write(data)

    rows = [[hashlib.sha256(str(i).encode()).hexdigest()] for i in range(5000)]
    with pytest.raises(Broken):
        render(table=TABLE, batches=[rows] * 4, format=file_format, options=OPTIONS, sink=Full())


@FORMATS
def test_no_temporary_file_is_left_or_made(
    file_format: Format, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    one(file_format, TEXT, ["x"] * 100)
    assert list(tmp_path.iterdir()) == []


@FORMATS
def test_nothing_that_data_names_is_opened_or_fetched(file_format: Format, tmp_path: Path) -> None:
    secret = tmp_path / "secret.png"
    secret.write_bytes(b"what nobody should read")
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}/x.png"
        names = [str(secret), secret.as_uri(), address]
        texts = [
            *names,
            *(f'<img src="{name}"/>' for name in names),
            *(f'=WEBSERVICE("{name}")' for name in names),
            f'<!DOCTYPE x [<!ENTITY e SYSTEM "{secret.as_uri()}">]>&e;',
            f"![x]({address})",
        ]
        columns = [TEXT, Column(key="u", label=texts[3], type=ColumnType.URL)]
        touched: list[str] = []

        def watch(event: str, arguments: tuple[object, ...]) -> None:
            if watching and event in ("open", "socket.connect", "socket.getaddrinfo", "subprocess.Popen"):
                touched.append(f"{event} {arguments!r}")

        # A hook stays for good.
        watching = True
        sys.addaudithook(watch)
        try:
            made = make(
                file_format,
                columns,
                [[text, text] for text in texts],
                title=texts[4],
                subtitle=texts[5],
                parameters=((texts[3], texts[4]),),
            )
        finally:
            watching = False
    assert b"what nobody should read" not in made.data
    # What the engine opens is its own: fonts, and modules at their first use.
    assert [entry for entry in touched if str(tmp_path) in entry or not entry.startswith("open ")] == []


@FORMATS
def test_a_row_of_another_length_is_refused_whatever_the_options(file_format: Format) -> None:
    with pytest.raises(BadValue, match="row 2 has 2 values, the table has 1 columns"):
        make(file_format, [TEXT], [["a"], ["b", "c"]])


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (Table(title="T", columns=()), "at least one column"),
        (Table(title="T", columns=(TEXT, TEXT)), "same key"),
        (Table(title="T", columns=(TEXT,), group_by=("x",)), "'x'"),
        (Table(title="T", columns=(Column(key="a", label="A", total=Total.SUM),)), "sum"),
        (Table(title="T", columns=(Column(key="a", label="A", format="decimal:2"),)), "decimal:2"),
    ],
)
def test_a_table_that_cannot_be_is_refused_before_anything_is_written(table: Table, message: str) -> None:
    sink = Sink()
    with pytest.raises(RenderError, match=message):
        render(table=table, batches=[], format=Format.CSV, options=OPTIONS, sink=sink)
    assert sink.data == b""


def test_totals_are_the_same_in_every_format() -> None:
    columns = [
        Column(key="s", label="S", type=ColumnType.DECIMAL, total=Total.SUM),
        Column(key="c", label="C", total=Total.COUNT),
        Column(key="a", label="A", type=ColumnType.INTEGER, total=Total.AVERAGE),
        Column(key="m", label="M", type=ColumnType.FLOAT, total=Total.MAX),
        Column(key="d", label="D", type=ColumnType.DURATION, total=Total.SUM),
        Column(key="x", label="X", type=ColumnType.DATE, total=Total.MIN),
    ]
    rows: list[list[object]] = [
        ["0.1", "a", 1, 0.5, 90, "2024-01-02"],
        ["0.2", None, 2, 0.25, "0:00:30", None],
        [None] * 6,
    ]
    for file_format in Format:
        assert make(file_format, columns, rows).result.totals == {
            "s": Decimal("0.3"),
            "c": Decimal(1),
            "a": Decimal("1.5"),
            "m": Decimal("0.5"),
            "d": Decimal(120),
            "x": date(2024, 1, 2),
        }


def test_a_sum_of_no_rows_is_zero_and_an_extreme_is_absent() -> None:
    columns = [
        Column(key="s", label="S", type=ColumnType.DECIMAL, total=Total.SUM),
        Column(key="c", label="C", total=Total.COUNT),
        Column(key="x", label="X", type=ColumnType.DATE, total=Total.MIN),
    ]
    for file_format in Format:
        assert make(file_format, columns, []).result.totals == {"s": Decimal(0), "c": Decimal(0)}


def test_reports_can_be_rendered_side_by_side() -> None:
    rows = [[f"row {i} ação"] for i in range(2000)]
    expected = make(Format.PDF, [TEXT], rows).data
    with ThreadPoolExecutor(4) as pool:
        made = [pool.submit(make, Format.PDF, [TEXT], rows) for _ in range(4)]
    assert [one.result().data == expected for one in made] == [True] * 4
