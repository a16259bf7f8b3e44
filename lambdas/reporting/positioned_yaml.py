"""Reads YAML as plain JSON values, and remembers the line of each.

Scalars follow the JSON schema of YAML 1.2.2 (section 10.2): ``no`` and ``on`` are words, ``01310`` keeps
its zero, ``2026-01-31`` is a string, and ``0.1`` is an exact ``Decimal``. Duplicate keys, aliases and
tags of one's own are refused, since each of them hides what a definition says.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import yaml

type Path = tuple[str | int, ...]

_PREFIX = "tag:yaml.org,2002:"
_RESOLVERS: list[tuple[str, str, str]] = [
    ("null", r"null|~|", "n~"),
    ("bool", r"true|false", "tf"),
    ("int", r"-?(?:0|[1-9][0-9]*)", "-0123456789"),
    ("float", r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?", "-0123456789"),
]


class YamlProblem(ValueError):
    """The text can't be read; ``line`` is 1-based."""

    def __init__(self, line: int, detail: str) -> None:
        super().__init__(f"line {line}: {detail}")
        self.line = line
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Document:
    """``value`` holds dict, list, str, int, Decimal, bool and None; ``lines`` the 1-based line by path."""

    value: Any
    lines: Mapping[Path, int]

    def line(self, path: Path) -> int:
        """The line of ``path``, or of its nearest parent that the text has."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


class _Loader(yaml.SafeLoader):
    """Composes nodes with the scalars above; the constructors of PyYAML are not used."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event: yaml.Event = self.peek_event()  # type: ignore[no-untyped-call]
        for attribute, name in (("anchor", "anchors and aliases"), ("tag", "tags")):
            if getattr(event, attribute, None) is not None:
                raise YamlProblem(_line(event.start_mark), f"{name} are not allowed")
        node: yaml.Node | None = super().compose_node(parent, index)
        return node


_Loader.yaml_implicit_resolvers = {}
for _name, _pattern, _first in _RESOLVERS:
    _firsts: list[str | None] = [*_first, *([""] if _name == "null" else [])]
    _Loader.add_implicit_resolver(f"{_PREFIX}{_name}", re.compile(rf"(?:{_pattern})\Z"), _firsts)


def read_yaml(text: str) -> Document:
    """Read one YAML document. Raises ``YamlProblem`` at the first thing that can't be read."""
    try:
        node = _Loader(text).get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        # Some problems end a sentence that the context begins: "expected …", "but found …".
        said = [error.context] if error.context and (error.problem or "").startswith("but ") else []
        raise YamlProblem(_line(mark), ", ".join([*said, error.problem or "is not YAML"])) from error
    except yaml.YAMLError as error:
        raise YamlProblem(1, str(error).splitlines()[0]) from error
    if node is None:
        raise YamlProblem(1, "the file is empty")
    lines: dict[Path, int] = {}
    return Document(_value(node, (), lines), lines)


def _line(mark: yaml.error.Mark | Any | None) -> int:
    return 1 if mark is None else int(mark.line) + 1


def _value(node: yaml.Node, path: Path, lines: dict[Path, int]) -> Any:
    lines.setdefault(path, _line(node.start_mark))
    if isinstance(node, yaml.MappingNode):
        return dict(_members(node, path, lines))
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, (*path, index), lines) for index, item in enumerate(node.value)]
    return _scalar(node)


def _members(node: yaml.MappingNode, path: Path, lines: dict[Path, int]) -> Iterator[tuple[str, Any]]:
    seen: set[str] = set()
    for key_node, value_node in node.value:
        line = _line(key_node.start_mark)
        if not isinstance(key_node, yaml.ScalarNode):
            raise YamlProblem(line, "a key must be a string")
        key = key_node.value
        if key in seen:
            raise YamlProblem(line, f"the key {key!r} stands twice")
        seen.add(key)
        lines[*path, key] = line
        yield key, _value(value_node, (*path, key), lines)


def _scalar(node: yaml.Node) -> str | int | Decimal | bool | None:
    text: str = node.value
    match node.tag.removeprefix(_PREFIX):
        case "null":
            return None
        case "bool":
            return text == "true"
        case "int":
            return int(text)
        case "float":
            return Decimal(text)
        case _:
            return text
