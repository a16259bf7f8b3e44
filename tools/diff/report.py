"""A comparison as text for a terminal and as Markdown for a pull request."""

from collections.abc import Collection

from tools.diff.comparison import Comparison, EnvironmentChange, StackChange
from tools.diff.destructive import Finding

#: GitHub refuses longer comments.
LIMIT = 65_536
#: By which the comment is found again; it does not show.
MARKER = "<!-- prensa-diff -->"
_CUT = (
    "\n\n*The rest was cut, since a comment holds {limit:,} characters. Run `make diff` to see all of it.*\n"
)
_HOW = 'Acknowledge with ACK="NAME, ...", a logical id, a stack\'s name or STACK/ID: {names}'
_HOW_MARKDOWN = (
    "To acknowledge, write a line `Acknowledge: NAME, ...` in the pull request's description, "
    "with a logical id, a stack's name or STACK/ID."
)


def as_text(comparison: Comparison) -> str:
    """What is destroyed first, then each environment."""
    lines = [f"{comparison.title}."]
    for change in comparison.environments:
        if change.findings:
            lines += ["", f"{change.environment}: DESTRUCTIVE"]
            lines += [f"  {_told(finding, comparison.acknowledged)}" for finding in change.findings]
            lines += [f"  see {url}" for url in dict.fromkeys(found.url for found in change.findings) if url]
    waiting = comparison.open_findings()
    if waiting:
        names = ", ".join(dict.fromkeys(finding.logical_id or finding.stack for _, finding in waiting))
        lines += ["", _HOW.format(names=names)]
    lines += [f"Acknowledged, but nothing destructive is called so: {name}" for name in _unused(comparison)]
    for change in comparison.environments:
        lines += ["", f"{change.environment}: {_summary(change)}"]
        lines += [f"  note: {note}" for note in change.notes]
        for stack in change.stacks:
            lines += [f"  {line}" for line in _stack_lines(stack)]
    return "\n".join(lines) + "\n"


def as_markdown(*comparisons: Comparison) -> str:
    """The text of a pull request's comment, no longer than :data:`LIMIT`."""
    return fitted([MARKER, *(_section(comparison) for comparison in comparisons)])


def fitted(parts: list[str]) -> str:
    """``parts`` as one comment; where it is too long it is cut, with a note and with its blocks closed."""
    text = "\n\n".join(parts) + "\n"
    if len(text) <= LIMIT:
        return text
    note = _CUT.format(limit=LIMIT)
    room = LIMIT - len(note) - 200
    kept = text[: text.rfind("\n", 0, room)]
    # An open block would swallow the note.
    if kept.count("\n~~~~") % 2:
        kept += "\n~~~~"
    kept += "\n</details>" * (kept.count("<details>") - kept.count("</details>"))
    return kept + note


def _section(comparison: Comparison) -> str:
    lines = [f"### {comparison.title}"]
    for change in comparison.environments:
        if change.findings:
            lines += ["", f"#### ⚠️ Destructive in {change.environment}", ""]
            lines += [_item(finding, comparison.acknowledged) for finding in change.findings]
    if comparison.open_findings():
        lines += ["", _HOW_MARKDOWN]
    lines += [
        f"\nAcknowledged, but nothing destructive is called so: `{name}`" for name in _unused(comparison)
    ]
    for change in comparison.environments:
        lines += ["", f"<details><summary>{change.environment}: {_summary(change)}</summary>", ""]
        lines += [f"> {note}\n" for note in change.notes]
        if change.stacks:
            lines += ["~~~~diff"]
            lines += [line for stack in change.stacks for line in _stack_lines(stack)]
            lines += ["~~~~", ""]
        lines += ["</details>"]
    return "\n".join(lines)


def _item(finding: Finding, acknowledged: Collection[str]) -> str:
    text = f"`{finding.place}`: {finding.text}"
    if finding.url:
        text += f" ([reference]({finding.url}))"
    return f"- acknowledged: {text}" if finding.acknowledged(acknowledged) else f"- **{text}**"


def _told(finding: Finding, acknowledged: Collection[str]) -> str:
    sign = "acknowledged:" if finding.acknowledged(acknowledged) else "!"
    return f"{sign} {finding.place}: {finding.text}"


def _summary(change: EnvironmentChange) -> str:
    if not change.stacks:
        return "no difference"
    if any(stack.state == "deployed" for stack in change.stacks):
        return "compared with what is deployed"
    counts = [
        f"{count} {state}"
        for state in ("new", "changed", "removed")
        if (count := sum(stack.state == state for stack in change.stacks))
    ]
    return f"stacks: {', '.join(counts)}" + (
        f"; {len(change.findings)} destructive" if change.findings else ""
    )


def _stack_lines(stack: StackChange) -> list[str]:
    if stack.state == "new":
        return [f"Stack {stack.name} is new: {stack.text}"]
    if stack.state == "removed":
        return [f"Stack {stack.name} is removed: {stack.text}"]
    lines = [f"Stack {stack.name}"]
    lines += [f"[~] {name}: code changed" for name in stack.code_changed]
    return lines + stack.text.splitlines()


def _unused(comparison: Comparison) -> list[str]:
    return comparison.unused_acknowledgements()
