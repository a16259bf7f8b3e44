"""The SQL of reports: what is refused, what is bound, and what stays literal."""

from collections.abc import Sequence
from contextlib import nullcontext
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting.report_sql import BoundStatement, InvalidSql, compile_statement, statement_kind
from reporting.sql_tokens import TokenKind, tokenize
from tests.parts.mariadb import MariaDbServer, mariadb_server

__all__ = ["mariadb_server"]


def compiled(sql: str, *, lists: Sequence[str] = (), **values: Any) -> BoundStatement:
    return compile_statement(sql, parameters=values.keys(), lists=lists).bind(values)


def rows(server: MariaDbServer, bound: BoundStatement, database: str | None = None) -> list[Any]:
    with server.connect(database=database) as connection, connection.cursor() as cursor:
        cursor.execute(bound.text, bound.arguments)
        return list(cursor.fetchall())


@pytest.fixture(scope="module")
def table(mariadb_server: MariaDbServer) -> MariaDbServer:
    mariadb_server.execute(
        "CREATE OR REPLACE DATABASE report_sql",
        "USE report_sql",
        "CREATE TABLE t (id INT, a INT, n VARCHAR(20), d DATE, created DATETIME, amount DECIMAL(10, 2))",
        "INSERT INTO t VALUES (1, 1, 'giraffe', '2024-05-06', '2024-01-01 14:59:59', 2.50),"
        " (2, 1, '100%', '2024-06-07', '2024-01-01 15:00:00', 0.10)",
    )
    return mariadb_server


# --- tokens ---------------------------------------------------------------------------------------------

_FRAGMENTS = st.one_of(
    st.sampled_from("'\"`\\#:;%x5é() \n"),
    st.sampled_from(["--", "-- ", "/*", "*/", "/*!", "/*+", "::", ":=", ":a", "{s}", "%s", "''"]),
)


@given(st.lists(_FRAGMENTS).map("".join))
def test_the_tokens_of_any_text_joined_are_the_text(sql: str) -> None:
    tokens = list(tokenize(sql))
    assert "".join(token.text for token in tokens) == sql
    assert [token.offset for token in tokens] == [
        sum(len(before.text) for before in tokens[:index]) for index in range(len(tokens))
    ]


_LITERALS = st.text(alphabet="ab:{}%s;?-#/*\n\u00e9", max_size=12)
_QUOTED = st.one_of(
    _LITERALS.map(lambda text: f"'{text}'"),
    _LITERALS.map(lambda text: f"'it''s {text}\\'{text}'"),
    _LITERALS.map(lambda text: f'"{text}""{text}"'),
    _LITERALS.map(lambda text: f"`{text}``{text}`"),
    _LITERALS.filter(lambda text: "*/" not in text).map(lambda text: f"/* {text}*/"),
    _LITERALS.map(lambda text: "-- " + text.replace("\n", "") + "\n"),
    _LITERALS.map(lambda text: "#" + text.replace("\n", "") + "\n"),
    st.sampled_from(["a % b", "x", "@v := 1", "a::b", "5--3", "{ x }", ": y"]),
)


@given(st.lists(st.one_of(_QUOTED, st.just(":p")), max_size=12))
def test_a_placeholder_is_one_only_outside_quotes_and_comments(pieces: list[str]) -> None:
    sql = " ".join(["SELECT", *pieces])
    bound = compiled(sql, p=7)
    assert bound.arguments == (7,) * pieces.count(":p")
    # What PyMySQL does with the text: every literal percent sign survives.
    assert bound.text % tuple(map(str, bound.arguments)) == " ".join(
        ["SELECT", *("7" if piece == ":p" else piece for piece in pieces)]
    )


