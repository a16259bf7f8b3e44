"""Makes the rows of the sample shop: the same rows on every machine, from one seed.

Money is counted in whole cents, so that every total is exact.
"""

import random
from bisect import bisect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import accumulate

from local.sample.goods import CATEGORIES, FINISHES, KINDS, SENTENCES, STATUS_WEIGHTS, STATUSES
from local.sample.people import COUNTRIES, Country

type Value = str | int | None
type Row = tuple[Value, ...]
type _Chance = Callable[[], float]

CUSTOMERS = 5_000
ORDER_ITEMS = 200_000
FIRST_DAY = date(2024, 1, 1)
LAST_DAY = date(2025, 12, 31)
_FIRST_CUSTOMER = date(2019, 1, 1)
_SEED = 20_240_101
_MAX_LINES = 7
_DISCOUNTS = (0, 0, 0, 0, 0, 0, 5, 10, 15, 25)


@dataclass(frozen=True, slots=True)
class Shop:
    """Rows by table, each in the order of the table's columns in ``schema.py``."""

    categories: list[Row]
    products: list[Row]
    customers: list[Row]
    orders: list[Row]
    order_items: list[Row]


def make_shop() -> Shop:
    """All rows of the shop. ``order_items`` has exactly ``ORDER_ITEMS`` rows."""
    # Only random() is promised to give the same numbers in every version of Python.
    chance = random.Random(_SEED).random  # noqa: S311 - sample data
    products, prices = _products(chance)
    orders, items = _orders(chance, prices)
    return Shop(
        categories=[(index, name) for index, name in enumerate(CATEGORIES, start=1)],
        products=products,
        customers=list(_customers(chance)),
        orders=orders,
        order_items=items,
    )


def _products(chance: _Chance) -> tuple[list[Row], list[int]]:
    rows: list[Row] = []
    prices: list[int] = []
    for category, name in enumerate(CATEGORIES, start=1):
        kinds, lowest, highest = KINDS[name]
        for kind in kinds:
            for finish in FINISHES:
                price = lowest + int((highest - lowest) * chance() ** 2)
                number = len(rows) + 1
                active = 0 if number % 23 == 0 else 1
                rows.append((number, f"{number:05d}", kind + finish, category, _money(price), active))
                prices.append(price)
    return rows, prices


def _customers(chance: _Chance) -> Iterator[Row]:
    weights = list(accumulate(country.weight for country in COUNTRIES))
    for number in range(1, CUSTOMERS + 1):
        country = COUNTRIES[_weighted(chance, weights)]
        joined_at = datetime.combine(_FIRST_CUSTOMER, time.min) + timedelta(days=5 * 365 * chance())
        yield (
            number,
            _name(country, chance),
            f"customer{number:05d}@example.com",
            _digits(country.tax_id, chance),
            _digits(country.postal_code, chance),
            _pick(country.cities, chance),
            country.code,
            joined_at.isoformat(sep=" ", timespec="seconds"),
        )


def _orders(chance: _Chance, prices: Sequence[int]) -> tuple[list[Row], list[Row]]:
    """Orders by the time they were placed, with their lines."""
    orders: list[Row] = []
    items: list[Row] = []
    statuses = list(accumulate(STATUS_WEIGHTS))
    # An order has (1 + _MAX_LINES) / 2.4 lines on average; a little more leaves room at the end.
    expected = 1.004 * ORDER_ITEMS * 2.4 / (1 + _MAX_LINES)
    span = int(((LAST_DAY - FIRST_DAY).days + 1) * 86_400)
    start = datetime.combine(FIRST_DAY, time.min)
    seconds = 0.0
    while len(items) < ORDER_ITEMS:
        number = len(orders) + 1
        seconds = min(seconds + 2 * chance() * span / expected, span - 1)
        ordered_at = start + timedelta(seconds=int(seconds))
        total = 0
        lines = min(1 + int(_MAX_LINES * chance() ** 1.5), ORDER_ITEMS - len(items))
        for line in range(1, lines + 1):
            product = int(chance() * len(prices))
            quantity = 1 + int(12 * chance() ** 3)
            discount = _pick(_DISCOUNTS, chance)
            # Half a cent is rounded up, as on an invoice.
            amount = (quantity * prices[product] * (100 - discount) + 50) // 100
            total += amount
            items.append(
                (
                    number,
                    line,
                    product + 1,
                    quantity,
                    _money(prices[product]),
                    f"0.{discount:02d}",
                    _money(amount),
                )
            )
        status = STATUSES[_weighted(chance, statuses)]
        shipped = status in ("shipped", "delivered", "returned")
        shipped_at = ordered_at + timedelta(seconds=int(3_600 + chance() * 6 * 86_400)) if shipped else None
        orders.append(
            (
                number,
                f"{number:08d}",
                1 + int(CUSTOMERS * chance() ** 1.3),
                status,
                ordered_at.isoformat(sep=" "),
                shipped_at.isoformat(sep=" ") if shipped_at else None,
                lines,
                _money(total),
                _note(chance),
            )
        )
    return orders, items


def _note(chance: _Chance) -> str | None:
    """One order in 25 has a note of one to eight sentences, in one or two paragraphs."""
    if chance() >= 0.04:
        return None
    sentences = [_pick(SENTENCES, chance) for _ in range(1 + int(8 * chance()))]
    if len(sentences) < 4:
        return " ".join(sentences)
    return " ".join(sentences[:3]) + "\n" + " ".join(sentences[3:])


def _name(country: Country, chance: _Chance) -> str:
    parts = {"g": _pick(country.given, chance), "f": _pick(country.family, chance)}
    return "".join(parts.get(character, character) for character in country.name)


def _digits(pattern: str, chance: _Chance) -> str:
    return "".join(str(int(10 * chance())) if character == "#" else character for character in pattern)


def _money(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


def _pick[T](choices: Sequence[T], chance: _Chance) -> T:
    return choices[int(chance() * len(choices))]


def _weighted(chance: _Chance, cumulative: Sequence[int]) -> int:
    return bisect(cumulative, chance() * cumulative[-1])
