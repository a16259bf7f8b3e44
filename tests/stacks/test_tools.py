"""The checks of others: cdk-nag and the CDK's own validation, cfn-lint."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from constructs_lib import Lanes
from stacks.environments import ENVIRONMENTS, Domain, Environment
from tests.stacks.assembly import NAMES, Assembly, synthesize
from tests.stacks.linting import lint

#: What an environment may turn on, all at once, in a place of its own.
_OPTIONS: dict[str, Any] = {
    "account": "123456789012",
    "region": "eu-central-1",
    "database_proxy": True,
    "signing_keys": ("Second", "First"),
    "lanes": Lanes(interactive=3, bulk=1),
    "cors_origins": ("https://app.example.com",),
    "alarm_email": "reports@example.com",
    "api_domain": Domain(
        name="reports.example.com", certificate_arn="arn:aws:acm:eu-central-1:123456789012:certificate/a"
    ),
    "files_domain": Domain(
        name="files.example.com", certificate_arn="arn:aws:acm:us-east-1:123456789012:certificate/b"
    ),
}


def findings(environment: Environment, folder: Path) -> tuple[set[str], set[str]]:
    """What the checks of others find, and whose checks they are."""
    synthesize(environment, folder, checks=True)
    report = json.loads((folder / "validation-report.json").read_text())
    found = {
        f"{violation['ruleName']}: {construct['constructPath']}"
        for plugin in report["pluginReports"]
        for violation in plugin["violations"]
        for construct in violation["violatingConstructs"]
    }
    return found, {plugin["pluginName"] for plugin in report["pluginReports"]}


@pytest.mark.parametrize("name", NAMES)
def test_cdk_nag_has_no_finding_without_a_reason(name: str, tmp_path: Path) -> None:
    found, plugins = findings(ENVIRONMENTS[name], tmp_path)
    assert found == set()
    assert {"AwsSolutions", *(["NIST.800.53.R5"] if name == "prod" else [])} <= plugins


@pytest.mark.parametrize("name", NAMES)
def test_an_environments_options_bring_no_finding_either(name: str, tmp_path: Path) -> None:
    found, _ = findings(dataclasses.replace(ENVIRONMENTS[name], **_OPTIONS), tmp_path)
    assert found == set()


def test_cfn_lint_has_no_finding_without_a_reason(assemblies: dict[str, Assembly], tmp_path: Path) -> None:
    templates = {f"{n}-{stack}": t for n, a in assemblies.items() for stack, t in a.templates.items()}
    assert lint(templates, tmp_path) == []
