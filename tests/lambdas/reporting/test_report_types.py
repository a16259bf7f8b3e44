"""Report types: what a definition may say, what its parameters become, and how mistakes are reported."""

from collections.abc import Callable
from dataclasses import FrozenInstanceError
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from rendering.model import Align, Column, ColumnType, Format, Orientation, Page, PageSize, Table, Total
from reporting.report_types import (
    Catalogue,
    InvalidParameters,
    InvalidReportTypes,
    ReportType,
    load_report_types,
)

_MINIMAL = """\
name: sales
title: Sales
description: What was sold.
columns:
  - {key: a, type: integer}
source:
  sql: sales.sql
"""

type Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes sales.yaml, with ``changes`` replaced in the minimal one, and its SQL; returns the folder."""

    def write_one(definition: str = _MINIMAL, *, sql: str = "SELECT 1 AS a", **files: str) -> Path:
        (tmp_path / "sales.yaml").write_text(definition, encoding="utf-8")
        (tmp_path / "sales.sql").write_text(sql, encoding="utf-8")
        for name, text in files.items():
            (tmp_path / f"{name}.sql").write_text(text, encoding="utf-8")
        return tmp_path

    return write_one


def with_parameters(properties: str, *, more: str = "", source: str = "") -> str:
    """A definition whose parameters are ``properties``, lines of YAML that are indented here."""
    lines = "\n".join(f"    {line}" for line in properties.strip("\n").splitlines())
    return f"{_MINIMAL}{source}{more}parameters:\n  properties:\n{lines}\n"


def problems_of(folder: Path) -> list[str]:
    """The problems without the folder, which differs from run to run."""
    with pytest.raises(InvalidReportTypes) as caught:
        load_report_types(folder)
    return [problem.removeprefix(f"{folder}/") for problem in caught.value.problems]


def report_type(folder: Path) -> ReportType:
    return load_report_types(folder)["sales"]


def refused(found: ReportType, parameters: dict[str, Any]) -> list[tuple[str, str, str]]:
    with pytest.raises(InvalidParameters) as caught:
        found.validate_parameters(parameters)
    return [(pointer, detail, code) for pointer, detail, code in caught.value.problems]


# --- loading --------------------------------------------------------------------------------------------


def test_a_minimal_definition_has_defaults(write: Write) -> None:
    found = report_type(write())
    assert (found.name, found.title, found.description) == ("sales", "Sales", "What was sold.")
    assert found.default_format is Format.XLSX
    assert found.formats == (Format.XLSX, Format.PDF, Format.CSV)
    assert found.page == Page()
    assert found.timeout_seconds is None
    assert found.validate_parameters({}) == {}
    assert found.table({}) == Table(
        title="Sales", columns=(Column(key="a", label="a", type=ColumnType.INTEGER),)
    )
    assert found.statement({}).text == "SELECT 1 AS a"
    assert found.estimate_statement({}) is None


def test_a_full_definition_is_what_it_says(write: Write) -> None:
    folder = write(
        """\
name: sales
title: Sales
subtitle: "{since}: {names}"
description: What was sold.
default_format: pdf
formats: [pdf, csv]
parameters:
  type: object
  additionalProperties: false
  required: [since]
  properties:
    since: {title: Since, type: string, format: date}
    names: {type: array, items: {type: string}, default: [x, "no"]}
    least: {type: number, default: 0.10}
columns:
  - {key: g, label: Group, width: 12.5, align: center, wrap: true}
  - {key: a, label: Amount, type: decimal, format: "decimal:2", total: sum}
group_by: [g]
layout: {page_size: A3, orientation: landscape}
source:
  sql: sales.sql
  estimate_sql: rough.sql
  timeout_seconds: 30
