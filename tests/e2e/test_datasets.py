"""POST /datasets -> upload -> generate: the file's rows are the report's."""

import csv
import hashlib
import io
import json
from datetime import datetime
from typing import Any

import openpyxl
import pytest

from local.testing import PlatformHandle
from tests.e2e.client import Client
from tests.parts.uploads import post_form

COLUMNS: list[dict[str, Any]] = [
    {"key": "cpf", "label": "CPF"},
    {"key": "total", "label": "Total", "type": "decimal", "format": "decimal:2", "total": "sum"},
    {"key": "since", "label": "Desde", "type": "date"},
]
BRAZILIAN = 'Total;CPF;Desde\r\n1.234,50;01234567890;29/02/2024\r\n-0,5;"00;\n191";\r\n'.encode("utf-16")
OPTIONS = {"encoding": "utf-16", "delimiter": ";", "locale": "pt-BR", "date_format": "DD/MM/YYYY"}


def dataset(service: Client, data: bytes, **body: Any) -> str:
    """Make a dataset, upload ``data`` and return its id."""
    answer = service.call("POST", "/datasets", body={"format": "csv", **body})
    assert answer.status == 201, answer.data
    made = answer.json
    assert post_form(made["upload"]["url"], made["upload"]["fields"], data).status == 204
    wanted: str = made["id"]
    return wanted


def request(dataset_id: str, wanted: str = "csv", **options: Any) -> dict[str, Any]:
    table = {"title": "Clientes", "columns": COLUMNS, "dataset": {"id": dataset_id, **options}}
    return {"format": wanted, "table": table}


def csv_rows(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def failed(service: Client, body: dict[str, Any]) -> dict[str, Any]:
    status = service.wait(service.generate(body)["id"])
    assert status["status"] == "failed", status
    assert status["attempt"] == 1, "what the file holds does not change by trying again"
    error: dict[str, Any] = status["error"]
    return error


def test_a_workbook_and_a_csv_hold_the_rows_of_one_upload(service: Client) -> None:
    made = dataset(
        service, BRAZILIAN, size_bytes=len(BRAZILIAN), sha256=hashlib.sha256(BRAZILIAN).hexdigest()
    )
    status, data = service.make(request(made, "xlsx", **OPTIONS))
    rows = list(openpyxl.load_workbook(io.BytesIO(data)).worksheets[0].iter_rows(values_only=True))
    start = rows.index(("CPF", "Total", "Desde"))
    assert rows[start + 1 : start + 3] == [
        ("01234567890", 1234.5, datetime(2024, 2, 29)),
        ("00;\n191", -0.5, None),
    ]
    assert (status["result"]["row_count"], status["result"]["totals"]["total"]) == (2, "1234.00")

    status, data = service.make(request(made, "csv", **OPTIONS))
    assert csv_rows(data)[1:] == [["01234567890", "1234.50", "2024-02-29"], ["00;\n191", "-0.5", ""]]
    assert status["result"]["warnings"] == []


def test_json_lines_keep_every_digit(service: Client) -> None:
    data = b'{"cpf": "007", "total": 12345678901234567.89}\n["8", "0.10", "2026-01-31"]\n'
    _, made = service.make(request(dataset(service, data, format="jsonl")))
    assert csv_rows(made)[1:] == [["007", "12345678901234567.89", ""], ["8", "0.10", "2026-01-31"]]


def test_many_rows_are_all_there_and_wait_in_the_bulk_lane(service: Client) -> None:
    count = 60_000
    data = b"cpf,total,since\n" + b"".join(b"%06d,%d.25,2026-01-31\n" % (n, n) for n in range(count))
    made = dataset(service, data)
    answer = service.call("POST", "/generate?validate_only=true", body=request(made))
    assert answer.json["estimate"] == {"rows": None, "lane": "bulk"}
    status, file = service.make(request(made))
    assert status["result"]["row_count"] == count
    assert [row[0] for row in csv_rows(file)[1:]] == [f"{n:06d}" for n in range(count)]


def test_a_row_that_breaks_the_grammar_is_named(service: Client) -> None:
    error = failed(service, request(dataset(service, b"cpf,total,since\n1,2,\n1,2\n")))
    assert (error["code"], error["retryable"]) == ("bad_data", False)
    assert error["detail"].startswith("line 3: the record has 2 fields, the header has 3")


def test_a_bad_value_is_named_or_counted_as_the_request_says(service: Client) -> None:
    made = dataset(service, b"cpf;total;since\n1;12.34;\n2;1,5;\n")
    body = request(made, locale="pt-BR")
    error = failed(service, {**body, "on_bad_value": "fail"})
    assert error["code"] == "bad_value"
    assert error["detail"] == (
        "line 2, column 'total': '12.34' is not a decimal number in pt-BR, such as 1.234,5"
    )
    status, data = service.make(body)
    assert csv_rows(data)[1:] == [["1", "12.34", ""], ["2", "1.5", ""]]
    [warning] = status["result"]["warnings"]
    assert (warning["column"], warning["kind"], warning["count"]) == ("total", "bad_value", 1)


def test_another_tenants_dataset_is_as_one_that_does_not_exist(
    service: Client, platform: PlatformHandle
) -> None:
    made = dataset(service, BRAZILIAN)
    other = service.with_token(platform.token("other", ["reports/read", "reports/write"]))
    answers = [
        other.call("POST", path, body=request(wanted))
        for path in ("/generate", "/generate?validate_only=true")
        for wanted in (made, "01a212e6-78f0-7627-9abb-88ca14e857ce", "x")
    ]
    assert {answer.status for answer in answers} == {422}
    problems = {json.dumps([a.json["errors"], a.json["detail"], a.json["code"]]) for a in answers}
    assert len(problems) == 1
    [problem] = answers[0].json["errors"]
    assert (problem["pointer"], problem["code"]) == ("/table/dataset/id", "unknown_dataset")


def test_a_report_of_a_dataset_runs_again(service: Client) -> None:
    first, _ = service.make(request(dataset(service, BRAZILIAN), **OPTIONS))
    answer = service.call("POST", f"/reports/{first['id']}/rerun")
    assert answer.status == 202, answer.data
    again = service.wait(answer.json["id"])
    assert (again["status"], again["result"]["row_count"]) == ("succeeded", first["result"]["row_count"])


def test_a_dataset_without_a_file_is_409(service: Client) -> None:
    made = service.call("POST", "/datasets", body={"format": "csv"}).json
    answer = service.call("POST", "/generate", body=request(made["id"]))
    assert (answer.status, answer.json["code"]) == (409, "dataset_not_uploaded")


def test_a_file_that_is_not_the_announced_one_is_no_report(service: Client) -> None:
    made = dataset(service, b"cpf,total,since\n1,2,\n", sha256="0" * 64)
    assert failed(service, request(made))["code"] == "checksum_mismatch"


@pytest.mark.parametrize("more", [{"rows": []}, {"dataset": None}])
def test_a_table_has_rows_or_a_dataset(service: Client, more: dict[str, Any]) -> None:
    body = request("x")
    answer = service.call("POST", "/generate", body={**body, "table": {**body["table"], **more}})
    assert answer.status == 422
    assert [problem["pointer"] for problem in answer.json["errors"]] in (
        ["/table/dataset"],
        ["/table/rows"],
    )


def test_only_who_may_write_makes_datasets(service: Client, platform: PlatformHandle) -> None:
    reader = service.with_token(platform.token("acme", ["reports/read"]))
    assert reader.call("POST", "/datasets", body={"format": "csv"}).status == 403
