"""Asks an advisory service about every package that a lock file names.

    python -m tools.audit [--service osv] [LOCK ...]

Ends with 0 when nothing is known, with 1 when something is, and with 2 when a lock file could not be audited
as a whole: the service was not reached, or it does not know a package. pip-audit asks; ``make audit``
installs it.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
SERVICES = ("pypi", "osv")
_PIP_AUDIT = (sys.executable, "-m", "pip_audit")
_OPTIONS = ("--require-hashes", "--disable-pip", "--format", "json", "--progress-spinner", "off")
_NOTHING_KNOWN, _SOMETHING_KNOWN, _NOT_AUDITED = range(3)


class NotAudited(Exception):
    """A lock file could not be audited; the text says why in one line."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Audit:
    """What is known of the packages of a lock file. ``skipped`` are those that the service does not know."""

    packages: int
    findings: tuple[str, ...]
    skipped: tuple[str, ...]


def lock_files(root: Path = ROOT) -> list[Path]:
    """Every lock file of the project."""
    return [root / "requirements.txt", *sorted((root / "requirements").glob("*.txt"))]


def audit(lock: Path, *, service: str, command: Sequence[str] = _PIP_AUDIT) -> Audit:
    """Ask about one lock file. Raises :class:`NotAudited`."""
    arguments = [*command, "--requirement", str(lock), "--vulnerability-service", service, *_OPTIONS]
    finished = subprocess.run(arguments, capture_output=True, text=True, check=False)
    try:
        # pip-audit ends with 1 both when it has found something and when it could not ask.
        dependencies: list[dict[str, Any]] = json.loads(finished.stdout)["dependencies"]
    except (ValueError, KeyError, TypeError) as error:
        raise NotAudited(_last_line(finished.stderr)) from error
    skipped = [f"{found['name']}: {found['skip_reason']}" for found in dependencies if "skip_reason" in found]
    if len(skipped) == len(dependencies):
        # A mirror that has packages and no advisories says so of each; to pip-audit that is a success.
        raise NotAudited(f"it knows none of the {len(dependencies)} packages; this is no advisory service")
    return Audit(
        packages=len(dependencies),
        findings=tuple(
            _finding(found, vulnerability)
            for found in dependencies
            for vulnerability in found.get("vulns", ())
        ),
        skipped=tuple(skipped),
    )


def _finding(package: dict[str, Any], vulnerability: dict[str, Any]) -> str:
    names = ", ".join([vulnerability["id"], *vulnerability.get("aliases", ())])
    fixed = ", ".join(vulnerability.get("fix_versions", ())) or "no version yet"
    return f"{package['name']} {package['version']}: {names}; fixed in {fixed}"


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:300] if lines else "pip-audit said nothing"


def main(arguments: Sequence[str] | None = None, *, command: Sequence[str] = _PIP_AUDIT) -> int:
    parser = argparse.ArgumentParser(prog="tools.audit", description=__doc__.partition("\n")[0])
    parser.add_argument("locks", nargs="*", type=Path, metavar="LOCK", help="all of the project's by default")
    parser.add_argument("--service", choices=SERVICES, default=SERVICES[0])
    options = parser.parse_args(arguments)
    known, missed = 0, 0
    for lock in options.locks or lock_files():
        name = lock.relative_to(ROOT) if lock.is_relative_to(ROOT) else lock
        try:
            found = audit(lock, service=options.service, command=command)
        except NotAudited as reason:
            print(f"{name}: NOT AUDITED by the advisory service {options.service}: {reason}", file=sys.stderr)
            return _NOT_AUDITED
        print(f"{name}: {found.packages} packages, {len(found.findings)} known vulnerabilities")
        for line in found.findings:
            print(f"  {line}")
        for line in found.skipped:
            print(f"  not known to the service: {line}")
        known += len(found.findings)
        missed += len(found.skipped)
    if known:
        return _SOMETHING_KNOWN
    return _NOT_AUDITED if missed else _NOTHING_KNOWN


if __name__ == "__main__":
    sys.exit(main())
