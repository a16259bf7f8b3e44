"""generate -> status -> download: the file is the data."""

import csv
import hashlib
import io
import re
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

import openpyxl
import pypdf
import pytest

from local.testing import PlatformHandle
from tests.e2e.client import Client

COLUMNS: list[dict[str, Any]] = [
    {"key": "cpf", "label": "CPF"},
    {"key": "name", "label": "Nome"},
    {"key": "total", "label": "Total", "type": "decimal", "format": "decimal:2", "total": "sum"},
    {"key": "since", "label": "Desde", "type": "date"},
    {"key": "active", "label": "Ativo", "type": "boolean"},
]
ROWS: list[list[Any]] = [
    ["01234567890", "João Ação", "1234.50", "2024-02-29", True],
    ["00000000191", "=1+1", -0.5, "2025-12-31", False],
    ["98765432100", "łódź Привет", 10, None, None],
]
TABLE = {"title": "Clientes", "columns": COLUMNS, "rows": ROWS}


def cells(data: bytes) -> list[list[Any]]:
    """The rows of the first sheet below its header row."""
    sheet = openpyxl.load_workbook(io.BytesIO(data)).worksheets[0]
    rows = [list(row) for row in sheet.iter_rows(values_only=True)]
    header = next(i for i, row in enumerate(rows) if list(row[:2]) == ["CPF", "Nome"])
    return rows[header + 1 :]


def text_of(data: bytes) -> str:
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(data)).pages)


