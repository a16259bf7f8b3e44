"""What users of a construct library run into: names, tokens, networks, flags, references, tags, secrets."""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_ssm as ssm
from aws_cdk.assertions import Annotations, Match

from constructs_lib import (
    ActiveMqBroker,
    ApiIdentity,
    Lanes,
    MySqlDatabase,
    PrivateNetwork,
    PythonCode,
    ReportApi,
    ReportLimits,
    ReportService,
    SignedDistribution,
    StatusCache,
    Throttle,
)
from tests.constructs_lib.support import (
    RECOMMENDED_FLAGS,
    ROOT,
    STATEFUL,
    Json,
    callers_function,
    new_app,
    new_stack,
    normalized,
    of_type,
    properties,
    python_function,
    synthesized,
)
from tests.constructs_lib.wrong_props import WRONG, Wrong

#: Properties that must be unique in an account, by type.
_NAMES = {
    "AWS::S3::Bucket": "BucketName",
    "AWS::AmazonMQ::Broker": "BrokerName",
    "AWS::AmazonMQ::Configuration": "Name",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::Logs::ResourcePolicy": "PolicyName",
    "AWS::SecretsManager::Secret": "Name",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::CloudWatch::Alarm": "AlarmName",
    "AWS::IAM::Role": "RoleName",
    "AWS::RDS::DBInstance": "DBInstanceIdentifier",
    "AWS::RDS::DBProxy": "DBProxyName",
    "AWS::ElastiCache::ReplicationGroup": "ReplicationGroupId",
    "AWS::WAFv2::WebACL": "Name",
    "AWS::Events::Rule": "Name",
    "AWS::Cognito::UserPoolDomain": "Domain",
}
_CLOUDFRONT_NAMES = {
    "AWS::CloudFront::OriginAccessControl": "OriginAccessControlConfig",
    "AWS::CloudFront::KeyGroup": "KeyGroupConfig",
    "AWS::CloudFront::PublicKey": "PublicKeyConfig",
    "AWS::CloudFront::ResponseHeadersPolicy": "ResponseHeadersPolicyConfig",
}


def names(template: Json) -> list[tuple[str, str]]:
    """Every physical name that is given, with its type."""
    found = []
    for resource in template["Resources"].values():
        kind, settings = resource["Type"], resource.get("Properties", {})
        if kind in _NAMES and _NAMES[kind] in settings:
            found.append((kind, json.dumps(settings[_NAMES[kind]])))
        elif kind in _CLOUDFRONT_NAMES:
            found.append((kind, json.dumps(settings[_CLOUDFRONT_NAMES[kind]]["Name"])))
    return found


def stateful(template: Json) -> dict[str, str]:
    """The logical ids of what a deployment must not replace."""
    return {key: r["Type"] for key, r in template["Resources"].items() if r["Type"] in STATEFUL}


def service(context: Json | None = None, **options: Any) -> Json:
    stack = new_stack(context)
    ReportService(stack, "Reports", **options)
    return synthesized(stack)


def imported_vpc(stack: cdk.Stack, zones: int) -> ec2.IVpc:
    return ec2.Vpc.from_vpc_attributes(
        stack,
        "Vpc",
        vpc_id="vpc-1",
        availability_zones=[f"eu-west-1{letter}" for letter in "abc"[:zones]],
        private_subnet_ids=[f"subnet-{number}" for number in range(zones)],
    )


def vpc_of_tokens(stack: cdk.Stack) -> ec2.IVpc:
    return ec2.Vpc.from_vpc_attributes(
        stack,
        "Vpc",
        vpc_id=cdk.Fn.import_value("Vpc"),
        availability_zones=cdk.Fn.get_azs(),
        private_subnet_ids=cdk.Fn.split(",", cdk.Fn.import_value("Subnets")),
    )


def part_in(stack: cdk.Stack, name: str, vpc: ec2.IVpc) -> Any:
    if name == "broker":
        return ActiveMqBroker(stack, "Part", vpc=vpc, queues=Lanes().names)
    return {"cache": StatusCache, "database": MySqlDatabase}[name](stack, "Part", vpc=vpc)