""",
        sql="SELECT g, a FROM t WHERE d >= :since AND n IN (:names) AND a >= :least",
        rough="SELECT COUNT(*) FROM t WHERE d >= :since",
    )
    found = report_type(folder)
    parameters = found.validate_parameters({"since": "2026-01-31"})
    assert parameters == {"since": "2026-01-31", "names": ["x", "no"], "least": Decimal("0.10")}
    assert found.table(parameters) == Table(
        title="Sales",
        subtitle="2026-01-31: x, no",
        columns=(
            Column(key="g", label="Group", width=12.5, align=Align.CENTER, wrap=True),
            Column(key="a", label="Amount", type=ColumnType.DECIMAL, format="decimal:2", total=Total.SUM),
        ),
        group_by=("g",),
    )
    assert found.shown_parameters(parameters) == (
        ("Since", "2026-01-31"),
        ("names", "x, no"),
        ("least", "0.10"),
    )
    assert found.page == Page(size=PageSize.A3, orientation=Orientation.LANDSCAPE)
    assert found.timeout_seconds == 30
    assert found.statement(parameters).arguments == (date(2026, 1, 31), "x", "no", Decimal("0.10"))
    estimate = found.estimate_statement(parameters)
    assert estimate is not None
    assert estimate.arguments == (date(2026, 1, 31),)


def test_the_catalogue_is_in_order_and_can_not_be_changed(write: Write, tmp_path: Path) -> None:
    write()
    (tmp_path / "costs.yaml").write_text(_MINIMAL.replace("name: sales", "name: costs"), encoding="utf-8")
    catalogue = load_report_types(str(tmp_path))
    assert isinstance(catalogue, Catalogue)
    assert (list(catalogue), len(catalogue)) == (["costs", "sales"], 2)
    assert catalogue.get("nothing") is None
    assert not hasattr(catalogue, "__setitem__")
    with pytest.raises(FrozenInstanceError):
        catalogue["sales"].definition = None  # type: ignore[misc, assignment]


def test_the_report_types_of_the_project_load() -> None:
    catalogue = load_report_types(Path(__file__).parents[3] / "report_types")
    assert list(catalogue) == ["customer_list", "monthly_sales", "order_ledger", "order_notes"]
    for found in catalogue.values():
        found.table(found.validate_parameters({}))
    assert catalogue["order_notes"].default_format is Format.PDF
    assert catalogue["order_notes"].page.orientation is Orientation.LANDSCAPE
    assert catalogue["monthly_sales"].table({}).group_by == ("month",)


def test_a_line_feed_at_the_end_does_not_pass_a_pattern() -> None:
    found = load_report_types(Path(__file__).parents[3] / "report_types")["customer_list"]
    assert found.validate_parameters({"country": "BR"}) == {"country": "BR"}
    with pytest.raises(InvalidParameters) as caught:
        found.validate_parameters({"country": "BR\n"})
    [problem] = caught.value.problems
    assert problem == ("/country", 'must match ^[A-Z]{2}$, got "BR\\n"', "invalid_value")


def test_a_folder_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    with pytest.raises(InvalidReportTypes, match="does not exist"):
        load_report_types(tmp_path / "nothing")


# --- mistakes in a definition ---------------------------------------------------------------------------


def test_the_problems_of_all_files_are_reported_with_file_line_and_field(
    write: Write, tmp_path: Path
) -> None:
    write(
        """\
name: sales
titel: Sales
description: What was sold.
default_format: docx
columns:
  - {key: a, type: text}
  - {key: b, type: string, total: sum}
  - {key: c, type: decimal, format: "decimal:x"}
layout: {page_size: A99}
source:
  sql: ../secrets.sql
  timeout_seconds: 0
