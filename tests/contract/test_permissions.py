"""The functions' roles allow each AWS call that the functions make, and little more.

Every call of the test run's platform is written down (``recording/sitecustomize.py``); these tests run last.
"""

import json
import urllib.request
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

import pytest

from local.credentials import Credentials
from local.ports import Ports
from local.queues.event import mapping_event
from local.queues.stomp import Frame
from local.resources import BUCKET, LocalResources, function_name
from local.synthesis import synthesized
from local.templates import Resolver, Resource, Templates, Unresolved
from local.testing import PlatformHandle
from tests.e2e.client import Client
from tests.parts.uploads import post_form

LEDGER = {"from": "2026-01-01", "to": "2026-12-31"}
FUNCTIONS = ("api", "worker", "relay", "dead_letters", "migrator")
#: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html and
#: https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html#mpuAndPermissions
ACTIONS = {
    ("s3", "PutObject"): "s3:PutObject",
    ("s3", "CreateMultipartUpload"): "s3:PutObject",
    ("s3", "UploadPart"): "s3:PutObject",
    ("s3", "CompleteMultipartUpload"): "s3:PutObject",
    ("s3", "AbortMultipartUpload"): "s3:AbortMultipartUpload",
    ("s3", "GetObject"): "s3:GetObject",
    ("s3", "HeadObject"): "s3:GetObject",
    ("s3", "DeleteObject"): "s3:DeleteObject",
    ("s3", "ListMultipartUploads"): "s3:ListBucketMultipartUploads",
    ("s3", "ListObjectsV2"): "s3:ListBucket",
    ("s3", "HeadBucket"): "s3:ListBucket",
    ("secretsmanager", "GetSecretValue"): "secretsmanager:GetSecretValue",
}
#: What is allowed beyond the calls of a run, each with its reason.
UNSEEN = {
    "secretsmanager:DescribeSecret": "the CDK's grant to read a secret brings it",
    "s3:ListBucket": "tells a missing object from a forbidden one",
    "s3:DeleteObject": "takes away what a failed transaction, a lost lease or an expired report leaves",
    "s3:AbortMultipartUpload": "takes away what a cancelled or failed report or a lost lease leaves",
    "s3:ListBucketMultipartUploads": "finds what a lost lease leaves",
}
#: Called by Lambda itself and by the runtime, not through botocore.
_NOT_BOTO = ("ec2:", "logs:", "xray:", "mq:")


class _Values(LocalResources):
    """Names in policies too."""

    def attribute(self, resource: Resource, name: str) -> Any:
        if (resource.kind, name) == ("AWS::S3::Bucket", "Arn"):
            return f"arn:aws:s3:::{BUCKET if 'Results' in resource.logical_id else resource.logical_id}"
        try:
            return super().attribute(resource, name)
        except Unresolved:
            return f"{resource.logical_id}.{name}"

    def reference(self, resource: Resource) -> Any:
        try:
            return super().reference(resource)
        except Unresolved:
            return resource.logical_id


@pytest.fixture(scope="module")
def allowed() -> dict[str, list[tuple[str, str]]]:
    """Action and resource of everything that each function's role allows."""
    templates = Templates(synthesized())
    resolver = Resolver(templates, _Values(templates, Ports(base=17100), Credentials.generate()))
    rights: dict[str, list[tuple[str, str]]] = {}
    for function in templates.of_kind("AWS::Lambda::Function"):
        if function_name(function) in FUNCTIONS:
            role = function.properties["Role"]["Fn::GetAtt"][0]
            rights[function_name(function)] = list(_rights(templates, resolver, role))
    return rights


def _rights(templates: Templates, resolver: Resolver, role: str) -> Iterator[tuple[str, str]]:
    for policy in templates.of_kind("AWS::IAM::Policy"):
        if {"Ref": role} in policy.properties["Roles"]:
            document = resolver.of(policy, "PolicyDocument")
            for statement in document["Statement"]:
                for action in _list(statement["Action"]):
                    for resource in _list(statement["Resource"]):
                        yield action, resource


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _action(call: Mapping[str, str]) -> str:
    return ACTIONS[call["service"], call["operation"]]


