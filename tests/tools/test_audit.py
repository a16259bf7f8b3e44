"""What the audit makes of pip-audit's answers. A stand-in gives them, since real advisories come and go."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tools.audit import ROOT, lock_files, main

CLEAN = {"name": "attrs", "version": "26.1.0", "vulns": []}
KNOWN = {
    "name": "jinja2",
    "version": "2.4.1",
    "vulns": [
        {"id": "PYSEC-2014-8", "aliases": ["CVE-2014-0012"], "fix_versions": ["2.7.2"], "description": "x"},
        {"id": "PYSEC-0000-0", "aliases": [], "fix_versions": [], "description": "x"},
    ],
}
SKIPPED = {"name": "private", "skip_reason": "Dependency not found"}
#: What pip-audit says, as a success, of a mirror that has packages and no advisories.
NONE_KNOWN = json.dumps({"dependencies": [SKIPPED, SKIPPED], "fixes": []})


def answering(folder: Path, output: str, *, error: str = "", code: int = 0) -> list[str]:
    """The command of a pip-audit that says this."""
    script = folder / "pip_audit.py"
    script.write_text(
        f"import sys\nsys.stdout.write({output!r})\nsys.stderr.write({error!r})\nsys.exit({code})\n"
    )
    return [sys.executable, str(script)]


def said_of(
    dependencies: list[dict[str, Any]], folder: Path, capsys: pytest.CaptureFixture[str]
) -> list[str]:
    """How the audit of such a lock file ends, and each line that it prints."""
    output = json.dumps({"dependencies": dependencies, "fixes": []})
    command = answering(folder, output, code=int(KNOWN in dependencies))
    end = main(["x.txt"], command=command)
    return [str(end), *capsys.readouterr().out.splitlines()]


def test_each_finding_is_printed_and_the_end_says_that_there_was_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said_of([CLEAN], tmp_path, capsys) == ["0", "x.txt: 1 packages, 0 known vulnerabilities"]
    assert said_of([CLEAN, KNOWN], tmp_path, capsys) == [
        "1",
        "x.txt: 2 packages, 2 known vulnerabilities",
        "  jinja2 2.4.1: PYSEC-2014-8, CVE-2014-0012; fixed in 2.7.2",
        "  jinja2 2.4.1: PYSEC-0000-0; fixed in no version yet",
    ]


def test_a_package_that_the_service_does_not_know_is_no_success(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said_of([CLEAN, SKIPPED], tmp_path, capsys) == [
        "2",
        "x.txt: 2 packages, 0 known vulnerabilities",
        "  not known to the service: private: Dependency not found",
    ]


@pytest.mark.parametrize("output", ["", "not json", "[]", '{"dependencies": []}', NONE_KNOWN])
def test_a_service_that_was_not_reached_is_said_in_one_line_and_is_no_success(
    output: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = answering(tmp_path, output, error="Traceback\n  x\nERROR: no route to the service\n", code=1)
    assert main(["x.txt", "y.txt"], command=command) == 2
    captured = capsys.readouterr()
    [line] = captured.err.splitlines()
    assert line.startswith("x.txt: NOT AUDITED by the advisory service pypi: ")
    assert captured.out == ""


def test_every_lock_file_is_audited() -> None:
    found = {path for path in ROOT.rglob("*.txt") if "--hash=sha256:" in path.read_text(encoding="utf-8")
             and not {".venv", ".local"} & set(path.relative_to(ROOT).parts)}  # fmt: skip
    assert set(lock_files()) == found
    assert len(found) >= 12
