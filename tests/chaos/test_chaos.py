"""A short run of ``make chaos``: nothing is lost, nothing comes twice, nothing is left behind."""

from pathlib import Path

import pytest

from local.testing import start_platform
from tests.chaos.run import SETTINGS, break_and_judge


@pytest.mark.timeout(480)
def test_nothing_is_lost_or_made_twice_while_parts_break(tmp_path: Path) -> None:
    platform = start_platform(tmp_path / "home", sample=True, relay_interval=1.0, overrides=SETTINGS)
    said: list[str] = []
    try:
        verdict, faults = break_and_judge(platform, faults=12, seed=7, say=said.append)
    finally:
        platform.stop()
    assert verdict.sound, (verdict, said)
    assert len(faults) == 12
    assert verdict.accepted >= 20
    assert verdict.succeeded >= 5
