"""What a request may say, and every problem of it at once."""

import copy
import time
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting.dataset_models import DatasetRequest
from reporting.errors import InvalidRequest, Problem
from reporting.report import dump_document
from reporting.report_types import Catalogue, load_report_types
from reporting.requests import ReportRequest, checked, parse_request, stored_dataset, stored_table

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
        ({}, [("", "required")]),
        ({"table": TABLE, "report_type": "order_ledger"}, [("/table", "not_allowed")]),
        ({"table": TABLE, "parameters": {}}, [("/parameters", "not_allowed")]),
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
            [("/table/columns/1/key", "invalid_value")],
        ),
        ({"table": {**TABLE, "group_by": ["none"]}}, [("/table/group_by/0", "invalid_value")]),
        ({"table": {**TABLE, "sheet_by": "cpf"}}, [("/table/sheet_by", "invalid_value")]),
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
        ({"table": TABLE, "format": "doc"}, ['must be one of "xlsx", "pdf", "csv", got "doc"']),
        ({"table": TABLE, "on_overflow": True}, ['must be one of "split", "fail", "csv", got true']),
        (
            {"table": TABLE, "colour": 1},
            [
                "there is no such field; allowed: about, filename, format, locale, on_bad_value, "
                "on_overflow, page, parameters, priority, report_type, table, timezone"
            ],
        ),
        ({"table": []}, ["must be an object, got an array"]),
        ({"table": {**TABLE, "columns": []}}, ["must have 1 or more entries, got 0"]),
        ({"table": {**TABLE, "title": ""}}, ["must have 1 or more characters, got 0"]),
        ({"table": {**TABLE, "title": "x" * 256}}, ["must have 255 or fewer characters, got 256"]),
        ({"table": {**TABLE, "rows": {}}}, ["must be an array, got an object"]),
        ({"table": {**TABLE, "charts": [{"kind": "bar"}]}}, ["is required"] * 3),
        (
            {"table": {**TABLE, "group_by": ["CPF"]}},
            ['must be the key of a column, got "CPF"; allowed: cpf, total'],
        ),
        (
            {"table": {**TABLE, "rows": [{"cfp": 1}]}},
            ["no column has this key; allowed: cpf, total"],
        ),
        (
            {"report_type": "customer_lists"},
            [
                'there is no report type "customer_lists"; '
                "allowed: customer_list, monthly_sales, order_ledger, order_notes"
            ],
        ),
        (
            {"table": {**TABLE, "columns": [{"key": "a", "typ": "string"}], "rows": []}},
            [
                "there is no such field; allowed: align, data_bar, format, highlights, key, label, total, "
                "type, width, wrap"
            ],
        ),
        (
            {"table": TABLE, "locale": "xx"},
            ['must be a known locale such as "en", "pt-BR" or "zh-Hans-CN", got "xx"'],
        ),
        ({"table": TABLE, "page": {"margin": Decimal("4.9")}}, ["must be at least 5.0, got 4.9"]),
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


WRONG_ALONE: dict[str, Any] = {"zz": 1, "priority": "urgent", "locale": "xx-YY"}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, [("", "required")]),
        ({"report_type": "order_ledger", "table": TABLE}, [("/table", "not_allowed")]),
        ({"table": TABLE, "parameters": {"a": 1}}, [("/parameters", "not_allowed")]),
        ({"report_type": "nothing"}, [("/report_type", "unknown_report_type")]),
        ({"report_type": "order_ledger", "parameters": {"x": 1}}, [("/parameters/x", "unknown_field")]),
        ({"table": {**TABLE, "rows": None}}, [("/table/rows", "required")]),
        ({"table": {**TABLE, "rows": [[1]]}}, [("/table/rows/0", "wrong_cell_count")]),
        ({"table": {**TABLE, "group_by": ["x"]}}, [("/table/group_by/0", "invalid_value")]),
        ({"table": {**TABLE, "sheet_by": "cpf"}}, [("/table/sheet_by", "invalid_value")]),
    ],
)
def test_a_rule_of_several_fields_is_checked_beside_wrong_and_unknown_ones(
    body: dict[str, Any], expected: list[tuple[str, str]], catalogue: Catalogue
) -> None:
    alone = [("/priority", "not_allowed"), ("/locale", "invalid_value"), ("/zz", "unknown_field")]
    assert sorted(problems({**body, **WRONG_ALONE}, catalogue)) == sorted([*expected, *alone])


