"""The checks of others: cdk-nag and the CDK's own validation, cfn-lint."""

import json
from pathlib import Path

import pytest

from stacks.environments import ENVIRONMENTS
from tests.stacks.assembly import NAMES, Assembly, synthesize
from tests.stacks.linting import lint


@pytest.mark.parametrize("name", NAMES)
def test_cdk_nag_has_no_finding_without_a_reason(name: str, tmp_path: Path) -> None:
    folder = synthesize(ENVIRONMENTS[name], tmp_path, checks=True)
    report = json.loads((folder / "validation-report.json").read_text())
    found = {
        f"{violation['ruleName']}: {construct['constructPath']}"
        for plugin in report["pluginReports"]
        for violation in plugin["violations"]
        for construct in violation["violatingConstructs"]
    }
    assert found == set()
    plugins = {plugin["pluginName"] for plugin in report["pluginReports"]}
    assert {"AwsSolutions", *(["NIST.800.53.R5"] if name == "prod" else [])} <= plugins


def test_cfn_lint_has_no_finding_without_a_reason(assemblies: dict[str, Assembly], tmp_path: Path) -> None:
    templates = {f"{n}-{stack}": t for n, a in assemblies.items() for stack, t in a.templates.items()}
    assert lint(templates, tmp_path) == []
