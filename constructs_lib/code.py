"""Bundles a Python function for Lambda with uv, without Docker: only what it imports, and nothing of this
machine.
"""

import ast
import hashlib
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from constructs_lib.c_module import SUFFIX, CompilingFailed, compile_module
from constructs_lib.runtime import PYTHON_VERSION, WHEEL_PLATFORMS

#: Changes whenever what a bundle holds changes without its inputs doing so.
_FORMAT = "3"
#: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
_LIMIT_BYTES = 250 * 1024 * 1024
#: The Lambda runtime brings these.
_IN_RUNTIME = ("boto3", "botocore", "s3transfer")
#: What packages carry and no function runs.
_LEFT_OUT_FOLDERS = ("__pycache__", "bin", "tests")
_LEFT_OUT_METADATA = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json")


class BundlingFailed(RuntimeError):
    """A bundle could not be made; the text says what to do."""


@dataclass(frozen=True, kw_only=True)
class PythonCode:
    """The code of one function. A module that is a C file is compiled for the function's architecture.

    ``sources`` is the folder of import roots; ``handler`` is ``package.module.function`` below it;
    ``requirements`` is a locked requirements file with hashes; ``data`` are files or folders below
    ``sources`` that no import reaches; ``folders`` are further folders by their name in the bundle. Hidden
    files and editors' copies in them stay out.
    Raises ``ValueError`` for what is not there and ``TypeError`` for what is no path.
    """

    sources: Path
    handler: str
    requirements: Path
    data: Sequence[str] = ()
    folders: Mapping[str, Path] = field(default_factory=dict)

    def __post_init__(self) -> None:
        folders = {"sources": self.sources, **{f"folders[{k}]": v for k, v in self.folders.items()}}
        for what, path in {**folders, "requirements": self.requirements}.items():
            if not isinstance(path, Path):
                raise TypeError(f"PythonCode: {what} must be a Path, got {path!r}.")
        for what, path in folders.items():
            if not path.is_dir():
                raise ValueError(f"PythonCode: {what} must be a folder, got {str(path)!r}.")
        if not self.requirements.is_file():
            raise ValueError(f"PythonCode: requirements must be a file, got {str(self.requirements)!r}.")
        for entry in self.data:
            if not (self.sources / entry).exists():
                raise ValueError(f"PythonCode: data {entry!r} does not exist in {str(self.sources)!r}.")
        module = self.handler.rpartition(".")[0]
        if not module or _module_file(self.sources, module) is None:
            raise ValueError(
                f"PythonCode: handler must be 'package.module.function' below {str(self.sources)!r}, "
                f"got {self.handler!r}."
            )

    def files(self) -> dict[str, Path]:
        """Every file of our own that goes in, by its path in the bundle."""
        found = {str(path.relative_to(self.sources)): path for path in self._modules()}
        for entry in self.data:
            found |= {str(path.relative_to(self.sources)): path for path in _files(self.sources / entry)}
        for name, folder in self.folders.items():
            found |= {f"{name}/{path.relative_to(folder)}": path for path in _files(folder)}
        return dict(sorted(found.items()))

    def fingerprint(self, architecture: str) -> str:
        """SHA-256 over the lock, the sources, the architecture and the runtime."""
        digest = hashlib.sha256()
        # A lock's comments tell how it was made, not what is in it.
        lock = [
            line
            for line in self.requirements.read_text("utf-8").splitlines()
            if not line.lstrip().startswith("#")
        ]
        for part in (_FORMAT, architecture, PYTHON_VERSION, "\n".join(lock)):
            digest.update(f"{len(part)}:{part}".encode())
        for name, path in self.files().items():
            content = path.read_bytes()
            digest.update(f"{name}:{len(content)}:".encode() + content)
        return digest.hexdigest()

    def bundle(self, output: Path, architecture: str) -> None:
        """Fill the empty folder ``output``. Raises :class:`BundlingFailed`."""
        self._install(output, architecture)
        _clean(output)
        for name, path in self.files().items():
            target = output / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if path.suffix == ".c":
                _compile(path, target.with_suffix(SUFFIX), architecture)
            else:
                shutil.copyfile(path, target)
        size = sum(path.stat().st_size for path in output.rglob("*") if path.is_file())
        function = self.handler.split(".")[0]
        if size > _LIMIT_BYTES:
            raise BundlingFailed(
                f"The bundle of {function} has {size / 1e6:.0f} MB; Lambda takes {_LIMIT_BYTES / 1e6:.0f} MB."
            )
        print(f"Bundled {function} for {architecture}: {size / 1e6:.1f} MB", file=sys.stderr)  # noqa: T201

    def _install(self, output: Path, architecture: str) -> None:
        command = [
            _uv(), "pip", "install", "--quiet", "--target", str(output),
            "--requirements", str(self.requirements),
            "--python-version", PYTHON_VERSION, "--python-platform", WHEEL_PLATFORMS[architecture],
            "--no-deps", "--require-hashes", "--only-binary", ":all:", "--no-compile-bytecode",
            "--link-mode", "copy",
        ]  # fmt: skip
        finished = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - no shell, no words of others
        if finished.returncode != 0:
            raise BundlingFailed(
                f"uv could not install {self.requirements.name} for Lambda on {architecture} "
                f"(Python {PYTHON_VERSION}, {WHEEL_PLATFORMS[architecture]}):\n{finished.stderr.strip()}\n"
                "Every package needs a wheel for that platform; sources are not built."
            )

    def _modules(self) -> Iterator[Path]:
        """The modules below ``sources`` that the handler's reaches by import, and data's Python files."""
        waiting = [self.handler.rpartition(".")[0]]
        waiting += [
            ".".join(path.relative_to(self.sources).with_suffix("").parts)
            for entry in self.data
            for path in _files(self.sources / entry)
            if path.suffix == ".py"
        ]
        seen: set[str] = set()
        while waiting:
            module = waiting.pop()
            parts = module.split(".")
            for name in (".".join(parts[: count + 1]) for count in range(len(parts))):
                file = _module_file(self.sources, name)
                if file is None or name in seen:
                    continue
                seen.add(name)
                yield file
                waiting += _imports(file, name)