def _resource(call: Mapping[str, str]) -> str:
    if "SecretId" in call:
        return call["SecretId"]
    return f"arn:aws:s3:::{call['Bucket']}" + (f"/{call['Key']}" if "Key" in call else "")


@pytest.fixture(scope="module")
def calls(local_platform: PlatformHandle) -> list[dict[str, str]]:
    """The calls of the run so far, and of every function at least once."""
    token = local_platform.token("permissions", ["reports/read", "reports/write"])
    client = Client(local_platform.endpoints["api"], token)
    assert client.call("GET", "/health").status == 200
    rows = [[f"{number:06d}" * 20] for number in range(1000)]
    table = {"title": "Rows", "columns": [{"key": "a", "label": "A"}], "rows": rows}
    for body in (
        {"format": "xlsx", "table": table},
        {"format": "pdf", "report_type": "monthly_sales", "parameters": LEDGER},
        {"format": "xlsx", "report_type": "order_ledger", "parameters": LEDGER},
    ):
        report = client.wait(client.generate(body)["id"])
        assert report["done"]
        rerun = client.call("POST", f"/reports/{report['id']}/rerun")
        assert rerun.status == 202, rerun.data
        assert client.wait(rerun.json["id"])["done"]
    frame = Frame("MESSAGE", {"destination": "/queue/DLQ.x", "message-id": "permissions-1"}, b"rubbish")
    event = json.dumps(mapping_event(frame, redelivered=False)).encode()
    url = f"{local_platform.endpoints['functions']}/2015-03-31/functions/dead_letters/invocations"
    with urllib.request.urlopen(urllib.request.Request(url, data=event), timeout=60) as answer:  # noqa: S310
        assert answer.status == 200
    made = client.call("POST", "/datasets", body={"format": "csv"}).json
    form = made["upload"]
    assert post_form(form["url"], form["fields"], b"a\n1\n").status == 204
    rows_of_a_file = {"title": "Rows", "columns": [{"key": "a"}], "dataset": {"id": made["id"]}}
    assert client.wait(client.generate({"format": "csv", "table": rows_of_a_file})["id"])["done"]
    # What a client sends with a form, it does with the rights of who signed it.
    upload = {"function": "prensa-api", "service": "s3", "operation": "PutObject"}
    upload |= {"Bucket": BUCKET, "Key": form["fields"]["key"]}
    lines = (local_platform.home.path / "calls.jsonl").read_text().splitlines()
    return [upload, *(json.loads(line) for line in lines)]


def test_every_call_of_a_run_is_allowed(
    calls: list[dict[str, str]], allowed: dict[str, list[tuple[str, str]]]
) -> None:
    assert {call["function"] for call in calls} == {f"prensa-{name}" for name in FUNCTIONS}
    for call in calls:
        action = _action(call)
        rights = allowed[call["function"].removeprefix("prensa-")]
        assert any(action == name and fnmatchcase(_resource(call), resource) for name, resource in rights), (
            f"{call['function']} may not {action} on {_resource(call)}"
        )


def test_little_more_is_allowed_than_a_run_needs(
    calls: list[dict[str, str]], allowed: dict[str, list[tuple[str, str]]]
) -> None:
    used = {(call["function"].removeprefix("prensa-"), _action(call), _resource(call)) for call in calls}
    unused = [
        f"{function}: {action} on {resource}"
        for function, rights in allowed.items()
        for action, resource in rights
        if action not in UNSEEN
        and not action.startswith(_NOT_BOTO)
        and "ConsumerSecret" not in resource
        and not any(
            (function, action) == (name, seen) and fnmatchcase(on, resource) for name, seen, on in used
        )
    ]
    assert unused == []


def test_the_consumers_secret_is_read_by_the_mapping_and_by_no_function(
    calls: list[dict[str, str]], allowed: dict[str, list[tuple[str, str]]]
) -> None:
    holders = {name for name, rights in allowed.items() if any("ConsumerSecret" in r for _, r in rights)}
    assert holders == {"worker", "dead_letters"}
    assert not [call for call in calls if "ConsumerSecret" in call.get("SecretId", "")]