def csv_rows(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def test_a_workbook_holds_the_rows_that_were_sent(service: Client) -> None:
    status, data = service.make({"table": TABLE, "format": "xlsx", "filename": "pedidos-março"})
    result = status["result"]
    assert (result["row_count"], result["size_bytes"]) == (3, len(data))
    assert result["sha256"] == hashlib.sha256(data).hexdigest()
    assert result["filename"] == "pedidos-março.xlsx"
    assert cells(data)[:3] == [
        ["01234567890", "João Ação", 1234.5, datetime(2024, 2, 29), True],
        ["00000000191", "=1+1", -0.5, datetime(2025, 12, 31), False],
        ["98765432100", "łódź Привет", 10, None, None],
    ]
    assert Decimal(result["totals"]["total"]) == Decimal("1244.0")


def test_a_pdf_shows_the_rows_that_were_sent(service: Client) -> None:
    status, data = service.make({"table": TABLE, "format": "pdf", "locale": "pt-BR"})
    text = text_of(data)
    for expected in ("01234567890", "João Ação", "1.234,50", "-0,50", "łódź Привет", "Clientes", "=1+1"):
        assert expected in text
    assert status["result"]["pages"] == 1


def test_a_csv_holds_the_rows_that_were_sent(service: Client) -> None:
    _, data = service.make({"table": TABLE, "format": "csv"})
    rows = csv_rows(data)
    assert rows[0] == ["CPF", "Nome", "Total", "Desde", "Ativo"]
    assert [row[0] for row in rows[1:4]] == ["01234567890", "00000000191", "98765432100"]
    assert [Decimal(row[2]) for row in rows[1:4]] == [Decimal("1234.50"), Decimal("-0.5"), Decimal(10)]


@pytest.mark.parametrize("wanted", ["xlsx", "pdf", "csv"])
def test_no_rows_are_a_success(service: Client, wanted: str) -> None:
    status, data = service.make({"table": {**TABLE, "rows": []}, "format": wanted})
    assert status["result"]["row_count"] == 0
    assert status["progress"]["percent"] == 100
    assert len(data) > 0


def test_rows_above_32_kb_take_the_way_through_the_bucket(service: Client) -> None:
    """Case E15."""
    rows = [[f"{number:011d}", "n" * 40, number, None, None] for number in range(5000)]
    status, data = service.make({"table": {**TABLE, "rows": rows}, "format": "csv"})
    assert status["result"]["row_count"] == 5000
    assert [row[0] for row in csv_rows(data)[1:5001]] == [row[0] for row in rows]


def test_digits_beyond_a_double_come_through(service: Client) -> None:
    body = (
        b'{"format":"csv","table":{"title":"t","columns":[{"key":"n","type":"decimal"},'
        b'{"key":"i","type":"integer"}],"rows":[[12345678901234567.89,451408537017909248]]}}'
    )
    answer = service.call("POST", "/generate", raw=body)
    assert answer.status == 202
    status = service.wait(answer.json["id"])
    rows = csv_rows(service.fetch(status["result"]["download"]["url"]).data)
    assert rows[1] == ["12345678901234567.89", "451408537017909248"]


def test_the_file_is_served_with_its_name_and_type(service: Client) -> None:
    """Cases F03 and F11."""
    status, _ = service.make({"table": TABLE, "format": "pdf", "filename": "Relatório “Q1” – São Paulo"})
    answer = service.fetch(status["result"]["download"]["url"])
    assert answer.headers["content-type"] == "application/pdf"
    disposition = answer.headers["content-disposition"]
    assert disposition.isascii()
    assert disposition.startswith("attachment;")
    encoded = disposition.split("filename*=UTF-8''")[1]
    assert unquote(encoded) == "Relatório “Q1” – São Paulo.pdf"
    assert int(answer.headers["content-length"]) == status["result"]["size_bytes"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "no-store" in answer.headers["cache-control"] or "private" in answer.headers["cache-control"]


@pytest.mark.parametrize(
    "name",
    [
        "a\r\nX-Evil: 1",
        'a"; filename="evil.exe',
        "a\u2028X-Evil: 1",
        "../../evil",
        "a\x00b",
        "e\u202efdp.exe",
    ],
)
def test_no_name_adds_a_header_to_the_download(service: Client, name: str) -> None:
    status, _ = service.make({"table": {**TABLE, "title": name}, "format": "csv", "filename": name})
    answer = service.fetch(status["result"]["download"]["url"])
    assert "x-evil" not in answer.headers
    disposition = answer.headers["content-disposition"]
    assert re.fullmatch(
        r"attachment; filename=\"[^\"\\]*\.csv\"(; filename\*=UTF-8''[A-Za-z0-9%.!#$&+^_`|~-]*)?", disposition
    )
    saved = (
        unquote(disposition.rpartition("UTF-8''")[2])
        if "UTF-8''" in disposition
        else disposition.split('"')[1]
    )
    assert saved == status["result"]["filename"]
    assert not set(saved) & set("/\\\r\n\x00\u202e")


def test_bad_values_fail_the_report_when_the_request_says_so(service: Client) -> None:
    table = {**TABLE, "rows": [["1", "x", "1_000", None, None]]}
    warned, _ = service.make({"table": table, "format": "csv"})
    assert [(w["column"], w["kind"], w["count"]) for w in warned["result"]["warnings"]] == [
        ("total", "bad_value", 1)
    ]
    failed = service.wait(service.generate({"table": table, "format": "csv", "on_bad_value": "fail"})["id"])
    assert (failed["status"], failed["error"]["code"]) == ("failed", "bad_value")
    assert failed["error"]["retryable"] is False
    assert failed["attempt"] == 1
    assert failed["result"] is None


def test_the_ledger_has_every_order_item_of_the_database(service: Client, platform: PlatformHandle) -> None:
    status, data = service.make({"report_type": "order_ledger", "format": "csv"})
    [[expected, quantity]] = platform.query("SELECT COUNT(*), SUM(quantity) FROM sample.order_items")
    assert status["result"]["row_count"] == expected
    assert expected >= 200_000
    rows = csv_rows(data)
    position = next(i for i, label in enumerate(rows[0]) if label.lower() == "quantity")
    assert sum(int(row[position]) for row in rows[1 : expected + 1]) == quantity


def test_leading_zeros_of_customers_are_those_of_the_database(
    service: Client, platform: PlatformHandle
) -> None:
    _, data = service.make({"report_type": "customer_list", "format": "csv"})
    rows = csv_rows(data)
    position = next(i for i, label in enumerate(rows[0]) if "tax" in label.lower())
    stored = [row[0] for row in platform.query("SELECT tax_id FROM sample.customers")]
    assert sorted(row[position] for row in rows[1:]) == sorted(stored)
    assert any(tax_id.startswith("0") for tax_id in stored)


@pytest.mark.parametrize(("name", "wanted"), [("monthly_sales", "xlsx"), ("order_notes", "pdf")])
def test_the_other_sample_reports_are_made(service: Client, name: str, wanted: str) -> None:
    status, data = service.make({"report_type": name, "format": wanted})
    assert status["result"]["row_count"] > 0
    assert data.startswith(b"%PDF" if wanted == "pdf" else b"PK")


def test_a_file_can_be_had_in_parts_and_only_when_it_has_changed(service: Client) -> None:
    status, data = service.make({"table": TABLE, "format": "csv"})
    link = status["result"]["download"]["url"]
    size = len(data)
    tag = service.fetch(link).headers["etag"]
    for wanted, start, end in (("0-4", 0, 4), ("5-", 5, size - 1), ("-3", size - 3, size - 1)):
        part = service.fetch(link, headers={"range": f"bytes={wanted}"})
        assert (part.status, part.data) == (206, data[start : end + 1])
        assert part.headers["content-range"] == f"bytes {start}-{end}/{size}"
    beyond = service.fetch(link, headers={"range": f"bytes={size}-"})
    assert (beyond.status, beyond.headers["content-range"]) == (416, f"bytes */{size}")
    for headers, expected in (
        ({"range": "bytes=0-4", "if-range": tag}, 206),
        ({"range": "bytes=0-4", "if-range": '"another"'}, 200),
        ({"range": "lines=1-2"}, 200),
        ({"if-none-match": f'"another", {tag}'}, 304),
        ({"if-none-match": '"another"'}, 200),
    ):
        answer = service.fetch(link, headers=headers)
        assert answer.status == expected, headers
        assert answer.headers["etag"] == tag
        assert len(answer.data) == {200: size, 206: 5, 304: 0}[expected]
    head = service.fetch(link, method="HEAD")
    assert (head.status, head.data, int(head.headers["content-length"])) == (200, b"", size)
