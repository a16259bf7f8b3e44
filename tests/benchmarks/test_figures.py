"""The arithmetic of measurements."""

from pathlib import Path

import pytest

from benchmarks.figures import last_two_thirds, percentile, slope
from benchmarks.load.memory import growth, kind, not_level
from benchmarks.results import write_section


def test_a_percentile_lies_between_two_values() -> None:
    values = [4.0, 1.0, 3.0, 2.0]
    assert percentile(values, 0) == 1
    assert percentile(values, 50) == 2.5
    assert percentile(values, 99) == pytest.approx(3.97)
    assert percentile(values, 100) == 4


def test_one_value_is_each_of_its_percentiles() -> None:
    assert percentile([7.0], 50) == percentile([7.0], 99) == 7


def test_there_is_no_percentile_of_no_values() -> None:
    with pytest.raises(ValueError, match="no values"):
        percentile([], 50)


def test_a_slope_is_that_of_the_least_squares_line() -> None:
    assert slope([(0, 1), (1, 3), (2, 5)]) == 2
    assert slope([(0, 5), (10, 5)]) == 0
    assert slope([(0, 0), (1, 2), (2, 1)]) == pytest.approx(0.5)


def test_a_slope_needs_two_places() -> None:
    with pytest.raises(ValueError, match="two places"):
        slope([(1, 1), (1, 2)])


def test_the_first_third_of_the_time_is_left_out() -> None:
    points = [(float(second), 0.0) for second in range(10, 41, 5)]
    assert [second for second, _ in last_two_thirds(points)] == [20, 25, 30, 35, 40]
    assert last_two_thirds([]) == []


def test_growth_is_that_of_the_steepest_process_after_the_warm_up() -> None:
    minutes = range(31)
    warming = [(60.0 * minute, 100.0 if minute >= 10 else 10.0 * minute) for minute in minutes]
    growing = [(60.0 * minute, 50 + 0.5 * minute) for minute in minutes]
    late = [(1700.0, 10.0), (1750.0, 60.0), (1800.0, 90.0)]
    workers, apis = {"worker-50": warming, "worker-52": growing}, {"api-54": warming, "api-56": late}
    found = growth({**workers, **apis})
    assert found["worker"] == {"processes": 2, "mb": 100.0, "mb_a_minute": 0.5}
    assert found["api"] == {"processes": 2, "mb": 100.0, "mb_a_minute": 0.0}
    assert not_level(found) == ["the memory of worker grows by 0.5 MB a minute, more than 0.25"]


def test_what_is_only_on_this_machine_need_not_be_level() -> None:
    deployed = {"worker-50": "worker", "dead_letters-52": "dead_letters", "broker": "broker"}
    assert {name: kind(name) for name in deployed} == deployed
    assert [kind(name) for name in ("storage", "cloud", "edge")] == [None, None, None]


def test_a_run_replaces_its_own_section_of_the_results(tmp_path: Path) -> None:
    file = tmp_path / "RESULTS.md"
    write_section("One", ["old", "", "| a |"], file=file)
    write_section("Two", ["two"], file=file)
    write_section("One", ["new"], file=file)
    assert file.read_text() == "# One\n\nnew\n\n# Two\n\ntwo\n"
