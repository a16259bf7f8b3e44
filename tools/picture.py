"""Draws the stacks as they are synthesized: what is in each, and which takes something from which.

`python -m tools.picture` writes docs/stacks.svg; a test compares it with the app.
"""

from collections import Counter
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from local.synthesis import synthesized
from local.templates import Templates

PICTURE = Path(__file__).resolve().parent.parent / "docs" / "stacks.svg"
#: Where each stack stands: column and row.
_PLACES = {
    "Observability": (0, 0),
    "Service": (2, 0),
    "Data": (0, 1),
    "Messaging": (1, 1),
    "Delivery": (2, 1),
    "Network": (1, 2),
}
#: What is worth a line, by the words of the field.
_NAMES = {
    "AWS::EC2::VPC": "VPC without NAT",
    "AWS::EC2::VPCEndpoint": "endpoint",
    "AWS::RDS::DBInstance": "RDS for MySQL",
    "AWS::ElastiCache::ReplicationGroup": "ElastiCache for Valkey",
    "AWS::Cognito::UserPool": "Cognito user pool",
    "AWS::AmazonMQ::Broker": "Amazon MQ for ActiveMQ",
    "AWS::CloudFront::Distribution": "CloudFront distribution",
    "AWS::CloudFront::PublicKey": "key of signed links",
    "AWS::S3::Bucket": "bucket",
    "AWS::SecretsManager::Secret": "secret",
    "AWS::Lambda::EventSourceMapping": "event source mapping",
    "AWS::ApiGateway::RestApi": "REST API",
    "AWS::ApiGateway::Method": "route",
    "AWS::Events::Rule": "schedule",
    "Custom::Trigger": "migration at deployment",
    "AWS::CloudWatch::Alarm": "alarm",
    "AWS::CloudWatch::CompositeAlarm": "composite alarm",
    "AWS::CloudWatch::Dashboard": "dashboard",
    "AWS::SNS::Topic": "topic of alarms",
}
_WIDTH, _HEIGHT, _LINE = 250, 265, 19
# Wide enough that no arrow crosses a box.
_GAP_X, _GAP_Y, _MARGIN = 150, 150, 20


def draw(assembly: Path) -> str:
    """The picture of a cloud assembly as SVG."""
    templates = {name.rpartition("-")[2]: t for name, t in Templates(assembly).stacks.items()}
    width = 2 * _MARGIN + 3 * _WIDTH + 2 * _GAP_X
    height = 2 * _MARGIN + 3 * _HEIGHT + 2 * _GAP_Y
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        'font-family="system-ui, sans-serif" font-size="13">',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
        'orient="auto-start-reverse"><path d="M0 0 L8 4 L0 8 z" fill="#64748b"/></marker></defs>',
    ]
    for stack, template in templates.items():
        parts += [_arrow(stack, other) for other in sorted(_references(template)) if other != stack]
    for stack, template in templates.items():
        parts += _box(stack, _lines(template))
    return "\n".join([*parts, "</svg>"]) + "\n"


def _references(value: Any) -> set[str]:
    """The stacks that a template takes outputs of."""
    if isinstance(value, Mapping):
        found = {
            item["StackName"].rpartition("-")[2] for key, item in value.items() if key == "Fn::GetStackOutput"
        }
        return found.union(*(_references(item) for item in value.values()))
    if isinstance(value, list):
        return set().union(*(_references(item) for item in value))
    return set()


def _lines(template: Mapping[str, Any]) -> list[str]:
    resources = template["Resources"].values()
    functions = sorted(
        str(resource["Properties"]["Handler"]).partition(".")[0]
        for resource in resources
        if resource["Type"] == "AWS::Lambda::Function"
        and str(resource["Properties"].get("Runtime", "")).startswith("python")
    )
    counted = Counter(resource["Type"] for resource in resources)
    lines = [f"function {name}" for name in functions]
    for kind, name in _NAMES.items():
        if count := counted[kind]:
            lines.append(name if count == 1 else f"{count} {_plural(name)}")
    return lines


def _plural(name: str) -> str:
    return f"{name}es" if name.endswith("s") else f"{name}s"


def _corner(stack: str) -> tuple[int, int]:
    column, row = _PLACES[stack]
    return _MARGIN + column * (_WIDTH + _GAP_X), _MARGIN + row * (_HEIGHT + _GAP_Y)


def _box(stack: str, lines: list[str]) -> list[str]:
    x, y = _corner(stack)
    return [
        f'<rect x="{x}" y="{y}" width="{_WIDTH}" height="{_HEIGHT}" rx="8" fill="#f8fafc" stroke="#334155"/>',
        f'<text x="{x + 14}" y="{y + 25}" font-size="15" font-weight="600">{escape(stack)}</text>',
        *(
            f'<text x="{x + 14}" y="{y + 50 + number * _LINE}" fill="#334155">{escape(line)}</text>'
            for number, line in enumerate(lines)
        ),
    ]


def _arrow(stack: str, other: str) -> str:
    """From the edge of one box to the edge of the other."""
    (x1, y1), (x2, y2) = (_middle(stack), _middle(other))
    start, end = _edge(stack, x2 - x1, y2 - y1), _edge(other, x1 - x2, y1 - y2)
    return (
        f'<line x1="{start[0]:.0f}" y1="{start[1]:.0f}" x2="{end[0]:.0f}" y2="{end[1]:.0f}" '
        'stroke="#64748b" stroke-width="1.5" marker-end="url(#arrow)"/>'
    )


def _middle(stack: str) -> tuple[float, float]:
    x, y = _corner(stack)
    return x + _WIDTH / 2, y + _HEIGHT / 2


def _edge(stack: str, dx: float, dy: float) -> tuple[float, float]:
    x, y = _middle(stack)
    scale = min(_WIDTH / 2 / abs(dx) if dx else 9e9, _HEIGHT / 2 / abs(dy) if dy else 9e9)
    return x + dx * scale, y + dy * scale


if __name__ == "__main__":
    PICTURE.write_text(draw(synthesized()))
