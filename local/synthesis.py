"""The templates of the CDK app, synthesized once and kept until something that they come from changes."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from local.paths import REPOSITORY, TEMPLATES

#: Whose deployment runs here.
ENVIRONMENT = "dev"
_SOURCES = ("app.py", "cdk.json", "requirements.txt")
_PACKAGES = ("stacks", "constructs_lib")
_KEPT = 3


class SynthesisFailed(RuntimeError):
    """The CDK app could not be synthesized."""


def synthesized() -> Path:
    """The folder of the cloud assembly. Raises :class:`SynthesisFailed`.

    Two platforms that start at once make it twice; the first one's stays.
    """
    folder = TEMPLATES / _fingerprint()
    if not folder.exists():
        TEMPLATES.mkdir(parents=True, exist_ok=True)
        unfinished = TEMPLATES / f".{folder.name}.{os.getpid()}"
        shutil.rmtree(unfinished, ignore_errors=True)
        _synthesize(unfinished)
        try:
            unfinished.rename(folder)
        except OSError:
            # Another platform was faster: its folder is not empty, and so is not replaced.
            if not folder.exists():
                raise
            shutil.rmtree(unfinished)
        _forget_old(folder)
    return folder


def is_cached() -> bool:
    return (TEMPLATES / _fingerprint()).exists()


def _synthesize(output: Path) -> None:
    finished = subprocess.run(
        [sys.executable, "-m", "local.synthesis", str(output)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    if finished.returncode != 0:
        raise SynthesisFailed(f"The CDK app could not be synthesized:\n{finished.stderr[-4000:]}")


def _fingerprint() -> str:
    digest = hashlib.sha256(ENVIRONMENT.encode())
    files = [REPOSITORY / name for name in _SOURCES]
    for package in _PACKAGES:
        files += sorted((REPOSITORY / package).rglob("*.py"))
    for file in files:
        content = file.read_bytes()
        digest.update(f"{file.relative_to(REPOSITORY)}:{len(content)}:".encode() + content)
    return digest.hexdigest()[:16]


def _forget_old(newest: Path) -> None:
    others = sorted(
        (path for path in TEMPLATES.iterdir() if path != newest and not path.name.startswith(".")),
        key=lambda path: path.stat().st_mtime,
    )
    for path in others[: -_KEPT or None]:
        shutil.rmtree(path, ignore_errors=True)


def main(output: str) -> None:
    """Synthesize into ``output``; runs in a process of its own, since the CDK takes a second to load."""
    from stacks.node import use_packaged_node  # noqa: PLC0415

    use_packaged_node()
    from stacks.application import build_app  # noqa: PLC0415
    from stacks.environments import environment_named  # noqa: PLC0415

    context = json.loads((REPOSITORY / "cdk.json").read_text())["context"]
    environment = environment_named(ENVIRONMENT)
    build_app(environment=environment, outdir=output, context=context, bundle=False, checks=False).synth()


if __name__ == "__main__":
    main(sys.argv[1])
