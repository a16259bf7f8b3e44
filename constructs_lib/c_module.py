"""Compiles a C module with Zig, which needs neither Docker nor a compiler of the system.

Run as a script it compiles for this machine: ``python constructs_lib/c_module.py SOURCE OUTPUT``.
"""

import importlib.util
import platform
import subprocess
import sys
import sysconfig
from pathlib import Path

#: Modules use the limited API, so that their name has no version of Python in it (PEP 384).
SUFFIX = ".abi3.so"
#: Lambda's Amazon Linux 2023 has glibc 2.34; 2.17 is what every system has that runs Python 3.13.
_TARGETS = {"arm64": "aarch64-linux-gnu.2.17", "x86_64": "x86_64-linux-gnu.2.17"}
# Contracted multiplications would round other than Python does.
_FLAGS = ("-O3", "-g0", "-s", "-shared", "-fPIC", "-ffp-contract=off", "-Wall", "-Werror")


class CompilingFailed(RuntimeError):
    """A C module could not be compiled; the text says what to do."""


def compile_module(source: Path, output: Path, architecture: str) -> None:
    """Compile ``source`` to ``output`` for Linux on ``architecture`` (``arm64`` or ``x86_64``).

    Raises :class:`CompilingFailed`.
    """
    if architecture not in _TARGETS:
        raise CompilingFailed(
            f"{source.name} can't be compiled for {architecture!r}; known are: {', '.join(sorted(_TARGETS))}"
        )
    if importlib.util.find_spec("ziglang") is None:
        raise CompilingFailed(
            "ziglang was not found, and C modules are compiled with it. Install it: pip install ziglang"
        )
    # The limited API is the same on every machine: this Python's headers do for any other.
    headers = Path(sysconfig.get_path("include"))
    if not (headers / "Python.h").is_file():
        raise CompilingFailed(
            "Python.h was not found, and C modules are compiled with it. Install the headers of this Python "
            "(python3.13-dev on Debian and Ubuntu), or use a Python that brings them"
        )
    command = [
        sys.executable, "-m", "ziglang", "cc", "-target", _TARGETS[architecture], *_FLAGS,
        "-isystem", str(headers), str(source), "-o", str(output),
    ]  # fmt: skip
    finished = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - no shell, no words of others
    if finished.returncode != 0:
        raise CompilingFailed(f"{source.name} could not be compiled:\n{finished.stderr.strip()}")


def _main(arguments: list[str]) -> int:
    source, output = map(Path, arguments)
    machine = {"aarch64": "arm64", "AMD64": "x86_64"}.get(platform.machine(), platform.machine())
    try:
        compile_module(source, output, machine)
    except CompilingFailed as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