# G01


def test_two_services_of_a_stack_share_no_physical_name_and_no_export() -> None:
    stack = new_stack()
    ReportService(stack, "A")
    ReportService(stack, "B")
    template = synthesized(stack)
    assert [name for name, count in Counter(names(template)).items() if count > 1] == []
    assert not [output for output in template["Outputs"].values() if "Export" in output]


def test_two_databases_of_an_account_have_proxies_of_different_names() -> None:
    stack = new_stack()
    vpc = PrivateNetwork(stack, "Network").vpc
    for name in ("A", "B"):
        MySqlDatabase(stack, name, vpc=vpc, proxy=True)
    found = [
        p["Properties"]["DBProxyName"] for p in of_type(synthesized(stack), "AWS::RDS::DBProxy").values()
    ]
    assert len(set(found)) == 2


# G02


def test_stacks_of_equal_ids_and_other_names_share_no_physical_name() -> None:
    templates = []
    for name in ("First", "Second"):
        stack = cdk.Stack(new_app(), "Stack", stack_name=name)
        ReportService(stack, "Reports")
        templates.append(names(synthesized(stack)))
    # Cognito's domain and a mapping's name are the region's; ids make the rest.
    assert not set(templates[0]) & set(templates[1])


def test_names_of_the_whole_account_tell_the_region(default_service: Json) -> None:
    found = [name for kind, name in names(default_service) if kind in _CLOUDFRONT_NAMES]
    assert len(found) == 4
    assert all('{"Ref": "AWS::Region"}' in name for name in found)


def test_long_ids_of_stack_and_construct_keep_names_within_their_limits() -> None:
    stack = cdk.Stack(new_app(), "S" * 60)
    ReportService(stack, "R" * 40)
    template = synthesized(stack)
    assert len(properties(template, "AWS::AmazonMQ::Broker")["BrokerName"]) <= 50
    control = properties(template, "AWS::CloudFront::OriginAccessControl")["OriginAccessControlConfig"]
    # The longest name of a region has 14 letters; CloudFront takes 64.
    assert (
        len("".join(part if isinstance(part, str) else 14 * "r" for part in control["Name"]["Fn::Join"][1]))
        <= 64
    )


def test_a_domains_prefix_has_no_word_that_cognito_keeps_for_itself() -> None:
    stack = new_stack(name="MyAwsStack")
    ApiIdentity(stack, "AmazonCognito")
    prefix = properties(synthesized(stack), "AWS::Cognito::UserPoolDomain")["Domain"]["Fn::Join"][1][0]
    assert re.fullmatch(r"mya0sstack-a0azonc0gnito-[0-9a-f]{8}", prefix)


# G03


def test_values_that_deployment_knows_pass_through_unharmed() -> None:
    stack = new_stack()
    text = cdk.CfnParameter(stack, "Text").value_as_string
    number: Any = cdk.CfnParameter(stack, "Number", type="Number").value_as_number
    stored = ssm.StringParameter.value_for_string_parameter(stack, "/a/b")
    vpc = PrivateNetwork(stack, "Network").vpc
    ReportService(
        stack,
        "Reports",
        vpc=vpc,
        database=MySqlDatabase(
            stack, "Database", vpc=vpc, schema=text, storage_gb=number, backup_days=number, max_storage_gb=200
        ),
        cache=StatusCache(stack, "Cache", vpc=vpc, node_type=text, engine_version=stored),
        bucket=s3.Bucket.from_bucket_name(stack, "Own", text),
        source_schema=stored,
        default_locale=text,
        api_memory=number,
        worker_memory=number,
        limits=ReportLimits(max_attempts=number, link_ttl_seconds=number),
        throttle=Throttle(rate=number, burst=number),
        firewall=False,
    )
    template = json.dumps(synthesized(stack))
    assert "${Token[" not in template
    assert not re.search(r"TOKEN\.\d|e\+\d{2,}", template)