def _module_file(sources: Path, module: str) -> Path | None:
    base = sources.joinpath(*module.split("."))
    for file in (base / "__init__.py", base.with_suffix(".py"), base.with_suffix(".c")):
        if file.is_file():
            return file
    return None


def _imports(file: Path, module: str) -> list[str]:
    """The names that ``file`` imports, also inside functions; not those for type checkers only."""
    if file.suffix == ".c":
        return []
    package = module if file.name == "__init__.py" else module.rpartition(".")[0]
    names: list[str] = []
    waiting: list[ast.AST] = [ast.parse(file.read_text(encoding="utf-8"))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            waiting += node.orelse
            continue
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            origin = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                origin = ".".join([*above, *([origin] if origin else [])])
            names += [origin, *(f"{origin}.{alias.name}" for alias in node.names)]
        waiting += ast.iter_child_nodes(node)
    return names


def _compile(source: Path, output: Path, architecture: str) -> None:
    try:
        compile_module(source, output, architecture)
    except CompilingFailed as error:
        raise BundlingFailed(str(error)) from error


def _files(path: Path) -> Iterator[Path]:
    """The files at or below ``path``, without those that Python, systems and editors leave there.

    Such a file would deploy a function anew that has not changed.
    """
    if path.is_file():
        yield path
        return
    for found in sorted(path.rglob("*")):
        below = found.relative_to(path).parts
        left_there = "__pycache__" in below or any(part.startswith(".") for part in below)
        if found.is_file() and not left_there and not found.name.endswith(("~", ".pyc")):
            yield found


def _clean(output: Path) -> None:
    """Delete what no function runs and what differs between machines."""
    for name in _IN_RUNTIME:
        for folder in [output / name, *output.glob(f"{name}-*.dist-info")]:
            shutil.rmtree(folder, ignore_errors=True)
    for folder in [path for name in _LEFT_OUT_FOLDERS for path in output.rglob(name) if path.is_dir()]:
        shutil.rmtree(folder, ignore_errors=True)
    for metadata in output.glob("*.dist-info"):
        for name in _LEFT_OUT_METADATA:
            (metadata / name).unlink(missing_ok=True)
    for lock in output.glob(".lock"):
        lock.unlink()


def _uv() -> str:
    """The path of uv: on PATH, beside this Python, or where `local/setup.sh` puts it."""
    beside = [Path(sys.executable).parent / "uv", Path(".local/tools/uv/bin/uv").absolute()]
    found = shutil.which("uv") or next((str(path) for path in beside if path.is_file()), None)
    if found is None:
        raise BundlingFailed(
            "uv was not found, and functions are bundled with it. Install it: pip install uv"
        )
    return found
