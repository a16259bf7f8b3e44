"""What a request may say, and every problem of it at once."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from reporting.errors import InvalidRequest
from reporting.report_types import Catalogue, load_report_types
from reporting.requests import ReportRequest, parse_request, stored_table

REPORT_TYPES = Path(__file__).parents[3] / "report_types"
TABLE: dict[str, Any] = {
    "title": "Clientes",
    "columns": [
        {"key": "cpf", "label": "CPF"},
        {"key": "total", "type": "decimal", "format": "currency:BRL", "total": "sum"},
    ],
    "rows": [["01234567890", "1234.50"], {"cpf": "98765432100", "total": 10}],
}


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_report_types(REPORT_TYPES)


HIGHLIGHT = {"when": "equal", "value": True, "tone": "bad"}


def parse(body: dict[str, Any], catalogue: Catalogue) -> ReportRequest:
    return parse_request(body, catalogue=catalogue, locale="en", timezone="UTC")


def problems(body: dict[str, Any], catalogue: Catalogue) -> list[tuple[str, str]]:
    with pytest.raises(InvalidRequest) as caught:
        parse(body, catalogue)
    return [(problem.pointer, problem.code) for problem in caught.value.problems]


def test_rows_by_key_and_by_position_come_in_column_order(catalogue: Catalogue) -> None:
    request = parse({"table": TABLE, "format": "pdf"}, catalogue)
    assert request.rows == [["01234567890", "1234.50"], ["98765432100", 10]]


def test_what_is_not_said_is_filled_in_before_it_is_stored(catalogue: Catalogue) -> None:
    document = parse({"table": TABLE}, catalogue).document
    assert document["format"] == "xlsx"
    assert (document["locale"], document["timezone"]) == ("en", "UTC")
    assert (document["priority"], document["on_bad_value"], document["on_overflow"]) == (
        "normal",
        "warn",
        "split",
    )
    assert "rows" not in document["table"]


def test_a_stored_request_gives_its_table_back(catalogue: Catalogue) -> None:
    table = stored_table(parse({"table": TABLE}, catalogue).document).to_table()
    assert [column.key for column in table.columns] == ["cpf", "total"]
    assert table.columns[0].label == "CPF"
    assert table.columns[1].label == "total"


def test_a_table_with_a_dataset_keeps_how_its_values_are_written(catalogue: Catalogue) -> None:
    reference = {"id": "x", "delimiter": ";", "locale": "pt-BR"}
    request = parse({"table": {**TABLE, "rows": None, "dataset": reference}}, catalogue)
    assert request.rows is None
    assert request.dataset is not None
    assert request.dataset.notation.locale == "pt-BR"
    assert request.document["table"]["dataset"] == reference
    assert stored_table(request.document).to_table().columns[0].label == "CPF"


def test_all_problems_of_a_body_come_at_once(catalogue: Catalogue) -> None:
    body = {
        "table": {
            "title": "",
            "columns": [{"key": "a", "type": "money"}, {"key": "b", "colour": "red"}],
            "rows": [[1], [1, 2], 5, {"c": 1}, [[], {}]],
        },
        "format": "XLSX ",
        "priority": "urgent",
        "locale": "xx-YY",
        "timezone": "Mars/Phobos",
        "page": {"size": "A99"},
        "colums": [],
    }
    assert set(problems(body, catalogue)) == {
        ("/table/title", "out_of_range"),
        ("/table/columns/0/type", "not_allowed"),
        ("/table/columns/1/colour", "unknown_field"),
        ("/table/rows/0", "wrong_cell_count"),
        ("/table/rows/2", "wrong_type"),
        ("/table/rows/3/c", "unknown_field"),
        ("/table/rows/4/0", "wrong_type"),
        ("/table/rows/4/1", "wrong_type"),
        ("/format", "not_allowed"),
        ("/priority", "not_allowed"),
        ("/locale", "invalid_value"),
        ("/timezone", "invalid_value"),
        ("/page/size", "not_allowed"),
        ("/colums", "unknown_field"),
    }


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, [("", "invalid_value")]),
        ({"table": TABLE, "report_type": "order_ledger"}, [("", "invalid_value")]),
        ({"table": TABLE, "parameters": {}}, [("", "invalid_value")]),
        ({"report_type": "../../etc"}, [("/report_type", "unknown_report_type")]),
        ({"report_type": 5}, [("/report_type", "wrong_type")]),
        ({"report_type": "order_ledger", "parameters": []}, [("/parameters", "wrong_type")]),
        ({"table": {**TABLE, "rows": {"0": [1]}}}, [("/table/rows", "wrong_type")]),
        ({"table": {**TABLE, "columns": []}}, [("/table/columns", "out_of_range")]),
        ({"table": {"title": "x", "columns": [{"key": "a"}]}}, [("/table/rows", "required")]),
        ({"table": {**TABLE, "dataset": {"id": "x"}}}, [("/table/dataset", "not_allowed")]),
        (
            {"table": {**TABLE, "rows": None, "dataset": {"id": "x", "delimiter": "::", "locale": "xx-YY"}}},
            [("/table/dataset/delimiter", "not_allowed"), ("/table/dataset/locale", "invalid_value")],
        ),
        (
            {"table": {**TABLE, "rows": None, "dataset": {"id": "x", "date_format": "DD/MM-YYYY"}}},
            [("/table/dataset/date_format", "invalid_value")],
        ),
        (
            {"table": {"title": "t", "columns": [{"key": "a"}, {"key": "a"}], "rows": [["1", "2"]]}},
            [("/table", "invalid_value")],
        ),
        ({"table": {**TABLE, "group_by": ["none"]}}, [("/table", "invalid_value")]),
        ({"table": TABLE, "filename": ""}, [("/filename", "out_of_range")]),
        ({"table": TABLE, "page": {"margin": 4.9}}, [("/page/margin", "out_of_range")]),
        (
            {"table": {**TABLE, "columns": [{"key": "a", "highlights": [HIGHLIGHT]}], "rows": []}},
            [("/table/columns/0/highlights/0/value", "invalid_value")],
        ),
    ],
)
def test_a_problem_is_told_with_its_place_and_kind(
    body: dict[str, Any], expected: list[tuple[str, str]], catalogue: Catalogue
) -> None:
    assert problems(body, catalogue) == expected


@pytest.mark.parametrize(
    ("body", "details"),
    [
        ({"report_type": 5}, ["must be a string, got 5"]),
        ({"table": TABLE, "format": "doc"}, ["must be 'xlsx', 'pdf' or 'csv', got \"doc\""]),
        ({"table": TABLE, "on_overflow": True}, ["must be 'split', 'fail' or 'csv', got true"]),
        ({"table": TABLE, "colour": 1}, ["there is no such field"]),
        ({"table": []}, ["must be an object, got an array"]),
        ({"table": {**TABLE, "columns": []}}, ["must have 1 or more entries, got 0"]),
        ({"table": {**TABLE, "title": ""}}, ["must have 1 or more characters, got 0"]),
        ({"table": {**TABLE, "title": "x" * 256}}, ["must have 255 or fewer characters, got 256"]),
        ({"table": {**TABLE, "rows": {}}}, ["must be an array, got an object"]),
        ({"table": {**TABLE, "group_by": ["a"], "charts": [{"kind": "bar"}]}}, ["is required"] * 3),
        ({"table": TABLE, "page": {"margin": "wide"}}, ['must be a number, got "wide"']),
        ({"table": TABLE, "page": {"margin": 4.9}}, ["must be at least 5.0, got 4.9"]),
    ],
)
def test_a_problem_names_the_rule_and_the_value(
    body: dict[str, Any], details: list[str], catalogue: Catalogue
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse(body, catalogue)
    assert [problem.detail for problem in caught.value.problems] == details


def test_problems_of_every_kind_are_told_at_once(catalogue: Catalogue) -> None:
    body = {
        "report_type": "customer_list",
        "parameters": {"country": "Brazil", "town": "Natal"},
        "locale": 5,
        "colour": "red",
    }
    assert problems(body, catalogue) == [
        ("/locale", "wrong_type"),
        ("/colour", "unknown_field"),
        ("/parameters/country", "invalid_value"),
        ("/parameters/town", "unknown_field"),
    ]
    assert ("/report_type", "unknown_report_type") in problems({"report_type": "x", "colour": 1}, catalogue)


@pytest.mark.parametrize("width", [True, "10", 0, -1, 256, Decimal("1e300")])
def test_a_width_is_a_number_within_what_a_sheet_takes(width: object, catalogue: Catalogue) -> None:
    table = {**TABLE, "columns": [{"key": "cpf", "width": width}, {"key": "total"}]}
    assert [pointer for pointer, _ in problems({"table": table}, catalogue)] == ["/table/columns/0/width"]


def test_a_sheet_holds_16384_columns_and_not_one_more(catalogue: Catalogue) -> None:
    def table(count: int) -> dict[str, Any]:
        columns = [{"key": f"c{number}"} for number in range(count)]
        return {"title": "wide", "columns": columns, "rows": [list(range(count))]}

    assert parse({"table": table(16_384)}, catalogue).rows is not None
    assert ("/table/columns", "too_many_columns") in problems({"table": table(16_385)}, catalogue)


def test_a_column_format_that_does_not_fit_its_type_is_refused(catalogue: Catalogue) -> None:
    table = {**TABLE, "columns": [{"key": "cpf", "format": "currency:BRL"}, {"key": "total"}]}
    assert problems({"table": table}, catalogue) == [("/table/columns/0", "invalid_value")]


def test_parameters_of_a_report_type_are_checked_with_their_pointers(catalogue: Catalogue) -> None:
    body = {"report_type": "order_ledger", "parameters": {"from": "yesterday", "unknown": 1}}
    found = problems(body, catalogue)
    assert {pointer for pointer, _ in found} == {"/parameters/from", "/parameters/unknown"}


def test_defaults_of_a_report_type_are_stored(catalogue: Catalogue) -> None:
    request = parse({"report_type": "order_ledger"}, catalogue)
    assert request.parameters == catalogue["order_ledger"].validate_parameters({})
    assert request.rows is None
