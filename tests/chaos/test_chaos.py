"""A short run of ``make chaos``: nothing is lost, nothing comes twice, nothing is left behind."""

from pathlib import Path

import pytest

from tests.chaos.run import break_and_judge, chaos_bench


@pytest.mark.timeout(480)
def test_nothing_is_lost_or_made_twice_while_parts_break(tmp_path: Path) -> None:
    said: list[str] = []
    with chaos_bench(tmp_path, longest_seconds=1.0) as bench:
        verdict, faults = break_and_judge(bench, seed=7, say=said.append)
    assert verdict.sound, (verdict, said)
    assert len(faults) >= 24
    assert verdict.accepted >= 20
    assert verdict.succeeded >= 5