@pytest.mark.parametrize(
    ("sql", "kind"),
    [
        ("'a\\'b :x'", TokenKind.STRING),
        ("'a''b'", TokenKind.STRING),
        ('"a""b"', TokenKind.STRING),
        ("`a``b`", TokenKind.QUOTED_IDENTIFIER),
        ("-- x", TokenKind.COMMENT),
        ("--", TokenKind.COMMENT),
        ("# x", TokenKind.COMMENT),
        ("/* x */", TokenKind.COMMENT),
        ("/*!50000 x */", TokenKind.EXECUTABLE_COMMENT),
        ("/*M!100100 x */", TokenKind.EXECUTABLE_COMMENT),
        ("/*+ x */", TokenKind.HINT),
        ("'open", TokenKind.UNTERMINATED),
        ("/* open", TokenKind.UNTERMINATED),
        (":name", TokenKind.PLACEHOLDER),
        ("{name}", TokenKind.SLOT),
        ("::", TokenKind.OPERATOR),
        (":=", TokenKind.OPERATOR),
        ("großé_1$", TokenKind.WORD),
    ],
)
def test_a_piece_of_text_is_one_token_of_its_kind(sql: str, kind: TokenKind) -> None:
    assert [token.kind for token in tokenize(sql)] == [kind]


# --- one reading statement (case E17) -------------------------------------------------------------------


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1",
        "select 1;",
        "SELECT 1; -- done",
        "/* header */ SELECT 1",
        "(SELECT 1) UNION ALL (SELECT 2)",
        "WITH x AS (SELECT 1) SELECT * FROM x",
        "WITH RECURSIVE x (n) AS (SELECT 1 UNION SELECT n + 1 FROM x WHERE n < 5) SELECT n FROM x",
        "WITH x AS (SELECT 1) (SELECT * FROM x)",
        "SELECT ';', \"a;b\", `c;d` FROM t",
        "SELECT 'INTO', 'FOR UPDATE', '/*! x */' FROM t",
        "SELECT REPLACE(n, 'a', 'b'), INSERT(n, 1, 1, 'x'), TRUNCATE(a, 1) FROM t",
        "SELECT load_file, get_lock FROM t",
        "SELECT @n := @n + 1 FROM t",
        "SELECT /*+ NO_INDEX_MERGE(t) */ a FROM t",
        "SELECT SLEEP(100000)",
        "SELECT `update`, `into` FROM t",
    ],
)
def test_one_reading_statement_is_accepted(sql: str) -> None:
    compile_statement(sql)


