"""Arithmetic of measurements."""

import math
from collections.abc import Sequence


def percentile(values: Sequence[float], percent: float) -> float:
    """The value below which ``percent`` of the values lie, linear between two of them.

    Raises ``ValueError`` without values.
    """
    if not values:
        raise ValueError("There is no percentile of no values.")
    ordered = sorted(values)
    position = (len(ordered) - 1) * percent / 100
    below, above = ordered[math.floor(position)], ordered[math.ceil(position)]
    return below + (above - below) * (position - math.floor(position))


def slope(points: Sequence[tuple[float, float]]) -> float:
    """The slope of the least-squares line through ``(x, y)``. Raises ``ValueError`` with fewer than two x."""
    if len({x for x, _ in points}) < 2:
        raise ValueError("A slope needs points at two places.")
    middle_x = math.fsum(x for x, _ in points) / len(points)
    middle_y = math.fsum(y for _, y in points) / len(points)
    along = math.fsum((x - middle_x) * (y - middle_y) for x, y in points)
    return along / math.fsum((x - middle_x) ** 2 for x, _ in points)


def last_two_thirds(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The points of ``(x, y)`` without the first third of their range of x: what warms up is over."""
    if not points:
        return []
    first, last = points[0][0], points[-1][0]
    return [(x, y) for x, y in points if x >= first + (last - first) / 3]