@pytest.mark.parametrize(
    ("prop", "make"),
    [
        ("queues", lambda s, t, n: ActiveMqBroker(s, "X", vpc=PrivateNetwork(s, "N").vpc, queues=[t])),
        ("replicas", lambda s, t, n: StatusCache(s, "X", vpc=PrivateNetwork(s, "N").vpc, replicas=n)),
        ("cidr", lambda s, t, n: PrivateNetwork(s, "X", cidr=t)),
        ("result_days", lambda s, t, n: SignedDistribution(s, "X", result_days=n)),
        ("signing_keys", lambda s, t, n: SignedDistribution(s, "X", signing_keys=[t])),
        (
            r"throttle\.rate",
            lambda s, t, n: ReportApi(s, "X", handler=callers_function(s), throttle=Throttle(rate=n)),
        ),
        ("timeout", lambda s, t, n: python_function(s, "X", timeout=cdk.Duration.seconds(n))),
        (
            r"limits\.tenant_window",
            lambda s, t, n: ReportService(s, "X", limits=ReportLimits(tenant_window=n)),
        ),
    ],
)
def test_a_value_that_something_is_computed_from_must_be_known(
    prop: str, make: Callable[[cdk.Stack, str, float], object]
) -> None:
    stack = new_stack()
    text = cdk.CfnParameter(stack, "Text").value_as_string
    number = cdk.CfnParameter(stack, "Number", type="Number").value_as_number
    with pytest.raises(ValueError, match=rf"Stack/X: {prop} must be known at synthesis"):
        make(stack, text, number)


# G04


@pytest.mark.parametrize("zones", [1, 2, 3])
def test_an_imported_network_of_any_number_of_private_subnets_is_used(zones: int) -> None:
    stack = new_stack()
    ReportService(stack, "Reports", vpc=imported_vpc(stack, zones))
    template = synthesized(stack)
    assert properties(template, "AWS::AmazonMQ::Broker")["SubnetIds"] == ["subnet-0"]
    assert len(properties(template, "AWS::RDS::DBSubnetGroup")["SubnetIds"]) == zones


@pytest.mark.parametrize(
    ("make", "warnings"),
    [
        (lambda s: imported_vpc(s, 1), 1),
        (lambda s: imported_vpc(s, 2), 0),
        (lambda s: ec2.Vpc(s, "Vpc", max_azs=1), 1),
        (lambda s: ec2.Vpc(s, "Vpc", max_azs=2), 0),
        (vpc_of_tokens, 0),
    ],
    ids=["imported, one", "imported, two", "made, one", "made, two", "tokens"],
)
def test_a_database_in_one_zone_is_warned_of_since_rds_takes_none(
    make: Callable[[cdk.Stack], ec2.IVpc], warnings: int
) -> None:
    stack = new_stack()
    MySqlDatabase(stack, "Database", vpc=make(stack))
    found = Annotations.from_stack(stack).find_warning("*", Match.string_like_regexp("one zone only"))
    assert len(found) == warnings


def test_zones_are_selected_at_deployment_where_no_environment_is_known(default_service: Json) -> None:
    zones = [
        s["Properties"]["AvailabilityZone"] for s in of_type(default_service, "AWS::EC2::Subnet").values()
    ]
    assert zones == [{"Fn::Select": [n, {"Fn::GetAZs": ""}]} for n in (0, 1)]


def test_zones_of_the_context_are_used_where_an_environment_is_known() -> None:
    zones = {"availability-zones:account=111111111111:region=eu-west-1": ["eu-west-1a", "eu-west-1b"]}
    stack = cdk.Stack(
        new_app(zones), "Stack", env=cdk.Environment(account="111111111111", region="eu-west-1")
    )
    ReportService(stack, "Reports")
    assert "dummy1" not in json.dumps(synthesized(stack))


# G05


@pytest.mark.parametrize(("multi_az", "subnets"), [(False, 1), (True, 2)])
def test_a_broker_in_three_private_subnets_takes_as_many_as_its_mode_needs(
    multi_az: bool, subnets: int
) -> None:
    stack = new_stack()
    ActiveMqBroker(stack, "Broker", vpc=imported_vpc(stack, 3), queues=["reports"], multi_az=multi_az)
    chosen = properties(synthesized(stack), "AWS::AmazonMQ::Broker")["SubnetIds"]
    assert chosen == [f"subnet-{number}" for number in range(subnets)]


