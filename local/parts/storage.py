"""The object store: ministack's S3 and Secrets Manager, which check every request's signature."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.session import Session

from local.credentials import Credentials
from local.home import Home
from local.parts.part import Part
from local.paths import OBJECT_STORE_PYTHON, REPOSITORY
from local.ports import LOOPBACK, Ports

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient

REGION = "us-east-1"
ACCOUNT = "000000000000"


class StoreMissing(RuntimeError):
    """The object store's environment is not installed."""


def storage(
    home: Home,
    ports: Ports,
    credentials: Credentials,
    *,
    bucket: str,
    lifecycle: Sequence[Mapping[str, Any]],
    secrets: Mapping[str, str],
) -> Part:
    """The object store, ready when it lists buckets; then the bucket and the secrets are created.

    ``lifecycle`` are the bucket's rules as S3's API takes them, ``secrets`` texts by secret name.
    Objects survive a crash; secrets live in memory and are created anew after each start.
    """
    if not OBJECT_STORE_PYTHON.exists():
        raise StoreMissing("The object store is not installed. Run `make setup`.")
    data = home.data / "storage"
    temporary = home.temporary / "storage"

    async def prepare() -> None:
        data.mkdir(exist_ok=True)
        temporary.mkdir(exist_ok=True)

    async def probe() -> None:
        await asyncio.to_thread(lambda: s3_client(ports, credentials).list_buckets())

    async def provision() -> None:
        await asyncio.to_thread(_create_bucket, s3_client(ports, credentials), bucket, lifecycle)
        await asyncio.to_thread(_create_secrets, _secrets_client(ports, credentials), secrets)

    return Part(
        name="storage",
        what="S3 and Secrets Manager, signatures checked",
        address=endpoint(ports),
        command=(str(OBJECT_STORE_PYTHON), str(REPOSITORY / "local" / "object_store" / "server.py")),
        environment={
            "PATH": "/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "HOME": str(temporary),
            "TMPDIR": str(temporary),
            "BIND_HOST": LOOPBACK,
            "GATEWAY_PORT": str(ports.storage),
            "MINISTACK_HOST": "localhost",
            "SERVICES": "s3,secretsmanager",
            "AUTH": "true",
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(data),
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "LOG_LEVEL": "WARNING",
            # It looks for containers to clean up; there are none of ours.
            "DOCKER_HOST": "unix:///nonexistent",
            # The root key is taken on trust, so nobody gets it.
            "AWS_ACCESS_KEY_ID": "nobody",
            "AWS_SECRET_ACCESS_KEY": credentials.keystore_password,
            "USER_ACCESS_KEY_ID": credentials.access_key_id,
            "USER_SECRET_ACCESS_KEY": credentials.secret_access_key,
        },
        directory=home.path,
        prepare=prepare,
        probe=probe,
        provision=provision,
    )


def endpoint(ports: Ports) -> str:
    return f"http://{LOOPBACK}:{ports.storage}"


def secret_arn(name: str) -> str:
    """The ARN of a secret without its random suffix, which Secrets Manager resolves too."""
    return f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{name}"


def s3_client(ports: Ports, credentials: Credentials) -> "S3Client":
    client: S3Client = _session().create_client(  # type: ignore[assignment] # named by its first argument
        "s3",
        region_name=REGION,
        endpoint_url=endpoint(ports),
        aws_access_key_id=credentials.access_key_id,
        aws_secret_access_key=credentials.secret_access_key,
        config=Config(
            signature_version="s3v4", connect_timeout=2, read_timeout=10, retries={"total_max_attempts": 1}
        ),
    )
    return client


def _secrets_client(ports: Ports, credentials: Credentials) -> "SecretsManagerClient":
    client: SecretsManagerClient = _session().create_client(  # type: ignore[assignment] # as above
        "secretsmanager",
        region_name=REGION,
        endpoint_url=endpoint(ports),
        aws_access_key_id=credentials.access_key_id,
        aws_secret_access_key=credentials.secret_access_key,
        config=Config(connect_timeout=2, read_timeout=10, retries={"total_max_attempts": 1}),
    )
    return client


def _session() -> Session:
    # The user's own AWS profile and files have no say here.
    session = Session(session_vars={"profile": (None, None, None, None)})
    session.set_config_variable("config_file", "/dev/null")
    session.set_config_variable("credentials_file", "/dev/null")
    return session


def _create_bucket(s3: "S3Client", bucket: str, lifecycle: Sequence[Mapping[str, Any]]) -> None:
    try:
        s3.create_bucket(Bucket=bucket)
    except ClientError as error:
        # It is on disk, and so there again after a crash.
        if error.response["Error"]["Code"] not in ("BucketAlreadyOwnedByYou", "BucketAlreadyExists"):
            raise
    rules: Any = list(lifecycle)
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": rules})


def _create_secrets(client: "SecretsManagerClient", secrets: Mapping[str, str]) -> None:
    for name, text in secrets.items():
        try:
            client.create_secret(Name=name, SecretString=text)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceExistsException":
                raise
            client.put_secret_value(SecretId=name, SecretString=text)


def user_secret(username: str, password: str) -> str:
    """A secret in the form that RDS and Amazon MQ use: JSON with ``username`` and ``password``."""
    return json.dumps({"username": username, "password": password})
