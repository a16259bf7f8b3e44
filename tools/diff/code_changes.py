"""Changed code: one line per function, instead of hashes all over the diff."""

import copy
import json
from dataclasses import dataclass

from tools.diff.assembly import Template

_CODE = {"AWS::Lambda::Function": "Code", "AWS::Lambda::LayerVersion": "Content"}
_VERSION = "AWS::Lambda::Version"


@dataclass(frozen=True, kw_only=True)
class Normalized:
    """The base's template with the head's code, and the functions whose code differs."""

    base: Template
    code_changed: tuple[str, ...]


def take_code_out(*, base: Template, head: Template) -> Normalized:
    """Give the functions in ``base`` the code of those in ``head``, and their versions the same logical ids.

    The id of a version carries a hash of the function with its code, and aliases, permissions and triggers
    refer to it. What remains different is the configuration.
    """
    base = copy.deepcopy(base)
    old, new = base.get("Resources", {}), head.get("Resources", {})
    changed = []
    for logical_id, resource in old.items():
        prop = _CODE.get(resource.get("Type", ""))
        other = new.get(logical_id)
        if prop is None or other is None or other.get("Type") != resource["Type"]:
            continue
        code = other.get("Properties", {}).get(prop)
        if resource.get("Properties", {}).get(prop) != code:
            resource.setdefault("Properties", {})[prop] = copy.deepcopy(code)
            changed.append(logical_id)
    text = json.dumps(base)
    for before, after in _renamed_versions(base=base, head=head):
        text = text.replace(f'"{before}"', f'"{after}"').replace(f'"{before}.', f'"{after}.')
    return Normalized(base=json.loads(text), code_changed=tuple(changed))


def _renamed_versions(*, base: Template, head: Template) -> list[tuple[str, str]]:
    gone, come = _versions(base, without=head), _versions(head, without=base)
    return [(gone[function], come[function]) for function in gone.keys() & come.keys()]


def _versions(template: Template, *, without: Template) -> dict[str, str]:
    """The versions that ``without`` does not have, by the function they are of."""
    return {
        json.dumps(resource.get("Properties", {}).get("FunctionName")): logical_id
        for logical_id, resource in template.get("Resources", {}).items()
        if resource.get("Type") == _VERSION and logical_id not in without.get("Resources", {})
    }
