"""The key of signed links, on a real Secrets Manager."""

import json
from typing import Any
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives import serialization

from signing_key.handler import handler
from signing_key.key_pair import NotAKey, new_private_key, public_key
from tests.parts.object_store import ObjectStore


@pytest.fixture
def arn(object_store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> str:
    """A secret as CloudFormation makes it: filled with random characters."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", object_store.url)
    return object_store.secrets().create_secret(Name=str(uuid4()), SecretString="!r4nd0m")["ARN"]


def event(kind: str, arn: str) -> dict[str, Any]:
    return {"RequestType": kind, "ResourceProperties": {"SecretArn": arn}, "PhysicalResourceId": arn}


def test_a_deployment_makes_a_key_and_answers_with_its_public_half_only(
    arn: str, object_store: ObjectStore
) -> None:
    answer = handler(event("Create", arn), None)
    stored = object_store.secrets().get_secret_value(SecretId=arn)["SecretString"]
    assert answer == {"PhysicalResourceId": arn, "Data": {"PublicKey": public_key(stored)}}
    assert "PRIVATE" not in json.dumps(answer)
    key = serialization.load_pem_public_key(answer["Data"]["PublicKey"].encode())
    assert key.key_size == 2048  # type: ignore[union-attr]


def test_an_update_a_second_call_and_a_rollback_keep_the_key(arn: str) -> None:
    first = handler(event("Create", arn), None)
    assert handler(event("Update", arn), None) == handler(event("Create", arn), None) == first


def test_a_deletion_leaves_the_secret_to_its_own_policy(arn: str, object_store: ObjectStore) -> None:
    handler(event("Create", arn), None)
    assert handler(event("Delete", arn), None) == {"PhysicalResourceId": arn}
    assert "PRIVATE KEY" in object_store.secrets().get_secret_value(SecretId=arn)["SecretString"]


@pytest.mark.parametrize(
    "text", ["", "x", "-----BEGIN PRIVATE KEY-----\nsecret\n-----END PRIVATE KEY-----\n"]
)
def test_what_is_no_key_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(NotAKey) as raised:
        public_key(text)
    assert "secret" not in str(raised.value)


def test_a_key_of_another_size_is_refused() -> None:
    from cryptography.hazmat.primitives.asymmetric import rsa

    small = rsa.generate_private_key(public_exponent=65537, key_size=1024).private_bytes(  # noqa: S505
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with pytest.raises(NotAKey, match="2048"):
        public_key(small.decode())


def test_two_keys_differ() -> None:
    assert new_private_key() != new_private_key()
