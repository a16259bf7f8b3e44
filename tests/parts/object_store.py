"""A real object store for tests: ministack's S3 and Secrets Manager, checking signatures.

It runs in an environment of its own (requirements/object-store.txt), since it pins botocore.
"""

import os
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session

from tests.parts.processes import free_port, stop, wait_until_ready

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient

REGION = "us-east-1"
ACCESS_KEY = "prensa-test"
SECRET_KEY = "prensa-test-secret"

_ROOT = Path(__file__).parents[2]
_PYTHON = _ROOT / ".local/venvs/object-store/bin/python"
#: The platform's own way to start it, since ministack checks no signatures of its root key.
_SERVER = _ROOT / "local/object_store/server.py"


class ObjectStore:
    """One server on a free port of the loopback interface; ``url`` is its endpoint."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        if not _PYTHON.exists():
            pytest.fail("The object store is not installed: make setup")
        environment = {
            "PATH": os.environ["PATH"],
            "AUTH": "true",
            "USER_ACCESS_KEY_ID": ACCESS_KEY,
            "USER_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_DEFAULT_REGION": REGION,
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.port),
            "IOT_MTLS_PORT": "off",
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "MINISTACK_HOST": "localhost",
            "SERVICES": "s3,secretsmanager",
            "TMPDIR": tempfile.gettempdir(),
            "HOME": str(self._folder),
        }
        path = self._folder / "object-store.log"
        with path.open("ab") as log:
            self._process = subprocess.Popen(
                [_PYTHON, _SERVER], stdout=log, stderr=subprocess.STDOUT, env=environment, cwd=self._folder
            )
        wait_until_ready(self._process, self._answers, name="The object store", log=path)

    def stop(self) -> None:
        if self._process is not None:
            stop(self._process)

    def s3(self) -> "S3Client":
        return self._client("s3")  # type: ignore[return-value]

    def secrets(self) -> "SecretsManagerClient":
        return self._client("secretsmanager")  # type: ignore[return-value]

    def _client(self, service: str) -> object:
        return Session().create_client(
            service,
            region_name=REGION,
            endpoint_url=self.url,
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
            config=Config(
                signature_version="s3v4" if service == "s3" else "v4", retries={"total_max_attempts": 1}
            ),
        )

    def _answers(self) -> bool:
        try:
            self.s3().list_buckets()
        except (BotoCoreError, ClientError):
            return False
        return True
