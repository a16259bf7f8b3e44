"""The home folder of one platform: its data, logs, secrets, process records and addresses.

Two platforms with different homes (and ports) run side by side.
"""

import fcntl
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local.paths import DEFAULT_HOME


class HomeInUse(RuntimeError):
    """Another supervisor already runs in this home."""


@dataclass(frozen=True)
class Home:
    """Paths inside one home folder. Nothing is created before :meth:`create`."""

    path: Path

    @classmethod
    def from_argument(cls, argument: str | None, environment: Mapping[str, str]) -> "Home":
        """``--home`` wins over ``PRENSA_HOME``, which wins over ``.local/`` of the repository."""
        return cls(Path(argument or environment.get("PRENSA_HOME") or DEFAULT_HOME).expanduser().resolve())

    @property
    def data(self) -> Path:
        return self.path / "data"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def tls(self) -> Path:
        return self.path / "tls"

    @property
    def pids(self) -> Path:
        return self.path / "pids"

    @property
    def temporary(self) -> Path:
        return self.path / "tmp"

    @property
    def credentials(self) -> Path:
        return self.path / "credentials.json"

    @property
    def deployment(self) -> Path:
        return self.path / "deployment.json"

    @property
    def endpoints(self) -> Path:
        return self.path / "endpoints.json"

    @property
    def state(self) -> Path:
        return self.path / "state.json"

    @property
    def lock(self) -> Path:
        return self.path / "supervisor.lock"

    def create(self) -> None:
        """Make the folders. Only their owner can read them: they hold keys and passwords."""
        for folder in (self.path, self.data, self.logs, self.tls, self.pids, self.temporary):
            folder.mkdir(parents=True, exist_ok=True)
        for folder in (self.data, self.tls, self.pids, self.temporary):
            folder.chmod(0o700)

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def reset(self) -> None:
        """Delete the data, the secrets and the logs, and keep the tools that were installed."""
        for folder in (self.data, self.logs, self.tls, self.pids, self.temporary):
            shutil.rmtree(folder, ignore_errors=True)
        for file in (self.credentials, self.deployment, self.endpoints, self.state, self.lock):
            file.unlink(missing_ok=True)


class HomeLock:
    """Held by the supervisor of a home for as long as its process lives, and freed even by kill -9."""

    def __init__(self, home: Home) -> None:
        self._file = home.lock.open("a+")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.seek(0)
            owner = self._file.read().strip() or "unknown"
            self._file.close()
            raise HomeInUse(
                f"A platform already runs in {home.path} (process {owner}). "
                "Stop it with `python -m local down`, or choose another home with --home or PRENSA_HOME."
            ) from None
        self._file.truncate(0)
        self._file.write(str(os.getpid()))
        self._file.flush()

    def release(self) -> None:
        self._file.truncate(0)
        self._file.close()


def lock_owner(home: Home) -> int | None:
    """The process id of the supervisor that runs in ``home``, or None."""
    if not home.lock.exists():
        return None
    with home.lock.open("r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            text = file.read().strip()
            return int(text) if text.isdigit() else None
    return None


def write_json(path: Path, value: object, *, mode: int = 0o600) -> None:
    """Replace a JSON file at once, so that a reader never sees half of it."""
    write_text(path, json.dumps(value, indent=2) + "\n", mode=mode)


def write_text(path: Path, text: str, *, mode: int = 0o600) -> None:
    """Replace a text file at once; ``mode`` holds from its first byte on."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
        file.write(text)
    temporary.replace(path)


def read_json(path: Path) -> dict[str, object] | None:
    """The object in a JSON file, or None when there is no such file."""
    try:
        value = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    if not isinstance(value, dict):
        raise ValueError(f"{path} does not hold a JSON object.")
    return value