"""
    )
    (tmp_path / "costs.yaml").write_text("name: costs\nname: costs\n", encoding="utf-8")
    (tmp_path / "other.yml").write_text(_MINIMAL, encoding="utf-8")
    problems = problems_of(tmp_path)
    assert problems[:2] == [
        "other.yml:1: the file's name must end in .yaml",
        "costs.yaml:2: the key 'name' stands twice",
    ]
    places = {problem.split(": ")[0] + " " + problem.split(": ")[1] for problem in problems[2:]}
    assert places == {
        "sales.yaml:1 title",
        "sales.yaml:2 titel",
        "sales.yaml:4 default_format",
        "sales.yaml:6 columns.0.type",
        "sales.yaml:7 columns.1.total",
        "sales.yaml:8 columns.2.format",
        "sales.yaml:9 layout.page_size",
        "sales.yaml:11 source.sql",
        "sales.yaml:12 source.timeout_seconds",
    }
    assert 'sales.yaml:4: default_format: must be one of "xlsx", "pdf", "csv", got "docx"' in problems
    assert any(
        problem.startswith("sales.yaml:2: titel: there is no such field; allowed: about, ")
        for problem in problems
    )


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            "name: sales",
            "name: seles",
            "sales.yaml:1: name: must equal the file's name, got seles; allowed: sales",
        ),
        ("name: sales", "name: Sales", "sales.yaml:1: name: must match"),
        (
            "{key: a, type: integer}",
            "{key: a}\n  - {key: a}",
            'sales.yaml:6: columns.1.key: the key "a" stands twice',
        ),
        (
            "source:",
            "group_by: [b]\nsource:",
            'sales.yaml:6: group_by.0: must be the key of a column, got "b"; allowed: a',
        ),
        ("source:", "group_by: [a, a]\nsource:", 'sales.yaml:6: group_by.1: the key "a" stands twice'),
        (
            "source:",
            "formats: [pdf]\nsource:",
            'sales.yaml:1: default_format: must be one of formats, got "xlsx"; allowed: pdf',
        ),
        ("sql: sales.sql", "sql: none.sql", "sales.yaml:7: source.sql: there is no file none.sql"),
        (
            "type: integer",
            "type: string, total: average",
            'sales.yaml:5: columns.0.total: must be one of "count" for a string column, got "average"',
        ),
        (
            "type: integer",
            'type: integer, format: "currency:"',
            'sales.yaml:5: columns.0.format: "currency:" is not',
        ),
        (
            "source:",
            'subtitle: "{x}"\nsource:',
            "sales.yaml:6: subtitle: {x} is no parameter; declared: none",
        ),
        ("title: Sales", "title: [", "sales.yaml:4: "),
        ("title: Sales", "title: &x Sales", "sales.yaml:2: anchors and aliases are not allowed"),
        ("title: Sales", "title: !!python/name:os.system x", "sales.yaml:2: tags are not allowed"),
        ("title: Sales", "title: 5", "sales.yaml:2: title: must be a string, got 5"),
    ],
)
def test_a_mistake_is_reported_with_its_line_and_field(
    write: Write, old: str, new: str, problem: str
) -> None:
    problems = problems_of(write(_MINIMAL.replace(old, new)))
    assert len(problems) == 1
    assert problems[0].startswith(problem)


def test_a_file_that_is_no_mapping_or_not_utf8_is_reported(write: Write, tmp_path: Path) -> None:
    assert problems_of(write("- 1\n"))[0].startswith("sales.yaml:1: ")
    assert problems_of(write(""))[0] == "sales.yaml:1: the file is empty"
    two = problems_of(write("name: sales\n---\nname: costs\n"))
    assert two[0] == "sales.yaml:2: expected a single document in the stream, but found another document"
    (tmp_path / "sales.yaml").write_bytes(b"name: s\xe3o")
    assert problems_of(tmp_path) == ["sales.yaml:1: the file is not UTF-8: byte 7"]
    write()
    (tmp_path / "sales.sql").write_bytes(b"SELECT '\xe3'")
    assert problems_of(tmp_path) == ["sales.sql:1: source.sql: the file is not UTF-8: byte 8"]


def test_yaml_words_and_leading_zeros_stay_text(write: Write) -> None:
    found = report_type(
        write(
            with_parameters("country: {type: string, enum: [no, on, 012, 2026-01-31, 1_0], default: no}"),
            sql="SELECT :country AS a",
        )
    )
    assert found.validate_parameters({}) == {"country": "no"}
    assert found.parameter_schema["properties"]["country"]["enum"] == ["no", "on", "012", "2026-01-31", "1_0"]


# --- mistakes in SQL (case E17) -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1; DROP TABLE jobs",
        "UPDATE t SET a=1",
        "SELECT * INTO OUTFILE '/tmp/x'",
        "SELECT LOAD_FILE('/etc/passwd')",
        "CALL p()",
        "SELECT 1 /*! ; */",
    ],
)
def test_sql_that_does_more_than_read_is_refused_when_loading(write: Write, sql: str) -> None:
    """Case E17."""
    problems = problems_of(write(sql=f"-- a comment\n{sql}\n"))
    assert problems[0].startswith("sales.sql:2: source.sql: ")


def test_sql_of_an_estimate_is_checked_too(write: Write) -> None:
    inline = _MINIMAL + "  estimate_sql: DELETE FROM t\n"
    assert problems_of(write(inline)) == [
        "sales.yaml:8: source.estimate_sql: the statement must be a SELECT or WITH ... SELECT, got DELETE"
    ]
    in_a_file = _MINIMAL + "  estimate_sql: rough.sql\n"
    assert problems_of(write(in_a_file, rough="\nSELECT :x")) == [
        "rough.sql:2: source.estimate_sql: :x is no parameter; declared: none"
    ]


def test_parameters_of_the_sql_and_of_the_definition_must_agree(write: Write) -> None:
    folder = write(
        with_parameters("used: {type: integer}\nunused: {type: integer}"),
        sql="SELECT :used AS a, ':quoted' -- :comment\n, :undeclared",
    )
    assert problems_of(folder) == [
        "sales.sql:2: source.sql: :undeclared is no parameter; declared: unused, used"
    ]
    folder = write(with_parameters("used: {type: integer}\nunused: {type: integer}"), sql="SELECT :used AS a")
    assert problems_of(folder) == [
        "sales.yaml:11: parameters.properties.unused: is not used in sales.sql: it would have no effect"
    ]


def test_a_list_that_is_no_list_in_the_sql_is_refused(write: Write) -> None:
    folder = write(
        with_parameters("ids: {type: array, items: {type: integer}}"), sql="SELECT a FROM t WHERE a = :ids"
    )
    assert problems_of(folder)[0].startswith("sales.sql:1: source.sql: the list :ids must stand as IN (:ids)")


@pytest.mark.parametrize("ids", [["1) OR (1=1"], ["1"], [None], [1.5], [True], [[1]], "1", 1, {"a": 1}])
def test_a_list_of_integers_holds_nothing_else(write: Write, ids: Any) -> None:
    """Case E09."""
    found = report_type(
        write(
            with_parameters("ids: {type: array, items: {type: integer}}"),
            sql="SELECT a FROM t WHERE a IN (:ids)",
        )
    )
    (problem, *_) = refused(found, {"ids": ids})
    assert problem[0].startswith("/ids")


# --- identifiers (case E07) -----------------------------------------------------------------------------

_SORTED = with_parameters(
    "sort: {type: string, default: a}\nlimit: {type: integer, minimum: 1, maximum: 100, default: 10}",
    source="  identifiers: {sort: [a, b]}\n",
)


def test_an_identifier_is_taken_from_its_list_and_quoted(write: Write) -> None:
    found = report_type(write(_SORTED, sql="SELECT a FROM t ORDER BY {sort} LIMIT :limit"))
    assert found.parameter_schema["properties"]["sort"]["enum"] == ["a", "b"]
    bound = found.statement(found.validate_parameters({"sort": "b"}))
    assert (bound.text, bound.arguments) == ("SELECT a FROM t ORDER BY `b` LIMIT %s", (10,))


@pytest.mark.parametrize(
    "parameters",
    [
        {"sort": "a desc; DROP TABLE jobs"},
        {"sort": "(SELECT SLEEP(5))"},
        {"sort": "a`"},
        {"sort": "unknown"},
        {"limit": "10"},
        {"limit": "10; --"},
        {"limit": -1},
        {"limit": Decimal("1E+9")},
        {"limit": 1000000000.0},
        {"limit": True},
        {"limit": Decimal("1.5")},
    ],
)
def test_anything_outside_the_list_or_the_range_is_refused(write: Write, parameters: dict[str, Any]) -> None:
    """Case E07."""
    found = report_type(write(_SORTED, sql="SELECT a FROM t ORDER BY {sort} LIMIT :limit"))
    (problem,) = refused(found, parameters)
    assert problem[0] == f"/{next(iter(parameters))}"


@pytest.mark.parametrize(
    ("parameter", "identifiers", "problem"),
    [
        ("sort: {type: string}", "{sort: [a]}", "needs a default or must be required"),
        ("sort: {type: integer, default: 1}", "{sort: [a]}", 'must be "string" for an identifier'),
        ("sort: {type: string, enum: [b], default: b}", "{sort: [a]}", "is given by source.identifiers"),
        ("sort: {type: string, default: c}", "{sort: [a]}", 'must be one of "a", got "c"'),
        ("sort: {type: string, default: a}", "{other: [a]}", "must be the name of a declared parameter"),
        ("sort: {type: string, default: a}", '{sort: ["a; b"]}', "must match"),
        ("sort: {type: string, default: a}", "{sort: [a, desc]}", "mix sort directions and column names"),
        ("sort: {type: string, default: a}", "{sort: []}", "1 or more entries"),
    ],
)
def test_a_mistake_in_identifiers_is_refused(
    write: Write, parameter: str, identifiers: str, problem: str
) -> None:
    definition = with_parameters(parameter, source=f"  identifiers: {identifiers}\n")
    problems = problems_of(write(definition, sql="SELECT a FROM t ORDER BY {sort}"))
    assert any(problem in line for line in problems)


def test_a_list_of_identifiers_that_the_sql_does_not_use_is_refused(write: Write) -> None:
    definition = with_parameters("sort: {type: string, default: a}", source="  identifiers: {sort: [a]}\n")
    problems = problems_of(write(definition, sql="SELECT :sort AS a"))
    assert problems == ["sales.yaml:8: source.identifiers.sort: {sort} is not used in sales.sql"]


# --- the schema of the parameters -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        ("{type: array}", '6: parameters.type: must be "object", got "array"'),
        ("{additionalProperties: true}", "6: parameters.additionalProperties: must be false, got true"),
        ("{patternProperties: {x: {}}}", "6: parameters.patternProperties: patternProperties is not allowed"),
        ('{allOf: [{$ref: "http://127.0.0.1/x"}]}', "6: parameters.allOf.0.$ref: $ref is not allowed"),
        ('{$schema: "http://json-schema.org/draft-07/schema#"}', "6: parameters.$schema: must be "),
        ("{required: [x]}", '6: parameters.required: "x" is not declared; declared: none'),
        ("{required: x}", "6: parameters.required: is not JSON Schema"),
        ("{properties: {x: {type: text}}}", "6: parameters.properties.x.type: is not JSON Schema"),
        ("{properties: {x: {pattern: '('}}}", "6: parameters.properties.x.pattern: is not JSON Schema"),
        ("{properties: {x: true}}", "6: parameters.properties.x: must be a schema with a type, got true"),
        ("{properties: {x: {}}}", "6: parameters.properties.x.type: must be one of array, boolean, integer"),
        ("{properties: {x: {type: object}}}", "6: parameters.properties.x.type: must be one of array"),
        ("{properties: {x: {type: array}}}", "6: parameters.properties.x.items: an array needs items"),
        (
            "{properties: {x: {type: [array, string], items: {type: string}}}}",
            "6: parameters.properties.x.type: must be either array or string, not both",
        ),
        (
            "{properties: {x: {type: array, items: {type: array}}}}",
            "6: parameters.properties.x.items.type: must be one of boolean",
        ),
        (
            "{properties: {x: {type: string, format: email}}}",
            '6: parameters.properties.x.format: must be one of date, date-time, got "email"',
        ),
        (
            "{properties: {x: {type: integer, default: '5'}}}",
            '6: parameters.properties.x.default: must be of type integer, got "5" (a string)',
        ),
        (
            "{properties: {x: {type: number, default: 1e70}}}",
            "6: parameters.properties.x.default: must be a number of at most 65 digits, 30 after",
        ),
        (
            "{properties: {x: {type: array, items: {type: number}, default: [1, 1e-31]}}}",
            "6: parameters.properties.x.default: must be a number of at most 65 digits, 30 after",
        ),
        (
            "{properties: {x: {type: string, format: date, default: 2026-02-30}}}",
            "6: parameters.properties.x.default: must be a date such as 2026-01-31, got",
        ),
        (
            "{properties: {X-y: {type: string}}}",
            "6: parameters.properties.X-y: a parameter's name must match",
        ),
    ],
)
def test_a_schema_that_describes_no_parameters_is_refused(write: Write, schema: str, problem: str) -> None:
    problems = problems_of(write(_MINIMAL.replace("source:", f"parameters: {schema}\nsource:")))
    assert any(line.startswith(f"sales.yaml:{problem}") for line in problems), problems


def test_schema_words_as_names_of_parameters_are_names(write: Write) -> None:
    definition = with_parameters("format: {type: string}\nitems: {type: integer}")
    found = report_type(write(definition, sql="SELECT :format AS a, :items"))
    assert found.validate_parameters({"format": "x", "items": 1}) == {"format": "x", "items": 1}


# --- parameters -----------------------------------------------------------------------------------------

_TYPED = with_parameters(
    """
