"""Writes docs/constructs.md from the docstrings and signatures of the constructs.

`python -m tools.constructs_page`; a test compares the page with the code.
"""

import inspect
import re
from pathlib import Path

from stacks.node import use_packaged_node

use_packaged_node()

import constructs_lib  # noqa: E402 - after Node.js is chosen

PAGE = Path(__file__).resolve().parent.parent / "docs" / "constructs.md"
_ORDER = (
    "ReportService",
    "PrivateNetwork",
    "ActiveMqBroker",
    "ActiveMqQueueConsumer",
    "MySqlDatabase",
    "StatusCache",
    "SignedDistribution",
    "SigningKey",
    "ApiIdentity",
    "ReportApi",
    "PythonFunction",
)
_OPTIONS = ("Lanes", "ReportLimits", "TenantQuota", "ReportDatabase", "Throttle", "PythonCode", "Route")
_HEAD = """# Constructs

`constructs_lib` is a package of its own, `prensa-constructs`: `make wheel` builds it, with the functions'
code inside. Each construct works by itself in any stack, twice in one stack, and without account or region.
Wrong props raise an error that says what was wrong, the value got and the values allowed. Nothing has a
physical name of your choosing, so two never collide.

Used in several stacks, references between them are the app's: with the flag
`"@aws-cdk/core:defaultCrossStackReferences": "weak"`, which this repository's `cdk.json` has, no stack
locks another. Without it the CDK exports what another stack uses; to take such a use away, keep the export
for one release with `stack.export_value(...)`, deploy, and then remove it.

This page is made from the docstrings (`python -m tools.constructs_page`); each example is synthesized by a
test.
"""


def page() -> str:
    """The page as Markdown."""
    parts = [_HEAD]
    parts += [_section(name) for name in _ORDER]
    parts += ["## Options\n", *(_section(name, level=3) for name in _OPTIONS)]
    return "\n".join(parts)


def _section(name: str, *, level: int = 2) -> str:
    cls = getattr(constructs_lib, name)
    text = _markdown(inspect.cleandoc(cls.__doc__ or ""))
    rows = [
        f"| `{parameter.name}` | `{_type(parameter)}` | {_default(parameter)} |"
        for parameter in inspect.signature(cls.__init__).parameters.values()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    ]
    table = ["| prop | type | default |", "|---|---|---|", *rows, ""] if rows else []
    return "\n".join([f"{'#' * level} {name}\n", text, "", *table])


def _markdown(docstring: str) -> str:
    """Docstrings have double backticks and an indented example."""
    prose, _, example = docstring.partition("Example::")
    prose = re.sub(r":\w+:`~?([^`]+)`", r"`\1`", prose).replace("``", "`").strip()
    if not example:
        return prose
    return f"{prose}\n\n```python\n{inspect.cleandoc(example)}\n```"


def _type(parameter: inspect.Parameter) -> str:
    annotation = parameter.annotation
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    short = re.sub(r"\b(?:[a-z_][\w]*\.)+(?=[A-Z])", "", text)
    return short.replace("|", "\\|")


def _default(parameter: inspect.Parameter) -> str:
    if parameter.default is inspect.Parameter.empty:
        return "required"
    if parameter.default is None:
        return ""
    if str(parameter.default) == "<factory>":
        return "empty"
    name = getattr(parameter.default, "name", None)
    return f"`{name or parameter.default!r}`"


if __name__ == "__main__":
    PAGE.write_text(page())
