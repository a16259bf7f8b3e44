"""A bucket of the real object store for each module, and the store that works on it."""

from uuid import uuid4

import pytest

from reporting.storage import S3ResultStore
from tests.parts.object_store import ObjectStore


@pytest.fixture(scope="module")
def bucket_name() -> str:
    return f"reports-{uuid4()}"


@pytest.fixture
def bucket(object_store: ObjectStore, bucket_name: str) -> str:
    client = object_store.s3()
    if bucket_name not in [bucket["Name"] for bucket in client.list_buckets()["Buckets"]]:
        client.create_bucket(Bucket=bucket_name)
    return bucket_name


@pytest.fixture
def store(object_store: ObjectStore, bucket: str) -> S3ResultStore:
    return S3ResultStore(bucket=bucket, endpoint_url=object_store.url)
