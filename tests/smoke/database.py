"""A database server in the place of RDS: on the loopback interface, with TLS, and an administrator."""

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.parts.mariadb import started as start_mariadb

_SCHEMA = "prensa"
_ADMINISTRATOR = "prensa_admin"


@dataclass(frozen=True, kw_only=True)
class Database:
    """``administrator`` is the secret that RDS would keep: JSON with user name and password."""

    port: int
    authorities: Path
    administrator: str


@contextmanager
def database() -> Iterator[Database]:
    """A server with an empty schema and no user of Prensa's: those the migrator makes."""
    server = start_mariadb()
    try:
        password = secrets.token_urlsafe(32)
        server.execute(
            # RDS makes it with the instance.
            f"CREATE DATABASE {_SCHEMA}",
            f"CREATE USER '{_ADMINISTRATOR}'@'%' IDENTIFIED BY '{password}' REQUIRE SSL",
            f"GRANT ALL PRIVILEGES ON *.* TO '{_ADMINISTRATOR}'@'%' WITH GRANT OPTION",
        )
        yield Database(
            port=server.port,
            authorities=server.ca_file,
            administrator=json.dumps({"username": _ADMINISTRATOR, "password": password}),
        )
    finally:
        server.stop()
