"""Compares a revision with the working tree, environment by environment."""

import json
import os
import tempfile
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tools.diff import cdk, processes
from tools.diff.assembly import NOTHING, Assembly, Stack, UnknownInRevision, synthesize
from tools.diff.code_changes import take_code_out
from tools.diff.destructive import Finding, find
from tools.diff.revision import worktree


@dataclass(frozen=True, kw_only=True)
class StackChange:
    """How one stack differs. ``state`` is ``new``, ``removed`` or ``changed``."""

    name: str
    state: str
    text: str = ""
    code_changed: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class EnvironmentChange:
    """How one environment differs: what the change would destroy, and each stack that it touches."""

    environment: str
    findings: Sequence[Finding] = ()
    stacks: Sequence[StackChange] = ()
    notes: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What ``title`` says was compared, with the names that were acknowledged."""

    title: str
    environments: Sequence[EnvironmentChange]
    acknowledged: Collection[str] = field(default_factory=frozenset)

    def open_findings(self) -> list[tuple[str, Finding]]:
        """The destructive changes that nobody has acknowledged, with their environments."""
        return [
            (change.environment, finding)
            for change in self.environments
            for finding in change.findings
            if not finding.acknowledged(self.acknowledged)
        ]

    def unused_acknowledgements(self) -> list[str]:
        """Acknowledged names that no destructive change has: misspelled, or not needed any more."""
        findings = [finding for change in self.environments for finding in change.findings]
        return sorted(
            name
            for name in self.acknowledged
            if not any(finding.acknowledged({name}) for finding in findings)
        )


def compare_revision(
    *,
    repository: Path,
    revision: str,
    label: str,
    environments: Sequence[str],
    acknowledged: Collection[str],
) -> Comparison:
    """Compare the working tree at ``repository`` with ``revision``, called ``label``, in ``environments``.

    Raises :class:`~tools.diff.revision.NoSuchRevision`, :class:`~tools.diff.assembly.SynthesisFailed` and
    :class:`~tools.diff.cdk.CdkFailed`. The worktree of the revision is removed in each case.
    """
    with tempfile.TemporaryDirectory(prefix="prensa-diff-") as temporary:
        # Resolved: some systems give a symbolic link, and a path is part of what the CDK hashes.
        folder = Path(temporary).resolve()
        with (
            worktree(repository=repository, revision=revision, folder=folder / "base") as base_source,
            ThreadPoolExecutor(max_workers=os.cpu_count() or 2) as pool,
        ):
            try:
                bases, heads = (
                    {
                        environment: pool.submit(
                            _synthesized,
                            source=source,
                            environment=environment,
                            output=folder / f"{environment}-{side}",
                            label=name,
                        )
                        for environment in environments
                    }
                    for side, name, source in (
                        ("base-out", label, base_source),
                        ("head-out", "the working tree", repository),
                    )
                )
                changes = [
                    compare_assemblies(
                        environment=environment,
                        base=_known(bases[environment].result(), unless=heads[environment].result()),
                        head=_known(heads[environment].result(), unless=bases[environment].result()),
                        folder=folder,
                        pool=pool,
                    )
                    for environment in environments
                ]
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                processes.end_all()
                raise
    return Comparison(
        title=f"The working tree compared with {label}",
        environments=changes,
        acknowledged=frozenset(acknowledged),
    )


def compare_assemblies(
    *, environment: str, base: Assembly, head: Assembly, folder: Path, pool: ThreadPoolExecutor
) -> EnvironmentChange:
    """Compare two assemblies of ``environment``; ``folder`` takes templates in between.

    Raises :class:`~tools.diff.cdk.CdkFailed`.
    """
    names = list(dict.fromkeys([*head.stacks, *base.stacks]))
    waiting = {
        name: pool.submit(_changed, base.stacks[name], head.stacks[name], head.folder, folder)
        for name in names
        if name in base.stacks and name in head.stacks and head.folder is not None
    }
    stacks: list[StackChange] = []
    for name in names:
        if name in waiting:
            change = waiting[name].result()
            if change is not None:
                stacks.append(change)
        elif name in head.stacks:
            stacks.append(StackChange(name=name, state="new", text=_counted(head.stacks[name].resources)))
        else:
            stacks.append(StackChange(name=name, state="removed", text=_counted(base.stacks[name].resources)))
    return EnvironmentChange(
        environment=environment,
        findings=find(base=base, head=head),
        stacks=stacks,
        notes=(*base.notes, *head.notes),
    )


def compare_deployed(*, repository: Path, environments: Sequence[str]) -> Comparison:
    """Compare the working tree with what is deployed. Raises :class:`~tools.diff.cdk.CdkFailed`."""
    return Comparison(
        title="The working tree compared with what is deployed",
        environments=[
            EnvironmentChange(
                environment=environment,
                stacks=[
                    StackChange(
                        name=f"cdk diff -c env={environment}",
                        state="deployed",
                        text=cdk.compare_deployed(repository=repository, environment=environment),
                    )
                ],
            )
            for environment in environments
        ],
    )


def _synthesized(*, source: Path, environment: str, output: Path, label: str) -> Assembly | UnknownInRevision:
    try:
        return synthesize(source=source, environment=environment, output=output, label=label)
    except UnknownInRevision as unknown:
        return unknown


def _known(side: Assembly | UnknownInRevision, *, unless: Assembly | UnknownInRevision = NOTHING) -> Assembly:
    """An environment that only one side knows has no stacks on the other; raise if neither knows it."""
    if not isinstance(side, UnknownInRevision):
        return side
    if isinstance(unless, UnknownInRevision):
        raise side
    return NOTHING


def _changed(base: Stack, head: Stack, assembly: Path, folder: Path) -> StackChange | None:
    normalized = take_code_out(base=base.template, head=head.template)
    text = ""
    if normalized.base != head.template:
        # The CLI reads a template's kind from its name.
        template = folder / f"{base.name}.template.json"
        template.write_text(json.dumps(normalized.base), encoding="utf-8")
        text = cdk.compare(stack=head, assembly=assembly, template=template)
    if not text and not normalized.code_changed:
        return None
    return StackChange(name=head.name, state="changed", text=text, code_changed=normalized.code_changed)


def _counted(resources: Mapping[str, object]) -> str:
    return f"{len(resources)} resources"
