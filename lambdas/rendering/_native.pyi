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
def page_rows(
    specs: tuple[tuple[float, float, float, int, int, int, int, int], ...],
    columns: list[Sequence[str | None]],
    widths: bytes,
    used: bytearray,
    *,
    size: float,
    units: float,
    leading: int,
    resource: str,
) -> list[tuple[int, int, bytes, int] | None]: ...
def show_numbers(
    digits: list[str | None],
    places: int,
    least: int,
    group: str,
    point: str,
    before: str,
    after: str,
    minus_before: str,
    minus_after: str,
    /,
) -> list[str | None]: ...
