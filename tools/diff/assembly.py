"""Cloud assemblies: made by a revision's own app.py, read from their manifest."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.diff import processes

type Template = dict[str, Any]

_SYNTH_SECONDS = 300
#: How app.py tells that it does not know an environment.
_UNKNOWN = "Say which environment"


class SynthesisFailed(RuntimeError):
    """A revision's app did not write its templates."""


class UnknownInRevision(SynthesisFailed):
    """A revision's app has no such environment."""


@dataclass(frozen=True, kw_only=True)
class Stack:
    """A stack of an assembly. ``selector`` is what the CDK CLI calls it."""

    name: str
    selector: str
    file: Path | None
    template: Template
    termination_protection: bool = False

    @property
    def resources(self) -> Mapping[str, Any]:
        """The template's resources by logical id."""
        resources: Mapping[str, Any] = self.template.get("Resources", {})
        return resources


@dataclass(frozen=True, kw_only=True)
class Assembly:
    """The stacks of one revision in one environment, by stack name."""

    folder: Path | None
    stacks: Mapping[str, Stack]
    notes: tuple[str, ...] = ()


NOTHING = Assembly(folder=None, stacks={})


def synthesize(*, source: Path, environment: str, output: Path, label: str) -> Assembly:
    """Run ``source``/app.py for ``environment`` without the functions' code, and read what it wrote.

    An app whose validation finds something has written its templates before: they are compared all the
    same, with a note, since a diff is no check. A revision without app.py has no stacks. Raises
    :class:`SynthesisFailed`, or :class:`UnknownInRevision` for an environment that it does not have.
    """
    if not (source / "app.py").is_file():
        return NOTHING
    context = {
        **_context(source),
        "env": environment,
        "aws:cdk:bundling-stacks": [],
        # What the CLI sets too; without it a diff shows logical ids without their constructs.
        "aws:cdk:enable-path-metadata": True,
    }
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    variables |= {
        "CDK_OUTDIR": str(output),
        "CDK_CONTEXT_JSON": json.dumps(context),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    try:
        finished = processes.run(
            [sys.executable, "app.py"], cwd=source, environment=variables, seconds=_SYNTH_SECONDS
        )
    except subprocess.TimeoutExpired as error:
        raise SynthesisFailed(f"{label}: app.py did not end within {_SYNTH_SECONDS} s.") from error
    notes: list[str] = []
    if finished.returncode != 0:
        last = "\n".join(finished.stderr.strip().splitlines()[-15:])
        if _UNKNOWN in finished.stderr:
            raise UnknownInRevision(f"{label}: {last}")
        if not (output / "manifest.json").is_file() or not (output / "validation-report.json").is_file():
            raise SynthesisFailed(f"{label}: app.py failed for {environment}:\n{last}")
        notes.append(
            f"{label}: the app's own checks find something; make synth ENV={environment} shows what."
        )
    return read(output, notes=notes)


def read(folder: Path, *, notes: list[str] | None = None) -> Assembly:
    """The stacks of the assembly in ``folder``, in which the findings of checks are deleted.

    The CLI would print them with every diff and refuse to compare. Raises :class:`SynthesisFailed`.
    """
    path = folder / "manifest.json"
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SynthesisFailed(f"The app wrote no readable manifest.json: {error}") from error
    stacks: dict[str, Stack] = {}
    for artifact_id, artifact in manifest["artifacts"].items():
        if artifact["type"] != "aws:cloudformation:stack":
            continue
        artifact.pop("metadata", None)
        artifact.pop("additionalMetadataFile", None)
        properties = artifact["properties"]
        name = properties.get("stackName", artifact_id)
        file = folder / properties["templateFile"]
        stacks[name] = Stack(
            name=name,
            selector=artifact.get("displayName", artifact_id),
            file=file,
            template=json.loads(file.read_text(encoding="utf-8")),
            termination_protection=bool(properties.get("terminationProtection", False)),
        )
    path.write_text(json.dumps(manifest), encoding="utf-8")
    (folder / "validation-report.json").unlink(missing_ok=True)
    return Assembly(folder=folder, stacks=stacks, notes=tuple(notes or ()))


def _context(source: Path) -> dict[str, Any]:
    """The context of the revision's cdk.json, over it that of cdk.context.json, as the CLI has it."""
    context: dict[str, Any] = {}
    for name, key in (("cdk.json", "context"), ("cdk.context.json", None)):
        file = source / name
        if file.is_file():
            try:
                content = json.loads(file.read_text(encoding="utf-8"))
            except ValueError as error:
                raise SynthesisFailed(f"{name} is no JSON: {error}") from error
            context |= content.get(key, {}) if key else content
    return context
