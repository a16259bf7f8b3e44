"""What a change would destroy, or would let be destroyed.

It is judged from templates, so a value that an intrinsic function gives may turn out to be the same one, and
a resource that CloudFormation replaces only because one that it refers to is replaced is not seen: the diff
of the CDK CLI says "may be replaced" there.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tools.diff.assembly import Assembly, Stack
from tools.diff.stateful import STATEFUL, StatefulType

_ABSENT = object()
_STRENGTH = {"Delete": 0, "Snapshot": 1, "Retain": 2, "RetainExceptOnCreate": 2}
_OUTCOME = {
    "Delete": "it is deleted with what it holds",
    "Snapshot": "it is deleted after a snapshot",
    "Retain": "it stays, but no stack manages it any more",
    "RetainExceptOnCreate": "it stays, but no stack manages it any more",
}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One destructive change of a resource, or of a whole stack where ``logical_id`` is None."""

    stack: str
    logical_id: str | None = None
    text: str
    url: str | None = None

    @property
    def place(self) -> str:
        return self.stack if self.logical_id is None else f"{self.stack}/{self.logical_id}"

    def acknowledged(self, names: Collection[str]) -> bool:
        """Whether ``names`` has its logical id, its stack or both with a slash between."""
        return bool({self.stack, self.logical_id, self.place} & set(names))


def find(*, base: Assembly, head: Assembly) -> list[Finding]:
    """Every destructive change from ``base`` to ``head``."""
    findings: list[Finding] = []
    for name, stack in base.stacks.items():
        other = head.stacks.get(name)
        findings += _removed_stack(stack) if other is None else _changed_stack(base=stack, head=other)
    return findings


def _removed_stack(stack: Stack) -> Iterator[Finding]:
    held = [
        f"{logical_id} ({resource['Type']}, {_outcome(resource)})"
        for logical_id, resource in stack.resources.items()
        if resource["Type"] in STATEFUL
    ]
    if held:
        yield Finding(stack=stack.name, text=f"the stack is removed, with {'; '.join(held)}")


def _changed_stack(*, base: Stack, head: Stack) -> Iterator[Finding]:
    if base.termination_protection and not head.termination_protection:
        yield Finding(stack=base.name, text="termination protection is switched off")
    for logical_id, old in base.resources.items():
        kind = STATEFUL.get(old["Type"])
        if kind is None:
            continue
        new = head.resources.get(logical_id)
        for text in _changed_resource(old, new, kind):
            yield Finding(stack=base.name, logical_id=logical_id, text=text, url=kind.url)


def _changed_resource(
    old: Mapping[str, Any], new: Mapping[str, Any] | None, kind: StatefulType
) -> Iterator[str]:
    name = old["Type"]
    if new is None:
        yield f"{name} is removed: {_outcome(old)}"
        return
    if new["Type"] != name:
        yield f"{name} becomes {new['Type']}, which replaces it: {_outcome(old, 'UpdateReplacePolicy')}"
        return
    before, after = old.get("Properties", {}), new.get("Properties", {})
    paths = [path for path in sorted(kind.replacing) if _at(before, path) != _at(after, path)]
    if paths:
        certain = any(not _computed(_at(before, path)) and not _computed(_at(after, path)) for path in paths)
        # It is the new template's policy that a replacement goes by.
        outcome = _outcome(new, "UpdateReplacePolicy")
        yield f"{name} {'is' if certain else 'may be'} replaced ({', '.join(paths)}): {outcome}"
    fixed = [path for path in sorted(kind.fixed) if _at(before, path) != _at(after, path)]
    if fixed:
        yield f"{', '.join(fixed)} of {name} can't be changed: the update fails, or a new one has to be made"
    regenerated = [path for path in sorted(kind.regenerating) if _at(before, path) != _at(after, path)]
    if regenerated:
        yield f"{', '.join(regenerated)} of {name} changes: a new value is made, which its users do not know"
    for path, key in kind.growing.items():
        lost = _lost(_at(before, path), _at(after, path), key=key)
        if lost:
            yield f"{path} of {name} loses {', '.join(lost)}"
    yield from _weakened(old, new, kind)
    if (
        kind.protection is not None
        and _on(before.get(kind.protection))
        and not _on(after.get(kind.protection))
    ):
        yield f"{kind.protection} of {name} is switched off"


def _weakened(old: Mapping[str, Any], new: Mapping[str, Any], kind: StatefulType) -> Iterator[str]:
    weakened = []
    for attribute in ("DeletionPolicy", "UpdateReplacePolicy"):
        default = kind.default_deletion if attribute == "DeletionPolicy" else "Delete"
        before, after = old.get(attribute, default), new.get(attribute, default)
        if _STRENGTH.get(after, 0) < _STRENGTH.get(before, 0):
            weakened.append(f"{attribute} from {before} to {after}")
    if weakened:
        yield f"{old['Type']} is kept less: {', '.join(weakened)}"


def _outcome(resource: Mapping[str, Any], attribute: str = "DeletionPolicy") -> str:
    default = STATEFUL[resource["Type"]].default_deletion if attribute == "DeletionPolicy" else "Delete"
    policy = str(resource.get(attribute, default))
    return f"{attribute} {policy}, {_OUTCOME.get(policy, 'unknown to this tool')}"


def _at(properties: Any, path: str) -> Any:
    for part in path.split("."):
        if not isinstance(properties, Mapping) or part not in properties:
            return _ABSENT
        properties = properties[part]
    return properties


def _computed(value: Any) -> bool:
    """Whether an intrinsic function is in ``value``: its result is known only when deployed."""
    if isinstance(value, Mapping):
        return any(key == "Ref" or key.startswith("Fn::") for key in value) or any(
            _computed(item) for item in value.values()
        )
    return isinstance(value, list) and any(_computed(item) for item in value)


def _lost(before: Any, after: Any, *, key: str | None) -> list[str]:
    def names(elements: Any) -> list[str]:
        if not isinstance(elements, list):
            return []
        return [
            str(item.get(key) if key is not None and isinstance(item, Mapping) else item) for item in elements
        ]

    kept = set(names(after))
    return [name for name in names(before) if name not in kept]


def _on(value: Any) -> bool:
    return value is True or (isinstance(value, str) and value.lower() in {"true", "active"})
