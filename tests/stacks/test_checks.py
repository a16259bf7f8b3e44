"""The checks hold in every environment."""

import pytest

from tests.stacks.assembly import Assembly
from tests.stacks.checks import CHECKS


@pytest.mark.parametrize("name", CHECKS)
def test_the_check_holds(name: str, assembly: Assembly) -> None:
    assert list(CHECKS[name](assembly)) == []
