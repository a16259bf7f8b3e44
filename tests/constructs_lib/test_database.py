"""MySQL on RDS."""

from typing import Any

import pytest
from aws_cdk import RemovalPolicy

from constructs_lib import MySqlDatabase, PrivateNetwork
from tests.constructs_lib.support import (
    Json,
    callers_function,
    logical_id,
    new_stack,
    of_type,
    only,
    properties,
    statements,
    synthesized,
)

INSTANCE = "AWS::RDS::DBInstance"


def made(**options: Any) -> Json:
    stack = new_stack()
    MySqlDatabase(stack, "Database", vpc=PrivateNetwork(stack, "Network").vpc, **options)
    return synthesized(stack)


@pytest.fixture(scope="module")
def default() -> Json:
    return made()


@pytest.fixture(scope="module")
def behind_a_proxy() -> Json:
    return made(proxy=True)


def test_the_engine_is_mysql_84_and_upgrades_minor_versions_only(default: Json) -> None:
    instance = properties(default, INSTANCE)
    assert (instance["Engine"], instance["EngineVersion"]) == ("mysql", "8.4")
    assert instance["AutoMinorVersionUpgrade"] is True
    assert instance["AllowMajorVersionUpgrade"] is False
    assert properties(default, "AWS::RDS::DBParameterGroup")["Family"] == "mysql8.4"


def test_connections_must_use_tls(default: Json) -> None:
    parameters = properties(default, "AWS::RDS::DBParameterGroup")["Parameters"]
    assert parameters["require_secure_transport"] == "1"
    assert parameters["tls_version"] == "TLSv1.2,TLSv1.3"


def test_the_instance_is_encrypted_private_and_backed_up(default: Json) -> None:
    instance = properties(default, INSTANCE)
    assert instance["StorageEncrypted"] is True
    assert instance["PubliclyAccessible"] is False
    assert instance["BackupRetentionPeriod"] == 7
    assert instance["CopyTagsToSnapshot"] is True
    assert instance["DeleteAutomatedBackups"] is False


def test_the_instance_survives_its_stack_and_a_replacement(default: Json) -> None:
    instance = only(default, INSTANCE)
    assert (instance["DeletionPolicy"], instance["UpdateReplacePolicy"]) == ("Retain", "Retain")
    assert instance["Properties"]["DeletionProtection"] is True


def test_only_an_explicit_option_lets_it_be_deleted() -> None:
    instance = only(made(removal_policy=RemovalPolicy.DESTROY), INSTANCE)
    assert instance["DeletionPolicy"] == "Delete"
    assert instance["Properties"]["DeletionProtection"] is False
    assert instance["Properties"]["DeleteAutomatedBackups"] is True


@pytest.mark.parametrize("wanted", [True, False])
def test_a_second_zone_is_a_choice(wanted: bool) -> None:
    assert properties(made(multi_az=wanted), INSTANCE)["MultiAZ"] is wanted


def test_rds_keeps_the_administrators_password_and_the_template_has_none(default: Json) -> None:
    instance = properties(default, INSTANCE)
    assert instance["ManageMasterUserPassword"] is True
    assert "MasterUserPassword" not in instance


def test_only_clients_reach_the_server(default: Json) -> None:
    (rule,) = of_type(default, "AWS::EC2::SecurityGroupIngress").values()
    settings = rule["Properties"]
    client = logical_id(default, "AWS::EC2::SecurityGroup", "DatabaseClientSecurityGroup")
    assert settings["SourceSecurityGroupId"] == {"Fn::GetAtt": [client, "GroupId"]}
    assert (settings["FromPort"], settings["ToPort"]) == (3306, 3306)


def test_a_proxy_requires_tls_and_knows_every_users_secret(behind_a_proxy: Json) -> None:
    proxy = properties(behind_a_proxy, "AWS::RDS::DBProxy")
    assert proxy["RequireTLS"] is True
    secrets = [auth["SecretArn"] for auth in proxy["Auth"]]
    assert len(secrets) == 3
    assert {"Fn::GetAtt": [logical_id(behind_a_proxy, INSTANCE), "MasterUserSecret.SecretArn"]} in secrets


def test_behind_a_proxy_the_instance_is_open_to_the_proxy_and_the_proxy_to_clients(
    behind_a_proxy: Json,
) -> None:
    ways = {
        (
            rule["Properties"]["GroupId"]["Fn::GetAtt"][0],
            rule["Properties"]["SourceSecurityGroupId"]["Fn::GetAtt"][0],
        )
        for rule in of_type(behind_a_proxy, "AWS::EC2::SecurityGroupIngress").values()
    }

    def group(part: str) -> str:
        return logical_id(behind_a_proxy, "AWS::EC2::SecurityGroup", part)

    proxy = group("DatabaseProxySecurityGroup")
    assert ways == {
        (group("DatabaseSecurityGroup"), proxy),
        (proxy, group("DatabaseClientSecurityGroup")),
    }
    assert len(of_type(behind_a_proxy, "AWS::EC2::SecurityGroupIngress")) == 2


def test_each_grant_reads_the_secrets_of_its_users_only() -> None:
    stack = new_stack()
    database = MySqlDatabase(stack, "Database", vpc=PrivateNetwork(stack, "Network").vpc)
    database.grant_application(callers_function(stack, "Application"))
    database.grant_reader(callers_function(stack, "Reader"))
    database.grant_administration(callers_function(stack, "Administrator"))
    template = synthesized(stack)
    read: dict[str, int] = {}
    for key, statement in statements(template):
        for name in ("Application", "Reader", "Administrator"):
            if key.startswith(name):
                assert "secretsmanager:GetSecretValue" in statement["Action"]
                read[name] = read.get(name, 0) + 1
    assert read == {"Application": 1, "Reader": 1, "Administrator": 3}
