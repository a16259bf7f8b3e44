"""Starts a platform for tests and benchmarks, and looks behind its API."""

import ssl
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pymysql
from pymysql.connections import Connection
from pymysql.cursors import Cursor

from local import processes
from local.certificates import Certificates
from local.credentials import Credentials
from local.gateway.tokens import issue_token
from local.home import Home, read_json
from local.parts import database
from local.paths import REPOSITORY
from local.status import status_rows
from reporting.links import LinkSigner


@dataclass(frozen=True)
class PlatformHandle:
    """A running platform. ``endpoints`` are its addresses by name."""

    home: Home
    endpoints: Mapping[str, str]

    def token(self, tenant: str, scopes: Sequence[str], *, ttl_seconds: int = 3600) -> str:
        key = Credentials.of(self.home).token_private_key
        return issue_token(key, tenant=tenant, scopes=scopes, ttl_seconds=ttl_seconds)

    def query(self, sql: str) -> tuple[tuple[Any, ...], ...]:
        """Rows of a reading statement over Prensa's tables (``prensa``) and the sample (``sample``)."""
        with self._connection(sample="sample." in sql) as connection, connection.cursor() as cursor:
            cursor.execute(sql)
            return tuple(cursor.fetchall())

    def _connection(self, *, sample: bool) -> "Connection[Cursor]":
        credentials = Credentials.of(self.home)
        certificates = Certificates.of(self.home, keystore_password=credentials.keystore_password)
        host, port = self.endpoints["database"].split(":")
        return pymysql.connect(
            host=host,
            port=int(port),
            user=database.READER_USER if sample else database.APPLICATION_USER,
            password=credentials.source_password if sample else credentials.database_password,
            ssl=ssl.create_default_context(cafile=certificates.ca),
            init_command="SET time_zone = '+00:00'",
        )

    def change(self, sql: str) -> int:
        """Run one changing statement over Prensa's tables; returns the number of changed rows."""
        with self._connection(sample=False) as connection, connection.cursor() as cursor:
            changed = cursor.execute(sql)
            connection.commit()
            return changed

    def sign_link(self, url: str, *, expires: int) -> str:
        """A link signed with the platform's key, also one whose time is over."""
        credentials = Credentials.of(self.home)
        base, key = url.split("/results/", 1)
        signer = LinkSigner(
            base_url=base,
            key_pair_id=credentials.link_key_pair_id,
            private_key_pem=credentials.link_private_key,
            ttl_seconds=60,
        )
        return signer.sign(f"results/{key}", now=datetime.fromtimestamp(expires - 60, UTC)).url

    def memory_mb(self) -> dict[str, float]:
        """Resident memory of each process, by part."""
        return {str(row["part"]): float(row["memory_mb"]) for row in status_rows(self.home)}

    def processes(self, part: str) -> list[psutil.Process]:
        """The processes of a part, or of a function's environments."""
        recorded = processes.recorded(self.home.pids)
        return [process for name, process in recorded.items() if name == part or name.startswith(f"{part}-")]

    def kill(self, part: str) -> None:
        """kill -9 a part, or every environment of a function; the supervisor starts parts again."""
        processes.kill_all([process.pid for process in self.processes(part)])

    def stop(self) -> None:
        subprocess.run(
            _command(self.home, "down"), cwd=REPOSITORY, check=True, capture_output=True, timeout=120
        )


class PlatformFailed(RuntimeError):
    """The platform did not start; the text is what it said."""


def start_platform(
    home: Path,
    *,
    sample: bool,
    relay_interval: float,
    overrides: Mapping[str, str] | None = None,
    port_base: int = 0,
) -> PlatformHandle:
    """Start a platform in ``home`` on free ports, or those from a base on, and return when it is ready."""
    options = ["--detach", "--no-demo", "--relay-interval", str(relay_interval)]
    options += [] if sample else ["--no-sample"]
    for name, value in (overrides or {}).items():
        options += ["--set", f"{name}={value}"]
    where = Home(home.resolve())
    command = _command(where, "up", *options, port_base=str(port_base))
    started = subprocess.run(
        command, cwd=REPOSITORY, check=False, capture_output=True, text=True, timeout=300
    )
    endpoints = read_json(where.endpoints)
    if started.returncode != 0 or endpoints is None:
        raise PlatformFailed(started.stdout + started.stderr)
    return PlatformHandle(where, {name: str(address) for name, address in endpoints.items()})


def _command(home: Home, *words: str, port_base: str | None = None) -> list[str]:
    ports = ["--port-base", port_base] if port_base is not None else []
    return [sys.executable, "-m", "local", "--home", str(home.path), *ports, *words]