@pytest.mark.parametrize(("multi_az", "subnets"), [(False, 1), (True, 2)])
def test_a_broker_takes_as_many_subnets_of_a_list_that_deployment_knows(multi_az: bool, subnets: int) -> None:
    stack = new_stack()
    ActiveMqBroker(stack, "Broker", vpc=vpc_of_tokens(stack), queues=["reports"], multi_az=multi_az)
    ids = {"Fn::Split": [",", {"Fn::ImportValue": "Subnets"}]}
    chosen = properties(synthesized(stack), "AWS::AmazonMQ::Broker")["SubnetIds"]
    assert chosen == [{"Fn::Select": [number, ids]} for number in range(subnets)]


def test_a_pair_in_one_zone_is_refused() -> None:
    stack = new_stack()
    with pytest.raises(ValueError, match=r"Stack/Broker: multi_az needs private subnets in 2 zones; .* in 1"):
        ActiveMqBroker(stack, "Broker", vpc=imported_vpc(stack, 1), queues=["reports"], multi_az=True)


# G06


def test_what_holds_data_survives_its_stack(default_service: Json) -> None:
    # What can be made anew: the cache, its password, and what CloudFront reads.
    gone = {
        key
        for key in stateful(default_service)
        if default_service["Resources"][key].get("DeletionPolicy", "Delete") != "Retain"
    }
    kinds = {default_service["Resources"][key]["Type"] for key in gone}
    assert kinds == {
        "AWS::ElastiCache::ReplicationGroup",
        "AWS::SecretsManager::Secret",
        "AWS::CloudFront::PublicKey",
        "AWS::CloudFront::Distribution",
    }
    assert [key for key in gone if "Secret" in key and "Cache" not in key] == []


def test_destroy_is_an_explicit_option_and_leaves_nothing_behind() -> None:
    template = service(removal_policy=cdk.RemovalPolicy.DESTROY)
    kept = {
        template["Resources"][key]["Type"]
        for key in stateful(template)
        if template["Resources"][key].get("DeletionPolicy", "Delete") != "Delete"
    }
    assert kept == set()
    assert len(of_type(template, "Custom::S3AutoDeleteObjects")) == 2


# G07


def test_ids_of_what_holds_data_stay_when_options_are_turned_on(default_service: Json) -> None:
    changed = service(
        multi_az=True,
        snap_start=True,
        firewall=False,
        lanes=Lanes(interactive=2, bulk=3),
        limits=ReportLimits(result_days=30),
        report_types=ROOT / "report_types",
        cors_origins=["https://app.example.com"],
        throttle=Throttle(rate=5),
    )
    assert stateful(changed) == stateful(default_service)


def test_ids_of_what_holds_data_are_those_of_the_first_release(default_service: Json, snapshot: Any) -> None:
    assert stateful(default_service) == snapshot


# G08, G09


def test_parts_of_another_stack_are_used_without_a_cycle() -> None:
    app = new_app()
    data, work = cdk.Stack(app, "Data"), cdk.Stack(app, "Work")
    vpc = PrivateNetwork(data, "Network").vpc
    ReportService(
        work,
        "Reports",
        vpc=vpc,
        database=MySqlDatabase(data, "Database", vpc=vpc, proxy=True),
        broker=ActiveMqBroker(data, "Broker", vpc=vpc, queues=Lanes().names),
        cache=StatusCache(data, "Cache", vpc=vpc),
        files=SignedDistribution(data, "Files"),
        user_pool=ApiIdentity(data, "Identity").user_pool,
    )
    assert synthesized(work)["Resources"]
    assert data not in work.dependencies or work not in data.dependencies


@pytest.mark.parametrize("part", ["broker", "cache", "database"])
def test_the_network_of_a_part_is_that_of_the_service(part: str) -> None:
    stack = new_stack()
    vpc = PrivateNetwork(stack, "Network").vpc
    ReportService(stack, "Reports", **{part: part_in(stack, part, vpc)})
    template = synthesized(stack)
    assert len(of_type(template, "AWS::EC2::VPC")) == 1


