"""A MariaDB server of its own for tests, on a free port of the loopback interface."""

import functools
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymysql
import pytest

from tests.parts.certificates import CertificateAuthority
from tests.parts.processes import DEADLINE_SECONDS, free_port

_ROOT = "root"


@dataclass(frozen=True, slots=True)
class MariaDbServer:
    """``user`` may do everything and has an empty password. ``ca_file`` is what clients trust for TLS."""

    host: str
    port: int
    folder: Path
    ca_file: Path
    process: "subprocess.Popen[bytes]"
    user: str = _ROOT
    password: str = ""

    @contextmanager
    def connect(self, **arguments: Any) -> Iterator[Any]:
        """A connection with autocommit to ``database``, if one is named."""
        connection = pymysql.connect(
            host=self.host,
            port=self.port,
            user=self.user,
            password=self.password,
            autocommit=True,
            ssl_disabled=True,
            **arguments,
        )
        try:
            yield connection
        finally:
            connection.close()

    def execute(self, *statements: str, database: str | None = None) -> tuple[tuple[Any, ...], ...]:
        """Run statements in order and return the rows of the last."""
        with self.connect(database=database) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            rows: tuple[tuple[Any, ...], ...] = cursor.fetchall()
            return rows

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder)


@pytest.fixture(scope="session")
def mariadb_server(request: pytest.FixtureRequest) -> MariaDbServer:
    """One server for the whole run, however many modules import this fixture."""
    if started.cache_info().currsize == 0:
        request.config.add_cleanup(lambda: started().stop())
    return started()


@functools.cache
def started() -> MariaDbServer:
    """The one server of this process, started at the first call. Whoever calls it has to stop it."""
    program = shutil.which("mariadbd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if program is None:
        pytest.fail("mariadbd is not installed: apt-get install mariadb-server-core")
    folder = Path(tempfile.mkdtemp(prefix="prensa-mariadb-"))
    command = [program, "--no-defaults", f"--datadir={folder / 'data'}", "--skip-log-bin"]
    command += ["--user=root"] if os.geteuid() == 0 else []
    # A folder of its own: a server that starts deletes what others have in a shared one.
    (folder / "tmp").mkdir()
    command += [f"--tmpdir={folder / 'tmp'}"]
    _create_system_tables(folder, command)
    port = free_port()
    command += [f"--socket={folder / 'mariadbd.sock'}", f"--pid-file={folder / 'mariadbd.pid'}"]
    command += ["--bind-address=127.0.0.1", f"--port={port}", "--skip-name-resolve"]
    # A zone with an offset, so that a session which does not set its own is seen (case E16).
    command += ["--default-time-zone=-03:00", "--character-set-server=utf8mb4"]
    command += ["--innodb-flush-log-at-trx-commit=0"]
    authority = CertificateAuthority(folder)
    certificate = authority.issue("127.0.0.1").write_pem(folder / "server.pem")
    command += [f"--ssl-cert={certificate}", f"--ssl-key={certificate}"]
    with (folder / "mariadbd.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    server = MariaDbServer(
        host="127.0.0.1", port=port, folder=folder, ca_file=authority.path, process=process
    )
    _wait_until_ready(server)
    return server


def _create_system_tables(folder: Path, command: list[str]) -> None:
    """What ``mariadb-install-db`` does, which needs programs of the client's package."""
    (folder / "data").mkdir()
    scripts = Path("/usr/share/mysql")
    names = ("mysql_system_tables.sql", "mysql_performance_tables.sql", "mysql_system_tables_data.sql")
    sql = "".join((scripts / name).read_text(encoding="utf-8") for name in names)
    subprocess.run(
        [*command, "--bootstrap"],
        input=f"CREATE DATABASE mysql;\nUSE mysql;\nSET @auth_root_socket = NULL;\n{sql}".encode(),
        check=True,
        capture_output=True,
        timeout=DEADLINE_SECONDS,
    )


def _wait_until_ready(server: MariaDbServer) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        try:
            server.execute("SELECT 1")
        except pymysql.err.OperationalError:
            if server.process.poll() is not None or time.monotonic() > deadline:
                log = (server.folder / "mariadbd.log").read_text(encoding="utf-8", errors="replace")
                server.stop()
                pytest.fail(f"mariadbd did not start:\n{log[-4000:]}")
            # Waits on the process, so that one that dies is seen at once.
            try:
                server.process.wait(timeout=0.05)
            except subprocess.TimeoutExpired:
                continue
        else:
            return
