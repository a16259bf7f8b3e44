"""A short run of ``make load``: no request fails, and every report ends."""

import pytest

from benchmarks.load.run import QUICK, measure
from benchmarks.load.table import table


@pytest.mark.timeout(480)
def test_nothing_fails_under_load() -> None:
    scenes: list[str] = []
    found = measure(QUICK, measured=lambda scene, _: scenes.append(scene))
    assert tuple(scenes) == QUICK.scenes
    assert found["errors"] == []
    assert found["backlog"]["waiting"] == QUICK.waiting
    assert [row["flood"] for row in found["fairness"]] == [QUICK.flood, QUICK.flood]
    assert {"api", "worker", "broker", "database"} <= set(found["memory"]["parts"])
    assert any("0 errors" in line for line in table(found))
