"""Synthesized environments, as the tests read them."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from local.templates import Templates
from stacks.node import use_packaged_node

use_packaged_node()

from stacks.application import build_app  # noqa: E402 - after Node.js is chosen
from stacks.environments import ENVIRONMENTS, Environment  # noqa: E402

REPOSITORY = Path(__file__).parents[2]
CONTEXT: dict[str, Any] = json.loads((REPOSITORY / "cdk.json").read_text())["context"]
NAMES = tuple(ENVIRONMENTS)

type Properties = dict[str, Any]
type Resource = dict[str, Any]


class Assembly:
    """The templates of one environment by the part of the stack's name, such as ``Service``."""

    def __init__(self, environment: Environment, templates: dict[str, dict[str, Any]]) -> None:
        self.environment = environment
        self.templates = templates

    def resources(self, *kinds: str) -> Iterator[tuple[str, str, Resource]]:
        """Stack, logical id and resource of every resource, or of those of ``kinds``."""
        for stack, template in self.templates.items():
            for logical_id, resource in template["Resources"].items():
                if not kinds or resource["Type"] in kinds:
                    yield stack, logical_id, resource

    def properties(self, kind: str) -> list[Properties]:
        return [resource.get("Properties", {}) for _, _, resource in self.resources(kind)]

    def one(self, kind: str) -> Properties:
        [found] = self.properties(kind)
        return found

    def functions(self) -> dict[str, tuple[str, Resource]]:
        """Logical id and resource of our own functions, by the folder of their handler."""
        return {
            str(resource["Properties"]["Handler"]).partition(".")[0]: (logical_id, resource)
            for _, logical_id, resource in self.resources("AWS::Lambda::Function")
            if str(resource["Properties"].get("Runtime", "")).startswith("python")
        }


def synthesize(environment: Environment, folder: Path, *, checks: bool = False) -> Path:
    """Synthesize without the functions' code; returns the assembly's folder."""
    app = build_app(environment=environment, outdir=str(folder), context=CONTEXT, bundle=False, checks=checks)
    app.synth()
    return folder


def read(environment: Environment, folder: Path) -> Assembly:
    prefix = f"Prensa-{environment.name}-"
    templates = {name.removeprefix(prefix): t for name, t in Templates(folder).stacks.items()}
    return Assembly(environment, templates)


def statements(document: Mapping[str, Any]) -> Iterator[tuple[list[str], list[Any], Mapping[str, Any]]]:
    """Actions, resources and the statement itself of each statement of a policy document."""
    for statement in document["Statement"]:
        actions, resources = statement.get("Action", []), statement.get("Resource", [])
        yield (
            actions if isinstance(actions, list) else [actions],
            resources if isinstance(resources, list) else [resources],
            statement,
        )