@pytest.mark.parametrize("part", ["broker", "cache", "database"])
def test_parts_of_two_networks_are_refused(part: str) -> None:
    stack = new_stack()
    vpc, other = (PrivateNetwork(stack, name).vpc for name in ("Network", "Other"))
    given = {part: part_in(stack, part, other)}
    with pytest.raises(ValueError, match=rf"Stack/X: vpc and {part} must be in one VPC, .* Stack/Other/Vpc"):
        ReportService(stack, "X", vpc=vpc, **given)


def test_a_network_that_is_imported_twice_is_one() -> None:
    app = new_app()
    data, work = cdk.Stack(app, "Data"), cdk.Stack(app, "Work")
    broker = ActiveMqBroker(data, "Broker", vpc=imported_vpc(data, 2), queues=Lanes().names)
    ReportService(work, "Reports", vpc=imported_vpc(work, 2), broker=broker)
    assert synthesized(work)["Resources"]


def test_a_bucket_of_another_stack_is_refused_with_the_way_to_use_it() -> None:
    app = new_app()
    data, work = cdk.Stack(app, "Data"), cdk.Stack(app, "Work")
    bucket = s3.Bucket(data, "Bucket")
    with pytest.raises(ValueError, match=r"Work/X/Files: bucket must be .*, Work, got one of Data\. Make"):
        ReportService(work, "X", bucket=bucket)
    files = SignedDistribution(data, "Files", bucket=bucket)
    ReportService(work, "Reports", files=files)
    SignedDistribution(cdk.NestedStack(data, "Nested"), "Files", bucket=bucket)
    assert synthesized(work)["Resources"]


def test_a_function_of_the_callers_in_another_stack_gets_access_without_a_cycle() -> None:
    app = new_app()
    data, work = cdk.Stack(app, "Data"), cdk.Stack(app, "Work")
    vpc = PrivateNetwork(data, "Network").vpc
    database = MySqlDatabase(data, "Database", vpc=vpc)
    broker = ActiveMqBroker(data, "Broker", vpc=vpc, queues=["reports"])
    cache = StatusCache(data, "Cache", vpc=vpc)
    files = SignedDistribution(data, "Files")
    subnets = ec2.SubnetSelection(subnets=vpc.isolated_subnets)
    groups = [part.client_security_group for part in (database, broker, cache)]
    function = callers_function(work, vpc=vpc, vpc_subnets=subnets, security_groups=groups)
    for grant in (
        broker.grant_publish,
        broker.grant_consume,
        database.grant_application,
        database.grant_reader,
        database.grant_administration,
        cache.grant_connect,
        files.grant_sign,
    ):
        grant(function)
        # The other way round: the function is where the parts are.
        grant(callers_function(data, f"Near{grant.__name__}"))
    assert synthesized(work)["Resources"]


def test_a_part_is_a_peer_of_the_cdks_own_connections() -> None:
    app = new_app()
    data, work = cdk.Stack(app, "Data"), cdk.Stack(app, "Work")
    vpc = PrivateNetwork(data, "Network").vpc
    subnets = ec2.SubnetSelection(subnets=vpc.isolated_subnets)
    function = callers_function(work, vpc=vpc, vpc_subnets=subnets)
    function.connections.allow_to_default_port(MySqlDatabase(data, "Database", vpc=vpc))
    function.connections.allow_to_default_port(StatusCache(data, "Cache", vpc=vpc))
    function.connections.allow_to_default_port(ActiveMqBroker(data, "Broker", vpc=vpc, queues=["reports"]))
    rules = of_type(synthesized(work), "AWS::EC2::SecurityGroupIngress")
    # The server's port is an attribute of the server.
    ports = {json.dumps(rule["Properties"]["ToPort"]) for rule in rules.values()}
    assert {"6379", "61614"} <= ports
    assert len(ports) == 3


