"""Secrets on a real Secrets Manager."""

import json
from collections.abc import Callable
from uuid import uuid4

import pytest

from reporting.secrets import SecretsManager, SecretsUnavailable, SecretUnusable
from tests.parts.http_proxy import HttpProxy
from tests.parts.object_store import ObjectStore

type Keep = Callable[[str], str]


@pytest.fixture
def secrets(object_store: ObjectStore) -> SecretsManager:
    return SecretsManager(endpoint_url=object_store.url)


@pytest.fixture
def keep(object_store: ObjectStore) -> Keep:
    """Stores a secret and returns its ARN."""
    return lambda text: object_store.secrets().create_secret(Name=str(uuid4()), SecretString=text)["ARN"]


def test_a_secret_is_read_as_text(secrets: SecretsManager, keep: Keep) -> None:
    assert secrets.text(keep("-----BEGIN PRIVATE KEY-----\n")) == "-----BEGIN PRIVATE KEY-----\n"


def test_a_secret_is_read_as_fields_of_text(secrets: SecretsManager, keep: Keep) -> None:
    arn = keep(json.dumps({"username": "app", "password": "pâss", "port": 3306}))
    assert secrets.json(arn) == {"username": "app", "password": "pâss", "port": "3306"}


def test_a_secret_is_fetched_once_until_it_is_refreshed(object_store: ObjectStore, keep: Keep) -> None:
    arn = keep("old")
    with HttpProxy(object_store.port) as proxy:
        secrets = SecretsManager(endpoint_url=proxy.url)
        assert [secrets.text(arn) for _ in range(3)] == ["old"] * 3
        assert len(proxy.requests) == 1

        object_store.secrets().put_secret_value(SecretId=arn, SecretString="new")
        assert secrets.text(arn) == "old"
        secrets.refresh(arn)
        assert secrets.text(arn) == "new"


@pytest.mark.parametrize("text", ["hunter2 is no JSON", '["hunter2"]', '"hunter2"', '{"password": "hunter2"'])
def test_a_secret_that_is_no_json_object_is_unusable_and_never_shown(
    secrets: SecretsManager, keep: Keep, text: str
) -> None:
    with pytest.raises(SecretUnusable) as failure:
        secrets.json(keep(text))
    assert "hunter2" not in str(failure.value)
    assert failure.value.__cause__ is None


def test_a_missing_secret_is_unusable(secrets: SecretsManager) -> None:
    with pytest.raises(SecretUnusable):
        secrets.text("arn:aws:secretsmanager:us-east-1:000000000000:secret:none")


def test_a_secret_of_bytes_is_unusable(secrets: SecretsManager, object_store: ObjectStore) -> None:
    arn = object_store.secrets().create_secret(Name=str(uuid4()), SecretBinary=b"\x00")["ARN"]
    with pytest.raises(SecretUnusable):
        secrets.text(arn)


@pytest.mark.usefixtures("object_store")
def test_a_store_that_does_not_answer_is_unavailable(dead_port: int) -> None:
    with pytest.raises(SecretsUnavailable) as failure:
        SecretsManager(endpoint_url=f"http://127.0.0.1:{dead_port}").text("any")
    assert "127.0.0.1" not in str(failure.value)


def test_throttling_is_unavailable_and_not_remembered(object_store: ObjectStore, keep: Keep) -> None:
    arn = keep("value")
    busy = True
    with HttpProxy(object_store.port, lambda request: (503, "Busy") if busy else None) as proxy:
        secrets = SecretsManager(endpoint_url=proxy.url)
        with pytest.raises(SecretsUnavailable):
            secrets.text(arn)
        busy = False
        assert secrets.text(arn) == "value"
