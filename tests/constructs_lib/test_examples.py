"""The examples in the docstrings run as they are written."""

import inspect
import textwrap
from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

import constructs_lib
from constructs_lib import ActiveMqBroker, ApiIdentity, PrivateNetwork
from tests.constructs_lib.support import ROOT, new_stack, python_function, synthesized

CONSTRUCTS = sorted(
    name
    for name in constructs_lib.__all__
    if inspect.isclass(kind := getattr(constructs_lib, name)) and issubclass(kind, Construct)
)


def example(name: str) -> str:
    """The block below ``Example::`` in the docstring of the construct ``name``."""
    text = inspect.getdoc(getattr(constructs_lib, name)) or ""
    _, found, block = text.partition("Example::\n")
    assert found, f"{name} has no example"
    return textwrap.dedent(block)


def prepared(stack: cdk.Stack) -> dict[str, object]:
    """What the examples take for granted, in a folder of its own in the tree."""
    around = Construct(stack, "Around")
    network = PrivateNetwork(around, "Network")
    return {
        **{name: getattr(constructs_lib, name) for name in constructs_lib.__all__},
        "Path": Path,
        "cloudfront": cloudfront,
        "ec2": ec2,
        "stack": stack,
        "network": network,
        "broker": ActiveMqBroker(around, "Broker", vpc=network.vpc, queues=["reports"]),
        "identity": ApiIdentity(around, "Identity"),
        "function": python_function(around, vpc=network.vpc),
    }


@pytest.mark.parametrize("name", CONSTRUCTS)
def test_the_example_of_a_construct_synthesizes_as_written(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    stack = new_stack()
    exec(compile(example(name), f"{name}'s example", "exec"), prepared(stack))  # noqa: S102 - our own text
    made = [child for child in stack.node.children if child.node.id not in ("Around", "AmazonMqLogPolicy")]
    assert made
    assert synthesized(stack)["Resources"]
