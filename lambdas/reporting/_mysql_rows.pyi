from collections.abc import Callable
from typing import Any

type Column = tuple[str, Callable[[Any], object] | None, bool]

def take(
    data: bytes, start: int, sequence: int, columns: tuple[Column, ...], most: int, /
) -> tuple[list[tuple[object, ...]], int, int, int]: ...
