"""Environments: what they are called, where they go, what differs."""

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from stacks.application import build_app
from stacks.environments import (
    ENVIRONMENTS,
    Domain,
    Environment,
    UnknownEnvironment,
    WrongSetting,
    environment_named,
)
from tests.stacks.assembly import CONTEXT, REPOSITORY, Assembly, read, synthesize
from tests.stacks.checks import CHECKS
from tests.stacks.linting import lint


@pytest.mark.parametrize("name", [None, "", "production", 5])
def test_an_unknown_environment_is_refused_with_the_choices(name: object) -> None:
    with pytest.raises(UnknownEnvironment, match="one of dev, staging, prod; got"):
        environment_named(name)


def test_the_app_says_in_one_line_which_environments_there_are(tmp_path: Path) -> None:
    finished = subprocess.run(
        [sys.executable, "app.py"],
        cwd=REPOSITORY,
        env={**os.environ, "CDK_OUTDIR": str(tmp_path), "CDK_CONTEXT_JSON": json.dumps({"env": "qa"})},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert finished.returncode == 1
    assert finished.stderr == (
        "Say which environment: cdk deploy -c env=NAME, NAME one of dev, staging, prod; got 'qa'.\n"
    )


def test_stacks_are_protected_where_data_is_kept() -> None:
    for environment in ENVIRONMENTS.values():
        app = build_app(environment=environment, context=CONTEXT, bundle=False, checks=False)
        protected = {
            stack.stack_name.rpartition("-")[2]
            for stack in app.synth().stacks
            if stack.termination_protection
        }
        assert protected == ({"Data", "Messaging", "Delivery"} if environment.keep_data else set())


def variant(tmp_path: Path, base: Environment, **changes: object) -> Assembly:
    environment = dataclasses.replace(base, **changes)  # type: ignore[arg-type]
    return read(environment, synthesize(environment, tmp_path))


def holds(assembly: Assembly, *, without: tuple[str, ...] = ()) -> None:
    for name, check in CHECKS.items():
        if name not in without:
            assert list(check(assembly)) == [], name


def test_with_account_and_region_the_zones_are_the_regions(tmp_path: Path) -> None:
    assembly = variant(tmp_path, ENVIRONMENTS["prod"], account="123456789012", region="eu-central-1")
    zones = {p["AvailabilityZone"] for p in assembly.properties("AWS::EC2::Subnet")}
    assert zones == {"eu-central-1a", "eu-central-1b"}
    holds(assembly)


def test_zones_are_those_that_the_account_has(tmp_path: Path) -> None:
    tokyo = {"account": "123456789012", "region": "ap-northeast-1", "zones": ("a", "c")}
    assembly = variant(tmp_path, ENVIRONMENTS["dev"], **tokyo)
    zones = {p["AvailabilityZone"] for p in assembly.properties("AWS::EC2::Subnet")}
    assert zones == {"ap-northeast-1a", "ap-northeast-1c"}


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("log_days", 14, "log_days must be one of 7, 30, 90, 365, got 14"),
        ("shift", "blue", "shift must be None or one of canary, linear, got 'blue'"),
        ("account", 12345678901, "account must be a text of 12 digits, got 12345678901"),
        ("zones", ("a",), r"zones must be the letters of two zones, got \('a',\)"),
    ],
)
def test_a_wrong_setting_is_refused_with_what_is_allowed(setting: str, value: Any, message: str) -> None:
    with pytest.raises(WrongSetting, match=f"Environment qa: {message}"):
        Environment(name="qa", **{setting: value})


def test_domains_and_certificates_are_taken(tmp_path: Path) -> None:
    assembly = variant(
        tmp_path,
        ENVIRONMENTS["prod"],
        api_domain=Domain(
            name="reports.example.com", certificate_arn="arn:aws:acm:us-east-1:111111111111:certificate/a"
        ),
        files_domain=Domain(
            name="files.example.com", certificate_arn="arn:aws:acm:us-east-1:111111111111:certificate/b"
        ),
        cors_origins=("https://app.example.com",),
    )
    distribution = assembly.one("AWS::CloudFront::Distribution")["DistributionConfig"]
    assert distribution["Aliases"] == ["files.example.com"]
    assert distribution["ViewerCertificate"]["MinimumProtocolVersion"] == "TLSv1.2_2021"
    assert assembly.one("AWS::ApiGateway::DomainName")["DomainName"] == "reports.example.com"
    assert assembly.one("AWS::ApiGateway::RestApi")["DisableExecuteApiEndpoint"] is True
    api = assembly.functions()["api"][1]["Properties"]["Environment"]["Variables"]
    assert api["LINK_BASE_URL"] == "https://files.example.com"
    holds(assembly)
    assert lint(assembly.templates, tmp_path) == []


def test_a_proxy_and_more_lanes_and_a_second_key_hold_too(tmp_path: Path) -> None:
    from constructs_lib import Lanes

    assembly = variant(
        tmp_path,
        ENVIRONMENTS["prod"],
        database_proxy=True,
        lanes=Lanes(interactive=3, bulk=1),
        signing_keys=("Second", "First"),
        alarm_email="reports@example.com",
    )
    assert len(assembly.properties("AWS::CloudFront::PublicKey")) == 2
    assert len(assembly.properties("AWS::Lambda::EventSourceMapping")) == 8
    assert assembly.one("AWS::RDS::DBProxy")["RequireTLS"] is True
    assert assembly.one("AWS::SNS::Subscription")["Endpoint"] == "reports@example.com"
    holds(assembly)
    assert lint(assembly.templates, tmp_path) == []


def test_a_database_grows_to_what_rds_has_at_most(tmp_path: Path) -> None:
    assembly = variant(tmp_path, ENVIRONMENTS["prod"], database_storage_gb=10_000)
    assert assembly.one("AWS::RDS::DBInstance")["MaxAllocatedStorage"] == 65_536


def test_traffic_moves_step_by_step_where_the_environment_says_so(assemblies: dict[str, Assembly]) -> None:
    for name, configuration in (
        ("dev", None),
        ("staging", "CodeDeployDefault.LambdaCanary10Percent5Minutes"),
        ("prod", "CodeDeployDefault.LambdaLinear10PercentEvery1Minute"),
    ):
        groups = assemblies[name].properties("AWS::CodeDeploy::DeploymentGroup")
        assert [group["DeploymentConfigName"] for group in groups] == (
            [configuration] if configuration else []
        )
        for group in groups:
            assert group["AutoRollbackConfiguration"]["Enabled"] is True
            assert group["AlarmConfiguration"]["Alarms"]
        snap_start = assemblies[name].functions()["api"][1]["Properties"].get("SnapStart")
        assert (snap_start == {"ApplyOn": "PublishedVersions"}) is ENVIRONMENTS[name].snap_start
