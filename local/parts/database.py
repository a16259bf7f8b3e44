"""MariaDB, standing in for RDS MySQL: TLS only, UTC, utf8mb4, and one user per role."""

import asyncio
import hashlib
import os
import shutil
import ssl
import subprocess
import tempfile
from pathlib import Path

import pymysql

from local.certificates import Certificates
from local.credentials import Credentials
from local.home import Home, write_text
from local.parts.part import Part
from local.ports import LOOPBACK, Ports

DATABASE = "prensa"
SAMPLE_SCHEMA = "sample"
APPLICATION_USER = "prensa"
MIGRATOR_USER = "prensa_migrator"
READER_USER = "prensa_reader"
LOADER_USER = "prensa_loader"

_SYSTEM_TABLES = Path("/usr/share/mysql")
#: The path of a Unix socket has 108 bytes at most, with its end.
_SOCKET_PATH_LIMIT = 100


class ServerMissing(RuntimeError):
    """mariadbd is not installed."""


def database(home: Home, ports: Ports, credentials: Credentials, certificates: Certificates) -> Part:
    """The database server, ready when the application's user can run a query over TLS."""
    folder = home.data / "database"
    data = folder / "data"
    initialization = folder / "init.sql"
    socket = socket_path(folder)
    program = server_program()
    as_root = ("--user=root",) if os.geteuid() == 0 else ()
    context = ssl.create_default_context(cafile=certificates.ca)

    async def prepare() -> None:
        folder.mkdir(exist_ok=True)
        await asyncio.to_thread(_create_system_tables, folder, data, program, as_root)
        write_text(initialization, initialization_sql(credentials))

    async def probe() -> None:
        await asyncio.to_thread(_select_one)

    def _select_one() -> None:
        connection = pymysql.connect(
            host=LOOPBACK,
            port=ports.database,
            user=APPLICATION_USER,
            password=credentials.database_password,
            database=DATABASE,
            ssl=context,
            connect_timeout=3,
        )
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT 1")

    return Part(
        name="database",
        what="MariaDB, TLS",
        address=f"{LOOPBACK}:{ports.database}",
        command=(
            program,
            "--no-defaults",
            *as_root,
            f"--datadir={data}",
            f"--socket={socket}",
            f"--pid-file={folder / 'mariadbd.pid'}",
            f"--bind-address={LOOPBACK}",
            f"--port={ports.database}",
            f"--init-file={initialization}",
            f"--tmpdir={home.temporary}",
            "--skip-name-resolve",
            "--skip-log-bin",
            "--performance-schema=OFF",
            "--character-set-server=utf8mb4",
            "--collation-server=utf8mb4_general_ci",
            "--default-time-zone=+00:00",
            "--innodb-buffer-pool-size=128M",
            "--innodb-log-file-size=96M",
            # A commit is on disk when it returns, as on RDS.
            "--innodb-flush-log-at-trx-commit=1",
            "--max-allowed-packet=64M",
            "--max-connections=200",
            f"--ssl-ca={certificates.ca}",
            f"--ssl-cert={certificates.server_certificate}",
            f"--ssl-key={certificates.server_key}",
            "--tls-version=TLSv1.2,TLSv1.3",
            "--require-secure-transport=ON",
        ),
        environment={"PATH": "/usr/sbin:/usr/bin:/bin", "LANG": "C.UTF-8", "TZ": "UTC"},
        directory=home.path,
        prepare=prepare,
        probe=probe,
        stop_grace_seconds=20,
    )


def server_program() -> str:
    """The path of mariadbd. Raises :class:`ServerMissing`."""
    program = shutil.which("mariadbd", path=f"{os.defpath}:/usr/sbin:/usr/local/sbin:/usr/local/bin")
    if program is None:
        raise ServerMissing("mariadbd is not installed. Run `make setup`.")
    return program


def socket_path(folder: Path) -> Path:
    """Where the server's socket goes: in its folder, or under /tmp when that path would be too long."""
    socket = folder / "mariadbd.sock"
    if len(os.fsencode(socket)) < _SOCKET_PATH_LIMIT:
        return socket
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"prensa-{digest}.sock"


def initialization_sql(credentials: Credentials) -> str:
    """SQL that the server runs on each start, before it accepts connections: schemas, users and rights.

    The application changes rows but no tables, the migrator changes tables, the reader of report data
    reads and nothing else.
    """
    users = {
        APPLICATION_USER: credentials.database_password,
        MIGRATOR_USER: credentials.migrator_password,
        READER_USER: credentials.source_password,
        LOADER_USER: credentials.loader_password,
    }
    statements = [
        f"CREATE DATABASE IF NOT EXISTS {DATABASE} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
        f"CREATE DATABASE IF NOT EXISTS {SAMPLE_SCHEMA} CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci",
    ]
    for user, password in users.items():
        statements.append(f"CREATE USER IF NOT EXISTS {user}@'%' IDENTIFIED BY '{password}'")
        statements.append(f"ALTER USER {user}@'%' IDENTIFIED BY '{password}'")
    statements += [
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON {DATABASE}.* TO {APPLICATION_USER}@'%'",
        # As RDS's administrator it makes the other users.
        f"GRANT ALL ON *.* TO {MIGRATOR_USER}@'%' WITH GRANT OPTION",
        f"GRANT SELECT ON {SAMPLE_SCHEMA}.* TO {READER_USER}@'%'",
        f"GRANT ALL ON {SAMPLE_SCHEMA}.* TO {LOADER_USER}@'%'",
        # Debian's tables come with a root user without a password.
        "DROP USER IF EXISTS root@localhost",
    ]
    return ";\n".join(statements) + ";\n"


def _create_system_tables(folder: Path, data: Path, program: str, as_root: tuple[str, ...]) -> None:
    """What mariadb-install-db does, without the client programs that it needs.

    The tables are made in a folder beside and moved, so that an interruption leaves nothing half made.
    """
    if data.exists():
        return
    unfinished = folder / "data.unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    scripts = ("mysql_system_tables.sql", "mysql_performance_tables.sql", "mysql_system_tables_data.sql")
    sql = "CREATE DATABASE IF NOT EXISTS mysql;\nUSE mysql;\nSET @auth_root_socket = NULL;\n" + "".join(
        (_SYSTEM_TABLES / script).read_text(encoding="utf-8") for script in scripts
    )
    finished = subprocess.run(
        [
            program,
            "--no-defaults",
            *as_root,
            "--bootstrap",
            f"--datadir={unfinished}",
            # A folder of its own: a server that starts deletes what others have in a shared one.
            f"--tmpdir={folder}",
            "--innodb-log-file-size=96M",
        ],
        input=sql.encode(),
        capture_output=True,
        timeout=120,
        check=False,
    )
    if finished.returncode != 0:
        raise RuntimeError(
            f"The system tables could not be made: {finished.stderr.decode(errors='replace')[-2000:]}"
        )
    unfinished.rename(data)
