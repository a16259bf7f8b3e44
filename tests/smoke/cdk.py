"""The CDK's command line, as `tools/setup-cdk.sh` installs it, against the emulator."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from local.paths import DEFAULT_HOME, REPOSITORY
from tests.smoke.emulator import ACCOUNT, NODE, REGION, Emulator
from tests.smoke.settings import SmokeSettings

_CLI = DEFAULT_HOME / "tools" / "cdk" / "node_modules" / "aws-cdk" / "bin" / "cdk"
_DEADLINE_SECONDS = 300


class CdkFailed(RuntimeError):
    """The CDK's command line, or the app, ended with an error."""


@dataclass(frozen=True, kw_only=True)
class Cdk:
    """Calls it in ``folder``; everything that it prints is also in ``folder/cdk.log``."""

    emulator: Emulator
    folder: Path

    def synthesize(self, settings: SmokeSettings) -> None:
        """Write the app into ``settings.outdir``."""
        self._run(
            [sys.executable, "-m", "tests.smoke.app", json.dumps(asdict(settings))],
            what="synth",
            folder=REPOSITORY,
            # The caller's own: uv finds its cache and its settings there.
            environment={**os.environ, "PYTHONPATH": "lambdas:."},
        )

    def bootstrap(self) -> None:
        self._cdk("bootstrap", f"aws://{ACCOUNT}/{REGION}")

    def deploy(self, outdir: str) -> dict[str, str]:
        """Deploy every stack that ``outdir`` holds; the outputs of all of them, by name."""
        outputs = self.folder / "outputs.json"
        self._cdk(
            "deploy", "--app", outdir, "--all", "--require-approval", "never",
            "--concurrency", "4", "--outputs-file", str(outputs),
        )  # fmt: skip
        stacks: dict[str, dict[str, str]] = json.loads(outputs.read_text("utf-8"))
        return {name: value for stack in stacks.values() for name, value in stack.items()}

    def differences(self, outdir: str) -> int:
        """How many stacks of ``outdir`` are not deployed as they are there."""
        told = re.search(r"Number of stacks with differences: (\d+)", self._cdk("diff", "--app", outdir))
        if told is None:
            raise CdkFailed("diff did not tell how many stacks differ.")
        return int(told[1])

    def destroy(self, outdir: str) -> None:
        self._cdk("destroy", "--app", outdir, "--all", "--force")

    def log(self) -> str:
        """All that was printed."""
        return self._log.read_text("utf-8", errors="replace")

    @property
    def _log(self) -> Path:
        return self.folder / "cdk.log"

    def _cdk(self, command: str, *arguments: str) -> str:
        if not _CLI.exists():
            raise CdkFailed("The CDK's command line is not installed. Run `tools/setup-cdk.sh`.")
        return self._run(
            [str(NODE), str(_CLI), "--no-color", "--no-notices", command, *arguments],
            what=command,
            # Not the checkout, whose cdk.json names another app.
            folder=self.folder,
            environment={**self.emulator.environment, "CDK_DISABLE_CLI_TELEMETRY": "true"},
        )

    def _run(self, command: list[str], *, what: str, folder: Path, environment: Mapping[str, str]) -> str:
        finished = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_DEADLINE_SECONDS,
            check=False,
        )
        with self._log.open("a", encoding="utf-8") as log:
            log.write(f"== {what}\n{finished.stdout}\n")
        if finished.returncode != 0:
            raise CdkFailed(f"{what} ended with {finished.returncode}:\n{finished.stdout[-6000:]}")
        return finished.stdout