@pytest.mark.parametrize(
    ("sql", "line", "detail"),
    [
        ("SELECT 1; DROP TABLE jobs", 1, "only one statement is allowed"),
        ("SELECT 1\n;\nSELECT 2;", 2, "only one statement is allowed"),
        ("UPDATE t SET a = 1", 1, "must be a SELECT or WITH ... SELECT, got UPDATE"),
        ("DELETE FROM t", 1, "got DELETE"),
        ("CALL p()", 1, "got CALL"),
        ("SHOW TABLES", 1, "got SHOW"),
        ("SET @a = 1", 1, "got SET"),
        ("EXPLAIN SELECT 1", 1, "got EXPLAIN"),
        ("HANDLER t OPEN", 1, "got HANDLER"),
        ("TABLE t", 1, "got TABLE"),
        ("", 1, "there is none"),
        ("-- nothing\n", 1, "there is none"),
        ("WITH x AS (SELECT 1) DELETE FROM t", 1, "got DELETE"),
        ("WITH x AS (SELECT 1)\nUPDATE t, x SET a = 1", 2, "got UPDATE"),
        ("SELECT * INTO OUTFILE '/tmp/x' FROM t", 1, "INTO is not allowed"),
        ("SELECT * FROM t INTO DUMPFILE '/tmp/x'", 1, "INTO is not allowed"),
        ("SELECT a FROM t INTO @x", 1, "INTO is not allowed"),
        ("SELECT LOAD_FILE('/etc/passwd')", 1, "the function LOAD_FILE is not allowed"),
        ("SELECT load_file /* x */ ('/etc/passwd')", 1, "the function LOAD_FILE is not allowed"),
        ("SELECT `LOAD_FILE`('/etc/passwd')", 1, "the function LOAD_FILE is not allowed"),
        ("SELECT GET_LOCK('x', 10)", 1, "the function GET_LOCK is not allowed"),
        ("SELECT sys_exec('id')", 1, "the function SYS_EXEC is not allowed"),
        ("SELECT SOURCE_POS_WAIT('x', 1)", 1, "the function SOURCE_POS_WAIT is not allowed"),
        ("SELECT 1 -- x\n; DROP TABLE t", 2, "only one statement"),
        ("SELECT 1 --;DROP TABLE t", 1, "only one statement"),
        ("SELECT 1;;", 1, "only one statement"),
        ("DO SLEEP(5)", 1, "got DO"),
        ("SHOW GRANTS", 1, "got SHOW"),
        ("LOAD DATA INFILE '/x' INTO TABLE t", 1, "got LOAD"),
        ("PREPARE s FROM 'DROP TABLE t'", 1, "got PREPARE"),
        ("EXECUTE IMMEDIATE 'DROP TABLE t'", 1, "got EXECUTE"),
        ("BEGIN NOT ATOMIC DROP TABLE t; END", 1, "got BEGIN"),
        ("SET STATEMENT max_statement_time = 0 FOR SELECT 1", 1, "got SET"),
        ("ANALYZE SELECT 1", 1, "got ANALYZE"),
        ("KILL 1", 1, "got KILL"),
        ("VALUES (1)", 1, "got VALUES"),
        ("(((DELETE FROM t)))", 1, "got DELETE"),
        ("/* SELECT */ TRUNCATE t", 1, "got TRUNCATE"),
        ("SELECT * FROM t FOR SHARE SKIP LOCKED", 1, "FOR SHARE is not allowed"),
        ("SELECT * FROM t FOR /* x */ UPDATE", 1, "FOR UPDATE is not allowed"),
        ("SELECT 1 UNION SELECT a FROM t INTO OUTFILE '/tmp/x'", 1, "INTO is not allowed"),
        ("SELECT NEXT VALUE FOR s", 1, "NEXT VALUE FOR is not allowed"),
        ("SELECT 1 /*! ; */", 1, "/*! comments are executed"),
        ("SELECT 1 /*!50000 INTO OUTFILE '/tmp/x' */", 1, "/*! comments are executed"),
        ("SELECT 1 /*M! FOR UPDATE */", 1, "/*! comments are executed"),
        ("SELECT /*+ MAX_EXECUTION_TIME(0) */ 1", 1, "the hint MAX_EXECUTION_TIME is not allowed"),
        ("SELECT /*+ SET_VAR(max_execution_time = 0) */ 1", 1, "the hint SET_VAR is not allowed"),
        ("SELECT * FROM t FOR UPDATE", 1, "FOR UPDATE is not allowed"),
        ("SELECT * FROM t LOCK IN SHARE MODE", 1, "LOCK IN SHARE MODE is not allowed"),
        ("SELECT * FROM t PROCEDURE ANALYSE()", 1, "PROCEDURE is not allowed"),
        ("SELECT 'open", 1, "is opened and never closed"),
        ("SELECT 1\n/* open", 2, "is opened and never closed"),
        ("SELECT 1\0", 1, "control character U+0000"),
    ],
)
def test_anything_else_is_refused_with_its_line(sql: str, line: int, detail: str) -> None:
    with pytest.raises(InvalidSql) as caught:
        compile_statement(sql)
    assert any(problem.line == line and detail in problem.detail for problem in caught.value.problems)


@pytest.mark.parametrize(
    ("sql", "runs"),
    [
        ("SELECT 1; DROP TABLE jobs", False),
        ("UPDATE t SET a=1", False),
        ("SELECT * INTO OUTFILE '/tmp/x'", False),
        ("SELECT LOAD_FILE('/etc/passwd')", False),
        ("CALL p()", False),
        ("SELECT 1 /*! ; */", False),
        ("WITH x AS (SELECT 1) SELECT * FROM x", True),
        # The time limit of the server ends it: test_sql_source.py.
        ("SELECT SLEEP(100000)", True),
    ],
)
def test_e17_only_a_select_is_taken(sql: str, runs: bool) -> None:
    with nullcontext() if runs else pytest.raises(InvalidSql):
        compile_statement(sql)


