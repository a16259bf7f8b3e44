"""Apps for tests, and what to look for in their templates."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from aws_cdk.assertions import Template
from constructs import Construct

from constructs_lib import PythonCode, PythonFunction

type Json = dict[str, Any]

ROOT = Path(__file__).resolve().parents[2]
#: The feature flags of an app of today, as `cdk init` writes them.
RECOMMENDED_FLAGS: Json = json.loads((ROOT / "cdk.json").read_text("utf-8"))["context"]
#: What a deployment must not replace.
STATEFUL = {
    "AWS::AmazonMQ::Broker",
    "AWS::Cognito::UserPool",
    "AWS::ElastiCache::ReplicationGroup",
    "AWS::RDS::DBInstance",
    "AWS::S3::Bucket",
    "AWS::SecretsManager::Secret",
    "AWS::CloudFront::PublicKey",
    "AWS::CloudFront::Distribution",
}


def new_app(context: Mapping[str, Any] | None = None, *, bundle: bool = False) -> cdk.App:
    """An app without the functions' code, which most tests have no use for."""
    return cdk.App(
        analytics_reporting=False,
        context=dict(context or {}),
        post_cli_context=None if bundle else {"aws:cdk:bundling-stacks": []},
        builtin_cloud_formation_validation=False,
    )


def new_stack(context: Mapping[str, Any] | None = None, *, name: str = "Stack") -> cdk.Stack:
    return cdk.Stack(new_app(context), name)


def synthesized(stack: cdk.Stack) -> Json:
    """The template of ``stack``; the whole app is synthesized, and cycles are errors."""
    return dict(Template.from_stack(stack).to_json())


def of_type(template: Json, kind: str) -> dict[str, Json]:
    """The resources of one type by logical id."""
    return {key: value for key, value in template["Resources"].items() if value["Type"] == kind}


def only(template: Json, kind: str) -> Json:
    """The only resource of its type."""
    (resource,) = of_type(template, kind).values()
    found: Json = resource
    return found


def properties(template: Json, kind: str) -> Json:
    found: Json = only(template, kind)["Properties"]
    return found


def logical_id(template: Json, kind: str, part: str = "") -> str:
    (found,) = (key for key in of_type(template, kind) if part in key)
    return found


def statements(template: Json, *, role: str | None = None) -> Iterator[tuple[str, Json]]:
    """Every IAM statement of identities with the id of its policy or role; of one ``role`` only if given."""
    for key, resource in template["Resources"].items():
        settings = resource.get("Properties", {})
        if resource["Type"] == "AWS::IAM::Policy":
            if role is None or {"Ref": role} in settings["Roles"]:
                yield from ((key, statement) for statement in settings["PolicyDocument"]["Statement"])
        elif resource["Type"] == "AWS::IAM::Role" and role in (None, key):
            for policy in settings.get("Policies", []):
                yield from ((key, statement) for statement in policy["PolicyDocument"]["Statement"])


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def actions(template: Json, role: str) -> set[str]:
    return {
        action for _, statement in statements(template, role=role) for action in as_list(statement["Action"])
    }


def functions(template: Json) -> dict[str, Json]:
    """The properties of our own functions by their handler's package; the CDK's own run on Node.js."""
    return {
        resource["Properties"]["Handler"].split(".")[0]: resource["Properties"]
        for resource in of_type(template, "AWS::Lambda::Function").values()
        if resource["Properties"]["Runtime"].startswith("python")
    }


def normalized(template: Json) -> Json:
    """``template`` without what changes with the code of functions: asset hashes and the ids made of them."""
    text = json.dumps(template, sort_keys=True)
    text = re.sub(r"\b[0-9a-f]{64}\b", "HASH", text)
    text = re.sub(r"(CurrentVersion[0-9A-F]{8})[0-9a-f]{32,40}", r"\1", text)
    text = re.sub(r"(Deployment[0-9A-F]{8})[0-9a-f]{32,40}", r"\1", text)
    found: Json = json.loads(text)
    return found


def small_code(folder: Path) -> PythonCode:
    """A function of one line, without packages."""
    package = folder / "sources" / "small"
    package.mkdir(parents=True, exist_ok=True)
    (package / "__init__.py").touch()
    (package / "handler.py").write_text("def handler(event, context):\n    return event\n")
    lock = folder / "small.txt"
    lock.touch()
    return PythonCode(sources=folder / "sources", handler="small.handler.handler", requirements=lock)


def relay_code() -> PythonCode:
    return PythonCode(
        sources=ROOT / "lambdas",
        handler="relay.handler.handler",
        requirements=ROOT / "requirements" / "relay.txt",
    )


def python_function(scope: Construct, construct_id: str = "Function", **options: Any) -> PythonFunction:
    return PythonFunction(scope, construct_id, code=relay_code(), **options)


def callers_function(scope: Construct, construct_id: str = "Mine", **options: Any) -> lambda_.Function:
    """A function of someone who uses the constructs."""
    return lambda_.Function(
        scope,
        construct_id,
        runtime=lambda_.Runtime.PYTHON_3_13,
        handler="index.handler",
        code=lambda_.Code.from_inline("def handler(event, context): ..."),
        **options,
    )