@pytest.mark.parametrize(
    ("column", "place"),
    [
        ({"format": "currency:BRL"}, "format"),
        ({"total": "sum"}, "total"),
        ({"data_bar": True}, "data_bar"),
        ({"highlights": [HIGHLIGHT, {"when": "equal", "value": 5, "tone": "bad"}]}, "highlights/1/value"),
        ({"highlights": [HIGHLIGHT, {"when": "above", "value": "5", "tone": "bad"}]}, "highlights/1/when"),
        ({"type": "decimal", "highlights": [HIGHLIGHT, {**HIGHLIGHT, "value": "x"}]}, "highlights/1/value"),
    ],
)
def test_what_does_not_fit_a_columns_type_is_told_beside_its_other_problems(
    column: dict[str, Any], place: str, catalogue: Catalogue
) -> None:
    table = {"title": "t", "columns": [{"key": "a", **column, "colour": "red", "width": 0}], "rows": [[1, 2]]}
    found = problems({"table": table}, catalogue)
    assert {pointer for pointer, _ in found} - {"/table/columns/0/highlights/0/value"} == {
        f"/table/columns/0/{place}",
        "/table/columns/0/colour",
        "/table/columns/0/width",
        "/table/rows/0",
    }


def test_what_a_wrong_value_leaves_open_is_not_told_as_a_problem(catalogue: Catalogue) -> None:
    """Neither what fits a type that is misspelt nor which key a column without one was to have."""
    table = {
        "title": "t",
        "columns": [{"key": "a", "type": "decmal", "format": "decimal:2", "total": "sum"}, {"kye": "b"}],
        "rows": [{"a": 1, "b": 2}],
        "group_by": ["b"],
        "charts": [{"kind": "bar", "title": "c", "category": "b", "values": ["a"]}],
    }
    assert problems({"table": table}, catalogue) == [
        ("/table/columns/0/type", "not_allowed"),
        ("/table/columns/1/key", "required"),
        ("/table/columns/1/kye", "unknown_field"),
    ]


def test_every_problem_of_a_tables_design_is_told_at_its_own_field(catalogue: Catalogue) -> None:
    chart = {"kind": "pie", "title": "c", "category": "none", "values": ["total", "cpf", "x"], "colour": 1}
    table = {**TABLE, "group_by": ["cpf", "cpf", "x"], "sheet_by": "total", "charts": [5, chart], "title": 5}
    assert set(problems({"table": table}, catalogue)) == {
        ("/table/title", "wrong_type"),
        ("/table/group_by/1", "invalid_value"),
        ("/table/group_by/2", "invalid_value"),
        ("/table/sheet_by", "invalid_value"),
        ("/table/charts/0", "wrong_type"),
        ("/table/charts/1/colour", "unknown_field"),
        ("/table/charts/1/category", "invalid_value"),
        ("/table/charts/1/values", "invalid_value"),
        ("/table/charts/1/values/1", "invalid_value"),
        ("/table/charts/1/values/2", "invalid_value"),
    }


def test_every_problem_of_a_row_is_told(catalogue: Catalogue) -> None:
    rows = [[[], 1, 2], {"cpf": {}, "x": 1}]
    assert problems({"table": {**TABLE, "rows": rows}}, catalogue) == [
        ("/table/rows/0", "wrong_cell_count"),
        ("/table/rows/0/0", "wrong_type"),
        ("/table/rows/1/x", "unknown_field"),
        ("/table/rows/1/cpf", "wrong_type"),
    ]


def test_of_many_columns_the_near_ones_are_named_and_where_the_others_are(catalogue: Catalogue) -> None:
    columns = [{"key": f"customer_{number:03}"} for number in range(150)]
    table = {"title": "t", "columns": columns, "rows": [], "group_by": ["custmer_007"]}
    with pytest.raises(InvalidRequest) as caught:
        parse({"table": table}, catalogue)
    [problem] = caught.value.problems
    assert "near ones: customer_007" in problem.detail
    assert problem.detail.endswith("all 150 are in columns")


@pytest.mark.parametrize(
    "table",
    [
        {"group_by": ["a"] * 500_000},
        {"columns": [{"key": "a", "x": 1}] * 50_000},
        {"columns": [{"key": "a"}] * 50_000, "group_by": ["b"], "charts": [{"values": ["c"] * 50_000}] * 3},
        {"rows": [{"x" * 40 + str(number): 1 for number in range(50_000)}]},
        {"rows": [[[]] * 200_000]},
    ],
)
def test_a_body_of_nothing_but_problems_is_answered_soon_and_in_short(
    table: dict[str, Any], catalogue: Catalogue
) -> None:
    # Of this thread alone: what else the machine has to do is no matter.
    started = time.thread_time()
    with pytest.raises(InvalidRequest) as caught:
        parse({"table": {**TABLE, **table}}, catalogue)
    assert len(caught.value.problems) <= 100
    assert time.thread_time() - started < 10


