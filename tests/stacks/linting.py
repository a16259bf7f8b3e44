"""cfn-lint over templates, with the findings that are explained left out."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

#: Findings that stay, each with its reason.
EXPLAINED = {
    "W3005": "The CDK writes DependsOn also where a reference says it already.",
    "E1022": "cfn-lint does not know Fn::GetStackOutput, whose value is a text that Fn::Split may take.",
    "E3691": "RDS takes a major version and keeps the minor one up to date itself; a patch number here would "
    "be a downgrade after its first upgrade.",
}


_CFN_LINT = Path(sys.executable).parent / "cfn-lint"


def lint(templates: dict[str, dict[str, Any]], folder: Path) -> list[str]:
    """The findings over ``templates``, as ``stack: rule: message``."""
    files = []
    for stack, template in templates.items():
        file = folder / f"{stack}.json"
        file.write_text(json.dumps(template))
        files.append(str(file))
    finished = subprocess.run(
        [
            *(str(_CFN_LINT), "--format", "json", "--ignore-checks", *EXPLAINED),
            *("--regions", "us-east-1", "--template", *files),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if not finished.stdout.strip():
        if finished.returncode:
            raise RuntimeError(f"cfn-lint failed: {finished.stderr}")
        return []
    return [
        f"{Path(found['Filename']).stem}: {found['Rule']['Id']}: {found['Message']}"
        for found in json.loads(finished.stdout)
    ]
