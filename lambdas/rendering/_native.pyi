from collections.abc import Callable, Sequence
from typing import Any

type Spec = tuple[str, str, int, dict[str, int] | None, Callable[[Any, int], str]]

def rows(
    specs: tuple[Spec, ...],
    columns: list[Sequence[object]],
    texts: list[Sequence[str | None] | None],
    *,
    first_row: int,
    attributes: str,
    most_shared: int,
    longest_shared: int,
) -> bytes: ...
def ordinary(kind: str, values: tuple[object, ...], /) -> bool: ...
def digits(values: tuple[object, ...], /) -> list[str | None] | None: ...
def add_digits(texts: list[str | None], /) -> tuple[str, int] | None: ...
