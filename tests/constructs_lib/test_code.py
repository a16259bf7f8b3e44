"""Bundles: what goes in, what changes their hash, what is said when one can't be made."""

import dataclasses
import sys
from pathlib import Path

import pytest

from constructs_lib import BundlingFailed, PythonCode
from constructs_lib import code as code_module
from tests.constructs_lib.support import relay_code, small_code

ARM = "arm64"


def written(folder: Path, files: dict[str, str], *, handler: str = "app.handler.run") -> PythonCode:
    for name, text in files.items():
        path = folder / "sources" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    lock = folder / "lock.txt"
    lock.write_text("# made by a tool\nidna==3.10 \\\n    --hash=sha256:aa\n    # via someone\n")
    return PythonCode(sources=folder / "sources", handler=handler, requirements=lock)


def test_imports_are_followed_through_packages_relative_names_and_functions(tmp_path: Path) -> None:
    code = written(
        tmp_path,
        {
            "app/__init__.py": "from app.early import thing\n",
            "app/early.py": "thing = 1\n",
            "app/handler.py": (
                "from . import near\nfrom ..app.deep import below\nimport json\ndef run():\n    import late\n"
            ),
            "app/near.py": "",
            "app/deep/__init__.py": "",
            "app/deep/below.py": "",
            "app/unused.py": "",
            "late.py": "",
        },
    )
    assert set(code.files()) == {
        "app/__init__.py",
        "app/early.py",
        "app/handler.py",
        "app/near.py",
        "app/deep/__init__.py",
        "app/deep/below.py",
        "late.py",
    }


def test_imports_for_type_checkers_are_left_out_and_their_alternatives_are_not(tmp_path: Path) -> None:
    code = written(
        tmp_path,
        {
            "app/__init__.py": "",
            "app/handler.py": (
                "from typing import TYPE_CHECKING\n"
                "if TYPE_CHECKING:\n    import types_only\n"
                "else:\n    import other\n"
            ),
            "types_only.py": "",
            "other.py": "",
        },
    )
    assert set(code.files()) == {"app/__init__.py", "app/handler.py", "other.py"}


def test_data_and_folders_go_in_and_what_python_writes_does_not(tmp_path: Path) -> None:
    code = written(
        tmp_path,
        {
            "app/__init__.py": "",
            "app/handler.py": "",
            "app/data/a.txt": "a",
            "app/data/migration.py": "import used\n",
            "app/data/__pycache__/a.pyc": "",
            "used.py": "",
        },
    )
    types = tmp_path / "types"
    (types / "__pycache__").mkdir(parents=True)
    (types / "one.sql").write_text("select 1")
    (types / "__pycache__" / "x.pyc").touch()
    code = dataclasses.replace(code, data=["app/data"], folders={"report_types": types})
    assert set(code.files()) == {
        "app/__init__.py",
        "app/handler.py",
        "app/data/a.txt",
        "app/data/migration.py",
        "report_types/one.sql",
        "used.py",
    }


