"""The page on security names tests that are there."""

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
PAGE = (TESTS.parent / "docs" / "security.md").read_text("utf-8")
_TABLE = PAGE.partition("| attack |")[2].partition("\n\n")[0]
ATTACKS = _TABLE.splitlines()[2:]


def functions(path: Path) -> set[str]:
    return set(re.findall(r"def (test_[a-z0-9_]+)\(", path.read_text("utf-8")))


def test_every_test_that_the_page_names_is_there() -> None:
    files = list(TESTS.rglob("test_*.py"))
    named = set(re.findall(r"(test_[a-z0-9_]+)\.py", PAGE))
    assert len(named) > 10
    assert named - {path.stem for path in files} == set()
    known = {name for path in files for name in functions(path)}
    assert [name for name in re.findall(r"`(test_[a-z0-9_]+)`", PAGE) if name not in known] == []


def test_the_table_of_attacks_is_read() -> None:
    assert len(ATTACKS) > 30


@pytest.mark.parametrize("row", ATTACKS, ids=lambda row: row.split("|")[1].strip())
def test_every_attack_has_tests_that_are_where_it_says(row: str) -> None:
    _, attack, stopped_by, tests, _ = row.split("|")
    assert attack.strip()
    assert stopped_by.strip()
    pairs = re.findall(r"`([a-z0-9_/]+\.py)`: ((?:`test_[a-z0-9_]+`(?:, )?)+)", tests)
    assert pairs
    for file, names in pairs:
        missing = set(re.findall(r"`(test_[a-z0-9_]+)`", names)) - functions(TESTS / file)
        assert missing == set(), file
