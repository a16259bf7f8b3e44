"""Every stack of every environment as it is, so that a change shows what it changes.

`pytest tests/stacks --snapshot-update` takes a change over; read its diff before committing it.
"""

import json
import re
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from tests.stacks.assembly import NAMES, Assembly

STACKS = ("Network", "Data", "Messaging", "Delivery", "Service", "Observability")
#: An asset's key, and the hash at the end of the ids of versions and deployments.
_HASH = re.compile(r"[0-9a-f]{64}")
_VERSION = re.compile(r"((?:CurrentVersion|Deployment)\w{8})[0-9a-f]{32}")


class _OneFile(JSONSnapshotExtension):
    """The template as a file of its own, in the order that it has."""

    def serialize(self, data: Any, **_: Any) -> str:
        return str(data)


def normalized(template: dict[str, Any]) -> str:
    """The template without what differs with the code of the functions."""
    text = json.dumps(template, indent=1, sort_keys=True)
    return _VERSION.sub(r"\1HASH", _HASH.sub("HASH", text)) + "\n"


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("name", NAMES)
def test_the_stack_is_as_it_was(
    name: str, stack: str, assemblies: dict[str, Assembly], snapshot: SnapshotAssertion
) -> None:
    text = normalized(assemblies[name].templates[stack])
    assert text == snapshot(extension_class=_OneFile)


def test_no_template_holds_a_path_of_a_machine(assembly: Assembly) -> None:
    for stack, template in assembly.templates.items():
        found = re.search(r'"/(?:home|root|work|tmp|Users)/[^"]*"', json.dumps(template))
        assert found is None, f"{stack} holds {found and found[0]}"


def test_the_ids_of_what_holds_data_are_frozen(prod: Assembly, snapshot: SnapshotAssertion) -> None:
    """Another logical id is another resource: the old one is left behind, with its data."""
    kinds = (
        "AWS::AmazonMQ::Broker",
        "AWS::CloudFront::PublicKey",
        "AWS::Cognito::UserPool",
        "AWS::Cognito::UserPoolDomain",
        "AWS::EC2::Subnet",
        "AWS::EC2::VPC",
        "AWS::ElastiCache::ReplicationGroup",
        "AWS::RDS::DBInstance",
        "AWS::S3::Bucket",
        "AWS::SecretsManager::Secret",
    )
    ids = sorted(f"{stack}/{logical_id} {r['Type']}" for stack, logical_id, r in prod.resources(*kinds))
    assert "\n".join(ids) + "\n" == snapshot(extension_class=_OneFile)
