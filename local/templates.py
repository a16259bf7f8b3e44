"""Reads synthesized templates: resources, and the values of their properties with intrinsics resolved.

What a managed resource answers (an address, an ARN) is asked of :class:`Values`. A value that neither the
templates nor it can tell is an error: nothing can run here with a setting that nobody has decided.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol


class Unresolved(LookupError):
    """The templates hold something whose value is not known here."""


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource of a stack; ``properties`` are as the template has them."""

    stack: str
    logical_id: str
    kind: str
    properties: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.stack}/{self.logical_id} ({self.kind})"


class Values(Protocol):
    """What the resources of AWS are here."""

    def reference(self, resource: Resource) -> Any:
        """The value of ``Ref``. Raises :class:`Unresolved`."""

    def attribute(self, resource: Resource, name: str) -> Any:
        """The value of ``Fn::GetAtt``. Raises :class:`Unresolved`."""

    def pseudo(self, name: str) -> str:
        """The value of a pseudo parameter such as ``AWS::Region``. Raises :class:`Unresolved`."""


class Templates:
    """The templates of one cloud assembly."""

    def __init__(self, assembly: Path) -> None:
        manifest = json.loads((assembly / "manifest.json").read_text())
        self._templates: dict[str, dict[str, Any]] = {}
        for artifact_id, artifact in manifest["artifacts"].items():
            if artifact["type"] == "aws:cloudformation:stack":
                name = artifact["properties"].get("stackName", artifact_id)
                file = assembly / artifact["properties"]["templateFile"]
                self._templates[name] = json.loads(file.read_text())

    @property
    def stacks(self) -> Mapping[str, dict[str, Any]]:
        """Each stack's template by the stack's name."""
        return self._templates

    def of_kind(self, kind: str) -> Iterator[Resource]:
        """Every resource of a type, such as ``AWS::Lambda::Function``."""
        for stack, template in self._templates.items():
            for logical_id, resource in template.get("Resources", {}).items():
                if resource["Type"] == kind:
                    yield Resource(stack, logical_id, kind, resource.get("Properties", {}))

    def only(self, kind: str) -> Resource:
        """The one resource of a type. Raises :class:`Unresolved` when there are none or several."""
        found = list(self.of_kind(kind))
        if len(found) != 1:
            raise Unresolved(f"One {kind} is expected, the templates have {len(found)}.")
        return found[0]

    def resource(self, stack: str, logical_id: str) -> Resource:
        try:
            resource = self._templates[stack]["Resources"][logical_id]
        except KeyError:
            raise Unresolved(f"There is no resource {logical_id!r} in the stack {stack!r}.") from None
        return Resource(stack, logical_id, resource["Type"], resource.get("Properties", {}))

    def output(self, stack: str, name: str) -> Any:
        """The value of an output, as the template has it."""
        try:
            return self._templates[stack]["Outputs"][name]["Value"]
        except KeyError:
            raise Unresolved(f"There is no output {name!r} of the stack {stack!r}.") from None


class Resolver:
    """Resolves intrinsics of CloudFormation.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
    """

    def __init__(self, templates: Templates, values: Values) -> None:
        self._templates = templates
        self._values = values
        self._intrinsics: dict[str, Callable[[Any, str], Any]] = {
            "Ref": self._ref,
            "Fn::GetAtt": self._attribute,
            "Fn::GetStackOutput": self._stack_output,
            "Fn::Join": self._join,
            "Fn::Split": self._split,
            "Fn::Select": self._select,
            # Only ever read back as the text that it was made of.
            "Fn::Base64": self.resolve,
        }

    def of(self, resource: Resource, *path: str) -> Any:
        """The value of a property of ``resource``, ``None`` if it has none."""
        value: Any = resource.properties
        for step in path:
            if not isinstance(value, Mapping) or step not in value:
                return None
            value = value[step]
        return self.resolve(value, resource.stack)

    def resolve(self, value: Any, stack: str) -> Any:
        """``value`` of a template of ``stack`` with every intrinsic resolved. Raises :class:`Unresolved`."""
        if isinstance(value, list):
            return [self.resolve(item, stack) for item in value]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            name, argument = next(iter(value.items()))
            if name == "Ref" or name.startswith("Fn::"):
                return self._intrinsic(name, argument, stack)
        return {key: self.resolve(item, stack) for key, item in value.items()}

    def _intrinsic(self, name: str, argument: Any, stack: str) -> Any:
        if name not in self._intrinsics:
            raise Unresolved(f"The stack {stack!r} uses {name}, which is not resolved here.")
        return self._intrinsics[name](argument, stack)

    def _ref(self, name: str, stack: str) -> Any:
        if name.startswith("AWS::"):
            return self._values.pseudo(name)
        return self._values.reference(self._templates.resource(stack, name))

    def _attribute(self, argument: list[str], stack: str) -> Any:
        logical_id, name = argument
        return self._values.attribute(self._templates.resource(stack, logical_id), name)

    def _stack_output(self, argument: Mapping[str, Any], _: str) -> Any:
        stack = argument["StackName"]
        return self.resolve(self._templates.output(stack, argument["OutputName"]), stack)

    def _join(self, argument: list[Any], stack: str) -> str:
        separator, parts = argument
        return str(separator).join(str(part) for part in self.resolve(parts, stack))

    def _split(self, argument: list[Any], stack: str) -> list[str]:
        separator, text = argument
        return str(self.resolve(text, stack)).split(separator)

    def _select(self, argument: list[Any], stack: str) -> Any:
        index, items = argument
        return self.resolve(items, stack)[int(index)]