def test_every_problem_of_a_statement_is_reported() -> None:
    with pytest.raises(InvalidSql) as caught:
        compile_statement("DELETE FROM t\nWHERE a = :b\n; SELECT LOAD_FILE({c})", parameters=["a"])
    assert [problem.line for problem in caught.value.problems] == [1, 2, 3, 3, 3]


@pytest.mark.parametrize(
    ("sql", "kind"),
    [
        ("select 1", "SELECT"),
        ("/* x */ (WITH a", "WITH"),
        ("-- x\nupdate t", "UPDATE"),
        ("", ""),
        ("5'", "5"),
    ],
)
def test_the_kind_of_a_statement_is_its_first_keyword(sql: str, kind: str) -> None:
    assert statement_kind(sql) == kind


# --- percent signs (case E08) ---------------------------------------------------------------------------


@pytest.mark.parametrize("parameters", [{}, {"a": 1}])
@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT DATE_FORMAT(d, '%Y-%m') AS m FROM t WHERE {}", [("2024-05",), ("2024-06",)]),
        ("SELECT id FROM t WHERE n LIKE '%giraffe%' AND {}", [(1,)]),
        ("SELECT '10%' AS d FROM t WHERE {} LIMIT 1", [("10%",)]),
        ("SELECT 10 % 3 FROM t WHERE {} LIMIT 1", [(1,)]),
        ("SELECT '%s', \"%(a)s\" FROM t WHERE {} LIMIT 1", [("%s", "%(a)s")]),
        ("SELECT ':a' AS x /* :a %d */ FROM t WHERE {} LIMIT 1 -- :a 5%", [(":a",)]),
    ],
)
def test_percent_signs_and_quoted_placeholders_are_literal(
    table: MariaDbServer, sql: str, expected: list[Any], parameters: dict[str, Any]
) -> None:
    bound = compiled(sql.format("a = :a" if parameters else "a = 1"), **parameters)
    assert rows(table, bound, "report_sql") == expected


# --- values (case E09) ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ids", "expected"), [([1, 2], [1, 2]), ([2], [2]), ([], []), (None, []), ([None], []), ([1, None], [1])]
)
def test_a_list_is_bound_item_by_item(
    table: MariaDbServer, ids: list[int | None] | None, expected: list[int]
) -> None:
    """Case E09."""
    bound = compiled("SELECT id FROM t WHERE id IN (:ids) ORDER BY id", lists=["ids"], ids=ids)
    assert [row[0] for row in rows(table, bound, "report_sql")] == expected


def test_not_in_an_empty_list_keeps_every_row(table: MariaDbServer) -> None:
    bound = compiled("SELECT id FROM t WHERE id NOT IN (:ids) ORDER BY id", lists=["ids"], ids=[])
    assert rows(table, bound, "report_sql") == [(1,), (2,)]


@pytest.mark.parametrize(("ids", "expected"), [(None, [1, 2]), ([], []), ([2], [2])])
def test_is_null_asks_whether_a_list_was_given(
    table: MariaDbServer, ids: list[int] | None, expected: list[int]
) -> None:
    sql = "SELECT id FROM t WHERE (:ids IS NULL OR id IN (:ids)) ORDER BY id"
    bound = compiled(sql, lists=["ids"], ids=ids)
    assert [row[0] for row in rows(table, bound, "report_sql")] == expected


@pytest.mark.parametrize(
    "sql", ["SELECT :ids", "SELECT 1 IN (0, :ids)", "SELECT 1 IN (:ids, 2)", "SELECT (:ids)"]
)
def test_a_list_elsewhere_is_refused(sql: str) -> None:
    with pytest.raises(InvalidSql, match=r"must stand as IN \(:ids\)"):
        compile_statement(sql, parameters=["ids"], lists=["ids"])


def test_text_that_looks_like_sql_is_a_value(table: MariaDbServer) -> None:
    text = "1) OR (1=1 -- ' \" \\ % :a {b}"
    bound = compiled(
        "SELECT :x AS x FROM t WHERE n IN (:names) OR id = 1", lists=["names"], x=text, names=[text]
    )
    assert rows(table, bound, "report_sql") == [(text,)]


