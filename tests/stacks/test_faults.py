"""The checks are checked: each deliberate fault is seen by the check that the documents name."""

import copy
from pathlib import Path

import pytest

from tests.stacks.assembly import REPOSITORY, Assembly
from tests.stacks.checks import CHECKS
from tests.stacks.faults import CFN_LINT, FAULTS, Fault
from tests.stacks.linting import lint

_TABLE = REPOSITORY / "docs" / "checks.md"


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.what)
def test_the_fault_is_seen(fault: Fault, prod: Assembly, tmp_path: Path) -> None:
    broken = Assembly(prod.environment, copy.deepcopy(prod.templates))
    fault.apply(broken)
    changed = {name: t for name, t in broken.templates.items() if t != prod.templates[name]}
    assert changed, "the fault changes nothing"
    if fault.seen_by == CFN_LINT:
        assert lint(changed, tmp_path) != []
    else:
        assert list(CHECKS[fault.seen_by](broken)) != []


def test_every_check_sees_a_fault() -> None:
    assert {fault.seen_by for fault in FAULTS} == {*CHECKS, CFN_LINT}


def test_the_documents_list_the_faults_and_who_sees_them() -> None:
    rows = [f"| {fault.what} | {_column(fault)} |" for fault in FAULTS]
    listed = [line for line in _TABLE.read_text().splitlines() if line.startswith("| ")]
    # The head comes first.
    assert listed[1:] == rows


def _column(fault: Fault) -> str:
    return "cfn-lint" if fault.seen_by == CFN_LINT else f"`{fault.seen_by}`"