@pytest.mark.parametrize("name", [".DS_Store", ".orders.yaml.swp", "orders.yaml~", "orders.pyc", ".git/HEAD"])
def test_what_systems_and_editors_leave_in_a_folder_deploys_nothing_anew(tmp_path: Path, name: str) -> None:
    types = tmp_path / "types"
    types.mkdir()
    (types / "orders.yaml").write_text("name: orders\n")
    files = {"app/__init__.py": "", "app/handler.py": "", "app/data/a.txt": ""}
    code = dataclasses.replace(written(tmp_path, files), folders={"types": types}, data=["app/data"])
    before = code.fingerprint(ARM)
    for folder in (types, tmp_path / "sources/app/data"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("left behind")
    assert code.fingerprint(ARM) == before
    assert "types/orders.yaml" in code.files()


def test_the_fingerprint_changes_with_lock_sources_and_architecture(tmp_path: Path) -> None:
    code = written(tmp_path, {"app/__init__.py": "", "app/handler.py": "x = 1\n"})
    found = {code.fingerprint(ARM), code.fingerprint("x86_64")}
    (tmp_path / "sources/app/handler.py").write_text("x = 2\n")
    found.add(code.fingerprint(ARM))
    (tmp_path / "lock.txt").write_text("idna==3.11 \\\n    --hash=sha256:bb\n")
    found.add(code.fingerprint(ARM))
    assert len(found) == 4


def test_the_fingerprint_does_not_change_with_comments_byte_code_and_unused_files(tmp_path: Path) -> None:
    code = written(tmp_path, {"app/__init__.py": "", "app/handler.py": "x = 1\n"})
    before = code.fingerprint(ARM)
    lock = tmp_path / "lock.txt"
    lock.write_text("# made by another tool\n" + lock.read_text().split("\n", 1)[1])
    cache = tmp_path / "sources/app/__pycache__"
    cache.mkdir()
    (cache / "handler.cpython-313.pyc").write_bytes(b"1")
    (tmp_path / "sources/app/unused.py").touch()
    assert code.fingerprint(ARM) == before


@pytest.fixture(scope="module")
def relay(tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("relay")
    relay_code().bundle(output, ARM)
    return output


def test_the_relays_bundle_has_its_own_modules_and_no_other_functions(relay: Path) -> None:
    assert (relay / "relay/handler.py").is_file()
    assert (relay / "stomp").is_dir()
    others = ("api", "worker", "dead_letters", "migrator", "signing_key", "openpyxl", "reportlab")
    assert not [name for name in others if (relay / name).exists()]


def test_the_relays_bundle_holds_of_the_engine_only_what_it_imports(relay: Path) -> None:
    ours = {path for path in relay_code().files() if path.startswith("rendering")}
    assert {str(path.relative_to(relay)) for path in relay.glob("rendering/**/*.py")} == ours
    assert "rendering/pdf.py" not in ours
    assert "rendering/xlsx.py" not in ours


def test_a_bundle_holds_nothing_of_this_machine_and_nothing_that_lambda_brings(relay: Path) -> None:
    found = {path.name for path in relay.rglob("*")}
    assert not found & {"__pycache__", "tests", "bin", "RECORD", "INSTALLER", "direct_url.json"}
    assert not {path.name for path in relay.iterdir()} & {"boto3", "botocore", "s3transfer"}
    assert not [name for name in found if name.endswith(".pyc")]


def test_compiled_packages_are_those_of_lambdas_platform(relay: Path) -> None:
    libraries = [path.name for path in relay.rglob("*.so")]
    assert libraries
    assert all("aarch64" in name for name in libraries if "cpython" in name)


def test_a_missing_uv_is_named_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = small_code(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(BundlingFailed, match=r"uv was not found.*pip install uv"):
        code.bundle(tmp_path / "out", ARM)


def test_a_package_without_a_wheel_for_lambda_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = small_code(tmp_path)
    tools = tmp_path / "tools"
    tools.mkdir()
    uv = tools / "uv"
    uv.write_text(
        "#!/bin/sh\necho 'Because odd==1.0 has no wheels with a matching platform tag' >&2\nexit 1\n"
    )
    uv.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:/usr/bin:/bin")
    with pytest.raises(BundlingFailed) as raised:
        code.bundle(tmp_path / "out", ARM)
    text = str(raised.value)
    assert "uv could not install small.txt for Lambda on arm64" in text
    assert "odd==1.0 has no wheels" in text
    assert "Every package needs a wheel for that platform" in text


@pytest.mark.parametrize("handler", ["handler", "small.nothing.handler", "other.handler.handler", ""])
def test_a_handler_that_is_not_there_is_named(tmp_path: Path, handler: str) -> None:
    code = small_code(tmp_path)
    with pytest.raises(
        ValueError, match=f"handler must be 'package.module.function' below .*, got '{handler}'"
    ):
        dataclasses.replace(code, handler=handler)


def test_sources_a_lock_and_data_that_are_not_there_are_named(tmp_path: Path) -> None:
    code = small_code(tmp_path)
    with pytest.raises(ValueError, match=r"sources must be a folder, got .*nowhere"):
        dataclasses.replace(code, sources=tmp_path / "nowhere")
    with pytest.raises(ValueError, match=r"requirements must be a file, got .*nowhere\.txt"):
        dataclasses.replace(code, requirements=tmp_path / "nowhere.txt")
    with pytest.raises(ValueError, match="data 'fonts' does not exist in "):
        dataclasses.replace(code, data=["fonts"])


def test_a_bundle_that_lambda_would_refuse_is_refused_with_its_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = small_code(tmp_path)
    out = tmp_path / "out"
    out.mkdir()
    monkeypatch.setattr(code_module, "_LIMIT_BYTES", 10)
    with pytest.raises(BundlingFailed, match=r"The bundle of small has .* MB; Lambda takes"):
        code.bundle(out, ARM)
