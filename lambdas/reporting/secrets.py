"""Secrets by ARN, kept in the process after the first read."""

import threading
from typing import TYPE_CHECKING, Protocol, cast

import simplejson

from reporting.errors import PermanentError, TransientError

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

_CONNECT_SECONDS = 2
_READ_SECONDS = 5
_ATTEMPTS = 3


class SecretsUnavailable(TransientError):
    """Secrets Manager did not answer."""

    code = "secrets_unavailable"
    title = "The store of secrets did not answer"


class SecretUnusable(PermanentError):
    """A secret is missing, may not be read, or does not hold what it should."""

    code = "secret_unusable"
    title = "The service's configuration is not complete"


class Secrets(Protocol):
    """Reads secrets. Both methods raise :class:`SecretsUnavailable` and :class:`SecretUnusable`."""

    def text(self, arn: str) -> str:
        """The secret as it is stored, such as a PEM."""

    def json(self, arn: str) -> dict[str, str]:
        """The secret's fields, such as ``username`` and ``password``. Numbers come as their text."""

    def refresh(self, arn: str) -> None:
        """Forget the secret, so that the next call reads it again: it may have been rotated."""


class SecretsManager:
    """AWS Secrets Manager. Safe to share between threads; connects at the first call.

    ``region`` and ``endpoint_url`` default to what botocore finds in its environment.
    """

    def __init__(self, *, region: str | None = None, endpoint_url: str | None = None) -> None:
        self._region = region
        self._endpoint_url = endpoint_url
        self._client: SecretsManagerClient | None = None
        self._known: dict[str, str] = {}
        self._lock = threading.Lock()

    def text(self, arn: str) -> str:
        with self._lock:
            if arn not in self._known:
                self._known[arn] = self._fetch(arn)
            return self._known[arn]

    def json(self, arn: str) -> dict[str, str]:
        try:
            fields = simplejson.loads(self.text(arn), use_decimal=True)
        except ValueError:
            # Without the cause: its text would repeat a part of the secret.
            raise SecretUnusable("A secret that should be JSON is not.") from None
        if not isinstance(fields, dict):
            raise SecretUnusable("A secret that should be a JSON object is not.")
        return {name: str(value) for name, value in fields.items()}

    def refresh(self, arn: str) -> None:
        with self._lock:
            self._known.pop(arn, None)

    def _fetch(self, arn: str) -> str:
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

        from reporting.aws import is_transient  # noqa: PLC0415

        if self._client is None:
            self._client = self._connect()
        try:
            answer = self._client.get_secret_value(SecretId=arn)
        except (BotoCoreError, ClientError) as error:
            if is_transient(error):
                raise SecretsUnavailable("The store of secrets did not answer.") from error
            raise SecretUnusable("A secret can't be read.") from error
        if "SecretString" not in answer:
            raise SecretUnusable("A secret holds bytes instead of text.")
        return answer["SecretString"]

    def _connect(self) -> "SecretsManagerClient":
        from botocore.config import Config  # noqa: PLC0415
        from botocore.session import Session  # noqa: PLC0415

        client = Session().create_client(
            "secretsmanager",
            region_name=self._region,
            endpoint_url=self._endpoint_url,
            config=Config(
                connect_timeout=_CONNECT_SECONDS,
                read_timeout=_READ_SECONDS,
                retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
            ),
        )
        return cast("SecretsManagerClient", client)