i: {type: integer, minimum: 1, maximum: 100}
n: {type: number, multipleOf: 0.01}
s: {type: string, minLength: 2, maxLength: 5}
b: {type: boolean}
d: {type: string, format: date}
t: {type: string, format: date-time}
e: {type: string, enum: [x, y]}
l: {type: array, items: {type: integer}, maxItems: 3, uniqueItems: true}
o: {type: [string, "null"]}
""",
)


@pytest.fixture
def typed(write: Write) -> ReportType:
    return report_type(write(_TYPED, sql="SELECT :i AS a, :n, :s, :b, :d, :t, :e, 1 IN (:l), :o"))


def test_values_of_every_type_come_back_as_they_are(typed: ReportType) -> None:
    parameters = {
        "i": 5,
        "n": Decimal("0.10"),
        "s": "né",
        "b": True,
        "d": "2024-02-29",
        "t": "2024-01-01T12:00:00.5-03:00",
        "e": "x",
        "l": [3, 1],
        "o": None,
    }
    assert typed.validate_parameters(parameters) == parameters
    assert typed.statement(parameters).arguments == (
        5,
        Decimal("0.10"),
        "né",
        True,
        date(2024, 2, 29),
        datetime(2024, 1, 1, 15, 0, 0, 500_000),
        "x",
        3,
        1,
        None,
    )


def test_an_integer_with_a_point_is_stored_as_an_integer(typed: ReportType) -> None:
    found = typed.validate_parameters({"i": Decimal("5.0"), "l": [Decimal("1E+1")]})
    assert [repr(found["i"]), repr(found["l"])] == ["5", "[10]"]


def test_a_binary_float_is_taken_by_its_shortest_decimal(typed: ReportType) -> None:
    assert typed.validate_parameters({"n": 0.1}) == {"n": Decimal("0.1")}


def test_parameters_come_in_the_order_of_the_schema(typed: ReportType) -> None:
    assert list(typed.validate_parameters({"e": "x", "i": 1})) == ["i", "e"]


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"i": True}, ("/i", "must be of type integer, got true (a boolean)", "wrong_type")),
        ({"i": "5"}, ("/i", 'must be of type integer, got "5" (a string)', "wrong_type")),
        ({"i": Decimal("5.5")}, ("/i", "must be of type integer, got 5.5 (a number)", "wrong_type")),
        ({"i": 0}, ("/i", "must be at least 1, got 0", "out_of_range")),
        ({"i": 101}, ("/i", "must be at most 100, got 101", "out_of_range")),
        ({"i": None}, ("/i", "must be of type integer, got null (null)", "wrong_type")),
        ({"n": False}, ("/n", "must be of type number, got false (a boolean)", "wrong_type")),
        ({"n": Decimal("0.005")}, ("/n", "must be a multiple of 0.01, got 0.005", "invalid_value")),
        ({"s": "x"}, ("/s", "must have at least 2 characters, has 1", "out_of_range")),
        ({"s": "x" * 6}, ("/s", "must have at most 5 characters, has 6", "out_of_range")),
        ({"b": 1}, ("/b", "must be of type boolean, got 1 (a number)", "wrong_type")),
        ({"d": "2023-02-29"}, ("/d", 'must be a date such as 2026-01-31, got "2023-02-29"', "invalid_value")),
        ({"d": "20230228"}, ("/d", 'must be a date such as 2026-01-31, got "20230228"', "invalid_value")),
        ({"d": "2023-W01-1"}, ("/d", 'must be a date such as 2026-01-31, got "2023-W01-1"', "invalid_value")),
        ({"e": "z"}, ("/e", 'must be one of "x", "y", got "z"', "not_allowed")),
        (
            {"l": [1, "1) OR (1=1"]},
            ("/l/1", 'must be of type integer, got "1) OR (1=1" (a string)', "wrong_type"),
        ),
        ({"l": [None]}, ("/l/0", "must be of type integer, got null (null)", "wrong_type")),
        ({"l": 1}, ("/l", "must be of type array, got 1 (a number)", "wrong_type")),
        ({"l": [1, 2, 3, 4]}, ("/l", "must have at most 3 items, has 4", "out_of_range")),
        ({"l": [1, 1]}, ("/l", "must not hold an item twice", "invalid_value")),
        ({"o": {}}, ("/o", "must be of type string or null, got {} (an object)", "wrong_type")),
    ],
)
def test_a_wrong_value_is_refused_with_pointer_detail_and_code(
    typed: ReportType, parameters: dict[str, Any], expected: tuple[str, str, str]
) -> None:
    assert refused(typed, parameters) == [expected]


@pytest.mark.parametrize(
    "value",
    [
        "2024-01-01",
        "2024-01-01T12:00:00",
        "2024-01-01T25:00:00Z",
        "2024-01-01T12:00:60Z",
        "2024-01-01 12:00:00Z",
        "2024-13-01T12:00:00Z",
        "0001-01-01T00:00:00+01:00",
        "٢٠٢٤-01-01T12:00:00Z",
        "2024-01-01T12:00:00Z\n",
    ],
)
def test_a_date_time_without_an_offset_or_outside_the_calendar_is_refused(
    typed: ReportType, value: str
) -> None:
    (problem,) = refused(typed, {"t": value})
    assert (problem[0], problem[2]) == ("/t", "invalid_value")


@pytest.mark.parametrize(
    "number", [10**65, Decimal("1E+65"), Decimal("1E-31"), Decimal("1E+999999"), Decimal("NaN"), float("inf")]
)
def test_a_number_that_no_decimal_holds_is_refused(typed: ReportType, number: Any) -> None:
    assert [problem[::2] for problem in refused(typed, {"n": number})] == [("/n", "out_of_range")]


@pytest.mark.parametrize("number", [10**64, Decimal("1E+64"), Decimal("123456789012345678901234567890.01")])
def test_a_number_of_many_digits_is_checked_exactly(typed: ReportType, number: Any) -> None:
    assert typed.validate_parameters({"n": number}) == {"n": number}


def test_all_problems_come_at_once(write: Write) -> None:
    definition = with_parameters("from: {type: string, format: date}\nto: {type: string}").replace(
        "  properties:", "  required: [from, to]\n  properties:"
    )
    found = report_type(write(definition, sql="SELECT :from AS a, :to"))
    assert refused(found, {"from": 5, "fom": 1, "a/b": 2}) == [
        ("/a~1b", "there is no such parameter; allowed: from, to", "unknown_field"),
        ("/fom", "there is no such parameter; allowed: from, to", "unknown_field"),
        ("/from", "must be of type string, got 5 (a number)", "wrong_type"),
        ("/to", "is required", "required"),
    ]


def test_a_number_of_too_many_digits_hides_no_other_problem(write: Write) -> None:
    definition = with_parameters(
        "n: {type: number, multipleOf: 0.01}\nl: {type: array, items: {type: integer}}\nto: {type: string}"
    ).replace("  properties:", "  required: [n, to]\n  properties:")
    found = report_type(write(definition, sql="SELECT :n AS a, 1 IN (:l), :to"))
    digits = "must be a number of at most 65 digits, 30 after the point"
    assert refused(found, {"n": Decimal("1E-31"), "l": [1, 10**65, 1], "x": 1}) == [
        ("/l", f"{digits}, got {'1' + '0' * 38}…", "out_of_range"),
        ("/n", f"{digits}, got 1E-31", "out_of_range"),
        ("/to", "is required", "required"),
        ("/x", "there is no such parameter; allowed: l, n, to", "unknown_field"),
    ]


def test_a_long_value_is_cut_in_the_detail(typed: ReportType) -> None:
    (problem,) = refused(typed, {"e": "x" * 1000})
    assert len(problem[1]) < 100


def test_an_optional_parameter_that_is_not_given_is_null_in_the_sql(typed: ReportType) -> None:
    found = typed.validate_parameters({})
    assert found == {}
    assert typed.statement(found).arguments == (None,) * 8


def test_validated_parameters_validate_to_themselves(write: Write) -> None:
    # So that stored parameters can be checked again before they are used.
    definition = with_parameters("i: {type: integer, default: 5}\nn: {type: number}")
    found = report_type(write(definition, sql="SELECT :i AS a, :n"))
    once = found.validate_parameters({"n": 0.25})
    assert found.validate_parameters(once) == once


def test_parameters_are_not_changed_in_place(typed: ReportType) -> None:
    given = {"l": [1, 2]}
    found = typed.validate_parameters(given)
    found["l"].append(3)
    assert given == {"l": [1, 2]}


def test_a_default_is_not_shared_between_requests(write: Write) -> None:
    definition = with_parameters("l: {type: array, items: {type: integer}, default: [1]}")
    found = report_type(write(definition, sql="SELECT 1 IN (:l) AS a"))
    found.validate_parameters({})["l"].append(2)
    assert found.validate_parameters({}) == {"l": [1]}