def test_a_python_function_is_a_grantee_of_the_cdks_own_grants() -> None:
    stack = new_stack()
    s3.Bucket(stack, "Bucket").grant_read(python_function(stack))
    assert "s3:GetObject*" in json.dumps(synthesized(stack))


def test_a_service_in_one_stack_exports_nothing(default_service: Json) -> None:
    assert not [output for output in default_service["Outputs"].values() if "Export" in output]


# G10

_BARE_APP = """
import sys
from pathlib import Path
import aws_cdk as cdk
from constructs_lib import ReportService
app = cdk.App(analytics_reporting=False, outdir=sys.argv[1], builtin_cloud_formation_validation=False)
ReportService(cdk.Stack(app, "Stack"), "Reports", report_types=Path("report_types"))
app.synth()
"""


def test_synthesis_needs_no_docker_and_no_credentials_and_gives_the_same_hashes_again(tmp_path: Path) -> None:
    # Only what bundling calls is on PATH: no docker, and no registry is asked for what the cache has.
    environment = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("AWS_", "CDK_")) and key not in ("PATH", "PYTHONPATH")
    }
    environment |= {"PATH": str(tmp_path), "PYTHONPATH": str(ROOT)}
    hashes = []
    for name in ("first", "second"):
        out = tmp_path / name
        subprocess.run(
            [sys.executable, "-c", _BARE_APP, str(out)],
            cwd=ROOT,
            env=environment,
            check=True,
            capture_output=True,
            timeout=100,
        )
        hashes.append(sorted(path.name for path in out.glob("asset.*")))
        functions = [path for path in out.glob("asset.*") if (path / "reporting").is_dir()]
        assert len(functions) == 5
        assert not [path for path in out.rglob("*.pyc") if "asset." in str(path)]
    assert hashes[0] == hashes[1]


# G11

#: The CDK makes these with raw resources, which know no tags; they belong to its own custom resources.
_UNTAGGED = ("AWSCDKTriggerCustomResourceProvider", "CustomVpcRestrictDefaultSG")


@pytest.fixture(scope="module")
def tagged() -> Json:
    stack = new_stack()
    ReportService(stack, "Reports")
    cdk.Tags.of(stack.node.root).add("cost-center", "42")
    boundary = iam.ManagedPolicy.from_aws_managed_policy_name("PowerUserAccess")
    iam.PermissionsBoundary.of(stack.node.root).apply(boundary)
    return synthesized(stack)


@pytest.mark.parametrize(
    "kind",
    [
        *sorted(STATEFUL - {"AWS::CloudFront::PublicKey"}),
        "AWS::AmazonMQ::Configuration",
        "AWS::ApiGateway::RestApi",
        "AWS::ApiGateway::Stage",
        "AWS::CloudWatch::Alarm",
        "AWS::EC2::SecurityGroup",
        "AWS::EC2::VPC",
        "AWS::EC2::VPCEndpoint",
        "AWS::IAM::Role",
        "AWS::Lambda::EventSourceMapping",
        "AWS::Lambda::Function",
        "AWS::Logs::LogGroup",
        "AWS::RDS::DBParameterGroup",
        "AWS::WAFv2::WebACL",
    ],
)
def test_the_apps_tags_reach_every_resource_that_takes_tags(tagged: Json, kind: str) -> None:
    found = of_type(tagged, kind)
    assert found
    without = [
        key
        for key, resource in found.items()
        if "cost-center" not in json.dumps(resource["Properties"]) and not key.startswith(_UNTAGGED)
    ]
    assert without == []


def test_a_permissions_boundary_reaches_every_role(tagged: Json) -> None:
    roles = of_type(tagged, "AWS::IAM::Role")
    assert [key for key, role in roles.items() if "PermissionsBoundary" not in role["Properties"]] == []


# G12


