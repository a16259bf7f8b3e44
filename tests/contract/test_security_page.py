"""The page on security names tests that are there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_test_that_the_page_names_is_there() -> None:
    page = (ROOT / "docs" / "security.md").read_text("utf-8")
    files = {path.name: path for path in (ROOT / "tests").rglob("test_*.py")}
    named = set(re.findall(r"(test_[a-z0-9_]+)\.py", page))
    assert len(named) > 10
    assert [name for name in named if f"{name}.py" not in files] == []
    functions = set(re.findall(r"`(test_[a-z0-9_]+)`", page))
    texts = "".join(path.read_text("utf-8") for path in files.values())
    assert [name for name in functions if f"def {name}(" not in texts] == []