def test_a_datetime_with_an_offset_is_converted_to_utc(table: MariaDbServer) -> None:
    """Case E09."""
    since = datetime(2024, 1, 1, 12, 0, tzinfo=timezone(timedelta(hours=-3)))
    bound = compiled("SELECT id FROM t WHERE created >= :since", since=since)
    assert bound.arguments == (datetime(2024, 1, 1, 15, 0),)
    assert rows(table, bound, "report_sql") == [(2,)]


def test_dates_decimals_booleans_and_null_are_bound_as_what_they_are(table: MariaDbServer) -> None:
    sql = "SELECT :d + INTERVAL 1 DAY = '2024-05-07', :n, :t + 1, :x IS NULL"
    bound = compiled(sql, d=date(2024, 5, 6), n=Decimal("0.10"), t=True, x=None)
    assert rows(table, bound) == [(1, Decimal("0.10"), 2, 1)]


@pytest.mark.parametrize("value", [b"x", 1.5, {"a": 1}, [1]])
def test_a_value_that_sql_has_no_form_for_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="p can't be bound"):
        compiled("SELECT :p", p=value)


def test_a_number_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        compiled("SELECT :p", p=Decimal("NaN"))


def test_a_string_is_no_list() -> None:
    with pytest.raises(TypeError, match="ids must be a list"):
        compiled("SELECT 1 IN (:ids)", lists=["ids"], ids="12")


def test_bound_values_are_not_in_the_representation() -> None:
    assert "secret" not in repr(compiled("SELECT :p", p="secret"))


# --- identifiers (case E07) -----------------------------------------------------------------------------


def test_an_identifier_of_the_list_sorts_by_its_column(table: MariaDbServer) -> None:
    """Case E07."""
    statement = compile_statement(
        "SELECT id FROM t ORDER BY {sort} {direction}",
        identifiers={"sort": ["amount", "t.id"], "direction": ["asc", "desc"]},
    )
    bound = statement.bind({"sort": "amount", "direction": "asc"})
    assert bound == BoundStatement("SELECT id FROM t ORDER BY `amount` ASC", ())
    assert rows(table, bound, "report_sql") == [(2,), (1,)]
    assert statement.bind({"sort": "t.id", "direction": "desc"}).text.endswith("`t`.`id` DESC")


@pytest.mark.parametrize(
    "value",
    [
        "amount desc; DROP TABLE jobs",
        "(SELECT SLEEP(5))",
        "nome`",
        "unknown",
        "AMOUNT",
        "",
        None,
        1,
        ["amount"],
    ],
)
def test_an_identifier_outside_the_list_is_refused(value: Any) -> None:
    statement = compile_statement("SELECT 1 ORDER BY {sort}", identifiers={"sort": ["amount"]})
    with pytest.raises(ValueError, match="sort must be one of amount"):
        statement.bind({"sort": value})


def test_a_slot_without_a_list_is_refused() -> None:
    with pytest.raises(InvalidSql, match=r"\{sort\} has no list of identifiers; declared: none"):
        compile_statement("SELECT 1 ORDER BY {sort}")


def test_columns_and_directions_do_not_mix() -> None:
    with pytest.raises(InvalidSql, match="mix sort directions and column names"):
        compile_statement("SELECT 1 ORDER BY {s}", identifiers={"s": ["amount", "desc"]})


def test_an_undeclared_placeholder_is_refused_with_its_line() -> None:
    with pytest.raises(InvalidSql) as caught:
        compile_statement("SELECT ':b' -- :b\n, :b", parameters=["a"])
    assert [(problem.line, problem.detail) for problem in caught.value.problems] == [
        (2, ":b is no parameter; declared: a")
    ]


def test_the_compiled_statement_names_what_it_uses() -> None:
    statement = compile_statement(
        "SELECT :a, ':z' ORDER BY {s}", parameters=["a", "b"], identifiers={"s": ["x"], "u": ["y"]}
    )
    assert (statement.parameters, statement.slots) == (frozenset({"a"}), frozenset({"s"}))


def test_an_aware_datetime_in_utc_keeps_its_time() -> None:
    assert compiled("SELECT :p", p=datetime(2024, 1, 1, tzinfo=UTC)).arguments == (datetime(2024, 1, 1),)