ROWS = {"title": "t", "columns": [{"key": "a"}]}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"format": "xlsx", "colums": []}, "/colums"),
        ({"format": "XLSX "}, "/format"),
        ({"rows": {"0": [1]}}, "/rows"),
        ({"table": {**ROWS, "rows": {"0": [1]}}}, "/table/rows"),
        ({"format": "pdf", "options": {"page_size": "A99"}}, "/options"),
        ({"format": "pdf", "page": {"size": "A99"}}, "/page/size"),
        ({"rows": [[1], [1, 2]], "columns": ["a"]}, "/columns"),
        ({"table": {**ROWS, "rows": [[1], [1, 2]]}}, "/table/rows/1"),
        ({"limit": True}, "/limit"),
        ({"limit": 9_007_199_254_740_993}, "/limit"),
        ({"report": "../../etc"}, "/report"),
        ({"report_type": "../../etc"}, "/report_type"),
        ({"Format": "xlsx"}, "/Format"),
        ({"table": {**ROWS, "rows": [], "page/size~": 1}}, "/table/page~1size~0"),
        ({"table": {**ROWS, "rows": "no rows"}}, "/table/rows"),
        ({"table": {**ROWS, "rows": [None]}}, "/table/rows/0"),
        ({"table": {**ROWS, "rows": [[1], []]}}, "/table/rows/1"),
        ({"table": {"title": "t", "columns": ["a"], "rows": []}}, "/table/columns/0"),
        ({"table": {**ROWS, "rows": []}, "page": {"margin": True}}, "/page/margin"),
        ({"table": {**ROWS, "rows": []}, "about": 1}, "/about"),
        ({"table": {**ROWS, "rows": []}, "filename": 5}, "/filename"),
        ({"report_type": "order_ledger", "parameters": {"colum": 1}}, "/parameters/colum"),
    ],
    ids=lambda value: repr(value)[:50],
)
def test_c17_what_is_unknown_or_of_another_type_is_refused_at_its_place(
    body: dict[str, Any], pointer: str, catalogue: Catalogue
) -> None:
    assert pointer in [found for found, _ in problems(body, catalogue)]


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


@pytest.mark.parametrize(("letter", "bytes_of_an_answer"), [("k", 1), ('"', 4), ("é", 2)])
def test_keys_that_no_status_has_room_for_are_refused(
    letter: str, bytes_of_an_answer: int, catalogue: Catalogue
) -> None:
    def table(number: int) -> dict[str, Any]:
        columns = [{"key": f"{index:05d}{letter * 95}"} for index in range(number)]
        return {"table": {"title": "t", "columns": columns, "rows": []}}

    fitting = 1_900_000 // (95 * bytes_of_an_answer + 10)
    assert parse(table(min(fitting, 16_384)), catalogue).rows == []
    if fitting * 1.2 < 16_384:
        assert problems(table(int(fitting * 1.2)), catalogue) == [("/table/columns", "out_of_range")]


def test_parameters_that_no_status_has_room_for_are_refused(tmp_path: Path) -> None:
    (tmp_path / "some.sql").write_text("SELECT a FROM t WHERE a IN (:ids)", encoding="utf-8")
    (tmp_path / "some.yaml").write_text(
        "{name: some, title: Some, description: Some., columns: [{key: a}], source: {sql: some.sql},"
        " parameters: {properties: {ids: {type: array, items: {type: string}}}}}",
        encoding="utf-8",
    )
    catalogue = load_report_types(tmp_path)

    def body(number: int) -> dict[str, Any]:
        return {"report_type": "some", "parameters": {"ids": ["a"] * number}}

    assert len(parse(body(300_000), catalogue).parameters["ids"]) == 300_000
    assert problems(body(400_000), catalogue) == [("/parameters", "out_of_range")]


def test_a_column_format_that_does_not_fit_its_type_is_refused(catalogue: Catalogue) -> None:
    table = {**TABLE, "columns": [{"key": "cpf", "format": "currency:BRL"}, {"key": "total"}]}
    assert problems({"table": table}, catalogue) == [("/table/columns/0/format", "invalid_value")]


def test_parameters_of_a_report_type_are_checked_with_their_pointers(catalogue: Catalogue) -> None:
    body = {"report_type": "order_ledger", "parameters": {"from": "yesterday", "unknown": 1}}
    found = problems(body, catalogue)
    assert {pointer for pointer, _ in found} == {"/parameters/from", "/parameters/unknown"}


def test_defaults_of_a_report_type_are_stored(catalogue: Catalogue) -> None:
    request = parse({"report_type": "order_ledger"}, catalogue)
    assert request.parameters == catalogue["order_ledger"].validate_parameters({})
    assert request.rows is None


