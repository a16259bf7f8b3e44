"""Adapters against real parts."""

import json
import secrets as random
from pathlib import Path
from uuid import uuid4

import pymysql
import pytest

from reporting import adapters
from reporting.cache import CachedStatus, CacheUnavailable
from reporting.database import Database
from reporting.errors import DatabaseUnavailable
from reporting.report_types import load_report_types
from reporting.secrets import SecretsManager, SecretsUnavailable
from reporting.settings import CacheSettings, DatabaseSettings, SourceSettings
from reporting.sources import SourceEstimator, SourceOpener
from reporting.sql_source import SourceUnavailable
from tests.parts.mariadb import MariaDbServer, mariadb_server
from tests.parts.object_store import ObjectStore
from tests.parts.valkey_server import ValkeyServer

__all__ = ["mariadb_server"]


class UserSecret:
    """A secret of a user whose password is ``old`` and becomes ``new``."""

    def __init__(self, object_store: ObjectStore, user: str) -> None:
        self._client = object_store.secrets()
        self._user = user
        self.arn = self._client.create_secret(Name=str(uuid4()), SecretString=self._text("old"))["ARN"]

    def rotate(self) -> None:
        self._client.put_secret_value(SecretId=self.arn, SecretString=self._text("new"))

    def _text(self, password: str) -> str:
        return json.dumps({"username": self._user, "password": password})


def test_a_rotated_password_of_the_database_is_read_again(
    mariadb_server: MariaDbServer, object_store: ObjectStore
) -> None:
    """Until it can be read it is an outage, which is waited for."""

    def away(arn: str) -> str:
        raise SecretsUnavailable("The store of secrets did not answer.")

    user = f"rotating_{random.token_hex(4)}"
    secret = UserSecret(object_store, user)
    mariadb_server.execute(
        f"CREATE USER {user}@'%' IDENTIFIED BY 'old'", f"GRANT SELECT ON mysql.* TO {user}@'%'"
    )
    settings = DatabaseSettings(
        database_host=mariadb_server.host,
        database_port=mariadb_server.port,
        database_name="mysql",
        database_secret_arn=secret.arn,
    )
    secrets = SecretsManager(endpoint_url=object_store.url)
    connect = adapters.database_connector(settings, secrets)
    try:
        connect().close()
        mariadb_server.execute(f"ALTER USER {user}@'%' IDENTIFIED BY 'new'")
        with pytest.raises(pymysql.err.OperationalError, match="Access denied"):
            connect()
        with pytest.raises(DatabaseUnavailable):
            Database(connect).query("SELECT 1")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(secrets, "_fetch", away)
            with pytest.raises(DatabaseUnavailable):
                Database(connect).query("SELECT 1")
        secret.rotate()
        connect().close()
        connect().close()
    finally:
        mariadb_server.execute(f"DROP USER {user}@'%'")


def test_a_rotated_password_of_the_source_is_read_again(
    mariadb_server: MariaDbServer, object_store: ObjectStore, tmp_path: Path
) -> None:
    """Both by the worker that reads the rows and by the API that asks for an estimate."""
    user = f"rotating_{random.token_hex(4)}"
    secret = UserSecret(object_store, user)
    mariadb_server.execute(
        f"CREATE USER {user}@'%' IDENTIFIED BY 'old'", f"GRANT SELECT ON mysql.* TO {user}@'%'"
    )
    (tmp_path / "one.sql").write_text("SELECT 1 AS n", encoding="utf-8")
    (tmp_path / "one.yaml").write_text(
        "{name: one, title: One, description: One., columns: [{key: n, type: integer}],"
        " source: {sql: one.sql, estimate_sql: SELECT 7}}",
        encoding="utf-8",
    )
    settings = SourceSettings(
        source_host=mariadb_server.host,
        source_port=mariadb_server.port,
        source_name="mysql",
        source_secret_arn=secret.arn,
        report_types_path=str(tmp_path),
    )
    catalogue = load_report_types(tmp_path)

    def rows(secrets: SecretsManager) -> list[object]:
        opener = SourceOpener(settings=settings, secrets=secrets, catalogue=catalogue)
        with opener("one", {}, seconds_left=30) as source:
            return [row for batch in source for row in batch]

    def estimated(secrets: SecretsManager) -> int | None:
        return SourceEstimator(settings=settings, secrets=secrets, catalogue=catalogue).estimate("one", {})

    worker, api = (SecretsManager(endpoint_url=object_store.url) for _ in range(2))
    try:
        assert (rows(worker), estimated(api)) == ([(1,)], 7)
        mariadb_server.execute(f"ALTER USER {user}@'%' IDENTIFIED BY 'new'")
        with pytest.raises(SourceUnavailable):
            rows(worker)
        assert estimated(api) is None
        secret.rotate()
        for _ in range(2):
            assert (rows(worker), estimated(api)) == ([(1,)], 7)
    finally:
        mariadb_server.execute(f"DROP USER {user}@'%'")


def test_a_rotated_password_of_the_cache_is_read_again(
    valkey_server: ValkeyServer, object_store: ObjectStore
) -> None:
    user, report_id = f"rotating_{random.token_hex(4)}", str(uuid4())
    secret = UserSecret(object_store, user)
    settings = CacheSettings(
        cache_endpoint=f"{valkey_server.host}:{valkey_server.port}",
        cache_tls=False,
        cache_secret_arn=secret.arn,
    )
    cache = adapters.cache(settings, SecretsManager(endpoint_url=object_store.url))
    with valkey_server.client() as server:
        server.execute_command("ACL", "SETUSER", user, "on", ">old", "~status:*", "+@all")
        try:
            cache.check()
            server.execute_command("ACL", "SETUSER", user, "resetpass", ">new")
            # Connections that are open stay so: those that are opened later meet the new password.
            server.execute_command("CLIENT", "KILL", "USER", user)
            with pytest.raises(CacheUnavailable):
                cache.check()
            secret.rotate()
            cache.check()
            cache.put(report_id, 1, {"done": True})
            assert cache.get(report_id) == CachedStatus(version=1, status={"done": True})
        finally:
            server.execute_command("ACL", "DELUSER", user)
