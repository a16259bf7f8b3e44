"""The tables of the sample shop, in the order in which they can be filled."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TableDefinition:
    """``columns`` are those that rows are given for; ``ddl`` is what stands inside CREATE TABLE (...)."""

    name: str
    columns: tuple[str, ...]
    ddl: str


TABLES = (
    TableDefinition(
        name="categories",
        columns=("id", "name"),
        ddl="""
            id   INT UNSIGNED NOT NULL PRIMARY KEY,
            name VARCHAR(50)  NOT NULL,
            UNIQUE KEY uq_categories_name (name)
        """,
    ),
    TableDefinition(
        name="products",
        columns=("id", "sku", "name", "category_id", "unit_price", "active"),
        ddl="""
            id          INT UNSIGNED   NOT NULL PRIMARY KEY,
            sku         CHAR(5)        NOT NULL,
            name        VARCHAR(100)   NOT NULL,
            category_id INT UNSIGNED   NOT NULL,
            unit_price  DECIMAL(10, 2) NOT NULL,
            active      TINYINT(1)     NOT NULL,
            UNIQUE KEY uq_products_sku (sku),
            KEY ix_products_category (category_id),
            CONSTRAINT fk_products_category FOREIGN KEY (category_id) REFERENCES categories (id)
        """,
    ),
    TableDefinition(
        name="customers",
        columns=("id", "name", "email", "tax_id", "postal_code", "city", "country", "created_at"),
        ddl="""
            id          INT UNSIGNED NOT NULL PRIMARY KEY,
            name        VARCHAR(100) NOT NULL,
            email       VARCHAR(100) NOT NULL,
            tax_id      VARCHAR(20)  NOT NULL,
            postal_code VARCHAR(12)  NOT NULL,
            city        VARCHAR(60)  NOT NULL,
            country     CHAR(2)      NOT NULL,
            created_at  DATETIME     NOT NULL,
            UNIQUE KEY uq_customers_email (email),
            KEY ix_customers_country_name (country, name),
            KEY ix_customers_name (name)
        """,
    ),
    TableDefinition(
        name="orders",
        columns=(
            "id",
            "number",
            "customer_id",
            "status",
            "ordered_at",
            "shipped_at",
            "line_count",
            "total",
            "notes",
        ),
        ddl="""
            id          INT UNSIGNED      NOT NULL PRIMARY KEY,
            number      CHAR(8)           NOT NULL,
            customer_id INT UNSIGNED      NOT NULL,
            status      VARCHAR(10)       NOT NULL,
            ordered_at  DATETIME          NOT NULL,
            shipped_at  DATETIME          NULL,
            line_count  SMALLINT UNSIGNED NOT NULL,
            total       DECIMAL(12, 2)    NOT NULL,
            notes       TEXT              NULL,
            UNIQUE KEY uq_orders_number (number),
            KEY ix_orders_customer (customer_id),
            KEY ix_orders_ordered_at (ordered_at, status, line_count),
            CONSTRAINT fk_orders_customer FOREIGN KEY (customer_id) REFERENCES customers (id)
        """,
    ),
    TableDefinition(
        name="order_items",
        columns=(
            "order_id",
            "line_number",
            "product_id",
            "quantity",
            "unit_price",
            "discount",
            "line_total",
        ),
        ddl="""
            order_id    INT UNSIGNED      NOT NULL,
            line_number SMALLINT UNSIGNED NOT NULL,
            product_id  INT UNSIGNED      NOT NULL,
            quantity    SMALLINT UNSIGNED NOT NULL,
            unit_price  DECIMAL(10, 2)    NOT NULL,
            discount    DECIMAL(3, 2)     NOT NULL,
            line_total  DECIMAL(12, 2)    NOT NULL,
            PRIMARY KEY (order_id, line_number),
            KEY ix_order_items_product (product_id),
            CONSTRAINT fk_order_items_order FOREIGN KEY (order_id) REFERENCES orders (id),
            CONSTRAINT fk_order_items_product FOREIGN KEY (product_id) REFERENCES products (id)
        """,
    ),
)
