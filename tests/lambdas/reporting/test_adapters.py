"""Adapters against real parts."""

import json
import secrets as random
from uuid import uuid4

import pymysql
import pytest

from reporting import adapters
from reporting.secrets import SecretsManager
from reporting.settings import DatabaseSettings
from tests.parts.mariadb import MariaDbServer, mariadb_server
from tests.parts.object_store import ObjectStore

__all__ = ["mariadb_server"]


def test_a_rotated_password_of_the_database_is_read_again(
    mariadb_server: MariaDbServer, object_store: ObjectStore
) -> None:
    user = f"rotating_{random.token_hex(4)}"
    client = object_store.secrets()
    arn = client.create_secret(
        Name=str(uuid4()), SecretString=json.dumps({"username": user, "password": "old"})
    )["ARN"]
    mariadb_server.execute(
        f"CREATE USER {user}@'%' IDENTIFIED BY 'old'", f"GRANT SELECT ON mysql.* TO {user}@'%'"
    )
    settings = DatabaseSettings(
        database_host=mariadb_server.host,
        database_port=mariadb_server.port,
        database_name="mysql",
        database_secret_arn=arn,
    )
    connect = adapters.database_connector(settings, SecretsManager(endpoint_url=object_store.url))
    try:
        connect().close()
        mariadb_server.execute(f"ALTER USER {user}@'%' IDENTIFIED BY 'new'")
        with pytest.raises(pymysql.err.OperationalError, match="Access denied"):
            connect()
        client.put_secret_value(SecretId=arn, SecretString=json.dumps({"username": user, "password": "new"}))
        connect().close()
        connect().close()
    finally:
        mariadb_server.execute(f"DROP USER {user}@'%'")
