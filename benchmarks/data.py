"""The rows that every writer gets, and what its columns are."""

import random
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

BATCH = 1000
_SEED = 20_261_125
type Row = tuple[Any, ...]
type Batches = list[list[Row]]
HEADER = ("Id", "Customer", "Amount", "Day", "Moment", "Active", "Score", "Tax id", "Region", "Note")
DAY, MOMENT, AMOUNT = "yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss", "#,##0.00"
#: Number formats by column.
FORMATS = {2: AMOUNT, 3: DAY, 4: MOMENT}


def make_rows(count: int) -> Batches:
    """Varied rows: unique texts, a third of them repeated, real decimals and dates, in batches."""
    chance = random.Random(_SEED)
    words = ("ação", "order", "north", "São Paulo", "delta", "A & B", "blue", "quarter")
    batches: Batches = []
    for number in range(count):
        if number % BATCH == 0:
            batches.append([])
        batch = batches[-1]
        batch.append(
            (
                number,
                f"{chance.choice(words)} {chance.choice(words)} {number}",
                Decimal(chance.randrange(-(10**7), 10**7)).scaleb(-2),
                date(2026, 1, 1) + timedelta(days=chance.randrange(365)),
                datetime(2026, 1, 1) + timedelta(seconds=chance.randrange(31_000_000)),  # noqa: DTZ001
                chance.random() < 0.5,
                chance.random() * 1000,
                f"{chance.randrange(10**11):011d}",
                chance.choice(words),
                None if chance.random() < 0.2 else f"note {chance.randrange(10**9)}",
            )
        )
    return batches


def texts(row: Row) -> list[str]:
    """What a page shows of a row."""
    return ["" if value is None else str(value) for value in row]