# --- whatever comes -------------------------------------------------------------------------------------

#: What a JSON document can hold once it was read strictly.
_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12)
    | st.sampled_from(
        ["xlsx", "en", "UTC", "decimal:2", "equal", "sum", "a", "cpf", "order_ledger", "../x", "=1"]
    ),
    lambda children: (
        st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=6), children, max_size=3)
    ),
    max_leaves=8,
)
_WHOLE: tuple[dict[str, Any], ...] = (
    {
        "table": {
            **TABLE,
            "subtitle": "s",
            "columns": [
                {"key": "cpf", "label": "CPF", "align": "right", "wrap": True, "width": 10},
                {
                    "key": "total",
                    "type": "decimal",
                    "format": "decimal:2",
                    "total": "sum",
                    "data_bar": True,
                    "highlights": [{"when": "below", "value": Decimal("0.5"), "tone": "bad"}],
                },
            ],
            "group_by": ["cpf"],
            "sheet_by": "cpf",
            "charts": [{"kind": "bar", "title": "c", "category": "cpf", "values": ["total"]}],
            "totals_as": "value",
            "excel_table": False,
        },
        "format": "xlsx",
        "priority": "high",
        "locale": "pt-BR",
        "timezone": "America/Sao_Paulo",
        "filename": "f",
        "on_overflow": "csv",
        "on_bad_value": "fail",
        "page": {"size": "A4", "orientation": "landscape", "margin": 10},
        "about": True,
    },
    {
        "report_type": "order_ledger",
        "parameters": {"from": "2026-01-01", "to": "2026-01-31"},
        "format": "csv",
    },
    {
        "table": {
            "title": "t",
            "columns": [{"key": "a"}],
            "dataset": {
                "id": "x",
                "delimiter": ";",
                "encoding": "utf-16",
                "locale": "en",
                "empty_as_null": True,
            },
        }
    },
)


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    members = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    return [path, *(place for key, member in members for place in _places(member, (*path, key)))]


@st.composite
def _bodies(draw: st.DrawFn) -> dict[str, Any]:
    """A request in which some values were replaced, taken away or joined by another."""
    body: dict[str, Any] = copy.deepcopy(draw(st.sampled_from(_WHOLE)))
    for _ in range(draw(st.integers(1, 4))):
        path = draw(st.sampled_from(_places(body)[1:] or [("format",)]))
        holder: Any = body
        for key in path[:-1]:
            holder = holder[key]
        match draw(st.sampled_from(["replace", "remove", "add"])):
            case "replace":
                holder[path[-1]] = draw(_JSON)
            case "remove" if isinstance(holder, dict):
                holder.pop(path[-1], None)
            case _ if isinstance(holder, dict):
                holder[draw(st.text(max_size=6))] = draw(_JSON)
    return body


@given(_bodies() | st.dictionaries(st.text(max_size=12), _JSON, max_size=4))
def test_any_body_is_a_request_that_can_be_stored_or_a_list_of_problems(
    catalogue: Catalogue, body: dict[str, Any]
) -> None:
    found: ReportRequest | Sequence[Problem]
    try:
        found = parse(body, catalogue)
    except InvalidRequest as refused:
        found = refused.problems
    if not isinstance(found, ReportRequest):
        assert found
        assert all(problem.code and problem.detail.encode() for problem in found)
        assert all(problem.pointer == "" or problem.pointer.startswith("/") for problem in found)
        return
    request = found
    assert dump_document(request.document)
    if "table" in request.document:
        assert stored_table(request.document).to_table().columns
        assert (stored_dataset(request.document) is None) == (request.rows is not None)


@given(
    st.fixed_dictionaries(
        {}, optional={"format": st.just("csv") | _JSON, "size_bytes": _JSON, "sha256": _JSON}
    )
    | st.dictionaries(st.text(max_size=12), _JSON, max_size=3)
)
def test_any_body_is_a_request_for_a_dataset_or_a_list_of_problems(body: dict[str, Any]) -> None:
    problems: list[Problem] = []
    request = checked(DatasetRequest, body, problems)
    assert (request is None) == bool(problems)
    assert request is None or request.format in ("csv", "jsonl")


def test_a_wide_table_with_a_key_that_stands_twice_is_refused_at_once(catalogue: Catalogue) -> None:
    columns = [{"key": f"c{number}"} for number in range(16_383)]
    table = {"title": "t", "columns": [*columns, {"key": "c0"}], "rows": []}
    started = time.thread_time()
    assert problems({"table": table}, catalogue) == [("/table/columns/16383/key", "invalid_value")]
    assert time.thread_time() - started < 5
