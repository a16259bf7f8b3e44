"""The constructs as a package: what is in it, and that it works where the repository is not."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from constructs_lib.code import _uv
from tests.constructs_lib.support import ROOT

_FUNCTIONS = ("api", "worker", "relay", "dead_letters", "migrator", "signing_key")
_APP = """
import aws_cdk as cdk
from constructs_lib import ReportService

app = cdk.App(analytics_reporting=False, outdir="cdk.out", builtin_cloud_formation_validation=False)
stack = cdk.Stack(app, "Reports")
service = ReportService(stack, "Service")
cdk.CfnOutput(stack, "Url", value=service.url)
app.synth()
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built with the hatchling of this environment: nothing is fetched."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT / "constructs_lib",
        check=True,
        capture_output=True,
    )
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_the_package_has_every_module_and_says_that_it_is_typed(names: set[str]) -> None:
    modules = {f"constructs_lib/{path.name}" for path in (ROOT / "constructs_lib").glob("*.py")}
    assert modules - {"constructs_lib/hatch_build.py"} <= names
    assert {"constructs_lib/py.typed", "constructs_lib/LICENSE"} <= names
    assert {name.split("/")[0] for name in names} == {"constructs_lib", "prensa_constructs-0.1.0.dist-info"}


def test_the_functions_code_and_locks_are_inside(names: set[str]) -> None:
    assets = "constructs_lib/assets"
    for function in _FUNCTIONS:
        assert f"{assets}/lambdas/{function}/handler.py" in names
        assert f"{assets}/requirements/{function}.txt" in names
    data = {
        "reporting/certificates/rds-authorities.pem",
        "rendering/fonts/DejaVuSansCondensed.ttf",
        "rendering/_native.c",
    }
    assert {f"{assets}/lambdas/{name}" for name in data} <= names
    assert any(name.startswith(f"{assets}/lambdas/migrator/migrations/versions/") for name in names)


def test_no_byte_code_no_tests_and_no_development_lock_is_inside(names: set[str]) -> None:
    assert not [name for name in names if "__pycache__" in name or name.endswith(".pyc") or "/tests/" in name]
    assert not [name for name in names if "development" in name or name.endswith("pyproject.toml")]
    assert not [name for name in names if name.endswith(".so")]


def test_an_app_elsewhere_synthesizes_with_the_installed_package(wheel: Path, tmp_path: Path) -> None:
    """The package and its dependencies, in an environment of their own; functions are bundled for real."""
    environment = tmp_path / "environment"
    python = environment / "bin" / "python"
    for command in (
        ["venv", "--quiet", "--python", sys.executable, str(environment)],
        ["pip", "install", "--quiet", "--python", str(python), str(wheel)],
    ):
        subprocess.run([_uv(), *command], check=True, capture_output=True, cwd=ROOT, timeout=100)
    app = tmp_path / "app"
    app.mkdir()
    (app / "app.py").write_text(_APP)
    clean = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}
    subprocess.run([str(python), "app.py"], cwd=app, env=clean, check=True, capture_output=True, timeout=100)
    assert (app / "cdk.out" / "Reports.template.json").is_file()
    bundles = [path for path in (app / "cdk.out").glob("asset.*") if (path / "signing_key").is_dir()]
    assert len(bundles) == 1
    assert (bundles[0] / "cryptography").is_dir()
