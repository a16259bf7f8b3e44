"""Each function runs from its bundle alone, in a clean interpreter of the version that Lambda has.

The bundles are made for the architecture of this machine: the code and the packages are the same, the
wheels' binaries are this machine's.
"""

import platform
import subprocess
import sys
from pathlib import Path

import pytest

from constructs_lib.runtime import PYTHON_VERSION
from constructs_lib.sources import function_code

FUNCTIONS = ("api", "worker", "relay", "dead_letters", "migrator", "signing_key")
REPORT_TYPES = Path(__file__).parents[2] / "report_types"
ARCHITECTURE = "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64"
#: What Lambda's runtime for Python brings: https://docs.aws.amazon.com/lambda/latest/dg/lambda-python.html
RUNTIME = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "six.py")
_WORK = {
    "api": "from api.documentation import openapi_json; from api.routes import app; openapi_json(app)",
    "migrator": """
from pathlib import Path
import migrator.migrate
assert list((Path(migrator.migrate.__file__).parent / "migrations" / "versions").glob("*.py"))
""",
    "signing_key": "import signing_key.key_pair as pair; pair.public_key(pair.new_private_key())",
}
_RENDER = """
import io
from datetime import UTC, datetime
from rendering.engine import render
from rendering.model import Column, Format, Options, Table

for format in (Format.XLSX, Format.PDF, Format.CSV):
    sink = io.BytesIO()
    table = Table(title="T", columns=(Column(key="a", label="A"),))
    options = Options(created_at=datetime(2026, 1, 2, tzinfo=UTC))
    text = "\u00e7a va \u0633\u0644\u0627\u0645 \u4e2d\ud55c \U0001f680\ufe0f"
    render(table=table, batches=[[[text]]], format=format, options=options, sink=sink)
    print(repr(sink.getvalue()[:2]))
"""
_READ = """
from rendering.model import Column
from reporting.delimited import delimited
from reporting.json_lines import json_lines
from reporting.object_reading import object_chunks

columns = [Column(key="a", label="a")]
print(list(delimited([b"a\\n1\\n"], columns=columns)), list(json_lines([b"[1]"], columns=columns)))
"""
_REPORT_TYPES = """
from pathlib import Path
from reporting.report_types import load_report_types
assert load_report_types(Path(ROOT) / "report_types")
"""


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the runtime brings, and nothing else of this environment."""
    folder = tmp_path_factory.mktemp("runtime")
    import botocore

    packages = Path(botocore.__file__).parent.parent
    for name in RUNTIME:
        (folder / name).symlink_to(packages / name)
    return folder


@pytest.fixture(scope="module", params=FUNCTIONS)
def bundle(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    name: str = request.param
    folder = tmp_path_factory.mktemp(name)
    types = REPORT_TYPES if name in ("api", "worker") else None
    function_code(name, report_types=types).bundle(folder, ARCHITECTURE)
    return name, folder


def test_the_handler_imports_from_its_bundle_alone(bundle: tuple[str, Path], runtime: Path) -> None:
    name, folder = bundle
    work = _WORK.get(name, "")
    if name in ("api", "worker"):
        work += "\n" + _REPORT_TYPES
    handler = f"import_module('{name}.handler').handler"
    finished = run(
        f"from importlib import import_module\nassert callable({handler})\n{work}",
        folder,
        runtime,
    )
    assert finished.returncode == 0, finished.stderr[-3000:]


def test_the_worker_renders_every_format_from_its_bundle(bundle: tuple[str, Path], runtime: Path) -> None:
    name, folder = bundle
    if name != "worker":
        return
    finished = run(_RENDER, folder, runtime)
    assert finished.returncode == 0, finished.stderr[-3000:]
    assert finished.stdout.split() == ["b'PK'", "b'%P'", r"b'\xef\xbb'"]


def test_the_worker_reads_datasets_from_its_bundle(bundle: tuple[str, Path], runtime: Path) -> None:
    name, folder = bundle
    if name != "worker":
        return
    finished = run(_READ, folder, runtime)
    assert finished.returncode == 0, finished.stderr[-3000:]
    assert finished.stdout.strip() == "[[('1',)]] [[[1]]]"


def run(code: str, folder: Path, runtime: Path) -> "subprocess.CompletedProcess[str]":
    """Run ``code`` without site-packages, with the bundle and the runtime on the path, as Lambda does."""
    assert f"{sys.version_info[0]}.{sys.version_info[1]}" == PYTHON_VERSION
    path = f"import sys\nROOT = {str(folder)!r}\nsys.path[:0] = [ROOT, {str(runtime)!r}]\n"
    return subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", path + code],
        capture_output=True,
        text=True,
        check=False,
        env={
            "POWERTOOLS_SERVICE_NAME": "x",
            "POWERTOOLS_METRICS_NAMESPACE": "x",
            "POWERTOOLS_TRACE_DISABLED": "true",
            "AWS_REGION": "us-east-1",
            "HOME": str(folder),
        },
        timeout=60,
    )
