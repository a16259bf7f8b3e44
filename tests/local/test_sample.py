"""The sample shop: the same data everywhere, filled once, whole or not at all."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pymysql
import pytest

from local.sample import ensure, loading
from local.sample.generator import ORDER_ITEMS, make_shop
from local.sample.schema import TABLES
from reporting import sql_source
from reporting.report_types import load_report_types
from reporting.sql_source import SourceDatabase, SqlSource, estimate
from tests.parts.mariadb import MariaDbServer, mariadb_server

__all__ = ["mariadb_server"]

_SCHEMA = "sample_test"
_REPORT_TYPES = Path(__file__).parents[2] / "report_types"


def fill(server: MariaDbServer, schema: str = _SCHEMA) -> bool:
    return ensure(
        host=server.host,
        port=server.port,
        user=server.user,
        password=server.password,
        ca_file=str(server.ca_file),
        schema=schema,
    )


@pytest.fixture(scope="module")
def shop(mariadb_server: MariaDbServer) -> MariaDbServer:
    assert fill(mariadb_server)
    return mariadb_server


def query(server: MariaDbServer, sql: str) -> tuple[tuple[Any, ...], ...]:
    return server.execute(sql, database=_SCHEMA)


def test_two_runs_of_the_generator_give_the_same_rows() -> None:
    assert make_shop() == make_shop()


def test_every_row_of_the_generator_is_in_the_database(shop: MariaDbServer) -> None:
    made = make_shop()
    for table in TABLES:
        assert query(shop, f"SELECT COUNT(*) FROM {table.name}") == ((len(getattr(made, table.name)),),)
    assert len(made.order_items) == ORDER_ITEMS >= 200_000


def test_the_shop_is_filled_once(shop: MariaDbServer) -> None:
    before = query(shop, "SELECT create_time FROM information_schema.tables WHERE table_name = 'order_items'")
    assert fill(shop) is False
    after = query(shop, "SELECT create_time FROM information_schema.tables WHERE table_name = 'order_items'")
    assert after == before


@pytest.fixture
def small_shop(monkeypatch: pytest.MonkeyPatch, mariadb_server: MariaDbServer) -> Iterator[str]:
    """The name of a schema, and a generator that makes a few orders only."""
    monkeypatch.setattr("local.sample.generator.ORDER_ITEMS", 50)
    yield "sample_small"
    mariadb_server.execute("DROP DATABASE IF EXISTS sample_small")


def test_a_new_version_of_the_generator_fills_it_anew(
    small_shop: str, mariadb_server: MariaDbServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert fill(mariadb_server, small_shop) is True
    assert fill(mariadb_server, small_shop) is False
    monkeypatch.setattr(loading, "generator_version", lambda: "f" * 64)
    assert fill(mariadb_server, small_shop) is True
    assert mariadb_server.execute(f"SELECT COUNT(*) FROM {small_shop}.order_items") == ((50,),)


@pytest.mark.parametrize("statements", range(5))
def test_a_filling_that_was_interrupted_is_done_again(
    small_shop: str, mariadb_server: MariaDbServer, monkeypatch: pytest.MonkeyPatch, statements: int
) -> None:
    assert fill(mariadb_server, small_shop) is True
    monkeypatch.setattr(loading, "generator_version", lambda: "f" * 64)
    inserts = loading._inserts
    left = iter(range(statements))

    def interrupted(*arguments: Any) -> Iterator[str]:
        for statement in inserts(*arguments):
            if next(left, None) is None:
                raise KeyboardInterrupt
            yield statement

    with monkeypatch.context() as patch:
        patch.setattr(loading, "_inserts", interrupted)
        with pytest.raises(KeyboardInterrupt):
            fill(mariadb_server, small_shop)
    assert fill(mariadb_server, small_shop) is True
    assert mariadb_server.execute(f"SELECT COUNT(*) FROM {small_shop}.order_items") == ((50,),)


def test_a_strange_schema_name_is_refused(mariadb_server: MariaDbServer) -> None:
    with pytest.raises(ValueError, match="schema must match"):
        fill(mariadb_server, "sample`; DROP DATABASE mysql")


def test_every_foreign_key_leads_to_a_row(shop: MariaDbServer) -> None:
    keys = query(
        shop,
        "SELECT table_name, column_name, referenced_table_name, referenced_column_name"
        f" FROM information_schema.key_column_usage WHERE table_schema = '{_SCHEMA}'"
        " AND referenced_table_name IS NOT NULL",
    )
    assert len(keys) == 4
    for table, column, parent, key in keys:
        joined = f"{table} LEFT JOIN {parent} ON {column} = {parent}.{key}"
        orphans = f"SELECT COUNT(*) FROM {joined} WHERE {parent}.{key} IS NULL"
        assert query(shop, orphans) == ((0,),)


def test_totals_of_orders_are_the_sums_of_their_lines(shop: MariaDbServer) -> None:
    wrong = query(
        shop,
        "SELECT COUNT(*) FROM orders o JOIN (SELECT order_id, SUM(line_total) AS total, COUNT(*) AS n"
        " FROM order_items GROUP BY order_id) i ON i.order_id = o.id"
        " WHERE o.total <> i.total OR o.line_count <> i.n",
    )
    assert wrong == ((0,),)
    rounded = "quantity * unit_price * (1 - discount)"
    assert query(shop, f"SELECT COUNT(*) FROM order_items WHERE line_total <> ROUND({rounded}, 2)") == ((0,),)


def test_the_data_has_what_breaks_reports(shop: MariaDbServer) -> None:
    for condition in (
        "customers WHERE tax_id LIKE '0%'",
        "customers WHERE postal_code LIKE '0%'",
        "customers WHERE name REGEXP '[ãçéñ]'",
        "customers WHERE name REGEXP '[А-я]'",
        "customers WHERE name REGEXP '[α-ω]'",
        "customers WHERE name REGEXP '\\\\p{Han}'",
        "customers WHERE name REGEXP '\\\\p{Arabic}'",
        "orders WHERE CHAR_LENGTH(notes) > 400 AND notes LIKE '%\\n%'",
        "orders WHERE shipped_at IS NULL",
        "order_items WHERE discount > 0",
    ):
        assert query(shop, f"SELECT COUNT(*) FROM {condition}")[0][0] > 10, condition


# --- the report types over it ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def database(shop: MariaDbServer) -> SourceDatabase:
    return SourceDatabase(
        host=shop.host,
        port=shop.port,
        database=_SCHEMA,
        user=shop.user,
        password=shop.password,
        ca_file=str(shop.ca_file),
        connect_timeout_seconds=60,
    )


def read(database: SourceDatabase, name: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
    report_type = load_report_types(_REPORT_TYPES)[name]
    columns = [column.key for column in report_type.columns]
    source = SqlSource(
        database=database,
        statement=report_type.statement(report_type.validate_parameters(parameters)),
        columns=columns,
        statement_timeout_seconds=60,
    )
    return [dict(zip(columns, row, strict=True)) for batch in source for row in batch]


def test_the_ledger_has_every_order_item_in_a_definite_order(database: SourceDatabase) -> None:
    rows = read(database, "order_ledger", {})
    assert len(rows) == ORDER_ITEMS
    keys = [(row["ordered_at"], row["order_number"], row["line_number"]) for row in rows]
    assert keys == sorted(keys)


def test_the_ledger_is_filtered_and_sorted_by_its_parameters(
    database: SourceDatabase, shop: MariaDbServer
) -> None:
    parameters = {"from": "2024-03-01", "to": "2024-03-02", "status": ["paid", "returned"]}
    rows = read(database, "order_ledger", {**parameters, "sort": "amount", "direction": "desc"})
    (expected,) = query(
        shop,
        "SELECT COUNT(*), SUM(line_total) FROM order_items JOIN orders ON id = order_id"
        " WHERE DATE(ordered_at) BETWEEN '2024-03-01' AND '2024-03-02' AND status IN ('paid', 'returned')",
    )
    assert (len(rows), sum(row["amount"] for row in rows)) == expected
    amounts = [row["amount"] for row in rows]
    assert amounts == sorted(amounts, reverse=True)
    assert read(database, "order_ledger", {**parameters, "status": []}) == []


def test_monthly_sales_add_up(database: SourceDatabase, shop: MariaDbServer) -> None:
    rows = read(database, "monthly_sales", {"from": "2024-01-01", "to": "2024-06-30"})
    (expected,) = query(
        shop,
        "SELECT SUM(quantity), SUM(line_total) FROM order_items JOIN orders ON id = order_id"
        " WHERE ordered_at < '2024-07-01' AND status NOT IN ('cancelled', 'returned')",
    )
    assert (sum(row["units"] for row in rows), sum(row["revenue"] for row in rows)) == expected
    groups = [(row["month"], row["category"]) for row in rows]
    assert groups == sorted(groups)
    assert {row["month"] for row in rows} == {f"2024-0{month}" for month in range(1, 7)}


def test_the_customer_list_keeps_leading_zeros(database: SourceDatabase) -> None:
    rows = read(database, "customer_list", {"country": "BR"})
    assert len(rows) > 500
    assert {row["country"] for row in rows} == {"BR"}
    assert all(row["tax_id"][0] == "0" and len(row["tax_id"]) == 11 for row in rows)
    assert all(row["postal_code"][0] == "0" for row in rows)


def test_the_notes_are_the_newest_ones(database: SourceDatabase) -> None:
    rows = read(database, "order_notes", {"limit": 10, "min_total": 100})
    assert len(rows) == 10
    moments = [row["ordered_at"] for row in rows]
    assert moments == sorted(moments, reverse=True)
    assert all(row["notes"] and row["total"] >= 100 for row in rows)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("order_ledger", {}),
        ("order_ledger", {"from": "2024-02-10", "to": "2024-02-20", "status": ["paid"]}),
        ("order_ledger", {"from": "2025-01-01", "to": "2024-01-01"}),
        ("customer_list", {"country": "JP"}),
        ("monthly_sales", {"from": "2024-01-15", "to": "2024-02-01"}),
        ("monthly_sales", {"from": "2025-01-15", "to": "2024-02-01"}),
    ],
)
def test_an_estimate_is_near_the_number_of_rows(
    database: SourceDatabase, name: str, parameters: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    report_type = load_report_types(_REPORT_TYPES)[name]
    statement = report_type.estimate_statement(report_type.validate_parameters(parameters))
    assert statement is not None
    # No time limit to speak of: the machine may be busy.
    monkeypatch.setattr(sql_source, "_ESTIMATE_SILENCE_SECONDS", 60.0)
    estimated = estimate(database=database, statement=statement, timeout_seconds=60) or 0
    assert estimated == pytest.approx(len(read(database, name, parameters)), rel=0.2)


def test_errors_of_the_server_are_not_hidden(mariadb_server: MariaDbServer) -> None:
    with pytest.raises(pymysql.err.OperationalError):
        ensure(host=mariadb_server.host, port=mariadb_server.port, user="nobody", password="", ca_file=None)