def test_rules_do_not_grow_with_the_number_of_clients() -> None:
    def rules(clients: int) -> int:
        stack = new_stack()
        vpc = PrivateNetwork(stack, "Network", flow_logs=False).vpc
        broker = ActiveMqBroker(stack, "Broker", vpc=vpc, queues=["reports"])
        database = MySqlDatabase(stack, "Database", vpc=vpc)
        subnets = ec2.SubnetSelection(subnets=vpc.isolated_subnets)
        for number in range(clients):
            function = callers_function(
                stack,
                f"Client{number}",
                vpc=vpc,
                vpc_subnets=subnets,
                security_groups=[broker.client_security_group, database.client_security_group],
            )
            broker.grant_publish(function)
            database.grant_application(function)
        template = synthesized(stack)
        return sum(len(of_type(template, f"AWS::EC2::SecurityGroup{way}")) for way in ("Ingress", "Egress"))

    assert rules(80) == rules(1) <= 10


# G13


@pytest.mark.parametrize(
    "flags",
    [RECOMMENDED_FLAGS, {"@aws-cdk/aws-rds:lowercaseDbIdentifier": True}],
    ids=["recommended", "lowercase ids"],
)
def test_feature_flags_of_the_app_change_neither_ids_nor_what_is_secure(
    default_service: Json, flags: Json
) -> None:
    flagged, plain = normalized(service(flags)), normalized(default_service)
    assert flagged["Resources"].keys() == plain["Resources"].keys()
    # Flags may write a policy shorter, an ARN with or without its last part, and have a deployment of the
    # API wait for the authorizer, which its methods wait for anyway.
    free = {
        "AWS::IAM::Policy",
        "AWS::IAM::Role",
        "AWS::ApiGateway::Deployment",
        "AWS::ApiGateway::Stage",
    }
    for key, resource in plain["Resources"].items():
        if resource["Type"] not in free:
            assert flagged["Resources"][key] == resource, key


# G14


def test_no_template_holds_a_secret(default_service: Json) -> None:
    text = json.dumps(default_service)
    assert "PRIVATE KEY" not in text
    assert not re.search(r"://[^\"/ ]+:[^\"/ ]+@", text)
    for secret in of_type(default_service, "AWS::SecretsManager::Secret").values():
        assert "SecretString" not in secret["Properties"]
    for function in of_type(default_service, "AWS::Lambda::Function").values():
        for name, value in function["Properties"].get("Environment", {}).get("Variables", {}).items():
            assert "resolve:secretsmanager" not in json.dumps(value)
            assert not name.endswith(("PASSWORD", "TOKEN", "PRIVATE_KEY")), name
    for kind, name in (
        ("AWS::AmazonMQ::Broker", "Password"),
        ("AWS::ElastiCache::ReplicationGroup", "AuthToken"),
    ):
        settings = json.dumps(properties(default_service, kind))
        assert re.search(rf'"{name}": {{"Fn::Join": \["", \["{{{{resolve:secretsmanager:', settings)


# G15


@pytest.mark.parametrize(("message", "make"), WRONG, ids=[message for message, _ in WRONG])
def test_a_wrong_value_is_refused_with_its_place_its_name_and_what_is_allowed(
    message: str, make: Wrong
) -> None:
    stack = new_stack()
    network = PrivateNetwork(stack, "Network").vpc
    with pytest.raises((TypeError, ValueError), match=rf"^Stack/(I/)?X: .*{message}"):
        make(stack, network)


@pytest.mark.parametrize(
    ("count", "error", "message"),
    [
        (0, ValueError, "bulk must be from 1 to 20 queues, got 0"),
        ("2", TypeError, "bulk must be a whole number"),
    ],
)
def test_a_wrong_number_of_lanes_is_refused(count: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Lanes(bulk=count)


def test_a_path_given_as_text_is_refused() -> None:
    with pytest.raises(TypeError, match="sources must be a Path, got 'lambdas'"):
        PythonCode(sources="lambdas", handler="a.b", requirements=Path("c"))  # type: ignore[arg-type]


def test_a_network_of_public_subnets_only_is_refused() -> None:
    stack = new_stack()
    vpc = ec2.Vpc.from_vpc_attributes(
        stack, "Vpc", vpc_id="vpc-1", availability_zones=["a"], public_subnet_ids=["subnet-1"]
    )
    with pytest.raises(ValueError, match="the VPC has no private or isolated subnets"):
        ReportService(stack, "Reports", vpc=vpc)
